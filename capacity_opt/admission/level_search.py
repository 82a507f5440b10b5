"""Coordinate search over critical levels: on the fast recursion in batches, then exactly where the pool is small."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capacity_opt.admission.markov_chain import Chain
from capacity_opt.admission.multirate import blocked_share
from capacity_opt.admission.multirate_kernel import occupancy_of

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

FULL = 96
"""Up to this many levels of a class all are tried at once; beyond it a grid is refined around its best."""
ROUNDS = 12
STARTS = 3
BATCH = 4_000_000
"""Occupancy numbers held at once."""


@dataclass(frozen=True, kw_only=True)
class Pool:
    """What is tuned: one value per class; ``value`` = money per unit of time and request in progress; ``most_blocked``
    the largest blocking each class accepts."""

    capacity: int
    load: Array
    size: Whole
    value: Array
    most_blocked: Array

    def score(self, blocking: Array) -> tuple[Array, Array]:
        """(largest excess over the accepted blocking, money per unit of time) for (candidates, classes)."""
        excess = np.maximum(blocking - self.most_blocked, 0.0).max(axis=-1)
        excess = np.where(excess <= 1e-9, 0.0, excess)
        return excess, (self.value * self.load * (1.0 - blocking)).sum(axis=-1)


Judge = Callable[[Whole], Array]
"""Blocking (candidates, classes) of levels (candidates, classes)."""


def by_recursion(pool: Pool) -> Judge:
    """Blocking by the Roberts recursion, many candidates at a time."""
    rows = max(1, BATCH // (pool.capacity + 1))

    def judge(levels: Whole) -> Array:
        parts = []
        for start in range(0, len(levels), rows):
            part = levels[start : start + rows]
            q = occupancy_of(pool.capacity, pool.load[None], np.minimum(pool.size, pool.capacity + 1), part)
            parts.append(blocked_share(q, pool.size, part))
        return np.concatenate(parts)

    return judge


def by_chain(chain: Chain) -> Judge:
    """Blocking from the exact chain, one candidate at a time, each solved once."""
    known: dict[tuple[int, ...], Array] = {}

    def judge(levels: Whole) -> Array:
        for level in levels:
            key = tuple(level.tolist())
            if key not in known:
                known[key] = chain.blocking(level)
        return np.array([known[tuple(level.tolist())] for level in levels])

    return judge


def search(pool: Pool, judge: Judge) -> Whole:
    """The best levels that coordinate steps find from several starts."""
    starts = _starts(pool)
    excess, money = pool.score(judge(starts))
    chosen = starts[np.lexsort((-money, excess))[:STARTS]]
    return _best(pool, judge, np.array([_descend(pool, judge, start) for start in chosen]))


def polish(pool: Pool, judge: Judge, level: Whole) -> Whole:
    """Steps of a few sizes in one class at a time, as long as they help."""
    top = np.maximum(pool.capacity - pool.size, 0)
    steps = np.unique(np.concatenate([[1, 2, 3, 4, 6, 8, 12, 16], pool.size]))
    steps = np.concatenate([-steps[::-1], steps])
    for _ in range(ROUNDS):
        before = level
        for k in range(len(level)):
            tried = np.repeat(level[None], steps.size + 1, axis=0)
            tried[1:, k] = np.clip(level[k] + steps, 0, top[k])
            level = _best(pool, judge, _distinct(tried))
        if np.array_equal(before, level):
            break
    return level


def _descend(pool: Pool, judge: Judge, level: Whole) -> Whole:
    for _ in range(ROUNDS):
        before = level
        for k in range(len(level)):
            level = _line(pool, judge, level, k)
        if np.array_equal(before, level):
            break
    return level


def _line(pool: Pool, judge: Judge, level: Whole, k: int) -> Whole:
    """The best level of one class, the others fixed; ties keep the lower level."""
    top = max(int(pool.capacity - pool.size[k]), 0)
    if top < FULL:
        grid = np.arange(top + 1)
    else:
        grid = np.unique(np.concatenate([[0, top], np.rint(np.geomspace(1, top, 40)).astype(np.int64)]))
    while True:
        tried = np.repeat(level[None], grid.size + 1, axis=0)
        tried[1:, k] = grid
        level = _best(pool, judge, _distinct(tried))
        place = int(np.searchsorted(grid, level[k]))
        low, high = grid[max(place - 1, 0)], grid[min(place + 1, grid.size - 1)]
        if high - low <= 2 or grid.size > top:
            return level
        grid = np.unique(np.linspace(low, high, 18).astype(np.int64))


def _best(pool: Pool, judge: Judge, tried: Whole) -> Whole:
    """Least excess, then most money, then the lowest levels; money within rounding counts as equal."""
    excess, money = pool.score(judge(tried))
    kept = np.flatnonzero(excess <= excess.min() + 1e-12)
    rich = kept[money[kept] >= money[kept].max() - 1e-12 * max(1.0, abs(float(money[kept].max())))]
    best: Whole = tried[rich[np.argmin(tried[rich].sum(axis=1))]]
    return best


def _distinct(tried: Whole) -> Whole:
    unique: Whole = np.unique(tried, axis=0)
    return unique


def _starts(pool: Pool) -> Whole:
    """First come; the same threshold for all; and room for the spread of the demand dearer than each class."""
    per_unit = pool.value / pool.size
    top = np.maximum(pool.capacity - pool.size, 0)
    spread = np.array([np.sqrt((pool.load * pool.size**2)[per_unit > p].sum()) for p in per_unit])
    dearer = np.array([(pool.load * pool.size)[per_unit > p].sum() for p in per_unit])
    fitting = pool.size[pool.size <= pool.capacity].max(initial=1)
    raw = [np.zeros(pool.size.size), fitting - pool.size, 0.5 * spread, spread, 2.0 * spread, 0.5 * dearer]
    starts: Whole = np.unique(np.clip(np.rint(raw), 0, top).astype(np.int64), axis=0)
    return starts
