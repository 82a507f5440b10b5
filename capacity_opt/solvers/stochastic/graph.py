"""Optimal recourse for very many right-hand sides, by walking one shared graph of bases.

Samples differ in their right-hand side only, so every basis with reduced costs of the right sign is dual feasible for
all of them. The dual simplex method picks the leaving row from the sample's right-hand side, but the entering column
from the basis and that row alone. The pivots therefore form a graph that all samples share: a node is a basis, an edge
(basis, violated row) -> basis. Each sample walks from the basis it ended in last time until no row is violated; a step
costs one small matrix-vector product. An edge that nobody has walked yet is computed once, for everybody, with a fresh
factorisation (no drift). A walk that ends proves optimality: dual feasible by construction, primal feasible by test.

Sources: the dual simplex method for boxed variables (Koberstein 2005, ch. 3); sharing bases between samples goes back
to the "bunching" of Wets (1988, Large scale linear programming techniques in stochastic programming).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import SolverError
from capacity_opt.solvers.stochastic.program import RecourseFamily, SampleGroup

Array = NDArray[np.float64]
IndexArray = NDArray[np.int32]

OPTIMAL, TOO_LONG, INFEASIBLE, NO_BASIS = -1, -2, -10, -2
LONGEST_WALK = 400
PIVOT_TOLERANCE = 1e-9
FEASIBILITY = 1e-9


@dataclass(frozen=True, kw_only=True)
class GroupValue:
    """The expected recourse of a group at a point: ``value``; ``slope`` (m,) its derivative by the right-hand side;
    ``sample_values`` (S,); ``basis`` (S,) the optimal basis of each sample. Where some sample has no feasible
    recourse, ``ray`` (m,) and ``ray_level`` say which right-hand sides are possible: ray @ rhs >= ray_level, for
    ``ray_sample``."""

    value: float
    slope: Array
    sample_values: Array
    basis: IndexArray
    ray: Array | None = None
    ray_level: float = 0.0
    ray_sample: int = -1


class RecourseGraph:
    """The bases of one recourse family, and the walks of its samples over them."""

    def __init__(self, family: RecourseFamily, first_basis: NDArray[np.int64]) -> None:
        """``first_basis`` (m,): columns of [matrix, identity] that form a dual-feasible basis."""
        m, _ = family.matrix.shape
        self._family = family
        self._matrix = np.hstack([family.matrix, np.eye(m)])
        self._cost = np.concatenate([family.cost, np.zeros(m)])
        self._lower = np.concatenate([family.lower, family.slack_lower])
        self._upper = np.concatenate([family.upper, family.slack_upper])
        self._index: dict[bytes, int] = {}
        self.count = 0
        self._allocate(64)
        self._add(first_basis)

    def _allocate(self, room: int) -> None:
        m, n = self._matrix.shape
        old = self.__dict__.copy()
        fresh = {
            "_columns": np.zeros((room, m), dtype=np.int64),
            "_inverse": np.zeros((room, m, m)),
            "_random_inverse": np.zeros((room, m, len(self._family.random_rows))),
            "_offset": np.zeros((room, m)),
            "_basic_lower": np.zeros((room, m)),
            "_basic_upper": np.zeros((room, m)),
            "_duals": np.zeros((room, m)),
            "_constant": np.zeros(room),
            "_reduced": np.zeros((room, n)),
            "_next": np.full((room, 2 * m), -1, dtype=np.int32),
        }
        for name, array in fresh.items():
            if name in old:
                array[: self.count] = old[name][: self.count]
            setattr(self, name, array)

    _columns: NDArray[np.int64]
    _inverse: Array
    _random_inverse: Array
    _offset: Array
    _basic_lower: Array
    _basic_upper: Array
    _duals: Array
    _constant: Array
    _reduced: Array
    _next: IndexArray

    def _add(self, columns: NDArray[np.int64]) -> int:
        columns = np.sort(columns)
        key = columns.tobytes()
        if key in self._index:
            return self._index[key]
        if self.count == len(self._constant):
            self._allocate(2 * self.count)
        node, self.count = self.count, self.count + 1
        self._index[key] = node
        inverse = np.linalg.inv(self._matrix[:, columns])
        duals = self._cost[columns] @ inverse
        reduced = self._cost - duals @ self._matrix
        reduced[columns] = 0.0
        parked = self._parked(columns, reduced)
        self._columns[node], self._inverse[node], self._reduced[node] = columns, inverse, reduced
        self._random_inverse[node] = inverse[:, self._family.random_rows]
        self._offset[node] = -inverse @ (self._matrix @ parked)
        self._basic_lower[node], self._basic_upper[node] = self._lower[columns], self._upper[columns]
        self._duals[node], self._constant[node] = duals, float(reduced @ parked)
        return node

    def _parked(self, columns: NDArray[np.int64], reduced: Array) -> Array:
        """Where the nonbasic columns stand: the bound that their reduced cost asks for."""
        preferred = np.where(reduced >= 0, self._lower, self._upper)
        other = np.where(np.isfinite(self._lower), self._lower, np.where(np.isfinite(self._upper), self._upper, 0.0))
        parked = np.where(np.isfinite(preferred), preferred, other)
        parked[columns] = 0.0
        return parked

    def _pivot(self, node: int, leaving: int) -> None:
        """Compute the edge (node, leaving): the dual ratio test, the same for every sample that comes by."""
        m = len(self._matrix)
        row = leaving % m
        alpha = self._inverse[node, row] @ self._matrix
        toward = -alpha if leaving < m else alpha
        can_enter = self._can_enter(node, toward)
        if not can_enter.any():
            self._next[node, leaving] = NO_BASIS
            return
        candidates = np.flatnonzero(can_enter)
        ratio = np.abs(self._reduced[node, candidates]) / np.abs(toward[candidates])
        near = candidates[ratio <= ratio.min() + 1e-9 * (1.0 + ratio.min())]
        entering = near[np.argmax(np.abs(toward[near]))]
        columns = self._columns[node].copy()
        columns[row] = entering
        target = self._add(columns)
        self._next[node, leaving] = target

    def _can_enter(self, node: int, toward: Array) -> NDArray[np.bool_]:
        """Nonbasic columns whose move off their bound brings the leaving row back to its own."""
        nonbasic = np.ones(len(toward), dtype=bool)
        nonbasic[self._columns[node]] = False
        free = ~np.isfinite(self._lower) & ~np.isfinite(self._upper)
        at_upper = np.where(
            np.isfinite(self._lower) & np.isfinite(self._upper), self._reduced[node] < 0, ~np.isfinite(self._lower)
        )
        signed = np.where(free, np.abs(toward), np.where(at_upper, -toward, toward))
        return nonbasic & (self._lower < self._upper) & (signed > PIVOT_TOLERANCE)

    def evaluate(self, group: SampleGroup, point: Array, basis: IndexArray) -> GroupValue:
        """Expected recourse of ``group`` at first-stage ``point``. ``basis`` (S,) is where each sample starts its
        walk and is updated in place."""
        base = group.base - group.technology @ point
        scale = 1.0 + float(np.max(np.abs(base), initial=0.0)) + float(np.max(np.abs(group.values), initial=0.0))
        stopped = self._walk_all(group.values, base, basis, FEASIBILITY * scale)
        broken = np.flatnonzero(stopped <= INFEASIBLE)
        if len(broken):
            return self._infeasible(group, basis, int(broken[0]), int(INFEASIBLE - stopped[broken[0]]))
        return self._value(group, base, basis)

    def _walk_all(self, values: Array, base: Array, basis: IndexArray, tolerance: float) -> IndexArray:
        final = np.full(len(values), OPTIMAL, dtype=np.int32)
        todo = np.arange(len(values))
        rows = self._matrix.shape[0]
        while len(todo):
            here, stopped = basis[todo], np.empty(len(todo), dtype=np.int32)
            start = self._offset[: self.count] + self._inverse[: self.count] @ base
            chosen = values if len(todo) == len(values) else values[todo]
            arguments = (start, self._random_inverse, self._basic_lower, self._basic_upper, self._next)
            _walker()(chosen, *arguments, here, stopped, LONGEST_WALK, tolerance)
            basis[todo] = here
            if np.any(stopped == TOO_LONG):
                raise SolverError("the walk over recourse bases does not end: use the extensive form for this model")
            final[todo] = stopped
            unknown = stopped >= 0
            for edge in np.unique(here[unknown].astype(np.int64) * (2 * rows) + stopped[unknown]):
                self._pivot(int(edge // (2 * rows)), int(edge % (2 * rows)))
            todo = todo[unknown]
        return final

    def _value(self, group: SampleGroup, base: Array, basis: IndexArray) -> GroupValue:
        weights = np.bincount(basis, weights=group.probability, minlength=self.count)
        used = np.flatnonzero(weights)
        slope = weights[used] @ self._duals[used]
        random_duals = self._duals[:, self._family.random_rows]
        constant = self._constant[: self.count] + self._duals[: self.count] @ base
        per_sample = constant[basis] + np.einsum("sr,sr->s", group.values, random_duals[basis])
        return GroupValue(
            value=float(group.probability @ per_sample), slope=slope, sample_values=per_sample, basis=basis
        )

    def _infeasible(self, group: SampleGroup, basis: IndexArray, sample: int, leaving: int) -> GroupValue:
        rows = self._matrix.shape[0]
        node, row = int(basis[sample]), leaving % rows
        sign = 1.0 if leaving < rows else -1.0
        ray = sign * self._inverse[node, row]
        bound = self._basic_lower[node, row] if leaving < rows else -self._basic_upper[node, row]
        tightest = int(np.argmin(group.values @ ray[self._family.random_rows]))
        nothing = np.full(len(group.values), np.inf)
        level = float(bound - sign * self._offset[node, row])
        return GroupValue(
            value=np.inf,
            slope=np.zeros(rows),
            sample_values=nothing,
            basis=basis,
            ray=ray,
            ray_level=level,
            ray_sample=tightest,
        )

    def columns(self, group: SampleGroup, point: Array, basis: IndexArray) -> Array:
        """The optimal recourse columns y (S, n) of samples whose walks have ended in ``basis``."""
        n = self._family.matrix.shape[1]
        rhs = np.tile(group.base - group.technology @ point, (len(group.values), 1))
        rhs[:, self._family.random_rows] += group.values
        result = np.zeros((len(rhs), self._matrix.shape[1]))
        for node in np.unique(basis):
            mine = np.flatnonzero(basis == node)
            columns = self._columns[node]
            result[mine] = self._parked(columns, self._reduced[node])
            result[np.ix_(mine, columns)] = rhs[mine] @ self._inverse[node].T + self._offset[node]
        return result[:, :n]


@lru_cache(maxsize=1)
def _walker():  # type: ignore[no-untyped-def]
    """The compiled walk, or its NumPy twin where numba is absent."""
    compiled = _compiled()
    return compiled.walk if compiled is not None else walk_numpy


def _compiled() -> ModuleType | None:
    try:
        from capacity_opt.solvers.stochastic import walk
    except ImportError:
        return None
    return walk


def walk_numpy(
    values: Array,
    start: Array,
    inverse: Array,
    lower: Array,
    upper: Array,
    next_basis: IndexArray,
    basis: IndexArray,
    stopped: IndexArray,
    longest: int,
    tolerance: float,
) -> None:
    """The same walk in plain NumPy: one step of all unfinished samples at a time, basis by basis."""
    rows = start.shape[1]
    active = np.arange(len(values))
    stopped[:] = TOO_LONG
    for _ in range(longest):
        if not len(active):
            return
        gap = np.empty((len(active), 2 * rows))
        for node in np.unique(basis[active]):
            mine = np.flatnonzero(basis[active] == node)
            basic = start[node] + values[active[mine]] @ inverse[node].T
            gap[mine, :rows] = lower[node] - basic
            gap[mine, rows:] = basic - upper[node]
        leaving = np.argmax(gap, axis=1)
        violated = gap[np.arange(len(active)), leaving] > tolerance
        target = next_basis[basis[active], leaving]
        stopped[active] = np.where(
            ~violated,
            OPTIMAL,
            np.where(target == NO_BASIS, INFEASIBLE - leaving, np.where(target < 0, leaving, TOO_LONG)),
        )
        moving = violated & (target >= 0)
        basis[active[moving]] = target[moving]
        active = active[moving]
