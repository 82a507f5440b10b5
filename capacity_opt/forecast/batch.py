"""Calibrated quantiles of thousands of series at once: the public door of the batch engine."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.forecast.backtest_panel import backtest_panel
from capacity_opt.forecast.history import History
from capacity_opt.forecast.intermittent import block_quantiles
from capacity_opt.forecast.prepare import Prepared, prepare
from capacity_opt.forecast.quantile_forecast import QuantileForecast
from capacity_opt.forecast.spread import fit_spread, own_size

Array = NDArray[np.float64]
_RARE = 0.3
_POOLED = 6000  # series whose errors say how errors scatter
_FURTHEST = 6.0
"""No quantile leaves the range seen by more than this many times its width (or the mean size, where that is more)."""
LEVELS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975, 0.99)


def forecast_quantiles(
    history: History,
    horizon: int,
    *,
    levels: ArrayLike = LEVELS,
    season: int | Sequence[int] | None = None,
    cumulative: bool = False,
) -> QuantileForecast:
    """Quantiles of the next ``horizon`` periods of every series (``cumulative``: of the running totals instead).

    >>> weeks = np.arange(60.0)
    >>> sales = 20 + 5 * np.sin(2 * np.pi * weeks / 12) + np.array([0.3, -0.4, 0.1]).repeat(20)
    >>> forecast = forecast_quantiles(History([sales, 3 * sales]), horizon=6, levels=[0.1, 0.5, 0.9], season=12)
    >>> forecast.values.shape
    (2, 6, 3)
    """
    checked = _checks.increasing("levels", _checks.fraction("levels", levels))
    prepared = prepare(history, horizon, season)
    rare = rarely(prepared)
    values = np.empty((history.count, prepared.horizon, len(checked)))
    told: dict[str, str] = {}
    if not rare.all():
        smooth = prepared.take(np.flatnonzero(~rare))
        point, combination = backtest_panel(smooth)
        values[~rare] = _around(smooth, point, checked, cumulative)
        told = {name: f"{value:g}" for name, value in zip(("sharpness", "prior", "trust", "fresh"), combination.rule)}
    if rare.any():
        values[rare] = block_quantiles(prepared.take(np.flatnonzero(rare)), checked, cumulative=cumulative)
    return QuantileForecast(
        checked,
        values,
        ids=history.ids,
        origin=history.last,
        cumulative=cumulative,
        calendar=history.calendar,
        provenance={
            "model": "combination",
            "season": ", ".join(str(each) for each in prepared.seasons if each) or "none",
            "origins": str(prepared.counts.shape[1] - 1),
            "intermittent": str(int(rare.sum())),
            **told,
        },
    )


def rarely(prepared: Prepared) -> NDArray[np.bool_]:
    """(n,) which series are intermittent: never below 0, and 0 in at least three periods of ten."""
    zero = np.concatenate([[0], np.cumsum(prepared.values == 0.0)])
    count = zero[prepared.begins + prepared.lengths] - zero[prepared.begins]
    return np.asarray(prepared.non_negative & (count >= _RARE * prepared.lengths))


def _around(prepared: Prepared, point: Array, levels: Array, cumulative: bool) -> Array:
    """(n, H, m) quantiles in the series' own units; never below 0 where nothing below 0 was ever seen."""
    errors = prepared.actual() - point
    roughness = prepared.roughness()
    if cumulative:
        errors, point = np.cumsum(errors, axis=2), np.cumsum(point, axis=2)
    few = np.unique(np.linspace(0, len(errors) - 1, min(len(errors), _POOLED)).astype(np.int64))
    spread = fit_spread(errors[few], prepared.counts[few], roughness[few])
    size = own_size(np.abs(errors) / spread.profile, prepared.counts)[:, 0]
    scale = spread.scale(size, roughness[:, 0])
    values = point[:, 0, :, None] + scale[:, None, None] * spread.quantiles(levels)
    least, most = prepared.range()
    width = _FURTHEST * np.maximum(most - least, 1.0)
    periods = (np.arange(prepared.horizon) + 1.0 if cumulative else np.ones(prepared.horizon))[:, None]
    values = np.clip(values, (least - width)[:, None, None] * periods, (most + width)[:, None, None] * periods)
    values = np.where(prepared.non_negative[:, None, None], np.maximum(values, 0.0), values)
    return np.asarray(values * prepared.scale[:, None, None])
