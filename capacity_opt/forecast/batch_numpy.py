"""All models of all series from all origins in NumPy: series of equal length side by side.

The twin of ``batch_kernel``: the same numbers to rounding, many series at a time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from capacity_opt.forecast.batch_kernel import DECAY, FORGET, LARGEST, REACH
from capacity_opt.forecast.grid import Grid, reach

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Found = tuple[Array, Array]
"""Forecasts (g, C, H) and fits (g, C)."""


def forecast_all(
    values: Array,
    begins: IntArray,
    counts: IntArray,
    seasons: IntArray,
    logs: BoolArray,
    grid: Grid,
    out: NDArray[np.float32],
    fit: NDArray[np.float32],
) -> None:
    """As the kernel of that name; ``out`` (n, origins, models, H), ``fit`` (n, origins, models)."""
    out[:], fit[:] = np.nan, np.nan
    lengths = [int(season) for season in seasons if season > 1]
    columns = [[origin] for origin in range(counts.shape[1])] if lengths else [list(range(counts.shape[1]))]
    for origins in columns:
        keys = np.column_stack([counts[:, origins], logs])
        for *ends, logged in np.unique(keys, axis=0).tolist():
            if ends[0]:
                rows = np.flatnonzero((keys == (*ends, logged)).all(axis=1))
                y = values[begins[rows, None] + np.arange(ends[0])]
                ends = [end for end in ends if end]
                told, fitted = _forecast_group(y, ends, lengths, bool(logged), grid, out.shape[3])
                for origin, end, here, fits in zip(origins, ends, told, fitted):
                    known = y[:, :end]
                    low, high = known.min(axis=1)[:, None, None], known.max(axis=1)[:, None, None]
                    width = REACH * (high - low)
                    out[rows, origin] = np.clip(here, low - width, high + width) - known[:, -1, None, None]
                    fit[rows, origin] = fits


def _forecast_group(
    y: Array, ends: list[int], lengths: list[int], logs: bool, grid: Grid, horizon: int
) -> tuple[list[Array], list[Array]]:
    """Per end forecasts (g, models, H) and fits (g, models) in the kernel's order; with seasons there is one end."""
    count, parts = len(y), []
    one, before = np.ones(y.shape), np.concatenate([np.zeros((count, 1)), y[:, :-1]], axis=1)
    one[:, 0] = 0.0
    spaces = [_space(y, one, ends, lengths, grid.plain, grid.learning, False, horizon)]
    if logs:
        spaces.append(_space(np.log(y), before, ends, lengths, grid.logged, grid.learning, True, horizon))
    else:
        spaces.append(
            _nothing(count, len(ends), len(lengths), grid.logged.shape[1], grid.learning.shape[1], horizon),
        )
    for at in range(len(ends)):
        blocks = []
        for option in range(max(1, len(lengths))):
            blocks += [found[option][at] for found, _ in spaces]
            if option < len(lengths):
                blocks += [*(learned[option] for _, learned in spaces), _naive(y, lengths[option], horizon)]
        parts.append([np.concatenate(each, axis=1) for each in zip(*blocks)])
    return [told for told, _ in parts], [fits for _, fits in parts]


def _naive(y: Array, season: int, horizon: int) -> Found:
    told, fit = np.full((len(y), 1, horizon), np.nan), np.full((len(y), 1), np.nan)
    count = y.shape[1]
    if count >= season:
        told[:, 0] = y[:, count - season + np.arange(horizon) % season]
    if count > season:
        weight = FORGET ** np.arange(count - season)[::-1]
        fit[:, 0] = np.abs(y[:, season:] - y[:, :-season]) @ weight / weight.sum()
    return told, fit


def _nothing(
    count: int, ends: int, seasons: int, models: int, learners: int, horizon: int
) -> tuple[list[list[Found]], list[Found]]:
    def empty(width: int) -> Found:
        return np.full((count, width, horizon), np.nan), np.full((count, width), np.nan)

    first = [[empty(models) for _ in range(ends)] for _ in range(max(1, seasons))]
    return first, [empty(learners) for _ in range(seasons)]


def _space(
    x: Array, unit: Array, ends: list[int], lengths: list[int], grid: Array, learning: Array, log: bool, horizon: int
) -> tuple[list[list[Found]], list[Found]]:
    """Per season (also without one) and end what the grid finds, and per season what the learning models do."""
    count = x.shape[1]
    found, learned = _nothing(len(x), len(ends), len(lengths), grid.shape[1], learning.shape[1], horizon)
    total = np.zeros((len(x), 1, horizon))
    for option, season in enumerate(lengths or [0]):
        possible = season > 1 and count >= 2 * season + 1
        if possible:
            pattern = seasonal_pattern(x, season)
            x = x - pattern[:, np.arange(count) % season]
            total = total + pattern[:, None, np.arange(count, count + horizon) % season]
        if possible or option == 0:
            found[option] = [(_left(told + total, log), fit) for told, fit in _grid(x, unit, ends, grid, horizon)]
        if possible:
            told, fit = _learning(x, unit, season, learning, horizon)
            learned[option] = _left(told + total, log), fit
    return found, learned


