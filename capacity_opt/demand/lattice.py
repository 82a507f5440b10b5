"""Demand given by probabilities: :class:`Pmf` on the whole numbers, :class:`Histogram` on equal bins of the line.

Rows are items; shorter rows are padded with zeros. All sums run in one direction over each row (``cumsum``), so padding
changes no bit of any answer, and survival is summed from the top, so the far tail keeps its relative accuracy.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


def suffix_sums(rows: Array) -> Array:
    """``out[..., k]`` = sum of ``rows[..., k + 1:]``, summed from the far end."""
    out = np.zeros_like(rows)
    out[..., :-1] = np.cumsum(rows[..., :0:-1], axis=-1)[..., ::-1]
    return out


def first_at_least(rows: Array, level: Array) -> IntArray:
    """Per item the first k with ``rows[item, k] >= level``; the row length where there is none.

    ``rows`` (n, m) non-decreasing, ``level`` (..., n); bisection over all items at once.
    """
    length = rows.shape[-1]
    item = np.arange(rows.shape[0])
    low = np.zeros(level.shape, dtype=np.int64)
    high = np.full(level.shape, length, dtype=np.int64)
    for _ in range(int(length).bit_length()):
        middle = (low + high) // 2
        found = (rows[item, np.minimum(middle, length - 1)] >= level) | (middle >= length)
        high = np.where(found, middle, high)
        low = np.where(found, low, np.minimum(middle + 1, high))
    return low


class Lattice:
    """What both kinds share: rows of probabilities, kept as (n, m) inside, and sampling."""

    probabilities: Array

    @property
    def shape(self) -> tuple[int, ...]:
        """``()`` for one item given by one row, ``(n,)`` for n rows."""
        return self.probabilities.shape[:-1]

    @cached_property
    def _mass(self) -> Array:
        return np.atleast_2d(self.probabilities)

    @cached_property
    def _cumulative(self) -> Array:
        return np.where(self._above > 0, np.minimum(np.cumsum(self._mass, axis=-1), 1.0), 1.0)

    @cached_property
    def _above(self) -> Array:
        return np.minimum(suffix_sums(self._mass), 1.0)

    @cached_property
    def _above_twice(self) -> Array:
        """Sum of the survival from k on: the loss at k, in steps."""
        return self._above + suffix_sums(self._above)

    def _expand(self, value: Array) -> Array:
        """``value`` broadcast against the items, with one item axis at the end."""
        shape = self.shape or (1,)
        return np.broadcast_to(
            value[..., None] if not self.shape else value,
            np.broadcast_shapes((value[..., None] if not self.shape else value).shape, shape),
        )

    def _shrink(self, value: Array) -> Array:
        return value if self.shape else value[..., 0]

    def _at(self, rows: Array, index: IntArray) -> Array:
        picked: Array = rows[np.arange(rows.shape[0]), index]
        return picked

    def quantile(self, level: ArrayLike) -> Array:
        """The smallest x with P(D <= x) >= level."""
        raise NotImplementedError

    def sample(self, count: int, *, rng: np.random.Generator) -> Array:
        """``count`` independent draws, shape ``(count, *shape)``."""
        return self.quantile(np.maximum(rng.random((count, *self.shape)), 2.0**-54))


@dataclass(frozen=True, eq=False, init=False)
class Pmf(Lattice):
    """Any demand on the whole numbers: ``probabilities[..., k]`` = P(D = start + k).

    ``probabilities`` (m,) for one item or (n, m); ``start`` a whole number >= 0, scalar or (n,). Raises
    :class:`~capacity_opt.ArgumentError` where a row holds a negative or does not sum to 1 (within 1e-6).

    >>> float(Pmf([0.5, 0.3, 0.2], start=1).quantile(0.75))
    2.0
    """

    probabilities: Array
    start: Array

    def __init__(self, probabilities: ArrayLike, start: ArrayLike = 0) -> None:
        rows = _checks.numbers("probabilities", probabilities)
        if rows.ndim not in (1, 2) or rows.shape[-1] == 0:
            raise ArgumentError(f"probabilities must have shape (m,) or (items, m), got {rows.shape}")
        first = _checks.whole("start", start).astype(np.float64)
        if rows.ndim == 1 and first.ndim == 1:
            rows = np.broadcast_to(rows, (len(first), len(rows)))
        rows = _checks.non_negative("probabilities", rows)
        total = np.cumsum(rows, axis=-1)[..., -1:]
        _checks.between("the sum of probabilities", total[..., 0], 1 - 1e-6, 1 + 1e-6)
        self._set(rows / total, np.array(np.broadcast_to(first, rows.shape[:-1])))

    def _set(self, probabilities: Array, start: Array) -> None:
        object.__setattr__(self, "probabilities", np.ascontiguousarray(probabilities))
        object.__setattr__(self, "start", start)

    @classmethod
    def trusted(cls, probabilities: Array, start: Array) -> Self:
        """From rows already normalised, without checks or copies (``start`` of shape ``probabilities.shape[:-1]``)."""
        made = object.__new__(cls)
        made._set(probabilities, start)
        return made

    @property
    def discrete(self) -> bool:
        """Whether the support is the whole numbers: always."""
        return True

    @property
    def mean(self) -> Array:
        """E[D]."""
        return self.start + self._shrink(self._above_twice[:, 0])

    @property
    def variance(self) -> Array:
        """Var[D]."""
        offset = np.arange(self._mass.shape[1]) - self._above_twice[:, :1]
        return self._shrink(np.cumsum(self._mass * (offset * offset), axis=-1)[:, -1])

    @property
    def last(self) -> Array:
        """The largest value each row reaches (its padding included)."""
        return np.asarray(self.start + (self.probabilities.shape[-1] - 1.0))

    def mass(self, x: ArrayLike) -> Array:
        """P(D = x)."""
        value = self._expand(_checks.numbers("x", x))
        index, inside = self._index(value)
        inside &= value == np.floor(value)
        return self._shrink(np.where(inside, self._at(self._mass, index), 0.0))

    def cdf(self, x: ArrayLike) -> Array:
        """P(D <= x)."""
        value = self._expand(_checks.numbers("x", x))
        index, inside = self._index(value)
        beyond = np.where(value < self._first, 0.0, 1.0)
        return self._shrink(np.where(inside, self._at(self._cumulative, index), beyond))

    def survival(self, x: ArrayLike) -> Array:
        """P(D > x)."""
        value = self._expand(_checks.numbers("x", x))
        index, inside = self._index(value)
        beyond = np.where(value < self._first, 1.0, 0.0)
        return self._shrink(np.where(inside, self._at(self._above, index), beyond))

    def loss(self, x: ArrayLike) -> Array:
        """E[max(D - x, 0)]; linear between whole numbers."""
        value = self._expand(_checks.numbers("x", x))
        index, inside = self._index(value)
        step = value - (self._first + index)
        above = np.maximum(self._at(self._above_twice, index) - step * self._at(self._above, index), 0.0)
        below = self._first + self._above_twice[:, 0] - value
        return self._shrink(np.where(inside, above, np.where(value < self._first, below, 0.0)))

    def quantile(self, level: ArrayLike) -> Array:
        """The smallest whole x with P(D <= x) >= level."""
        value = self._expand(_checks.fraction("level", level))
        index = np.minimum(first_at_least(self._cumulative, value), self._mass.shape[1] - 1)
        return self._shrink(self._first + index)

    def take(self, items: NDArray[np.intp]) -> Self:
        """The demand of the chosen items only."""
        return self.trusted(self.probabilities[items], self.start[items])

    @property
    def _first(self) -> Array:
        return np.atleast_1d(self.start)

    def _index(self, value: Array) -> tuple[IntArray, NDArray[np.bool_]]:
        position = np.floor(value) - self._first
        inside = (position >= 0) & (position < self._mass.shape[1])
        return np.where(inside, position, 0.0).astype(np.int64), np.asarray(inside)


@dataclass(frozen=True, eq=False, init=False)
class Histogram(Lattice):
    """Continuous demand by bins: bin k covers ``[(k - 1/2) width, (k + 1/2) width]``, evenly filled, cut at 0.

    ``probabilities`` (m,) or (n, m), ``width`` scalar or (n,), ``zero_mass`` P(D = 0), part of bin 0. What a
    convolution on a grid returns: its mean and cdf at the bin edges are the grid's own.

    >>> float(Histogram([0.25, 0.5, 0.25], width=2.0).quantile(0.5))
    2.0
    """

    probabilities: Array
    width: Array
    zero_mass: Array

    def __init__(self, probabilities: ArrayLike, *, width: ArrayLike, zero_mass: ArrayLike = 0.0) -> None:
        rows = Pmf(probabilities).probabilities
        shape = rows.shape[:-1]
        object.__setattr__(self, "probabilities", rows)
        object.__setattr__(self, "width", _checks.positive("width", _checks.shape("width", width, shape)))
        zero = _checks.share("zero_mass", _checks.shape("zero_mass", zero_mass, shape))
        _checks.non_negative("mass of bin 0 - zero_mass", np.maximum(rows[..., 0] - zero, -1.0) + 1e-12)
        object.__setattr__(self, "zero_mass", zero)

    @classmethod
    def trusted(cls, probabilities: Array, width: Array, zero_mass: Array) -> Self:
        """From rows already normalised, without checks; the others of shape ``probabilities.shape[:-1]``."""
        made = object.__new__(cls)
        for name, value in (("probabilities", probabilities), ("width", width), ("zero_mass", zero_mass)):
            object.__setattr__(made, name, np.ascontiguousarray(value).reshape(value.shape))
        return made

    @property
    def discrete(self) -> bool:
        """Whether the support is the whole numbers: never."""
        return False

    @property
    def mean(self) -> Array:
        """E[D]."""
        return self.loss(np.zeros(self.shape))

    @property
    def variance(self) -> Array:
        """Var[D]."""
        low, high = self._edges
        squares = self._spread * (low * low + low * high + high * high) / 3.0
        mean = np.atleast_1d(self.mean)
        return self._shrink(np.cumsum(squares, axis=-1)[:, -1] - mean * mean)

    def cdf(self, x: ArrayLike) -> Array:
        """P(D <= x)."""
        value, index = self._locate(x)
        return self._shrink(np.where(value < 0, 0.0, np.clip(1.0 - self._upper(value, index), 0.0, 1.0)))

    def survival(self, x: ArrayLike) -> Array:
        """P(D > x)."""
        value, index = self._locate(x)
        return self._shrink(np.where(value < 0, 1.0, np.minimum(self._upper(value, index), 1.0)))

    def loss(self, x: ArrayLike) -> Array:
        """E[max(D - x, 0)]."""
        value, index = self._locate(x)
        high = self._at(self._edges[1], index)
        start = np.clip(value, self._at(self._edges[0], index), high)
        share = self._at(self._density, index)
        rest = high - start
        inside = 0.5 * share * rest * rest + self._at(self._above, index) * rest + self._at(self._beyond, index)
        above = np.where(value > high, 0.0, inside)
        return self._shrink(np.where(value < 0, inside - value, above))

    def quantile(self, level: ArrayLike) -> Array:
        """The smallest x with P(D <= x) >= level."""
        value = self._expand(_checks.fraction("level", level))
        index = np.minimum(first_at_least(self._cumulative, value), self._mass.shape[1] - 1)
        low, high = self._at(self._edges[0], index), self._at(self._edges[1], index)
        spread = self._at(self._spread, index)
        before = self._at(self._cumulative, index) - spread
        share = np.clip((value - before) / np.where(spread > 0, spread, 1.0), 0.0, 1.0)
        return self._shrink(np.where(spread > 0, low + (high - low) * share, low))

    def take(self, items: NDArray[np.intp]) -> Self:
        """The demand of the chosen items only."""
        return self.trusted(self.probabilities[items], self.width[items], self.zero_mass[items])

    @cached_property
    def _edges(self) -> tuple[Array, Array]:
        position = np.arange(self._mass.shape[1])
        width = np.atleast_1d(self.width)[:, None]
        return np.maximum(position - 0.5, 0.0) * width, (position + 0.5) * width

    @cached_property
    def _spread(self) -> Array:
        """Mass evenly spread in each bin: all of it but the atom at 0."""
        spread = self._mass.copy()
        spread[:, 0] = np.maximum(spread[:, 0] - np.atleast_1d(self.zero_mass), 0.0)
        return spread

    @cached_property
    def _density(self) -> Array:
        low, high = self._edges
        return self._spread / (high - low)

    @cached_property
    def _beyond(self) -> Array:
        """E[max(D - upper edge, 0)] of each bin."""
        low, high = self._edges
        own = 0.5 * self._spread * (high - low)
        inside = own + self._above * (high - low)
        return suffix_sums(inside)

    def _locate(self, x: ArrayLike) -> tuple[Array, IntArray]:
        value = self._expand(_checks.numbers("x", x))
        position = np.floor(value / np.atleast_1d(self.width) + 0.5)
        return value, np.clip(position, 0, self._mass.shape[1] - 1).astype(np.int64)

    def _upper(self, value: Array, index: IntArray) -> Array:
        low, high = self._at(self._edges[0], index), self._at(self._edges[1], index)
        rest = high - np.clip(value, low, high)
        return self._at(self._density, index) * rest + self._at(self._above, index)
