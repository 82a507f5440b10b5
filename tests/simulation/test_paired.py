"""Paired differences."""

import numpy as np
import pytest

from capacity_opt import ArgumentError, BaseStock, Item, simulate
from capacity_opt.demand.counts import Poisson
from capacity_opt.simulation.fleet import simulate_fleet
from capacity_opt.simulation.paired import compare_costs, compare_plans
from tests.simulation.small_fleets import ListedSamples, NormalDemand, fleet, plan


def test_pairing_is_far_surer_than_two_separate_intervals():
    item = Item(holding_cost=1, stockout_cost=9, lead_time=2)
    first, second = (simulate(BaseStock(base_stock_level=s), Poisson(mean=5.0), item, seed=3) for s in (19, 20))
    paired = compare_costs(first, second)
    assert paired.value == pytest.approx(second.cost.value - first.cost.value)
    assert paired.high - paired.low < 0.5 * (first.cost.high - first.cost.low)


def test_plans_are_compared_on_the_same_samples():
    problem = fleet(NormalDemand(np.full((2, 3, 1), 50.0)), classes=("a", "b"), periods=3, price=2.0)
    orders = [np.array([[[servers, 0.0, 0.0]]]) for servers in (95, 105)]
    small, large = (simulate_fleet(plan(problem, racks=o), problem, samples=400, seed=3) for o in orders)
    found = compare_plans(small, large)
    np.testing.assert_allclose(found.fill.value, large.fill.value - small.fill.value)
    assert found.fill.low[1] > 0
    assert np.all(found.fill.high - found.fill.low <= small.fill.high - small.fill.low + 1e-12)
    assert found.cost.value == pytest.approx(large.total_cost.value - small.total_cost.value)


def test_complete_lists_are_compared_exactly():
    values = np.array([60.0, 140.0]).reshape(2, 1, 1, 1)
    problem = fleet(ListedSamples(values, np.array([0.25, 0.75])), penalty=4.0, price=1.0)
    first, second = (simulate_fleet(plan(problem, racks=n), problem, seed=1) for n in (100, 120))
    found = compare_plans(first, second)
    assert found.cost.low == found.cost.high == pytest.approx(20 - 4 * 0.75 * 20)
    np.testing.assert_allclose(found.fill.value, 0.75 * 20 / 120)


def test_other_seeds_cannot_be_paired():
    item = Item(holding_cost=1)
    first, second = (simulate(BaseStock(base_stock_level=5), Poisson(mean=5.0), item, seed=s) for s in (1, 2))
    with pytest.raises(ArgumentError, match="one seed"):
        compare_costs(first, second)
