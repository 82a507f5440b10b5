"""The total over a lead time by a library's model: its own paths, corrected by what its totals missed before.

statsforecast's models simulate paths, so that a path's sum is spread as the model believes. LightGBM tells each period
apart: its periods are tied by the correlation that its successive misses had, over all series, at earlier origins.
Either way the model is fitted again at up to three earlier origins, and the totals that came then shift the quantiles
(split conformal prediction) where shifts learned at some of these origins helped at the others. Half of a shift is
trusted, around the median: all that was held out is of the same few periods.
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
    shift = _missed(before, asked, tied)
    scores = 0 if shift is None else shift.scores
    how = {
        "totals": "simulated" if now.totals is not None else f"tied by {tied:.2f}",
        "totals_shifted_by": f"{scores} totals",
    }
    if shift is not None:
        values = shift.shift(values, np.arange(horizon))
    floor = (now.period.min(axis=(1, 2)) >= 0)[:, None, None]
    values = np.where(floor, np.maximum.accumulate(np.maximum(values, 0.0), axis=1), values)
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


def _missed(before: Sequence[_Origin], levels: Array, tied: float) -> Recalibration | None:
    """The shift that the totals' misses at the earlier origins ask for; ``None`` where there are too few to tell, or
    where one learned at some origins (or from every other series) would not have helped at the others."""
    folds = [(_totals(origin.fitted, levels, tied), np.cumsum(origin.came, axis=1)) for origin in before]
    if len(folds) == 1:
        folds = [(past[part::2], came[part::2]) for past, came in folds for part in (0, 1)]
    if not folds or min(np.count_nonzero(~np.isnan(came)) for _, came in folds) < FEWEST_SCORES:
        return None
    plain = mended = 0.0
    for number, (past, came) in enumerate(folds):
        others = [fold for k, fold in enumerate(folds) if k != number]
        shift = _learned(others, levels)
        if shift is None:
            return None
        size = np.sqrt(np.maximum(np.nanmean(np.abs(came), axis=1), 1e-9))
        plain += float(np.mean(_loss(past, came, levels) / size))
        mended += float(np.mean(_loss(shift.shift(past, np.arange(past.shape[1])), came, levels) / size))
    return _learned(folds, levels) if mended < plain else None


def _learned(folds: Sequence[tuple[Array, Array]], levels: Array) -> Recalibration | None:
    past, came = (np.concatenate([fold[k] for fold in folds]) for k in (0, 1))
    try:
        learned = learn_recalibration(QuantileForecast(levels, past, cumulative=True), came)
    except ArgumentError:  # too few forecasts that have a width
        return None
    middle = np.array([[np.interp(0.5, levels, row)] for row in learned.shifts])
    return replace(learned, shifts=_TRUSTED * (learned.shifts - middle))


def _loss(values: Array, came: Array, levels: Array) -> Array:
    """(n,) pinball over horizons and levels."""
    gap = came[:, :, None] - values
    return np.asarray(np.nanmean(np.maximum(levels * gap, (levels - 1.0) * gap), axis=(1, 2)))
