import numpy as np
import pytest

from capacity_opt import ReorderPointOrderQuantity
from capacity_opt.demand.counts import NegativeBinomial, Poisson
from capacity_opt.demand.parametric import Deterministic, Normal
from capacity_opt.errors import ArgumentError
from capacity_opt.inventory.rq import evaluate_rq, optimize_rq

COSTS = {"holding_cost": 1.0, "stockout_cost": 9.0, "fixed_cost": 30.0, "lead_time": 2.0}


@pytest.mark.parametrize("demand", [Poisson(mean=[0.3, 4.0, 30.0]),
                                    NegativeBinomial(mean=[0.3, 4, 30], variance=[1, 9, 90.0]),
                                    Normal(mean=[3.0, 40.0, 300.0], sd=[1.0, 9.0, 60.0])],
                         ids=["poisson", "negative_binomial", "normal"])  # fmt: skip
@pytest.mark.parametrize("review", [0.0, 1.0])
def test_a_batch_equals_its_items_bit_for_bit(demand, review):
    batch = optimize_rq(demand, **COSTS, review_period=review)
    for i in range(3):
        alone = type(demand)(float(demand.mean[i]), sd=float(np.sqrt(demand.variance[i]))) if not isinstance(
            demand, Poisson) else Poisson(mean=float(demand.mean[i]))  # fmt: skip
        found = optimize_rq(alone, **COSTS, review_period=review)
        assert np.ndim(found.expected_cost) == 0
        if isinstance(demand, Poisson):
            assert found.expected_cost == batch.expected_cost[i]
            assert found.fill_rate == batch.fill_rate[i]
        assert found.reorder_point == pytest.approx(batch.reorder_point[i], rel=1e-9)
        assert found.expected_cost == pytest.approx(batch.expected_cost[i], rel=1e-12)


def test_no_fixed_cost_is_one_for_one():
    best = optimize_rq(Poisson(mean=4.0), **COSTS | {"fixed_cost": 0})
    assert best.order_quantity == 1
    assert best.reorder_point + 1 == Poisson(mean=8.0).quantile(0.9)


def test_no_lead_time_is_the_whole_unit_economic_quantity_with_backorders():
    best = optimize_rq(Poisson(mean=10.0), **COSTS | {"lead_time": 0})
    quantities = np.arange(1, 200)
    cheapest = min(
        (30 * 10 + sum(max(y, -9 * y) for y in range(r + 1, r + q + 1))) / q for q in quantities for r in range(-q, 1)
    )
    assert best.expected_cost == pytest.approx(cheapest, rel=1e-12)


def test_no_demand_orders_nothing_and_costs_nothing():
    best = optimize_rq(Poisson(mean=[0.0, 3.0]), **COSTS)
    assert best.expected_cost[0] == 0
    assert best.fill_rate[0] == 1
    assert best.orders_per_period[0] == 0


def test_a_huge_penalty_has_a_tiny_but_resolved_risk():
    best = optimize_rq(Poisson(mean=4.0), **COSTS | {"stockout_cost": 1e12})
    assert 0 < best.expected_backorders < 1e-11
    assert 8 < best.reorder_point < 60
    assert best.stockout_cost < best.holding_cost


def test_stockouts_cheaper_than_holding_still_have_an_optimum():
    best = optimize_rq(Poisson(mean=4.0), **COSTS | {"stockout_cost": 0.2})
    assert best.reorder_point < 0
    for shift in (-1, 1):
        other = ReorderPointOrderQuantity(reorder_point=best.reorder_point + shift, order_quantity=best.order_quantity)
        assert (
            evaluate_rq(other, Poisson(mean=4.0), **COSTS | {"stockout_cost": 0.2}).expected_cost > best.expected_cost
        )


def test_certain_demand_gives_the_economic_order_quantity_with_backorders():
    best = optimize_rq(Deterministic(40.5), holding_cost=1, stockout_cost=9, fixed_cost=90, lead_time=2)
    economic = np.sqrt(2 * 90 * 40.5 / 0.9)
    assert best.order_quantity == pytest.approx(economic, rel=1e-6)
    assert best.expected_cost == pytest.approx(0.9 * economic, rel=1e-9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"holding_cost": [1, 0, 2]}, "holding_cost must be > 0, got 0 at position 1"),
        ({"stockout_cost": [1, 2, 0]}, "must be > 0, got 0 at position 2"),
        ({"stockout_cost": np.inf}, "stockout_cost must be finite"),
        ({"fixed_cost": [-3, 1, 1]}, "fixed_cost must be >= 0, got -3 at position 0"),
        ({"lead_time": [1, 2, np.nan]}, "lead_time must be finite"),
        ({"fill_rate": 0.9}, "give one of"),
        ({"stockout_cost": None, "fill_rate": 99}, "write 0.99"),
        ({"stockout_cost": None}, "give one of"),
        ({"review_period": [0, 1, 1]}, "review_period must be 0 for all items"),
        ({"order_quantity": 3, "lot_multiple": 2}, "order_quantity is fixed"),
        ({"lot_multiple": 0.5}, "lot_multiple must be a whole number >= 1"),
        ({"holding_cost": [1, 2]}, "do not broadcast"),
    ],
)
def test_faulty_inputs_are_named(change, message):
    with pytest.raises(ArgumentError, match=message):
        optimize_rq(Poisson(mean=[1.0, 2.0, 3.0]), **COSTS | change)


def test_many_faulty_items_are_counted():
    holding = np.ones(50)
    holding[5:30] = -1
    with pytest.raises(ArgumentError, match=r"position 5, 6, 7, 8, 9, 10, 11, 12, 13, 14 and 15 more \(25 in all\)"):
        optimize_rq(Poisson(mean=np.full(50, 3.0)), **COSTS | {"holding_cost": holding})


def test_continuous_demand_needs_a_fixed_cost():
    with pytest.raises(ArgumentError, match="optimize_base_stock"):
        optimize_rq(Normal(mean=40.0, sd=9.0), **COSTS | {"fixed_cost": 0})


def test_a_penalty_too_low_to_stock_for_is_named():
    with pytest.raises(ArgumentError, match="too low to ever stock"):
        optimize_rq(Poisson(mean=4.0), holding_cost=5, stockout_cost_per_unit=0.5, fixed_cost=60, lead_time=1)


def test_a_penalty_per_unit_alone_is_enough():
    best = optimize_rq(Poisson(mean=40.0), holding_cost=1, stockout_cost_per_unit=20, fixed_cost=60, lead_time=1)
    assert best.fill_rate > 0.9


def test_whole_demand_refuses_fractional_levels():
    with pytest.raises(ArgumentError, match="reorder_point"):
        evaluate_rq(ReorderPointOrderQuantity(reorder_point=3.5, order_quantity=5), Poisson(mean=2.0), holding_cost=1)
