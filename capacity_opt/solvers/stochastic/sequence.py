"""Expected recourse by one warm linear program after another, for recourse problems too large or too varied for the
shared basis graph."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from capacity_opt.errors import SolverError
from capacity_opt.solvers.highs_engine import new_highs
from capacity_opt.solvers.stochastic.graph import GroupValue, no_recourse
from capacity_opt.solvers.stochastic.program import RecourseFamily, SampleGroup

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


class RecourseSequence:
    """Solves the samples of a family one after another, each warm from the one before."""

    count = 0

    def __init__(self, family: RecourseFamily) -> None:
        """Pass the model once."""
        import highspy

        self._family = family
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
        values, slope = np.empty(len(group.values)), np.zeros(len(base))
        columns, mass = np.zeros(len(self._family.cost)), np.ones(len(values)) if scale is None else scale
        measured = np.zeros((0 if measures is None else len(measures), len(values)))
        for s, (moves, probability) in enumerate(zip(group.values, group.probability)):
            rhs = base.copy()
            rhs[self._family.random_rows] += moves
            if not self._solve(rhs):
                return self._ray(group, basis)
            values[s] = self._highs.getInfo().objective_function_value
            solution = self._highs.getSolution()
            slope += probability * mass[s] * np.asarray(solution.row_dual)
            own = np.asarray(solution.col_value)
            columns += probability * own
            if measures is not None:
                measured[:, s] = measures @ own
        value = float((group.probability * mass) @ values)
        return GroupValue(
            value=value, slope=slope, sample_values=values, basis=basis, columns=columns, measured=measured
        )

    def with_cost(
        self,
        cost: Array,
        used: NDArray[np.bool_] | None = None,  # noqa: ARG002
    ) -> tuple[RecourseSequence, IndexArray]:
        """The same problem at another ``cost`` (n,); the second value stands for the bases a graph would have."""
        return RecourseSequence(replace(self._family, cost=cost)), np.zeros(1, dtype=np.int32)

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

    def _ray(self, group: SampleGroup, basis: IndexArray) -> GroupValue:
        """The Farkas ray of an infeasible sample, turned so that possible right-hand sides have ray @ rhs >= level."""
        family = self._family
        _, _, dual = self._highs.getDualRay()
        ray = -np.asarray(dual)
        reach = ray @ family.matrix
        level = _most(-reach, family.lower, family.upper) + _most(-ray, family.slack_lower, family.slack_upper)
        return no_recourse(group, basis, family.random_rows, ray, -level, len(family.cost))


def _most(direction: Array, lower: Array, upper: Array) -> float:
    """max direction @ v over the box; directions that are zero up to rounding count as zero."""
    used = np.abs(direction) > 1e-9
    corner = np.where(direction > 0, upper, lower)
    return float(np.sum(direction[used] * corner[used]))
