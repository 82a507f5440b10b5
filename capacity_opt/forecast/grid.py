"""The grid of recursive models: exponential smoothing, damped trend and theta differ only in a few numbers.

One recursion serves all. With level l, trend b and the error e = y - (l + phi b) of one step::

    l <- l + phi b + alpha e          b <- phi b + beta e          forecast of step h: l + b (phi + ... + phi^h)

``beta = 0`` without a trend is simple exponential smoothing (``alpha = 1``: naive); ``drift`` adds that share of the
straight line's slope per step (theta: one half, with the correction of Hyndman and Billah 2003); ``revert`` lets the
level return to the mean, by that factor per step. Learning models update the seasonal pattern as they go, by ``gamma``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_LEVELS = (0.1, 0.3, 0.6, 1.0)
_TRENDS = ((0.2, 0.1), (0.5, 0.2), (0.8, 0.1), (0.8, 0.4))
_DAMPING = (0.85, 0.97)
_THETA = (0.2, 0.5, 1.0)
_REVERT = ((1.0, 0.6), (1.0, 0.9), (0.4, 0.97))
_LOG_LEVELS = (0.3,)
_LOG_DAMPING = (0.97,)
_LEARNING = ((0.02, 0.3), (0.02, 0.7), (0.1, 0.2), (0.3, 0.2), (0.7, 0.2))


@dataclass(frozen=True)
class Grid:
    """``plain`` (5, C) and ``logged`` (5, L), those with a trend first; ``learning`` (2, D): alpha, gamma.

    Rows: alpha, beta, phi, drift, revert.

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


@cache
def smoothing_grid() -> Grid:
    """The models every series is tried with.

    >>> smoothing_grid().count(seasons=0), smoothing_grid().count(seasons=1)
    (29, 40)
    """
    plain = _models(_LEVELS, _DAMPING)
    logged = _models(_LOG_LEVELS, _LOG_DAMPING)
    return Grid(_frozen(plain), _frozen(logged), _frozen(_LEARNING))


def _models(levels: tuple[float, ...], damping: tuple[float, ...]) -> list[tuple[float, ...]]:
    rows: list[tuple[float, ...]] = [(alpha, alpha * beta, phi, 0.0, 0.0) for alpha, beta in _TRENDS for phi in damping]
    rows += [(alpha, 0.0, 0.0, 0.0, 0.0) for alpha in levels]
    rows += [(alpha, 0.0, 0.0, 0.5, 0.0) for alpha in _THETA]
    return rows + [(alpha, 0.0, 0.0, 0.0, revert) for alpha, revert in _REVERT]


def _frozen(rows: list[tuple[float, ...]] | tuple[tuple[float, ...], ...]) -> Array:
    table = np.array(rows).T.copy()
    table.setflags(write=False)
    return table
