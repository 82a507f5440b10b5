"""HiGHS, straight from arrays: one checked wrapper and a warm session for sequences of similar programs.

Three statuses are looked at, the call's, the model's and the solution's; a point or a price counts only when all three
agree. Integer answers are rounded, fixed and the rest solved again, which also gives their (local) prices.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capacity_opt.solvers import highs_arrays
from capacity_opt.solvers.backend import Settings, relative_gap, without_solving
from capacity_opt.solvers.duality import dual_slack, lagrangian_bound, reduced_costs
from capacity_opt.solvers.highs_engine import POOL, Watch, new_highs, run, run_inline
from capacity_opt.solvers.linear_program import LinearProgram
from capacity_opt.solvers.rounding import fix_integers, largest_violation, nearest_integers
from capacity_opt.solvers.solution import Reason, Solution

Array = NDArray[np.float64]

LP_GAP = 1e-6
"""A linear program's own prices must prove it to this relative gap, or the answer is not called optimal."""
FEASIBILITY = 1e-6


class Highs:
    """The default backend: certified linear and mixed-integer answers."""

    name = "highs"

    def supports(self, lp: LinearProgram) -> str | None:
        """HiGHS takes every program whose matrix fits 32-bit indices."""
        if lp.matrix.nnz > highs_arrays.MOST_ENTRIES:
            return f"the matrix has {lp.matrix.nnz} entries, above 2^31 - 1; decompose the program"
        return None

    def solve(self, lp: LinearProgram, settings: Settings) -> Solution:
        """Solve once from cold. For sequences of similar programs use ``HighsSession``."""
        known = without_solving(lp, self.name)
        return known if known is not None else solve_loaded(load(lp), lp, settings)


class Loaded:
    """A HiGHS object that holds a program, with the scale of its costs; ``refused`` when HiGHS did not take it."""

    def __init__(self, lp: LinearProgram, scale: float | None = None) -> None:
        self.engine: Any = new_highs()
        self.scale = highs_arrays.cost_scale(lp.cost) if scale is None else scale
        self.refused = not highs_arrays.pass_program(self.engine, lp, self.scale)


def load(lp: LinearProgram, *, scale: float | None = None) -> Loaded:
    """A fresh HiGHS object with the program in it."""
    return Loaded(lp, scale)


def solve_loaded(loaded: Loaded, lp: LinearProgram, settings: Settings, *, watched: bool = True) -> Solution:
    """Run, check the statuses, and finish the answer (polish integers, price, bound)."""
    if loaded.refused:
        return Solution(reason="error", solver="highs", message="HiGHS refused the program (passModel failed)")
    with POOL.use(settings.threads) as threads:
        _configure(loaded, settings, threads)
        status, watch = _run(loaded, lp, settings, watched=watched)
        answer = _read(loaded, lp, status, watch)
    return _finish_integer(lp, answer, settings) if lp.integer.any() else _finish_linear(lp, answer)


def _configure(loaded: Loaded, settings: Settings, threads: int) -> None:
    common = {
        "mip_rel_gap": float(settings.gap),
        "mip_abs_gap": 1e-9,
        "random_seed": int(settings.seed),
        "threads": threads,
    }
    highs_arrays.set_options(loaded.engine, {**common, **settings.options})
    if settings.start is not None:
        known = np.flatnonzero(np.isfinite(settings.start)).astype(np.int32)
        loaded.engine.setSolution(known.size, known, np.asarray(settings.start[known], dtype=np.float64))


def _run(loaded: Loaded, lp: LinearProgram, settings: Settings, *, watched: bool) -> tuple[Any, Watch]:
    """One run, a second one after a thread-pool error, and one without presolve where its verdict was ambiguous."""

    def once() -> tuple[Any, Watch]:
        # HiGHS holds the limit against all time the object ever ran, not against this run
        loaded.engine.setOptionValue("time_limit", loaded.engine.getRunTime() + settings.time_limit)
        if not watched and settings.progress is None:
            return run_inline(loaded.engine)
        integer = bool(lp.integer.any())
        return run(loaded.engine, integer=integer, scale=loaded.scale, progress=settings.progress)

    status, watch = once()
    if status is not None and _pool_error(status, loaded.engine) and POOL.reset():
        status, watch = once()
    if status is not None and loaded.engine.getModelStatus().name == "kUnboundedOrInfeasible":
        kept = loaded.engine.getOptionValue("presolve")[1]
        loaded.engine.setOptionValue("presolve", "off")
        status, watch = once()
        loaded.engine.setOptionValue("presolve", kept)
    return status, watch


