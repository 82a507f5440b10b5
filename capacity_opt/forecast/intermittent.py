"""Demand that is often zero: weighted empirical quantiles and negative binomials, their memory chosen by backtest.

A smoothing model's symmetric errors fit such series badly. Here a period's demand has the same distribution at every
horizon: what was seen, with weights that fall by ``decay`` per period, or a negative binomial with the weighted mean
(or one of :mod:`capacity_opt.forecast.croston`) and a dispersion shrunk towards the panel's. The quantiles of both
kinds at every decay and rate are averaged, with weights from their pooled pinball loss in the backtest, then
recalibrated by the pooled probability transform. Totals over a lead time are negative binomials on the moments of
blocks (with the panel's autocorrelation), never sums of quantiles.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

from capacity_opt._compiled import compiled
from capacity_opt.forecast import empirical_kernel
from capacity_opt.forecast.croston import Method, croston_means
from capacity_opt.forecast.prepare import Prepared

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
Mean = float | tuple[Method, float, float]
DECAYS = (1.0, 0.98, 0.95, 0.9, 0.8)
# means around which a negative binomial is put: weighted ones, and Croston's with their rates
CROSTON: tuple[tuple[Method, float, float], ...] = (
    ("sba", 0.05, 0.0),
    ("sba", 0.1, 0.0),
    ("sba", 0.2, 0.0),
    ("croston", 0.1, 0.0),
    ("tsb", 0.1, 0.02),
    ("tsb", 0.1, 0.05),
    ("tsb", 0.1, 0.1),
    ("tsb", 0.2, 0.2),
)
MEANS: tuple[Mean, ...] = (*DECAYS, *CROSTON)
_FINE = np.concatenate([[0.01, 0.025], np.arange(1, 20) / 20, [0.975, 0.99, 0.995]])
_SHARPNESS = 40.0
_SCORED = np.arange(1, 10) / 10
_SAMPLE = 1000
_LEAST = 0.01
_BITS = 48  # of a number that are believed
_WHOLE = 1e12  # multiples of a power of two beyond this are no counts


@dataclass(frozen=True, eq=False)
class Blend:
    """What the backtest chose: weights ``empirical`` over ``DECAYS`` and ``moments`` over ``MEANS``, ``share`` of the
    empirical kind.

    ``rho``: the panel's lag-one autocorrelation.
    """

    empirical: Array
    moments: Array
    share: float
    rho: float


def empirical_quantiles(values: Array, begins: IntArray, ends: IntArray, levels: Array, decay: float = 1.0) -> Array:
    """(n, m) quantiles of what each series ``values[begin:end]`` was, newer values weighing more where decay < 1.

    >>> seen = np.array([0.0, 0.0, 3.0, 1.0])
    >>> empirical_quantiles(seen, np.array([0]), np.array([4]), np.array([0.5, 0.9]))
    array([[0., 3.]])
    """
    out = np.empty((len(begins), len(levels)))
    kernel = compiled(empirical_kernel.empirical_all)
    if kernel is not None:
        kernel(values, begins, ends, decay, levels, out)
        return out
    for length in np.unique(ends - begins):
        rows = np.flatnonzero(ends - begins == length)
        table = values[begins[rows, None] + np.arange(length)]
        order = np.argsort(table, axis=1, kind="stable")
        weight = (decay ** np.arange(length)[::-1])[order]
        reached = np.cumsum(weight, axis=1)
        at = (reached[:, :, None] < levels * reached[:, -1:, None] * (1.0 - 1e-12)).sum(axis=1)
        out[rows] = np.take_along_axis(np.take_along_axis(table, order, axis=1), np.minimum(at, length - 1), axis=1)
    return out


def block_quantiles(prepared: Prepared, levels: Array, *, cumulative: bool) -> Array:
    """(n, H, m) quantiles of each period, or of running totals, in the series' own units."""
    unit = quantum(prepared)
    prepared = replace(prepared, scale=prepared.scale / unit)
    few = prepared.take(np.unique(np.linspace(0, len(prepared.begins) - 1, _SAMPLE).astype(np.int64)))
    blend = _chosen(few)
    tests = [_Test(part, ends, actual, *_blended_moments(part, ends, blend)) for part, ends, actual in _backtests(few)]
    ends = prepared.counts[:, 0]
    mean, variance = _blended_moments(prepared, ends, blend)
    steps = []
    for block in range(1, prepared.horizon + 1) if cumulative else (1,):
        moved = _recalibrated(tests, blend, block, levels)
        steps.append(_blended(_Test(prepared, ends, mean[:, None], mean, variance), blend, block, moved))
    found = np.maximum.accumulate(np.stack(steps, axis=1), axis=1)
    found *= unit[:, None, None]
    return found if cumulative else np.repeat(found, prepared.horizon, axis=1)


