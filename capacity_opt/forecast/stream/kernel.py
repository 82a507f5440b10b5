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
from capacity_opt.forecast.stream.machine_words import expect, move_eight
from capacity_opt.forecast.stream.outcomes import CENSORED, LATE, MISSING, REMEMBERED, REPEATED, TOO_LATE, USED

ZERO, ONE, TINY = np.float32(0.0), np.float32(1.0), np.float32(1e-30)
STEEPEST = np.float32(4.0)
U = np.uint64
"""Positions are unsigned: numba then spares the look whether they count from the end."""
AHEAD = 16
"""Records of a micro-batch lie far apart: memory fetches one while the sixteen before it are worked on."""


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
def _drifted(total: Any, bounded: Any, slack: Any, cap: Any) -> Any:
    """A cumulative sum of standardised errors, one step on."""
    return _within(total + bounded - slack, ZERO, cap)


@njit(cache=True, inline="always", error_model="numpy")
def _cycle(count: int, season: int) -> Any:
    """How many full seasons were seen, as far as gains tell them apart; no division once they no longer do."""
    return CYCLES - 1 if count >= CYCLES * season else min(count // season + (1 if count else 0), CYCLES - 1)


@njit(cache=True, inline="always", error_model="numpy")
def _shifted(seen: Any, gap: Any) -> Any:
    """Which of the latest periods were seen, ``gap`` periods on."""
    return np.int32((np.uint32(seen) << np.uint32(gap)) | np.uint32(1)) if gap < REMEMBERED else np.int32(1)


@njit(cache=True, nogil=True, error_model="numpy")
def take(
    f: Any, w: Any, rows: Any, y: Any, in_stock: Any, periods: Any, season: int, g: Any, r: Any, told: Any
) -> None:
    """Observations ``y`` of ``rows`` of ``f`` (``w``: the same memory as int32), best in rising order, of one series in
    order of time; ``rows`` None: of all, in order; ``in_stock`` None: all are; (1,) ``periods``: all of that one.
    numba compiles it anew for each argument that is None, without what is then not needed."""
    words, tags, table = f.reshape(f.size), w.reshape(w.size), g.reshape(g.size)
    width, columns, number = U(f.shape[1]), U(g.shape[1]), len(y)
    above, slack, cap, before = np.array(r.above), r.slack, r.cap, told.sum()
    several, phase = len(periods) > 1, U(periods[0] % season)
    for j in range(number):
        if rows is not None and j + AHEAD < number:
            expect(words, U(rows[j + AHEAD]) * width)
        value = y[j]
        if np.isnan(value):
            told[MISSING] += 1
            continue
        i = U(j) if rows is None else U(rows[j])
        period = periods[0] if rows is None else (periods[j] if several else periods[0])
        stocked = True if in_stock is None else in_stock[j]
        b = i * width
        tally = tags[b + U(COUNT)]
        profile, count = U(np.uint32(tally) >> np.uint32(COUNT_BITS)) * columns, tally & MOST_COUNTED
        gap = period - tags[b + U(LAST)] if count else 1
        if gap <= 0:
            told[_late(f, w, i, value, stocked, period, season, g)] += 1
            continue
        h, c = profile + U(min(gap, LONGEST_GAP)), profile + U(min(count, WARM - 1))
        trend = words[b + U(TREND)]
        base = words[b + U(LEVEL)] + table[h + U(REACH)] * trend
        trend = table[h + U(FADE)] * trend
        error = value - base
        place = b + U(SEASONS)
        if season > 1:
            place += U(period % season) if several else phase
            error = error - words[place]
        tags[b + U(LAST)], tags[b + U(SEEN)] = period, _shifted(tags[b + U(SEEN)], gap)
        learns = stocked or error > ZERO
        words[b + U(LEVEL)] = base + table[c + U(GAIN)] * error if learns else base
        words[b + U(TREND)] = trend + table[c + U(TREND_GAIN)] * error if learns else trend
        if season > 1 and learns:
            words[place] += table[profile + U(SEASON_GAIN + _cycle(count, season))] * error
        if not stocked:
            told[CENSORED] += 1
            continue
        tags[b + U(COUNT)] = tally + 1 if count < MOST_COUNTED else tally
        spread, step = words[b + U(SPREAD)], table[c + U(STEP)]
        error = error * table[h + U(SHRINK)]
        score, on = error / (spread if spread > TINY else TINY), ONE if step > ZERO else ZERO
        bounded = _within(score, -STEEPEST, STEEPEST) * on
        words[b + U(RISE)] = _drifted(words[b + U(RISE)], bounded, slack * on, cap)
        words[b + U(FALL)] = _drifted(words[b + U(FALL)], -bounded, slack * on, cap)
        words[b + U(SPREAD)] = spread + table[c + U(SPREAD_GAIN)] * (abs(error) - spread)
        move_eight(words, b + U(TRACKERS), score, step, above)
    told[USED] += number - (told.sum() - before)
