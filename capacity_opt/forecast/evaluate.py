"""How good a forecast was: accuracy, calibration and bias of quantiles against what came."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError
from capacity_opt.forecast.history import History
from capacity_opt.forecast.quantile_forecast import QuantileForecast

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ForecastScore:
    """Scores over all series and periods that came true.

    ``wql``: weighted quantile loss, the mean over levels of 2 x pinball loss / the sum of absolute actuals. ``crps``:
    the same loss per observation, unscaled, an approximation of the continuous ranked probability score. ``pinball``
    (levels,). ``below``, ``upto`` (levels,): share of actuals strictly below, and at or below, each quantile;
    calibrated quantiles of counts have their level between the two. ``coverage`` by central interval (0.8, 0.9, 0.95
    where the levels allow; of counts on an edge, as many as calibration would ask). ``mase``, ``msis`` (95 %): scaled
    by the history's mean absolute (seasonal) difference, as in M4; NaN without a history. ``bias``: of median - actual,
    over the mean absolute actual. ``worst`` series by loss, worst first.
    """

    wql: float
    crps: float
    pinball: Array
    below: Array
    upto: Array
    coverage: dict[float, float]
    mase: float
    msis: float
    smape: float
    bias: float
    worst: NDArray[np.intp]
    levels: Array


def score_forecast(
    forecast: QuantileForecast, actual: ArrayLike, *, history: History | None = None, season: int = 1
) -> ForecastScore:
    """Score ``forecast`` against ``actual`` (n, H), NaN where unknown; ``history`` is what it was made from.

    >>> forecast = QuantileForecast([0.1, 0.5, 0.9], [[[8, 10, 14], [9, 12, 18]]])
    >>> score = score_forecast(forecast, [[11, 17]])
    >>> round(score.wql, 4), score.upto.tolist()
    (0.1071, [0.0, 0.0, 1.0])
    """
    came = _checks.numbers("actual", actual)
    if came.shape != forecast.values.shape[:2]:
        raise ArgumentError(f"actual must have shape {forecast.values.shape[:2]}, got {came.shape}")
    there = ~np.isnan(came)
    if not there.any():
        raise ArgumentError("actual holds no observation to score against")
    gap = came[:, :, None] - forecast.values
    loss = np.where(there[:, :, None], np.maximum(forecast.levels * gap, (forecast.levels - 1.0) * gap), 0.0)
    total, count = float(np.abs(came[there]).sum()), int(there.sum())
    median = forecast.at(0.5) if forecast.levels[0] <= 0.5 <= forecast.levels[-1] else forecast.values.mean(axis=2)
    low = (gap < 0)[there].mean(axis=0), (gap <= 0)[there].mean(axis=0)
    mase, msis = _scaled(forecast, came, median, history, season)
    size = np.abs(came) + np.abs(median)
    smape = 200.0 * np.abs(came - median) / np.where(size > 0, size, 1.0)
    return ForecastScore(
        wql=2.0 * float(loss.sum(axis=(0, 1)).mean()) / max(total, 1e-300),
        crps=2.0 * float(loss.sum(axis=(0, 1)).mean()) / count,
        pinball=loss.sum(axis=(0, 1)) / count,
        below=low[0],
        upto=low[1],
        coverage=_coverage(forecast, *low),
        mase=mase,
        msis=msis,
        smape=float(smape[there].mean()),
        bias=float((median - came)[there].sum() / max(total, 1e-300)),
        worst=np.argsort(-loss.sum(axis=(1, 2)), kind="stable"),
        levels=forecast.levels,
    )


def _coverage(forecast: QuantileForecast, below: Array, upto: Array) -> dict[float, float]:
    """Share within each central interval; of actuals that lie on an edge, as many count as calibration would ask."""
    share = np.clip(forecast.levels, below, upto)
    at = {round(float(level), 6): k for k, level in enumerate(forecast.levels)}
    found = {}
    for width in (0.8, 0.9, 0.95):
        low, high = at.get(round((1 - width) / 2, 6)), at.get(round((1 + width) / 2, 6))
        if low is not None and high is not None:
            found[width] = float(share[high] - share[low])
    return found


def _scaled(
    forecast: QuantileForecast, came: Array, median: Array, history: History | None, season: int
) -> tuple[float, float]:
    if history is None:
        return float("nan"), float("nan")
    step = int(_checks.whole("season", season, at_least=1))
    table = history.panel()
    with np.errstate(invalid="ignore"):
        change = np.abs(table[:, step:] - table[:, :-step])
        known = ~np.isnan(change)
        scale = np.where(known, change, 0.0).sum(axis=1) / known.sum(axis=1)
    use = (scale > 0) & ~np.isnan(came).all(axis=1)
    if not use.any():
        return float("nan"), float("nan")
    mase = float(np.mean(np.nanmean(np.abs(came - median)[use], axis=1) / scale[use]))
    if forecast.levels[0] > 0.025 or forecast.levels[-1] < 0.975:
        return mase, float("nan")
    low, high = forecast.at(0.025)[use], forecast.at(0.975)[use]
    missed = np.maximum(low - came[use], 0.0) + np.maximum(came[use] - high, 0.0)
    width = np.where(np.isnan(missed), np.nan, high - low + 40.0 * missed)
    return mase, float(np.mean(np.nanmean(width, axis=1) / scale[use]))
