import itertools

import numpy as np
import pytest

import capacity_opt as co
from capacity_opt.errors import ArgumentError


def enumerated(demand, short, over, weight, budget, top):
    """The least cost over all whole orders within the budget."""
    grid = np.arange(top + 1.0)
    loss = demand.loss(grid[:, None])
    costs = over * (grid[:, None] - demand.mean + loss) + short * loss
    return min(
        sum(costs[q, i] for i, q in enumerate(orders))
        for orders in itertools.product(range(top + 1), repeat=len(weight))
        if np.dot(weight, orders) <= budget + 1e-9
    )


@pytest.mark.parametrize("seed", range(12))
def test_whole_orders_are_the_best_of_all(seed):
    rng = np.random.default_rng(seed)
    demand = co.Poisson(rng.uniform(0.5, 5, 4))
    short, over, weight = rng.uniform(2, 20, 4), rng.uniform(0.5, 3, 4), rng.uniform(1, 7, 4)
    budget = float(rng.uniform(10, 60))
    best = co.optimize_newsvendor_budget(
        demand, stockout_cost=short, holding_cost=over, unit_budget=weight, budget=budget
    )
    exact = enumerated(demand, short, over, weight, budget, 11)
    assert best.expected_cost == pytest.approx(exact, rel=1e-9)
    assert best.used <= budget + 1e-9
    assert best.bound <= exact + 1e-9
    assert np.all(best.order_quantity == np.rint(best.order_quantity))


def test_the_shadow_price_is_what_one_more_unit_of_budget_saves():
    demand = co.Gamma([100.0, 40.0, 80.0], [40.0, 30.0, 20.0])
    arguments = {"stockout_cost": [9, 4, 6], "holding_cost": 1, "unit_budget": [3, 2, 5]}
    cost = [co.optimize_newsvendor_budget(demand, **arguments, budget=b).expected_cost for b in (499.5, 500.5)]
    price = co.optimize_newsvendor_budget(demand, **arguments, budget=500).shadow_price
    assert cost[0] - cost[1] == pytest.approx(price, rel=1e-5)


def test_atoms_are_split_so_that_the_budget_is_spent():
    best = co.optimize_newsvendor_budget(
        co.QuantileDemand([0.2, 0.8], [[10, 10], [10, 10]], tail="clamp"),
        stockout_cost=9,
        holding_cost=1,
        unit_budget=1,
        budget=13,
    )
    assert best.used == pytest.approx(13)


def test_no_budget_buys_nothing():
    best = co.optimize_newsvendor_budget(
        co.Poisson([3.0, 5.0]), stockout_cost=9, holding_cost=1, unit_budget=[1, 2], budget=0
    )
    np.testing.assert_array_equal(best.order_quantity, [0, 0])


@pytest.mark.parametrize("demand", [co.Gamma([9.0, 30.0, 4.0], [5.0, 10.0, 4.0]), co.Poisson([9.0, 30.0, 4.0])])
def test_aggregate_service_is_reached_at_least_cost(demand):
    holding = np.array([5.0, 1.0, 20.0])
    best = co.optimize_aggregate_service(demand, holding_cost=holding, fill_rate=0.95)
    assert best.fill_rate >= 0.95 - 1e-12
    assert best.fill_rate == pytest.approx(1 - demand.loss(best.order_quantity).sum() / demand.mean.sum(), rel=1e-9)
    assert best.bound <= best.expected_cost
    assert best.gap <= (0.1 if demand.discrete else 1e-9)
    # Holding every item to the same fill rate costs more.
    alone = [co.optimize_aggregate_service(demand.take(np.array([i])), holding_cost=holding[i], fill_rate=0.95)
             for i in range(3)]  # fmt: skip
    assert sum(one.expected_cost for one in alone) > best.expected_cost


@pytest.mark.parametrize("seed", range(8))
def test_whole_stock_for_an_aggregate_service_is_the_cheapest_of_all(seed):
    rng = np.random.default_rng(seed)
    demand, holding = co.Poisson(rng.uniform(0.5, 5, 3)), rng.uniform(0.5, 9, 3)
    best = co.optimize_aggregate_service(demand, holding_cost=holding, fill_rate=0.9)
    grid = np.arange(14.0)
    loss = demand.loss(grid[:, None])
    cost = holding * (grid[:, None] - demand.mean + loss)
    allowed = 0.1 * demand.mean.sum()
    exact = min(
        sum(cost[q, i] for i, q in enumerate(orders))
        for orders in itertools.product(range(14), repeat=3)
        if sum(loss[q, i] for i, q in enumerate(orders)) <= allowed
    )
    assert best.expected_cost == pytest.approx(exact, rel=1e-9)


def test_the_sweep_passes_through_the_budgets_answer():
    demand = co.Normal([100, 50], [30, 10])
    arguments = {"stockout_cost": 9, "holding_cost": 1, "unit_budget": [5, 8]}
    best = co.optimize_newsvendor_budget(demand, **arguments, budget=800)
    curve = co.sweep_newsvendor_budget(demand, **arguments, shadow_prices=[best.shadow_price, 2 * best.shadow_price])
    assert curve.spent[0] == pytest.approx(800)
    assert curve.expected_cost[0] == pytest.approx(best.expected_cost)
    assert np.all(np.diff(curve.fill_rate) < 0)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"budget": -1}, "budget must be >= 0, got -1"),
        ({"unit_budget": [1, 0]}, "unit_budget must be > 0, got 0 at position 1"),
        ({"holding_cost": [1, 2, 3]}, r"holding_cost must have shape \(2,\)"),
        ({"demand": co.Poisson(3.0)}, r"demand must have shape \(n,\)"),
    ],
)
def test_bad_arguments_are_named(changed, message):
    arguments = {"demand": co.Poisson([3.0, 5.0]), "stockout_cost": 9, "holding_cost": 1, "unit_budget": 1, "budget": 9}
    arguments |= changed
    with pytest.raises(ArgumentError, match=message):
        co.optimize_newsvendor_budget(arguments.pop("demand"), **arguments)
