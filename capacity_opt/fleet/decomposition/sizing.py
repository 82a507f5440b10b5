"""Sizing by decomposition, from a problem to its plan; ``None`` where one large program is the better way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from capacity_opt.errors import ArgumentError, InfeasibleError, LimitError, SolverError
from capacity_opt.fleet.decode import Decision
from capacity_opt.fleet.decomposition.fit import why_not, worth_it
from capacity_opt.fleet.decomposition.solving import Decomposed, Progress, solve_decomposed
from capacity_opt.fleet.decomposition.telling import plan_of
from capacity_opt.fleet.formulation import FORMULATIONS, build_model
from capacity_opt.fleet.infeasibility import explain
from capacity_opt.fleet.outcomes import Outcomes
from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.problem.plan import FleetPlan
from capacity_opt.solvers.solve import solve

if TYPE_CHECKING:
    from capacity_opt.fleet.warm import WarmStart

PATHS = ("auto", "extensive", "decomposition")

EXPLAINED_SAMPLES = 100
"""An infeasibility is explained on so many samples, where it shows there."""


@dataclass(frozen=True, kw_only=True)
class Sizing:
    """How to solve: as in ``size_fleet``."""

    path: str = "auto"
    gap: float = 1e-4
    time_limit: float = 300.0
    seed: int = 7
    progress: Progress | None = None
    warm: WarmStart | None = None
    workers: int = 0


def sized_by_decomposition(
    problem: FleetProblem,
    outcomes: Outcomes,
    formulation: str,
    how: Sizing,
    keep: list[Decision] | None = None,
) -> FleetPlan | None:
    """The plan, its first remark saying why this way was taken; ``None`` where it was not asked for, does not fit, is
    not worth it, or ended without an answer that could be verified. ``keep`` is given the decision.

    Raises ``ArgumentError`` for an unknown path, ``InfeasibleError`` and ``LimitError`` as ``size_fleet`` does.
    """
    if how.path not in PATHS:
        raise ArgumentError(f"path must be one of {', '.join(PATHS)}, got {how.path!r}")
    if (
        how.path == "extensive"
        or formulation not in FORMULATIONS
        or why_not(problem, outcomes, formulation) is not None
    ):
        return None
    if how.path == "auto" and not _worth_it(problem, outcomes):
        return None
    try:
        found = solve_decomposed(
            problem, outcomes, formulation, gap=how.gap, time_limit=how.time_limit, seed=how.seed,
            progress=how.progress, warm=how.warm, workers=how.workers,
        )  # fmt: skip
    except SolverError:
        return None
    if found.solution.limit == "interrupted" and not found.checked.passed:
        raise KeyboardInterrupt  # there is nothing to hand over
    if found.decision is None:
        _say_why(problem, outcomes, found)
        return None
    if not found.checked.passed or _stalled(found, how):
        return None
    plan = plan_of(found, formulation)
    if keep is not None:
        keep[:] = [found.decision]
    why = "asked for" if how.path == "decomposition" else f"{outcomes.count} samples that differ in demand only"
    return replace(plan, remarks=(f"path: decomposition ({why})",)) if all(c.passed for c in plan.checks) else None


def _worth_it(problem: FleetProblem, outcomes: Outcomes) -> bool:
    """Whether one large program is the worse way."""
    limited = bool(np.any(~np.isnan(problem.service.shortage_cvar_limit)))
    return worth_it(outcomes.count, recourse_columns(problem), whole=problem.integer, limited=limited)


def _stalled(found: Decomposed, how: Sizing) -> bool:
    """Whether a search with risks ended before its gap for want of new cuts: one large program then takes over."""
    limit = found.solution.limit == "iterations" and found.solution.reason == "feasible"
    return how.path == "auto" and limit and bool(found.pieces.program.risks)


def why_extensive(problem: FleetProblem, outcomes: Outcomes, formulation: str, how: Sizing) -> str:
    """In a few words, why :func:`sized_by_decomposition` gave no plan.

    Raises ``ArgumentError`` where ``path`` asks for a decomposition that cannot be.
    """
    if how.path == "extensive":
        return "asked for"
    why = why_not(problem, outcomes, formulation)
    if why is not None and how.path == "decomposition":
        raise ArgumentError(f"this model cannot be decomposed: {why}. Use path = 'auto'")
    if why is not None:
        return f"cannot be decomposed: {why}"
    columns = outcomes.count * recourse_columns(problem)
    if how.path == "auto" and not _worth_it(problem, outcomes):
        return f"about {columns} columns are few enough for one program"
    return "the decomposition's answer could not be verified"


def recourse_columns(problem: FleetProblem) -> int:
    """About how many recourse columns a sample has."""
    sizes = problem.sizes
    lanes = int((problem.groups.compatible.sum(axis=1) * problem.groups.allowed_region.sum(axis=1)).sum())
    states = 1 + int((problem.service.protected_share > 0).any(axis=0).sum())
    return (lanes + sizes["J"] + sizes["M"]) * sizes["T"] * sizes["B"] * states


def _say_why(problem: FleetProblem, outcomes: Outcomes, found: Decomposed) -> None:
    """Raise what keeps the decomposition from a plan, where that is sure and can be said from few samples."""
    solution = found.solution
    if solution.reason == "no_solution" and solution.limit == "time":
        raise LimitError(
            f"no plan was found within the limit (time, {found.seconds:.1f} s). "
            "Raise time_limit, ask for fewer samples, or widen the gap"
        )
    if solution.reason != "infeasible":
        return
    step = max(1, outcomes.count // EXPLAINED_SAMPLES)
    few = build_model(problem, outcomes.take(np.arange(0, outcomes.count, step)))
    if solve(replace(few.lp, integer=np.zeros_like(few.lp.integer)), time_limit=60.0).reason == "infeasible":
        raise InfeasibleError("no plan keeps every promise and limit", explain(few))
