"""The arithmetic of the basis graph: walks, pivots, expectations.

Compiled where numba is there; where it is not, pivots run as they stand (they are few) and samples walk by
``walk_numpy``. Everything runs in one thread: a step is so cheap that threads mostly wait for each other. Imported
when first needed, because numba takes its time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from capacity_opt.solvers.stochastic.bases import (
    INFEASIBLE,
    NO_BASIS,
    OPTIMAL,
    PIVOT_TOLERANCE,
    TIE,
    TOO_LONG,
    UNKNOWN,
    Nodes,
    Tableau,
    walk_numpy,
)

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
IndexArray = NDArray[np.int32]

try:
    from numba import njit

    compiled: Any = njit(cache=True, nogil=True)
    HAS_NUMBA = True
except ImportError:

    def compiled(function: Any) -> Any:
        """Leave the function as it is."""
        return function

    HAS_NUMBA = False


@compiled  # type: ignore[untyped-decorator]
def walk(
    nodes: Nodes,
    values: Array,
    random_rows: IntArray,
    base: Array,
    basis: IndexArray,
    stopped: IndexArray,
    tolerance: float,
    longest: int,
) -> None:
    """What :func:`~capacity_opt.solvers.stochastic.bases.walk_numpy` does, sample by sample."""
    rows, randoms, count = len(base), len(random_rows), len(nodes.key)
    known = np.zeros(count, dtype=np.bool_)
    start, inverse = np.empty((count, rows)), np.empty((count, rows, randoms))
    for s in range(len(values)):
        b = basis[s]
        outcome = TOO_LONG
        for _ in range(longest):
            if not known[b]:
                known[b] = True
                first = nodes.inverse[b] @ base
                for i in range(rows):
                    start[b, i] = nodes.offset[b, i] + first[i]
                    for j in range(randoms):
                        inverse[b, i, j] = nodes.inverse[b, i, random_rows[j]]
            worst, leaving = tolerance, -1
            for i in range(rows):
                value = start[b, i]
                for j in range(randoms):
                    value += inverse[b, i, j] * values[s, j]
                if nodes.lower[b, i] - value > worst:
                    worst, leaving = nodes.lower[b, i] - value, i
                if value - nodes.upper[b, i] > worst:
                    worst, leaving = value - nodes.upper[b, i], rows + i
            if leaving < 0:
                outcome = OPTIMAL
                break
            following = nodes.following[b, leaving]
            if following < 0:
                outcome = INFEASIBLE - leaving if following == NO_BASIS else leaving
                break
            b = following
        basis[s] = b
        stopped[s] = outcome


@compiled  # type: ignore[untyped-decorator]
def add_node(nodes: Nodes, tableau: Tableau, node: int, columns: IntArray) -> None:
    """Write the basis ``columns`` (m,) at ``node``, freshly factorised: nothing drifts along a walk. Element by
    element, because numba takes seconds to compile assignments of slices."""
    m, n = tableau.matrix.shape
    square, cost = np.empty((m, m)), np.empty(m)
    for i in range(m):
        cost[i] = tableau.cost[columns[i]]
        for j in range(m):
            square[j, i] = tableau.matrix[j, columns[i]]
    inverse = np.linalg.inv(square)
    duals = cost @ inverse
    reduced = duals @ tableau.matrix
    for j in range(n):
        reduced[j] = tableau.cost[j] - reduced[j]
    key = 0
    for i in range(m):
        reduced[columns[i]] = 0.0
        key ^= tableau.key[columns[i]]
    parked = np.empty(n)
    for j in range(n):
        low, high = tableau.lower[j], tableau.upper[j]
        wanted = low if reduced[j] >= 0 else high
        other = low if np.isfinite(low) else (high if np.isfinite(high) else 0.0)
        parked[j] = wanted if np.isfinite(wanted) else other
    for i in range(m):
        parked[columns[i]] = 0.0
    offset, constant = inverse @ (tableau.matrix @ parked), 0.0
    for i in range(m):
        nodes.columns[node, i], nodes.duals[node, i], nodes.offset[node, i] = columns[i], duals[i], -offset[i]
        nodes.lower[node, i], nodes.upper[node, i] = tableau.lower[columns[i]], tableau.upper[columns[i]]
        for j in range(m):
            nodes.inverse[node, i, j] = inverse[i, j]
    for j in range(n):
        constant += reduced[j] * parked[j]
        nodes.reduced[node, j], nodes.parked[node, j] = reduced[j], parked[j]
    for j in range(nodes.following.shape[1]):
        nodes.following[node, j] = UNKNOWN
    nodes.constant[node], nodes.key[node] = constant, key


@compiled  # type: ignore[untyped-decorator]
def can_enter(tableau: Tableau, reduced: float, toward: float, j: int) -> bool:
    """Whether nonbasic column ``j``, moving off its bound, brings the leaving row back to its own."""
    low, high = tableau.lower[j], tableau.upper[j]
    if low >= high or abs(toward) <= PIVOT_TOLERANCE:
        return False
    if not np.isfinite(low) and not np.isfinite(high):
        return True
    at_upper = not np.isfinite(low) or (np.isfinite(high) and reduced < 0)
    return toward < 0 if at_upper else toward > 0


@compiled  # type: ignore[untyped-decorator]
def entering_column(nodes: Nodes, tableau: Tableau, node: int, leaving: int) -> int:
    """The dual ratio test, the same for every sample that comes by: among the columns whose move off their bound brings
    the leaving row back, one with the least ratio, and of these the largest pivot. -1: none."""
    m, n = tableau.matrix.shape
    alpha = nodes.inverse[node, leaving % m] @ tableau.matrix
    if leaving < m:
        for j in range(n):
            alpha[j] = -alpha[j]
    for i in range(m):
        alpha[nodes.columns[node, i]] = 0.0
    least = np.inf
    for j in range(n):
        if can_enter(tableau, nodes.reduced[node, j], alpha[j], j):
            least = min(least, abs(nodes.reduced[node, j] / alpha[j]))
    best, entering = 0.0, -1
    for j in range(n):
        ties = abs(nodes.reduced[node, j]) <= (least + TIE * (1.0 + least)) * abs(alpha[j])
        if ties and abs(alpha[j]) > best and can_enter(tableau, nodes.reduced[node, j], alpha[j], j):
            best, entering = abs(alpha[j]), j
    return entering


@compiled  # type: ignore[untyped-decorator]
def grow(nodes: Nodes, tableau: Tableau, count: int, edges: IntArray) -> tuple[int, int]:
    """Compute the pivots ``edges`` (E, 2: basis, leaving row). Returns how many bases there are now, and how many edges
    were done before the room was full."""
    m = tableau.matrix.shape[0]
    for e in range(len(edges)):
        node, leaving = edges[e, 0], edges[e, 1]
        entering = entering_column(nodes, tableau, node, leaving)
        if entering < 0:
            nodes.following[node, leaving] = NO_BASIS
            continue
        columns = np.empty(m, dtype=np.int64)
        for i in range(m):
            columns[i] = nodes.columns[node, i]
        key = nodes.key[node] ^ tableau.key[columns[leaving % m]] ^ tableau.key[entering]
        target = -1
        for i in range(count):
            if nodes.key[i] == key:
                target = i
                break
        if target < 0:
            if count == len(nodes.key):
                return count, e
            columns[leaving % m] = entering
            add_node(nodes, tableau, count, columns)
            target, count = count, count + 1
        nodes.following[node, leaving] = target
    return count, len(edges)


@compiled  # type: ignore[untyped-decorator]
def expected(
    nodes: Nodes, values: Array, random_rows: IntArray, base: Array, probability: Array, basis: IndexArray, total: Array
) -> tuple[Array, Array]:
    """The slope (m,) of the expected cost by the right-hand side, and the cost of every sample (S,), each in its own
    optimal basis; the expected recourse columns are written to ``total`` (n + m,)."""
    rows, count = len(base), len(nodes.key)
    mass, mean = np.zeros(count), np.zeros((count, rows))
    cost = np.empty(len(values))
    for s in range(len(values)):
        b = basis[s]
        mass[b] += probability[s]
        value = nodes.constant[b]
        for i in range(rows):
            value += nodes.duals[b, i] * base[i]
        for j in range(len(random_rows)):
            mean[b, random_rows[j]] += probability[s] * values[s, j]
            value += nodes.duals[b, random_rows[j]] * values[s, j]
        cost[s] = value
    slope, here = np.zeros(rows), np.empty(rows)
    for j in range(len(total)):
        total[j] = 0.0
    for b in range(count):
        if mass[b] > 0.0:
            for i in range(rows):
                slope[i] += mass[b] * nodes.duals[b, i]
                here[i] = mean[b, i] + mass[b] * base[i]
            for j in range(len(total)):
                total[j] += mass[b] * nodes.parked[b, j]
            basic = nodes.inverse[b] @ here
            for i in range(rows):
                total[nodes.columns[b, i]] += basic[i] + mass[b] * nodes.offset[b, i]
    return slope, cost


@compiled  # type: ignore[untyped-decorator]
def measured(
    nodes: Nodes, values: Array, random_rows: IntArray, base: Array, basis: IndexArray, directions: Array
) -> Array:
    """Every sample's recourse, each in its own optimal basis, along ``directions`` (F, n + m): (F, S)."""
    rows, count, randoms = len(base), len(nodes.key), len(random_rows)
    known = np.zeros(count, dtype=np.bool_)
    start, rate = np.empty((len(directions), count)), np.empty((len(directions), count, randoms))
    found = np.empty((len(directions), len(values)))
    for s in range(len(values)):
        b = basis[s]
        if not known[b]:
            known[b] = True
            basic = nodes.inverse[b] @ base + nodes.offset[b]
            for f in range(len(directions)):
                start[f, b] = np.sum(directions[f] * nodes.parked[b])
                for i in range(rows):
                    start[f, b] += directions[f, nodes.columns[b, i]] * basic[i]
                for j in range(randoms):
                    total = 0.0
                    for i in range(rows):
                        total += directions[f, nodes.columns[b, i]] * nodes.inverse[b, i, random_rows[j]]
                    rate[f, b, j] = total
        for f in range(len(directions)):
            value = start[f, b]
            for j in range(randoms):
                value += rate[f, b, j] * values[s, j]
            found[f, s] = value
    return found


def walk_all(*arguments: Any) -> None:
    """The compiled walk, or its NumPy twin."""
    (walk if HAS_NUMBA else walk_numpy)(*arguments)
