"""Ways of planning."""

import numpy as np
import pytest

from capacity_opt import ArgumentError, simulate_fleet
from capacity_opt.fleet.planners import FleetPlanner, newsvendor_levels, without_promises
from tests.simulation.small_fleets import NormalDemand, fleet


def case(**changes):
    demand = NormalDemand(np.full((2, 3, 1), 100.0), spread=0.2)
    return fleet(
        demand, periods=3, classes=("gold", "best effort"), price=3.0, penalty=np.array([50.0, 10.0]),
        fill_rate=np.array([0.99, np.nan]), **changes,
    )  # fmt: skip


def test_levels_are_promises_else_critical_ratios():
    np.testing.assert_allclose(newsvendor_levels(case()), [0.99, 0.9])  # 3 over 3 periods is 1 a period, against 10


@pytest.mark.parametrize("policy", ["newsvendor", "safety_factor", "two_stage", "cvar"])
def test_every_policy_plans_and_more_caution_buys_more(policy):
    problem = case()
    plan = FleetPlanner(policy=policy, samples=40)(problem)
    judged = simulate_fleet(plan, problem, samples=200, seed=1)
    assert judged.fill.value[0] > (0.9 if policy == "safety_factor" else 0.97)
    if policy == "safety_factor":
        more = FleetPlanner(policy=policy, safety_factor=1.5)(problem)
        assert more.racks.sum() == pytest.approx(1.5 * plan.racks.sum(), rel=0.05)


def test_a_promise_that_no_order_can_keep_is_planned_for_as_well_as_can_be():
    problem = case(lead_time=2)
    plan = FleetPlanner(policy="two_stage", samples=20)(problem)
    assert plan.racks[..., 0].sum() > 100
    assert np.isnan(without_promises(problem).service.fill_rate).all()


def test_an_unknown_policy_is_named():
    with pytest.raises(ArgumentError, match="newsvendor, safety_factor, two_stage, cvar, got 'guess'"):
        FleetPlanner(policy="guess")
