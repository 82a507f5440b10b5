"""Compiled search for the base-stock level of a fill-rate target under Poisson demand, one pass of additions per item.

With loss(s) = E[max(D - s, 0)], loss(s + 1) = loss(s) - P(D > s): the level is counted up from 0 until the expected
shortage between two arrivals is small enough. Items that this cannot settle beyond rounding are left to the general
search, so both ways give the same levels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from capacity_opt._compiled import compiled
from capacity_opt.demand.counts import Poisson
from capacity_opt.demand.protocol import Demand

Array = NDArray[np.float64]
prange = range

WORTH_COMPILING = 20_000


def compiled_fill_levels(early: Demand, last: Demand, target: Array) -> tuple[Array, NDArray[np.intp]] | None:
    """Levels and the items still to be found; ``None`` where the general search has to do all."""
    if not (isinstance(early, Poisson) and isinstance(last, Poisson) and len(last.shape) == 1):
        return None
    count = last.shape[0]
    if count < WORTH_COMPILING or early.shape not in ((), last.shape) or np.shape(target) not in ((), last.shape):
        return None
    kernel = compiled(count_up)
    if kernel is None:
        return None
    level = np.empty(count)
    kernel(np.broadcast_to(early.mean, (count,)), last.mean, np.broadcast_to(1.0 - target, (count,)), level)
    return level, np.flatnonzero(level < 0)


def count_up(early: Array, last: Array, missed: Array, level: Array) -> None:
    """The smallest s with loss_last(s) - loss_early(s) <= missed x (last - early); -1 where rounding could decide."""
    for i in prange(last.shape[0]):
        a, b = early[i], last[i]
        allowed = missed[i] * (b - a)
        margin = 1e-11 * (1.0 + b)
        level[i] = -1.0
        if b < 600.0 and allowed > margin:
            loss_a, loss_b = a, b
            mass_a, mass_b = np.exp(-a), np.exp(-b)
            below_a, below_b = mass_a, mass_b
            s = 0
            nearest = abs(loss_b - loss_a - allowed)
            while loss_b - loss_a > allowed:
                loss_a -= 1.0 - below_a
                loss_b -= 1.0 - below_b
                s += 1
                mass_a *= a / s
                mass_b *= b / s
                below_a += mass_a
                below_b += mass_b
                nearest = min(nearest, abs(loss_b - loss_a - allowed))
            if nearest > margin:
                level[i] = s
