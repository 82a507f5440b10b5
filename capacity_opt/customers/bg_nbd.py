"""BG/NBD: how often customers buy while they are there, and whether they still are (Fader, Hardie & Lee 2005).

While active, a customer buys at a Poisson rate; after each purchase it leaves with its own probability. Rates are
gamma(``r``, ``alpha``) over customers, leaving probabilities beta(``a``, ``b``). Times are in the unit of the history.
A customer without repeats counts as active: only a purchase can be the last. A prior for churn of small accounts; its
spread is too narrow for a promise (see :func:`capacity_opt.forecast_purchases`).
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
class BGNBD:
    """The four parameters; ``log_likelihood`` of the history that they were fitted to (NaN where given by hand).

    >>> model = BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426)
    >>> round(float(model.expected_purchases(2, 30.43, 38.86, horizon=39)), 2)
    1.23
    """

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float = float("nan")

    def __post_init__(self) -> None:
        """All four are positive."""
        for name in ("r", "alpha", "a", "b"):
            _checks.positive(name, getattr(self, name))

    def alive_probability(self, repeats: ArrayLike, last: ArrayLike, age: ArrayLike) -> Array:
        """P(still a customer | history), per customer."""
        x, t_x, now = (_checks.non_negative(n, v) for n, v in (("repeats", repeats), ("last", last), ("age", age)))
        odds = self._log_odds_gone(x, t_x, now)
        return np.where(x > 0, special.expit(-odds), 1.0)[()]

    def expected_purchases(self, repeats: ArrayLike, last: ArrayLike, age: ArrayLike, *, horizon: ArrayLike) -> Array:
        """E[purchases in the coming ``horizon`` | history], per customer."""
        x = _checks.non_negative("repeats", repeats)
        now, ahead = _checks.non_negative("age", age), _checks.non_negative("horizon", horizon)
        alive = self.alive_probability(x, last, now)
        return np.asarray(alive * self._expected(self.r + x, self.alpha + now, self.b + x, ahead))[()]

    def expected_from_start(self, horizon: ArrayLike) -> Array:
        """E[repeat purchases within ``horizon`` of the first purchase] of a new customer."""
        ahead = _checks.non_negative("horizon", horizon)
        return self._expected(np.asarray(self.r), np.asarray(self.alpha), np.asarray(self.b), ahead)

    def probability_of(self, count: ArrayLike, horizon: ArrayLike) -> Array:
        """P(a new customer makes ``count`` repeat purchases within ``horizon``)."""
        counts, times = np.broadcast_arrays(_checks.whole("count", count), _checks.non_negative("horizon", horizon))
        flat = [self._mass(int(x), float(t)) for x, t in zip(counts.ravel(), times.ravel())]
        return np.array(flat).reshape(counts.shape)[()]

    def _log_odds_gone(self, x: Array, t_x: Array, age: Array) -> Array:
        """log P(gone)/P(alive), for customers with repeats."""
        with np.errstate(divide="ignore", invalid="ignore"):
            tail = (self.r + x) * (np.log(self.alpha + age) - np.log(self.alpha + t_x))
            return np.asarray(np.log(self.a) - np.log(self.b + x - 1.0) + tail)

    def _expected(self, rate: Array, scale: Array, stay: Array, t: Array) -> Array:
        """(a + b' - 1) / (a - 1) (1 - (scale / (scale + t))^rate 2F1(rate, b'; a + b' - 1; t / (scale + t)))."""
        a = self.a if abs(self.a - 1.0) > 1e-7 else 1.0 + 1e-7
        z = t / (scale + t)
        series = special.hyp2f1(rate, stay, a + stay - 1.0, z)
        return np.asarray((a + stay - 1.0) / (a - 1.0) * (1.0 - (1.0 - z) ** rate * series))

    def _mass(self, x: int, t: float) -> float:
        share = t / (self.alpha + t)
        log_stay = special.betaln(self.a, self.b + x) - special.betaln(self.a, self.b)
        j = np.arange(x + 1)
        log_terms = (
            special.gammaln(self.r + j) - special.gammaln(self.r) - special.gammaln(j + 1.0)
            + self.r * np.log1p(-share) + special.xlogy(j, share)
        )  # fmt: skip
        mass = float(np.exp(log_stay + log_terms[x]))
        if x == 0:
            return mass
        log_leave = special.betaln(self.a + 1.0, self.b + x - 1.0) - special.betaln(self.a, self.b)
        return mass + float(np.exp(log_leave) * max(0.0, 1.0 - np.exp(log_terms[:x]).sum()))


def fit_bg_nbd(history: PurchaseHistory) -> BGNBD:
    """The parameters of greatest likelihood.

    >>> history = PurchaseHistory([2, 0, 5, 0, 1], [30, 0, 35, 0, 3], [39, 39, 38, 20, 36])
    >>> fit_bg_nbd(history).log_likelihood < 0
    True
    """
    rows = history.grouped()
    scale = float(np.average(history.age, weights=history.weight)) / 10.0 + 1e-9

    def log_likelihood(p: Array) -> float:
        return float(rows.weight @ _log_likelihood(p, rows))

    found, value = maximise(log_likelihood, [(0.5, scale, 0.8, 2.5), (1.0, 10 * scale, 0.3, 3.0)])
    r, alpha, a, b = map(float, found)
    return BGNBD(r=r, alpha=alpha, a=a, b=b, log_likelihood=value)


def _log_likelihood(p: Array, history: PurchaseHistory) -> Array:
    r, alpha, a, b = p
    x, t_x, age = history.repeats, history.last, history.age
    common = special.gammaln(r + x) - special.gammaln(r) + r * np.log(alpha)
    stay = special.betaln(a, b + x) - special.betaln(a, b) - (r + x) * np.log(alpha + age)
    safe = np.maximum(x, 1.0)
    leave = special.betaln(a + 1.0, b + safe - 1.0) - special.betaln(a, b) - (r + x) * np.log(alpha + t_x)
    return np.asarray(common + np.where(x > 0, np.logaddexp(stay, leave), stay))
