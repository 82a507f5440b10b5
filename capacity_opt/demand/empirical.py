"""Demand as observed: equally likely samples, nothing between or beyond them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.demand.lattice import first_at_least
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False, init=False)
class Empirical:
    """Equally likely ``samples``: (count,) for one item, (n, count) one row per item.

    ``discrete`` where every sample is a whole number of at least 0 (say so yourself with ``discrete=``). No tail
    beyond the largest sample: with few samples prefer :class:`~capacity_opt.QuantileDemand`.

    >>> float(Empirical([3, 1, 2, 9]).quantile(0.75))
    3.0
    """

    samples: Array
    discrete: bool

    def __init__(self, samples: ArrayLike, *, discrete: bool | None = None) -> None:
        rows = _checks.finite("samples", samples)
        if rows.ndim not in (1, 2) or rows.shape[-1] == 0:
            raise ArgumentError(f"samples must have shape (count,) or (items, count), got {rows.shape}")
        counts = bool(np.all((rows == np.rint(rows)) & (rows >= 0))) if discrete is None else discrete
        self._set(np.sort(rows, axis=-1), counts)

    def _set(self, samples: Array, discrete: bool) -> None:
        object.__setattr__(self, "samples", samples)
        object.__setattr__(self, "discrete", discrete)

    @property
    def shape(self) -> tuple[int, ...]:
        """``()`` for one item, ``(n,)`` for n rows."""
        return self.samples.shape[:-1]

    @property
    def mean(self) -> Array:
        """E[D]."""
        return self._shrink(self._above[:, 0]) / self._count

    @property
    def variance(self) -> Array:
        """Var[D] (divided by the count: these samples are the distribution)."""
        offset = self._rows - np.atleast_1d(self.mean)[:, None]
        return self._shrink(np.cumsum(offset * offset, axis=-1)[:, -1]) / self._count

    def cdf(self, x: ArrayLike) -> Array:
        """P(D <= x)."""
        _, index = self._locate(x)
        return self._shrink(index / self._count)

    def survival(self, x: ArrayLike) -> Array:
        """P(D > x)."""
        _, index = self._locate(x)
        return self._shrink((self._count - index) / self._count)

    def loss(self, x: ArrayLike) -> Array:
        """E[max(D - x, 0)]."""
        value, index = self._locate(x)
        total = self._above[np.arange(len(self._rows)), index]
        return self._shrink(np.maximum(total - (self._count - index) * value, 0.0) / self._count)

    def quantile(self, level: ArrayLike) -> Array:
        """The smallest sample with P(D <= x) >= level."""
        value = self._expand(_checks.fraction("level", level))
        rank = np.ceil(value * self._count)
        rank = np.where((rank - 1.0) / self._count >= value, rank - 1.0, rank)
        rank = np.where(rank / self._count < value, rank + 1.0, rank)
        index = np.clip(rank.astype(np.int64) - 1, 0, self._count - 1)
        return self._shrink(self._rows[np.arange(len(self._rows)), index])

    def sample(self, count: int, *, rng: np.random.Generator) -> Array:
        """``count`` independent draws, shape ``(count, *shape)``."""
        index = rng.integers(0, self._count, (count, len(self._rows)))
        return self._shrink(self._rows[np.arange(len(self._rows)), index])

    def take(self, items: NDArray[np.intp]) -> Self:
        """The demand of the chosen items only."""
        made = object.__new__(type(self))
        made._set(self.samples[items], self.discrete)
        return made

    @property
    def _count(self) -> int:
        return int(self.samples.shape[-1])

    @cached_property
    def _rows(self) -> Array:
        return np.atleast_2d(self.samples)

    @cached_property
    def _above(self) -> Array:
        """Sum of the samples from rank k on, (n, count + 1)."""
        sums = np.zeros((len(self._rows), self._count + 1))
        sums[:, :-1] = np.cumsum(self._rows[:, ::-1], axis=-1)[:, ::-1]
        return sums

    def _expand(self, value: Array) -> Array:
        value = value if self.shape else value[..., None]
        return np.broadcast_to(value, np.broadcast_shapes(value.shape, (len(self._rows),)))

    def _shrink(self, value: Array) -> Array:
        return value if self.shape else value[..., 0]

    def _locate(self, x: ArrayLike) -> tuple[Array, IntArray]:
        """``x`` over the items and how many samples are at most x."""
        value = self._expand(_checks.numbers("x", x))
        return value, first_at_least(self._rows, np.nextafter(value, np.inf))
