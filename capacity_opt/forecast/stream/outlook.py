"""Quantiles of the coming periods, or of their running total, computed from the records when asked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError
from capacity_opt.forecast.stream.layout import (
    COUNT,
    COUNT_BITS,
    FALL,
    LAST,
    LEVEL,
    LONGEST_GAP,
    RISE,
    SEASONS,
    SPREAD,
    TRACKERS,
    TREND,
    Floats,
    StreamSettings,
    damping,
    error_growth,
    impact,
)

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
BEYOND = 1.5
"""How far outside the tracked levels a quantile may lie, in standard normal units."""


def points(f: Floats, settings: StreamSettings, origin: int, horizon: int) -> Array:
    """(n, horizon) expected demand of periods ``origin + 1`` to ``origin + horizon``."""
    w, season = f.view(np.int32), settings.season_length
    ahead = _ahead(f, origin, horizon)
    reach, _ = damping(int(ahead.max(initial=1)))
    expected = f[:, LEVEL, None] + reach[(w[:, COUNT] >> COUNT_BITS)[:, None], ahead] * f[:, TREND, None]
    if season > 1:
        expected = expected + f[:, SEASONS + (origin + np.arange(1, horizon + 1)) % season]
    return np.asarray(expected, dtype=np.float64)


def spreads(f: Floats, settings: StreamSettings, origin: int, horizon: int, *, cumulative: bool) -> Array:
    """(n, horizon) the unit of the error of each period, or of the running total: mean absolute one-step error times
    its growth."""
    w = f.view(np.int32)
    ahead = _ahead(f, origin, horizon)
    profile = (w[:, COUNT] >> COUNT_BITS)[:, None]
    if cumulative:
        growth = total_growth(horizon, settings.season_length)[profile, np.arange(1, horizon + 1)]
        late = error_growth(int(ahead.max(initial=1)), settings.season_length)[profile, ahead[:, :1]]
        growth = growth * late
    else:
        growth = error_growth(int(ahead.max(initial=1)), settings.season_length)[profile, ahead]
    return np.asarray(f[:, SPREAD, None] * growth, dtype=np.float64)


def quantiles(
    f: Floats,
    settings: StreamSettings,
    origin: int,
    horizon: int,
    levels: Sequence[float],
    *,
    cumulative: bool = False,
    shift: Array | None = None,
) -> Array:
    """(n, horizon, levels): point + spread x tracker, trackers sorted; ``shift`` (horizons, trackers) is what pooled
    backtests add to the trackers further ahead."""
    tracked = np.sort(f[:, TRACKERS : TRACKERS + len(settings.levels)].astype(np.float64), axis=1)
    weights = level_weights(settings.levels, levels)
    centre = points(f, settings, origin, horizon)
    centre = np.cumsum(centre, axis=1) if cumulative else centre
    unit = spreads(f, settings, origin, horizon, cumulative=cumulative)
    answer = np.empty((len(f), horizon, len(levels)))
    for h in range(horizon):
        added = 0.0 if shift is None or not len(shift) else shift[min(h, len(shift) - 1)]
        scores = np.sort(tracked + added, axis=1) @ weights.T
        answer[:, h] = centre[:, h, None] + unit[:, h, None] * scores
    if settings.non_negative:
        np.maximum(answer, 0.0, out=answer)
    return answer


def level_weights(tracked: Sequence[float], asked: Sequence[float]) -> Array:
    """(asked, tracked): each asked quantile as a mix of tracked ones, linear in the normal score.

    A level outside the tracked ones goes on in the line of the last two, at most 1.5 normal scores beyond.

    >>> level_weights((0.1, 0.5, 0.9), (0.5, 0.9)).round(6).tolist()
    [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    known, wanted = ndtri(np.asarray(tracked)), ndtri(_checks.fraction("levels", list(asked)))
    if len(known) == 1:
        if not np.allclose(known, wanted):
            raise ArgumentError(f"levels: only {tracked[0]:g} is tracked. Track more levels to ask for others")
        return np.ones((len(wanted), 1))
    far = (wanted > known[-1] + BEYOND) | (wanted < known[0] - BEYOND)
    if far.any():
        raise ArgumentError(
            f"levels must lie near the tracked ones ({', '.join(f'{v:g}' for v in tracked)}), got "
            f"{float(np.asarray(asked)[far][0]):g}. Start the state with that level among its levels"
        )
    right = np.clip(np.searchsorted(known, wanted - 1e-12), 1, len(known) - 1)
    share = (wanted - known[right - 1]) / (known[right] - known[right - 1])
    weights = np.zeros((len(wanted), len(known)))
    weights[np.arange(len(wanted)), right - 1] = 1.0 - share
    weights[np.arange(len(wanted)), right] = share
    return weights


def drift(f: Floats, settings: StreamSettings) -> NDArray[np.int8]:
    """(n,) 1 where demand has lately run above its forecast, -1 below, 0 neither."""
    up, down = f[:, RISE] > settings.drift_limit, f[:, FALL] > settings.drift_limit
    return np.where(up & (f[:, RISE] >= f[:, FALL]), 1, np.where(down, -1, 0)).astype(np.int8)


def total_growth(furthest: int, season_length: int) -> Array:
    """(profiles, furthest + 1): standard deviation of the error of the total of h periods, in one-step ones."""
    effect = impact(furthest, season_length)
    carried = 1.0 + np.cumsum(effect, axis=1) - effect[:, :1]
    growth = np.ones_like(carried)
    growth[:, 1:] = np.sqrt(np.cumsum(carried[:, :-1] ** 2, axis=1))
    return growth


def _ahead(f: Floats, origin: int, horizon: int) -> IntArray:
    """(n, horizon) periods from each series' last observation."""
    late = np.maximum(origin - f.view(np.int32)[:, LAST].astype(np.int64), 0)
    late = np.where(f.view(np.int32)[:, LAST] < 0, 0, late)
    return np.minimum(late[:, None] + np.arange(1, horizon + 1), LONGEST_GAP + horizon)