def _left(told: Array, log: bool) -> Array:
    return np.exp(np.clip(told, -LARGEST, LARGEST)) if log else told


def seasonal_pattern(x: Array, season: int) -> Array:
    """(g, season) the shrunken additive patterns of ``x`` (g, count)."""
    count, half = x.shape[1], season // 2
    window = np.ones(2 * half + 1) / season
    if season % 2 == 0:
        window[[0, -1]] *= 0.5
    middle = np.lib.stride_tricks.sliding_window_view(x, 2 * half + 1, axis=1) @ window
    place = np.arange(half, count - half)
    weight = DECAY ** ((count - half - 1 - place) // season)
    gap = x[:, half : count - half] - middle
    phase = np.zeros((len(place), season))
    phase[np.arange(len(place)), place % season] = weight
    by_phase = phase.sum(axis=0)
    pattern = gap @ phase / by_phase
    between = (pattern * pattern) @ by_phase / weight.sum()
    noise = float(np.mean((phase * phase).sum(axis=0) / by_phase**2))
    within = np.maximum((gap * gap) @ weight / weight.sum() - between, 0.0) * noise / max(1.0 - noise, 1e-3)
    with np.errstate(divide="ignore", invalid="ignore"):
        believed = np.where(between > 0, np.maximum(1.0 - within / between, 0.0), 0.0)
    shrunk: Array = (pattern - pattern.mean(axis=1, keepdims=True)) * believed[:, None]
    return shrunk


def _grid(x: Array, unit: Array, ends: list[int], grid: Array, horizon: int) -> list[Found]:
    """Per end."""
    alpha, beta, phi, lift, keep = grid
    look = min(ends[-1] - 1, 4)
    start = (x[:, look] - x[:, 0]) / look if look > 0 else np.zeros(len(x))
    trend = np.where(beta > 0, start[:, None], 0.0)
    level = x[:, :1] - trend
    place = np.arange(x.shape[1])
    count = place + 1.0
    total, moment = np.cumsum(x - x[:, :1], axis=1), np.cumsum(place * (x - x[:, :1]), axis=1)
    means = x[:, :1] + total / count
    slopes = (moment - 0.5 * place * total) / np.maximum(count * (count * count - 1.0) / 12.0, 1.0)
    slopes[:, :2] = 0.0
    miss, norm, found = np.zeros(level.shape), 0.0, []
    mean, slope = x[:, :1], np.zeros((len(x), 1))
    for t, value in enumerate(x.T):
        norm = FORGET * norm + (t > 0)
        damped = level + phi * trend
        told = np.where(beta > 0, damped, mean + keep * (level - mean) + lift * slope)
        miss = FORGET * miss + unit[:, t, None] * np.abs(value[:, None] - told)
        ahead = np.where(beta > 0, damped, level)
        gap = value[:, None] - ahead
        trend = phi * trend + beta * gap
        level = ahead + alpha * gap
        mean, slope = means[:, t, None], slopes[:, t, None]
        if t + 1 in ends:
            fit = miss / norm if norm > 0 else np.full(miss.shape, np.nan)
            found.append((_ahead(level, trend, mean, slope, t + 1, grid, horizon), fit))
    return found[::-1]


def _ahead(level: Array, trend: Array, mean: Array, slope: Array, count: int, grid: Array, horizon: int) -> Array:
    """(g, C, H) from where the models are after ``count`` values."""
    far = reach(grid, horizon)
    rise = grid[3] * slope * (1.0 - (1.0 - grid[0]) ** count)
    told: Array = (mean + rise)[:, :, None] + trend[:, :, None] * far[0] + (level - mean)[:, :, None] * far[1]
    told += slope[:, :, None] * far[2]
    return told


def _learning(x: Array, unit: Array, season: int, learning: Array, horizon: int) -> Found:
    alpha, gamma = learning
    count = x.shape[1]
    level = np.repeat(x[:, :1], len(alpha), axis=1)
    state = np.zeros((season, len(x), len(alpha)))
    miss, norm = np.zeros(level.shape), 0.0
    for t, value in enumerate(x.T):
        norm = FORGET * norm + (t > 0)
        gap = value[:, None] - level - state[t % season]
        miss = FORGET * miss + unit[:, t, None] * np.abs(gap)
        level = level + alpha * gap
        state[t % season] += gamma * (1.0 - alpha) * gap
    ahead = state[np.arange(count, count + horizon) % season]
    return np.moveaxis(level[None] + ahead, 0, 2), miss / norm
