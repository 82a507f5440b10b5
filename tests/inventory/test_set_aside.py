import numpy as np
import pytest

import capacity_opt as co
from capacity_opt.errors import ArgumentError


def test_one_bad_item_among_many_is_named():
    values = np.tile([80.0, 100.0, 140.0], (200_000, 1))
    values[123_456, 1] = np.nan
    with pytest.raises(ArgumentError, match=r"values must be finite, got nan at position \(123456, 1\)"):
        co.QuantileDemand([0.1, 0.5, 0.9], values)


def test_bad_items_are_set_aside_and_told_and_the_rest_is_solved():
    count = 1000
    values = np.tile([80.0, 100.0, 140.0], (count, 1))
    price, keep = np.full(count, 9.0), np.ones(count)
    values[[3, 500]], price[[7, 500]], keep[11] = np.inf, -1.0, 0.0

    def work(items):
        demand = co.QuantileDemand([0.1, 0.5, 0.9], values[items])
        return co.optimize_newsvendor(demand, stockout_cost=price[items], holding_cost=keep[items])

    done = co.set_aside(work, count)
    np.testing.assert_array_equal(done.left_out, [3, 7, 11, 500])
    orders = done.full(done.result.order_quantity)
    assert np.array_equal(np.flatnonzero(np.isnan(orders)), [3, 7, 11, 500])
    assert np.all(orders[~np.isnan(orders)] == 140.0)
    told = {int(item): fault.message for fault in done.faults for item in fault.items}
    assert "values must be finite" in told[3]
    assert "stockout_cost must be >= 0" in told[7]
    assert "holding_cost" in told[11]


def test_faults_beyond_single_items_are_raised():
    with pytest.raises(ArgumentError, match="levels"):
        co.set_aside(lambda items: co.QuantileDemand([0.5, 0.1], np.ones((len(items), 2))), 5)
    with pytest.raises(ArgumentError, match="mean must be >= 0"):
        co.set_aside(lambda items: co.Poisson(-np.ones(len(items))), 5)
