import numpy as np
import pytest

from capacity_opt import ReorderPointOrderUpTo
from capacity_opt.demand.counts import NegativeBinomial, Poisson
from capacity_opt.demand.parametric import Deterministic, Normal
from capacity_opt.errors import ArgumentError
from capacity_opt.inventory.ss import evaluate_ss, optimize_ss

COSTS = {"holding_cost": 1.0, "stockout_cost": 9.0, "fixed_cost": 30.0, "lead_time": 2.0}


def test_a_batch_equals_its_items_bit_for_bit():
    mean, variance = np.array([0.3, 4.0, 30.0]), np.array([1.0, 9.0, 90.0])
    batch = optimize_ss(NegativeBinomial(mean=mean, variance=variance), **COSTS)
    for i in range(3):
        alone = optimize_ss(NegativeBinomial(mean=mean[i], variance=variance[i]), **COSTS)
        assert np.ndim(alone.expected_cost) == 0
        assert alone.expected_cost == batch.expected_cost[i]
        assert alone.fill_rate == batch.fill_rate[i]


def test_no_fixed_cost_is_base_stock():
    best = optimize_ss(Poisson(mean=4.0), **COSTS | {"fixed_cost": 0})
    assert best.order_up_to_level == Poisson(mean=12.0).quantile(0.9)
    assert best.expected_cost == pytest.approx(
        float(best.order_up_to_level - 12 + 10 * Poisson(mean=12.0).loss(best.order_up_to_level)), rel=1e-12
    )


def test_no_demand_keeps_nothing_and_costs_nothing():
    best = optimize_ss(Poisson(mean=[0.0, 3.0]), **COSTS)
    assert (best.reorder_point[0], best.order_up_to_level[0]) == (-1, 0)
    assert best.expected_cost[0] == 0
    assert best.orders_per_period[0] == 0


def test_a_huge_penalty_has_a_tiny_but_resolved_risk():
    best = optimize_ss(Poisson(mean=4.0), **COSTS | {"stockout_cost": 1e12})
    assert 0 < best.expected_backorders < 1e-11
    assert best.stockout_cost < best.holding_cost


def test_stockouts_cheaper_than_holding_still_have_an_optimum():
    costs = COSTS | {"stockout_cost": 0.2}
    best = optimize_ss(Poisson(mean=4.0), **costs)
    for shift in (-1, 1):
        other = ReorderPointOrderUpTo(
            reorder_point=best.reorder_point + shift, order_up_to_level=best.order_up_to_level + shift
        )
        assert evaluate_ss(other, Poisson(mean=4.0), **costs).expected_cost > best.expected_cost


def test_certain_demand_orders_a_whole_number_of_periods():
    best = optimize_ss(Deterministic(10.5), holding_cost=1, stockout_cost=1e6, fixed_cost=40)
    cycles = [(40 + 10.5 * n * (n - 1) / 2) / n for n in range(1, 20)]
    assert best.expected_cost == pytest.approx(min(cycles), rel=1e-6)


def test_levels_may_coincide():
    same = evaluate_ss(ReorderPointOrderUpTo(reorder_point=15, order_up_to_level=15), Poisson(mean=4.0), **COSTS)
    below = evaluate_ss(ReorderPointOrderUpTo(reorder_point=14, order_up_to_level=15), Poisson(mean=4.0), **COSTS)
    assert same.expected_cost == pytest.approx(float(below.expected_cost), rel=1e-12)


def test_methods_are_told_per_item():
    best = optimize_ss(Poisson(mean=[3.0, 1e7]), **COSTS | {"fixed_cost": 1e5})
    assert best.method[0] == "exact"
    assert best.method[1] != "exact"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"holding_cost": [1, 0, 2]}, "holding_cost must be > 0, got 0 at position 1"),
        ({"stockout_cost": [1, 2, 0]}, "stockout_cost must be > 0, got 0 at position 2"),
        ({"fixed_cost": [-3, 1, 1]}, "fixed_cost must be >= 0, got -3 at position 0"),
        ({"lead_time": -1}, "lead_time must be >= 0"),
        ({"review_period": 0}, "optimize_rq reviews continuously"),
        ({"stockout_cost": np.nan}, "stockout_cost must be finite"),
    ],
)
def test_faulty_inputs_are_named(change, message):
    with pytest.raises(ArgumentError, match=message):
        optimize_ss(Poisson(mean=[1.0, 2.0, 3.0]), **COSTS | change)


def test_negative_mean_is_named():
    with pytest.raises(ArgumentError, match="mean demand must be >= 0, got -4"):
        optimize_ss(Normal(mean=-4.0, sd=1.0), **COSTS)
