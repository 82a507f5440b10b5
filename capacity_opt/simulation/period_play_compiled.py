"""The compiled period loop; it repeats the arithmetic of :mod:`capacity_opt.simulation.period_play`. Needs numba."""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


def _quantity(position: float, trigger: float, up_to: float, lot: float, cap: float) -> float:
    if position > trigger:
        return 0.0
    if lot > 0.0:
        return min((math.floor((trigger - position) / lot) + 1.0) * lot, cap)
    return min(up_to - position, cap)


_quantity_compiled = njit(cache=True, inline="always")(_quantity)


# fmt: off
def _cell(
    demand: Array, lead: IntArray, trigger: Array, up_to: Array, lot: float, cap: float, review: int, net: float,
    lost_sales: bool, every_review: bool, warm_up: int, ring: Array, marks: NDArray[np.bool_], out: Array,
) -> None:
    # fmt: on
    slots = len(ring)
    out[:] = 0.0
    position = net
    last = wait = slot = column = 0
    short_in_cycle = False
    for t in range(len(demand)):
        counted = t >= warm_up
        if wait == 0:
            wait = review
            quantity = _quantity_compiled(position, trigger[column], up_to[column], lot, cap)
            position = up_to[column] if quantity > 0.0 and lot == 0.0 and quantity < cap else position + quantity
            if every_review or quantity > 0.0:
                last = max(t + lead[t], last)
                due = (slot + last - t) if slot + last - t < slots else slot + last - t - slots
                ring[due] += quantity
                marks[due] = True
                if counted and quantity > 0.0:
                    out[6] += 1.0
                    out[7] += quantity
        if marks[slot]:
            if counted:
                out[8] += 1.0
                out[9] += 0.0 if short_in_cycle else 1.0
            short_in_cycle = False
            net += ring[slot]
            ring[slot] = 0.0
            marks[slot] = False
        asked = demand[t]
        filled = min(max(net, 0.0), asked)
        taken = filled if lost_sales else asked
        net -= taken
        position -= taken
        short = filled < asked if lost_sales else net < 0.0
        short_in_cycle = short_in_cycle or short
        if counted:
            out[0] += asked
            out[1] += filled
            out[2] += max(net, 0.0)
            out[3] += max(-net, 0.0)
            out[4] += 1.0 if short else 0.0
            out[5] += 1.0 if net > 0.0 else 0.0
        wait -= 1
        slot = slot + 1 if slot + 1 < slots else 0
        column = column + 1 if column + 1 < len(trigger) else 0
    ring[:] = 0.0
    marks[:] = False


_cell_compiled = njit(cache=True, nogil=True)(_cell)


# fmt: off
def _play_cells(
    demand: Array, lead: IntArray, trigger: Array, up_to: Array, lot: Array, cap: Array, review: IntArray, net: Array,
    lost_sales: bool, every_review: bool, warm_up: int, slots: int, out: Array,
) -> None:
    # fmt: on
    """Fill ``out`` (replications, n, measures) with the sums of every cell, cells shared between the cores."""
    replications, items = demand.shape[:2]
    cells = replications * items
    chunk = max(1, (cells + 63) // 64)
    for c in prange((cells + chunk - 1) // chunk):
        ring = np.zeros(slots)
        marks = np.zeros(slots, dtype=np.bool_)
        for cell in range(c * chunk, min(cells, (c + 1) * chunk)):
            r = cell // items
            i = cell - r * items
            _cell_compiled(
                demand[r, i], lead[r, i], trigger[i], up_to[i], lot[i], cap[i], review[i], net[r, i],
                lost_sales, every_review, warm_up, ring, marks, out[r, i],
            )  # fmt: skip


play_cells = njit(cache=True, nogil=True, parallel=True)(_play_cells)
