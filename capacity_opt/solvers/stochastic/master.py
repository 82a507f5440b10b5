"""The master problem of a decomposition: the first stage plus one column per sample group for its expected recourse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import SolverError
from capacity_opt.solvers.highs_engine import POOL, new_highs
from capacity_opt.solvers.linear_program import LinearProgram

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class MasterPoint:
    """An optimum of the master (or of its linear relaxation): ``x`` first stage, ``theta`` per group, ``bound`` a lower
    bound on the whole program, ``objective`` of the master at the point; ``reason`` as in ``Solution``."""

    reason: str
    x: Array
    theta: Array
    bound: float
    objective: float


class Master:
    """Holds one HiGHS model that grows by cuts and is re-solved warm."""

    def __init__(self, first: LinearProgram, weights: Array, *, threads: int | None = None, seed: int = 0) -> None:
        """``weights`` (groups,): cost of each recourse column."""
        import highspy

        self._first = first
        self._groups = len(weights)
        self._highs: Any = new_highs()
        self._threads = threads
        self._highs.setOptionValue("random_seed", seed)
        self._check(self._highs.passModel(self._model(highspy, first, weights)), "pass the master")
        self._relaxed = True

    def _model(self, highspy: Any, first: LinearProgram, weights: Array) -> Any:
        model = highspy.HighsLp()
        groups, infinity = len(weights), highspy.kHighsInf
        model.num_col_, model.num_row_ = first.columns + groups, first.rows
        model.col_cost_ = np.concatenate([first.cost, weights])
        model.col_lower_ = np.concatenate([first.column_lower, np.zeros(groups)])
        model.col_upper_ = np.concatenate([first.column_upper, np.zeros(groups)])
        model.row_lower_ = np.maximum(first.row_lower, -infinity)
        model.row_upper_ = np.minimum(first.row_upper, infinity)
        model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        model.a_matrix_.start_ = first.matrix.indptr.astype(np.int32)
        model.a_matrix_.index_ = first.matrix.indices.astype(np.int32)
        model.a_matrix_.value_ = first.matrix.data
        model.offset_ = first.offset
        return model

    @staticmethod
    def _check(status: Any, what: str) -> None:
        if "kError" in str(status):
            raise SolverError(f"HiGHS could not {what}")

    def free_recourse(self) -> None:
        """Let the recourse columns take any value; called once every group has its first cut."""
        columns = np.arange(self._first.columns, self._first.columns + self._groups, dtype=np.int32)
        low, high = np.full(self._groups, -np.inf), np.full(self._groups, np.inf)
        self._check(self._highs.changeColsBounds(self._groups, columns, low, high), "free the recourse columns")

    def box(self, limit: float) -> None:
        """Bound the first stage's free directions by ``limit`` for as long as cuts do not."""
        self.set_bounds(np.maximum(self._first.column_lower, -limit), np.minimum(self._first.column_upper, limit))

    def set_integer(self, integer: bool) -> None:
        """Switch the first stage's integrality on or off."""
        import highspy

        kinds = np.where(self._first.integer & integer, int(highspy.HighsVarType.kInteger), 0).astype(np.uint8)
        columns = np.arange(self._first.columns, dtype=np.int32)
        status = self._highs.changeColsIntegrality(len(columns), columns, kinds)
        self._check(status, "change integrality")
        self._relaxed = not integer

    def set_bounds(self, lower: Array, upper: Array) -> None:
        """Bound the first-stage columns, for a neighbourhood."""
        columns = np.arange(self._first.columns, dtype=np.int32)
        self._check(self._highs.changeColsBounds(len(columns), columns, lower, upper), "bound the first stage")

    def add_cuts(self, slopes: Array, levels: Array, groups: NDArray[np.int64]) -> None:
        """``theta[group] >= level + slope @ x`` per row; group -1 for a feasibility cut ``0 >= level + slope @ x``."""
        rows, cols = np.nonzero(np.abs(slopes) > 1e-12)
        counts = np.bincount(rows, minlength=len(levels))
        with_theta = groups >= 0
        index = [
            np.concatenate([cols[rows == i], [self._first.columns + g] if g >= 0 else []]) for i, g in enumerate(groups)
        ]
        value = [np.concatenate([-slopes[i, cols[rows == i]], [1.0] if g >= 0 else []]) for i, g in enumerate(groups)]
        starts = np.concatenate([[0], np.cumsum(counts + with_theta)[:-1]]).astype(np.int32)
        flat_index, flat_value = np.concatenate(index).astype(np.int32), np.concatenate(value)
        upper = np.full(len(levels), np.inf)
        status = self._highs.addRows(len(levels), levels, upper, len(flat_index), starts, flat_index, flat_value)
        self._check(status, "add cuts")

    def solve(self, *, time_limit: float, gap: float = 0.0, start: Array | None = None) -> MasterPoint:
        """Solve as it stands. The bound is the dual bound, also when stopped early."""
        import highspy

        self._highs.setOptionValue("time_limit", self._highs.getRunTime() + max(time_limit, 0.01))
        self._highs.setOptionValue("mip_rel_gap", gap)
        if start is not None:
            solution = highspy.HighsSolution()
            solution.col_value = list(start)
            self._highs.setSolution(solution)
        with POOL.use(self._threads) as threads:
            self._highs.setOptionValue("threads", threads)
            status = self._highs.run()
        self._check(status, "solve the master")
        return self._point(highspy)

    def _point(self, highspy: Any) -> MasterPoint:
        status, info = self._highs.getModelStatus(), self._highs.getInfo()
        reasons = {
            highspy.HighsModelStatus.kOptimal: "optimal",
            highspy.HighsModelStatus.kInfeasible: "infeasible",
            highspy.HighsModelStatus.kUnbounded: "unbounded",
            highspy.HighsModelStatus.kUnboundedOrInfeasible: "unbounded",
        }
        reason = reasons.get(status, "limit")
        values = np.asarray(self._highs.getSolution().col_value)
        has_point = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
        if not has_point:
            values = np.full(self._first.columns + self._groups, np.nan)
        bound = info.objective_function_value if self._relaxed else info.mip_dual_bound
        if reason != "optimal" and self._relaxed:
            bound = -np.inf
        x, theta = values[: self._first.columns], values[self._first.columns :]
        objective = info.objective_function_value if has_point else np.nan
        return MasterPoint(reason=reason, x=x, theta=theta, bound=float(bound), objective=float(objective))
