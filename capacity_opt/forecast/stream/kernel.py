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
from capacity_opt.forecast.stream.machine_words import expect, memory, move_eight
from capacity_opt.forecast.stream.outcomes import CENSORED, LATE, MISSING, REMEMBERED, REPEATED, TOO_LATE, USED

ZERO, ONE, TINY = np.float32(0.0), np.float32(1.0), np.float32(1e-30)
STEEPEST = np.float32(4.0)
AHEAD = 16
"""Records of a micro-batch lie far apart: memory fetches one while the sixteen before it are worked on."""


@njit(cache=True, error_model="numpy")
def _late(
    words: Any, tags: Any, table: Any, b: Any, profile: Any, y: Any, in_stock: bool, back: int, place: Any, season: int
) -> int:
    """An observation of a period ``back`` before the last: once, with the weight it would still have had."""
    if back >= REMEMBERED:
        return TOO_LATE
    bit = np.int32(np.uint32(1) << np.uint32(back))
    if tags[b + SEEN] & bit:
        return REPEATED
    tags[b + SEEN] |= bit
    if not in_stock:
        return CENSORED
    gain = table[profile + GAIN + min(tags[b + COUNT] & MOST_COUNTED, WARM - 1)]
    weight = gain
    for _ in range(back):
        weight = weight * (ONE - gain)
    index = words[place] if season > 1 else ZERO
    words[b + LEVEL] += weight * (y - (words[b + LEVEL] + index))
    return LATE


@njit(cache=True, inline="always", error_model="numpy")
def _within(x: Any, low: Any, high: Any) -> Any:
    x = x if x > low else low
    return x if x < high else high


@njit(cache=True, inline="always", error_model="numpy")
def _cycle(count: int, season: int) -> Any:
    """How many full seasons were seen, as far as gains tell them apart; no division once they no longer do."""
    return CYCLES - 1 if count >= CYCLES * season else min(count // season + (1 if count else 0), CYCLES - 1)


@njit(cache=True, inline="always", error_model="numpy")
def _shifted(seen: Any, gap: Any) -> Any:
    """Which of the latest periods were seen, ``gap`` periods on."""
    return np.int32((np.uint32(seen) << np.uint32(gap)) | np.uint32(1)) if gap < REMEMBERED else np.int32(1)


@njit(cache=True, inline="always", error_model="numpy")
def _one(
    words: Any, tags: Any, table: Any, above: Any, b: Any, columns: Any, value: Any, stocked: bool, period: Any,
    place: Any, season: int, slack: Any, cap: Any, told: Any,
) -> None:  # fmt: skip
    """One observation into the record that begins at ``b``."""
    tally = tags[b + COUNT]
    profile, count = np.int64(np.uint32(tally) >> np.uint32(COUNT_BITS)) * columns, tally & MOST_COUNTED
    gap = period - tags[b + LAST]
    if gap <= 0:
        told[_late(words, tags, table, b, profile, value, stocked, -gap, place, season)] += 1
    else:
        h, c = profile + min(gap, LONGEST_GAP), profile + min(count, WARM - 1)
        trend = words[b + TREND]
        base = words[b + LEVEL] + table[h + REACH] * trend
        trend = table[h + FADE] * trend
        error = value - base
        if season > 1:
            error = error - words[place]
        tags[b + LAST], tags[b + SEEN] = period, _shifted(tags[b + SEEN], gap)
        learns = stocked or error > ZERO
        words[b + LEVEL] = base + table[c + GAIN] * error if learns else base
        words[b + TREND] = trend + table[c + TREND_GAIN] * error if learns else trend
        if season > 1 and learns:
            words[place] += table[profile + SEASON_GAIN + _cycle(count, season)] * error
        if not stocked:
            told[CENSORED] += 1
        else:
            tags[b + COUNT] = tally + 1 if count < MOST_COUNTED else tally
            spread, step = words[b + SPREAD], table[c + STEP]
            error = error * table[h + SHRINK]
            if step > ZERO:
                score = error / (spread if spread > TINY else TINY)
                bounded = _within(score, -STEEPEST, STEEPEST)
                words[b + RISE] = _within(words[b + RISE] + bounded - slack, ZERO, cap)
                words[b + FALL] = _within(words[b + FALL] - bounded - slack, ZERO, cap)
                move_eight(words, b + TRACKERS, score, step, above)
            words[b + SPREAD] = spread + table[c + SPREAD_GAIN] * (abs(error) - spread)


@njit(cache=True, nogil=True, error_model="numpy")
def take(
    f: Any, w: Any, rows: Any, y: Any, in_stock: Any, periods: Any, season: int, g: Any, r: Any, told: Any
) -> None:
    """Observations ``y`` of ``rows`` of ``f`` (``w``: the same memory as int32), best in rising order, of one series in
    order of time; ``rows`` None: of all, in order; ``in_stock`` None: all are; (1,) ``periods``: all of that one.
    numba compiles it anew for each argument that is None, without what is then not needed."""
    words, tags, table = memory(f), memory(w), memory(g)
    width, columns, number = f.shape[1], g.shape[1], len(y)
    above, slack, cap, before = memory(r.above), r.slack, r.cap, told.sum()
    several, phase = len(periods) > 1, SEASONS + periods[0] % season
    for j in range(number):
        if rows is not None and j + AHEAD < number:
            expect(words, rows[j + AHEAD] * width)
        value = y[j]
        if np.isnan(value):
            told[MISSING] += 1
            continue
        b = j * width if rows is None else rows[j] * width
        period = periods[0] if rows is None else (periods[j] if several else periods[0])
        stocked = True if in_stock is None else in_stock[j]
        place = b + phase
        if rows is not None and several and season > 1:
            place = b + SEASONS + period % season
        _one(words, tags, table, above, b, columns, value, stocked, period, place, season, slack, cap, told)
    told[USED] += number - (told.sum() - before)


@njit(cache=True, nogil=True, error_model="numpy")
def fold(
    f: Any, w: Any, y: Any, in_stock: Any, offsets: Any, first: Any, season: int, g: Any, r: Any, told: Any
) -> None:
    """Whole histories: series i is ``y[offsets[i]:offsets[i + 1]]``, its first period ``first[i]``."""
    words, tags, table = memory(f), memory(w), memory(g)
    width, columns = f.shape[1], g.shape[1]
    above, slack, cap, before = memory(r.above), r.slack, r.cap, told.sum()
    for i in range(len(first)):
        b, ahead = i * width, first[i] - offsets[i]
        for j in range(offsets[i], offsets[i + 1]):
            value = y[j]
            if np.isnan(value):
                told[MISSING] += 1
                continue
            stocked, period = True if in_stock is None else in_stock[j], j + ahead
            place = b + SEASONS + (period % season if season > 1 else 0)
            _one(words, tags, table, above, b, columns, value, stocked, period, place, season, slack, cap, told)
    told[USED] += len(y) - (told.sum() - before)
