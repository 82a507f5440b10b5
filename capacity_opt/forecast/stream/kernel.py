# mypy: disable-error-code="untyped-decorator,no-any-return"
"""One observation into one record: plain Python, compiled with numba. :mod:`twin` is the same in whole arrays.

Every operation is in float32 and in the order in which the twin does it, so both give the same bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from capacity_opt.forecast.stream.layout import (
    COUNT,
    COUNT_BITS,
    CYCLES,
    FADE,
    FALL,
    GAIN,
    LAST,
    LEVEL,
    LONGEST_GAP,
    MOST_COUNTED,
    REACH,
    RISE,
    SEASON_GAIN,
    SEASONS,
    SEEN,
    SHRINK,
    SPREAD,
    SPREAD_GAIN,
    STEP,
    TRACKERS,
    TREND,
    TREND_GAIN,
    WARM,
)
from capacity_opt.forecast.stream.outcomes import CENSORED, LATE, MISSING, REMEMBERED, REPEATED, TOO_LATE, USED

ZERO, ONE, TINY = np.float32(0.0), np.float32(1.0), np.float32(1e-30)
STEEPEST = np.float32(4.0)


@njit(cache=True, inline="always", error_model="numpy")
def _late(f: Any, w: Any, i: int, y: Any, in_stock: bool, period: int, season: int, g: Any) -> int:
    """An observation of a period that is over: once, with the weight it would still have had."""
    back = w[i, LAST] - period
    if back >= REMEMBERED:
        return TOO_LATE
    bit = np.int32(np.uint32(1) << np.uint32(back))
    if w[i, SEEN] & bit:
        return REPEATED
    w[i, SEEN] |= bit
    if not in_stock:
        return CENSORED
    profile = w[i, COUNT] >> COUNT_BITS
    count = w[i, COUNT] & MOST_COUNTED
    gain = g[profile, GAIN + min(count, WARM - 1)]
    weight = gain
    for _ in range(back):
        weight = weight * (ONE - gain)
    index = f[i, SEASONS + period % season] if season > 1 else ZERO
    f[i, LEVEL] += weight * (y - (f[i, LEVEL] + index))
    return LATE


@njit(cache=True, inline="always", error_model="numpy")
def _within(x: Any, low: Any, high: Any) -> Any:
    x = x if x > low else low
    return x if x < high else high


@njit(cache=True, inline="always", error_model="numpy")
def _moved(x: Any, score: Any, step: Any, above: Any) -> Any:
    """A tracker one step towards its level: up by ``above`` of a step where it was exceeded, else down by the rest."""
    return x + step * (above - (ZERO if score > x else ONE))


@njit(cache=True, inline="always", error_model="numpy")
def _track(f: Any, i: int, score: Any, step: Any, above: Any) -> None:
    # all eight are read before the first is written: the compiler need not fear that one changes another
    x0, x1, x2, x3 = f[i, TRACKERS], f[i, TRACKERS + 1], f[i, TRACKERS + 2], f[i, TRACKERS + 3]
    x4, x5, x6, x7 = f[i, TRACKERS + 4], f[i, TRACKERS + 5], f[i, TRACKERS + 6], f[i, TRACKERS + 7]
    a0, a1, a2, a3, a4, a5, a6, a7 = above
    f[i, TRACKERS], f[i, TRACKERS + 1] = _moved(x0, score, step, a0), _moved(x1, score, step, a1)
    f[i, TRACKERS + 2], f[i, TRACKERS + 3] = _moved(x2, score, step, a2), _moved(x3, score, step, a3)
    f[i, TRACKERS + 4], f[i, TRACKERS + 5] = _moved(x4, score, step, a4), _moved(x5, score, step, a5)
    f[i, TRACKERS + 6], f[i, TRACKERS + 7] = _moved(x6, score, step, a6), _moved(x7, score, step, a7)


@njit(cache=True, inline="always", error_model="numpy")
def _learn(f: Any, i: int, error: Any, shrink: Any, profile: Any, c: Any, g: Any, r: Any) -> None:
    """Spread, drift sums and quantile trackers from one error."""
    spread, rise, fall, step = f[i, SPREAD], f[i, RISE], f[i, FALL], g[profile, STEP + c]
    error = error * shrink
    score = error / (spread if spread > TINY else TINY)
    on = ONE if step > ZERO else ZERO
    bounded, slack = _within(score, -STEEPEST, STEEPEST) * on, r.slack * on
    f[i, RISE] = _within(rise + bounded - slack, ZERO, r.cap)
    f[i, FALL] = _within(fall - bounded - slack, ZERO, r.cap)
    f[i, SPREAD] = spread + g[profile, SPREAD_GAIN + c] * (abs(error) - spread)
    _track(f, i, score, step, r.above)


@njit(cache=True, inline="always", error_model="numpy")
def _take(f: Any, w: Any, i: int, y: Any, in_stock: bool, period: int, season: int, g: Any, r: Any) -> int:
    """Observation ``y`` of ``period`` into record i of ``f`` (float32) and ``w`` (the same memory as int32)."""
    if np.isnan(y):
        return MISSING
    tally, last, seen, level, trend = w[i, COUNT], w[i, LAST], w[i, SEEN], f[i, LEVEL], f[i, TREND]
    profile, count = np.uint32(tally) >> np.uint32(COUNT_BITS), tally & MOST_COUNTED
    gap = period - last if count else 1
    if gap <= 0:
        return _late(f, w, i, y, in_stock, period, season, g)
    h, c = np.uint32(min(gap, LONGEST_GAP)), np.uint32(min(count, WARM - 1))
    base = level + g[profile, REACH + h] * trend
    trend = g[profile, FADE + h] * trend
    error = y - base
    place = SEASONS
    if season > 1:
        place = SEASONS + period % season
        error = error - f[i, place]
    w[i, LAST] = period
    w[i, SEEN] = np.int32((np.uint32(seen) << np.uint32(gap)) | np.uint32(1)) if gap < REMEMBERED else np.int32(1)
    if not in_stock and not error > ZERO:
        f[i, LEVEL] = base
        f[i, TREND] = trend
        return CENSORED
    f[i, LEVEL] = base + g[profile, GAIN + c] * error
    f[i, TREND] = trend + g[profile, TREND_GAIN + c] * error
    if season > 1:
        cycle = min(count // season + (1 if count else 0), CYCLES - 1)
        f[i, place] += g[profile, SEASON_GAIN + cycle] * error
    if not in_stock:
        return CENSORED
    w[i, COUNT] = tally + 1 if count < MOST_COUNTED else tally
    _learn(f, i, error, g[profile, SHRINK + h], profile, c, g, r)
    return USED


@njit(cache=True, nogil=True, error_model="numpy")
def take(
    f: Any, w: Any, rows: Any, y: Any, in_stock: Any, periods: Any, season: int, g: Any, r: Any, told: Any
) -> None:
    """Observations ``y`` of ``rows`` of ``f`` (``w``: the same memory as int32), best in rising order, of one series in
    order of time; (0,) ``rows``: of all, in order; (0,) ``in_stock``: all are; (1,) ``periods``: all of that one."""
    some, masked, several = len(rows) > 0, len(in_stock) > 0, len(periods) > 1
    used = 0
    for j in range(len(y)):
        i = rows[j] if some else j
        period = periods[j] if several else periods[0]
        outcome = _take(f, w, i, y[j], in_stock[j] if masked else True, period, season, g, r)
        if outcome == USED:
            used += 1
        else:
            told[outcome] += 1
    told[USED] += used
