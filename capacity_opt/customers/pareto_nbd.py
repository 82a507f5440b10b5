"""Pareto/NBD: Poisson purchases until an exponential lifetime ends, both mixed over customers (Schmittlein, Morrison &
Colombo 1987; likelihood as in Fader & Hardie, "A note on deriving the Pareto/NBD model", 2005).

Purchase rates are gamma(``r``, ``alpha``), rates of leaving gamma(``s``, ``beta``). Unlike in BG/NBD a customer may
leave at any time, so one without repeats may be gone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from capacity_opt import _checks
from capacity_opt.customers._fit import maximise
from capacity_opt.customers.purchases import PurchaseHistory

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class ParetoNBD:
    """The four parameters; ``log_likelihood`` of the history that they were fitted to.

    >>> model = ParetoNBD(r=0.5534, alpha=10.5802, s=0.6061, beta=11.6562)
    >>> round(float(model.alive_probability(26, 30.86, 31)), 4)
    0.9979
    """

    r: float
    alpha: float
    s: float
    beta: float
    log_likelihood: float = float("nan")

    def __post_init__(self) -> None:
        """All four are positive."""
        for name in ("r", "alpha", "s", "beta"):
            _checks.positive(name, getattr(self, name))

    def alive_probability(self, repeats: ArrayLike, last: ArrayLike, age: ArrayLike) -> Array:
        """P(still a customer | history), per customer."""
        x, t_x, now = (_checks.non_negative(n, v) for n, v in (("repeats", repeats), ("last", last), ("age", age)))
        alive, gone = _log_parts((self.r, self.alpha, self.s, self.beta), x, t_x, now)
        return np.asarray(special.expit(alive - gone))[()]

    def expected_purchases(self, repeats: ArrayLike, last: ArrayLike, age: ArrayLike, *, horizon: ArrayLike) -> Array:
        """E[purchases in the coming ``horizon`` | history], per customer."""
        x, now = _checks.non_negative("repeats", repeats), _checks.non_negative("age", age)
        ahead = _checks.non_negative("horizon", horizon)
        alive = self.alive_probability(x, last, now)
        rate = (self.r + x) / (self.alpha + now)
        return np.asarray(alive * rate * self._lifetime(self.beta + now, ahead))[()]

    def expected_from_start(self, horizon: ArrayLike) -> Array:
        """E[repeat purchases within ``horizon`` of the first purchase] of a new customer."""
        ahead = _checks.non_negative("horizon", horizon)
        return np.asarray(self.r / self.alpha * self._lifetime(np.asarray(self.beta), ahead))[()]

    def _lifetime(self, beta: Array, ahead: Array) -> Array:
        """E[time active within ``ahead``] at the rate of leaving gamma(s, beta)."""
        if abs(self.s - 1.0) < 1e-7:
            return np.asarray(beta * np.log1p(ahead / beta))
        return np.asarray(beta / (self.s - 1.0) * -np.expm1((1.0 - self.s) * np.log1p(ahead / beta)))


def fit_pareto_nbd(history: PurchaseHistory) -> ParetoNBD:
    """The parameters of greatest likelihood.

    >>> history = PurchaseHistory([2, 0, 5, 0, 1], [30, 0, 35, 0, 3], [39, 39, 38, 20, 36])
    >>> fit_pareto_nbd(history).log_likelihood < 0
    True
    """
    rows = history.grouped()
    scale = float(np.average(history.age, weights=history.weight)) / 4.0 + 1e-9

    def log_likelihood(p: Array) -> float:
        r, alpha = float(p[0]), float(p[1])
        common = special.gammaln(r + rows.repeats) - special.gammaln(r) + r * np.log(alpha)
        with np.errstate(all="ignore"):  # far from the maximum terms may overflow: the search then turns back
            parts = _log_parts(tuple(map(float, p)), rows.repeats, rows.last, rows.age)
            return float(rows.weight @ (common + np.logaddexp(*parts)))

    found, value = maximise(log_likelihood, [(0.5, scale, 0.6, scale), (1.0, scale, 0.2, 3 * scale)])
    r, alpha, s, beta = map(float, found)
    return ParetoNBD(r=r, alpha=alpha, s=s, beta=beta, log_likelihood=value)


def _log_parts(p: tuple[float, ...], x: Array, t_x: Array, age: Array) -> tuple[Array, Array]:
    """Logarithms of the likelihood's two parts: alive now, gone since; without their common factor."""
    r, alpha, s, beta = p
    total = r + s + x
    alive = -(r + x) * np.log(alpha + age) - s * np.log(beta + age)
    high, low, second = (alpha, beta, np.full_like(x, s + 1.0)) if alpha >= beta else (beta, alpha, r + x)
    early = _log_term(total, second, high, low, t_x)
    late = _log_term(total, second, high, low, age)
    difference = early + np.log(-np.expm1(np.minimum(late - early, -1e-300)))
    common = s * np.log(beta)
    return alive + common, np.log(s) - np.log(total) + difference + common


def _log_term(total: Array, second: Array, high: float, low: float, t: Array) -> Array:
    """log 2F1(total, second; total + 1; (high - low) / (high + t)) / (high + t)^total, by Euler's transformation, whose
    series stays small: 2F1(a, b; c; z) = (1 - z)^(c - a - b) 2F1(c - a, c - b; c; z)."""
    z = (high - low) / (high + t)
    series = np.maximum(special.hyp2f1(1.0, total + 1.0 - second, total + 1.0, z), 1e-300)
    return np.asarray((1.0 - second) * np.log1p(-z) + np.log(series) - total * np.log(high + t))