def _pool_error(status: Any, engine: Any) -> bool:
    """The thread trap: the call fails before any solving, and leaves the model status unset."""
    return bool(status.name == "kError" and engine.getModelStatus().name == "kNotset")


def _read(loaded: Loaded, lp: LinearProgram, status: Any, watch: Watch) -> Solution:
    if status is None:
        return _abandoned(lp, watch, loaded.scale)
    engine = loaded.engine
    reason, limit = highs_arrays.outcome(engine.getModelStatus())
    told = engine.modelStatusToString(engine.getModelStatus())
    if status.name == "kError":
        reason, told = "error", f"HiGHS's call failed with model status {told}"
    x = highs_arrays.point(engine) if reason in ("optimal", "no_solution") else None
    if reason == "optimal" and x is None:
        reason, told = "error", "HiGHS says optimal but calls its own point infeasible"
    if reason == "no_solution" and x is not None:
        reason = "feasible"
    return Solution(
        reason=reason,
        limit="interrupted" if watch.interrupted else limit,
        bound=_bound(lp, engine, loaded.scale, reason),
        x=x,
        row_duals=None if lp.integer.any() else highs_arrays.prices(engine, loaded.scale),
        seconds=watch.seconds,
        iterations=highs_arrays.iterations(engine),
        solver="highs",
        version=highs_arrays.version(engine),
        message=told,
    )


def _bound(lp: LinearProgram, engine: Any, scale: float, reason: Reason) -> float:
    """The bound of an integer search; a linear program's is computed from its prices later."""
    if not lp.integer.any() or reason not in ("optimal", "feasible", "no_solution"):
        return float("-inf")
    return float(engine.getInfo().mip_dual_bound) / scale


def _abandoned(lp: LinearProgram, watch: Watch, scale: float) -> Solution:
    kept = watch.incumbent
    return Solution(
        reason="no_solution" if kept is None else "feasible",
        limit="interrupted",
        bound=watch.bound / scale if lp.integer.any() else float("-inf"),
        x=kept,
        seconds=watch.seconds,
        solver="highs",
        message="interrupted; the solver did not stop in time, its last point was kept",
    )


def _finish_linear(lp: LinearProgram, answer: Solution) -> Solution:
    """Price the point, prove it by its own prices, and call it optimal only if that proof holds."""
    duals = answer.row_duals
    if duals is not None and answer.reason in ("optimal", "feasible", "no_solution"):
        size = 1e-6 * (1.0 + float(np.abs(lp.cost).max(initial=0.0)))
        answer = replace(
            answer,
            bound=lagrangian_bound(lp, duals, allowance=size),
            reduced_costs=reduced_costs(lp, duals),
        )
    x = answer.x
    if x is None:
        return answer
    objective = float(lp.cost @ x) + lp.offset
    bound = min(answer.bound, objective)
    answer = replace(answer, objective=objective, bound=bound, gap=relative_gap(objective, bound))
    if answer.reason != "optimal":
        return answer
    unproven = objective - bound + (dual_slack(lp, duals, x) if duals is not None else np.inf)
    if unproven <= LP_GAP * max(1.0, abs(objective)):
        return answer
    told = f"HiGHS says optimal, but its prices leave {unproven:.3g} of {objective:.6g} unproven"
    return replace(answer, reason="feasible", message=told)


def _finish_integer(lp: LinearProgram, answer: Solution, settings: Settings) -> Solution:
    """Round the integers, solve the rest with them fixed, and take its point and (local) prices."""
    if answer.x is None:
        return answer
    rounded = nearest_integers(lp, answer.x)
    polished = None if answer.limit == "interrupted" else _polish(lp, rounded, settings)
    if polished is not None and polished.x is not None:
        point = polished.x
        answer = replace(answer, row_duals=polished.row_duals, reduced_costs=polished.reduced_costs)
    else:
        point = rounded
    worst = largest_violation(lp, point)
    if worst > FEASIBILITY:
        told = f"HiGHS's integers, rounded, break a row or bound by {worst:.3g} (relative)"
        return replace(answer, reason="error", x=None, row_duals=None, reduced_costs=None, message=told)
    objective = float(lp.cost @ point) + lp.offset
    answer = replace(answer, x=point, objective=objective, bound=min(answer.bound, objective))
    return replace(answer, gap=relative_gap(objective, answer.bound))


def _polish(lp: LinearProgram, rounded: Array, settings: Settings) -> Solution | None:
    fixed = fix_integers(lp, rounded)
    if fixed is None:
        return None
    limits = Settings(time_limit=settings.time_limit, seed=settings.seed, threads=settings.threads)
    polished = solve_loaded(load(fixed), fixed, limits)
    return polished if polished.reason == "optimal" else None
