"""OR-tools PDLP: a first-order method for very large linear programs. Its answers are never called optimal.

A first-order point fulfils rows only to a tolerance, and points it calls optimal do violate rows. So the reason is at
best ``"feasible"``, the point is dropped when it breaks a row by more than 1e-6 (relative), and the bound is what its
row duals really prove (often minus infinity). For a certified answer use HiGHS. PDLP keeps Python's lock while it runs:
Ctrl-C is seen when it returns, so give it a time limit.
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from capacity_opt.errors import ArgumentError
from capacity_opt.solvers.backend import Settings, relative_gap, without_solving
from capacity_opt.solvers.duality import lagrangian_bound, reduced_costs
from capacity_opt.solvers.linear_program import LinearProgram
from capacity_opt.solvers.ortools_arrays import version
from capacity_opt.solvers.rounding import largest_violation
from capacity_opt.solvers.solution import Limit, Reason, Solution

Array = NDArray[np.float64]

TOLERANCE = 1e-8
FEASIBILITY = 1e-6

_OUTCOMES: dict[str, tuple[Reason, Limit]] = {
    "OPTIMAL": ("feasible", "none"),
    "TIME_LIMIT": ("no_solution", "time"),
    "ITERATION_LIMIT": ("no_solution", "iterations"),
    "KKT_MATRIX_PASS_LIMIT": ("no_solution", "iterations"),
    "INTERRUPTED_BY_USER": ("no_solution", "interrupted"),
    "PRIMAL_INFEASIBLE": ("infeasible", "none"),
    "DUAL_INFEASIBLE": ("unbounded", "none"),
}


class Pdlp:
    """The PDLP backend."""

    name = "pdlp"

    def supports(self, lp: LinearProgram) -> str | None:
        """Linear programs only."""
        if lp.integer.any():
            return f"{np.count_nonzero(lp.integer)} columns are integer; use solver='highs'"
        return None

    def solve(self, lp: LinearProgram, settings: Settings) -> Solution:
        """Solve to 1e-8; the answer is a checked point, not a proof. Options may be dotted:
        ``{"termination_criteria.iteration_limit": 1000}``."""
        from ortools.pdlp.python import pdlp

        known = without_solving(lp, self.name)
        if known is not None:
            return known
        started = time.perf_counter()
        result = pdlp.primal_dual_hybrid_gradient(_program(lp), _parameters(settings))
        return _read(lp, result, time.perf_counter() - started)


def _program(lp: LinearProgram) -> Any:
    from ortools.pdlp.python import pdlp

    program = pdlp.QuadraticProgram()
    program.resize_and_initialize(lp.columns, lp.rows)
    program.objective_vector = lp.cost
    program.objective_offset = lp.offset
    program.constraint_matrix = sparse.csc_matrix(lp.matrix)
    program.constraint_lower_bounds, program.constraint_upper_bounds = lp.row_lower, lp.row_upper
    program.variable_lower_bounds, program.variable_upper_bounds = lp.column_lower, lp.column_upper
    return program


def _parameters(settings: Settings) -> Any:
    from ortools.pdlp import solvers_pb2

    parameters = solvers_pb2.PrimalDualHybridGradientParams()
    criteria = parameters.termination_criteria
    criteria.time_sec_limit = settings.time_limit
    criteria.simple_optimality_criteria.eps_optimal_absolute = TOLERANCE
    criteria.simple_optimality_criteria.eps_optimal_relative = TOLERANCE
    parameters.num_threads = settings.threads or 1
    for name, value in settings.options.items():
        *inside, last = name.split(".")
        try:
            setattr(reduce(getattr, inside, parameters), last, value)
        except (AttributeError, TypeError, ValueError):
            raise ArgumentError(f"options[{name!r}] = {value!r} is refused by PDLP: unknown name or value") from None
    return parameters


def _read(lp: LinearProgram, result: Any, seconds: float) -> Solution:
    from ortools.pdlp import solve_log_pb2

    told = solve_log_pb2.TerminationReason.Name(result.solve_log.termination_reason)
    reason, limit = _OUTCOMES.get(told.removeprefix("TERMINATION_REASON_"), ("error", "none"))
    answer = Solution(
        reason=reason,
        limit=limit,
        seconds=seconds,
        iterations=int(result.solve_log.iteration_count),
        solver="pdlp",
        version=version(),
        message=f"{told}; a first-order answer, not certified",
    )
    if reason not in ("feasible", "no_solution"):
        return answer
    return _priced(lp, answer, np.asarray(result.primal_solution), np.asarray(result.dual_solution))


def _priced(lp: LinearProgram, answer: Solution, x: Array, duals: Array) -> Solution:
    x = np.clip(x, lp.column_lower, lp.column_upper)
    duals = _within_reach(duals, lp.row_lower, lp.row_upper)
    allowance = 1e-6 * (1.0 + float(np.abs(lp.cost).max(initial=0.0)))
    bound = lagrangian_bound(lp, duals, allowance=allowance)
    answer = replace(answer, bound=bound, row_duals=duals, reduced_costs=reduced_costs(lp, duals))
    worst = largest_violation(lp, x)
    if worst > FEASIBILITY:
        told = f"{answer.message}; its point breaks a row by {worst:.2g} (relative) and was dropped"
        return replace(answer, reason="no_solution", message=told)
    objective = float(lp.cost @ x) + lp.offset
    bound = min(bound, objective)
    return replace(answer, reason="feasible", x=x, objective=objective, bound=bound, gap=relative_gap(objective, bound))


def _within_reach(duals: Array, lower: Array, upper: Array) -> Array:
    """Prices pointing at a bound that is not there prove nothing: 0 instead."""
    duals = np.where(np.isfinite(lower), duals, np.minimum(duals, 0.0))
    return np.where(np.isfinite(upper), duals, np.maximum(duals, 0.0))
