"""Plain forecasts to measure others by: each uses only what was known when it was issued."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

NAMES = ("naive", "empirical", "recent", "seasonal")


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """``window`` periods averaged (naive); ``half_life`` periods of the weights (recent, seasonal); ``season``."""

    window: int
    half_life: float
    season: int | None


def known_demand(history: Array, censored: BoolArray) -> Array:
    """(n, T) demand as it can be known in its own period: out of stock, the larger of what was sold and the mean of the
    periods in stock so far.

    >>> known_demand(np.array([[4.0, 6.0, 1.0]]), np.array([[False, False, True]]))
    array([[4., 6., 5.]])
    """
    seen = ~censored
    mean = np.cumsum(history * seen, axis=1) / np.maximum(np.cumsum(seen, axis=1), 1)
    return np.where(seen, history, np.maximum(history, mean))


def baseline_quantiles(
    name: str, known: Array, origins: Sequence[int], span: int, levels: Array, how: Baseline
) -> Array:
    """(n, origins, L) quantiles of the sum of ``span`` periods, issued at each of ``origins`` from the periods of
    ``known`` (n, T) before it."""
    made = np.empty((len(known), len(origins), len(levels)))
    for place, now in enumerate(origins):
        made[:, place] = _issued(name, known[:, :now], span, levels, how)
    return made


def _issued(name: str, past: Array, span: int, levels: Array, how: Baseline) -> Array:
    if past.shape[1] == 0:
        return np.zeros((len(past), len(levels)))
    if name == "naive" or past.shape[1] < span:
        mean = span * past[:, -how.window :].mean(axis=1)
        return np.repeat(mean[:, None], len(levels), axis=1)
    sums = np.lib.stride_tricks.sliding_window_view(past, span, axis=1).sum(axis=2)
    half_life = np.inf if name == "empirical" else how.half_life
    weight = 0.5 ** (np.arange(sums.shape[1])[::-1] / half_life)
    found = _weighted_quantiles(sums, weight, levels)
    if name == "seasonal" and how.season is not None:
        found = found * _season_factor(past.sum(axis=0), weight, span, how.season)
    return found


def _weighted_quantiles(rows: Array, weight: Array, levels: Array) -> Array:
    order = np.argsort(rows, axis=1, kind="stable")
    values, heavy = np.take_along_axis(rows, order, axis=1), (weight / weight.sum())[order]
    middle = np.cumsum(heavy, axis=1) - heavy / 2
    return np.stack([np.interp(levels, at, row) for at, row in zip(middle, values)])


def _season_factor(total: Array, weight: Array, span: int, season: int) -> float:
    """All items together: the same periods one season ago over the weighted periods before them, half way to 1."""
    now = len(total)
    first = now - season
    if first < span or first + span > now:
        return 1.0
    before = np.lib.stride_tricks.sliding_window_view(total[:first], span).sum(axis=1)
    heavy = weight[-len(before) :]
    usual = float(before @ heavy / heavy.sum())
    return float(np.sqrt(total[first : first + span].sum() / usual)) if usual > 0 else 1.0
