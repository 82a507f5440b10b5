"""Are the win probabilities of the sales pipeline true? Scored, shown and mended against what was won."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.customers._fit import maximise
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """Per bin of predicted probability with deals in it: ``predicted`` mean, ``observed`` share won with its 95 %
    (Wilson) interval ``low``, ``high``, ``count`` of deals. ``brier``: mean squared error of the probabilities (0 is
    perfect; always saying the base rate r scores r (1 - r), in ``base_brier``)."""

    predicted: Array
    observed: Array
    low: Array
    high: Array
    count: NDArray[np.int64]
    brier: float
    base_brier: float


@dataclass(frozen=True, kw_only=True)
class WinCalibration:
    """A rising map from stated to calibrated probability: ``stated`` (m,) rising, ``calibrated`` (m,)."""

    stated: Array
    calibrated: Array

    def probability(self, stated: ArrayLike) -> Array:
        """The calibrated probability, linear between the fitted points and flat beyond them."""
        return np.interp(_checks.share("stated", stated), self.stated, self.calibrated)


@dataclass(frozen=True, kw_only=True)
class StageRates:
    """Win rates per stage, shrunk to a common beta prior: ``stages``, ``probability``, ``low``, ``high`` (95 %),
    ``count`` and ``won``; ``prior`` (a, b) fitted over the stages."""

    stages: tuple[str, ...]
    probability: Array
    low: Array
    high: Array
    count: NDArray[np.int64]
    won: NDArray[np.int64]
    prior: tuple[float, float]


def measure_reliability(stated: ArrayLike, won: ArrayLike, *, bins: int = 10) -> Reliability:
    """Stated probabilities (n,) beside outcomes ``won`` (n,) of 0 and 1, in ``bins`` equal bins of probability.

    >>> told = measure_reliability([0.9, 0.9, 0.1, 0.1], [1, 0, 0, 0])
    >>> told.observed.tolist(), round(told.brier, 3)
    ([0.0, 0.5], 0.21)
    """
    p, y = _outcomes(stated, won)
    number = int(_checks.whole("bins", bins, at_least=1))
    place = np.minimum((p * number).astype(np.int64), number - 1)
    count = np.bincount(place, minlength=number)
    used = count > 0
    n = count[used]
    observed = np.bincount(place, weights=y, minlength=number)[used] / n
    z = 1.959963984540054
    centre = (observed + z * z / (2 * n)) / (1 + z * z / n)
    reach = z / (1 + z * z / n) * np.sqrt(observed * (1 - observed) / n + z * z / (4 * n * n))
    return Reliability(
        predicted=np.bincount(place, weights=p, minlength=number)[used] / n,
        observed=observed,
        low=np.maximum(centre - reach, 0.0),
        high=np.minimum(centre + reach, 1.0),
        count=n,
        brier=float(np.mean((p - y) ** 2)),
        base_brier=float(y.mean() * (1.0 - y.mean())),
    )


def calibrate_win_probability(stated: ArrayLike, won: ArrayLike) -> WinCalibration:
    """The rising map that fits best (isotonic regression by pooling adjacent violators).

    Deals with equal stated probability are one point. A handful of deals says little: with fewer than about 50, prefer
    :func:`stage_win_rates`.

    >>> calibrate_win_probability([0.2, 0.2, 0.8, 0.8], [0, 0, 1, 0]).probability([0.1, 0.8]).tolist()
    [0.0, 0.5]
    """
    from scipy.optimize import isotonic_regression

    p, y = _outcomes(stated, won)
    levels, which = np.unique(p, return_inverse=True)
    weight = np.bincount(which).astype(np.float64)
    rate = np.bincount(which, weights=y) / weight
    return WinCalibration(stated=levels, calibrated=np.asarray(isotonic_regression(rate, weights=weight).x))


def stage_win_rates(stage: ArrayLike, won: ArrayLike) -> StageRates:
    """Win rate of each pipeline stage: a beta-binomial model whose prior is fitted over all stages by likelihood, so a
    stage with few deals is drawn to the others.

    >>> told = stage_win_rates(["lead"] * 8 + ["quote"] * 4, [0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 0])
    >>> bool(told.probability[0] < told.probability[1] < 0.75)
    True
    """
    labels = np.asarray(stage).astype(str)
    y = _checks.share("won", won)
    _checks.same_length(stage=labels, won=y)
    names, which = np.unique(labels, return_inverse=True)
    n: Array = np.asarray(np.bincount(which), dtype=np.float64)
    k: Array = np.asarray(np.bincount(which, weights=y), dtype=np.float64)
    from scipy import special

    if len(names) < 2:
        a, b = 1.0, 1.0
    else:
        (mean_odds, strength), _ = maximise(lambda q: _beta_binomial(q, n, k), [(1.0, 4.0), (0.3, 10.0)])
        strength = min(float(strength), 1e4)
        a, b = strength * mean_odds / (1.0 + mean_odds), strength / (1.0 + mean_odds)
    return StageRates(
        stages=tuple(names.tolist()),
        probability=(a + k) / (a + b + n),
        low=np.asarray(special.betaincinv(a + k, b + n - k, 0.025), dtype=np.float64),
        high=np.asarray(special.betaincinv(a + k, b + n - k, 0.975), dtype=np.float64),
        count=n.astype(np.int64),
        won=k.astype(np.int64),
        prior=(float(a), float(b)),
    )


def _beta_binomial(q: Array, n: Array, k: Array) -> float:
    """Log likelihood over stages of odds q0 and prior strength q1, with a weak prior on the strength itself (two stages
    cannot tell it)."""
    from scipy import special

    a, b = q[1] * q[0] / (1.0 + q[0]), q[1] / (1.0 + q[0])
    return float(
        (special.betaln(a + k, b + n - k) - special.betaln(a, b)).sum() - 0.5 * (np.log(q[1] / 4.0) / 1.5) ** 2
    )


def _outcomes(stated: ArrayLike, won: ArrayLike) -> tuple[Array, Array]:
    p, y = np.ravel(_checks.share("stated", stated)), np.ravel(_checks.share("won", won))
    _checks.same_length(stated=p, won=y)
    if not len(p) or np.any((y != 0) & (y != 1)):
        raise ArgumentError("won must hold 0 (lost) or 1 (won), one per stated probability, at least one")
    return p, y
