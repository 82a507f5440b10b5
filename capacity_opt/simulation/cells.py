"""Policy, demand and item laid out over items for the simulation's loop."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt._compiled import compiling, kept
from capacity_opt.errors import ArgumentError
from capacity_opt.problem.item import Item
from capacity_opt.simulation.period_play import MEASURES, Play, play
from capacity_opt.simulation.rules import Rule

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

LONGEST_WARM_UP = 2000


@dataclass(frozen=True, kw_only=True)
class Cells:
    """One row per item: ``trigger``, ``up_to`` (n, cycle); the rest (n,), ``delay`` being ``lead``
    before it is whole (continuous review takes it as it is). ``shape`` is what the caller gets back."""

    shape: tuple[int, ...]
    trigger: Array
    up_to: Array
    lot: Array
    cap: Array
    delay: Array
    lead: IntArray
    review: IntArray
    mean: Array
    whole: bool
    lost_sales: bool
    every_review: bool

    @property
    def items(self) -> int:
        """How many items there are."""
        return len(self.lot)

    @property
    def warm_up(self) -> int:
        """Periods after which the start no longer matters: ten protection intervals and five order cycles."""
        span = np.max(self.up_to - self.trigger, axis=1)
        cycle = np.divide(span, self.mean, out=np.zeros_like(span), where=self.mean > 0)
        longest = np.max(10.0 * (self.lead + self.review) + 5.0 * cycle, initial=0.0)
        return int(min(LONGEST_WARM_UP, max(20.0, np.ceil(longest))))

    def start(self, rows: slice, replications: int, initial_stock: ArrayLike | None) -> Array:
        """Stock at the start, (rows, n): as given, else spread over the positions that orders bring about."""
        count = rows.stop - rows.start
        if initial_stock is not None:
            given = _checks.finite("initial_stock", initial_stock)
            return np.broadcast_to(given.reshape(-1), (count, self.items)).copy()
        share = (np.arange(rows.start, rows.stop)[:, None] + 0.5) / replications
        below = share * (self.up_to[:, 0] - self.trigger[:, 0])
        return np.asarray(self.up_to[:, 0] - (np.floor(below) if self.whole else below))

    def play(self, items: slice, demand: Array, net: Array, warm_up: int, lead: IntArray | None = None) -> Play:
        """What the loop needs for some of the items; ``lead`` (replications, 1, periods or 1) where it is random."""
        fixed = self.lead[items][None, :, None] if lead is None else lead
        lead = np.broadcast_to(fixed, (*demand.shape[:2], fixed.shape[2]))
        return Play(
            demand=demand,
            lead=lead,
            trigger=self.trigger[items],
            up_to=self.up_to[items],
            lot=self.lot[items],
            cap=self.cap[items],
            review=self.review[items],
            net=np.ascontiguousarray(net[:, items]),
            lost_sales=self.lost_sales,
            every_review=self.every_review,
            warm_up=warm_up,
        )


def is_continuous(item: Item) -> bool:
    """Whether every item is reviewed continuously."""
    return bool(np.all(np.asarray(item.review_period) == 0))


def lay_out(rule: Rule, item: Item, *, mean: Array, whole: bool, lost_sales: bool) -> Cells:
    """Broadcast rule, mean demand and item over items; delays must be whole periods. ``whole``: demand is counted."""
    try:
        shape = np.broadcast_shapes(rule.shape, item.shape, mean.shape)
    except ValueError:
        told = f"policy {rule.shape}, item {item.shape}, demand {mean.shape}"
        raise ArgumentError(f"these do not broadcast together over items: {told}") from None
    if len(shape) > 1:
        raise ArgumentError(f"simulate takes one item or a vector of items, got shape {shape}")
    lead, review = np.ceil(np.asarray(item.lead_time)), np.asarray(item.review_period)
    if not is_continuous(item):
        lead = _checks.whole("lead_time (in periods, under periodic review)", item.lead_time)
        review = _checks.whole("review_period (in periods; 0 is continuous review)", item.review_period, at_least=1)

    def row(values: ArrayLike) -> Array:
        return np.ascontiguousarray(np.broadcast_to(values, shape).reshape(-1), dtype=np.float64)

    def levels(values: Array) -> Array:
        return np.stack([row(period) for period in values], axis=1)

    levelled = np.concatenate([np.ravel(rule.trigger), np.ravel(rule.up_to)])
    return Cells(
        shape=shape,
        trigger=levels(rule.trigger),
        up_to=levels(rule.up_to),
        lot=row(rule.lot),
        cap=row(rule.cap),
        delay=row(item.lead_time),
        lead=row(lead).astype(np.int64),
        review=row(review).astype(np.int64),
        mean=row(mean),
        whole=whole and bool(np.all(levelled == np.rint(levelled))),
        lost_sales=lost_sales,
        every_review=rule.every_review,
    )


CALLS = 2_000
"""What the calls of one period cost, in cells."""

PATIENCE = 20_000_000
"""Work of the NumPy loop, about 2 s, before compiling pays: that takes 10 s on a machine's first use."""

PATIENCE_KEPT = 4_000_000
"""The same where machine code is kept from an earlier run: loading numba and it takes about 0.4 s."""

_worked: int = 0
_KERNEL = "period_play_compiled.py"


@cache
def _patience() -> int:
    return PATIENCE_KEPT if kept(os.path.join(os.path.dirname(__file__), _KERNEL)) else PATIENCE


def _worth_compiling(inputs: Play) -> bool:
    """Whether this process has so much to play that the compiled loop pays; the two give the same bits."""
    global _worked  # noqa: PLW0603 - how much was played so far
    if os.environ.get("CAPACITY_OPT_COMPILE") == "1":
        return True
    replications, items, periods = inputs.demand.shape
    _worked = min(PATIENCE + 1, _worked + periods * (replications * items + CALLS))
    return bool(_worked > _patience())


def run(inputs: Play) -> Array:
    """Sums over the counted periods (measures, replications, n), compiled where numba is present and it pays."""
    if not compiling() or not _worth_compiling(inputs):
        return play(inputs)
    from capacity_opt.simulation.period_play_compiled import play_cells

    sums = np.empty((*inputs.demand.shape[:2], len(MEASURES)))
    due = np.ascontiguousarray(np.broadcast_to(inputs.due, (inputs.demand.shape[1], inputs.due.shape[1])))
    play_cells(
        inputs.demand, inputs.lead, inputs.trigger, inputs.up_to, inputs.lot, inputs.cap, inputs.review, inputs.net,
        inputs.lost_sales, inputs.every_review, inputs.warm_up, due, inputs.slots, sums,
    )  # fmt: skip
    return np.moveaxis(sums, 2, 0)
