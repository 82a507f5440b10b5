"""Quantiles around a point forecast from pooled out-of-sample errors, scaled per series, asymmetric per horizon.

A series' scale is what its own backtest and its differences said before the error was made, in shares that the panel's
own errors choose (least squares on logarithms). Scaled errors of all series and origins are then pooled by horizon and
their empirical quantiles, with the finite-sample correction of conformal prediction, put around the forecast.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capacity_opt.forecast.combine_kernel import LONG
from capacity_opt.forecast.combine_numpy import unseen

Array = NDArray[np.float64]
_TINY = 1e-12
_STILL = 1e-11  # errors of a constant series are rounding only
_LEAST, _MOST = 1e-4, 1e2  # between these differences, in mean sizes of the series, the mean size may matter too
_APART = 1e3  # sources of the scale differ by no more than this
_CENTRED = 0.75  # of the pooled median: all origins share the same few years, so a common bias need not last
_AGEING = (0.7, 0.85)  # weight of an origin's errors beside the next later one's: overlapping origins, and not
_ENOUGH = 400  # pooled errors from which a horizon speaks for itself
_FEW = 10.0  # series that what scaled errors usually are counts for
_LEVEL = np.array([0.0, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5])
_BELOW = np.array([-7.5, -5.2, -3.6, -2.65, -1.85, -1.1, -0.63, -0.27, 0.0])
_PLACES = (np.arange(100) + 0.5) / 100
_USUAL = np.interp(_PLACES, np.append(_LEVEL, 1.0 - _LEVEL[-2::-1]), np.append(_BELOW, -_BELOW[-2::-1]))
"""A hundred usual scaled errors: much the same on M3 and M4 by hour, week, month, quarter and year, made symmetric."""


@dataclass(frozen=True, eq=False)
class Spread:
    """How errors grow and scatter: ``profile`` (H,) by horizon, ``shares`` of the scale's sources, pooled errors.

    ``shares`` (2, 4): intercept and exponents of own backtest, differences and recent differences; row 0 for series
    without a backtest (its exponent is 0). ``pooled``: per horizon (2, k) the sorted scaled errors and their weights.
    """

    profile: Array
    shares: Array
    pooled: tuple[Array, ...]

    def scale(self, size: Array, roughness: Array) -> Array:
        """(n,) the scales from mean backtest errors ``size`` (n,), NaN for none, and ``roughness`` (n, 2)."""
        logs, beyond = _features(size, roughness)
        row = np.isnan(size).astype(np.intp)
        still = (np.where(np.isnan(size), 0.0, size) <= _STILL) & (roughness <= _STILL).all(axis=1)
        return np.where(still, 0.0, np.exp(beyond + np.sum(logs * self.shares[1 - row], axis=1)))

    def quantiles(self, levels: Array) -> Array:
        """(H, m) of the scaled errors; beyond what the pool's size can say the most extreme error is taken."""
        middle = np.array([0.5])
        return np.stack([_conformal(each, levels) - _CENTRED * _conformal(each, middle) for each in self.pooled])


def fit_spread(errors: Array, counts: NDArray[np.int64], roughness: Array) -> Spread:
    """From ``errors`` (n, J, H) of origins with ``counts`` (n, J) values, ``roughness`` (n, J, 2) before each."""
    size = np.abs(errors)
    profile = _profile(size)
    known = own_size(size / profile, counts)
    with np.errstate(invalid="ignore"):
        target = _mean(size / profile, axis=2)
    flat, before, after = target.ravel(), known.ravel(), roughness.reshape(-1, 2)
    shares = np.stack([_fit(flat, np.full_like(before, np.nan), after), _fit(flat, before, after)])
    rough = Spread(profile, shares, ())
    scale = rough.scale(before, after).reshape(*target.shape, 1)
    scaled = np.where(scale > 0, errors / np.where(scale > 0, scale, 1.0), np.nan)
    decay = np.where(counts[:, :1] >= LONG * errors.shape[2], _AGEING[1], _AGEING[0]).astype(np.float64)
    age: Array = decay ** np.arange(errors.shape[1])
    return Spread(profile, shares, _pooled(scaled, profile, age))


def own_size(scaled: Array, counts: NDArray[np.int64]) -> Array:
    """(n, J) mean size of the errors that may be used at each origin; NaN where there are none."""
    n, origins, horizon = scaled.shape
    out = np.full((n, origins), np.nan)
    for j in range(origins):
        out[:, j] = _mean(np.where(unseen(counts, j, horizon), scaled, np.nan).reshape(n, -1), axis=1)
    return out


