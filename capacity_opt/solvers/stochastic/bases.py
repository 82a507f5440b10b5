"""What the basis graph is made of as arrays, and the walk over it in plain NumPy."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
IndexArray = NDArray[np.int32]

OPTIMAL = -1
"""Outcome of a walk: the sample's basis is primal feasible."""
TOO_LONG = -2
"""Outcome: the walk was cut off."""
INFEASIBLE = -10
"""Outcome: this minus the row that no column can repair. Outcomes >= 0 are the row whose pivot is not known yet."""
UNKNOWN, NO_BASIS = -1, -2
"""In ``following``: not computed yet; no column can enter."""
PIVOT_TOLERANCE = 1e-9
TIE = 1e-9


class Tableau(NamedTuple):
    """[matrix, identity] of a recourse problem with cost and bounds of columns and slacks; ``key``: a random number per
    column, so that a basis is known by the exclusive or of its columns'."""

    matrix: Array
    cost: Array
    lower: Array
    upper: Array
    key: IntArray


class Nodes(NamedTuple):
    """Bases met so far, (room, ...): ``columns`` (m,), ``inverse`` (m, m), ``offset`` (m,) of the basic values, their
    bounds, ``duals`` (m,), ``constant`` of the dual objective, ``reduced`` and ``parked`` (where nonbasic columns
    stand, 0 for basic ones) (n + m,), ``following`` (2m,): the basis after the pivot on a row, from below or above."""

    columns: IntArray
    inverse: Array
    offset: Array
    lower: Array
    upper: Array
    duals: Array
    constant: Array
    reduced: Array
    parked: Array
    following: IndexArray
    key: IntArray


def empty_nodes(room: int, m: int, n: int) -> Nodes:
    """Room for bases of m rows and n columns (slacks included)."""
    return Nodes(
        columns=np.zeros((room, m), dtype=np.int64),
        inverse=np.zeros((room, m, m)),
        offset=np.zeros((room, m)),
        lower=np.zeros((room, m)),
        upper=np.zeros((room, m)),
        duals=np.zeros((room, m)),
        constant=np.zeros(room),
        reduced=np.zeros((room, n)),
        parked=np.zeros((room, n)),
        following=np.full((room, 2 * m), UNKNOWN, dtype=np.int32),
        key=np.zeros(room, dtype=np.int64),
    )


def walk_numpy(
    nodes: Nodes,
    values: Array,
    random_rows: IntArray,
    base: Array,
    basis: IndexArray,
    stopped: IndexArray,
    tolerance: float,
    longest: int,
) -> None:
    """Every sample's walk, one step of all unfinished samples at a time, basis by basis."""
    rows = len(base)
    active = np.arange(len(values))
    stopped[:] = TOO_LONG
    for _ in range(longest):
        if not len(active):
            return
        gap = np.empty((len(active), 2 * rows))
        for node in np.unique(basis[active]):
            mine = np.flatnonzero(basis[active] == node)
            inverse = nodes.inverse[node]
            start = nodes.offset[node] + inverse @ base
            basic = start + values[active[mine]] @ inverse[:, random_rows].T
            gap[mine, :rows] = nodes.lower[node] - basic
            gap[mine, rows:] = basic - nodes.upper[node]
        leaving = np.argmax(gap, axis=1)
        violated = gap[np.arange(len(active)), leaving] > tolerance
        target = nodes.following[basis[active], leaving]
        stopped[active] = np.where(
            ~violated,
            OPTIMAL,
            np.where(target == NO_BASIS, INFEASIBLE - leaving, np.where(target < 0, leaving, TOO_LONG)),
        )
        moving = violated & (target >= 0)
        basis[active[moving]] = target[moving]
        active = active[moving]
