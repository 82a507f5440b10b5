"""All models of all series from all origins, compiled: one series after another, models side by side.

Plain Python for :func:`capacity_opt._compiled.compiled`; ``batch_numpy`` gives the same numbers without it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

prange = range
DECAY = 0.85  # weight of a seasonal cycle beside the next younger one
LARGEST = 80.0  # of a forecast's logarithm, either way
REACH = 3.0  # no forecast leaves the range seen by more than this many times its width
FORGET = 0.95  # weight of an error of one step beside the next later one


def seasonal_pattern(x: Any, count: int, season: int, pattern: Any, room: Any) -> None:
    """Fill ``pattern[:season]`` with the shrunken additive pattern of ``x[:count]``.

    Classical: deviations from the centred moving average, averaged by phase with weight ``DECAY`` per cycle of age,
    shrunk by what chance alone would give (James-Stein): a soft test of seasonality. ``room`` (4, ...) is scratch.
    """
    half, share = season // 2, 1.0 / season
    gap, tally, weight, second = room[0], room[1], room[2], room[3]
    total = 0.0
    for t in range(2 * half + 1):
        total += x[t]
    for t in range(half, count - half):
        edge = 0.5 * (x[t - half] + x[t + half]) if season % 2 == 0 else 0.0
        gap[t] = x[t] - (total - edge) * share
        if t + half + 1 < count:
            total += x[t + half + 1] - x[t - half]
    for p in range(season):
        tally[p] = weight[p] = second[p] = 0.0
    squares, weights, w, begin = 0.0, 0.0, 1.0, count - half - season
    while begin + season > half:
        since = max(half - begin, 0)
        for p in range(since, season):
            tally[p] += w * gap[begin + p]
            weight[p] += w
            second[p] += w * w
        for p in range(since, season):
            squares += w * gap[begin + p] * gap[begin + p]
        weights += w * (season - since)
        begin -= season
        w *= DECAY
    between, mean, noise = 0.0, 0.0, 0.0
    phase = (count - half) % season
    for p in range(season):
        tally[p] /= weight[p]
        pattern[phase] = tally[p]
        between += weight[p] * tally[p] ** 2 / weights
        mean += tally[p] * share
        noise += second[p] / weight[p] ** 2 * share
        phase = phase + 1 if phase + 1 < season else 0
    within = max(squares / weights - between, 0.0) * noise / max(1.0 - noise, 1e-3)
    believed = max(1.0 - within / between, 0.0) if between > 0.0 else 0.0
    for p in range(season):
        pattern[p] = (pattern[p] - mean) * believed


def run_grid(
    x: Any, unit: Any, ends: Any, grid: Any, far: Any, ahead: Any, log: bool, edges: Any, out: Any, fit: Any, room: Any
) -> None:
    """One pass over ``x``: forecasts ``out`` (J, C, H) and ``fit`` (J, C) of ``grid`` (5, C) from every end.

    ``ends`` (J,) fall, 0 for none. ``fit`` is the mean size of the errors of one step, newer ones weighing more, each
    times ``unit[0]`` (T,), 0 at the first value; drifts and means are what was known before the step (``unit[1:]``:
    what sums are multiplied by for a mean and a slope). Models with a trend come first, so that the others' loop is
    without one. ``ahead``, ``edges``: see :func:`put`.
    """
    alpha, beta, phi, lift, keep = grid[0], grid[1], grid[2], grid[3], grid[4]
    models, at = grid.shape[1], len(ends) - 1
    level, trend, miss = room[0], room[1], room[2]
    while at > 0 and ends[at] == 0:
        at -= 1
    look = min(ends[at] - 1, 4)
    start = (x[look] - x[0]) / look if look > 0 else 0.0
    trended = 0
    for c in range(models):
        trended += 1 if beta[c] > 0.0 else 0
        trend[c] = start if beta[c] > 0.0 else 0.0
        level[c] = x[0] - trend[c]
        miss[c] = 0.0
    first = mean = x[0]
    total, moment, slope, norm = 0.0, 0.0, 0.0, 0.0
    for t in range(ends[0]):
        value, weight = x[t], unit[0, t]
        norm = FORGET * norm + (1.0 if t > 0 else 0.0)
        for c in range(trended):
            told = level[c] + phi[c] * trend[c]
            gap = value - told
            miss[c] = FORGET * miss[c] + weight * abs(gap)
            trend[c] = phi[c] * trend[c] + beta[c] * gap
            level[c] = told + alpha[c] * gap
        for c in range(trended, models):
            told = mean + keep[c] * (level[c] - mean) + lift[c] * slope
            miss[c] = FORGET * miss[c] + weight * abs(value - told)
            level[c] += alpha[c] * (value - level[c])
        total += value - first
        moment += t * (value - first)
        mean = first + total * unit[1, t]
        slope = (moment - 0.5 * t * total) * unit[2, t]
        while at >= 0 and ends[at] == t + 1:
            leave_grid(level, trend, mean, slope, t + 1, grid, far, ahead, log, edges[at], out[at], room[3])
            for c in range(models):
                fit[at, c] = miss[c] / norm if norm > 0.0 else np.nan
            at -= 1


def leave_grid(
    level: Any,
    trend: Any,
    mean: float,
    slope: float,
    count: int,
    grid: Any,
    far: Any,
    ahead: Any,
    log: bool,
    edge: Any,
    out: Any,
    told: Any,
) -> None:
    """Forecasts ``out`` (C, H) from where the models of ``grid`` (5, C) are after ``count`` values.

    ``far`` (3, C, H): how far a trend, the distance from the mean and a drift reach (see :meth:`Grid.reach`).
    """
    alpha, lift = grid[0], grid[3]
    for c in range(len(alpha)):
        away, base = level[c] - mean, mean
        if lift[c] > 0.0:
            base += lift[c] * slope * (1.0 - (1.0 - alpha[c]) ** count)
        for h in range(out.shape[1]):
            told[h] = base + trend[c] * far[0, c, h] + away * far[1, c, h] + slope * far[2, c, h]
        put(told, ahead, log, edge, out[c])


def put(told: Any, ahead: Any, log: bool, edge: Any, out: Any) -> None:
    """Store ``told`` + ``ahead`` (H,), out of the logarithms, within ``edge[:2]``, less the last value ``edge[2]``."""
    least, most, last = edge[0], edge[1], edge[2]
    for h in range(len(out)):
        value = told[h] + ahead[h]
        if log:
            # the exponential to 1e-13, without a call: a power of two times a polynomial
            value = min(max(value, -LARGEST), LARGEST)
            power = np.floor(value * 1.4426950408889634 + 0.5)
            r = value - power * 0.6931471805599453
            value = 1.0 + r * (1.0 + r * (1 / 2 + r * (1 / 6 + r * (1 / 24 + r * (1 / 120 + r * (1 / 720 + r * (
                1 / 5040 + r * (1 / 40320 + r * (1 / 362880 + r / 3628800)))))))))  # fmt: skip
            value *= np.int64((np.int64(power) + 1023) << 52).view(np.float64)
        out[h] = min(max(value, least), most) - last


def run_learning(
    x: Any,
    unit: Any,
    count: int,
    season: int,
    learning: Any,
    ahead: Any,
    log: bool,
    edge: Any,
    out: Any,
    fit: Any,
    room: Any,
) -> None:
    """Forecasts ``out`` (D, H) and ``fit`` (D,) of the models that go on learning the pattern: ``learning`` (2, D)."""
    alpha, gamma = learning[0], learning[1]
    models = len(alpha)
    level, miss, told, state = room[0], room[1], room[2], np.zeros((season, models))
    phase, norm = 0, 0.0
    for c in range(models):
        level[c], miss[c] = x[0], 0.0
    for t in range(count):
        value, weight = x[t], unit[0, t]
        norm = FORGET * norm + (1.0 if t > 0 else 0.0)
        for c in range(models):
            gap = value - level[c] - state[phase, c]
            miss[c] = FORGET * miss[c] + weight * abs(gap)
            level[c] += alpha[c] * gap
            state[phase, c] += gamma[c] * (1.0 - alpha[c]) * gap
        phase = phase + 1 if phase + 1 < season else 0
    for c in range(models):
        fit[c] = miss[c] / norm
        after = phase
        for h in range(out.shape[1]):
            told[h] = level[c] + state[after, c]
            after = after + 1 if after + 1 < season else 0
        put(told, ahead, log, edge, out[c])


def run_naive(y: Any, count: int, season: int, edge: Any, out: Any) -> float:
    """Forecasts ``out`` (H,) of the seasonal naive model; its mean error, newer ones weighing more."""
    miss, norm = 0.0, 0.0
    for t in range(season, count):
        miss = FORGET * miss + abs(y[t] - y[t - season])
        norm = FORGET * norm + 1.0
    for h in range(len(out)):
        out[h] = y[count - season + h % season] - edge[2]
    return miss / norm if norm > 0.0 else np.nan


def forecast_space(
    given: Any,
    unit: Any,
    ends: Any,
    seasons: Any,
    grid: Any,
    far: Any,
    learning: Any,
    log: bool,
    shift: Any,
    block: int,
    edges: Any,
    out: Any,
    fit: Any,
    room: Any,
) -> None:
    """All seasons' forecasts in one space from one end: ``ends``, ``edges``, ``out`` and ``fit`` have one row.

    A season's models stand in a ``block`` of rows of ``out[0]``: the grid from row ``shift[0]`` on, learning ones from
    ``shift[1]``. Option s has the first s + 1 seasons taken out; option 0 goes without where even the first is too
    long.
    """
    count, horizon, models, learners = ends[0], out.shape[2], grid.shape[1], learning.shape[1]
    x, pattern, ahead = room[4], room[5], np.zeros(horizon)
    for t in range(count):
        x[t] = given[t]
    for option in range(len(seasons)):
        season = seasons[option]
        possible = season > 1 and count >= 2 * season + 1
        if possible:
            seasonal_pattern(x, count, season, pattern, room[6:])
            phase = 0
            for t in range(count + horizon):
                if t < count:
                    x[t] -= pattern[phase]
                else:
                    ahead[t - count] += pattern[phase]
                phase = phase + 1 if phase + 1 < season else 0
        row = option * block + shift[0]
        if possible or option == 0:
            made, fitted = out[:, row : row + models], fit[:, row : row + models]
            run_grid(x, unit, ends, grid, far, ahead, log, edges, made, fitted, room)
        row = option * block + shift[1]
        if possible:
            learned, fitness = out[0, row : row + learners], fit[0, row : row + learners]
            run_learning(x, unit, count, season, learning, ahead, log, edges[0], learned, fitness, room)


def forecast_series(
    y: Any,
    ends: Any,
    seasons: Any,
    logs: bool,
    grid: Any,
    log_grid: Any,
    far: Any,
    log_far: Any,
    learning: Any,
    out: Any,
    fit: Any,
) -> None:
    """Every model from each of ``ends``: ``out`` (J, models, H) less the last value, ``fit`` (J, models), NaN filled.

    Per season (or once without): both grids, then the learning models twice and the seasonal naive one.
    """
    length, plain, learners = len(y), grid.shape[1], learning.shape[1]
    both, longest, cycles = plain + log_grid.shape[1], max(plain, out.shape[2]), 0
    for season in seasons:
        cycles += 1 if season > 1 else 0
        longest = max(longest, season)
    block = both + 2 * learners + 1
    logged, one, before = np.empty(length), np.zeros((3, length)), np.zeros((3, length))
    edges, room = np.zeros((len(ends), 3)), np.empty((10, max(longest, length)))
    set_steps(y, logs, logged, one, before)
    set_edges(y, ends, edges)
    if cycles == 0:
        flat, first, second = np.zeros(out.shape[2]), out[:, :plain], out[:, plain:both]
        run_grid(y, one, ends, grid, far, flat, False, edges, first, fit[:, :plain], room)
        if logs:
            run_grid(logged, before, ends, log_grid, log_far, flat, True, edges, second, fit[:, plain:both], room)
        return
    used, shift, turn = seasons[:cycles], (0, both), (plain, both + learners)
    for o in range(len(ends)):
        if ends[o] > 0:
            end, edge, made, fitted = ends[o : o + 1], edges[o : o + 1], out[o : o + 1], fit[o : o + 1]
            forecast_space(y, one, end, used, grid, far, learning, False, shift, block, edge, made, fitted, room)
            if logs:
                forecast_space(
                    logged, before, end, used, log_grid, log_far, learning, True, turn, block, edge, made, fitted, room
                )
            for option in range(cycles):
                row = (option + 1) * block - 1
                if ends[o] >= used[option]:
                    fit[o, row] = run_naive(y, ends[o], used[option], edges[o], out[o, row])


def set_steps(y: Any, logs: bool, logged: Any, one: Any, before: Any) -> None:
    """Logarithms, and by period (3, T) what an error, a sum and a moment are multiplied by (see :func:`run_grid`)."""
    for t in range(len(y)):
        count = t + 1.0
        logged[t] = np.log(y[t]) if logs else 0.0
        if t > 0:
            one[0, t], before[0, t] = 1.0, y[t - 1]
        one[1, t] = before[1, t] = 1.0 / count
        if t > 1:
            one[2, t] = before[2, t] = 12.0 / (count * (count * count - 1.0))


def set_edges(y: Any, ends: Any, edges: Any) -> None:
    """``edges`` (J, 3): between what forecasts are held from each of the falling ``ends``, and the last value there."""
    low, high, begin = y[0], y[0], 0
    for o in range(len(ends) - 1, -1, -1):
        for t in range(begin, ends[o]):
            low, high = min(low, y[t]), max(high, y[t])
        if ends[o] > 0:
            begin = ends[o]
            width = REACH * (high - low)
            edges[o, 0], edges[o, 1], edges[o, 2] = low - width, high + width, y[begin - 1]


def forecast_all(
    values: Any,
    begins: Any,
    counts: Any,
    seasons: Any,
    logs: Any,
    grid: Any,
    log_grid: Any,
    far: Any,
    log_far: Any,
    learning: Any,
    out: Any,
    fit: Any,
) -> None:
    """``out`` (n, origins, models, H), ``fit`` (n, origins, models) from ``counts`` (n, origins) values; else NaN."""
    for i in prange(len(begins)):
        out[i] = np.nan
        fit[i] = np.nan
        y = values[begins[i] : begins[i] + counts[i, 0]]
        forecast_series(y, counts[i], seasons, logs[i], grid, log_grid, far, log_far, learning, out[i], fit[i])
