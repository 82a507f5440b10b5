"""Evaluates the expected recourse of a two-stage program, and turns it into cuts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import SolverError
from capacity_opt.solvers.stochastic.graph import GroupValue, RecourseGraph
from capacity_opt.solvers.stochastic.program import RecourseFamily, SampleGroup, TwoStageProgram
from capacity_opt.solvers.stochastic.sequence import RecourseSequence, recourse_model

Array = NDArray[np.float64]

LARGEST_GRAPH_ROWS = 24


class Oracle:
    """Evaluates the expected recourse of every group, each sample starting from where it ended last."""

    def __init__(self, program: TwoStageProgram) -> None:
        """Find a dual-feasible first basis per family."""
        self.program = program
        self.groups = [(family, group) for family in program.families for group in family.groups]
        self.weights = np.array([group.weight for _, group in self.groups])
        graphs = [_recourse(family) for family in program.families]
        self.graphs = [graph for graph, family in zip(graphs, program.families) for _ in family.groups]
        self._distinct = graphs
        self._basis = [np.zeros(len(group.values), dtype=np.int32) for _, group in self.groups]

    @property
    def bases(self) -> int:
        """How many bases have been met so far."""
        return sum(graph.count for graph in self._distinct)

    def evaluate(self, point: Array) -> list[GroupValue]:
        """The expected recourse of every group at ``point``."""
        triples = zip(self.graphs, self.groups, self._basis)
        return [graph.evaluate(group, point, basis) for graph, (_, group), basis in triples]

    def cuts(self, values: list[GroupValue], point: Array) -> tuple[Array, Array, NDArray[np.int64]]:
        """Slopes (rows, first-stage columns), levels and group of each cut; feasibility cuts where a group has none."""
        infeasible = [i for i, value in enumerate(values) if value.ray is not None]
        chosen = infeasible or list(range(len(values)))
        slopes, levels = np.empty((len(chosen), len(point))), np.empty(len(chosen))
        for row, i in enumerate(chosen):
            slopes[row], levels[row] = _cut(self.groups[i], values[i], point)
        return slopes, levels, np.where(len(infeasible) > 0, -1, np.array(chosen, dtype=np.int64))


def _cut(of: tuple[RecourseFamily, SampleGroup], value: GroupValue, point: Array) -> tuple[Array, float]:
    family, group = of
    if value.ray is None:
        slope = -(group.technology.T @ value.slope)
        return slope, value.value - float(slope @ point)
    rhs = group.base.copy()
    rhs[family.random_rows] += group.values[value.ray_sample]
    return group.technology.T @ value.ray, value.ray_level - float(value.ray @ rhs)


def _recourse(family: RecourseFamily) -> RecourseGraph | RecourseSequence:
    """Small recourse problems share a basis graph; in large ones samples rarely meet, so each is solved warm."""
    if len(family.matrix) <= LARGEST_GRAPH_ROWS:
        return RecourseGraph(family, dual_feasible_basis(family))
    return RecourseSequence(family)


def dual_feasible_basis(family: RecourseFamily) -> NDArray[np.int64]:
    """A basis (columns of [matrix, identity]) that is dual feasible for every right-hand side.

    It is optimal for the first group's mean right-hand side with the first stage at 0, or where that has no recourse,
    for a right-hand side that is feasible by construction. A typical one is worth the trouble: samples then start their
    walks close to where they end.
    """
    group = family.groups[0]
    typical = group.base.copy()
    typical[family.random_rows] += group.probability @ group.values
    basis = _optimal_basis(family, typical)
    if basis is None:
        basis = _optimal_basis(family, family.matrix @ np.clip(0.0, family.lower, family.upper))
    if basis is None:
        raise SolverError("the recourse problem has no optimum: its cost falls without limit for any right-hand side")
    return basis


def _optimal_basis(family: RecourseFamily, rhs: Array) -> NDArray[np.int64] | None:
    import highspy

    highs = recourse_model(family, rhs)
    highs.run()
    if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    basis = highs.getBasis()
    basic, columns = highspy.HighsBasisStatus.kBasic, len(family.cost)
    found = [j for j, status in enumerate(basis.col_status) if status == basic]
    return np.array(
        found + [columns + i for i, status in enumerate(basis.row_status) if status == basic], dtype=np.int64
    )
