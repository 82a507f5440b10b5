"""Expected recourse by one warm linear program after another, for recourse problems too large or too varied for the
shared basis graph."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from capacity_opt.errors import SolverError
from capacity_opt.solvers.highs_engine import new_highs
from capacity_opt.solvers.stochastic.graph import GroupValue, no_recourse
from capacity_opt.solvers.stochastic.program import RecourseFamily, SampleGroup

if TYPE_CHECKING:
    from capacity_opt.solvers.stochastic.recourse_workers import RecourseWorkers

Array = NDArray[np.float64]
IndexArray = NDArray[np.int32]

LONGEST_SOLVE = 600.0
"""Seconds one recourse problem may take."""


def recourse_model(family: RecourseFamily, rhs: Array) -> Any:
    """A HiGHS object (dual simplex, no presolve) holding the recourse problem for one right-hand side."""
    import highspy

    m, n = family.matrix.shape
    highs = new_highs()
    options = {"presolve": "off", "solver": "simplex"}
    for name, value in options.items():
        highs.setOptionValue(name, value)
    matrix = sparse.csr_array(family.matrix)
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = n, m
    model.col_cost_, model.col_lower_, model.col_upper_ = family.cost, family.lower, family.upper
    model.row_lower_, model.row_upper_ = rhs - family.slack_upper, rhs - family.slack_lower
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_, model.a_matrix_.index_ = matrix.indptr.astype(np.int32), matrix.indices.astype(np.int32)
    model.a_matrix_.value_ = matrix.data
    highs.passModel(model)
    return highs


@dataclass(frozen=True)
class SamplesTold:
    """Samples solved: ``values`` (S,); ``slope`` (m,) and ``columns`` (n,) in expectation; ``measured`` (F, S). Or the
    Farkas ``ray`` (m,) of the first sample without a recourse, with its ``level``: possible right-hand sides have
    ray @ rhs >= level."""

    values: Array
    slope: Array
    columns: Array
    measured: Array
    ray: Array | None = None
    level: float = 0.0


class RecourseSequence:
    """Solves the samples of a family one after another, each warm from the one before; with ``workers``, a share of
    them in each."""

    count = 0

    def __init__(self, family: RecourseFamily, workers: RecourseWorkers | None = None) -> None:
        """Pass the model once."""
        import highspy

        self._family, self._workers = family, workers
        self._rows = np.arange(len(family.matrix), dtype=np.int32)
        self._highs = recourse_model(family, np.zeros(len(family.matrix)))
        self._optimal, self._infeasible = highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kInfeasible

    @property
    def cost(self) -> Array:
        """What the recourse columns cost here, (n,)."""
        return self._family.cost

    def evaluate(
        self,
        group: SampleGroup,
        point: Array,
        basis: IndexArray,
        *,
        scale: Array | None = None,
        measures: Array | None = None,
    ) -> GroupValue:
        """Expected recourse of ``group`` at first-stage ``point``; ``basis`` is left alone. ``scale`` and ``measures``
        as for the graph."""
        base = group.base - group.technology @ point
        mass = np.ones(len(group.values)) if scale is None else scale
        if self._workers is None:
            told = self.solve_samples(base, group.values, group.probability, scale=mass, measures=measures)
        else:
            from capacity_opt.solvers.stochastic.recourse_workers import Share

            told = self._workers.solve(Share(self.cost, base, group.values, group.probability, mass, measures))
        if told.ray is not None:
            columns = len(self._family.cost)
            return no_recourse(group, basis, self._family.random_rows, told.ray, told.level, columns)
        return GroupValue(
            value=float((group.probability * mass) @ told.values),
            slope=told.slope,
            sample_values=told.values,
            basis=basis,
            columns=told.columns,
            measured=told.measured,
        )

    def solve_samples(
        self, base: Array, moves: Array, probability: Array, *, scale: Array, measures: Array | None
    ) -> SamplesTold:
        """The recourse of samples with right-hand side ``base`` (m,) plus ``moves`` (S, R) in random rows."""
        values, slope, columns = np.empty(len(moves)), np.zeros(len(base)), np.zeros(len(self._family.cost))
        measured = np.zeros((0 if measures is None else len(measures), len(moves)))
        for s, own_moves in enumerate(moves):
            rhs = base.copy()
            rhs[self._family.random_rows] += own_moves
            if not self._solve(rhs):
                return SamplesTold(values, slope, columns, measured, *self._ray())
            values[s] = self._highs.getInfo().objective_function_value
            solution = self._highs.getSolution()
            slope += probability[s] * scale[s] * np.asarray(solution.row_dual)
            own = np.asarray(solution.col_value)
            columns += probability[s] * own
            if measures is not None:
                measured[:, s] = measures @ own
        return SamplesTold(values, slope, columns, measured)

    def with_cost(
        self,
        cost: Array,
        used: NDArray[np.bool_] | None = None,  # noqa: ARG002
    ) -> tuple[RecourseSequence, IndexArray]:
        """The same problem at another ``cost`` (n,); the second value stands for the bases a graph would have."""
        return RecourseSequence(replace(self._family, cost=cost), self._workers), np.zeros(1, dtype=np.int32)

    def dual_violation(self) -> float:
        """0: the prices are the solver's own, checked by it."""
        return 0.0

    def columns(self, group: SampleGroup, point: Array, basis: IndexArray) -> Array:  # noqa: ARG002
        """The optimal recourse columns y (S, n) of every sample, solved again."""
        base = group.base - group.technology @ point
        found = np.empty((len(group.values), len(self._family.cost)))
        for s, moves in enumerate(group.values):
            rhs = base.copy()
            rhs[self._family.random_rows] += moves
            if not self._solve(rhs):
                raise SolverError(f"sample {s} has no recourse at this point")
            found[s] = self._highs.getSolution().col_value
        return found

    def _solve(self, rhs: Array) -> bool:
        lower, upper = rhs - self._family.slack_upper, rhs - self._family.slack_lower
        self._highs.changeRowsBounds(len(rhs), self._rows, lower, upper)
        # HiGHS holds the limit against all time the object ever ran
        self._highs.setOptionValue("time_limit", self._highs.getRunTime() + LONGEST_SOLVE)
        self._highs.run()
        status = self._highs.getModelStatus()
        if status == self._optimal:
            return True
        if status == self._infeasible:
            return False
        raise SolverError(f"a recourse problem ended as {status}: its cost may fall without limit")

    def _ray(self) -> tuple[Array, float]:
        """The Farkas ray of an infeasible sample, turned so that possible right-hand sides have ray @ rhs >= level."""
        family = self._family
        _, _, dual = self._highs.getDualRay()
        ray = -np.asarray(dual)
        reach = ray @ family.matrix
        level = _most(-reach, family.lower, family.upper) + _most(-ray, family.slack_lower, family.slack_upper)
        return ray, -level


def _most(direction: Array, lower: Array, upper: Array) -> float:
    """max direction @ v over the box; directions that are zero up to rounding count as zero."""
    used = np.abs(direction) > 1e-9
    corner = np.where(direction > 0, upper, lower)
    return float(np.sum(direction[used] * corner[used]))
