"""Finds exact (r, Q) policies for whole-unit demand: by the compiled search, or in NumPy by sorting where it is absent.

Both minimise (K M(Q) + G(r + 1) + ... + G(r + Q)) / Q; see :mod:`capacity_opt.inventory.rq_kernel`. The NumPy search
sorts each item's G and sums from the smallest up, so it shares no step with the two pointers it is compared with.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capacity_opt._compiled import compiled
from capacity_opt.inventory import panjer, rq_kernel
from capacity_opt.inventory.exposure import Exposure
from capacity_opt.inventory.law import Items, by_width, of_items, panjer_law, row, support

Array = NDArray[np.float64]
Whole = NDArray[np.int64]
SEARCHED = (
    panjer.first_point, panjer.fill_table, panjer.tail_cut, panjer.fill_costs, rq_kernel.cost_at, rq_kernel.reach_at,
    rq_kernel.one_valley, rq_kernel.best_window, rq_kernel.best_sliding_window, rq_kernel.search,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class RQCosts:
    """What (r, Q) pays per item, all (items,): holding and stockout per unit and period, ``short`` per unit short,
    ``fixed`` per order; quantities ``smallest``, ``smallest + step``, ..."""

    holding: Array
    stockout: Array
    short: Array
    fixed: Array
    smallest: Whole
    step: Whole


def find_rq(exposed: Exposure, costs: RQCosts) -> Array:
    """Reorder point, order quantity and cost per period of the best policy, (items, 3)."""
    items = len(costs.holding)
    late, review = panjer_law(exposed.late, items), panjer_law(exposed.review, items)
    money = _money(exposed, costs)
    lots = np.stack([costs.smallest, costs.step], axis=1)
    simple = exposed.single or not np.any(costs.short)
    kernel = compiled(rq_kernel.rq_panjer, *SEARCHED)
    if kernel is not None and late is not None and review is not None and simple:
        found = np.empty((items, 3))
        kernel(late, review, money, lots, found)
        return found
    return _find_from_tables(exposed, costs, money, lots)


def _money(exposed: Exposure, costs: RQCosts) -> Array:
    items = len(costs.holding)
    rate = row(exposed.mean, items)
    paid_per_order = 0.0 if exposed.by_lot else 1.0
    per_period = rate if exposed.by_lot else 1.0 / row(exposed.review_period, items)
    mean = row(exposed.late.mean, items)
    columns = [mean, costs.holding, costs.stockout, costs.short * rate, costs.fixed, per_period]
    return np.stack([*columns, np.full(items, paid_per_order)], axis=1)


def position_costs(exposed: Exposure, costs: RQCosts, items: Items, points: Array) -> Array:
    """G at ``points`` (width, items): holding, backorders and units short per period, (items, width)."""
    late = of_items(exposed.late, items)
    holding, stockout, short = costs.holding[items], costs.stockout[items], costs.short[items]
    cost = holding * (points - late.mean) + (holding + stockout) * late.loss(points)
    if np.any(short):
        rate = row(exposed.mean, len(costs.holding))[items]
        if exposed.single:
            unmet = rate * late.survival(points - 1.0)
        else:
            last, early = of_items(exposed.last, items), of_items(exposed.early, items)
            unmet = (last.loss(points) - early.loss(points)) / row(exposed.review_period, len(costs.holding))[items]
        cost = cost + short * unmet
    return np.ascontiguousarray(np.where((stockout == 0) & (points < 0), np.inf, cost).T)


def _find_from_tables(exposed: Exposure, costs: RQCosts, money: Array, lots: Whole) -> Array:
    items = len(costs.holding)
    found = np.empty((items, 3))
    ratio, unit = (costs.holding + costs.stockout + costs.short) / costs.holding, np.ones(items)
    low, high = support(exposed.late, ratio, unit)
    if np.any(costs.short):
        high = np.maximum(high, support(exposed.last, ratio, unit)[1])
    kernel = compiled(rq_kernel.rq_tables, *SEARCHED[4:])
    for group in by_width((high - low).astype(np.int64) + 1):
        if kernel is None:
            _widen_and_sort(exposed, costs, money, lots, group, low, high, found)
            continue
        points = low[group] + np.arange(int(np.max(high[group] - low[group])) + 1)[:, None]
        table = position_costs(exposed, costs, group, points)
        review = of_items(exposed.review, group)
        longest = int(np.max(review.quantile(1.0 - 1e-12))) + 2 if not exposed.by_lot else 1
        above = np.ascontiguousarray(
            np.broadcast_to(
                review.survival(np.arange(longest)[:, None] + np.zeros(len(group))), (longest, len(group))
            ).T
        )
        part = np.empty((len(group), 3))
        kernel(table, low[group].astype(np.int64), above, money[group], lots[group], part)
        found[group] = part
    return found


def _widen_and_sort(
    exposed: Exposure, costs: RQCosts, money: Array, lots: Whole, group: Items, low: Array, high: Array, found: Array
) -> None:
    """Sort ever wider tables until both ends cost more than the best policy: then no wider one holds a better."""
    beyond = 1 + np.max(lots[group, 0])
    while len(group):
        first = low[group] - beyond
        points = first + np.arange(int(np.max(high[group] - low[group])) + 2 * beyond + 1)[:, None]
        table = position_costs(exposed, costs, group, points)
        quantity = np.arange(1.0, table.shape[1] + 1.0)
        part = sorted_search(table, first, _order_costs(exposed, money, group, quantity), money, lots, group)
        found[group] = part
        group = group[np.minimum(table[:, 0], table[:, -1]) < part[:, 2]]
        beyond *= 2


def _order_costs(exposed: Exposure, money: Array, group: Items, quantity: Array) -> Array:
    """K M(Q) per period for every quantity, (items, quantities)."""
    fixed = (money[group, 4] * money[group, 5])[:, None]
    if exposed.by_lot:
        return np.broadcast_to(fixed, (len(group), len(quantity)))
    review = of_items(exposed.review, group)
    ordered = np.broadcast_to(
        (review.mean - review.loss(quantity[:, None] + np.zeros(len(group)))).T, (len(group), len(quantity))
    )
    paid: Array = fixed * ordered
    return paid


def sorted_search(table: Array, first: Array, order_costs: Array, money: Array, lots: Whole, group: Items) -> Array:
    """Best reorder point, quantity and cost (items, 3) among windows inside ``table`` (items, width)."""
    width = table.shape[1]
    quantity = np.arange(1, width + 1)
    allowed = (quantity >= lots[group, :1]) & ((quantity - lots[group, :1]) % lots[group, 1:] == 0)
    several = np.array(
        [money[i, 3] > 0 and not rq_kernel.one_valley(table[k]) for k, i in enumerate(group)], dtype=bool
    )
    rank = width - 1 - np.argsort(table[:, ::-1], axis=1, kind="stable")
    total = np.cumsum(np.take_along_axis(table, rank, axis=1), axis=1)
    start = np.minimum.accumulate(rank, axis=1)
    if np.any(several):
        total[several], start[several] = _cheapest_windows(table[several])
    with np.errstate(invalid="ignore"):
        cost = np.where(allowed, (order_costs + total) / quantity, np.inf)
    best = np.argmin(cost, axis=1)
    rows = np.arange(len(group))
    return np.stack([first + start[rows, best] - 1.0, best + 1.0, cost[rows, best]], axis=1)


def _cheapest_windows(table: Array) -> tuple[Array, NDArray[np.int64]]:
    """For every length the cheapest run of neighbouring columns: its sum and where it starts, (items, lengths)."""
    width = table.shape[1]
    upto = np.concatenate([np.zeros((len(table), 1)), np.cumsum(table, axis=1)], axis=1)
    total, start = np.empty(table.shape), np.empty(table.shape, dtype=np.int64)
    for length in range(1, width + 1):
        sums = upto[:, length:] - upto[:, :-length]
        start[:, length - 1] = np.argmin(sums, axis=1)
        total[:, length - 1] = np.min(sums, axis=1)
    return total, start
