"""The compiled period loop; it repeats the arithmetic of :mod:`capacity_opt.simulation.period_play`. Needs numba."""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


def _quantity(position: float, trigger: float, up_to: float, lot: float, cap: float) -> float:
    if position > trigger:
        return 0.0
    if lot > 0.0:
        return min((math.floor((trigger - position) / lot) + 1.0) * lot, cap)
    return min(up_to - position, cap)


_quantity_compiled = njit(cache=True, inline="always")(_quantity)


# fmt: off
def _advance(
    demand: Array, lead: IntArray, trigger: Array, up_to: Array, lot: float, cap: float, review: int, net: float,
    lost_sales: bool, every_review: bool, warm_up: int, ring: Array, marks: BoolArray, out: Array,
) -> None:
    # fmt: on
    """Any rule: play all periods and put the sums since the warm-up into ``out``."""
    slots, cycle, fixed = len(ring), len(trigger), len(lead) == 1
    position = net + ring.sum()
    last = wait = slot = column = 0
    short_in_cycle = False
    asked = met = on_hand = backorders = ordered = 0.0
    short_sum = ready = orders = cycles = good = 0
    for t in range(len(demand)):
        if t == warm_up:
            asked = met = on_hand = backorders = ordered = 0.0
            short_sum = ready = orders = cycles = good = 0
        if wait == 0:
            wait = review
            quantity = _quantity_compiled(position, trigger[column], up_to[column], lot, cap)
            placed = quantity > 0.0
            position = up_to[column] if placed and lot == 0.0 and quantity < cap else position + quantity
            if every_review or placed:
                last = max(t + lead[0 if fixed else t], last)
                due = (slot + last - t) if slot + last - t < slots else slot + last - t - slots
                ring[due] += quantity
                marks[due] = True
                orders += placed
                ordered += quantity
        if marks[slot]:
            cycles += 1
            good += not short_in_cycle
            short_in_cycle = False
            net += ring[slot]
            ring[slot] = 0.0
            marks[slot] = False
        wanted = demand[t]
        filled = min(max(net, 0.0), wanted)
        taken = filled if lost_sales else wanted
        net -= taken
        position -= taken
        short = filled < wanted if lost_sales else net < 0.0
        short_in_cycle |= short
        asked += wanted
        met += filled
        on_hand += max(net, 0.0)
        backorders += max(-net, 0.0)
        short_sum += short
        ready += net > 0.0
        wait -= 1
        slot = slot + 1 if slot + 1 < slots else 0
        column = column + 1 if column + 1 < cycle else 0
    out[0], out[1], out[2], out[3], out[4] = asked, met, on_hand, backorders, short_sum
    out[5], out[6], out[7], out[8], out[9] = ready, orders, ordered, cycles, good


_advance_compiled = njit(cache=True, nogil=True, inline="always")(_advance)


# fmt: off
def _replenish(
    demand: Array, level: float, lead: int, net: float, lost_sales: bool, warm_up: int, ring: Array, out: Array
) -> None:
    # fmt: on
    """Base stock reviewed every period: each order is what was taken the period before, so no branch is needed."""
    slot, slots = 0, lead + 1
    position = net
    short_in_cycle = False
    asked = met = on_hand = backorders = ordered = 0.0
    short_sum = ready = orders = cycles = good = 0
    for t in range(len(demand)):
        if t == warm_up:
            asked = met = on_hand = backorders = ordered = 0.0
            short_sum = ready = orders = cycles = good = 0
        quantity = level - position
        ring[slot - 1 if slot > 0 else lead] = quantity
        orders += quantity > 0.0
        ordered += quantity
        came = t >= lead
        cycles += came
        good += came and not short_in_cycle
        net += ring[slot]
        wanted = demand[t]
        filled = min(max(net, 0.0), wanted)
        taken = filled if lost_sales else wanted
        net -= taken
        position = level - taken
        short = filled < wanted if lost_sales else net < 0.0
        short_in_cycle = short or (short_in_cycle and not came)
        asked += wanted
        met += filled
        on_hand += max(net, 0.0)
        backorders += max(-net, 0.0)
        short_sum += short
        ready += net > 0.0
        slot = slot + 1 if slot + 1 < slots else 0
    out[0], out[1], out[2], out[3], out[4] = asked, met, on_hand, backorders, short_sum
    out[5], out[6], out[7], out[8], out[9] = ready, orders, ordered, cycles, good


_replenish_compiled = njit(cache=True, nogil=True, inline="always")(_replenish)


# fmt: off
def _cell(
    demand: Array, lead: IntArray, trigger: Array, up_to: Array, lot: float, cap: float, review: int, net: float,
    lost_sales: bool, every_review: bool, warm_up: int, due: Array, ring: Array, marks: BoolArray, out: Array,
) -> None:
    # fmt: on
    """One item in one replication."""
    ring[:] = 0.0
    ring[: len(due)] = due
    plain = every_review and review == 1 and lot == 0.0 and cap == np.inf and len(trigger) == 1 and len(lead) == 1
    plain = plain and trigger[0] == up_to[0] and net <= up_to[0] and len(due) == 0
    if plain and lost_sales:  # copies compiled for their own kind of demand: a quarter faster
        _replenish_compiled(demand, up_to[0], lead[0], net, True, warm_up, ring, out)
    elif plain:
        _replenish_compiled(demand, up_to[0], lead[0], net, False, warm_up, ring, out)
    elif lost_sales:
        marks[:] = ring > 0.0
        _advance_compiled(
            demand, lead, trigger, up_to, lot, cap, review, net, True, every_review, warm_up, ring, marks, out
        )
    else:
        marks[:] = ring > 0.0
        _advance_compiled(
            demand, lead, trigger, up_to, lot, cap, review, net, False, every_review, warm_up, ring, marks, out
        )


_cell_compiled = njit(cache=True, nogil=True)(_cell)


# fmt: off
def _play_cells(
    demand: Array, lead: IntArray, trigger: Array, up_to: Array, lot: Array, cap: Array, review: IntArray, net: Array,
    lost_sales: bool, every_review: bool, warm_up: int, due: Array, slots: int, out: Array,
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
                lost_sales, every_review, warm_up, due[i], ring, marks, out[r, i],
            )  # fmt: skip


play_cells = njit(cache=True, nogil=True, parallel=True)(_play_cells)
