"""Continuous families by mean and standard deviation, and the point mass.

Every family takes scalars or arrays over items (they broadcast), treats a standard deviation of 0 as the point mass
at the mean, and keeps its relative accuracy in the far tail. Counts live in :mod:`capacity_opt.demand.counts`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.demand.special import mills, normal_density, normal_loss, poisson_mass

Array = NDArray[np.float64]


class Parametric:
    """What every family shares: fields stored as contiguous float64 of one shape."""

    _fields: tuple[str, ...] = ("mean", "sd")

    def _store(self, **fields: ArrayLike) -> None:
        shape, arrays = _checks.broadcast(**fields)
        for name, array in arrays.items():
            # Contiguous, so that numpy takes the same code path for one item as for a million.
            object.__setattr__(self, name, np.array(array, order="C", copy=True).reshape(shape))

    def _with(self, fields: dict[str, Array]) -> Self:
        """The same family with other field values, unchecked: they come from checked ones."""
        chosen = object.__new__(type(self))
        for name, array in fields.items():
            object.__setattr__(chosen, name, array)
        return chosen

    def take(self, items: NDArray[np.intp]) -> Self:
        """The demand of the chosen items only."""
        return self._with({name: getattr(self, name)[items] for name in self._fields})


class MeanSd(Parametric):
    """A continuous family with ``mean`` and ``sd``; subclasses give the four functions for sd > 0."""

    mean: Array
    sd: Array

    @property
    def shape(self) -> tuple[int, ...]:
        """``()`` for one item given by scalars, ``(n,)`` for n items."""
        return np.shape(self.mean)

    @property
    def discrete(self) -> bool:
        """Whether the support is the whole numbers: never."""
        return False

    @property
    def variance(self) -> Array:
        """Var[D], units squared."""
        return np.multiply(self.sd, self.sd)

    def cdf(self, x: ArrayLike) -> Array:
        """P(D <= x)."""
        return self._or_point(_checks.numbers("x", x), self._cdf, lambda x: np.where(x >= self.mean, 1.0, 0.0))

    def survival(self, x: ArrayLike) -> Array:
        """P(D > x)."""
        return self._or_point(_checks.numbers("x", x), self._survival, lambda x: np.where(x >= self.mean, 0.0, 1.0))

    def quantile(self, level: ArrayLike) -> Array:
        """The x with P(D <= x) = level."""
        return self._or_point(_checks.fraction("level", level), self._quantile, lambda level: self.mean + 0.0 * level)

    def loss(self, x: ArrayLike) -> Array:
        """E[max(D - x, 0)]."""
        return self._or_point(_checks.numbers("x", x), self._loss, lambda x: np.maximum(self.mean - x, 0.0))

    def sample(self, count: int, *, rng: np.random.Generator) -> Array:
        """``count`` independent draws, shape ``(count, *shape)``."""
        uniform = np.maximum(rng.random((count, *self.shape)), 2.0**-54)
        return np.asarray(self.quantile(uniform))

    def _or_point(self, value: Array, inside: Callable[[Array], Array], point: Callable[[Array], Array]) -> Array:
        spread = self.sd > 0
        if np.all(spread):
            return inside(value)
        with np.errstate(all="ignore"):
            return np.where(spread, inside(value), point(value))

    def _cdf(self, x: Array) -> Array:
        raise NotImplementedError

    def _survival(self, x: Array) -> Array:
        raise NotImplementedError

    def _quantile(self, level: Array) -> Array:
        raise NotImplementedError

    def _loss(self, x: Array) -> Array:
        raise NotImplementedError


@dataclass(frozen=True, eq=False, init=False)
class Normal(MeanSd):
    """Normal demand, not truncated at 0: give it where sd is well below the mean, else prefer :class:`Gamma`.

    >>> round(float(Normal(50, 8).quantile(0.7 / 0.88)), 4)
    56.604
    """

    mean: Array
    sd: Array

    def __init__(self, mean: ArrayLike, sd: ArrayLike) -> None:
        self._store(mean=_checks.finite("mean", mean), sd=_checks.non_negative("sd", sd))

    @classmethod
    def from_quantiles(cls, levels: ArrayLike, values: ArrayLike) -> Normal:
        """The normal nearest to given quantiles (least squares); ``values`` (m,) or (n, m). Exact for a normal's."""
        levels = _checks.increasing("levels", _checks.fraction("levels", levels))
        values = _checks.finite("values", values)
        z = scipy.special.ndtri(levels)
        centred = z - z.mean()
        sd = np.cumsum(values * centred, axis=-1)[..., -1] / np.cumsum(centred * centred)[-1]
        return cls(np.cumsum(values - sd[..., None] * z, axis=-1)[..., -1] / len(z), np.maximum(sd, 0.0))

    def _z(self, x: Array) -> Array:
        return (x - self.mean) / self.sd

    def _cdf(self, x: Array) -> Array:
        return np.asarray(scipy.special.ndtr(self._z(x)))[()]

    def _survival(self, x: Array) -> Array:
        return np.asarray(scipy.special.ndtr(-self._z(x)))[()]

    def _quantile(self, level: Array) -> Array:
        return self.mean + self.sd * scipy.special.ndtri(level)

    def _loss(self, x: Array) -> Array:
        return self.sd * normal_loss(self._z(x))


