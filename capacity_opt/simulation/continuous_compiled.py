"""The compiled event loop; it repeats what :mod:`capacity_opt.simulation.continuous` does. Needs numba."""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

Array = NDArray[np.float64]


def _clock(net: float, start: float, until: float, out: Array) -> None:
    """Time passes with this stock."""
    spent = max(until - start, 0.0)
    out[2] += spent * max(net, 0.0)
    out[3] += spent * max(-net, 0.0)
    out[4] += spent if net < 0.0 else 0.0
    out[5] += spent if net > 0.0 else 0.0


_clock_compiled = njit(cache=True, nogil=True)(_clock)


def _order(position: float, trigger: float, up_to: float, lot: float, cap: float) -> float:
    if position > trigger:
        return 0.0
    if lot > 0.0:
        return float(min((math.floor((trigger - position) / lot) + 1.0) * lot, cap))
    return min(up_to - position, cap)


_order_compiled = njit(cache=True, nogil=True)(_order)


# fmt: off
def _cell(
    times: Array, sizes: Array, trigger: float, up_to: float, lot: float, cap: float, lead: float, net: float,
    lost_sales: bool, warm_up: float, horizon: float, due: Array, coming: Array, out: Array,
) -> None:
    # fmt: on
    """One item in one replication; orders wait in the order placed, ``due`` and ``coming`` (events,)."""
    position, clock, first, last, clean, e = net, 0.0, 0, 0, True, 0
    while True:
        next_customer = times[e] if e < len(times) else horizon
        until = min(next_customer, horizon)
        arrives = first < last and due[first] <= until
        if arrives:
            until = due[first]
        _clock_compiled(net, max(clock, warm_up), until, out)
        clock = max(until, clock)
        counted = clock >= warm_up
        if arrives:
            if counted:
                out[8] += 1.0
                out[9] += 1.0 if clean else 0.0
            net += coming[first]
            clean = net >= 0.0
            first += 1
            continue
        if next_customer >= horizon:
            return
        asked = sizes[e]
        e += 1
        filled = min(max(net, 0.0), asked)
        taken = filled if lost_sales else asked
        net -= taken
        position -= taken
        clean = clean and filled >= asked
        quantity = _order_compiled(position, trigger, up_to, lot, cap)
        position += quantity
        if quantity > 0.0:
            due[last] = clock + lead
            coming[last] = quantity
            last += 1
        if counted:
            out[0] += asked
            out[1] += filled
            out[6] += 1.0 if quantity > 0.0 else 0.0
            out[7] += quantity


_cell_compiled = njit(cache=True, nogil=True)(_cell)


# fmt: off
def _play_event_cells(
    times: Array, sizes: Array, trigger: Array, up_to: Array, lot: Array, cap: Array, lead: Array, net: Array,
    lost_sales: bool, warm_up: float, horizon: float, out: Array,
) -> None:
    # fmt: on
    replications, items, events = times.shape
    for r in prange(replications):
        due = np.empty(events)
        coming = np.empty(events)
        for i in range(items):
            _cell_compiled(
                times[r, i], sizes[r, i], trigger[i], up_to[i], lot[i], cap[i], lead[i], net[r, i], lost_sales,
                warm_up, horizon, due, coming, out[r, i],
            )  # fmt: skip


play_event_cells = njit(cache=True, nogil=True, parallel=True)(_play_event_cells)
