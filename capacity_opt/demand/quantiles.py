"""Demand given by forecast quantiles, one row per item.

Between two given levels the quantile function is linear. Above the last level the logarithm of the survival function
goes on falling as between the last two quantiles (an exponential tail). Below the first level the quantile function is
linear from ``q1 (1 - a) / (1 + a)``, never below 0, where ``a = log(q2 / q1) / log(l2 / l1)``: that line has the mean
of the power law ``q1 (u / l1)^a`` through the first two quantiles, which is right for a gamma's lower end and within
1 % of a normal's, while a line from 0 would understate the mean of a steady demand by 2 %.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.demand.quantile_draws import piecewise
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Tail = Literal["exponential", "linear", "clamp"]
_TAILS = ("exponential", "linear", "clamp")
# A quantile this close above a whole number (relative) is that number: rounding of the interpolation, not demand.
_WHOLE = 1e-9


class Piece(NamedTuple):
    """One linear stretch of the quantile function: from (low_level, low) to (high_level, high)."""

    low_level: Array
    high_level: Array
    low: Array
    high: Array


@dataclass(frozen=True, eq=False, init=False)
class QuantileDemand:
    """Demand by quantiles: ``levels`` (m,) strictly increasing in (0, 1), ``values`` (m,) or (n, m) in demand units.

    Crossing quantiles are repaired by sorting each row (Chernozhukov, Fernandez-Val and Galichon 2010) and counted in
    ``crossings`` (``crossing="error"`` refuses them); negative values become 0 and are counted in ``floored``.
    ``zero_mass`` is P(D = 0), per item or for all: quantiles at levels up to it are 0. ``integer=True`` makes counts:
    demand is rounded up, so its quantile is the smallest whole x with F(x) >= level. ``tail`` above the last level:
    ``"exponential"``, ``"linear"`` (the last stretch goes on) or ``"clamp"`` (never above the last quantile).

    >>> demand = QuantileDemand(levels=[0.1, 0.5, 0.9], values=[[80, 100, 140], [3, 5, 9]])
    >>> demand.quantile(0.75)
    array([125. ,   7.5])
    >>> demand.covers(0.99)
    array([False, False])
    """

    levels: Array
    values: Array
    zero_mass: Array
    integer: bool
    tail: Tail
    crossings: int
    crossing_items: NDArray[np.intp]
    floored: int

    def __init__(
        self,
        levels: ArrayLike,
        values: ArrayLike,
        *,
        zero_mass: ArrayLike = 0.0,
        integer: bool = False,
        tail: Tail = "exponential",
        crossing: Literal["repair", "error"] = "repair",
    ) -> None:
        checked = _checks.increasing("levels", _checks.fraction("levels", levels))
        rows = _checks.finite("values", values)
        if checked.size < 2:
            raise ArgumentError("levels must hold at least two levels: one quantile says nothing about the spread")
        if rows.ndim not in (1, 2) or rows.shape[-1] != checked.size:
            raise ArgumentError(
                f"values must have shape (items, {checked.size}), one column per level, got {rows.shape}"
            )
        if tail not in _TAILS:
            raise ArgumentError(f"tail must be one of {', '.join(_TAILS)}, got {tail!r}")
        rows, counts = _repaired(rows, crossing)
        zero = _checks.share("zero_mass", _checks.shape("zero_mass", zero_mass, rows.shape[:-1]))
        _checks.non_negative("last level - zero_mass", checked[-1] - zero)
        self._set(checked, rows, zero, integer, tail, *counts)

    def _set(
        self,
        levels: Array,
        values: Array,
        zero_mass: Array,
        integer: bool,
        tail: Tail,
        crossings: int,
        crossing_items: NDArray[np.intp],
        floored: int,
    ) -> None:
        for name, value in locals().items():
            if name != "self":
                object.__setattr__(self, name, value)

    @property
    def shape(self) -> tuple[int, ...]:
        """``()`` for one row, ``(n,)`` for n rows."""
        return self.values.shape[:-1]

    @property
    def discrete(self) -> bool:
        """Whether the support is the whole numbers (``integer=True``)."""
        return self.integer

    @property
    def mean(self) -> Array:
        """E[D]."""
        return self._moments[0]

    @property
    def variance(self) -> Array:
        """Var[D]."""
        return self._moments[1]

    def covers(self, level: ArrayLike) -> BoolArray:
        """Whether a level lies within the given levels; outside them the answer is an extrapolation."""
        asked = _checks.fraction("level", level)
        inside = (asked >= np.maximum(self.levels[0], self.zero_mass)) & (asked <= self.levels[-1])
        return np.asarray(inside | (asked <= self.zero_mass))

    def quantile(self, level: ArrayLike) -> Array:
        """The smallest x with P(D <= x) >= level."""
        asked = _checks.fraction("level", level)
        answer = self._tail_quantile(asked)
        for piece in reversed(list(self._pieces())):
            width = piece.high_level - piece.low_level
            share = (asked - piece.low_level) / np.where(width > 0, width, 1.0)
            inside = np.where(share >= 1.0, piece.high, piece.low + (piece.high - piece.low) * share)
            answer = np.where(asked <= piece.high_level, inside, answer)
        return self._rounded(np.where(asked <= self.zero_mass, 0.0, answer))[()]

    def _rounded(self, answer: Array) -> Array:
        """The whole numbers that counts live on."""
        if self.integer:
            return np.ceil(answer - _WHOLE * np.maximum(answer, 1.0)) + 0.0
        return answer

    def survival(self, x: ArrayLike) -> Array:
        """P(D > x)."""
        value = self._at(x)
        return np.where(value < 0, 1.0, self._survival(np.maximum(value, 0.0)))[()]

    def cdf(self, x: ArrayLike) -> Array:
        """P(D <= x)."""
        return 1.0 - self.survival(x)

    def loss(self, x: ArrayLike) -> Array:
        """E[max(D - x, 0)]."""
        value = _checks.numbers("x", x)
        at = np.maximum(value, 0.0)
        if self.integer:
            whole = np.floor(at)
            above = np.maximum(self._integer_loss(whole) - (at - whole) * self._survival(whole), 0.0)
        else:
            above = self._loss(at)
        return np.where(value < 0, above - value, above)[()]

    def second_loss(self, x: ArrayLike) -> Array:
        """E[max(D - x, 0)^2] / 2, the integral of the loss from ``x`` upwards; of demand that is not in whole units."""
        value = _checks.numbers("x", x)
        at = np.maximum(value, 0.0)
        scale, over = self._scale, np.maximum(self._last - at, 0.0)
        excess = np.maximum(at - self._last, 0.0) / np.where(scale > 0, scale, 1.0)
        total = self._beyond * (scale * np.exp(-excess) * (scale + over) + 0.5 * over * over)
        for piece in self._pieces():
            high, low = np.maximum(piece.high - at, 0.0), np.maximum(piece.low - at, 0.0)
            rise = piece.high - piece.low
            share = np.where(piece.low >= at, 1.0, (high - low) / np.where(rise > 0, rise, 1.0))
            total = total + (piece.high_level - piece.low_level) * share * (high * high + high * low + low * low) / 6.0
        below = np.minimum(value, 0.0)
        return np.where(below < 0, total - below * self.mean + 0.5 * below * below, total)[()]

    def sample(self, count: int, *, rng: np.random.Generator) -> Array:
        """``count`` independent draws, shape ``(count, *shape)``."""
        uniform = np.maximum(rng.random((count, *self.shape)), 2.0**-54)
        if len(self.shape) != 1 or self.tail == "linear":
            return self.quantile(uniform)

        def tail(level: Array, items: NDArray[np.intp]) -> Array:
            excess = np.log(self._beyond / (1.0 - level))
            return self._last[items] + self._scale[items] * np.maximum(excess, 0.0)

        pieces = [[np.broadcast_to(part, self.shape) for part in piece] for piece in self._pieces()]
        drawn = piecewise(uniform, self.levels, pieces, tail)
        return self._rounded(np.where(uniform <= self.zero_mass, 0.0, drawn) if np.any(self.zero_mass) else drawn)

    def take(self, items: NDArray[np.intp]) -> Self:
        """The demand of the chosen items only (the counts of repairs stay with the whole)."""
        made = object.__new__(type(self))
        none = np.zeros(0, dtype=np.intp)
        made._set(self.levels, self.values[items], self.zero_mass[items], self.integer, self.tail, 0, none, 0)
        return made

    @cached_property
    def _base(self) -> Array:
        """The demand where the lowest stretch starts."""
        low, high = self.levels[0] - self.zero_mass, self.levels[1] - self.zero_mass
        return np.where(low > 0, lowest_demand(self.values[..., 0], self.values[..., 1], high, low), 0.0)

    @cached_property
    def _scale(self) -> Array:
        """Mean excess of the exponential tail; 0 without one."""
        if self.tail != "exponential":
            return np.zeros(self.shape)
        before = np.maximum(self.levels[-2], self.zero_mass)
        rise = self.values[..., -1] - np.where(self.levels[-2] > self.zero_mass, self.values[..., -2], 0.0)
        fall = np.log((1.0 - before) / (1.0 - self.levels[-1]))
        return np.where(self._last > 0, rise / fall, 0.0)

    @property
    def _last(self) -> Array:
        return self.values[..., -1]

    def _pieces(self) -> Iterator[Piece]:
        """The linear stretches from the bottom up; values at levels up to the zero mass count as 0."""
        zero = self.zero_mass
        level, value = zero, self._base
        for j, given in enumerate(self.levels):
            next_level = np.maximum(given, zero)
            next_value = np.where(given <= zero, 0.0, self.values[..., j])
            yield Piece(level, next_level, np.minimum(value, next_value), next_value)
            level, value = next_level, next_value
        if self.tail == "linear":
            before = np.maximum(self.levels[-2], zero)
            last_but_one = np.where(self.levels[-2] > zero, self.values[..., -2], 0.0)
            slope = (value - last_but_one) / (self.levels[-1] - before)
            yield Piece(level, np.ones_like(level), value, value + slope * (1.0 - self.levels[-1]))

    @property
    def _beyond(self) -> float:
        """Probability above the linear stretches."""
        return 0.0 if self.tail == "linear" else float(1.0 - self.levels[-1])

    def _at(self, x: ArrayLike) -> Array:
        value = _checks.numbers("x", x)
        return np.floor(value) if self.integer else value

    def _tail_quantile(self, level: Array) -> Array:
        with np.errstate(divide="ignore"):
            excess = np.log(self._beyond / (1.0 - level)) if self._beyond else 0.0 * level
        return self._last + self._scale * np.maximum(excess, 0.0)

    def _survival(self, x: Array) -> Array:
        scale = self._scale
        excess = np.maximum(x - self._last, 0.0) / np.where(scale > 0, scale, 1.0)
        beyond = np.where(scale > 0, self._beyond * np.exp(-excess), 0.0)
        answer = np.where(x >= self._last, beyond, 0.0)
        for piece in self._pieces():
            rise = piece.high - piece.low
            share = (piece.high - x) / np.where(rise > 0, rise, 1.0)
            inside = (1.0 - piece.high_level) + (piece.high_level - piece.low_level) * np.minimum(share, 1.0)
            answer = np.where((x >= piece.low) & (x < piece.high), inside, answer)
        return np.where(x < np.where(self.zero_mass < self.levels[0], self._base, 0.0), 1.0 - self.zero_mass, answer)

    def _loss(self, x: Array) -> Array:
        scale = self._scale
        excess = np.maximum(x - self._last, 0.0) / np.where(scale > 0, scale, 1.0)
        total = self._beyond * (scale * np.exp(-excess) + np.maximum(self._last - x, 0.0))
        for piece in self._pieces():
            high = np.maximum(piece.high - x, 0.0)
            low = np.clip(piece.low - x, 0.0, None)
            rise = piece.high - piece.low
            reached = (high - low) / np.where(rise > 0, rise, 1.0)
            share = np.where(piece.low >= x, 1.0, reached)
            total = total + (piece.high_level - piece.low_level) * share * 0.5 * (high + low)
        return total

    def _integer_loss(self, start: Array, weighted: bool = False) -> Array:
        """Sum of P(D > k), or of k P(D > k), over whole k >= start >= 0."""
        lowest = np.where(self.zero_mass < self.levels[0], self._base, 0.0)
        total = _linear_sum(start, np.ceil(lowest), 1.0 - self.zero_mass, 0.0 * lowest, lowest, weighted)
        for piece in self._pieces():
            rise = piece.high - piece.low
            slope = np.where(rise > 0, (piece.high_level - piece.low_level) / np.where(rise > 0, rise, 1.0), 0.0)
            first = np.maximum(start, np.ceil(piece.low))
            total = total + _linear_sum(first, np.ceil(piece.high), 1.0 - piece.high_level, slope, piece.high, weighted)
        return total + self._integer_tail(np.maximum(start, np.ceil(self._last)), weighted)

    def _integer_tail(self, first: Array, weighted: bool) -> Array:
        scale = np.where(self._scale > 0, self._scale, 1.0)
        ratio, rest = np.exp(-1.0 / scale), -np.expm1(-1.0 / scale)
        mass = np.where(self._scale > 0, self._beyond * np.exp(-(first - self._last) / scale), 0.0) / rest
        return mass * (first + ratio / rest) if weighted else mass

    @cached_property
    def _moments(self) -> tuple[Array, Array]:
        zero = np.zeros(self.shape)
        if self.integer:
            mean = self._integer_loss(zero)
            square = 2.0 * self._integer_loss(zero, weighted=True) + mean
            return mean[()], np.maximum(square - mean * mean, 0.0)[()]
        mean = self._loss(zero)
        last, scale = self._last - mean, self._scale
        total = self._beyond * (last * last + 2.0 * last * scale + 2.0 * scale * scale) + self.zero_mass * mean * mean
        for piece in self._pieces():
            low, high = piece.low - mean, piece.high - mean
            total = total + (piece.high_level - piece.low_level) * (low * low + low * high + high * high) / 3.0
        return mean[()], total[()]


def lowest_demand(first: Array, second: Array, high: Array, low: Array) -> Array:
    """Where the lowest stretch starts, from the first two quantiles and their levels above the zero mass.

    The logarithms of the module's formula are taken by their Pade approximant, within 0.3 % up to a ratio of 2 (where
    the start matters), so that compiled code gives the same bits.
    """
    with np.errstate(all="ignore"):
        power = log_ratio(np.minimum(second / first, 1e6)) / log_ratio(np.minimum(high / low, 1e6))
        start = first * np.maximum((1.0 - power) / (1.0 + power), 0.0)
    return np.where(first > 0, start, 0.0)


def log_ratio(ratio: Array) -> Array:
    """log(ratio) for ratios near 1, exact to the fifth order; equal ratios give equal values."""
    return 3.0 * (ratio * ratio - 1.0) / (ratio * ratio + 4.0 * ratio + 1.0)


def _linear_sum(first: Array, end: Array, floor: Array, slope: Array, top: Array, weighted: bool) -> Array:
    """Sum over whole k in [first, end) of ``floor + slope (top - k)``, or of k times that."""
    count = np.maximum(end - first, 0.0)
    middle = 0.5 * (first + end - 1.0)
    if not weighted:
        return count * (floor + slope * (top - middle))
    squares = middle * middle + (count * count - 1.0) / 12.0
    return count * ((floor + slope * top) * middle - slope * squares)


def _repaired(rows: Array, crossing: str) -> tuple[Array, tuple[int, NDArray[np.intp], int]]:
    """Sorted rows floored at 0, how many neighbours crossed, in which items, how many values were floored."""
    if crossing not in ("repair", "error"):
        raise ArgumentError(f"crossing must be 'repair' or 'error', got {crossing!r}")
    crossed = rows[..., 1:] < rows[..., :-1]
    where = np.flatnonzero(np.atleast_1d(crossed.any(axis=-1)))
    count = int(np.count_nonzero(crossed))
    if count and crossing == "error":
        told = ", ".join(map(str, where[:10]))
        raise ArgumentError(
            f"values must not decrease along the levels, but {count} do, in {len(where)} items (positions {told}"
            f"{', ...' if len(where) > 10 else ''}). Pass crossing='repair' to sort them"
        )
    negative = int(np.count_nonzero(rows < 0))
    if count:
        rows = np.sort(rows, axis=-1)
    if negative:
        rows = np.maximum(rows, 0.0)
    return np.ascontiguousarray(rows), (count, where, negative)