def quantum(prepared: Prepared) -> Array:
    """(n,) what demand comes in multiples of: the greatest common divisor of whole numbers, else the least demand.

    A pack of six is one event, and grams or tonnes must not matter.
    """
    owner = np.repeat(np.arange(len(prepared.begins)), prepared.lengths)
    starts = np.concatenate([[0], np.cumsum(prepared.lengths)[:-1]])
    places = np.arange(len(owner)) + np.repeat(prepared.begins - starts, prepared.lengths)
    own = prepared.values[places] * prepared.scale[owner]
    # every float is a whole multiple of a power of two; rounding noise in the last bits is dropped first
    mantissa, exponent = np.frexp(own)
    digits = np.rint(np.ldexp(mantissa, _BITS)).astype(np.int64)
    lowest = exponent - _BITS + np.log2(np.maximum(digits & -digits, 1)).astype(np.int64)
    least = np.minimum.reduceat(np.where(own > 0, own, np.inf), starts)
    shift = np.minimum.reduceat(np.where(digits != 0, lowest, 2000), starts)
    whole = np.ldexp(digits.astype(np.float64), np.minimum(exponent - _BITS - shift[owner], 900))
    counted = np.logical_and.reduceat(whole < _WHOLE, starts)
    divisor = np.gcd.reduceat(np.where(counted[owner], whole, 0.0).astype(np.int64), starts)
    unit = np.where(counted, np.ldexp(divisor.astype(np.float64), shift), np.where(np.isfinite(least), least, 1.0))
    return np.where((unit > 0) & np.isfinite(unit), unit, 1.0)


def _chosen(few: Prepared) -> Blend:
    """Weights of both kinds and all decays from their pinball loss, pooled over series, at the backtest origins."""
    losses = np.zeros((2, len(MEANS)))
    for part, ends, actual in _backtests(few):
        for k, mean in enumerate(MEANS):
            told = [negative_binomial_quantiles(*_moments(part, ends, mean), _SCORED)]
            if isinstance(mean, float):
                told.append(_empirical(part, ends, mean, _SCORED))
            for kind, quantiles in zip((1, 0), told):
                gap = actual[:, :, None] - quantiles[:, None, :]
                loss = np.nanmean(np.maximum(_SCORED * gap, (_SCORED - 1.0) * gap), axis=(1, 2))
                losses[kind, k] += float(np.sum(loss))
    losses[0, len(DECAYS) :] = 10.0 * losses.max()  # no such empirical kind
    rho = _autocorrelation(few)
    if not losses.any():
        even = np.where(np.arange(len(MEANS)) < len(DECAYS), 1.0 / len(DECAYS), 0.0)
        return Blend(even, even, 0.5, rho)
    weights = np.exp(-_SHARPNESS * (losses / max(losses.min(), 1e-9 * losses.max()) - 1.0))
    own, moments = weights.sum(axis=1)
    return Blend(weights[0] / own, weights[1] / moments, float(own / (own + moments)), rho)


@dataclass(frozen=True, eq=False)
class _Test:
    """What one origin knew, ``actual`` (n, H) what came in own units, and the blended moments of a period."""

    prepared: Prepared
    ends: IntArray
    actual: Array
    mean: Array
    variance: Array


def _backtests(few: Prepared) -> Iterator[tuple[Prepared, IntArray, Array]]:
    """Per backtest origin: the series that have it, how many values it knows, and what came, in own units."""
    actual = few.actual() * few.scale[:, None, None]
    for j in range(1, few.counts.shape[1]):
        rows = np.flatnonzero((few.counts[:, j] > 0) & ~np.isnan(actual[:, j]).all(axis=1))
        if len(rows):
            yield few.take(rows), few.counts[rows, j], actual[rows, j]


def _empirical(prepared: Prepared, ends: IntArray, decay: float, levels: Array) -> Array:
    own = empirical_quantiles(prepared.values, prepared.begins, prepared.begins + ends, levels, decay)
    return np.rint(own * prepared.scale[:, None] * 1e6) / 1e6


def _used(weights: Array) -> list[tuple[float, Mean]]:
    """Weights that matter, summing to 1, with their means."""
    kept = np.where(weights > _LEAST, weights, 0.0)
    return [(w, d) for w, d in zip((kept / kept.sum()).tolist(), MEANS) if w > 0]


def _blended_moments(prepared: Prepared, ends: IntArray, blend: Blend) -> tuple[Array, Array]:
    mean, variance = np.zeros(len(ends)), np.zeros(len(ends))
    for weight, kind in _used(blend.moments):
        first, second = _moments(prepared, ends, kind)
        mean, variance = mean + weight * first, variance + weight * second
    return mean, variance


