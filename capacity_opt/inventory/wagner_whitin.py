"""Dynamic lot sizing (Wagner & Whitin 1958) with time-varying costs and, where wanted, backorders; every item at once.

Known demand per period, a fixed cost per order, no capacity. An order may be placed in every period and arrives at
once; holding is charged on the stock at the end of a period, backorders on the shortage then. Some best plan covers
with each order a run of whole periods (Zangwill 1969 with backorders), which dynamic programming finds in O(T^2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class LotSizeResult:
    """A plan per item: ``order_quantity`` and end-of-period ``stock`` (negative: backorders), both (..., periods).

    ``cost`` is the total over the horizon, ``ordering_cost``, ``holding_cost``, ``backorder_cost`` and
    ``purchase_cost`` its parts, all of the items' shape.
    """

    order_quantity: Array
    stock: Array
    cost: Array
    ordering_cost: Array
    holding_cost: Array
    backorder_cost: Array
    purchase_cost: Array


def optimize_wagner_whitin(
    demand: ArrayLike,
    *,
    fixed_cost: ArrayLike,
    holding_cost: ArrayLike,
    stockout_cost: ArrayLike = np.inf,
    unit_cost: ArrayLike = 0.0,
    initial_stock: ArrayLike = 0.0,
) -> LotSizeResult:
    """The cheapest plan for known demand over a horizon, without capacity limits.

    ``demand`` (..., periods), at least 0. Costs broadcast against it, so they may vary by period or item:
    ``fixed_cost`` per order, ``holding_cost`` per unit in stock at the end of a period, ``stockout_cost`` per unit
    backordered then (infinite: no backorders), ``unit_cost`` per unit ordered. ``initial_stock`` (items' shape, at
    least 0) serves the first demands; its holding is charged too. All demand is met by the end of the horizon.

    >>> best = optimize_wagner_whitin([90, 120, 80, 70], fixed_cost=500, holding_cost=2)
    >>> float(best.cost), best.order_quantity
    (1380.0, array([210.,   0., 150.,   0.]))
    """
    need, given, start = _inputs(demand, fixed_cost, holding_cost, stockout_cost, unit_cost, initial_stock)
    flat = need.reshape(-1, need.shape[-1])
    costs = {name: np.broadcast_to(value, need.shape).reshape(flat.shape) for name, value in given.items()}
    left = np.maximum(start.reshape(-1)[:, None] - np.cumsum(flat, axis=1), 0.0)
    net = flat - np.diff(-left, axis=1, prepend=-start.reshape(-1)[:, None])
    orders = _best_plan(np.maximum(net, 0.0), costs).reshape(need.shape)
    return evaluate_lot_size(
        orders,
        demand,
        fixed_cost=fixed_cost,
        holding_cost=holding_cost,
        stockout_cost=stockout_cost,
        unit_cost=unit_cost,
        initial_stock=initial_stock,
    )


def evaluate_lot_size(
    order_quantity: ArrayLike,
    demand: ArrayLike,
    *,
    fixed_cost: ArrayLike,
    holding_cost: ArrayLike,
    stockout_cost: ArrayLike = np.inf,
    unit_cost: ArrayLike = 0.0,
    initial_stock: ArrayLike = 0.0,
) -> LotSizeResult:
    """The cost of a given plan, arguments as in :func:`optimize_wagner_whitin`; every positive order pays the fixed
    cost. Refuses a plan that leaves backorders where ``stockout_cost`` is infinite.

    >>> float(evaluate_lot_size([90, 120, 80, 70], [90, 120, 80, 70], fixed_cost=500, holding_cost=2).cost)
    2000.0
    """
    need, given, start = _inputs(demand, fixed_cost, holding_cost, stockout_cost, unit_cost, initial_stock)
    orders = _checks.shape("order_quantity", _checks.non_negative("order_quantity", order_quantity), need.shape)
    stock = start[..., None] + np.cumsum(orders - need, axis=-1)
    stock = np.where(np.abs(stock) <= 1e-9 * np.maximum(1.0, need.sum(axis=-1, keepdims=True)), 0.0, stock)
    if np.any((stock < 0) & np.isinf(given["stockout_cost"])):
        raise ArgumentError("order_quantity leaves demand unmet: raise it, or give a finite stockout_cost")
    ordering = np.sum(given["fixed_cost"] * (orders > 0), axis=-1)
    held = np.sum(given["holding_cost"] * np.maximum(stock, 0.0), axis=-1)
    short = np.sum(np.where(stock < 0, given["stockout_cost"], 0.0) * np.maximum(-stock, 0.0), axis=-1)
    bought = np.sum(given["unit_cost"] * orders, axis=-1)
    return LotSizeResult(
        order_quantity=orders,
        stock=stock,
        cost=ordering + held + short + bought,
        ordering_cost=ordering,
        holding_cost=held,
        backorder_cost=short,
        purchase_cost=bought,
    )


def _inputs(
    demand: ArrayLike,
    fixed_cost: ArrayLike,
    holding_cost: ArrayLike,
    stockout_cost: ArrayLike,
    unit_cost: ArrayLike,
    initial_stock: ArrayLike,
) -> tuple[Array, dict[str, Array], Array]:
    need = np.atleast_1d(_checks.non_negative("demand", demand))
    short = _checks.numbers("stockout_cost", stockout_cost)
    _checks.non_negative("stockout_cost", np.where(short == np.inf, 0.0, short))
    shape, given = _checks.broadcast(
        demand=need,
        fixed_cost=_checks.non_negative("fixed_cost", fixed_cost),
        holding_cost=_checks.non_negative("holding_cost", holding_cost),
        stockout_cost=short,
        unit_cost=_checks.finite("unit_cost", unit_cost),
    )
    start = _checks.shape("initial_stock", _checks.non_negative("initial_stock", initial_stock), shape[:-1], "items")
    return given.pop("demand"), given, start


def _best_plan(need: Array, costs: dict[str, Array]) -> Array:
    """Orders (items, periods): ``before[t]`` is the best cost of covering the periods before t.

    An order in period k covers periods i..j with i <= k <= j. Its earlier part (backordered) is chosen first, then
    its later part (held).
    """
    items, periods = need.shape
    rows = np.arange(items)
    before = np.full((periods + 1, items), np.inf)
    before[0] = 0.0
    first, order = np.zeros((2, periods + 1, items), dtype=np.int64)
    order[:] = -1
    for k in range(periods):
        # Nothing to cover in period k: no order is needed for it.
        idle = (need[:, k] == 0) & (before[k] < before[k + 1])
        before[k + 1] = np.where(idle, before[k], before[k + 1])
        order[k + 1] = np.where(idle, -1, order[k + 1])
        opened, start = _cheapest_start(k, before, need, costs)
        carried = np.zeros(items)
        per_unit = costs["unit_cost"][:, k].copy()
        for j in range(k, periods):
            carried = carried + per_unit * need[:, j]
            better = opened + carried < before[j + 1]
            before[j + 1] = np.where(better, opened + carried, before[j + 1])
            first[j + 1] = np.where(better, start, first[j + 1])
            order[j + 1] = np.where(better, k, order[j + 1])
            per_unit = per_unit + costs["holding_cost"][:, j]
    return _trace(need, first, order, rows)


def _cheapest_start(k: int, before: Array, need: Array, costs: dict[str, Array]) -> tuple[Array, NDArray[np.int64]]:
    """The best first period i <= k for an order in k, and the cost up to and including the order and i..k-1."""
    best = before[k] + costs["fixed_cost"][:, k]
    start = np.full(len(best), k, dtype=np.int64)
    waited = np.zeros(len(best))
    per_unit = costs["unit_cost"][:, k].copy()
    for i in range(k - 1, -1, -1):
        per_unit = per_unit + costs["stockout_cost"][:, i]
        waited = waited + np.where(need[:, i] > 0, per_unit * np.where(need[:, i] > 0, need[:, i], 1.0), 0.0)
        if not np.any(np.isfinite(waited)):
            break
        cost = before[i] + costs["fixed_cost"][:, k] + waited
        start = np.where(cost < best, i, start)
        best = np.minimum(cost, best)
    return best, start


def _trace(need: Array, first: NDArray[np.int64], order: NDArray[np.int64], rows: NDArray[np.intp]) -> Array:
    items, periods = need.shape
    upto = np.concatenate([np.zeros((items, 1)), np.cumsum(need, axis=1)], axis=1)
    plan = np.zeros((items, periods))
    at = np.full(items, periods)
    while np.any(at > 0):
        active = at > 0
        placed = order[at, rows]
        begin = np.where(placed < 0, at - 1, first[at, rows])
        ordered = active & (placed >= 0)
        plan[rows[ordered], placed[ordered]] += (upto[rows, at] - upto[rows, begin])[ordered]
        at = np.where(active, begin, 0)
    return plan