@dataclass(frozen=True, eq=False, init=False)
class Gamma(MeanSd):
    """Gamma demand: positive, right-skewed, closed under addition of independent periods.

    >>> round(float(Gamma.from_shape_scale(4, 25).quantile(0.9)), 4)
    167.0196
    """

    mean: Array
    sd: Array

    def __init__(self, mean: ArrayLike, sd: ArrayLike) -> None:
        self._store(mean=_checks.non_negative("mean", mean), sd=_checks.non_negative("sd", sd))
        _refuse_spread_without_mean(self.mean, self.sd)

    @classmethod
    def from_shape_scale(cls, shape: ArrayLike, scale: ArrayLike) -> Gamma:
        """Gamma with density proportional to x^(shape - 1) exp(-x / scale)."""
        shape, scale = _checks.positive("shape", shape), _checks.positive("scale", scale)
        return cls(shape * scale, np.sqrt(shape) * scale)

    @property
    def _shape_parameter(self) -> Array:
        ratio = self.mean / self.sd
        return ratio * ratio

    @property
    def _scale(self) -> Array:
        return self.sd * (self.sd / self.mean)

    def _cdf(self, x: Array) -> Array:
        return np.asarray(scipy.special.gammainc(self._shape_parameter, np.maximum(x, 0.0) / self._scale))[()]

    def _survival(self, x: Array) -> Array:
        return np.asarray(scipy.special.gammaincc(self._shape_parameter, np.maximum(x, 0.0) / self._scale))[()]

    def _quantile(self, level: Array) -> Array:
        shape = self._shape_parameter
        # Beyond one half the complement carries the digits of the level.
        low = scipy.special.gammaincinv(shape, np.minimum(level, 0.5))
        high = scipy.special.gammainccinv(shape, 1.0 - np.maximum(level, 0.5))
        return self._scale * np.where(level <= 0.5, low, high)

    def _loss(self, x: Array) -> Array:
        shape, scale = self._shape_parameter, self._scale
        y = np.maximum(x, 0.0) / scale
        with np.errstate(divide="ignore", invalid="ignore"):
            boundary = np.where(y > 0, shape * poisson_mass(shape, np.maximum(y, 1e-300)), 0.0)
        loss = scale * np.maximum((shape - y) * scipy.special.gammaincc(shape, y) + boundary, 0.0)
        return np.where(x < 0, self.mean - x, loss)


@dataclass(frozen=True, eq=False, init=False)
class LogNormal(MeanSd):
    """Lognormal demand by its own mean and sd (not those of the logarithm: see :meth:`from_log`).

    >>> round(float(LogNormal(100, 100).quantile(0.5)), 4)
    70.7107
    """

    mean: Array
    sd: Array

    def __init__(self, mean: ArrayLike, sd: ArrayLike) -> None:
        self._store(mean=_checks.non_negative("mean", mean), sd=_checks.non_negative("sd", sd))
        _refuse_spread_without_mean(self.mean, self.sd)

    @classmethod
    def from_log(cls, mu: ArrayLike, sigma: ArrayLike) -> LogNormal:
        """Lognormal whose logarithm has mean ``mu`` and standard deviation ``sigma``."""
        mu, sigma = _checks.finite("mu", mu), _checks.non_negative("sigma", sigma)
        mean = np.exp(mu + 0.5 * sigma * sigma)
        return cls(mean, mean * np.sqrt(np.expm1(sigma * sigma)))

    @property
    def _log_sd(self) -> Array:
        variation = self.sd / self.mean
        return np.sqrt(np.log1p(variation * variation))

    def _z(self, x: Array) -> Array:
        with np.errstate(divide="ignore"):
            logarithm = np.log(np.maximum(x, 0.0) / self.mean)
        sigma = self._log_sd
        return logarithm / sigma + 0.5 * sigma

    def _cdf(self, x: Array) -> Array:
        return np.asarray(scipy.special.ndtr(self._z(x)))[()]

    def _survival(self, x: Array) -> Array:
        return np.asarray(scipy.special.ndtr(-self._z(x)))[()]

    def _quantile(self, level: Array) -> Array:
        sigma = self._log_sd
        return self.mean * np.exp(sigma * scipy.special.ndtri(level) - 0.5 * sigma * sigma)

    def _loss(self, x: Array) -> Array:
        sigma, z = self._log_sd, self._z(x)
        near = z - sigma
        with np.errstate(over="ignore", invalid="ignore"):
            # mean * density(near) == x * density(z): the two terms share a factor, so nothing large cancels.
            tail = self.mean * normal_density(near) * (mills(near) - mills(z))
        body = self.mean * scipy.special.ndtr(-near) - x * scipy.special.ndtr(-z)
        return np.where(x <= 0, self.mean - x, np.maximum(np.where(near > 0, tail, body), 0.0))


