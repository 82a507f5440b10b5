"""Moving what is served already so that more fits: the plain arithmetic, for one block of one sample.

Written without array operations so that :mod:`capacity_opt.simulation.dispatch_compiled` can compile the same lines.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


def room(load: Array, left: Array) -> float:
    """Units that fit into what is left."""
    amount = np.inf
    for r in range(len(load)):
        if load[r] > 0.0:
            amount = min(amount, left[r] / load[r])
    return max(amount, 0.0)


# fmt: off
def move_aside(
    asked: float, load: Array, here: int, mine: IntArray, open_: BoolArray, stack: IntArray, loads: Array,
    amounts: Array, left: Array,
) -> None:
    """Make room for ``asked`` units of ``load`` on stack ``here`` by moving another group, whose owned ways are
    ``mine``, from there to wherever it can go. ``amounts`` by way and ``left`` by stack are changed."""
    # fmt: on
    for a in mine:
        if stack[a] != here or amounts[a] <= 0.0:
            continue
        for b in mine:
            needed = 0.0
            for r in range(len(load)):
                if loads[a, r] > 0.0:
                    needed = max(needed, (asked * load[r] - left[here, r]) / loads[a, r])
            units = min(amounts[a], needed)
            if stack[b] == here or not open_[b] or units <= 0.0:
                continue
            units = min(units, room(loads[b], left[stack[b]]))
            amounts[a] -= units
            amounts[b] += units
            for r in range(len(load)):
                left[here, r] += units * loads[a, r]
                left[stack[b], r] = max(left[stack[b], r] - units * loads[b, r], 0.0)


# fmt: off
def repack(
    asked: float, group: int, tried: IntArray, open_: BoolArray, owned: IntArray, stack: IntArray, loads: Array,
    amounts: Array, left: Array,
) -> float:
    """Serve ``asked`` more units of ``group`` by moving those served before to other servers that can take them;
    nobody loses a unit. ``owned`` (J, L) owned ways by group, -1 padded. Returns the units served."""
    # fmt: on
    served = 0.0
    for way in tried:
        if way < 0 or not open_[way]:
            continue
        for other in range(len(owned)):
            if asked - served <= 0.0:
                return served
            if other == group:
                continue
            count = 0
            while count < owned.shape[1] and owned[other, count] >= 0:
                count += 1
            move_aside(
                asked - served, loads[way], stack[way], owned[other, :count], open_, stack, loads, amounts, left
            )
            units = min(asked - served, room(loads[way], left[stack[way]]))
            amounts[way] += units
            served += units
            for r in range(left.shape[1]):
                left[stack[way], r] = max(left[stack[way], r] - units * loads[way, r], 0.0)
    return served
