"""Items whose demands are of different kinds, as one demand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.demand.protocol import Demand
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]
Items = NDArray[np.intp]


@dataclass(frozen=True, eq=False, init=False)
class Assorted:
    """``parts[k]`` is the demand of the items at positions ``items[k]``; together they name every item once.

    ``discrete`` where every part is.

    >>> from capacity_opt.demand.counts import Poisson
    >>> from capacity_opt.demand.parametric import Normal
    >>> Assorted([Poisson([4.0, 9.0]), Normal([50.0], 8.0)], [[0, 2], [1]]).mean
    array([ 4., 50.,  9.])
    """

    parts: tuple[Demand, ...]
    items: tuple[Items, ...]

    def __init__(self, parts: Sequence[Demand], items: Sequence[ArrayLike]) -> None:
        positions = tuple(_checks.whole("items", chosen).astype(np.intp) for chosen in items)
        named = np.sort(np.concatenate(positions)) if positions else np.zeros(0)
        if not np.array_equal(named, np.arange(len(named))) or len(parts) != len(positions):
            raise ArgumentError("items must name each position from 0 on exactly once, in one list per part")
        if any(part.shape != chosen.shape for part, chosen in zip(parts, positions)):
            raise ArgumentError("each part must have the shape of its items")
        object.__setattr__(self, "parts", tuple(parts))
        object.__setattr__(self, "items", positions)

    @property
    def shape(self) -> tuple[int, ...]:
        """``(n,)``."""
        return (sum(len(chosen) for chosen in self.items),)

    @property
    def discrete(self) -> bool:
        """Whether the support is the whole numbers."""
        return all(part.discrete for part in self.parts)

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
        """The demand of the chosen items only."""
        chosen = np.arange(self.shape[0])[items]
        owner, place = np.empty(self.shape, dtype=np.intp), np.empty(self.shape, dtype=np.intp)
        for k, positions in enumerate(self.items):
            owner[positions], place[positions] = k, np.arange(len(positions))
        used = np.unique(owner[chosen])
        where = [np.flatnonzero(owner[chosen] == k) for k in used]
        parts = [self.parts[k].take(place[chosen[spots]]) for k, spots in zip(used, where)]
        return type(self)(parts, where)

    def _gathered(self, ask: Callable[[Demand, Array], Array], value: Array) -> Array:
        value = np.broadcast_to(value, np.broadcast_shapes(value.shape, self.shape))
        out = np.empty(value.shape)
        for part, chosen in zip(self.parts, self.items):
            out[..., chosen] = ask(part, np.ascontiguousarray(value[..., chosen]))
        return out
