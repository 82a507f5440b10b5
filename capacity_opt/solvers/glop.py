"""OR-tools GLOP: a second, unrelated simplex code, for an independent opinion on linear programs."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import ArgumentError
from capacity_opt.solvers.backend import Settings, relative_gap, without_solving
from capacity_opt.solvers.duality import lagrangian_bound, reduced_costs
from capacity_opt.solvers.linear_program import LinearProgram
from capacity_opt.solvers.ortools_arrays import model_of, stopped_by, version
from capacity_opt.solvers.solution import Solution
from capacity_opt.solvers.stoppable import run_stoppable

Array = NDArray[np.float64]


class Glop:
    """The GLOP backend."""

    name = "glop"

    def supports(self, lp: LinearProgram) -> str | None:
        """Linear programs only."""
        if lp.integer.any():
            return f"{np.count_nonzero(lp.integer)} columns are integer; use solver='highs' or 'cp_sat'"
        return None

    def solve(self, lp: LinearProgram, settings: Settings) -> Solution:
        """Solve by simplex; bound and prices are recomputed from the row duals."""
        from ortools.linear_solver.python import model_builder

        known = without_solving(lp, self.name)
        if known is not None:
            return known
        started = time.perf_counter()
        solver = model_builder.Solver("GLOP")
        solver.set_time_limit_in_seconds(settings.time_limit)
        solver.set_solver_specific_parameters("\n".join(f"{name}: {value}" for name, value in settings.options.items()))
        model = model_of(lp)
        status, interrupted = run_stoppable(lambda: solver.solve(model), solver.stop_search)
        if status is None:
            return Solution(reason="no_solution", limit="interrupted", solver=self.name)
        if status.name == "INVALID_SOLVER_PARAMETERS":
            raise ArgumentError(f"options {dict(settings.options)!r} are refused by GLOP: unknown name or value")
        seconds = time.perf_counter() - started
        base = Solution(reason="error", seconds=seconds, solver=self.name, version=version(), message=status.name)
        reason, limit = stopped_by(status.name)
        limit = "interrupted" if interrupted else limit
        if reason == "infeasible" and lp.cost.any():
            # GLOP's presolve says infeasible for "infeasible or unbounded"; without costs only one is left
            free = self.solve(replace(lp, cost=np.zeros_like(lp.cost)), settings)
            reason = "unbounded" if free.has_point else free.reason
        if reason != "optimal":
            return replace(base, reason=reason, limit=limit)
        x = np.asarray(solver.values(model.get_variables()), dtype=np.float64)
        duals = np.asarray(solver.dual_values(model.get_linear_constraints()), dtype=np.float64)
        objective = float(lp.cost @ x) + lp.offset
        allowance = 1e-6 * (1.0 + float(np.abs(lp.cost).max(initial=0.0)))
        bound = min(lagrangian_bound(lp, duals, allowance=allowance), objective)
        return replace(
            base,
            reason="optimal",
            x=x,
            objective=objective,
            bound=bound,
            gap=relative_gap(objective, bound),
            row_duals=duals,
            reduced_costs=reduced_costs(lp, duals),
        )
