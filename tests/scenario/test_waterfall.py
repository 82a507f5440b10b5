"""The cost waterfall and the tornado against each other, brute changes and sums."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import capacity_opt as co
from capacity_opt.scenario.tornado import aimed, discounted, grown, led, priced, tornado
from capacity_opt.scenario.waterfall import NOT_SOLVED, Resolve, divisible, exchangeable, waterfall
from tests.scenario import small

SEED = 3


def quiet(message):
    """Tell nobody."""


RESOLVE = Resolve(formulation="two_stage", seed=SEED, time_limit=30.0, tell=quiet)
ORDER = ["mean", "peak", "uncertainty", "failover", "lead_time", "stranding", "lots", "total"]


@pytest.fixture(scope="module")
def problem(tmp_path_factory):
    folder = small.write(tmp_path_factory.mktemp("waterfall") / "small")
    (folder / "classes.csv").write_text(
        "class,vcpu,memory_gib,fill_rate,penalty_usd,protected_share\ncritical,1,4,0.99,900,0.5\nstandard,1,2,0.9,200,0\n",
        encoding="utf-8",
    )
    return co.read_scenario(folder).fleet


@pytest.fixture(scope="module")
def plan(problem):
    return co.size_fleet(problem, gap=0.001, seed=SEED)


@pytest.fixture(scope="module")
def steps(problem, plan):
    return pd.DataFrame(waterfall(problem, plan, RESOLVE).columns)


def test_the_steps_come_in_the_stated_order_and_sum_to_the_plan(steps, plan):
    assert list(steps.step) == ORDER
    assert steps.EffectiveCost[:-1].sum() == pytest.approx(plan.objective, rel=1e-12)
    assert steps.EffectiveCost.iloc[-1] == plan.objective
    assert np.allclose(steps.EffectiveCost[:-1].cumsum(), steps.cumulative[:-1])


def test_causes_that_only_restrict_never_make_it_cheaper(steps):
    amounts = steps.set_index("step").EffectiveCost
    for step in ("uncertainty", "failover", "lead_time", "stranding", "lots"):
        assert amounts[step] >= -1e-6 * amounts["total"], step
    assert amounts["lots"] > 0


def test_the_lots_step_is_what_the_plan_says_whole_racks_cost(steps, plan):
    amounts = steps.set_index("step").EffectiveCost
    assert amounts["lots"] == pytest.approx(plan.facts["lot_premium"], rel=1e-4, abs=1.0)


def test_causes_that_are_not_there_cost_nothing(problem, plan):
    bare = replace(
        divisible(problem, SEED),
        service=replace(problem.service, protected_share=np.full_like(problem.service.protected_share, np.nan)),
        supply=replace(problem.supply, lead_time=np.zeros_like(problem.supply.lead_time)),
    )
    own = co.size_fleet(bare, seed=SEED)
    amounts = pd.DataFrame(waterfall(bare, own, RESOLVE).columns).set_index("step").EffectiveCost
    for step in ("failover", "lead_time", "lots"):
        assert amounts[step] == pytest.approx(0.0, abs=1e-6 * amounts["total"]), step


def test_one_resource_strands_nothing(problem):
    single = replace(
        problem,
        resources=("vcpu",),
        server_types=replace(problem.server_types, capacity=problem.server_types.capacity[:, :1]),
        groups=replace(problem.groups, usage=problem.groups.usage[:, :1], overcommit=problem.groups.overcommit[:, :1]),
    )
    trial = divisible(single, SEED)
    assert co.size_fleet(exchangeable(trial), seed=SEED).objective == pytest.approx(
        co.size_fleet(trial, seed=SEED).objective, rel=1e-6
    )


def test_a_step_without_a_solution_is_counted_with_the_next(problem, plan, monkeypatch):
    real = Resolve.plan

    def failing(self, trial, *, formulation=None):
        if formulation == "two_stage" and len(trial.resources) == 1 and trial.supply.lead_time.any():
            raise co.InfeasibleError("no", ())
        return real(self, trial, formulation=formulation)

    monkeypatch.setattr(Resolve, "plan", failing)
    found = pd.DataFrame(waterfall(problem, plan, RESOLVE).columns).set_index("step")
    assert found.EffectiveCost["lead_time"] == 0
    assert found.status["lead_time"] == NOT_SOLVED
    assert found.EffectiveCost[:-1].sum() == pytest.approx(plan.objective, rel=1e-12)


@pytest.fixture(scope="module")
def sides(problem):
    return pd.DataFrame(tornado(problem, RESOLVE, per_year=12.0).columns).set_index("factor")


def test_every_factor_is_solved_on_both_sides_of_one_base(sides):
    assert list(sides.index) == ["demand_growth", "server_price", "lead_time", "target", "discount_rate"]
    assert sides.base.nunique() == 1


@pytest.mark.parametrize("factor", ["demand_growth", "server_price", "lead_time", "target"])
def test_more_of_it_costs_more(sides, factor):
    row = sides.loc[factor]
    slack = 1e-6 * row.base
    assert row.cost_low <= row.base + slack
    if row.status_high == "optimal":
        assert row.cost_high >= row.base - slack


def test_prices_alone_move_the_cost_by_no_more_than_their_share(sides):
    row = sides.loc["server_price"]
    assert 0 <= row.cost_high - row.base <= 0.1 * row.base
    assert row.base - row.cost_low <= 0.1 * row.base


def test_each_change_changes_what_it_names_and_nothing_else(problem):
    start = divisible(problem, SEED)
    base, chance = start.demand.draw(1, seed=0)
    more, same = grown(start, 0.05, 12.0).demand.draw(1, seed=0)
    assert np.allclose(more[:, :, 0], base[:, :, 0])
    assert np.allclose(more[:, :, 2], base[:, :, 2] * 1.05 ** (2 / 12))
    assert np.array_equal(chance, same)
    assert np.allclose(priced(start, 1.1).supply.price, 1.1 * start.supply.price)
    assert led(start, -5).supply.lead_time.max() == 0
    assert aimed(start, 0.5).service.fill_rate == pytest.approx([0.995, 0.95])
    assert (1 + discounted(start, 0.07, 12.0).finance.discount_rate) ** 12 == pytest.approx(1.07)
