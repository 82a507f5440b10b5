"""Rejected alternatives: never better than the plan, and what they say of themselves holds."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import capacity_opt as co
from capacity_opt.fleet.example import example_problem
from capacity_opt.scenario.rejected import changes, rejected
from capacity_opt.scenario.waterfall import Resolve
from tests.scenario import small

RESOLVE = Resolve(formulation="two_stage", seed=7, time_limit=30.0, tell=lambda message: None)


@pytest.fixture(scope="module")
def example():
    problem = example_problem()
    plan = co.size_fleet(problem)
    return problem, plan, pd.DataFrame(rejected(problem, plan, RESOLVE, count=3, gap=0.0).columns)


def test_the_nearest_plans_are_the_next_best_ones(example):
    _, plan, frame = example
    nearby = frame[frame.kind == "nearby"]
    others = co.alternative_plans(example_problem(), count=4, within=0.05)[1:]
    assert list(nearby.EffectiveCost) == pytest.approx([other.objective for other in others])
    assert (nearby.difference >= 0).all()
    assert plan.objective == 1680.0


def test_forbidding_what_the_plan_does_never_saves(example):
    _, _, frame = example
    without = frame[frame.kind == "without"]
    assert len(without) >= 3
    assert (without.difference.dropna() >= -1e-6).all()


def test_orders_that_differ_are_named(example):
    problem, plan, _ = example
    racks = plan.racks.copy()
    k, z, t = np.argwhere(racks > 0)[0]
    racks[k, z, t] += 2
    told = changes(problem, plan, replace(plan, racks=racks))
    assert told == f"+2 {problem.server_types.names[k]} in {problem.sites.zones[z]}, {problem.periods[t]}"
    assert changes(problem, plan, plan) == "the same orders"


def test_a_plan_that_cannot_keep_the_promises_says_so(example):
    problem = example[0]
    strict = replace(
        problem, service=replace(problem.service, shortage_allowed=np.zeros_like(problem.service.shortage_allowed))
    )
    at_once = replace(problem.supply, lead_time=np.zeros_like(problem.supply.lead_time), first_order=0)
    strict = replace(strict, supply=at_once, options=type(problem.options)(), integer=False)
    own = co.size_fleet(strict)
    frame = pd.DataFrame(rejected(strict, own, RESOLVE, count=2, gap=0.0).columns).set_index("alternative")
    assert set(frame.kind) == {"without"}
    assert np.isnan(frame.EffectiveCost["order nothing"])
    assert "keeps every promise" in frame.why["order nothing"]


def test_studies_run_from_the_scenario_only_when_asked(tmp_path):
    folder = small.write(tmp_path / "small")
    quick = ["fleet.samples=8", "fleet.integer=false", "frontier.values=[0.9]"]
    asked = ["report.waterfall=true", "report.tornado=true", "report.alternatives=2"]
    plain = co.run_scenario(folder, out=tmp_path / "runs", set=quick)
    full = co.run_scenario(folder, out=tmp_path / "runs", set=[*quick, *asked])
    names = {"waterfall", "tornado", "rejected"}
    assert names & set(plain.tables) == set()
    assert names <= set(full.tables)
    total = full.tables["waterfall"].columns["EffectiveCost"][-1]
    assert total == pytest.approx(full.manifest["objective"])
