"""BG/BB: activity in discrete opportunities (a campaign, a month): buys or not, leaves or not (Fader, Hardie & Shang
2010). Chances of buying are beta(``alpha``, ``beta``) over customers, chances of leaving beta(``gamma``, ``delta``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from capacity_opt import _checks
from capacity_opt.customers._fit import maximise
from capacity_opt.customers.purchases import PurchaseHistory
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class BGBB:
    """The four parameters; ``log_likelihood`` of the history that they were fitted to.

    >>> model = BGBB(alpha=1.204, beta=0.75, gamma=0.657, delta=2.783)
    >>> 0 < float(model.alive_probability(3, 4, 6)) < 1
    True
    """

    alpha: float
    beta: float
    gamma: float
    delta: float
    log_likelihood: float = float("nan")

    def __post_init__(self) -> None:
        """All four are positive."""
        for name in ("alpha", "beta", "gamma", "delta"):
            _checks.positive(name, getattr(self, name))

    def alive_probability(self, repeats: ArrayLike, last: ArrayLike, opportunities: ArrayLike) -> Array:
        """P(still a customer at the opportunity after the last of ``opportunities`` | history)."""
        x, t_x, n = _whole(repeats, last, opportunities)
        log_alive = self._log_buying(x, n) + special.betaln(self.gamma, self.delta + n + 1.0)
        log_alive = log_alive - special.betaln(self.gamma, self.delta)
        return np.exp(log_alive - _log_likelihood(self._parameters, x, t_x, n))[()]

    def expected_purchases(
        self, repeats: ArrayLike, last: ArrayLike, opportunities: ArrayLike, *, horizon: ArrayLike
    ) -> Array:
        """E[purchases in the coming ``horizon`` opportunities | history]."""
        x, t_x, n = _whole(repeats, last, opportunities)
        ahead = _checks.whole("horizon", horizon)
        # E[sum over the opportunities ahead of P(buys) P(still there)]: the beta integrals, one opportunity at a time
        steps = np.arange(1, int(ahead.max(initial=0)) + 1)
        stays = special.betaln(self.gamma, self.delta + n[..., None] + steps) - special.betaln(self.gamma, self.delta)
        counted = np.where(steps <= ahead[..., None], np.exp(stays), 0.0).sum(axis=-1)
        log_buys = special.betaln(self.alpha + x + 1.0, self.beta + n - x) - special.betaln(self.alpha, self.beta)
        return np.asarray(np.exp(log_buys - _log_likelihood(self._parameters, x, t_x, n)) * counted)[()]

    @property
    def _parameters(self) -> Array:
        return np.array([self.alpha, self.beta, self.gamma, self.delta])

    def _log_buying(self, x: Array, n: Array) -> Array:
        return np.asarray(special.betaln(self.alpha + x, self.beta + n - x) - special.betaln(self.alpha, self.beta))


def fit_bg_bb(history: PurchaseHistory) -> BGBB:
    """The parameters of greatest likelihood; ``history.last`` and ``age`` count opportunities.

    >>> history = PurchaseHistory([2, 0, 5, 0, 1], [3, 0, 6, 0, 1], 6, weight=[10, 30, 5, 20, 15])
    >>> fit_bg_bb(history).log_likelihood < 0
    True
    """
    x, t_x, n = _whole(history.repeats, history.last, history.age)

    def log_likelihood(p: Array) -> float:
        return float(history.weight @ _log_likelihood(p, x, t_x, n))

    found, value = maximise(log_likelihood, [(1.0, 1.0, 1.0, 1.0), (1.0, 0.5, 0.5, 3.0)])
    alpha, beta, gamma, delta = map(float, found)
    return BGBB(alpha=alpha, beta=beta, gamma=gamma, delta=delta, log_likelihood=value)


def _whole(repeats: ArrayLike, last: ArrayLike, opportunities: ArrayLike) -> tuple[Array, Array, Array]:
    _, given = _checks.broadcast(repeats=repeats, last=last, opportunities=opportunities)
    x, t_x, n = (_checks.whole(name, value).astype(np.float64) for name, value in given.items())
    if np.any((x > t_x) | (t_x > n)):
        raise ArgumentError("repeats must be at most last, and last at most opportunities. Are columns swapped?")
    return x, t_x, n


def _log_likelihood(p: Array, x: Array, t_x: Array, n: Array) -> Array:
    alpha, beta, gamma, delta = p
    norm = special.betaln(alpha, beta) + special.betaln(gamma, delta)
    stayed = special.betaln(alpha + x, beta + n - x) + special.betaln(gamma, delta + n)
    i = np.arange(int(np.max(n - t_x, initial=0.0)))
    left = special.betaln(alpha + x[..., None], beta + (t_x - x)[..., None] + i)
    left = left + special.betaln(gamma + 1.0, delta + t_x[..., None] + i)
    left = np.where(i < (n - t_x)[..., None], left, -np.inf)
    return np.asarray(special.logsumexp(np.concatenate([stayed[..., None], left], axis=-1), axis=-1) - norm)
