# mypy: disable-error-code="untyped-decorator,no-any-return"
"""One observation into one record: plain Python, compiled with numba. :mod:`twin` is the same in whole arrays.

Every operation is in float32 and in the order in which the twin does it, so both give the same bits. Only the loop
itself touches the arrays: handing them to inlined functions makes numba count references for every record.
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
    MOST_LEVELS,
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


@njit(cache=True, error_model="numpy")
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
def _drifted(total: Any, bounded: Any, slack: Any, cap: Any) -> Any:
    """A cumulative sum of standardised errors, one step on."""
    return _within(total + bounded - slack, ZERO, cap)


@njit(cache=True, inline="always", error_model="numpy")
def _shifted(seen: Any, gap: Any) -> Any:
    """Which of the latest periods were seen, ``gap`` periods on."""
    return np.int32((np.uint32(seen) << np.uint32(gap)) | np.uint32(1)) if gap < REMEMBERED else np.int32(1)


@njit(cache=True, nogil=True, error_model="numpy")
def take(
    f: Any, w: Any, rows: Any, y: Any, in_stock: Any, periods: Any, season: int, g: Any, r: Any, told: Any
) -> None:
    """Observations ``y`` of ``rows`` of ``f`` (``w``: the same memory as int32), best in rising order, of one series in
    order of time; (0,) ``rows``: of all, in order; (0,) ``in_stock``: all are; (1,) ``periods``: all of that one."""
    some, masked, several = len(rows) > 0, len(in_stock) > 0, len(periods) > 1
    above, slack, cap, used = np.array(r.above), r.slack, r.cap, 0
    for j in range(len(y)):
        i, value = rows[j] if some else j, y[j]
        if np.isnan(value):
            told[MISSING] += 1
            continue
        period, stocked = periods[j] if several else periods[0], in_stock[j] if masked else True
        tally = w[i, COUNT]
        profile, count = np.uint32(tally) >> np.uint32(COUNT_BITS), tally & MOST_COUNTED
        gap = period - w[i, LAST] if count else 1
        if gap <= 0:
            told[_late(f, w, i, value, stocked, period, season, g)] += 1
            continue
        h, c = np.uint32(min(gap, LONGEST_GAP)), np.uint32(min(count, WARM - 1))
        trend = f[i, TREND]
        base = f[i, LEVEL] + g[profile, REACH + h] * trend
        trend = g[profile, FADE + h] * trend
        error = value - base
        place = SEASONS + period % season if season > 1 else SEASONS
        if season > 1:
            error = error - f[i, place]
        w[i, LAST], w[i, SEEN] = period, _shifted(w[i, SEEN], gap)
        learns = stocked or error > ZERO
        f[i, LEVEL] = base + g[profile, GAIN + c] * error if learns else base
        f[i, TREND] = trend + g[profile, TREND_GAIN + c] * error if learns else trend
        if season > 1 and learns:
            cycle = min(count // season + (1 if count else 0), CYCLES - 1)
            f[i, place] += g[profile, SEASON_GAIN + cycle] * error
        if not stocked:
            told[CENSORED] += 1
            continue
        w[i, COUNT] = tally + 1 if count < MOST_COUNTED else tally
        spread, step = f[i, SPREAD], g[profile, STEP + c]
        error = error * g[profile, SHRINK + h]
        score, on = error / (spread if spread > TINY else TINY), ONE if step > ZERO else ZERO
        bounded = _within(score, -STEEPEST, STEEPEST) * on
        f[i, RISE] = _drifted(f[i, RISE], bounded, slack * on, cap)
        f[i, FALL] = _drifted(f[i, FALL], -bounded, slack * on, cap)
        f[i, SPREAD] = spread + g[profile, SPREAD_GAIN + c] * (abs(error) - spread)
        for k in range(MOST_LEVELS):
            f[i, TRACKERS + k] = _moved(f[i, TRACKERS + k], score, step, above[k])
        used += 1
    told[USED] += used
