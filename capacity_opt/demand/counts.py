"""Families of counts: demand on 0, 1, 2, ...

``cdf`` and ``survival`` take any real x (they floor it); ``loss`` is linear between whole numbers; ``quantile`` is the
smallest whole x with F(x) >= level.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.demand.parametric import Parametric
from capacity_opt.demand.special import negative_binomial_mass, poisson_mass
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]

# Above this size a negative binomial and its Poisson limit differ by less than 1e-11 of the mass.
_POISSON_SIZE = 1e12


class Count(Parametric):
    """A count family; subclasses give mass, cdf, survival and loss at whole x >= 0."""

    mean: Array
    variance: Array
    _fields = ("mean", "variance")

    @property
    def shape(self) -> tuple[int, ...]:
        """``()`` for one item given by scalars, ``(n,)`` for n items."""
        return np.shape(self.mean)

    @property
    def discrete(self) -> bool:
        """Whether the support is the whole numbers: always."""
        return True

    def mass(self, x: ArrayLike) -> Array:
        """P(D = x); 0 where x is not a whole number of at least 0."""
        x = _checks.numbers("x", x)
        inside = (x >= 0) & (x == np.floor(x))
        return np.where(inside, self._mass(np.where(inside, x, 0.0)), 0.0)[()]

    def cdf(self, x: ArrayLike) -> Array:
        """P(D <= x)."""
        whole = np.floor(_checks.numbers("x", x))
        return np.where(whole < 0, 0.0, self._cdf(np.maximum(whole, 0.0)))[()]

    def survival(self, x: ArrayLike) -> Array:
        """P(D > x)."""
        whole = np.floor(_checks.numbers("x", x))
        return np.where(whole < 0, 1.0, self._survival(np.maximum(whole, 0.0)))[()]

    def loss(self, x: ArrayLike) -> Array:
        """E[max(D - x, 0)]."""
        x = _checks.numbers("x", x)
        whole = np.maximum(np.floor(x), 0.0)
        above = np.maximum(self._loss(whole) - (x - whole) * self._survival(whole), 0.0)
        return np.where(x < 0, self.mean - x, above)[()]

    def quantile(self, level: ArrayLike) -> Array:
        """The smallest whole x with P(D <= x) >= level."""
        level = _checks.fraction("level", level)
        guess = np.maximum(self._start(level), 0.0)
        wanting = self._cdf(guess) < level
        surplus = ~wanting & (guess > 0) & (self._cdf(np.maximum(guess - 1.0, 0.0)) >= level)
        if not np.any(wanting | surplus):
            return guess[()]
        if guess.shape != self.shape or guess.ndim != 1:
            return self._walked(guess, level)[()]
        items = np.flatnonzero(wanting | surplus)
        guess[items] = self.take(items)._walked(guess[items], level[items] if level.ndim else level)
        return guess[()]

    def _walked(self, guess: Array, level: Array) -> Array:
        """From a guess up, then down, to the smallest whole x with F(x) >= level."""
        below = self._cdf(guess) < level
        while np.any(below):
            guess = np.where(below, guess + 1.0, guess)
            below = self._cdf(guess) < level
        above = (guess > 0) & (self._cdf(np.maximum(guess - 1.0, 0.0)) >= level)
        while np.any(above):
            guess = np.where(above, guess - 1.0, guess)
            above = (guess > 0) & (self._cdf(np.maximum(guess - 1.0, 0.0)) >= level)
        return guess

    def _start(self, level: Array) -> Array:
        """A first guess of the quantile (Cornish-Fisher); any guess is right, a near one is quick."""
        z = scipy.special.ndtri(level)
        sd = np.sqrt(self.variance)
        with np.errstate(divide="ignore", invalid="ignore"):
            skew = np.where(self.mean > 0, (2.0 * self.variance - self.mean) / np.maximum(self.mean * sd, 1e-300), 0.0)
        bent = z + np.minimum(skew, 2.0) * (z * z - 1.0) / 6.0
        guess: Array = np.ceil(self.mean + sd * bent - 0.5)
        return guess

    def _mass(self, x: Array) -> Array:
        raise NotImplementedError

    def _cdf(self, x: Array) -> Array:
        raise NotImplementedError

    def _survival(self, x: Array) -> Array:
        raise NotImplementedError

    def _loss(self, x: Array) -> Array:
        raise NotImplementedError


@dataclass(frozen=True, eq=False, init=False)
class Poisson(Count):
    """Poisson demand: independent single-unit requests.

    >>> Poisson(mean=[5.0, 20.0]).quantile(0.9)
    array([ 8., 26.])
    """

    mean: Array
    variance: Array

    def __init__(self, mean: ArrayLike) -> None:
        self._store(mean=_checks.non_negative("mean", mean))
        object.__setattr__(self, "variance", self.mean)

    def sample(self, count: int, *, rng: np.random.Generator) -> Array:
        """``count`` independent draws, shape ``(count, *shape)``."""
        return rng.poisson(self.mean, (count, *self.shape)).astype(np.float64)

    def _mass(self, x: Array) -> Array:
        return np.where(self.mean > 0, poisson_mass(x, np.maximum(self.mean, 1e-300)), np.where(x == 0, 1.0, 0.0))

    def _cdf(self, x: Array) -> Array:
        return np.asarray(scipy.special.gammaincc(x + 1.0, self.mean))[()]

    def _survival(self, x: Array) -> Array:
        return np.asarray(scipy.special.gammainc(x + 1.0, self.mean))[()]

    def _loss(self, x: Array) -> Array:
        return np.maximum((self.mean - x) * self._survival(x) + self.mean * self._mass(x), 0.0)


@dataclass(frozen=True, eq=False, init=False)
class NegativeBinomial(Count):
    """Negative binomial demand: counts with more spread than Poisson (``variance`` >= ``mean``).

    Give ``variance`` or ``sd``, one of them. Variance equal to the mean is the Poisson limit.

    >>> float(NegativeBinomial(mean=4, variance=10).quantile(0.95))
    10.0
    """

    mean: Array
    variance: Array

    def __init__(self, mean: ArrayLike, variance: ArrayLike | None = None, *, sd: ArrayLike | None = None) -> None:
        if (variance is None) == (sd is None):
            raise ArgumentError("NegativeBinomial needs variance or sd, one of them")
        if sd is not None:
            spread = _checks.non_negative("sd", sd)
            variance = spread * spread
        self._store(
            mean=_checks.non_negative("mean", mean),
            variance=_checks.non_negative("variance", 0.0 if variance is None else variance),
        )
        _checks.non_negative("variance - mean", np.where(self._excess < -1e-12 * self.mean, self._excess, 0.0))

    @classmethod
    def from_r_p(cls, r: ArrayLike, p: ArrayLike) -> NegativeBinomial:
        """Failures before the ``r``-th success when each trial succeeds with probability ``p``."""
        r, p = _checks.positive("r", r), _checks.fraction("p", p)
        mean = r * (1.0 - p) / p
        return cls(mean, mean / p)

    @property
    def _excess(self) -> Array:
        return self.variance - self.mean

    @property
    def _size(self) -> Array:
        """r, capped where the distribution is Poisson in all digits; 1 where the mean is 0."""
        floor = np.maximum(self.mean * self.mean / _POISSON_SIZE, 1e-300)
        return np.where(self.mean > 0, self.mean * self.mean / np.maximum(self._excess, floor), 1.0)

    @property
    def _is_poisson(self) -> NDArray[np.bool_]:
        return np.asarray((self._size >= 0.5 * _POISSON_SIZE) | (self.mean <= 0))

    @property
    def _success(self) -> Array:
        size = self._size
        return size / (size + self.mean)

    @property
    def _failure(self) -> Array:
        return np.maximum(self.mean / (self._size + self.mean), 1e-300)

    def sample(self, count: int, *, rng: np.random.Generator) -> Array:
        """``count`` independent draws, shape ``(count, *shape)``."""
        rate = rng.gamma(self._size, self.mean / self._size, (count, *self.shape))
        return rng.poisson(np.where(self._is_poisson, self.mean, rate)).astype(np.float64)

    def _limit(self, exact: Array, limit: Callable[[], Array]) -> Array:
        poisson = self._is_poisson
        return np.where(poisson, limit(), exact)[()] if np.any(poisson) else exact

    def _poisson(self) -> Poisson:
        return Poisson(self.mean)

    def _mass(self, x: Array) -> Array:
        exact = negative_binomial_mass(x, self._size, self._success, self._failure)
        return self._limit(exact, lambda: self._poisson()._mass(x))

    def _cdf(self, x: Array) -> Array:
        exact = np.asarray(scipy.special.betainc(self._size, x + 1.0, self._success), dtype=np.float64)[()]
        return self._limit(exact, lambda: self._poisson()._cdf(x))

    def _survival(self, x: Array) -> Array:
        exact = np.asarray(scipy.special.betainc(x + 1.0, self._size, self._failure), dtype=np.float64)[()]
        return self._limit(exact, lambda: self._poisson()._survival(x))

    def _loss(self, x: Array) -> Array:
        size, odds = self._size, self._failure / self._success
        mass = negative_binomial_mass(x, size, self._success, self._failure)
        survival = np.asarray(scipy.special.betainc(x + 1.0, size, self._failure))[()]
        exact = np.maximum((self.mean - x) * survival + (size + x) * odds * mass, 0.0)
        return self._limit(exact, lambda: self._poisson()._loss(x))
