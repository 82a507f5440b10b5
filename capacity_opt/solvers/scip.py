"""SCIP, as OR-tools ships it: an unrelated branch-and-bound code, for an independent opinion on integer programs.

It cannot be stopped from outside without printing: after Ctrl-C the answer is "no_solution" and its thread ends at the
time limit or with the process. Its integers are rounded and fixed, and the rest is solved by GLOP, which shares no code
with HiGHS either.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import ArgumentError
from capacity_opt.solvers.backend import Settings, relative_gap, without_solving
from capacity_opt.solvers.glop import Glop
from capacity_opt.solvers.linear_program import LinearProgram
from capacity_opt.solvers.ortools_arrays import model_of, version
from capacity_opt.solvers.rounding import fix_integers, largest_violation, nearest_integers
from capacity_opt.solvers.solution import Limit, Reason, Solution
from capacity_opt.solvers.stoppable import run_stoppable

Array = NDArray[np.float64]

FEASIBILITY = 1e-6

_OUTCOMES: dict[str, tuple[Reason, Limit]] = {
    "OPTIMAL": ("optimal", "none"),
    "FEASIBLE": ("feasible", "time"),
    "NOT_SOLVED": ("no_solution", "time"),
    "INFEASIBLE": ("infeasible", "none"),
    "UNBOUNDED": ("unbounded", "none"),
}


class Scip:
    """The SCIP backend."""

    name = "scip"

    def supports(self, lp: LinearProgram) -> str | None:
        """Integer and mixed-integer programs; linear ones have no prices here."""
        if not lp.integer.any():
            return "no column is integer; use solver='highs' or 'glop'"
        return None

    def solve(self, lp: LinearProgram, settings: Settings) -> Solution:
        """Branch and bound to ``settings.gap``; the gap is 1e-9 where 0 is asked for."""
        from ortools.linear_solver.python import model_builder

        known = without_solving(lp, self.name)
        if known is not None:
            return known
        started = time.perf_counter()
        solver = model_builder.Solver("SCIP")
        solver.set_time_limit_in_seconds(settings.time_limit)
        solver.set_solver_specific_parameters(_parameters(settings))
        model = model_of(lp)
        status, interrupted = run_stoppable(lambda: solver.solve(model), solver.stop_search)
        if status is None:
            return Solution(reason="no_solution", limit="interrupted", solver=self.name)
        if status.name == "INVALID_SOLVER_PARAMETERS":
            raise ArgumentError(f"options {dict(settings.options)!r} are refused by SCIP: unknown name or value")
        reason, limit = _OUTCOMES.get(status.name, ("error", "none"))
        answer = Solution(
            reason=reason,
            limit="interrupted" if interrupted else limit,
            seconds=time.perf_counter() - started,
            solver=self.name,
            version=version(),
            message=str(status.name),
        )
        return _with_point(lp, answer, solver, model, settings) if reason in ("optimal", "feasible") else answer


def _parameters(settings: Settings) -> str:
    common = {
        "limits/gap": max(settings.gap, 1e-9),
        "randomization/randomseedshift": settings.seed,
        "numerics/feastol": 1e-9,
        "misc/catchctrlc": "FALSE",
    }
    return "\n".join(f"{name} = {value}" for name, value in {**common, **settings.options}.items())


def _with_point(lp: LinearProgram, answer: Solution, solver: Any, model: Any, settings: Settings) -> Solution:
    point = np.asarray(solver.values(model.get_variables()), dtype=np.float64)
    rounded = np.clip(nearest_integers(lp, point), lp.column_lower, lp.column_upper)
    fixed = fix_integers(lp, rounded)
    polished = None if fixed is None else Glop().solve(fixed, Settings(time_limit=settings.time_limit))
    x = rounded
    if polished is not None and polished.x is not None:
        x = nearest_integers(lp, polished.x)
        answer = replace(answer, row_duals=polished.row_duals, reduced_costs=polished.reduced_costs)
    worst = largest_violation(lp, x)
    if worst > FEASIBILITY:
        told = f"SCIP's integers, rounded, break a row or bound by {worst:.3g} (relative)"
        return replace(answer, reason="error", row_duals=None, reduced_costs=None, message=told)
    objective = float(lp.cost @ x) + lp.offset
    bound = min(float(solver.best_objective_bound), objective)
    return replace(answer, x=x, objective=objective, bound=bound, gap=relative_gap(objective, bound))
