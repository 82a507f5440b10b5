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

from copy import copy
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import SolverError
from capacity_opt.solvers.stochastic.bases import INFEASIBLE, OPTIMAL, TOO_LONG, UNKNOWN, Nodes, Tableau, empty_nodes
from capacity_opt.solvers.stochastic.program import RecourseFamily, SampleGroup

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
IndexArray = NDArray[np.int32]

LONGEST_WALK = 400
FEASIBILITY = 1e-9
DUAL_FEASIBILITY = 1e-9


@dataclass(frozen=True, kw_only=True)
class GroupValue:
    """The expected recourse of a group at a point: ``value``; ``slope`` (m,) its derivative by the right-hand side;
    ``sample_values`` (S,); ``basis`` (S,) the optimal basis of each sample; ``columns`` (n,) the expected recourse;
    ``measured`` (F, S) what was asked to be measured of each sample's recourse. Where some sample has no feasible
    recourse, ``ray`` (m,) and ``ray_level`` say which right-hand sides are possible: ray @ rhs >= ray_level, for
    ``ray_sample``."""

    value: float
    slope: Array
    sample_values: Array
    basis: IndexArray
    columns: Array
    measured: Array = field(default_factory=lambda: np.zeros((0, 0)))
    ray: Array | None = None
    ray_level: float = 0.0
    ray_sample: int = -1


def no_recourse(group: SampleGroup, basis: IndexArray, rows: IntArray, ray: Array, level: float, n: int) -> GroupValue:
    """A group in which some sample has no recourse; the ray is told for the sample that it cuts deepest."""
    return GroupValue(
        value=np.inf,
        slope=np.zeros(len(ray)),
        sample_values=np.full(len(group.values), np.inf),
        basis=basis,
        columns=np.full(n, np.nan),
        ray=ray,
        ray_level=level,
        ray_sample=int(np.argmin(group.values @ ray[rows])),
    )


