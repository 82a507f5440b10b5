import numpy as np
import pytest

from capacity_opt import ArgumentError
from capacity_opt.demand.counts import Poisson
from capacity_opt.inventory.explain import Calendar, explain_line, explain_orders
from capacity_opt.inventory.rounding import RoundingRules
from capacity_opt.problem.policies import (
    BaseStock,
    CappedBaseStock,
    ReorderPointOrderQuantity,
    ReorderPointOrderUpTo,
)


def test_a_line_tells_position_quantile_rounding_cost_and_next_order():
    over = Poisson([24.0, 3.0])
    lines = explain_orders(
        BaseStock(base_stock_level=over.quantile(0.95)),
        on_hand=[7, 9],
        on_order=[4, 0],
        backorders=[0, 1],
        demand_mean=[8, 1],
        lead_time=2,
        quantile=0.95,
        rules=RoundingRules(lot=12, maximum_order=12),
        cost=lambda position: position - over.mean + 10 * over.loss(position),
        calendar=Calendar(today="2027-01-04", period_days=7),
    )
    assert np.array_equal(lines.position, [11, 8])
    assert np.array_equal(lines.protection_interval, [3, 3])
    assert np.array_equal(lines.order_quantity, [12, 0])
    expected = float(23 - 24 + 10 * over.loss(23.0)[0])
    assert lines.rounding.expected_cost_after[0] == pytest.approx(expected)
    told = explain_line(lines, 0, item="a100")
    assert told.startswith("Order 12 of a100. The position is 11 = 7 on hand + 4 on order - 0 backorders")
    assert "3 periods stays within 32 with probability 0.95, so 21 are wanted" in told
    assert "24 as a multiple of the lot, 12 because of the maximum order" in told
    assert f"{expected:.6g} after" in told
    assert told.endswith("The next order is expected in 1 period, on 2027-01-11.")
    assert "Order nothing of b" in explain_line(lines, 1, item="b")
    assert "only when it falls to 6" in explain_line(lines, 1, item="b")


def test_reorder_points_order_at_or_below_and_lots_lift_above():
    lots = ReorderPointOrderQuantity(reorder_point=10, order_quantity=6)
    lines = explain_orders(lots, on_hand=[11, 10, 4, 0], demand_mean=2, lead_time=1, review_period=0)
    assert np.array_equal(lines.order_quantity, [0, 6, 12, 12])
    assert np.all(lines.position + lines.order_quantity > 10)
    assert np.array_equal(lines.next_order_in, [0.5, 3, 3, 1])
    up_to = ReorderPointOrderUpTo(reorder_point=10, order_up_to_level=25)
    lines = explain_orders(up_to, on_hand=[11, 10, 4, 0], demand_mean=2, lead_time=1, review_period=2)
    assert np.array_equal(lines.order_quantity, [0, 15, 21, 25])
    assert np.array_equal(lines.next_order_in, [2, 8, 8, 8])


def test_base_stock_waits_for_the_next_demand_when_reviewed_continuously():
    lines = explain_orders(
        BaseStock(base_stock_level=5), on_hand=[5, 3], demand_mean=0.25, lead_time=1, review_period=0
    )
    assert np.array_equal(lines.order_quantity, [0, 2])
    assert np.array_equal(lines.next_order_in, [4, 4])


def test_without_demand_no_order_is_expected():
    lines = explain_orders(
        BaseStock(base_stock_level=5),
        on_hand=5,
        demand_mean=0,
        lead_time=1,
        calendar=Calendar(today="2027-01-04", period_days=1),
    )
    assert np.isinf(lines.next_order_in[0])
    assert np.isnat(lines.next_order_date[0])
    assert explain_line(lines, 0).endswith("Without demand no further order is expected.")


def test_an_order_cut_short_is_followed_up_at_the_next_review():
    lines = explain_orders(
        ReorderPointOrderUpTo(reorder_point=10, order_up_to_level=25),
        on_hand=0,
        demand_mean=1,
        lead_time=1,
        review_period=4,
        rules=RoundingRules(maximum_order=5),
    )
    assert (lines.order_quantity[0], lines.next_order_in[0]) == (5, 4)


def test_other_policies_and_lines_out_of_range_are_refused():
    with pytest.raises(ArgumentError, match="got CappedBaseStock"):
        explain_orders(CappedBaseStock(base_stock_level=5, order_cap=2), on_hand=1, demand_mean=1, lead_time=1)
    lines = explain_orders(BaseStock(base_stock_level=5), on_hand=1, demand_mean=1, lead_time=1)
    with pytest.raises(ArgumentError, match=r"line must be in 0\.\.0, got 1"):
        explain_line(lines, 1)
