"""Runway dates against what can be worked out by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import capacity_opt as co
from capacity_opt.scenario.runway import runway
from tests.scenario import small


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    folder = small.write(tmp_path_factory.mktemp("runway") / "small")
    problem = co.read_scenario(folder, set=["fleet.integer=false"]).fleet
    plan = co.size_fleet(problem, seed=3)
    draws, chance = problem.demand.draw(400, seed=11)
    return problem, plan, draws, chance


def frame_of(*case):
    return pd.DataFrame(runway(*case).columns)


def pick(frame, **where):
    for name, value in where.items():
        frame = frame[frame[name] == value]
    assert len(frame) == 1, frame
    return frame.iloc[0]


def test_without_orders_the_pool_breaches_when_demand_first_exceeds_what_is_there(case):
    problem, _, draws, _ = case
    frame = frame_of(*case)
    held = 12 * 96.0  # eight and four gen9 in the two zones of eu-west-1
    groups = problem.groups
    west = groups.home_region == problem.sites.regions.index("eu-west-1")
    asked = draws.max(axis=3)[:, west].sum(axis=1)
    high = np.quantile(asked, 0.9, axis=0, method="inverted_cdf")
    first = int(np.argmax(high > held)) if (high > held).any() else None
    row = pick(
        frame,
        region="eu-west-1",
        resource="vcpu",
        supply="no_new_orders",
        demand="p90",
        **{"class": "all", "case": "all_zones"},
    )
    assert first is not None
    assert row.breach_period == problem.periods[first]
    assert row.short == pytest.approx(high[first] - held)


def test_more_supply_or_less_demand_never_breaches_earlier(case):
    problem, plan, draws, chance = case
    keys = ["region", "resource", "class", "case", "supply", "demand"]
    base = frame_of(*case).set_index(keys).periods_left
    less = frame_of(problem, plan, 0.8 * draws, chance).set_index(keys).periods_left
    more = frame_of(problem, replace(plan, stock=plan.stock * 1.5), draws, chance).set_index(keys).periods_left
    assert (less >= base).all()
    assert (more >= base).all()
    assert (less > base).any()
    wide = base.unstack("demand")
    assert (wide.p90 <= wide.p50).all()
    supply = base.unstack("supply")
    assert (supply.no_new_orders <= supply.plan).all()


def test_a_plan_that_orders_nothing_is_the_same_as_no_new_orders(case):
    problem, _, draws, chance = case
    limit = np.zeros_like(problem.supply.order_limit)
    still = replace(problem, supply=replace(problem.supply, order_limit=limit))
    none = co.size_fleet(
        replace(still, options=type(problem.options)(), service=replace(problem.service, fill_rate=np.full(2, np.nan))),
        seed=3,
    )
    wide = frame_of(replace(still, options=type(problem.options)()), none, draws, chance)
    wide = wide.pivot(index=["region", "resource", "class", "case", "demand"], columns="supply", values="short")
    assert np.allclose(wide["plan"], wide["no_new_orders"])


def test_order_by_lies_a_lead_time_before_the_breach(case):
    problem = case[0]
    frame = frame_of(*case)
    for row in frame[frame.breach_period != ""].itertuples():
        last = row.periods_left - 1  # every type takes a month
        assert row.order_by == (problem.periods[last] if last >= 0 else "past")


def test_a_lost_zone_breaches_where_its_protected_share_is_not_left(case):
    problem, plan, draws, chance = case
    share = np.full_like(problem.service.protected_share, np.nan)
    share[0] = 1.0
    guarded = replace(problem, service=replace(problem.service, protected_share=share))
    frame = frame_of(guarded, plan, draws, chance)
    row = pick(
        frame,
        region="us-east-1",
        resource="vcpu",
        supply="plan",
        demand="p50",
        **{"class": "critical", "case": "zone_lost"},
    )
    assert row.periods_left == 0  # one zone alone: nothing is left
    assert set(frame[frame.case == "zone_lost"]["class"]) == {"critical"}
