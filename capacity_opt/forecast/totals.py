"""The total over a lead time, forecast directly: several ways, averaged level by level as they did on totals held out.

The engine's own totals follow demand quickly; plain ways (:mod:`capacity_opt.forecast.total_ways`) hardly move. Which
serves better differs by panel, by level, and between intermittent series and the others, so their quantiles are
averaged with the weights that had the least pinball loss on totals of past origins
(:mod:`capacity_opt.forecast.total_weights`): in money, the cost of ordering that quantile. The average is therefore as
good as its best member up to what a backtest cannot tell. Demand counted in whole units has whole quantiles.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt._compiled import one_thread
from capacity_opt.errors import ArgumentError
from capacity_opt.forecast.batch import LEVELS, rarely
from capacity_opt.forecast.history import History
from capacity_opt.forecast.prepare import prepare
from capacity_opt.forecast.quantile_forecast import QuantileForecast
from capacity_opt.forecast.total_ways import METHODS, WAYS, Way, totals_by
from capacity_opt.forecast.total_weights import learned_weights, prior_weights

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
_SAMPLE = 1000  # series tried on totals held out
_ORIGINS = 4, 8  # at least and at most, where there is history
_TRIED = 3000  # totals held out, wanted
_SHORTEST = 8
_SMALL = 500_000  # observations, for one thread to be quicker than several
_MEMORY = 60e6  # of quantiles by way, in numbers


def forecast_totals(
    history: History,
    horizon: int,
    *,
    levels: ArrayLike = LEVELS,
    season: int | Sequence[int] | None = None,
    methods: Sequence[str] = METHODS,
) -> QuantileForecast:
    """Quantiles of the running totals over the next 1 ... ``horizon`` periods (lead time + review period) per series.

    ``methods``: some of ``"direct"``, ``"moments"``, ``"blocks"``, ``"normal"``, ``"bootstrap"``
    (:mod:`capacity_opt.forecast.total_ways`); one alone is taken as it is. ``provenance`` of the answer tells the
    weights. ``over_lead_time()`` of the answer goes into :func:`~capacity_opt.lead_time_demand`, with a lead time per
    item or ``{periods: probability}``.

    >>> rng = np.random.default_rng(0)
    >>> totals = forecast_totals(History(rng.poisson(0.4, (50, 60))), 4, levels=[0.5, 0.9, 0.95])
    >>> totals.cumulative, totals.values.shape
    (True, (50, 4, 3))
    """
    asked = _checks.increasing("levels", _checks.fraction("levels", levels))
    ahead = int(_checks.whole("horizon", horizon, at_least=1))
    unknown = [name for name in methods if name not in METHODS]
    if unknown or not methods:
        raise ArgumentError(f"methods must be some of {', '.join(METHODS)}, got {list(methods)!r}")
    prepared = prepare(history, ahead, season)
    rare, non_negative = rarely(prepared), prepared.non_negative
    ways = [way for way in WAYS if way.kind in methods]
    with one_thread():
        weights = _tried(history, ahead, asked, season, ways)
    with one_thread() if len(history.values) < _SMALL else nullcontext():
        values = _averaged(history, ahead, asked, season, ways, weights, rare)
    values = np.where(non_negative[:, None, None], np.maximum.accumulate(np.maximum(values, 0.0), axis=1), values)
    return QuantileForecast(
        asked,
        np.where(_counted(history)[:, None, None], np.floor(np.sort(values, axis=2) + 0.5), values),
        ids=history.ids,
        origin=history.last,
        cumulative=True,
        calendar=history.calendar,
        provenance={"model": "totals", "intermittent": str(int(rare.sum())), **_told(ways, weights, rare)},
    )


def _averaged(
    history: History,
    horizon: int,
    levels: Array,
    season: int | Sequence[int] | None,
    ways: Sequence[Way],
    weights: Array,
    rare: BoolArray,
) -> Array:
    """(n, H, m) the quantiles of all ways by ``weights`` (2, H, k, m)."""
    used = [k for k in range(len(ways)) if (weights[:, :, k] > 0).any()]
    values = np.zeros((history.count, horizon, len(levels)))
    kind = rare.astype(np.intp)
    direct = [k for k in used if ways[k].kind == "direct"]
    plain = [k for k in used if ways[k].kind != "direct"]
    for chosen in filter(None, (direct, plain)):
        # the engine learns from the whole panel; the plain ways too, of intermittent series, but they may go in turn
        step = 1 if len(chosen) * values.size > _MEMORY else len(chosen)
        for start in range(0, len(chosen), step):
            part = [ways[k] for k in chosen[start : start + step]]
            made = totals_by(history, horizon, levels, season, part)
            for k, way in zip(chosen[start : start + step], part, strict=True):
                values += weights[kind, :, k] * made[way.name]
    return values


def _tried(
    history: History, horizon: int, levels: Array, season: int | Sequence[int] | None, ways: Sequence[Way]
) -> Array:
    """(2, H, k, m) weights of the ways for regular and intermittent series, by periods ahead and level."""
    prior = np.tile(prior_weights(len(ways))[:, None], (2, horizon, 1, len(levels)))
    if len(ways) == 1:
        return prior
    steps = np.unique([1, (horizon + 1) // 2, horizon])
    tests = list(_tests(history, horizon, levels, season, ways, steps))
    if not tests:
        return prior
    told, came, size, rare = (np.concatenate(each) for each in zip(*tests, strict=True))
    found = np.stack(
        [
            np.stack([learned_weights(told[of, :, s], came[of, s], size[of], levels) for s in range(len(steps))])
            for of in (~rare, rare)
        ]
    )
    right = np.clip(np.searchsorted(steps, np.arange(1, horizon + 1)), min(1, len(steps) - 1), len(steps) - 1)
    left = np.maximum(right - 1, 0)
    share = (np.arange(1, horizon + 1) - steps[left]) / np.maximum(steps[right] - steps[left], 1)
    return np.asarray(found[:, left] + share[:, None, None] * (found[:, right] - found[:, left]))


def _tests(
    history: History,
    horizon: int,
    levels: Array,
    season: int | Sequence[int] | None,
    ways: Sequence[Way],
    steps: IntArray,
) -> Iterator[tuple[Array, Array, Array, BoolArray]]:
    """By origin what the ways told (N, k, steps, m), what came (N, steps), the series' size and kind (N,)."""
    fewest, most = _ORIGINS
    for back in range(1, int(np.clip(-(-_TRIED // history.count), fewest, most)) + 1):
        kept = history.lengths - back * horizon
        long = np.flatnonzero(kept >= np.maximum(max(2 * horizon, _SHORTEST), history.lengths // 2))
        chosen = long[np.unique(np.linspace(0, len(long) - 1, min(len(long), _SAMPLE)).astype(np.int64))]
        if not len(chosen):
            return
        known, held = history.take(chosen).hold_out(back * horizon)
        observed = np.concatenate([[0], np.cumsum(~np.isnan(known.values))])
        some = np.flatnonzero(observed[known.offsets[1:]] > observed[known.offsets[:-1]])
        if not len(some):
            return
        known, came = known.take(some), np.cumsum(held[some, :horizon], axis=1)
        prepared = prepare(known, horizon, season)
        made = totals_by(known, horizon, levels, season, ways, light=True)
        told = np.stack([made[way.name][:, steps - 1] for way in ways], axis=1)
        yield told, came[:, steps - 1], _size(known), rarely(prepared)


def _size(history: History) -> Array:
    """(n,) mean absolute demand of a period."""
    seen = ~np.isnan(history.values)
    total = np.add.reduceat(np.where(seen, np.abs(history.values), 0.0), history.offsets[:-1])
    return np.asarray(total / np.maximum(np.add.reduceat(seen.astype(np.float64), history.offsets[:-1]), 1.0))


def _counted(history: History) -> BoolArray:
    """(n,) whether all that was ever seen of a series is whole."""
    whole = np.isnan(history.values) | (history.values == np.rint(history.values))
    return np.asarray(np.logical_and.reduceat(whole, history.offsets[:-1]))


def _told(ways: Sequence[Way], weights: Array, rare: BoolArray) -> dict[str, str]:
    """The weight of each kind in the totals of the whole horizon, over series and levels."""
    share = float(rare.mean())
    mean = ((1.0 - share) * weights[0, -1] + share * weights[1, -1]).mean(axis=1)
    kinds = dict.fromkeys(way.kind for way in ways)
    return {f"weight_{kind}": f"{mean[[way.kind == kind for way in ways]].sum():.2f}" for kind in kinds}