def _blended(test: _Test, blend: Blend, block: int, levels: Array) -> Array:
    """(n, m) quantiles of a block's total: negative binomial, for one period averaged with the empirical ones."""
    lag = np.arange(1, block)
    swell = 1.0 + 2.0 * float(((1.0 - lag / block) * blend.rho**lag).sum())
    told = negative_binomial_quantiles(block * test.mean, block * swell * test.variance, levels)
    if block > 1 or blend.share < _LEAST:
        return told
    own = np.zeros_like(told)
    for weight, decay in _used(blend.empirical):
        assert isinstance(decay, float)
        own += weight * _empirical(test.prepared, test.ends, decay, levels)
    averaged: Array = blend.share * own + (1.0 - blend.share) * told
    return averaged


def _recalibrated(tests: list[_Test], blend: Blend, block: int, levels: Array) -> Array:
    """The levels to ask for so that what comes falls below at the levels wanted, as the backtest did (pooled).

    The probability transform of a count is spread evenly over its step, by a sequence that fills the step evenly.
    """
    reached = []
    known = np.concatenate([[0.0], _FINE, [1.0]])
    for test in tests:
        starts = range(test.actual.shape[1] - block + 1)
        totals = np.stack([test.actual[:, t : t + block].sum(axis=1) for t in starts], axis=1)
        told = _blended(test, blend, block, _FINE)
        below = known[(told[:, None, :] < totals[:, :, None] - 1e-9).sum(axis=2)]
        upto = known[(told[:, None, :] <= totals[:, :, None] + 1e-9).sum(axis=2) + 1]
        there = ~np.isnan(totals)
        place = (np.arange(int(there.sum())) * 0.6180339887498949 + 0.5) % 1.0
        reached.append(below[there] + place * (upto - below)[there])
    seen = np.concatenate([np.zeros(0), *reached])
    if len(seen) < _SAMPLE // 2:
        return levels
    moved = np.quantile(seen, np.clip(0.5 + (levels - 0.5) * (1.0 + 1.0 / len(seen)), 0.0, 1.0))
    return np.clip(np.maximum.accumulate(moved), 1e-4, 1.0 - 1e-4)


def _autocorrelation(prepared: Prepared) -> float:
    """Lag-one autocorrelation pooled over series, at least 0: a negative one would promise too narrow totals."""
    table = _last_values(prepared, prepared.counts[:, 0])
    known = ~np.isnan(table)
    mean = np.where(known, table, 0.0).sum(axis=1) / known.sum(axis=1)
    centred = np.where(known, table - mean[:, None], 0.0)
    spread = np.sqrt((centred**2).sum(axis=1, keepdims=True) / known.sum(axis=1, keepdims=True))
    unit = centred / np.where(spread > 0, spread, np.inf)
    total = float((unit * unit).sum())
    return float(np.clip((unit[:, 1:] * unit[:, :-1]).sum() / total, 0.0, 0.95)) if total > 0 else 0.0


def _last_values(prepared: Prepared, ends: IntArray) -> Array:
    """(n, T) the first ``ends`` values of each series in its own units, aligned right, NaN before the beginning."""
    width = int(ends.max())
    places = (prepared.begins + ends)[:, None] - width + np.arange(width)
    inside = places >= prepared.begins[:, None]
    return np.where(inside, prepared.values[np.maximum(places, 0)], np.nan) * prepared.scale[:, None]


def _moments(prepared: Prepared, ends: IntArray, kind: Mean) -> tuple[Array, Array]:
    """Mean and variance of the first ``ends`` values, the variance half by the panel's dispersion."""
    table = _last_values(prepared, ends)
    inside = ~np.isnan(table)
    values = np.where(inside, table, 0.0)
    if isinstance(kind, float):
        weight = np.where(inside, kind ** np.arange(table.shape[1])[::-1], 0.0)
        mean = (weight * values).sum(axis=1) / weight.sum(axis=1)
    else:
        mean = croston_means(prepared.values, prepared.begins, prepared.begins + ends, *kind) * prepared.scale
    plain = values.sum(axis=1) / ends
    variance = (np.where(inside, values - plain[:, None], 0.0) ** 2).sum(axis=1) / np.maximum(ends - 1, 1)
    some = plain > 0
    own = np.where(some, variance / np.where(some, plain, 1.0), 0.0)
    pool = float(np.median(own[some])) if some.any() else 1.0
    return mean, mean * (0.5 * own + 0.5 * pool)


def negative_binomial_quantiles(mean: Array, variance: Array, levels: Array) -> Array:
    """(n, m) at rising ``levels``, for any scale of demand.

    >>> negative_binomial_quantiles(np.array([4.0]), np.array([10.0]), np.array([0.5, 0.95]))
    array([[ 3., 10.]])
    """
    out = np.empty((len(mean), len(levels)))
    kernel = compiled(empirical_kernel.negative_binomial_all)
    (kernel or empirical_kernel.negative_binomial_all)(mean, variance, levels, special.ndtri(levels), out)
    return out
