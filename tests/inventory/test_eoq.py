import numpy as np
import pytest

from capacity_opt.errors import ArgumentError
from capacity_opt.inventory.eoq import evaluate_eoq, optimize_eoq


def test_no_fixed_cost_is_continuous_replenishment():
    best = optimize_eoq(100, holding_cost=1, fixed_cost=0)
    assert best.order_quantity == 0
    assert best.expected_cost == 0


def test_no_demand_costs_nothing():
    best = optimize_eoq([0, 5], holding_cost=1, fixed_cost=10)
    assert best.expected_cost[0] == 0
    assert np.isinf(best.cycle_time[0])


def test_dear_backorders_approach_the_plain_quantity():
    plain = optimize_eoq(100, holding_cost=1, fixed_cost=10)
    dear = optimize_eoq(100, holding_cost=1, fixed_cost=10, stockout_cost=1e12)
    assert dear.order_quantity == pytest.approx(float(plain.order_quantity))
    assert dear.expected_cost == pytest.approx(float(plain.expected_cost))


def test_a_batch_equals_its_items_bit_for_bit():
    rate, cost = np.array([3.0, 70.0, 1e5]), np.array([0.1, 2.0, 7.0])
    batch = optimize_eoq(rate, holding_cost=cost, fixed_cost=8, stockout_cost=5, production_rate=2e5)
    for i in range(3):
        alone = optimize_eoq(rate[i], holding_cost=cost[i], fixed_cost=8, stockout_cost=5, production_rate=2e5)
        assert np.ndim(alone.order_quantity) == 0
        assert alone.order_quantity == batch.order_quantity[i]
        assert alone.expected_cost == batch.expected_cost[i]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"holding_cost": [1, 0, 2]}, r"holding_cost must be > 0, got 0 at position 1"),
        ({"demand_rate": [1, -4, 2]}, r"demand_rate must be >= 0, got -4 at position 1"),
        ({"fixed_cost": np.nan}, "fixed_cost must be finite"),
        ({"production_rate": 2}, "production_rate - demand_rate must be > 0"),
        ({"stockout_cost": 0}, "stockout_cost must be > 0"),
    ],
)
def test_faulty_inputs_are_named(change, message):
    given = {"demand_rate": [1, 4, 2], "holding_cost": 1, "fixed_cost": 3, "production_rate": 9} | change
    with pytest.raises(ArgumentError, match=message):
        optimize_eoq(given.pop("demand_rate"), **given)


def test_backorders_need_a_finite_penalty():
    with pytest.raises(ArgumentError, match="finite stockout_cost"):
        evaluate_eoq(10, 4, holding_cost=1, fixed_cost=3, stockout_fraction=0.2)
