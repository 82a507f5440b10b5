"""Demand made of other demands: a mixture (one of several, at random), a multiple, one item's demand for many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.demand.protocol import Demand
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, init=False)
class Mixture:
    """Demand that follows ``components[k]`` with probability ``weights[..., k]``; exact in every function.

    ``weights`` (k,) for all items or (n, k) per item. ``discrete`` where every component is.

    >>> from capacity_opt.demand.counts import Poisson
    >>> float(Mixture([Poisson(20), Poisson(30), Poisson(50)], [0.3, 0.5, 0.2]).quantile(0.9))
    50.0
    """

    components: tuple[Demand, ...]
    weights: Array

    def __init__(self, components: Sequence[Demand], weights: ArrayLike) -> None:
        chances = _checks.probabilities("weights", weights)
        if len(components) == 0 or chances.shape[-1] != len(components):
            raise ArgumentError(f"weights must have one entry per component ({len(components)}), got {chances.shape}")
        if len({component.shape for component in components}) > 1:
            raise ArgumentError("components must all describe the same items: their shapes differ")
        self._set(tuple(components), np.array(np.broadcast_to(chances, (*components[0].shape, len(components)))))

    def _set(self, components: tuple[Demand, ...], weights: Array) -> None:
        object.__setattr__(self, "components", components)
        object.__setattr__(self, "weights", weights)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of every component."""
        return self.components[0].shape

    @property
    def discrete(self) -> bool:
        """Whether the support is the whole numbers."""
        return all(component.discrete for component in self.components)

    @property
    def mean(self) -> Array:
        """E[D]."""
        return self._mixed([component.mean for component in self.components])

    @property
    def variance(self) -> Array:
        """Var[D]: within the components and between their means."""
        mean = self.mean
        return self._mixed([part.variance + (part.mean - mean) * (part.mean - mean) for part in self.components])

    def cdf(self, x: ArrayLike) -> Array:
        """P(D <= x)."""
        return self._mixed([component.cdf(x) for component in self.components])

    def survival(self, x: ArrayLike) -> Array:
        """P(D > x)."""
        return self._mixed([component.survival(x) for component in self.components])

    def loss(self, x: ArrayLike) -> Array:
        """E[max(D - x, 0)]."""
        return self._mixed([component.loss(x) for component in self.components])

    def quantile(self, level: ArrayLike) -> Array:
        """The smallest x with P(D <= x) >= level, by bisection between the components' quantiles."""
        asked = _checks.fraction("level", level)
        found = [component.quantile(asked) for component in self.components]
        active = [self.weights[..., k] > 0 for k in range(len(found))]
        low = np.minimum.reduce([np.where(on, x, np.inf) for on, x in zip(active, found)])
        high = np.maximum.reduce([np.where(on, x, -np.inf) for on, x in zip(active, found)])
        low = low - 1.0 if self.discrete else low
        for _ in range(200):
            middle = np.floor(0.5 * (low + high)) if self.discrete else 0.5 * (low + high)
            if np.all((middle <= low) | (middle >= high)):
                break
            enough = self.cdf(middle) >= asked
            high = np.where(enough, middle, high)
            low = np.where(enough, low, middle)
        return np.asarray(high)[()]

    def sample(self, count: int, *, rng: np.random.Generator) -> Array:
        """``count`` independent draws, shape ``(count, *shape)``."""
        chosen = rng.random((count, *self.shape))
        bounds = np.cumsum(self.weights, axis=-1)
        answer = self.components[-1].sample(count, rng=rng)
        for k in range(len(self.components) - 2, -1, -1):
            answer = np.where(chosen < bounds[..., k], self.components[k].sample(count, rng=rng), answer)
        return answer

    def take(self, items: NDArray[np.intp]) -> Self:
        """The demand of the chosen items only."""
        made = object.__new__(type(self))
        made._set(tuple(component.take(items) for component in self.components), self.weights[items])
        return made

    def _mixed(self, parts: Sequence[Array]) -> Array:
        total = self.weights[..., 0] * parts[0]
        for k, part in enumerate(parts[1:], start=1):
            total = total + self.weights[..., k] * part
        return np.asarray(total)[()]


