"""History made ready for the models: gaps filled by a stated rule, scales taken out, origins and seasons chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError
from capacity_opt.forecast.combine_kernel import LONG
from capacity_opt.forecast.history import History
from capacity_opt.forecast.seasons import find_season

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

ORIGINS = 4
MOST_ORIGINS = 12
_WANTED = (5700, 2000)  # so many origins over all series, as far as those reach: where origins overlap, and where not
_SHORTEST = 5


@dataclass(frozen=True, eq=False)
class Prepared:
    """Series i is ``values[begins[i]:begins[i] + lengths[i]]``, divided by ``scale[i]``; ``seen``: really observed.

    ``counts`` (n, 1 + J): how many values each origin knows; column 0 the whole series, 0 where there is no origin.
    ``seasons`` (2,): lengths, 0 for none. ``positive``, ``non_negative`` (n,): of every observation.
    """

    values: Array
    seen: BoolArray
    begins: IntArray
    lengths: IntArray
    scale: Array
    counts: IntArray
    seasons: IntArray
    positive: BoolArray
    non_negative: BoolArray
    horizon: int

    def actual(self) -> Array:
        """(n, 1 + J, H) what came true after each origin, NaN where unknown."""
        places = self.begins[:, None, None] + self.counts[:, :, None] + np.arange(self.horizon)
        inside = (places < (self.begins + self.lengths)[:, None, None]) & (self.counts > 0)[:, :, None]
        places = np.where(inside, places, 0)
        return np.where(inside & self.seen[places], self.values[places], np.nan)

    def roughness(self) -> Array:
        """(n, 1 + J, 2) mean absolute difference before each origin: of all periods, and of the latest 2 H."""
        steps = np.abs(np.diff(self.values, prepend=self.values[:1]))
        steps[self.begins] = 0.0
        total = np.concatenate([[0.0], np.cumsum(steps)])
        end = self.begins[:, None] + self.counts
        recent = np.maximum(end - 2 * self.horizon, self.begins[:, None])
        whole = (total[end] - total[self.begins[:, None]]) / np.maximum(self.counts - 1, 1)
        late = (total[end] - total[recent]) / np.maximum(end - np.maximum(recent, self.begins[:, None] + 1), 1)
        return np.stack([whole, late], axis=2)

    def last(self) -> Array:
        """(n, 1 + J) the value at each origin; 0 where there is none."""
        return np.where(self.counts > 0, self.values[self.begins[:, None] + np.maximum(self.counts, 1) - 1], 0.0)

    def range(self) -> tuple[Array, Array]:
        """(n,) the least and the largest value of each series."""
        places = np.column_stack([self.begins, self.begins + self.lengths]).ravel()
        inside = np.append(self.values, self.values[-1])
        return np.minimum.reduceat(inside, places)[::2], np.maximum.reduceat(inside, places)[::2]

    def take(self, rows: IntArray) -> Prepared:
        """The chosen series, on the same values."""
        fields = {name: getattr(self, name)[rows] for name in _BY_SERIES}
        return Prepared(values=self.values, seen=self.seen, seasons=self.seasons, horizon=self.horizon, **fields)


_BY_SERIES = ("begins", "lengths", "scale", "counts", "positive", "non_negative")


def prepare(history: History, horizon: int, season: int | Sequence[int] | None) -> Prepared:
    """Fill, scale, choose origins and seasons; refuses series without any observation."""
    ahead = int(_checks.whole("horizon", horizon, at_least=1))
    _refuse_empty(history)
    lengths, begins = history.lengths, history.offsets[:-1]
    filled, seen = fill_gaps(history)
    size = np.add.reduceat(np.abs(filled), begins) / lengths
    scale = np.where(size > 0, size, 1.0)
    lowest = np.minimum.reduceat(filled, begins)
    scaled = filled / np.repeat(scale, lengths)
    return Prepared(
        values=scaled,
        seen=seen,
        begins=begins,
        lengths=lengths,
        scale=scale,
        counts=_origins(lengths, ahead),
        seasons=_seasons(history, scaled, season),
        positive=lowest > 0,
        non_negative=lowest >= 0,
        horizon=ahead,
    )


def fill_gaps(history: History) -> tuple[Array, BoolArray]:
    """Values with every unobserved period on the straight line between its neighbours; which were observed.

    A censored observation (``in_stock`` False) is not an observation of demand, but demand was at least that much.
    """
    known = ~np.isnan(history.values)
    if history.in_stock is not None:
        free = known & history.in_stock
        some = np.add.reduceat(free, history.offsets[:-1], dtype=np.int64) > 0
        known = np.where(np.repeat(some, history.lengths), free, known)
    if known.all():
        return history.values, known
    place = np.arange(len(known))
    owner = np.repeat(np.arange(history.count), history.lengths)
    before = np.maximum.accumulate(np.where(known, place, -1))
    after = np.minimum.accumulate(np.where(known, place, len(known))[::-1])[::-1]
    has_before = (before >= 0) & (owner[np.maximum(before, 0)] == owner)
    has_after = (after < len(known)) & (owner[np.minimum(after, len(known) - 1)] == owner)
    left, right = np.where(has_before, before, after), np.where(has_after, after, before)
    share = (place - left) / np.maximum(right - left, 1)
    low = history.values[left]
    line = low + share * (history.values[right] - low)
    least = np.where(np.isnan(history.values), -np.inf, history.values)
    return np.where(known, history.values, np.maximum(line, least)), known


def _refuse_empty(history: History) -> None:
    there = np.concatenate([[0], np.cumsum(~np.isnan(history.values))])
    empty = np.flatnonzero(there[history.offsets[1:]] == there[history.offsets[:-1]])
    if history.count == 0 or len(empty):
        told = ", ".join(history.ids[empty[:10]]) + (", ..." if len(empty) > 10 else "")
        raise ArgumentError(
            f"every series needs at least one observation, {len(empty)} have none ({told}). Leave them out"
            if history.count
            else "history must hold at least one series"
        )


def _origins(lengths: IntArray, horizon: int) -> IntArray:
    """(n, 1 + J) the ends of the training parts; short series add origins whose horizon is only partly known."""
    long = lengths >= LONG * horizon
    wanted = int(np.clip(-(-_WANTED[int(np.median(long))] // len(lengths)), ORIGINS, MOST_ORIGINS))
    step = np.where(long, horizon, max(1, horizon // 2))
    full = lengths[:, None] - horizon - np.arange(wanted) * step[:, None]
    full = np.where(full >= _SHORTEST, full, 0)
    few = (full > 0).sum(axis=1) < 3
    part = lengths[:, None] - np.array(sorted({max(1, horizon // 2), 1}, reverse=True))
    part = np.where(few[:, None] & (part >= 3) & (part > lengths[:, None] - horizon), part, 0)
    counts = -np.sort(-np.concatenate([part, full], axis=1), axis=1)[:, :wanted]
    counts = counts[:, : max(1, int((counts > 0).sum(axis=1).max(initial=0)))]
    return np.concatenate([lengths[:, None], counts], axis=1)


def _seasons(history: History, values: Array, season: int | Sequence[int] | None) -> IntArray:
    if season is None:
        natural = history.calendar.natural_seasons
        told = natural if history.calendar.unit != "step" else find_season(values, history.offsets)
    else:
        told = tuple(int(each) for each in np.atleast_1d(_checks.whole("season", season, at_least=0)))
    used = sorted({each for each in told if each > 1})
    if len(used) > 2:
        raise ArgumentError(f"season must name at most two lengths, got {len(used)}: {used}")
    return np.array([*used, 0, 0][:2], dtype=np.int64)
