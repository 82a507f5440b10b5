"""The update in whole arrays, for where numba is not: same operations, same order, same bits as :mod:`kernel`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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
    Floats,
    Ints,
    Rules,
)
from capacity_opt.forecast.stream.outcomes import CENSORED, LATE, MISSING, REMEMBERED, REPEATED, TOO_LATE, USED

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
ZERO, ONE, TINY, STEEPEST = np.float32(0.0), np.float32(1.0), np.float32(1e-30), np.float32(4.0)
CHUNK = 16384
"""Series at a time: a chunk's records, turned into columns, stay in the processor's cache."""


def take_all(
    f: Floats, y: Floats, in_stock: BoolArray, period: int, season: int, g: Floats, r: Rules, told: IntArray
) -> None:
    """One period of all series; ``in_stock`` (0,) where all are; ``told`` (6,) counts what happened."""
    for begin in range(0, len(f), CHUNK):
        part = slice(begin, begin + CHUNK)
        columns = np.ascontiguousarray(f[part].T)
        if not len(in_stock) and _is_usual(columns.view(np.int32), y[part], period):
            _usual(columns, y[part], period, season, g, r)
            told[USED] += columns.shape[1]
        else:
            periods = np.full(columns.shape[1], period, dtype=np.int64)
            stock = in_stock[part] if len(in_stock) else np.ones(columns.shape[1], dtype=np.bool_)
            _take(columns, y[part], stock, periods, season, g, r, told)
        f[part] = columns.T


def _is_usual(w: Ints, y: Floats, period: int) -> bool:
    """Whether every series of a chunk has its next period observed, and as many before as the others."""
    count = w[COUNT] & MOST_COUNTED
    first = count[0]
    return bool(0 < first < MOST_COUNTED and (count == first).all() and (w[LAST] == period - 1).all()
                and not np.isnan(y).any())  # fmt: skip


def _usual(f: Floats, y: Floats, period: int, season: int, g: Floats, r: Rules) -> None:
    """The usual case with nothing looked up twice: the same operations as :func:`_forward`."""
    w = f.view(np.int32)
    profile, count = w[COUNT] >> COUNT_BITS, int(w[COUNT, 0] & MOST_COUNTED)
    c = min(count, WARM - 1)
    base = f[LEVEL] + g[:, REACH + 1].take(profile) * f[TREND]
    error = y - base
    if season > 1:
        error -= f[SEASONS + period % season]
        cycle = min(count // season + 1, CYCLES - 1)
        f[SEASONS + period % season] += g[:, SEASON_GAIN + cycle].take(profile) * error
    np.add(base, g[:, GAIN + c].take(profile) * error, out=f[LEVEL])
    f[TREND] = g[:, FADE + 1].take(profile) * f[TREND] + g[:, TREND_GAIN + c].take(profile) * error
    w[LAST] = period
    seen = w[SEEN].view(np.uint32)
    w[SEEN] = ((seen << np.uint32(1)) | np.uint32(1)).view(np.int32)
    w[COUNT] += 1
    step = g[0, STEP + c]
    score = _score(error, f[SPREAD])
    if step > ZERO:
        bounded = np.minimum(np.maximum(score, -STEEPEST), STEEPEST)
        np.minimum(np.maximum(f[RISE] + bounded - r.slack, ZERO), r.cap, out=f[RISE])
        np.minimum(np.maximum(f[FALL] - bounded - r.slack, ZERO), r.cap, out=f[FALL])
        tracked = f[TRACKERS:SEASONS]
        move = np.subtract(r.above[:, None], score <= tracked, dtype=np.float32)
        move *= step
        tracked += move
    f[SPREAD] += g[0, SPREAD_GAIN + c] * (np.abs(error) - f[SPREAD])


def _score(error: Floats, spread: Floats) -> Floats:
    """The standardised error; infinite where nothing has scattered yet, as in the kernel."""
    with np.errstate(over="ignore"):
        return np.asarray(error / np.maximum(spread, TINY))


def take_some(
    f: Floats,
    rows: IntArray,
    y: Floats,
    in_stock: BoolArray,
    periods: IntArray,
    season: int,
    g: Floats,
    r: Rules,
    told: IntArray,
) -> None:
    """Single observations of ``rows`` of ``f``; of one series in order of time, side by side."""
    when = np.broadcast_to(periods, rows.shape)
    stock = in_stock if len(in_stock) else np.ones(len(rows), dtype=np.bool_)
    repeats = np.concatenate([[False], rows[1:] == rows[:-1]]) if len(rows) else np.zeros(0, dtype=np.bool_)
    run_start = np.maximum.accumulate(np.where(repeats, 0, np.arange(len(rows))))
    turn = np.arange(len(rows)) - run_start
    for number in range(int(turn.max(initial=-1)) + 1):
        now = np.flatnonzero(turn == number) if repeats.any() else np.arange(len(rows))
        for begin in range(0, len(now), CHUNK):
            j = now[begin : begin + CHUNK]
            columns = np.ascontiguousarray(f[rows[j]].T)
            _take(columns, y[j], stock[j], when[j], season, g, r, told)
            f[rows[j]] = columns.T


def _take(
    f: Floats, y: Floats, in_stock: BoolArray, periods: IntArray, season: int, g: Floats, r: Rules, told: IntArray
) -> None:
    """Observations into the records that are the columns of ``f`` (width, m)."""
    w = f.view(np.int32)
    here = ~np.isnan(y)
    gap = periods - w[LAST]
    told[MISSING] += len(y) - int(np.count_nonzero(here))
    forward = here & (gap > 0)
    if forward.all():
        _forward(f, w, y, in_stock, periods, gap, season, g, r, told)
        return
    for chosen, act in ((forward, _forward), (here & (gap <= 0), _late)):
        j = np.flatnonzero(chosen)
        if len(j):
            part = np.ascontiguousarray(f[:, j])
            act(part, part.view(np.int32), y[j], in_stock[j], periods[j], gap[j], season, g, r, told)
            f[:, j] = part


def _forward(
    f: Floats, w: Ints, y: Floats, in_stock: BoolArray, periods: IntArray, gap: IntArray, season: int, g: Floats,
    r: Rules, told: IntArray,
) -> None:  # fmt: skip
    tally = w[COUNT].copy()
    profile, count = tally >> COUNT_BITS, tally & MOST_COUNTED
    h, c = np.minimum(gap, LONGEST_GAP), np.minimum(count, WARM - 1)
    looked, table = profile * g.shape[1], g.ravel()
    base = f[LEVEL] + table[looked + (REACH + h)] * f[TREND]
    trend = table[looked + (FADE + h)] * f[TREND]
    error = y - base
    column, place = np.arange(len(y)), SEASONS + periods % season
    if season > 1:
        error = error - f[place, column]
    shifted = (w[SEEN].view(np.uint32) << np.minimum(gap, REMEMBERED - 1).astype(np.uint32)) | np.uint32(1)
    w[LAST] = periods
    w[SEEN] = np.where(gap < REMEMBERED, shifted, np.uint32(1)).view(np.int32)
    learns = in_stock | (error > ZERO)
    f[LEVEL] = np.where(learns, base + table[looked + (GAIN + c)] * error, base)
    f[TREND] = np.where(learns, trend + table[looked + (TREND_GAIN + c)] * error, trend)
    if season > 1:
        weight = table[looked + (SEASON_GAIN + np.minimum(count // season + (count > 0), CYCLES - 1))]
        f[place, column] += np.where(learns, weight * error, ZERO)
    w[COUNT] = np.where(in_stock & (count < MOST_COUNTED), tally + 1, tally)
    _learn(f, error * table[looked + (SHRINK + h)], table[looked + (SPREAD_GAIN + c)], table[looked + (STEP + c)],
           in_stock, r)  # fmt: skip
    used = int(np.count_nonzero(in_stock))
    told[USED] += used
    told[CENSORED] += len(y) - used


def _learn(f: Floats, error: Floats, spread_gain: Floats, step: Floats, in_stock: BoolArray, r: Rules) -> None:
    everyone = bool(in_stock.all())
    kept = None if everyone else f[SPREAD:SEASONS].copy()
    score = _score(error, f[SPREAD])
    on = np.where(step > ZERO, ONE, ZERO)
    bounded, slack = np.minimum(np.maximum(score, -STEEPEST), STEEPEST) * on, r.slack * on
    f[RISE] = np.minimum(np.maximum(f[RISE] + bounded - slack, ZERO), r.cap)
    f[FALL] = np.minimum(np.maximum(f[FALL] - bounded - slack, ZERO), r.cap)
    f[SPREAD] += spread_gain * (np.abs(error) - f[SPREAD])
    for k in range(MOST_LEVELS):
        tracked = f[TRACKERS + k]
        tracked += step * (r.above[k] - (score <= tracked).astype(np.float32))
    if kept is not None:
        unmoved = np.r_[SPREAD, RISE, FALL, TRACKERS:SEASONS]
        f[unmoved] = np.where(in_stock, f[unmoved], kept[unmoved - SPREAD])


def _late(
    f: Floats, w: Ints, y: Floats, in_stock: BoolArray, periods: IntArray, gap: IntArray, season: int, g: Floats,
    _: Rules, told: IntArray,
) -> None:  # fmt: skip
    back = -gap
    known = back < REMEMBERED
    bit = (np.uint32(1) << np.minimum(back, REMEMBERED - 1).astype(np.uint32)).view(np.int32)
    repeated = known & ((w[SEEN] & bit) != 0)
    new = known & ~repeated
    w[SEEN] |= np.where(new, bit, np.int32(0))
    told[TOO_LATE] += int(np.count_nonzero(~known))
    told[REPEATED] += int(np.count_nonzero(repeated))
    told[CENSORED] += int(np.count_nonzero(new & ~in_stock))
    applied = new & in_stock
    told[LATE] += int(np.count_nonzero(applied))
    tally = w[COUNT]
    gain = g[tally >> COUNT_BITS, GAIN + np.minimum(tally & MOST_COUNTED, WARM - 1)]
    weight, rest = gain.copy(), ONE - gain
    for turn in range(int(back[applied].max(initial=0))):
        weight = np.where(turn < back, weight * rest, weight)
    index = f[SEASONS + periods % season, np.arange(len(y))] if season > 1 else ZERO
    f[LEVEL] += np.where(applied, weight * (y - (f[LEVEL] + index)), ZERO)
