"""Soft weights and combined forecasts in NumPy: the twin of ``combine_kernel``, the same numbers to rounding."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from capacity_opt.forecast.combine_kernel import CAP, LIGHT, LONG, TINY

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Told = NDArray[np.float32]


def unseen(counts: IntArray, origin: int, horizon: int) -> BoolArray:
    """(n, J, H) whether an error may be used at ``origin`` (see the kernel)."""
    after = (counts - counts[:, origin, None])[:, :, None] + np.arange(horizon)
    outside: BoolArray = (after < 0) | ((after >= horizon) & (counts[:, :1] >= LONG * horizon)[:, :, None])
    outside[:, 0] = False
    return outside


def log_errors(told: Told, fit: Told, actual: Array, counts: IntArray, origin: int) -> tuple[Array, Array]:
    """(n, 2, K) log mean absolute errors above the best model's, and (n,) how many origins' worth of them."""
    horizon = actual.shape[2]
    use = ~np.isnan(actual) & unseen(counts, origin, horizon)
    gap = np.abs(told - np.where(use, actual, 0.0)[:, :, None, :])
    counted = use[:, :, None, :] & ~np.isnan(gap)
    seen = counted.sum(axis=(1, 3))
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(seen > 0, np.where(counted, gap, 0.0).sum(axis=(1, 3)) / seen, np.nan)
    both = np.maximum(np.stack([mean, fit[:, origin].astype(np.float64)], axis=1), TINY)
    least = np.min(np.where(np.isnan(both), np.inf, both), axis=2, keepdims=True)
    return np.minimum(np.log(both / least), CAP), use.sum(axis=(1, 2)) / horizon


def log_errors_all(told: Told, fit: Told, actual: Array, counts: IntArray, origin: int, out: Array) -> None:
    """``out`` (n, 2, K) at ``origin``."""
    out[:] = log_errors(told, fit, actual, counts, origin)[0]


def combine_all(told: Told, fit: Told, actual: Array, counts: IntArray, pool: Array, rule: Array, out: Array) -> None:
    """``out`` (n, J, H), as the kernel of that name."""
    for origin in range(told.shape[1]):
        own, seen = log_errors(told, fit, actual, counts, origin)
        combined = _combined(told[:, origin], own, seen, pool, rule)
        out[:, origin] = np.where(counts[:, origin, None] > 0, combined, np.nan)


def losses_all(
    told: Told, fit: Told, actual: Array, counts: IntArray, origin: int, pool: Array, rules: Array, out: Array
) -> None:
    """``out`` (n, R), as the kernel of that name."""
    own, seen = log_errors(told, fit, actual, counts, origin)
    there = ~np.isnan(actual[:, origin])
    known = there.sum(axis=1)
    for r, rule in enumerate(rules):
        gap = np.abs(_combined(told[:, origin], own, seen, pool, rule) - actual[:, origin])
        with np.errstate(invalid="ignore"):
            mean = np.where(there, gap, 0.0).sum(axis=1) / known
        out[:, r] = np.where((counts[:, origin] > 0) & (known > 0), mean, np.nan)


def _combined(told: Told, own: Array, seen: Array, pool: Array, rule: Array) -> Array:
    sharpness, prior, trust, fresh = rule.tolist()
    worse = np.nan_to_num(own - pool)
    there = ~np.isnan(told[:, :, 0]) & ~np.isnan(pool[0])
    believed = (sharpness * seen / (seen + prior))[:, None]
    with np.errstate(invalid="ignore"):
        score = np.where(there, believed * worse[:, 0] + trust * pool[0] + fresh * worse[:, 1], np.inf)
        weight = np.where(there, np.exp(score.min(axis=1, keepdims=True) - score), 0.0)
        total = weight.sum(axis=1, keepdims=True)
        weight = np.where(weight > LIGHT * total, weight, 0.0)
        weight = weight / weight.sum(axis=1, keepdims=True)
    values = np.where(weight[:, :, None] > 0, told, 0.0).astype(np.float64)
    combined: Array = np.einsum("nk,nkh->nh", weight, values)
    return combined