@dataclass(frozen=True, eq=False, init=False)
class Uniform(MeanSd):
    """Demand spread evenly between ``low`` and ``high``.

    >>> float(Uniform(0, 100).quantile(0.75))
    75.0
    """

    low: Array
    high: Array
    mean: Array
    sd: Array
    _fields = ("low", "high", "mean", "sd")

    def __init__(self, low: ArrayLike, high: ArrayLike) -> None:
        low, high = _checks.finite("low", low), _checks.finite("high", high)
        width = _checks.non_negative("high - low", high - low)
        self._store(low=low, high=high, mean=0.5 * (low + high), sd=width / np.sqrt(12.0))

    def _share(self, x: Array) -> Array:
        return np.clip((x - self.low) / (self.high - self.low), 0.0, 1.0)

    def _cdf(self, x: Array) -> Array:
        return self._share(x)

    def _survival(self, x: Array) -> Array:
        return np.clip((self.high - x) / (self.high - self.low), 0.0, 1.0)

    def _quantile(self, level: Array) -> Array:
        return self.low + (self.high - self.low) * level

    def _loss(self, x: Array) -> Array:
        above = np.clip(self.high - x, 0.0, self.high - self.low)
        return 0.5 * above * above / (self.high - self.low) + np.maximum(self.low - x, 0.0)


@dataclass(frozen=True, eq=False, init=False)
class Deterministic(Parametric):
    """Demand known for certain; ``discrete`` where every value is whole.

    >>> float(Deterministic(7).loss(5))
    2.0
    """

    value: Array
    _fields = ("value",)

    def __init__(self, value: ArrayLike) -> None:
        self._store(value=_checks.finite("value", value))

    @property
    def shape(self) -> tuple[int, ...]:
        """``()`` for one item given by a scalar, ``(n,)`` for n items."""
        return np.shape(self.value)

    @property
    def discrete(self) -> bool:
        """Whether every value is a whole number of at least 0."""
        return bool(np.all((self.value == np.rint(self.value)) & (self.value >= 0)))

    @property
    def mean(self) -> Array:
        """The value itself."""
        return self.value

    @property
    def variance(self) -> Array:
        """Zero."""
        return 0.0 * self.value

    def cdf(self, x: ArrayLike) -> Array:
        """1 from the value on, else 0."""
        return np.where(_checks.numbers("x", x) >= self.value, 1.0, 0.0)[()]

    def survival(self, x: ArrayLike) -> Array:
        """1 below the value, else 0."""
        return np.where(_checks.numbers("x", x) >= self.value, 0.0, 1.0)[()]

    def quantile(self, level: ArrayLike) -> Array:
        """The value at every level."""
        return self.value + 0.0 * _checks.fraction("level", level)

    def loss(self, x: ArrayLike) -> Array:
        """max(value - x, 0)."""
        return np.maximum(self.value - _checks.numbers("x", x), 0.0)

    def sample(self, count: int, *, rng: np.random.Generator) -> Array:  # noqa: ARG002 - the protocol's signature
        """``count`` copies of the value; ``rng`` is not used."""
        return np.broadcast_to(self.value, (count, *self.shape)).copy()


def _refuse_spread_without_mean(mean: Array, sd: Array) -> None:
    _checks.positive("mean (where sd > 0)", np.where(sd > 0, mean, 1.0))
