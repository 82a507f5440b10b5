"""Plays a policy against a demand history that is given: what would it have cost, what would it have served."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError
from capacity_opt.problem.item import Item
from capacity_opt.simulation.cells import lay_out, run
from capacity_opt.simulation.period_play import MEASURES
from capacity_opt.simulation.rules import rule_of

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class ReplayResult:
    """Totals over the counted periods, scalar or per item (n,): ``cost`` = ``holding`` + ``stockout`` + ``ordering``
    money; ``demand``, ``filled`` (from stock, when asked), ``ordered`` units; ``orders``, ``short_periods`` counts;
    ``on_hand`` and ``backorders`` unit-periods at the ends of periods; ``fill_rate`` NaN where nothing was asked."""

    cost: Array
    holding: Array
    stockout: Array
    ordering: Array
    demand: Array
    filled: Array
    fill_rate: Array
    on_hand: Array
    backorders: Array
    short_periods: Array
    orders: Array
    ordered: Array
    periods: int


def replay(
    policy: object,
    history: ArrayLike,
    item: Item,
    *,
    lost_sales: bool = False,
    warm_up: int = 0,
    initial_stock: ArrayLike | None = None,
    on_order: ArrayLike | None = None,
) -> ReplayResult:
    """Play ``policy`` once against ``history`` (periods,) or one row per item (n, periods); events as in ``simulate``.

    It starts with ``initial_stock`` on hand (the order-up-to level unless given) and ``on_order`` (k,) or (n, k): units
    ordered before that arrive in each of the first k periods (nothing unless given). The first ``warm_up`` periods are
    played but not counted.

    >>> from capacity_opt import BaseStock, Item
    >>> found = replay(BaseStock(base_stock_level=5), [3, 0, 7, 2], Item(holding_cost=1, stockout_cost=9))
    >>> found.filled.item(), found.backorders.item(), found.on_hand.item(), found.cost.item()
    (10.0, 2.0, 10.0, 28.0)
    """
    asked = _checks.numbers("history", history)
    if asked.size and not (asked.min() >= 0 and asked.max() < np.inf):  # two passes; the full check takes five
        _checks.non_negative("history", asked)
    if asked.ndim not in (1, 2) or asked.shape[-1] == 0:
        raise ArgumentError(f"history must have shape (periods,) or (items, periods), got {asked.shape}")
    if not 0 <= warm_up < asked.shape[-1]:
        raise ArgumentError(f"warm_up must leave a period to count: in [0, {asked.shape[-1] - 1}], got {warm_up}")
    mean = np.zeros(asked.shape[:-1])
    cells = lay_out(rule_of(policy), item, mean=mean, whole=False, lost_sales=lost_sales)
    start = cells.up_to[:, 0] if initial_stock is None else _checks.finite("initial_stock", initial_stock)
    net = np.broadcast_to(np.ravel(start), (1, cells.items))
    paths = np.broadcast_to(asked.reshape(1, -1, asked.shape[-1]), (1, cells.items, asked.shape[-1]))
    inputs = replace(cells.play(slice(0, cells.items), paths, net, warm_up), due=_due(on_order, cells.items))
    sums = run(inputs).reshape(len(MEASURES), *cells.shape)
    return _result(dict(zip(MEASURES, sums)), item, lost_sales, asked.shape[-1] - warm_up)


def _due(on_order: ArrayLike | None, items: int) -> Array:
    if on_order is None:
        return np.zeros((1, 0))
    due = np.atleast_2d(_checks.non_negative("on_order", on_order))
    if due.ndim != 2 or len(due) not in (1, items):
        raise ArgumentError(f"on_order must have shape (k,) or ({items}, k), got {due.shape}")
    return due


def _result(sums: dict[str, Array], item: Item, lost_sales: bool, periods: int) -> ReplayResult:
    missed = sums["demand"] - sums["filled"] if lost_sales else sums["backorders"]
    holding = np.asarray(item.holding_cost) * sums["on_hand"]
    stockout = np.asarray(item.stockout_cost) * missed
    ordering = np.asarray(item.fixed_cost) * sums["orders"]
    asked = sums["demand"]
    return ReplayResult(
        cost=holding + stockout + ordering,
        holding=holding,
        stockout=stockout,
        ordering=ordering,
        demand=asked,
        filled=sums["filled"],
        fill_rate=np.divide(sums["filled"], asked, out=np.full(np.shape(asked), np.nan), where=asked > 0),
        on_hand=sums["on_hand"],
        backorders=sums["backorders"],
        short_periods=sums["short"],
        orders=sums["orders"],
        ordered=sums["ordered"],
        periods=periods,
    )
