"""Finds (s, S) policies of least ordering and holding cost that keep a service target.

For a given S - s every measure rises with s, and so does the stock, while the rate of orders stays: the least s that
keeps the target is the best one. The search is over S - s, from the policy whose stock-out cost stands for the target.
Cost falls and rises once in S - s but for the jumps that whole levels make: long steps first, then every neighbour
within ``REACH``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import ArgumentError
from capacity_opt.inventory.exposure import Exposure
from capacity_opt.inventory.rq_service import RQTarget
from capacity_opt.inventory.ss_averages import ss_averages_of
from capacity_opt.inventory.stationary import measures

Array = NDArray[np.float64]
REACH = 8
MOST_DOUBLINGS = 60
# Continuous levels are found to this share of the width they are searched in.
FINE = 2.0**-14


@dataclass(frozen=True, kw_only=True)
class Aimed:
    """Items (n,) with their ``target``; ``holding`` and ``fixed`` costs, ``step`` of the lattice that they are judged
    on, and ``width``, the deviation of the demand that a level protects against."""

    exposed: Exposure
    target: RQTarget
    holding: Array
    fixed: Array
    step: Array
    width: Array

    def judged(self, reorder: Array, gap: Array) -> tuple[Array, Array]:
        """The target's measure, and ordering and holding cost."""
        none = np.zeros(len(reorder))
        averages = ss_averages_of(self.exposed, reorder, reorder + gap, self.step)
        found = measures(averages, self.holding, none, none, self.fixed, reorder.shape)
        return np.asarray(found[self.target.measure]), np.asarray(found["expected_cost"])

    def least(self, start: Array, gap: Array, apart: Array) -> tuple[Array, Array]:
        """The least reorder point that keeps the target with S - s = ``gap``, likely within ``apart`` of ``start``; and
        its cost."""
        unit = np.ones(len(start)) if self.exposed.discrete else self.width * FINE
        jump = np.maximum(np.floor(apart / unit / 4.0), 1.0)

        def keeps(count: Array) -> NDArray[np.bool_]:
            return self.judged(start + count * unit, gap)[0] >= self.target.wanted

        reorder = start + unit * least_count(keeps, jump)
        return reorder, self.judged(reorder, gap)[1]


def least_count(keeps: Callable[[Array], NDArray[np.bool_]], jump: Array) -> Array:
    """The least whole number, per item, that ``keeps``, which holds from some number on; ``jump`` the first stride."""
    low, high = np.full(len(jump), -np.inf), np.full(len(jump), np.inf)
    at, stride = np.zeros(len(jump)), jump.copy()
    for _ in range(MOST_DOUBLINGS):
        kept = keeps(at)
        high, low = np.where(kept, np.minimum(high, at), high), np.where(kept, low, np.maximum(low, at))
        if np.all(np.isfinite(low) & np.isfinite(high)):
            break
        at = np.where(np.isinf(low), high - stride, np.where(np.isinf(high), low + stride, high))
        stride = stride * 2.0
    else:
        raise ArgumentError("no reorder point keeps the service target exactly: choose one a little further from 1")
    while np.any(high - low > 1.0):
        middle = np.floor((low + high) / 2.0)
        kept = keeps(middle)
        inside = high - low > 1.0
        high, low = np.where(kept & inside, middle, high), np.where(~kept & inside, middle, low)
    return high


def find_ss_for_service(aimed: Aimed, reorder: Array, gap: Array) -> tuple[Array, Array]:
    """Reorder point and S - s of least cost, (items,) each, from a first policy; every item must have demand."""
    unit = aimed.step
    gap = np.maximum(np.rint(gap / unit), 1.0) * unit
    reorder, cost = aimed.least(reorder, gap, aimed.width)
    best = reorder, gap, cost
    jump = np.exp2(np.floor(np.log2(np.maximum(gap / unit / 2.0, 1.0))))
    while np.any(jump >= 1.0):
        before = best[2]
        for sign in (1.0, -1.0):
            best = _better(aimed, best, best[1] + sign * np.maximum(jump, 1.0) * unit)
        jump = np.where(best[2] < before, jump, np.floor(jump / 2.0))
    for _ in range(REACH):
        before, centre = best[2], best[1]
        for offset in range(1, REACH + 1):
            for sign in (1.0, -1.0) if np.any(centre > offset * unit) else (1.0,):
                best = _better(aimed, best, centre + sign * offset * unit)
        if np.all(best[2] == before):
            break
    return best[0], best[1]


def _better(aimed: Aimed, best: tuple[Array, Array, Array], gap: Array) -> tuple[Array, Array, Array]:
    """``best`` (reorder point, gap, cost), or what ``gap`` gives where that is cheaper."""
    gap = np.maximum(gap, aimed.step)
    reorder, cost = aimed.least(best[0], gap, np.abs(gap - best[1]))
    cheaper = cost < best[2] * (1.0 - 1e-12)
    found = tuple(np.where(cheaper, new, old) for new, old in zip((reorder, gap, cost), best, strict=True))
    return found[0], found[1], found[2]
