"""Who is let in before demand is served."""

from dataclasses import dataclass

import numpy as np
import pytest

from capacity_opt import ArgumentError
from capacity_opt.simulation.admission import NestedLimits, Quotas
from capacity_opt.simulation.fleet import simulate_fleet
from tests.simulation.small_fleets import ListedSamples, fleet, plan


def case(asked, **changes):
    demand = ListedSamples(np.array(asked, dtype=float).reshape(1, 2, -1, 1), np.ones(1))
    periods = demand.values.shape[2]
    return fleet(
        demand, periods=periods, classes=("gold", "batch"), penalty=np.array([9.0, 1.0]),
        initial=np.full((1, 1, periods), 100.0), **changes,
    )  # fmt: skip


def test_nested_limits_leave_room_that_strict_priority_would_have_filled():
    problem = case([[40, 90], [50, 80]])
    free = simulate_fleet(plan(problem), problem, seed=1)
    held = simulate_fleet(plan(problem), problem, seed=1, admission=NestedLimits(share={"batch": 0.3}))
    np.testing.assert_allclose(free.unmet.value, [0, 70])
    np.testing.assert_allclose(held.unmet.value, [0, 20 + 70])
    np.testing.assert_allclose(held.turned_away.value, [0, 20 + 50])
    np.testing.assert_allclose(free.turned_away.value, 0)
    assert held.cost["penalty"].value == pytest.approx(90)


def test_limits_of_critical_classes_count_the_lesser_ones_too():
    problem = case([[80], [50]])
    judged = simulate_fleet(plan(problem), problem, seed=1, admission=NestedLimits(share={"batch": 0.4, "gold": 0.9}))
    np.testing.assert_allclose(judged.turned_away.value, [80 - 50, 50 - 40])


def test_quotas_and_rules_of_ones_own():
    problem = case([[40, 90], [50, 80]])
    judged = simulate_fleet(plan(problem), problem, seed=1, admission=Quotas(units=[np.inf, 45.0]))
    np.testing.assert_allclose(judged.turned_away.value, [0, 5 + 35])

    @dataclass
    class GrowSlowly:
        def admit(self, asked, *, problem, capacity, before, period):
            return asked if period == 0 else np.minimum(asked, before * 1.1)

    judged = simulate_fleet(plan(problem), problem, seed=1, admission=GrowSlowly())
    np.testing.assert_allclose(judged.turned_away.value, [90 - 44, 80 - 55])


def test_a_rule_cannot_let_in_more_than_is_asked():
    class Wrong:
        def admit(self, asked, *, problem, capacity, before, period):
            return asked + 1

    problem = case([[40], [50]])
    with pytest.raises(ArgumentError, match="between 0 and what is asked"):
        simulate_fleet(plan(problem), problem, seed=1, admission=Wrong())
    with pytest.raises(ArgumentError, match="no class of the problem: bronze"):
        simulate_fleet(plan(problem), problem, seed=1, admission=NestedLimits(share={"bronze": 0.5}))
