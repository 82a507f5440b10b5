"""Demand of so many items, or with such long tails, that its tables do not fit in memory at once.

The tables are built block by block whenever a question is asked, and forgotten after it. ``take`` of few enough items
gives an ordinary demand with tables that stay, so chunked work builds each table once per chunk.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.demand.protocol import Demand

Array = NDArray[np.float64]
Items = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Deferred:
    """``build(items)`` gives the demand of some of ``count`` items; ``blocks`` name each item once.

    >>> from capacity_opt.demand.counts import Poisson
    >>> mean = np.array([4.0, 9.0, 2.0])
    >>> later = Deferred(lambda items: Poisson(mean[items]), 3, [np.array([0, 2]), np.array([1])], discrete=True)
    >>> later.mean
    array([4., 9., 2.])
    """

    build: Callable[[Items], Demand]
    count: int
    blocks: Sequence[Items]
    discrete: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """``(n,)``."""
        return (self.count,)

    @property
    def mean(self) -> Array:
        """E[D]."""
        return self._gathered(lambda part, _: part.mean, np.zeros(self.shape))

    @property
    def variance(self) -> Array:
        """Var[D]."""
        return self._gathered(lambda part, _: part.variance, np.zeros(self.shape))

    def cdf(self, x: ArrayLike) -> Array:
        """P(D <= x)."""
        return self._gathered(lambda part, value: part.cdf(value), _checks.numbers("x", x))

    def survival(self, x: ArrayLike) -> Array:
        """P(D > x)."""
        return self._gathered(lambda part, value: part.survival(value), _checks.numbers("x", x))

    def loss(self, x: ArrayLike) -> Array:
        """E[max(D - x, 0)]."""
        return self._gathered(lambda part, value: part.loss(value), _checks.numbers("x", x))

    def quantile(self, level: ArrayLike) -> Array:
        """The smallest x with P(D <= x) >= level."""
        return self._gathered(lambda part, value: part.quantile(value), _checks.fraction("level", level))

    def sample(self, count: int, *, rng: np.random.Generator) -> Array:
        """``count`` independent draws, shape ``(count, *shape)``."""
        return self._gathered(lambda part, _: part.sample(count, rng=rng), np.zeros((count, *self.shape)))

    def take(self, items: Items) -> Self:
        """The demand of the chosen items only, with tables that stay where they are small enough."""
        # The protocol asks for the same type; any demand of those items will do.
        return cast(Self, self.build(np.arange(self.count)[items]))

    def _gathered(self, ask: Callable[[Demand, Array], Array], value: Array) -> Array:
        value = np.broadcast_to(value, np.broadcast_shapes(value.shape, self.shape))
        out = np.empty(value.shape)
        for chosen in self.blocks:
            out[..., chosen] = ask(self.build(chosen), np.ascontiguousarray(value[..., chosen]))
        return out
