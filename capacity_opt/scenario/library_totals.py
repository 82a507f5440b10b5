"""The total over a lead time by a library's model: its own paths, corrected by what its totals missed before.

statsforecast's models simulate paths, so that a path's sum is spread as the model believes. LightGBM tells each period
apart: its periods are tied by the correlation that its successive misses had, over all series, at earlier origins.
Either way the model is fitted again at up to three earlier origins, and the totals that came then shift the quantiles
(split conformal prediction). Half of a shift is trusted, around the median, as for the built-in totals: all that was
held out is of the same few periods.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from capacity_opt.demand.quantiles import QuantileDemand
from capacity_opt.errors import ArgumentError
from capacity_opt.forecast.batch import LEVELS
from capacity_opt.forecast.dependence import Dependence
from capacity_opt.forecast.history import History
from capacity_opt.forecast.quantile_forecast import QuantileForecast
from capacity_opt.forecast.recalibrate import FEWEST as FEWEST_SCORES
from capacity_opt.forecast.recalibrate import Recalibration, learn_recalibration
from capacity_opt.scenario.forecast_library import FEWEST, Fitted, checked, fit, told

Array = NDArray[np.float64]
ORIGINS = 3
_TRUSTED = 0.5
_DRAWS = 1000
_MOST_TIED = 0.95


@dataclass(frozen=True, eq=False)
class _Origin:
    """What was said at an earlier origin about the k series that were long enough, and what ``came`` (k, H)."""

    fitted: Fitted
    came: Array


def library_period_and_totals(
    history: History,
    horizon: int,
    *,
    model: str,
    levels: ArrayLike = LEVELS,
    season: int | Sequence[int] | None = None,
    place: str = "model",
) -> tuple[QuantileForecast, QuantileForecast]:
    """Forecasts of each period and of the running totals by one of ``LIBRARY_MODELS``."""
    asked, lengths = checked(history, horizon, model, levels, season, place)
    now = fit(history, horizon, model, asked, lengths, totals=True)
    before = _earlier(history, horizon, model, asked, lengths)
    tied = 0.0 if now.totals is not None else _tied(before, asked)
    values = _totals(now, asked, tied)
    shift, scores = _missed(before, asked, tied)
    how = {"totals": "simulated" if now.totals is not None else f"tied by {tied:.2f}", "totals_checked_on": str(scores)}
    totals = told(history, values, asked, model, lengths, cumulative=True, how=how)
    if shift is not None:
        totals = replace(shift, shifts=_TRUSTED * _around_median(shift)).apply(totals, non_negative=False)
        floor = (now.period.min(axis=(1, 2)) >= 0)[:, None, None]
        rising = np.maximum.accumulate(np.maximum(totals.values, 0.0), axis=1)
        values = np.where(floor, rising, totals.values)
        totals = told(history, values, asked, model, lengths, cumulative=True, how=how)
    return told(history, now.period, asked, model, lengths), totals


def _earlier(history: History, horizon: int, model: str, levels: Array, seasons: Sequence[int]) -> list[_Origin]:
    """The model at origins 1, 2 and 3 horizons before the last, where enough is left of the past to fit it."""
    found: list[_Origin] = []
    least = max(2 * max(seasons, default=1), horizon + FEWEST, 2 * FEWEST)
    kept, cut = history, np.zeros((history.count, 0))
    for _ in range(ORIGINS):
        kept, cut = kept.hold_out(horizon)
        seen = np.array([not np.isnan(kept.series(i)).all() for i in range(kept.count)])
        long = np.flatnonzero((kept.lengths >= least) & seen)
        if not len(long):
            break
        try:
            made = fit(kept.take(long), horizon, model, levels, seasons, totals=True)
        except ArgumentError:  # the model cannot be fitted to so little: there is less to learn from
            break
        found.append(_Origin(made, cut[long]))
    return found


def _tied(before: Sequence[_Origin], levels: Array) -> float:
    """The correlation of successive misses, as normal scores, over all series."""
    both, one = 0.0, 0.0
    for origin in before:
        demand = QuantileDemand(levels, np.maximum(origin.fitted.period, 0.0).reshape(-1, len(levels)))
        rank = np.clip(demand.cdf(np.nan_to_num(origin.came).ravel()), 0.005, 0.995).reshape(origin.came.shape)
        score = np.where(np.isnan(origin.came), 0.0, special.ndtri(rank))
        both += float((score[:, 1:] * score[:, :-1]).sum())
        one += 0.5 * float((score[:, 1:] ** 2 + score[:, :-1] ** 2).sum())
    return float(np.clip(both / one, 0.0, _MOST_TIED)) if one else 0.0


def _totals(fitted: Fitted, levels: Array, tied: float) -> Array:
    """(n, H, m): simulated ones, or those of paths through the periods' quantiles."""
    if fitted.totals is not None:
        return fitted.totals
    series, horizon, _ = fitted.period.shape
    latent = Dependence(np.array([tied]), np.zeros((1, 0))).latent(_DRAWS, horizon, rng=np.random.default_rng(0))
    share = special.ndtr(latent[:, 0])
    out = np.empty_like(fitted.period)
    for i in range(series):
        drawn = QuantileDemand(levels, np.maximum(fitted.period[i], 0.0)).quantile(share)
        out[i] = np.quantile(np.cumsum(drawn, axis=1), levels, axis=0).T
    return out


def _missed(before: Sequence[_Origin], levels: Array, tied: float) -> tuple[Recalibration | None, int]:
    """What the totals missed at the earlier origins; nothing where there are too few to tell."""
    if not before:
        return None, 0
    past = np.concatenate([_totals(origin.fitted, levels, tied) for origin in before])
    came = np.concatenate([np.cumsum(origin.came, axis=1) for origin in before])
    if np.count_nonzero(~np.isnan(came)) < FEWEST_SCORES:
        return None, 0
    learned = learn_recalibration(QuantileForecast(levels, past, cumulative=True), came)
    return learned, learned.scores


def _around_median(learned: Recalibration) -> Array:
    middle = np.array([[np.interp(0.5, learned.levels, row)] for row in learned.shifts])
    return np.asarray(learned.shifts - middle)