def _profile(size: Array) -> Array:
    """(H,) how the typical error grows with the horizon, 1 on average."""
    own = _mean(size.reshape(len(size), -1), axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = np.minimum(size / np.where(own > 0, own, np.nan)[:, None, None], 10.0)
    profile = _mean(relative.reshape(-1, size.shape[2]), axis=0)
    profile = np.where(np.isnan(profile) | (profile <= 0), 1.0, profile)
    return np.asarray(profile / profile.mean())


def _features(size: Array, roughness: Array) -> tuple[Array, Array]:
    """(n, 4) one and the logs of the sources, and (n,) the log of what a unit far from the typical one multiplies."""
    known = np.where(np.isnan(size), 1.0, size)
    unit = np.maximum(np.maximum(roughness[:, 0], np.where(np.isnan(size), 0.0, size) / _APART), 1e-12)
    inside = np.clip(unit, _LEAST, _MOST)
    sources = np.column_stack([known, unit, roughness[:, 1]]) / unit[:, None]
    logs = np.log(np.clip(sources, 1.0 / _APART, _APART) * inside[:, None])
    return np.column_stack([np.ones(len(size)), logs]), np.log(unit / inside)


def _fit(target: Array, size: Array, roughness: Array) -> Array:
    """Ridge regression of log error size on the logs of its sources, towards equal shares."""
    own = not bool(np.isnan(size).all())
    use = (target > _TINY) & (roughness > _TINY).all(axis=1) & (~np.isnan(size) | (not own))
    use &= (size > _TINY) | (not own)
    first = np.array([0.0, 0.5, 0.25, 0.25]) if own else np.array([0.0, 0.0, 0.5, 0.5])
    table, beyond = _features(size[use], roughness[use])
    wanted = np.log(target[use]) - beyond
    ridge = np.diag([0.0, 1.0, 1.0, 1.0]) * 2.0
    if not own:
        table = table * np.array([1.0, 0.0, 1.0, 1.0])
        ridge[1, 1] = 1.0
    if len(wanted) < 3:
        return first
    middle = np.median(wanted - table @ first)
    rest = wanted - table @ first - middle
    change = np.linalg.lstsq(table.T @ table + ridge, table.T @ rest, rcond=None)[0]
    fitted = first + change
    fitted[1:] = np.maximum(fitted[1:], 0.0)
    fitted[0] = np.median(wanted - table[:, 1:] @ fitted[1:])
    return np.asarray(fitted)


def _pooled(scaled: Array, profile: Array, age: Array) -> tuple[Array, ...]:
    """Scaled errors per horizon, weighing by ``age`` (n, J); where few, all horizons' brought to this one's size.

    Usual errors are added as if ``_FEW`` more series had had them: a handful of series cannot know its tails.
    """
    n, _, horizon = scaled.shape
    weight = age.ravel()
    by_horizon = []
    for column in scaled.reshape(-1, horizon).T:
        there = ~np.isnan(column)
        by_horizon.append(np.stack([column[there], weight[there]]))
    everything = np.concatenate([each / [[size], [1.0]] for each, size in zip(by_horizon, profile)], axis=1)
    if not everything.shape[1]:
        everything = np.array([[0.0], [1.0]])
    chosen = []
    for own, size in zip(by_horizon, profile):
        own = own if own.shape[1] >= _ENOUGH else everything * [[size], [1.0]]
        share = own[1].sum() * _FEW / (n * len(_USUAL))
        both = np.concatenate([own, np.stack([_USUAL * size, np.full(len(_USUAL), share)])], axis=1)
        chosen.append(both[:, np.argsort(both[0])])
    return tuple(chosen)


def _conformal(pooled: Array, levels: Array) -> Array:
    """Weighted quantiles at levels moved outwards by what n errors cannot know: ceil((n + 1) level) / n."""
    errors, weights = pooled
    total = weights.sum()
    count = total**2 / (weights**2).sum()
    outward = 0.5 + (levels - 0.5) * (1.0 + 1.0 / count)
    return np.asarray(np.interp(outward * total, np.cumsum(weights) - 0.5 * weights, errors))


def _mean(values: Array, axis: int) -> Array:
    """The mean of what is not NaN; NaN where all is."""
    there = ~np.isnan(values)
    count = there.sum(axis=axis)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(count > 0, np.where(there, values, 0.0).sum(axis=axis) / count, np.nan))
