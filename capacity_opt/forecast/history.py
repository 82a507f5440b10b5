"""Demand history of many series: one flat array of observations, where each series begins, and their calendar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
PeriodName = Literal["step", "second", "minute", "hour", "day", "week", "month", "quarter", "year"]
PERIODS: tuple[PeriodName, ...] = ("step", "second", "minute", "hour", "day", "week", "month", "quarter", "year")


@dataclass(frozen=True)
class PeriodCalendar:
    """What a period is: ``every`` units of ``unit``, counted from ``start`` (an instant in ``time_zone``).

    ``start`` is period 0; without it (or with ``unit="step"``) periods are only numbered. Days of a zone with summer
    time have 23 to 25 hours: give hours and minutes in UTC, days and longer in the zone of the business.

    >>> PeriodCalendar("minute", every=5).natural_seasons
    (288, 2016)
    """

    unit: PeriodName = "step"
    every: int = 1
    start: np.datetime64 | None = None
    time_zone: str = "UTC"

    def __post_init__(self) -> None:
        if self.unit not in PERIODS:
            raise ArgumentError(f"unit must be one of {', '.join(PERIODS)}, got {self.unit!r}")
        _checks.whole("every", self.every, at_least=1)

    @property
    def natural_seasons(self) -> tuple[int, ...]:
        """Season lengths in periods worth testing for: day and week of hours, year of months; none for steps."""
        cycles = {"second": (60, 3600), "minute": (60, 1440, 10080), "hour": (24, 168), "day": (7,), "week": (52,),
                  "month": (12,), "quarter": (4,)}.get(self.unit, ())  # fmt: skip
        found = (cycle // self.every for cycle in cycles if cycle % self.every == 0)
        long_enough = tuple(length for length in found if length > 1)
        return long_enough[-2:]


@dataclass(frozen=True, eq=False, init=False)
class History:
    """Observed demand of n series, each of its own length: series i is ``values[offsets[i]:offsets[i + 1]]``.

    ``values``: (n, time) with every row a series (leading and trailing NaN are cut off: the series began later or
    ended earlier), or flat with ``offsets`` (n + 1,). NaN inside marks a period nobody observed. ``ids``: their
    names, ``"0"``, ``"1"``, ... unless given. ``first`` (n,): the period on the shared calendar of each series' first
    observation (0 unless given). ``in_stock``: like ``values``, False where the observation is censored: sales while
    nothing was left, at most the demand.

    >>> history = History([[3, 1, 4], [np.nan, 1, 5]], ids=["a", "b"])
    >>> history.count, history.lengths, history.first
    (2, array([3, 2]), array([0, 1]))
    """

    values: Array
    offsets: IntArray
    ids: NDArray[np.str_]
    first: IntArray
    in_stock: BoolArray | None
    calendar: PeriodCalendar

    def __init__(
        self,
        values: ArrayLike,
        offsets: ArrayLike | None = None,
        *,
        ids: Sequence[str] | NDArray[np.str_] | None = None,
        first: ArrayLike = 0,
        in_stock: ArrayLike | None = None,
        calendar: PeriodCalendar = PeriodCalendar(),
    ) -> None:
        table = _checks.numbers("values", values)
        mask = None if in_stock is None else np.asarray(in_stock, dtype=np.bool_)
        if mask is not None and mask.shape != table.shape:
            raise ArgumentError(f"in_stock must have the shape of values {table.shape}, got {mask.shape}")
        if np.any(np.isinf(table)):
            raise ArgumentError("values must be finite or NaN (not observed), got inf. Write NaN for unknown")
        if offsets is None:
            flat, ends, skipped, mask = _from_panel(table, mask)
        else:
            flat, ends, skipped = table, _offsets(offsets, table), np.zeros(1, dtype=np.int64)
        count = len(ends) - 1
        names = np.arange(count).astype(np.str_) if ids is None else np.asarray(ids, dtype=np.str_)
        if names.shape != (count,):
            raise ArgumentError(f"ids must name all {count} series, got {names.shape}")
        begun = np.broadcast_to(np.asarray(first, dtype=np.int64) + skipped, (count,)).copy()
        self._set(flat, ends, names, begun, mask, calendar)

    def _set(
        self,
        values: Array,
        offsets: IntArray,
        ids: NDArray[np.str_],
        first: IntArray,
        in_stock: BoolArray | None,
        calendar: PeriodCalendar,
    ) -> None:
        for name, value in locals().items():
            if name != "self":
                object.__setattr__(self, name, value)

    @property
    def count(self) -> int:
        """How many series."""
        return len(self.offsets) - 1

    @property
    def lengths(self) -> IntArray:
        """(n,) periods from each series' first to its last observation."""
        return np.diff(self.offsets)

    @property
    def last(self) -> IntArray:
        """(n,) the period of each series' last observation: the origin of its forecast."""
        return self.first + self.lengths - 1

    def series(self, position: int) -> Array:
        """The observations of one series."""
        return self.values[self.offsets[position] : self.offsets[position + 1]]

    def take(self, series: ArrayLike) -> History:
        """The chosen series only, in the order given (positions, or a mask)."""
        chosen = np.arange(self.count)[np.asarray(series)]
        lengths = self.lengths[chosen]
        ends = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        cells = np.repeat(self.offsets[chosen] - ends[:-1], lengths) + np.arange(ends[-1])
        mask = None if self.in_stock is None else self.in_stock[cells]
        return self._with(self.values[cells], ends, self.ids[chosen], self.first[chosen], mask)

    def hold_out(self, periods: int) -> tuple[History, Array]:
        """All but the last ``periods`` of every series, and those as (n, periods); NaN where a series is too short."""
        number = int(_checks.whole("periods", periods, at_least=1))
        kept = np.maximum(self.lengths - number, 0)
        ends = np.concatenate([[0], np.cumsum(kept)]).astype(np.int64)
        cells = np.repeat(self.offsets[:-1] - ends[:-1], kept) + np.arange(ends[-1])
        mask = None if self.in_stock is None else self.in_stock[cells]
        held = np.full((self.count, number), np.nan)
        places = (self.offsets[:-1] + kept)[:, None] + np.arange(number)
        inside = places < self.offsets[1:, None]
        held[inside] = self.values[places[inside]]
        return self._with(self.values[cells], ends, self.ids, self.first, mask), held

    def panel(self, longest: int | None = None) -> Array:
        """(n, time) with the last observations aligned right and NaN before a series began."""
        width = int(self.lengths.max(initial=0)) if longest is None else longest
        places = self.offsets[1:, None] - width + np.arange(width)
        inside = places >= self.offsets[:-1, None]
        table = np.full((self.count, width), np.nan)
        table[inside] = self.values[places[inside]]
        return table

    def _with(
        self, values: Array, offsets: IntArray, ids: NDArray[np.str_], first: IntArray, in_stock: BoolArray | None
    ) -> History:
        made = object.__new__(History)
        made._set(values, offsets, ids, first, in_stock, self.calendar)
        return made


