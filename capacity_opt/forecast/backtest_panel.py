"""The batch engine: every model from every origin, soft weights from the backtest, combined forecasts and errors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from capacity_opt._compiled import compiled
from capacity_opt.forecast import batch_kernel, batch_numpy, combine_kernel, combine_numpy
from capacity_opt.forecast.combine_kernel import LONG
from capacity_opt.forecast.grid import smoothing_grid
from capacity_opt.forecast.prepare import Prepared

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
_OF_ONE = (
    *((12.0, 0.1), (24.0, 0.1), (6.0, 0.5), (12.0, 0.5), (24.0, 0.5)),
    *((6.0, 2.0), (12.0, 2.0), (3.0, 6.0), (12.0, 6.0), (24.0, 6.0)),
)
_OF_TWO = (
    *((6.0, 0.5, 24.0), (3.0, 2.0, 24.0), (12.0, 2.0, 24.0)),
    *((6.0, 2.0, 60.0), (12.0, 2.0, 60.0), (12.0, 6.0, 60.0)),
)
RULES = np.array([*((sharpness, prior, sharpness) for sharpness, prior in _OF_ONE), *_OF_TWO])
"""What may be chosen from: sharpness on a series' own errors, prior, trust in the panel's (see ``combine_kernel``)."""
_NEAR = 1.002  # of equally good rules the one that believes the series more: at the end it has an origin more to tell
_CHOOSERS = 800  # backtests that choose the rule: of the two latest origins, or of more where the panel is small
_SMALL = 2e6  # values times models below which NumPy is quicker than loading compiled code
_POOL = 2000  # series whose errors are pooled for the rest
_MEMORY = 64e6  # bytes of model forecasts held at a time


@dataclass(frozen=True)
class Combination:
    """How models are weighted: ``pool`` (K,) log errors over all series, ``rule`` (3,) (see the kernel)."""

    pool: Array
    rule: Array


def backtest_panel(prepared: Prepared) -> tuple[Array, Combination]:
    """(n, 1 + J, H) combined forecasts from every origin (column 0: the end), each knowing only what came before."""
    count = len(prepared.begins)
    rows = max(64, int(_MEMORY / (prepared.counts.shape[1] * _models(prepared) * prepared.horizon * 4)))
    sample = np.unique(np.linspace(0, count - 1, min(count, rows, _POOL)).astype(np.int64))
    told = model_forecasts(prepared.take(sample))
    combination = _learn(prepared.take(sample), told)
    if count == len(sample):
        return _combined(prepared, told, combination), combination
    del told
    parts = []
    for start in range(0, count, rows):
        part = prepared.take(np.arange(start, min(start + rows, count)))
        parts.append(_combined(part, model_forecasts(part), combination))
    return np.concatenate(parts), combination


def model_forecasts(prepared: Prepared) -> NDArray[np.float32]:
    """(n, 1 + J, K, H) of every model in every season, less the value at the origin; NaN where not possible."""
    grid = smoothing_grid()
    n, origins = prepared.counts.shape
    out = np.empty((n, origins, _models(prepared), prepared.horizon), dtype=np.float32)
    # small panels are done before a kernel is loaded
    kernel = (
        None
        if prepared.counts.sum() * out.shape[2] < _SMALL
        else compiled(
            batch_kernel.forecast_all,
            batch_kernel.seasonal_pattern,
            batch_kernel.run_grid,
            batch_kernel.run_learning,
            batch_kernel.put,
            batch_kernel.forecast_space,
            batch_kernel.keep_within,
            batch_kernel.forecast_origin,
        )
    )
    given = (prepared.values, prepared.begins, prepared.counts, prepared.seasons, prepared.positive)
    if kernel is None:
        batch_numpy.forecast_all(*given, grid, out)
    else:
        kernel(*given, grid.plain, grid.logged, grid.learning, out)
    return out


def _models(prepared: Prepared) -> int:
    return smoothing_grid().count(int(np.count_nonzero(prepared.seasons)))


def _learn(prepared: Prepared, told: NDArray[np.float32]) -> Combination:
    """Pool the log errors, then take the sharpness and prior whose combinations did best out of sample."""
    actual = prepared.actual() - prepared.last()[:, :, None]
    return Combination(_pool(told, actual, prepared.counts, 0), _chosen(told, actual, prepared.counts))


def _pool(told: NDArray[np.float32], actual: Array, counts: IntArray, origin: int) -> Array:
    """(K,) mean log errors over the series, as known at ``origin``."""
    logs = np.empty((len(told), told.shape[2]))
    kernel = compiled(combine_kernel.log_errors_all, combine_kernel.error_sums, combine_kernel.log_errors)
    (kernel or combine_numpy.log_errors_all)(told, actual, counts, origin, logs)
    there = ~np.isnan(logs)
    seen = there.sum(axis=0)
    any_model = ~np.isnan(told[:, 0, :, 0]).all(axis=0)
    mean = np.where(there, logs, 0.0).sum(axis=0) / np.maximum(seen, 1)
    # a model that was never tested is trusted like the typical one
    return np.where(seen > 0, mean, np.where(any_model, np.median(mean[seen > 0]) if seen.any() else 0.0, np.nan))


def _chosen(told: NDArray[np.float32], actual: Array, counts: IntArray) -> Array:
    """The rule that would have done best at the latest backtest origins, over a sample of series."""
    rows = np.unique(np.linspace(0, len(told) - 1, min(len(told), _CHOOSERS // 2)).astype(np.int64))
    told, actual, counts = told[rows], actual[rows], counts[rows]
    kernel = compiled(
        combine_kernel.losses_all, combine_kernel.error_sums, combine_kernel.log_errors, combine_kernel.combine_origin
    )
    relative = []
    most = max(2, -(-_CHOOSERS // len(rows)))
    if np.median(counts[:, 0]) >= LONG * told.shape[3]:
        most = told.shape[1]  # origins that do not overlap know all others, so the early ones tell as much
    for origin in range(1, min(told.shape[1], 1 + most)):
        losses = np.empty((len(rows), len(RULES)))
        pool = _pool(told, actual, counts, origin)
        (kernel or combine_numpy.losses_all)(told, actual, counts, origin, pool, RULES, losses)
        losses = losses[~np.isnan(losses).any(axis=1)]
        typical = losses.mean(axis=1, keepdims=True)
        relative.append(np.minimum(losses / np.where(typical > 0, typical, 1.0), 5.0))
    if not sum(map(len, relative)):
        return np.asarray(RULES[0], dtype=np.float64)
    mean = np.concatenate(relative).mean(axis=0)
    near = np.flatnonzero(mean <= mean.min() * _NEAR)
    return np.asarray(RULES[near[np.argmin(RULES[near, 1])]], dtype=np.float64)


def _combined(prepared: Prepared, told: NDArray[np.float32], combination: Combination) -> Array:
    out = np.empty((len(told), told.shape[1], told.shape[3]))
    kernel = compiled(
        combine_kernel.combine_all, combine_kernel.error_sums, combine_kernel.log_errors, combine_kernel.combine_origin
    )
    combine = kernel or combine_numpy.combine_all
    last = prepared.last()[:, :, None]
    weigh = partial(combine, told, prepared.actual() - last, prepared.counts)
    weigh(combination.pool, combination.rule, out)
    out += last
    return out
