"""Plan, freeze, observe, plan again."""

import numpy as np
import pytest

from capacity_opt import ArgumentError
from capacity_opt.simulation.fleet import simulate_fleet
from capacity_opt.simulation.rolling import ActualPath, roll_fleet
from tests.simulation.small_fleets import NormalDemand, fleet, plan

PERIODS = 4


def problem(demand=None):
    demand = NormalDemand(np.full((1, PERIODS, 1), 10.0)) if demand is None else demand
    return fleet(demand, periods=PERIODS, price=1.0, penalty=3.0, lead_time=1, initial=np.full((1, 1, PERIODS), 5.0))


def chase(last_seen):
    """Order up to what was seen last."""

    def planner(standing):
        supply, now = standing.supply, standing.supply.first_order
        racks = np.zeros_like(supply.placed)
        if now + 1 < PERIODS:
            have = supply.initial[0, 0, now + 1] + supply.placed[0, 0, : now + 1].sum()
            racks[0, 0, now] = max(last_seen["value"] - have, 0.0)
        return plan(standing, racks=racks)

    return planner


def test_orders_follow_what_was_seen_and_cost_is_that_of_the_path():
    case, seen = problem(), {"value": 10.0}

    def refresh(standing, now, past):
        assert past.shape == (1, now, 1)
        if now:
            seen["value"] = float(past[0, -1, 0])
        else:
            seen["value"] = 10.0
        return standing.demand

    paths = np.array([[12.0, 14, 9, 20], [8.0, 6, 7, 7]]).reshape(2, 1, PERIODS, 1)
    rolled = roll_fleet(case, chase(seen), paths, refresh=refresh)
    np.testing.assert_allclose(rolled.racks[0, 0, 0], [5, 2, 2, 0])
    np.testing.assert_allclose(rolled.racks[1, 0, 0], [5, 0, 0, 0])
    # Stock 5, 10, 12, 14 against 12, 14, 9, 20; then 5, 10, 10, 10 against 8, 6, 7, 7.
    assert rolled.cost[0] == pytest.approx(9 + 3 * (7 + 4 + 0 + 6))
    assert rolled.cost[1] == pytest.approx(5 + 3 * 3)
    assert rolled.plans == PERIODS


def test_a_fixed_plan_rolled_is_the_plan():
    case = problem()
    racks = np.array([[[4.0, 1.0, 0.0, 0.0]]])

    def planner(standing):
        open_ = np.arange(PERIODS) >= standing.supply.first_order
        return plan(standing, racks=np.where(open_, racks, 0.0))

    paths, _ = case.demand.draw(5, seed=3)
    rolled = roll_fleet(case, planner, paths, freeze=2)
    for s in range(5):
        actual = problem(ActualPath(paths[[s]]))
        direct = simulate_fleet(plan(actual, racks=racks), actual, seed=1)
        assert rolled.cost[s] == pytest.approx(direct.total_cost.value)
    assert np.all(rolled.churn == 0)
    assert rolled.dearer_than(rolled).high == 0


def test_paths_of_another_shape_are_refused():
    with pytest.raises(ArgumentError, match="paths must have shape"):
        roll_fleet(problem(), plan, np.ones((2, 1, 3, 1)))


def test_commitments_bind_for_their_term_and_are_free_to_later_plans():
    demand = NormalDemand(np.full((1, PERIODS, 1), 10.0), spread=0.0)
    case = fleet(
        demand, periods=PERIODS, penalty=9.0, option_names=("ri",), option_kind=("commitment",),
        option_price=np.full((1, PERIODS), 2.0), option_limit=np.full((1, PERIODS), 10.0), option_term=np.array([3]),
    )  # fmt: skip
    seen = []

    def planner(standing):
        now = standing.supply.first_order
        seen.append((standing.options.names, standing.options.limit[:, now].tolist()))
        committed = np.zeros((len(standing.options.names), PERIODS))
        committed[0, now] = 6.0 if now == 0 else 0.0
        return plan(standing, committed=committed)

    paths, _ = case.demand.draw(2, seed=3)
    rolled = roll_fleet(case, planner, paths)
    assert seen[0] == (("ri",), [10.0])
    assert seen[2] == (("ri", "ri (in force)"), [4.0, 6.0])
    assert seen[3] == (("ri", "ri (in force)"), [10.0, 0.0])
    np.testing.assert_allclose(rolled.cost, 3 * 6 * 2 + 9 * (3 * 4 + 10))
    np.testing.assert_allclose(rolled.unmet_by_period[0, 0], [4, 4, 4, 10])
