"""What every demand distribution can tell, vectorised over items.

A demand describes independent random quantities, one per item, in one period (or over a protection interval, once
aggregated by :func:`capacity_opt.lead_time_demand`). Its ``shape`` is the shape of its parameters: ``()`` for one
item given by scalars, ``(n,)`` for ``n`` items. Every method broadcasts its argument against that shape, so one value
asks the same question of every item, and answers with an array of the broadcast shape.
"""

from __future__ import annotations

from typing import Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
SelfDemand = TypeVar("SelfDemand", bound="Demand")


@runtime_checkable
class Demand(Protocol):
    """A demand distribution per item; ``discrete`` demands live on the whole numbers 0, 1, 2, ..."""

    @property
    def shape(self) -> tuple[int, ...]:
        """``()`` for one item given by scalars, ``(n,)`` for ``n`` items."""
        ...

    @property
    def discrete(self) -> bool:
        """Whether the support is the whole numbers; then ``quantile`` is the smallest whole x with F(x) >= level."""
        ...

    @property
    def mean(self) -> Array:
        """E[D], units per period."""
        ...

    @property
    def variance(self) -> Array:
        """Var[D], units squared."""
        ...

    def cdf(self, x: ArrayLike) -> Array:
        """P(D <= x)."""
        ...

    def survival(self, x: ArrayLike) -> Array:
        """P(D > x), accurate in the far tail where ``1 - cdf`` is not."""
        ...

    def quantile(self, level: ArrayLike) -> Array:
        """The smallest x with P(D <= x) >= level, for levels in (0, 1)."""
        ...

    def loss(self, x: ArrayLike) -> Array:
        """E[max(D - x, 0)], never negative, accurate in the far tail (relative, not absolute)."""
        ...

    def sample(self, count: int, *, rng: np.random.Generator) -> Array:
        """``count`` independent draws, shape ``(count, *shape)``."""
        ...

    def take(self: SelfDemand, items: NDArray[np.intp]) -> SelfDemand:
        """The demand of the chosen items only (by position), for chunked work; needs ``shape == (n,)``."""
        ...
