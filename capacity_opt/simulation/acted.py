"""What acting on forecast quantiles would have cost on the history that came true.

``replenish``: at every review the forecast's quantile is the level ordered up to; stock carries over. ``lease``:
capacity for one period is fixed a lead time ahead; what is not asked is wasted, what is missing is lost. ``buy``:
likewise, but capacity once bought stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError
from capacity_opt.problem.item import Item
from capacity_opt.problem.policies import TimeVaryingOrderUpTo
from capacity_opt.simulation.replay import ReplayResult, replay

Array = NDArray[np.float64]
Decision = Literal["replenish", "lease", "buy"]
DECISIONS = ("replenish", "lease", "buy")

FEW_ITEMS = 10
"""With fewer items than this, differences are paired over blocks of time instead of over items."""
BLOCKS = 20


@dataclass(frozen=True, kw_only=True)
class Acted:
    """Totals per item (n,) over ``periods`` counted periods; ``by_block`` (blocks,) cost of all items per period in
    successive blocks of time, only where items are few (else empty)."""

    holding: Array
    stockout: Array
    ordering: Array
    filled: Array
    demand: Array
    periods: int
    by_block: Array

    @property
    def cost(self) -> Array:
        """Money per item, (n,)."""
        return self.holding + self.stockout + self.ordering

    @property
    def pairs(self) -> Array:
        """Cost of all items per period, once per unit of pairing: its mean over the units is the cost per period."""
        return self.by_block if len(self.by_block) else self.cost * len(self.cost) / self.periods


@dataclass(frozen=True, kw_only=True)
class Setting:
    """How levels are acted on: the ``history`` (n, T) of what was asked, costs and delays of ``item``, the start."""

    history: Array
    item: Item
    decision: Decision
    lost_sales: bool
    initial_stock: ArrayLike | None
    on_order: ArrayLike | None

    def act(self, levels: Array, *, warm_up: int, until: int | None = None) -> Acted:
        """Act on ``levels`` (n, T), counting the periods from ``warm_up`` up to ``until``."""
        end = self.history.shape[1] if until is None else until
        if not 0 <= warm_up < end:
            raise ArgumentError(f"warm_up must leave a period to count: in [0, {end - 1}], got {warm_up}")
        act = _replenish if self.decision == "replenish" else _capacity
        return act(self, levels[:, :end], warm_up, end)


def _edges(items: int, warm_up: int, end: int) -> list[int]:
    """Where blocks of time begin and end, none where items are many."""
    count = min(BLOCKS, end - warm_up)
    if items >= FEW_ITEMS or count < 2:
        return []
    return [round(edge) for edge in np.linspace(warm_up, end, count + 1).tolist()]


def _replenish(setting: Setting, levels: Array, warm_up: int, end: int) -> Acted:
    policy = TimeVaryingOrderUpTo(reorder_point=levels.T, order_up_to_level=levels.T)

    def played(counted_from: int) -> ReplayResult:
        return replay(
            policy,
            setting.history[:, :end],
            setting.item,
            lost_sales=setting.lost_sales,
            initial_stock=setting.initial_stock,
            on_order=setting.on_order,
            warm_up=counted_from,
        )

    whole = played(warm_up)
    edges = _edges(len(levels), warm_up, end)
    tails = [float(played(edge).cost.sum()) for edge in edges[:-1]] + [0.0]
    blocks = -np.diff(tails) / np.diff(edges) if edges else np.zeros(0)
    return Acted(
        holding=whole.holding,
        stockout=whole.stockout,
        ordering=whole.ordering,
        filled=whole.filled,
        demand=whole.demand,
        periods=whole.periods,
        by_block=np.asarray(blocks),
    )


def _capacity(setting: Setting, levels: Array, warm_up: int, end: int) -> Acted:
    item, items = setting.item, len(levels)
    if np.any(np.asarray(item.review_period) != 1):
        raise ArgumentError(f"decision {setting.decision!r} needs review_period 1, got {item.review_period}")
    lead = np.broadcast_to(_checks.whole("lead_time", item.lead_time), (items,))
    begin = np.arange(end)[None, :] - lead[:, None]
    first = 0.0 if setting.initial_stock is None else _checks.non_negative("initial_stock", setting.initial_stock)
    start = np.broadcast_to(np.asarray(first, dtype=np.float64), (items,))
    held = np.where(begin >= 0, np.take_along_axis(levels, np.maximum(begin, 0), 1), start[:, None])
    if setting.decision == "buy":
        held = np.maximum.accumulate(np.maximum(held, start[:, None]), axis=1)
    asked = setting.history[:, :end]
    filled = np.minimum(held, asked)
    idle = np.asarray(item.holding_cost)[..., None] * (held - filled)
    short = np.asarray(item.stockout_cost)[..., None] * (asked - filled)
    both = (idle + short).sum(axis=0)
    edges = _edges(items, warm_up, end)
    counted = slice(warm_up, end)
    return Acted(
        holding=idle[:, counted].sum(axis=1),
        stockout=short[:, counted].sum(axis=1),
        ordering=np.zeros(items),
        filled=filled[:, counted].sum(axis=1),
        demand=asked[:, counted].sum(axis=1),
        periods=end - warm_up,
        by_block=np.array([both[a:b].mean() for a, b in pairwise(edges)]),
    )