@dataclass(frozen=True, eq=False, init=False)
class Scaled:
    """``factor`` times one demand (factor >= 0, per item): the sum of perfectly dependent periods.

    >>> from capacity_opt.demand.parametric import Normal
    >>> float(Scaled(Normal(100, 30), 4).quantile(0.5))
    400.0
    """

    demand: Demand
    factor: Array

    def __init__(self, demand: Demand, factor: ArrayLike) -> None:
        object.__setattr__(self, "demand", demand)
        object.__setattr__(
            self, "factor", _checks.non_negative("factor", _checks.shape("factor", factor, demand.shape))
        )

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the demand."""
        return self.demand.shape

    @property
    def discrete(self) -> bool:
        """Whether the support is whole numbers."""
        return self.demand.discrete and bool(np.all(self.factor == np.rint(self.factor)))

    @property
    def mean(self) -> Array:
        """E[D]."""
        return self.factor * self.demand.mean

    @property
    def variance(self) -> Array:
        """Var[D]."""
        return self.factor * self.factor * self.demand.variance

    def cdf(self, x: ArrayLike) -> Array:
        """P(D <= x)."""
        value = _checks.numbers("x", x)
        return np.where(self.factor > 0, self.demand.cdf(value / self._safe), np.where(value >= 0, 1.0, 0.0))[()]

    def survival(self, x: ArrayLike) -> Array:
        """P(D > x)."""
        value = _checks.numbers("x", x)
        return np.where(self.factor > 0, self.demand.survival(value / self._safe), np.where(value >= 0, 0.0, 1.0))[()]

    def loss(self, x: ArrayLike) -> Array:
        """E[max(D - x, 0)]."""
        value = _checks.numbers("x", x)
        inside = self.factor * self.demand.loss(value / self._safe)
        return np.where(self.factor > 0, inside, np.maximum(-value, 0.0))[()]

    def quantile(self, level: ArrayLike) -> Array:
        """The smallest x with P(D <= x) >= level."""
        return np.asarray(self.factor * self.demand.quantile(level))[()]

    def sample(self, count: int, *, rng: np.random.Generator) -> Array:
        """``count`` independent draws, shape ``(count, *shape)``."""
        return self.factor * self.demand.sample(count, rng=rng)

    def take(self, items: NDArray[np.intp]) -> Self:
        """The demand of the chosen items only."""
        return type(self)(self.demand.take(items), self.factor[items])

    @property
    def _safe(self) -> Array:
        return np.where(self.factor > 0, self.factor, 1.0)


@dataclass(frozen=True, eq=False)
class Repeated:
    """The demand of one item (shape ``()`` or ``(1,)``) given to ``count`` items alike; draws stay independent.

    >>> from capacity_opt.demand.counts import Poisson
    >>> Repeated(Poisson(5), 3).mean
    array([5., 5., 5.])
    """

    demand: Demand
    count: int

    @property
    def shape(self) -> tuple[int, ...]:
        """``(count,)``."""
        return (self.count,)

    @property
    def discrete(self) -> bool:
        """Whether the support is the whole numbers."""
        return self.demand.discrete

    @property
    def mean(self) -> Array:
        """E[D]."""
        return np.full(self.shape, self.demand.mean)

    @property
    def variance(self) -> Array:
        """Var[D]."""
        return np.full(self.shape, self.demand.variance)

    def mass(self, x: ArrayLike) -> Array:
        """P(D = x), for counts."""
        value = _checks.numbers("x", x)
        return self.survival(np.ceil(value) - 1.0) - self.survival(value)

    def cdf(self, x: ArrayLike) -> Array:
        """P(D <= x)."""
        return self.demand.cdf(self._over(x))

    def survival(self, x: ArrayLike) -> Array:
        """P(D > x)."""
        return self.demand.survival(self._over(x))

    def loss(self, x: ArrayLike) -> Array:
        """E[max(D - x, 0)]."""
        return self.demand.loss(self._over(x))

    def quantile(self, level: ArrayLike) -> Array:
        """The smallest x with P(D <= x) >= level."""
        return self.demand.quantile(self._over(level))

    def sample(self, count: int, *, rng: np.random.Generator) -> Array:
        """``count`` independent draws, shape ``(count, *shape)``."""
        return self.demand.sample(count * self.count, rng=rng).reshape(count, self.count)

    def take(self, items: NDArray[np.intp]) -> Self:
        """The demand of the chosen items only."""
        return type(self)(self.demand, len(items))

    def _over(self, x: ArrayLike) -> Array:
        value = _checks.numbers("x", x)
        return np.ascontiguousarray(np.broadcast_to(value, np.broadcast_shapes(value.shape, self.shape)))
