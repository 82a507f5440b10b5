"""A simulated number with its uncertainty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A mean over independent replications and its two-sided confidence interval (Student t).

    ``value``, ``low``, ``high`` are scalars or arrays over items; ``level`` is the interval's confidence (0.95 unless
    told otherwise); ``replications`` says how many independent values stand behind it.
    """

    value: float | Array
    low: float | Array
    high: float | Array
    replications: int
    level: float = 0.95

    def covers(self, truth: float | Array) -> bool | NDArray[np.bool_]:
        """Whether ``truth`` lies inside the interval (per item for arrays)."""
        inside = (np.asarray(self.low) <= truth) & (truth <= np.asarray(self.high))
        return bool(inside) if inside.ndim == 0 else inside


def estimate_mean(values: Array, *, level: float = 0.95) -> Estimate:
    """The mean of independent replications along axis 0, with its interval.

    >>> e = estimate_mean(np.array([1.0, 2.0, 3.0]))
    >>> e.value, round(e.low, 3), round(e.high, 3)
    (2.0, -0.484, 4.484)
    """
    count = len(values)
    if count < 2:
        raise ArgumentError(f"an interval needs at least 2 replications, got {count}")
    values = _rows(values)
    mean = values.mean(axis=-1)
    half = _student(level, count - 1) * values.std(axis=-1, ddof=1) / np.sqrt(count)
    return _estimate(mean, mean - half, mean + half, count, level)


def estimate_ratio(numerator: Array, denominator: Array, *, level: float = 0.95) -> Estimate:
    """E[numerator] / E[denominator] from paired replications along axis 0, by the delta method.

    Fill rates are ratios of expectations, not expectations of ratios: this is how they are judged. Where the
    denominator is 0 throughout, the ratio is 0 with a zero-width interval.
    """
    count = len(numerator)
    if count < 2:
        raise ArgumentError(f"an interval needs at least 2 replications, got {count}")
    numerator, denominator = _rows(numerator), _rows(denominator)
    below = denominator.mean(axis=-1)
    safe = np.where(below == 0, 1.0, below)
    ratio = np.where(below == 0, 0.0, numerator.mean(axis=-1) / safe)
    spread = (numerator - ratio[..., None] * denominator).std(axis=-1, ddof=1) / np.abs(safe)
    half = np.where(below == 0, 0.0, _student(level, count - 1) * spread / np.sqrt(count))
    return _estimate(ratio, ratio - half, ratio + half, count, level)


def estimate_share(numerator: Array, denominator: Array, *, level: float = 0.95) -> Estimate:
    """A ratio that lies in [0, 1], such as a fill rate: as :func:`estimate_ratio`, and kept inside [0, 1].

    Where every replication gives exactly 1 (or 0), spread tells nothing; the bound is then that of Clopper and Pearson
    for n successes in n trials: never having seen a shortage in 2,000 samples does not prove that there is none.

    >>> e = estimate_share(np.ones(2000), np.ones(2000))
    >>> e.value, round(e.low, 5), e.high
    (1.0, 0.99816, 1.0)
    """
    plain = estimate_ratio(numerator, denominator, level=level)
    value, low, high = (np.asarray(number) for number in (plain.value, plain.low, plain.high))
    surely = ((1.0 - level) / 2.0) ** (1.0 / len(numerator))
    low = np.where((value == 1) & (low == high), surely, np.clip(low, 0.0, 1.0))
    asked = np.asarray(denominator.sum(axis=0) > 0)
    high = np.where((value == 0) & asked & (low == high), 1.0 - surely, np.clip(high, 0.0, 1.0))
    return _estimate(value, low, high, len(numerator), level)


def batch_means(series: Array, *, batches: int = 20, level: float = 0.95) -> Estimate:
    """The mean of one long run (axis 0) whose neighbours depend on each other, from the means of ``batches`` stretches.

    Stretches much longer than the dependence are nearly independent; what does not fill them is left out at the start,
    where a run is furthest from steady.

    >>> e = batch_means(np.tile([1.0, 3.0], 50), batches=10)
    >>> e.value, e.high, e.replications
    (2.0, 2.0, 10)
    """
    size = len(series) // batches
    if batches < 2 or size < 1:
        raise ArgumentError(f"batch means need at least 2 batches of 1 value, got {batches} for {len(series)} values")
    kept = series[len(series) - size * batches :]
    return estimate_mean(kept.reshape(batches, size, *series.shape[1:]).mean(axis=1), level=level)


def estimate_exactly(values: Array, probability: Array, *, level: float = 0.95) -> Estimate:
    """The expectation over a complete list of outcomes (axis 0): no uncertainty is left.

    >>> estimate_exactly(np.array([0.0, 10.0]), np.array([0.25, 0.75])).high
    7.5
    """
    mean = np.tensordot(probability, values, 1)
    return _estimate(mean, mean, mean, len(values), level)


def _rows(values: Array) -> Array:
    """Replications last and contiguous, so that one item sums in the same order as a million."""
    return np.ascontiguousarray(np.moveaxis(values, 0, -1))


def _student(level: float, freedom: int) -> float:
    return float(scipy.special.stdtrit(freedom, 0.5 + level / 2))


def _estimate(value: Array, low: Array, high: Array, count: int, level: float) -> Estimate:
    if np.ndim(value) == 0:
        return Estimate(value=float(value), low=float(low), high=float(high), replications=count, level=level)
    return Estimate(value=value, low=low, high=high, replications=count, level=level)
