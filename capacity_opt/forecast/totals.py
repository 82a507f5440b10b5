"""The total over a lead time, forecast directly: three ways, weighted by how they did, then recalibrated.

``direct``: the batch engine's own totals (pooled errors of totals; for intermittent series negative binomials on the
moments of blocks). ``blocks``: what every run of as many periods in the series' own past came to, where the past is
long. ``paths``: sums along sample paths whose successive periods are tied. A backtest on totals held out says how much
each is worth, apart for intermittent series and the others; the mixture's quantiles are then shifted by conformal
prediction on those same totals.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError
from capacity_opt.forecast.batch import LEVELS, forecast_quantiles, rarely
from capacity_opt.forecast.dependence import Dependence, serial_correlation
from capacity_opt.forecast.history import History
from capacity_opt.forecast.prepare import fill_gaps, prepare
from capacity_opt.forecast.quantile_forecast import QuantileForecast
from capacity_opt.forecast.recalibrate import Recalibration, learn_recalibration

Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
METHODS = ("direct", "blocks", "paths")
_LONG = 8  # blocks that do not overlap, for a past to be long
_SHARPNESS = 40.0
_LEAST = 0.05
_SAMPLE = 1000
_DRAWS = 400
_ENOUGH = 300
_TRUSTED = 0.5  # of a shift, around the median: all totals held out are of the same few periods


def forecast_totals(
    history: History,
    horizon: int,
    *,
    levels: ArrayLike = LEVELS,
    season: int | Sequence[int] | None = None,
    methods: Sequence[str] = METHODS,
) -> QuantileForecast:
    """Quantiles of the running totals over the next 1 ... ``horizon`` periods (lead time + review period) per series.

    ``methods``: some of ``"direct"``, ``"blocks"``, ``"paths"`` (see the module). ``over_lead_time()`` of the answer
    goes into :func:`~capacity_opt.lead_time_demand`, with a lead time per item or ``{periods: probability}``.

    >>> rng = np.random.default_rng(0)
    >>> totals = forecast_totals(History(rng.poisson(0.4, (50, 60))), 4, levels=[0.5, 0.9, 0.95])
    >>> totals.cumulative, totals.values.shape
    (True, (50, 4, 3))
    """
    asked = _checks.increasing("levels", _checks.fraction("levels", levels))
    unknown = [name for name in methods if name not in METHODS]
    if unknown or not methods:
        raise ArgumentError(f"methods must be some of {', '.join(METHODS)}, got {list(methods)!r}")
    rare = rarely(prepare(history, horizon, season))
    weights, shift = _tried(history, horizon, asked, season, methods)
    values = np.zeros((history.count, horizon, len(asked)))
    told = {}
    used = [name for k, name in enumerate(methods) if (weights[:, k] > 0).any()]
    for name, made in _candidates(history, horizon, asked, season, used).items():
        share = weights[rare.astype(np.intp), methods.index(name)]
        values += share[:, None, None] * made
        told[f"weight_{name}"] = f"{share.mean():.2f}"
    forecast = QuantileForecast(
        asked,
        values,
        ids=history.ids,
        origin=history.last,
        cumulative=True,
        calendar=history.calendar,
        provenance={"model": "totals", "intermittent": str(int(rare.sum())), **told},
    )
    return forecast if shift is None else _rising(shift.apply(forecast))


def _rising(forecast: QuantileForecast) -> QuantileForecast:
    """A longer total is no smaller, where demand cannot be negative."""
    return QuantileForecast(
        forecast.levels,
        np.maximum.accumulate(np.maximum(forecast.values, 0.0), axis=1),
        ids=forecast.ids,
        origin=forecast.origin,
        cumulative=True,
        calendar=forecast.calendar,
        provenance=forecast.provenance,
    )


def _tried(
    history: History, horizon: int, levels: Array, season: int | Sequence[int] | None, methods: Sequence[str]
) -> tuple[Array, Recalibration | None]:
    """(2, k) weights of the methods for regular and intermittent series, and the shifts of their mixture."""
    even = np.zeros((2, len(methods)))
    even[:, 0] = 1.0
    long = np.flatnonzero(history.lengths >= 3 * horizon)
    chosen = long[np.unique(np.linspace(0, len(long) - 1, min(len(long), _SAMPLE)).astype(np.int64))]
    kept, held = history.take(chosen).hold_out(horizon) if len(chosen) else (history, np.zeros((0, horizon)))
    seen = [i for i in range(len(chosen)) if not np.isnan(kept.series(i)).all()]
    if len(seen) * horizon < _ENOUGH or len(methods) == 1:
        return even, None
    kept, came = kept.take(seen), np.cumsum(held[seen], axis=1)
    made = _candidates(kept, horizon, levels, season, methods)
    rare = rarely(prepare(kept, horizon, season))
    size = np.sqrt(np.maximum(np.nanmean(np.abs(came), axis=1), 1e-9))  # big series count more, but do not decide alone
    losses = np.stack([_loss(made[name], came, levels) / size for name in methods], axis=1)
    weights = np.stack([_weights(losses[rare == kind], even[0]) for kind in (False, True)])
    mixed = np.zeros_like(made[methods[0]])
    for k, name in enumerate(methods):
        mixed += weights[rare.astype(np.intp), k][:, None, None] * made[name]
    if np.count_nonzero(~np.isnan(came)) < _ENOUGH:
        return weights, None
    learned = learn_recalibration(QuantileForecast(levels, mixed, cumulative=True), came)
    shifts = learned.shifts - _at_median(learned.shifts, levels)
    return weights, Recalibration(levels, _TRUSTED * shifts, learned.coverage, learned.scores)


def _at_median(shifts: Array, levels: Array) -> Array:
    return np.array([[np.interp(0.5, levels, row)] for row in shifts])


def _loss(values: Array, came: Array, levels: Array) -> Array:
    gap = came[:, :, None] - values
    return np.asarray(np.nanmean(np.maximum(levels * gap, (levels - 1.0) * gap), axis=(1, 2)))


def _weights(losses: Array, even: Array) -> Array:
    """Soft weights from losses (series, methods), pooled so that no one series speaks for all."""
    losses = losses[~np.isnan(losses).any(axis=1)]
    if len(losses) < 10 or not losses.any():
        return even
    pooled = losses.mean(axis=0)
    weights = np.exp(-_SHARPNESS * (pooled / pooled.min() - 1.0))
    weights = np.where(weights / weights.sum() > _LEAST, weights, 0.0)
    return np.asarray(weights / weights.sum())


def _candidates(
    history: History, horizon: int, levels: Array, season: int | Sequence[int] | None, methods: Sequence[str]
) -> dict[str, Array]:
    direct = forecast_quantiles(history, horizon, levels=levels, season=season, cumulative=True)
    made = {"direct": direct.values}
    if "blocks" in methods:
        made["blocks"] = block_totals(history, horizon, levels, otherwise=direct.values)
    if "paths" in methods:
        made["paths"] = _path_totals(history, horizon, levels, season, direct)
    return {name: made[name] for name in methods}


def block_totals(history: History, horizon: int, levels: Array, *, otherwise: Array) -> Array:
    """(n, H, m) empirical quantiles of all runs of 1 ... H periods of the past; ``otherwise`` where it is too short."""
    filled, _ = fill_gaps(history)
    out = otherwise.copy()
    for length in np.unique(history.lengths):
        rows = np.flatnonzero(history.lengths == length)
        table = filled[history.offsets[rows, None] + np.arange(length)]
        sums = np.concatenate([np.zeros((len(rows), 1)), np.cumsum(table, axis=1)], axis=1)
        for block in range(1, min(horizon, int(length) // _LONG) + 1):
            runs = sums[:, block:] - sums[:, :-block]
            out[rows, block - 1] = np.quantile(runs, _outward(levels, int(length) / block), axis=1).T
    return out


def _outward(levels: Array, count: float) -> Array:
    """Levels moved outwards by what so many blocks cannot know."""
    return np.clip(0.5 + (levels - 0.5) * (1.0 + 1.0 / count), 0.0, 1.0)


def _path_totals(
    history: History, horizon: int, levels: Array, season: int | Sequence[int] | None, direct: QuantileForecast
) -> Array:
    from capacity_opt.demand.quantiles import QuantileDemand

    period = forecast_quantiles(history, horizon, levels=levels, season=season)
    serial = serial_correlation(period, direct)
    whole = Dependence(serial, np.zeros((history.count, 0)))
    rng, out = np.random.default_rng(0), np.empty_like(direct.values)
    from scipy import special

    for start in range(0, history.count, _SAMPLE):
        rows = np.arange(start, min(start + _SAMPLE, history.count))
        latent = whole.take(rows).latent(_DRAWS, horizon, rng=rng)
        demand = QuantileDemand(levels, np.maximum(period.values[rows], 0.0).reshape(-1, len(levels)))
        drawn = demand.quantile(special.ndtr(latent).reshape(_DRAWS, -1)).reshape(latent.shape)
        out[rows] = np.moveaxis(np.quantile(np.cumsum(drawn, axis=2), levels, axis=0), 0, 2)
    return out