def _from_panel(table: Array, mask: BoolArray | None) -> tuple[Array, IntArray, IntArray, BoolArray | None]:
    """Flat values, offsets, how much was cut off in front, and the flat mask."""
    if table.ndim == 1:
        table, mask = table[None], None if mask is None else mask[None]
    if table.ndim != 2:
        raise ArgumentError(f"values must have shape (time,) or (series, time), or be flat with offsets; {table.shape}")
    seen = ~np.isnan(table)
    some = seen.any(axis=1)
    begin = np.where(some, seen.argmax(axis=1), 0)
    end = np.where(some, table.shape[1] - seen[:, ::-1].argmax(axis=1), 0)
    ends = np.concatenate([[0], np.cumsum(end - begin)]).astype(np.int64)
    place = np.arange(table.shape[1])
    kept = (place >= begin[:, None]) & (place < end[:, None])
    return table[kept], ends, begin.astype(np.int64), None if mask is None else mask[kept]


def _offsets(offsets: ArrayLike, flat: Array) -> IntArray:
    ends = _checks.whole("offsets", offsets)
    good = ends.ndim == 1 and len(ends) > 0 and ends[0] == 0 and ends[-1] == len(flat) and np.all(np.diff(ends) >= 0)
    if flat.ndim != 1 or not good:
        raise ArgumentError("offsets must rise from 0 to the number of values, one more than there are series")
    return ends