class RecourseGraph:
    """The bases of one recourse family, and the walks of its samples over them."""

    def __init__(self, family: RecourseFamily, first_basis: NDArray[np.int64]) -> None:
        """``first_basis`` (m,): columns of [matrix, identity] that form a dual-feasible basis."""
        m, n = family.matrix.shape
        self._family = family
        self._rows = np.ascontiguousarray(family.random_rows, dtype=np.int64)
        self._tableau = Tableau(
            matrix=np.hstack([family.matrix, np.eye(m)]),
            cost=np.concatenate([family.cost, np.zeros(m)]).astype(np.float64),
            lower=np.concatenate([family.lower, family.slack_lower]).astype(np.float64),
            upper=np.concatenate([family.upper, family.slack_upper]).astype(np.float64),
            key=np.random.default_rng(0).integers(1, np.iinfo(np.int64).max, m + n),
        )
        self._nodes = empty_nodes(64, m, m + n)
        self.count = 0
        self._add(np.asarray(first_basis, dtype=np.int64))

    def _add(self, columns: IntArray) -> int:
        """The number of a basis, added if it is new."""
        from capacity_opt.solvers.stochastic import walk

        key = int(np.bitwise_xor.reduce(self._tableau.key[columns]))
        known = np.flatnonzero(self._nodes.key[: self.count] == key)
        if len(known):
            return int(known[0])
        self._make_room(1)
        walk.add_node(self._nodes, self._tableau, self.count, columns)
        self.count += 1
        return self.count - 1

    def _make_room(self, more: int) -> None:
        old, need = self._nodes, self.count + more
        if need <= len(old.key):
            return
        fresh = empty_nodes(max(need, 2 * len(old.key)), *self._tableau.matrix.shape)
        for name in Nodes._fields:
            getattr(fresh, name)[: self.count] = getattr(old, name)[: self.count]
        self._nodes = fresh

    @property
    def cost(self) -> Array:
        """What the recourse columns cost here, (n,)."""
        return self._family.cost

    def with_cost(self, cost: Array, used: NDArray[np.bool_] | None = None) -> tuple[RecourseGraph, IndexArray]:
        """The graph of the same problem at another ``cost`` (n,), with every basis met here (of ``used`` ones only, if
        given) that stays dual feasible; and for each basis here its number there (0, some basis, where it is not)."""
        m = len(self._family.matrix)
        tableau = self._tableau._replace(cost=np.concatenate([cost, np.zeros(m)]))
        duals, reduced = self._priced(tableau)
        size = DUAL_FEASIBILITY * (1.0 + float(np.abs(cost).max(initial=0.0)))
        wrong = ((reduced > size) & ~np.isfinite(tableau.lower)) | ((reduced < -size) & ~np.isfinite(tableau.upper))
        kept = np.flatnonzero(~wrong.any(axis=1) & (True if used is None else used))
        number = np.zeros(self.count, dtype=np.int32)
        family = replace(self._family, cost=cost)
        if not len(kept):
            return RecourseGraph(family, _first_basis(family)), number
        number[kept] = np.arange(len(kept))
        graph = copy(self)
        graph._family, graph._tableau, graph.count = family, tableau, len(kept)
        graph._nodes = self._carried(tableau, kept, duals[kept], reduced[kept])
        return graph, number

    def _priced(self, tableau: Tableau) -> tuple[Array, Array]:
        """Duals and reduced costs of all bases at another cost."""
        columns = self._nodes.columns[: self.count]
        duals = np.einsum("bi,bij->bj", tableau.cost[columns], self._nodes.inverse[: self.count])
        reduced = tableau.cost - duals @ tableau.matrix
        np.put_along_axis(reduced, columns, 0.0, axis=1)
        return duals, reduced

    def _carried(self, tableau: Tableau, kept: NDArray[np.intp], duals: Array, reduced: Array) -> Nodes:
        """Bases of this graph at another cost: inverses stay, prices change, and no pivot is known."""
        old, fresh = self._nodes, empty_nodes(len(kept) + max(64, len(kept) // 2), *tableau.matrix.shape)
        for name in ("columns", "inverse", "lower", "upper", "key"):
            getattr(fresh, name)[: len(kept)] = getattr(old, name)[kept]
        wanted = np.where(reduced >= 0, tableau.lower, tableau.upper)
        other = np.where(
            np.isfinite(tableau.lower), tableau.lower, np.where(np.isfinite(tableau.upper), tableau.upper, 0.0)
        )
        parked = np.where(np.isfinite(wanted), wanted, other)
        np.put_along_axis(parked, old.columns[kept], 0.0, axis=1)
        there = slice(len(kept))
        fresh.duals[there], fresh.reduced[there], fresh.parked[there] = duals, reduced, parked
        fresh.constant[there] = np.sum(reduced * parked, axis=1)
        fresh.offset[there] = -np.einsum("bij,bj->bi", old.inverse[kept], parked @ tableau.matrix.T)
        return fresh

    def evaluate(
        self,
        group: SampleGroup,
        point: Array,
        basis: IndexArray,
        *,
        scale: Array | None = None,
        measures: Array | None = None,
    ) -> GroupValue:
        """Expected recourse of ``group`` at first-stage ``point``. ``basis`` (S,) is where each sample starts its
        walk and is updated in place. ``scale`` (S,): how much each sample counts besides its probability; ``measures``
        (F, n): directions in which every sample's recourse is measured."""
        base = group.base - group.technology @ point
        size = 1.0 + float(np.max(np.abs(base), initial=0.0)) + float(np.max(np.abs(group.values), initial=0.0))
        stopped = self._walk_all(group.values, base, basis, FEASIBILITY * size)
        broken = np.flatnonzero(stopped <= INFEASIBLE)
        if len(broken):
            return self._infeasible(group, basis, int(broken[0]), int(INFEASIBLE - stopped[broken[0]]))
        return self._value(group, base, basis, scale, measures)

    def _walk_all(self, values: Array, base: Array, basis: IndexArray, tolerance: float) -> IndexArray:
        from capacity_opt.solvers.stochastic import walk

        final = np.full(len(values), OPTIMAL, dtype=np.int32)
        todo = np.arange(len(values))
        m = len(base)
        while len(todo):
            here, stopped = basis[todo], np.empty(len(todo), dtype=np.int32)
            chosen = values if len(todo) == len(values) else values[todo]
            walk.walk_all(self._known(), chosen, self._rows, base, here, stopped, tolerance, LONGEST_WALK)
            lost = np.flatnonzero(stopped == TOO_LONG)
            for s in lost:
                stopped[s] = self._rescued(base, chosen[s], here[s : s + 1])
            basis[todo], final[todo] = here, stopped
            unknown = stopped >= 0
            edges = np.unique(here[unknown].astype(np.int64) * (2 * m) + stopped[unknown])
            self._grow(np.column_stack(np.divmod(edges, 2 * m)))
            todo = todo[unknown]
        return final

    def _known(self) -> Nodes:
        """The bases met so far, without the room for more."""
        return self._nodes._replace(**{name: array[: self.count] for name, array in self._nodes._asdict().items()})

    def _grow(self, edges: IntArray) -> None:
        from capacity_opt.solvers.stochastic import walk

        while len(edges):
            self.count, done = walk.grow(self._nodes, self._tableau, self.count, edges)
            edges = edges[done:]
            if len(edges):
                self._make_room(1)

    def _rescued(self, base: Array, values: Array, here: IndexArray) -> int:
        """A walk that goes in circles (ties everywhere) is ended by the LP solver's own basis."""
        rhs = base.copy()
        rhs[self._rows] += values
        found = optimal_basis(self._family, rhs)
        if found is None:
            raise SolverError("the walk over recourse bases does not end: use the extensive form for this model")
        here[0] = self._add(found)
        return OPTIMAL

    def _value(
        self, group: SampleGroup, base: Array, basis: IndexArray, scale: Array | None, measures: Array | None
    ) -> GroupValue:
        from capacity_opt.solvers.stochastic import walk

        total = np.empty(self._tableau.matrix.shape[1])
        mass = group.probability if scale is None else group.probability * scale
        slope, cost = walk.expected(self._known(), group.values, self._rows, base, mass, basis, total)
        value = GroupValue(
            value=float(mass @ cost),
            slope=slope,
            sample_values=cost,
            basis=basis,
            columns=total[: len(self._family.cost)],
        )
        if measures is None:
            return value
        wide = np.zeros((len(measures), len(total)))
        wide[:, : len(self._family.cost)] = measures
        return replace(value, measured=walk.measured(self._known(), group.values, self._rows, base, basis, wide))

    def _infeasible(self, group: SampleGroup, basis: IndexArray, sample: int, leaving: int) -> GroupValue:
        m, n = self._family.matrix.shape
        node, row = int(basis[sample]), leaving % m
        sign = 1.0 if leaving < m else -1.0
        ray = sign * self._nodes.inverse[node, row]
        bound = self._nodes.lower[node, row] if leaving < m else -self._nodes.upper[node, row]
        level = float(bound - sign * self._nodes.offset[node, row])
        return no_recourse(group, basis, self._rows, ray, level, n)

    def columns(self, group: SampleGroup, point: Array, basis: IndexArray) -> Array:
        """The optimal recourse columns y (S, n) of samples whose walks have ended in ``basis``."""
        rhs = np.tile(group.base - group.technology @ point, (len(group.values), 1))
        rhs[:, self._rows] += group.values
        nodes, result = self._nodes, np.zeros((len(rhs), self._tableau.matrix.shape[1]))
        for node in np.unique(basis):
            mine = np.flatnonzero(basis == node)
            result[mine] = nodes.parked[node]
            result[np.ix_(mine, nodes.columns[node])] = rhs[mine] @ nodes.inverse[node].T + nodes.offset[node]
        return result[:, : len(self._family.cost)]

    def duals(self, basis: IndexArray) -> Array:
        """Price of every right-hand side for samples in ``basis``, (S, m)."""
        prices: Array = self._nodes.duals[basis]
        return prices

    def dual_violation(self) -> float:
        """The largest reduced cost that points at a missing bound, over all bases, recomputed from the matrix."""
        nodes, tableau = self._nodes, self._tableau
        duals = nodes.duals[: self.count]
        reduced = tableau.cost - duals @ tableau.matrix
        wrong = np.where(np.isfinite(tableau.lower), 0.0, np.maximum(reduced, 0.0))
        wrong = wrong + np.where(np.isfinite(tableau.upper), 0.0, np.maximum(-reduced, 0.0))
        return float(wrong.max(initial=0.0))

    @property
    def edges(self) -> int:
        """How many pivots are known."""
        return int(np.count_nonzero(self._nodes.following[: self.count] != UNKNOWN))


def optimal_basis(family: RecourseFamily, rhs: Array) -> IntArray | None:
    """The LP solver's optimal basis (m,) for one right-hand side: columns of [matrix, identity]; None without one."""
    import highspy

    from capacity_opt.solvers.stochastic.sequence import recourse_model

    highs = recourse_model(family, rhs)
    highs.run()
    if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    basis = highs.getBasis()
    basic, columns = highspy.HighsBasisStatus.kBasic, len(family.cost)
    found = [j for j, status in enumerate(basis.col_status) if status == basic]
    slacks = [columns + i for i, status in enumerate(basis.row_status) if status == basic]
    return np.array(found + slacks, dtype=np.int64)


def _first_basis(family: RecourseFamily) -> IntArray:
    from capacity_opt.solvers.stochastic.oracle import dual_feasible_basis

    return dual_feasible_basis(family)
