"""Continuous review of demand that jumps: formulas against customer-by-customer play, and against brute force."""

import numpy as np
import pytest

import capacity_opt as co

COSTS = {"holding_cost": 1.0, "stockout_cost": 9.0, "lead_time": 1.0}
DEMANDS = {
    "negative binomial": co.NegativeBinomial(4.0, 9.0),
    "compound Poisson": co.CompoundPoisson(rate=1.2, size={1: 0.3, 4: 0.5, 15: 0.2}),
    "sizes with none": co.CompoundPoisson(rate=2.0, size={0: 0.4, 1: 0.3, 9: 0.3}),
}
MEASURES = {
    "fill_rate": "fill_rate",
    "expected_cost": "cost",
    "no_stockout": "no_stockout",
    "ready_rate": "ready_rate",
    "on_hand": "on_hand",
    "expected_backorders": "backorders",
    "orders_per_period": "orders",
}


@pytest.mark.parametrize("name", DEMANDS)
@pytest.mark.parametrize(("reorder_point", "order_quantity"), [(6, 12), (3, 5), (-1, 3)])
def test_rq_formula_lies_in_the_judges_interval(name: str, reorder_point: int, order_quantity: int) -> None:
    policy = co.ReorderPointOrderQuantity(reorder_point=reorder_point, order_quantity=order_quantity)
    told = co.evaluate_rq(policy, DEMANDS[name], fixed_cost=16.0, **COSTS)
    item = co.Item(fixed_cost=16.0, review_period=0, **COSTS)
    judged = co.simulate(policy, DEMANDS[name], item, periods=800, replications=100, seed=12, level=0.999)
    for measure, seen in MEASURES.items():
        interval = getattr(judged, seen)
        assert interval.low <= getattr(told, measure) <= interval.high, measure


def test_rq_fill_rate_is_that_of_the_direct_convolution() -> None:
    policy = co.ReorderPointOrderQuantity(reorder_point=6, order_quantity=12)
    told = co.evaluate_rq(policy, DEMANDS["negative binomial"], holding_cost=1, lead_time=1)
    assert round(float(told.fill_rate), 5) == 0.93709


@pytest.mark.parametrize("name", DEMANDS)
def test_best_rq_is_the_cheapest_of_all_pairs(name: str) -> None:
    best = co.optimize_rq(DEMANDS[name], fixed_cost=16.0, **COSTS)
    points, lots = (side.ravel().astype(float) for side in np.meshgrid(np.arange(-5, 40), np.arange(1, 60)))
    pairs = co.ReorderPointOrderQuantity(reorder_point=points, order_quantity=lots)
    everything = co.evaluate_rq(pairs, DEMANDS[name], fixed_cost=16.0, **COSTS)
    assert best.expected_cost == pytest.approx(everything.expected_cost.min(), rel=1e-10)


def test_base_stock_formula_lies_in_the_judges_interval() -> None:
    demand = DEMANDS["compound Poisson"]
    told = co.evaluate_base_stock(20, demand, review_period=0, **COSTS)
    item = co.Item(review_period=0, **COSTS)
    policy = co.BaseStock(base_stock_level=20)
    judged = co.simulate(policy, demand, item, periods=4000, replications=200, seed=6, level=0.99)
    assert judged.fill_rate.low <= told.fill_rate <= judged.fill_rate.high
    assert judged.orders.low <= told.orders_per_period <= judged.orders.high


def test_items_of_a_batch_get_what_they_get_alone() -> None:
    mean, variance = np.array([4.0, 0.0, 60.0, 1.0]), np.array([9.0, 0.0, 900.0, 1.5])
    quantity = np.array([12.0, 1.0, 90.0, 2.0])
    policy = co.ReorderPointOrderQuantity(reorder_point=2 * mean, order_quantity=quantity)
    together = co.evaluate_rq(policy, co.NegativeBinomial(mean, variance), holding_cost=1, lead_time=1)
    for i in range(4):
        alone = co.evaluate_rq(
            co.ReorderPointOrderQuantity(reorder_point=2 * mean[i], order_quantity=quantity[i]),
            co.NegativeBinomial(mean[i], variance[i]),
            holding_cost=1,
            lead_time=1,
        )
        assert together.fill_rate[i] == pytest.approx(alone.fill_rate, abs=1e-12)
        assert together.expected_cost[i] == pytest.approx(alone.expected_cost, rel=1e-12)
