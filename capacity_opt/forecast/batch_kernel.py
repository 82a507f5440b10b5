"""All models of all series from all origins, compiled: one series after another, models side by side.

Plain Python for :func:`capacity_opt._compiled.compiled`; ``batch_numpy`` gives the same numbers without it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

prange = range
DECAY = 0.85  # weight of a seasonal cycle beside the next younger one
LARGEST = 80.0  # of a forecast's logarithm
REACH = 3.0  # no forecast leaves the range seen by more than this many times its width


def seasonal_pattern(x: Any, count: int, season: int, pattern: Any) -> None:
    """Fill ``pattern[:season]`` with the shrunken additive pattern of ``x[:count]``.

    Classical: deviations from the centred moving average, averaged by phase with weight ``DECAY`` per cycle of age,
    shrunk by what chance alone would give (James-Stein): a soft test of seasonality.
    """
    half = season // 2
    weight, second = np.zeros(season), np.zeros(season)
    pattern[:season] = 0.0
    total, squares, weights = 0.0, 0.0, 0.0
    for t in range(2 * half + 1):
        total += x[t]
    inside = count - 2 * half
    oldest, left = (inside - 1) // season, (inside - 1) % season + 1
    w, phase = DECAY**oldest, half % season
    for t in range(half, count - half):
        edge = 0.5 * (x[t - half] + x[t + half]) if season % 2 == 0 else 0.0
        middle = (total - edge) / season
        if t + half + 1 < count:
            total += x[t + half + 1] - x[t - half]
        gap = x[t] - middle
        pattern[phase] += w * gap
        weight[phase] += w
        second[phase] += w * w
        squares += w * gap * gap
        weights += w
        left -= 1
        if left == 0:
            left, w = season, w / DECAY
        phase = phase + 1 if phase + 1 < season else 0
    between, mean, noise = 0.0, 0.0, 0.0
    for p in range(season):
        pattern[p] /= weight[p]
        between += weight[p] * pattern[p] ** 2 / weights
        mean += pattern[p] / season
        noise += second[p] / weight[p] ** 2 / season
    within = max(squares / weights - between, 0.0) * noise / max(1.0 - noise, 1e-3)
    believed = max(1.0 - within / between, 0.0) if between > 0.0 else 0.0
    for p in range(season):
        pattern[p] = (pattern[p] - mean) * believed


def run_grid(x: Any, count: int, grid: Any, level: Any, trend: Any, out: Any) -> None:
    """Forecasts ``out`` (C, H) of every model of ``grid`` (5, C) from the first ``count`` values of ``x``.

    Models with a trend come first, so that the others' loop is without one.
    """
    alpha, beta, phi = grid[0], grid[1], grid[2]
    models = len(alpha)
    look = min(count - 1, 4)
    start = (x[look] - x[0]) / look if look > 0 else 0.0
    trended = 0
    for c in range(models):
        trended += 1 if beta[c] > 0.0 else 0
        trend[c] = start if beta[c] > 0.0 else 0.0
        level[c] = x[0] - trend[c]
    slope, mean, middle = 0.0, 0.0, 0.5 * (count - 1)
    for t in range(count):
        value = x[t]
        slope += (t - middle) * value
        mean += value / count
        for c in range(trended):
            ahead = level[c] + phi[c] * trend[c]
            gap = value - ahead
            trend[c] = phi[c] * trend[c] + beta[c] * gap
            level[c] = ahead + alpha[c] * gap
        for c in range(trended, models):
            level[c] += alpha[c] * (value - level[c])
    slope = slope / (count * (count * count - 1.0) / 12.0) if count > 2 else 0.0
    for c in range(models):
        power, reach, away = 1.0, 0.0, level[c] - mean
        rise = grid[3, c] * slope
        extra = (1.0 - (1.0 - alpha[c]) ** count) / alpha[c] - 1.0 if rise != 0.0 else 0.0
        base = mean if grid[4, c] > 0.0 else level[c]
        for h in range(out.shape[1]):
            power *= phi[c]
            reach += power
            away *= grid[4, c]
            out[c, h] = base + away + trend[c] * reach + rise * (h + 1 + extra)


def run_learning(x: Any, count: int, season: int, learning: Any, level: Any, state: Any, out: Any) -> None:
    """Forecasts ``out`` (D, H) of the models that go on learning the pattern: ``learning`` (2, D)."""
    alpha, gamma = learning[0], learning[1]
    models = len(alpha)
    for c in range(models):
        level[c] = x[0]
        for p in range(season):
            state[p, c] = 0.0
    phase = 0
    for t in range(count):
        value = x[t]
        for c in range(models):
            gap = value - level[c] - state[phase, c]
            level[c] += alpha[c] * gap
            state[phase, c] += gamma[c] * (1.0 - alpha[c]) * gap
        phase = phase + 1 if phase + 1 < season else 0
    for h in range(out.shape[1]):
        for c in range(models):
            out[c, h] = level[c] + state[phase, c]
        phase = phase + 1 if phase + 1 < season else 0


def put(work: Any, models: int, total: Any, log: bool, out: Any) -> None:
    """Add the season back, leave the logarithms, store."""
    for c in range(models):
        for h in range(out.shape[1]):
            told = work[c, h] + total[h]
            out[c, h] = np.exp(min(told, LARGEST)) if log else told


def forecast_space(
    x: Any, count: int, seasons: Any, grid: Any, learning: Any, log: bool, out: Any, learned: Any
) -> None:
    """Every season's forecasts in one space: ``out`` (options, C, H), ``learned`` (seasons, D, H); ``x`` is used up.

    Option s has the first s + 1 seasons taken out; option 0 forecasts without where even the first is too long.
    """
    models, learners, horizon = grid.shape[1], learning.shape[1], out.shape[2]
    level, trend = np.empty(max(models, learners)), np.empty(models)
    work, total = np.empty((max(models, learners), horizon)), np.zeros(horizon)
    for option in range(out.shape[0]):
        season = seasons[option]
        possible = season > 1 and count >= 2 * season + 1
        if possible:
            pattern, state = np.empty(season), np.empty((season, learners))
            seasonal_pattern(x, count, season, pattern)
            phase = 0
            for t in range(count + horizon):
                if t < count:
                    x[t] -= pattern[phase]
                else:
                    total[t - count] += pattern[phase]
                phase = phase + 1 if phase + 1 < season else 0
        if possible or option == 0:
            run_grid(x, count, grid, level, trend, work)
            put(work, models, total, log, out[option])
        if possible:
            run_learning(x, count, season, learning, level, state, work)
            put(work, learners, total, log, learned[option])


def forecast_origin(y: Any, seasons: Any, logs: bool, grid: Any, log_grid: Any, learning: Any, out: Any) -> None:
    """Every model from the end of ``y``: ``out`` (models, H) less the last value of ``y``, NaN where not possible.

    Per season (or once without): both grids, then the learning models twice and the seasonal naive one.
    """
    count, horizon, plain, learners = len(y), out.shape[1], grid.shape[1], learning.shape[1]
    cycles = 0
    for season in seasons:
        cycles += 1 if season > 1 else 0
    options = max(1, cycles)
    x = np.empty(count)
    first, second = np.full((options, plain, horizon), np.nan), np.full((options, log_grid.shape[1], horizon), np.nan)
    learned = np.full((2, cycles, learners, horizon), np.nan)
    for t in range(count):
        x[t] = y[t]
    forecast_space(x, count, seasons, grid, learning, False, first, learned[0])
    if logs:
        for t in range(count):
            x[t] = np.log(y[t])
        forecast_space(x, count, seasons, log_grid, learning, True, second, learned[1])
    low, high = y[0], y[0]
    for t in range(count):
        low, high = min(low, y[t]), max(high, y[t])
    least, most = low - REACH * (high - low), high + REACH * (high - low)
    start, last = 0, y[count - 1]
    for option in range(options):
        start = keep_within(first[option], least, most, last, out, start)
        start = keep_within(second[option], least, most, last, out, start)
        if option < cycles:
            start = keep_within(learned[0, option], least, most, last, out, start)
            start = keep_within(learned[1, option], least, most, last, out, start)
            season = seasons[option]
            for h in range(horizon):
                out[start, h] = y[count - season + h % season] - last if count >= season else np.nan
            start += 1


def keep_within(told: Any, least: float, most: float, last: float, out: Any, start: int) -> int:
    """Store forecasts (C, H) less ``last`` from row ``start`` on, held within ``least`` and ``most``; the next row."""
    for k in range(told.shape[0]):
        for h in range(told.shape[1]):
            value = told[k, h]
            if value > most:
                value = most
            elif value < least:
                value = least
            out[start + k, h] = value - last
    return start + len(told)


def forecast_all(
    values: Any, begins: Any, counts: Any, seasons: Any, logs: Any, grid: Any, log_grid: Any, learning: Any, out: Any
) -> None:
    """``out`` (n, origins, models, H) from ``counts`` (n, origins) values each; NaN where there is no such origin."""
    for i in prange(len(begins)):
        for o in range(counts.shape[1]):
            if counts[i, o] > 0:
                y = values[begins[i] : begins[i] + counts[i, o]]
                forecast_origin(y, seasons, logs[i], grid, log_grid, learning, out[i, o])
            else:
                out[i, o] = np.nan
