"""The batch engine: every model from every origin, soft weights from the backtest, combined forecasts and errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capacity_opt._compiled import compiled
from capacity_opt.forecast import batch_kernel, batch_numpy, combine_kernel, combine_numpy
from capacity_opt.forecast.combine_kernel import LONG
from capacity_opt.forecast.grid import reach, smoothing_grid, usual_errors
from capacity_opt.forecast.prepare import Prepared

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
Told = NDArray[np.float32]
_OTHERS = (
    (12.0, 6.0, 24.0),
    (3.0, 6.0, 12.0),
    (6.0, 2.0, 60.0),
    (24.0, 2.0, 24.0),
    (12.0, 0.1, 12.0),
    (24.0, 0.1, 24.0),
)
RULES = np.array([(4.0, 6.0, 8.0, 4.0), *((*rule, fresh) for rule in _OTHERS for fresh in (0.0, 6.0))])
"""What may be chosen from: sharpness on a series' own errors, prior, trust in the panel's, weight of errors of one step
(see ``combine_kernel``). The first stands until another has done better by more than chance would."""
_USUAL = 20.0  # series that what models usually do counts for
_DOUBT = 3.0  # standard errors that a rule's lead over the first is taken to be smaller
_CHOOSERS = 800  # backtests that choose the rule: of the two latest origins, or of more where the panel is small
_SMALL = 1e6  # values times models below which NumPy is quicker than loading compiled code
_POOL = 2000  # series whose errors are pooled for the rest
_MEMORY = 64e6  # bytes of model forecasts held at a time


@dataclass(frozen=True)
class Combination:
    """How models are weighted: ``pool`` (2, K) log errors over all series, ``rule`` (4,) (see the kernel)."""

    pool: Array
    rule: Array


def backtest_panel(prepared: Prepared) -> tuple[Array, Combination]:
    """(n, 1 + J, H) combined forecasts from every origin (column 0: the end), each knowing only what came before."""
    count = len(prepared.begins)
    rows = max(64, int(_MEMORY / (prepared.counts.shape[1] * _models(prepared) * prepared.horizon * 4)))
    sample = np.unique(np.linspace(0, count - 1, min(count, rows, _POOL)).astype(np.int64))
    told = model_forecasts(prepared.take(sample))
    combination = _learn(prepared.take(sample), *told)
    if count == len(sample):
        return _combined(prepared, *told, combination), combination
    del told
    parts = []
    for start in range(0, count, rows):
        part = prepared.take(np.arange(start, min(start + rows, count)))
        parts.append(_combined(part, *model_forecasts(part), combination))
    return np.concatenate(parts), combination


def model_forecasts(prepared: Prepared) -> tuple[Told, Told]:
    """(n, 1 + J, K, H) of every model in every season, less the value at the origin, and (n, 1 + J, K) how each did.

    NaN where not possible. How a model did: its mean error of one step before the origin, newer ones weighing more.
    """
    grid = smoothing_grid()
    n, origins = prepared.counts.shape
    out = np.empty((n, origins, _models(prepared), prepared.horizon), dtype=np.float32)
    fit = np.empty(out.shape[:3], dtype=np.float32)
    # small panels are done before a kernel is loaded
    kernel = (
        None
        if prepared.counts.sum() * out.shape[2] < _SMALL
        else compiled(
            batch_kernel.forecast_all,
            batch_kernel.seasonal_pattern,
            batch_kernel.put,
            batch_kernel.leave_grid,
            batch_kernel.run_grid,
            batch_kernel.run_learning,
            batch_kernel.run_naive,
            batch_kernel.forecast_space,
            batch_kernel.set_steps,
            batch_kernel.set_edges,
            batch_kernel.forecast_series,
        )
    )
    given = (prepared.values, prepared.begins, prepared.counts, prepared.seasons, prepared.positive)
    if kernel is None:
        batch_numpy.forecast_all(*given, grid, out, fit)
    else:
        far = reach(grid.plain, prepared.horizon), reach(grid.logged, prepared.horizon)
        kernel(*given, grid.plain, grid.logged, *far, grid.learning, out, fit)
    return out, fit


def _models(prepared: Prepared) -> int:
    return smoothing_grid().count(int(np.count_nonzero(prepared.seasons)))


def _learn(prepared: Prepared, told: Told, fit: Told) -> Combination:
    """Pool the log errors, then take the rule whose combinations did best out of sample."""
    actual = prepared.actual() - prepared.last()[:, :, None]
    return Combination(_pool(told, fit, actual, prepared.counts, 0), _chosen(told, fit, actual, prepared.counts))


def _pool(told: Told, fit: Told, actual: Array, counts: IntArray, origin: int) -> Array:
    """(2, K) mean log errors over the series, as known at ``origin``, as if ``_USUAL`` more had been as usual."""
    logs = np.empty((len(told), 2, told.shape[2]))
    kernel = compiled(combine_kernel.log_errors_all, combine_kernel.error_sums, combine_kernel.log_errors)
    (kernel or combine_numpy.log_errors_all)(told, fit, actual, counts, origin, logs)
    there = ~np.isnan(logs)
    seen = there.sum(axis=0)
    usual = usual_errors(told.shape[2] // smoothing_grid().count(1))
    pooled: Array = (np.where(there, logs, 0.0).sum(axis=0) + _USUAL * usual) / (seen + _USUAL)
    return pooled


def _chosen(told: Told, fit: Told, actual: Array, counts: IntArray) -> Array:
    """The rule that would have done best at the latest backtest origins, over a sample of series."""
    rows = np.unique(np.linspace(0, len(told) - 1, min(len(told), _CHOOSERS // 2)).astype(np.int64))
    told, fit, actual, counts = told[rows], fit[rows], actual[rows], counts[rows]
    kernel = compiled(
        combine_kernel.losses_all, combine_kernel.error_sums, combine_kernel.log_errors, combine_kernel.combine_origin
    )
    relative = []
    most = max(2, -(-_CHOOSERS // len(rows)))
    if np.median(counts[:, 0]) >= LONG * told.shape[3]:
        most = told.shape[1]  # origins that do not overlap know all others, so the early ones tell as much
    for origin in range(1, min(told.shape[1], 1 + most)):
        losses = np.empty((len(rows), len(RULES)))
        pool = _pool(told, fit, actual, counts, origin)
        (kernel or combine_numpy.losses_all)(told, fit, actual, counts, origin, pool, RULES, losses)
        losses = losses[~np.isnan(losses).any(axis=1)]
        typical = losses.mean(axis=1, keepdims=True)
        relative.append(np.minimum(losses / np.where(typical > 0, typical, 1.0), 5.0))
    found = np.concatenate(relative) if relative else np.empty((0, len(RULES)))
    if not len(found):
        return np.asarray(RULES[0], dtype=np.float64)
    lead = found - found[:, :1]
    doubted = lead.mean(axis=0) + _DOUBT * lead.std(axis=0) / np.sqrt(len(lead))
    return np.asarray(RULES[np.argmin(doubted)], dtype=np.float64)


def _combined(prepared: Prepared, told: Told, fit: Told, combination: Combination) -> Array:
    out = np.empty((len(told), told.shape[1], told.shape[3]))
    kernel = compiled(
        combine_kernel.combine_all, combine_kernel.error_sums, combine_kernel.log_errors, combine_kernel.combine_origin
    )
    combine = kernel or combine_numpy.combine_all
    last = prepared.last()[:, :, None]
    combine(told, fit, prepared.actual() - last, prepared.counts, combination.pool, combination.rule, out)
    out += last
    return out
