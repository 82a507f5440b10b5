"""Tables too large for memory give the same answers as tables that fit."""

import numpy as np
import pytest

import capacity_opt as co
from capacity_opt.demand import convolution
from capacity_opt.demand.assorted import Assorted
from capacity_opt.demand.deferred import Deferred
from capacity_opt.demand.lattice import Pmf
from capacity_opt.inventory.base_stock import BaseStockResult


def _long_tails() -> tuple[co.QuantileDemand, np.ndarray]:
    values = [[0, 1, 2], [0, 3, 9], [1, 2, 3], [0, 0, 60], [2, 5, 8]]
    return co.QuantileDemand([0.5, 0.8, 0.95], values, integer=True), np.array([1, 3, 2, 2, 4])


@pytest.mark.parametrize(("kept", "kind"), [(10**9, Assorted), (1, Deferred)])
def test_split_tables_give_the_bits_of_one_table(monkeypatch: pytest.MonkeyPatch, kept: int, kind: type) -> None:
    demand, lead_time = _long_tails()
    one = co.lead_time_demand(demand, lead_time)
    monkeypatch.setattr(convolution, "CELLS", 500)
    monkeypatch.setattr(convolution, "KEPT", kept)
    split = co.lead_time_demand(demand, lead_time)
    assert isinstance(one, Pmf)
    assert isinstance(split, kind)
    points = np.linspace(0, 150, 31)[:, None]
    for ask in ("cdf", "survival", "loss"):
        np.testing.assert_array_equal(getattr(split, ask)(points), getattr(one, ask)(points))
    for answer in ("mean", "variance"):
        np.testing.assert_array_equal(getattr(split, answer), getattr(one, answer))
    np.testing.assert_array_equal(split.quantile(0.97), one.quantile(0.97))
    chosen = np.array([3, 1])
    np.testing.assert_array_equal(split.take(chosen).loss(4.0), one.take(chosen).loss(4.0))
    assert split.sample(4, rng=np.random.default_rng(1)).shape == (4, 5)


def test_base_stock_of_split_tables_is_that_of_one_table(monkeypatch: pytest.MonkeyPatch) -> None:
    demand, lead_time = _long_tails()

    def found() -> BaseStockResult:
        return co.optimize_base_stock(demand, holding_cost=1.0, fill_rate=0.96, lead_time=lead_time)

    one = found()
    monkeypatch.setattr(convolution, "CELLS", 500)
    monkeypatch.setattr(convolution, "KEPT", 1)
    split = found()
    np.testing.assert_array_equal(split.base_stock_level, one.base_stock_level)
    np.testing.assert_array_equal(split.expected_cost, one.expected_cost)


def test_one_item_with_a_hopeless_support_is_named() -> None:
    demand = co.QuantileDemand([0.5, 0.9], [[0, 1], [0, 1e8]], integer=True)
    with pytest.raises(co.ArgumentError, match="item 1 over 3 periods"):
        co.lead_time_demand(demand, [2, 2])
