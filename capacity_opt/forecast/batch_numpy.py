"""All models of all series from all origins in NumPy: series of equal length side by side.

The twin of ``batch_kernel``: the same numbers to rounding, many series at a time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from capacity_opt.forecast.batch_kernel import DECAY, LARGEST, REACH
from capacity_opt.forecast.grid import Grid

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


def forecast_all(
    values: Array,
    begins: IntArray,
    counts: IntArray,
    seasons: IntArray,
    logs: BoolArray,
    grid: Grid,
    out: NDArray[np.float32],
) -> None:
    """As the kernel of that name; ``out`` (n, origins, models, H)."""
    out[:] = np.nan
    for origin in range(counts.shape[1]):
        keys = np.column_stack([counts[:, origin], logs])
        for count, logged in np.unique(keys, axis=0).tolist():
            if count:
                rows = np.flatnonzero((keys == (count, logged)).all(axis=1))
                y = values[begins[rows, None] + np.arange(count)]
                low, high = y.min(axis=1)[:, None, None], y.max(axis=1)[:, None, None]
                width = REACH * (high - low)
                told = _forecast_group(y, seasons, bool(logged), grid, out.shape[3])
                out[rows, origin] = np.clip(told, low - width, high + width) - y[:, -1, None, None]


def _forecast_group(y: Array, seasons: IntArray, logs: bool, grid: Grid, horizon: int) -> Array:
    """(g, models, H) in the kernel's order."""
    count, lengths = y.shape[1], [int(season) for season in seasons if season > 1]
    spaces = [_space(y, lengths, grid.plain, grid.learning, False, horizon)]
    if logs:
        spaces.append(_space(np.log(y), lengths, grid.logged, grid.learning, True, horizon))
    else:
        spaces.append(_nothing(len(y), len(lengths), grid.logged.shape[1], grid.learning.shape[1], horizon))
    parts = []
    for option in range(max(1, len(lengths))):
        parts += [found[option] for found, _ in spaces]
        if option < len(lengths):
            naive = np.full((len(y), 1, horizon), np.nan)
            if count >= lengths[option]:
                naive[:, 0] = y[:, count - lengths[option] + np.arange(horizon) % lengths[option]]
            parts += [*(learned[option] for _, learned in spaces), naive]
    return np.concatenate(parts, axis=1)


def _nothing(count: int, seasons: int, models: int, learners: int, horizon: int) -> tuple[list[Array], list[Array]]:
    first = [np.full((count, models, horizon), np.nan) for _ in range(max(1, seasons))]
    return first, [np.full((count, learners, horizon), np.nan) for _ in range(seasons)]


def _space(
    x: Array, lengths: list[int], grid: Array, learning: Array, log: bool, horizon: int
) -> tuple[list[Array], list[Array]]:
    """Per season the grid's forecasts (g, C, H), also without one; and per season the learning models' (g, D, H)."""
    count = x.shape[1]
    found, learned = _nothing(len(x), len(lengths), grid.shape[1], learning.shape[1], horizon)
    total = np.zeros((len(x), 1, horizon))
    for option, season in enumerate(lengths or [0]):
        possible = season > 1 and count >= 2 * season + 1
        if possible:
            pattern = seasonal_pattern(x, season)
            x = x - pattern[:, np.arange(count) % season]
            total = total + pattern[:, None, np.arange(count, count + horizon) % season]
        if possible or option == 0:
            found[option] = _left(_grid(x, grid, horizon) + total, log)
        if possible:
            learned[option] = _left(_learning(x, season, learning, horizon) + total, log)
    return found, learned


def _left(told: Array, log: bool) -> Array:
    return np.exp(np.minimum(told, LARGEST)) if log else told


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


def _grid(x: Array, grid: Array, horizon: int) -> Array:
    """(g, C, H)."""
    alpha, beta, phi, drift, revert = grid
    count = x.shape[1]
    look = min(count - 1, 4)
    start = (x[:, look] - x[:, 0]) / look if look > 0 else np.zeros(len(x))
    trend = np.where(beta > 0, start[:, None], 0.0)
    level = x[:, :1] - trend
    for value in x.T:
        ahead = level + phi * trend
        gap = value[:, None] - ahead
        trend = phi * trend + beta * gap
        level = ahead + alpha * gap
    time = np.arange(count) - 0.5 * (count - 1)
    slope = x @ time / (count * (count * count - 1.0) / 12.0) if count > 2 else np.zeros(len(x))
    mean = x.mean(axis=1, keepdims=True)
    step = np.arange(1, horizon + 1)
    reach = np.cumsum(phi[:, None] ** step, axis=1)
    extra = (1.0 - (1.0 - alpha) ** count) / alpha - 1.0
    base = np.where(revert > 0, mean, level)[:, :, None] + (level - mean)[:, :, None] * revert[:, None] ** step
    rising: Array = base + trend[:, :, None] * reach + (drift * slope[:, None])[:, :, None] * (step + extra[:, None])
    return rising


def _learning(x: Array, season: int, learning: Array, horizon: int) -> Array:
    """(g, D, H)."""
    alpha, gamma = learning
    count = x.shape[1]
    level = np.repeat(x[:, :1], len(alpha), axis=1)
    state = np.zeros((season, len(x), len(alpha)))
    for t, value in enumerate(x.T):
        gap = value[:, None] - level - state[t % season]
        level = level + alpha * gap
        state[t % season] += gamma * (1.0 - alpha) * gap
    ahead = state[np.arange(count, count + horizon) % season]
    return np.moveaxis(level[None] + ahead, 0, 2)
