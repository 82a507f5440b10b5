"""OR-tools CP-SAT: exact integer arithmetic, for packing and as an independent check of small integer programs.

CP-SAT knows whole numbers only. A program is taken when every column is integer and bounded, and when every row and
the costs become whole after multiplying by a power of ten (exactly, not by rounding); otherwise ``supports`` says which
column or row stands in the way.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import ArgumentError
from capacity_opt.solvers.backend import Settings, relative_gap, without_solving
from capacity_opt.solvers.linear_program import LinearProgram
from capacity_opt.solvers.ortools_arrays import version
from capacity_opt.solvers.solution import Reason, Solution
from capacity_opt.solvers.stoppable import run_stoppable

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

MOST_DIGITS = 9
GRAIN = 1e-9
"""A bound this close below a whole number counts as that number."""
LARGEST = 2**50
"""CP-SAT adds products in 64-bit integers; a row whose sum of |coefficient| * |bound| passes this is refused."""


@dataclass(frozen=True, kw_only=True)
class WholeProgram:
    """The program in whole numbers: row i is multiplied by ``row_factor[i]``, the costs by ``cost_factor``."""

    cost: IntArray
    cost_factor: int
    entries: IntArray
    row_factor: IntArray


class CpSat:
    """The CP-SAT backend."""

    name = "cp_sat"

    def supports(self, lp: LinearProgram) -> str | None:
        """Bounded whole columns and exactly representable decimals only; says which column or row is not."""
        continuous = np.flatnonzero(~lp.integer)
        if continuous.size:
            return f"column {continuous[0]} is continuous ({continuous.size} are); use solver='highs'"
        unbounded = np.flatnonzero(~np.isfinite(lp.column_lower) | ~np.isfinite(lp.column_upper))
        if unbounded.size:
            return f"column {unbounded[0]} has no finite bounds; give it some, or use solver='highs'"
        whole = to_whole_numbers(lp)
        return whole if isinstance(whole, str) else None

    def solve(self, lp: LinearProgram, settings: Settings) -> Solution:
        """Solve exactly. Prices are not available."""
        known = without_solving(lp, self.name)
        whole = to_whole_numbers(lp)
        if known is not None or isinstance(whole, str):
            return known or Solution(reason="error", solver=self.name, message=str(whole))
        lower, upper = _whole_columns(lp)
        if np.any(lower > upper):
            told = f"column {int(np.argmax(lower > upper))} has no whole number inside its bounds"
            return Solution(reason="infeasible", solver=self.name, message=told)
        started = time.perf_counter()
        model = _build(lp, whole)
        if settings.start is not None:
            for variable, value in zip(model.variables, np.rint(settings.start).astype(int)):
                model.model.add_hint(variable, int(value))
        solver = _solver(settings)
        reporter = _reporter(settings, whole, lp, started)
        status, interrupted = run_stoppable(lambda: solver.solve(model.model, reporter), solver.stop_search)
        seconds = time.perf_counter() - started
        if status is None:
            return Solution(reason="no_solution", limit="interrupted", solver=self.name, seconds=seconds)
        answer = _read(lp, whole, solver, status, model.variables, seconds)
        return replace(answer, limit="interrupted") if interrupted else answer


def to_whole_numbers(lp: LinearProgram) -> WholeProgram | str:
    """The same program in whole numbers, or the reason why there is none."""
    cost_factor = _power_of_ten(lp.cost)
    if cost_factor is None:
        return f"the costs have more than {MOST_DIGITS} decimals; round them, or use solver='highs'"
    matrix, factors = lp.matrix, np.ones(lp.rows, dtype=np.int64)
    for i in range(lp.rows):
        factor = _power_of_ten(matrix.data[matrix.indptr[i] : matrix.indptr[i + 1]])
        if factor is None:
            return f"row {i} has coefficients with more than {MOST_DIGITS} decimals; round them, or use solver='highs'"
        factors[i] = factor
    reach = np.maximum(np.abs(lp.column_lower), np.abs(lp.column_upper))
    per_entry = np.repeat(factors, np.diff(matrix.indptr))
    sizes = np.abs(matrix.data) * per_entry * reach[matrix.indices]
    heavy = np.add.reduceat(np.append(sizes, 0.0), matrix.indptr[:-1]) * (np.diff(matrix.indptr) > 0)
    if heavy.size and heavy.max() > LARGEST:
        worst = int(np.argmax(heavy))
        return f"row {worst} reaches {heavy[worst]:.3g} in whole numbers; tighten bounds, or use solver='highs'"
    if float(np.abs(lp.cost) @ reach) * cost_factor > LARGEST:
        return "the costs times the bounds pass 2^50 in whole numbers; round the costs, or use solver='highs'"
    return WholeProgram(
        cost=np.rint(lp.cost * cost_factor).astype(np.int64),
        cost_factor=cost_factor,
        entries=np.rint(matrix.data * per_entry).astype(np.int64),
        row_factor=factors,
    )


def _power_of_ten(values: Array) -> int | None:
    """The smallest power of ten that makes every value whole: the nearest whole number, divided back, is the value."""
    for digits in range(MOST_DIGITS + 1):
        factor: int = 10**digits
        if np.array_equal(np.rint(values * factor) / factor, values):
            return factor
    return None


@dataclass(frozen=True)
class _Model:
    model: Any
    variables: list[Any]


def _build(lp: LinearProgram, whole: WholeProgram) -> _Model:
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    lower, upper = (bounds.tolist() for bounds in _whole_columns(lp))
    variables = [model.new_int_var(lo, hi, "") for lo, hi in zip(lower, upper)]
    starts, places = lp.matrix.indptr, lp.matrix.indices
    for i in range(lp.rows):
        span = slice(starts[i], starts[i + 1])
        row = cp_model.LinearExpr.weighted_sum([variables[j] for j in places[span]], whole.entries[span].tolist())
        low, high = _whole_bounds(lp, whole, i)
        model.add_linear_constraint(row, low, high)
    model.minimize(cp_model.LinearExpr.weighted_sum(variables, whole.cost.tolist()))
    return _Model(model, variables)


def _whole_columns(lp: LinearProgram) -> tuple[IntArray, IntArray]:
    lower = np.ceil(lp.column_lower - GRAIN).astype(np.int64)
    return lower, np.floor(lp.column_upper + GRAIN).astype(np.int64)


def _whole_bounds(lp: LinearProgram, whole: WholeProgram, row: int) -> tuple[int, int]:
    """A row of whole numbers cannot lie between two of them, so its bounds are rounded inwards."""
    largest = 2**62
    factor = float(whole.row_factor[row])
    low, high = lp.row_lower[row] * factor, lp.row_upper[row] * factor
    grain = GRAIN * max(1.0, factor)
    below = int(np.ceil(low - grain)) if low > -largest else -largest
    above = int(np.floor(high + grain)) if high < largest else largest
    return below, above


def _solver(settings: Settings) -> Any:
    from ortools.sat.python import cp_model

    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = settings.time_limit
    solver.parameters.relative_gap_limit = settings.gap
    solver.parameters.random_seed = settings.seed
    solver.parameters.catch_sigint_signal = False
    solver.parameters.num_workers = settings.threads or 1
    for name, value in settings.options.items():
        try:
            setattr(solver.parameters, name, value)
        except (AttributeError, TypeError, ValueError):
            raise ArgumentError(f"options[{name!r}] = {value!r} is refused by CP-SAT: unknown name or value") from None
    return solver


def _reporter(settings: Settings, whole: WholeProgram, lp: LinearProgram, started: float) -> Any:
    from ortools.sat.python import cp_model

    tell, money = settings.progress, float(whole.cost_factor)

    class Reporter(cp_model.CpSolverSolutionCallback):  # type: ignore[misc]
        def on_solution_callback(self) -> None:
            objective = self.objective_value / money + lp.offset
            bound = self.best_objective_bound / money + lp.offset
            if tell is not None:
                tell(time.perf_counter() - started, objective, bound, relative_gap(objective, bound))

    return Reporter()


def _read(
    lp: LinearProgram, whole: WholeProgram, solver: Any, status: Any, variables: list[Any], seconds: float
) -> Solution:
    reasons: dict[str, Reason] = {
        "OPTIMAL": "optimal",
        "FEASIBLE": "feasible",
        "INFEASIBLE": "infeasible",
        "UNKNOWN": "no_solution",
    }
    reason = reasons.get(solver.status_name(status), "error")
    common = Solution(
        reason=reason,
        limit="time" if reason in ("feasible", "no_solution") else "none",
        seconds=seconds,
        solver="cp_sat",
        version=version(),
        message=str(solver.status_name(status)),
    )
    if reason not in ("optimal", "feasible"):
        return common
    return _with_point(lp, whole, solver, variables, common)


def _with_point(
    lp: LinearProgram, whole: WholeProgram, solver: Any, variables: list[Any], common: Solution
) -> Solution:
    x = np.array([solver.value(variable) for variable in variables], dtype=np.float64)
    objective = float(lp.cost @ x) + lp.offset
    bound = min(float(solver.best_objective_bound) / whole.cost_factor + lp.offset, objective)
    return replace(common, x=x, objective=objective, bound=bound, gap=relative_gap(objective, bound))
