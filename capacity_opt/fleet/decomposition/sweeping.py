"""Many fill-rate targets of one problem by one search: only the budgets of unmet demand move, every cut stays valid."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace

from capacity_opt.errors import SolverError
from capacity_opt.fleet.decomposition.fit import why_not_expected, worth_it
from capacity_opt.fleet.decomposition.sizing import recourse_columns
from capacity_opt.fleet.decomposition.solving import solve_search
from capacity_opt.fleet.decomposition.structure import Pieces, coupling_of, pieces_of
from capacity_opt.fleet.decomposition.telling import plan_of
from capacity_opt.fleet.frame import Frame
from capacity_opt.fleet.outcomes import Outcomes
from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.problem.plan import FleetPlan
from capacity_opt.solvers.stochastic.search import Search, start_search


def can_sweep(problem: FleetProblem, outcomes: Outcomes, formulation: str = "two_stage") -> bool:
    """Whether its fill-rate targets are swept faster by decomposition than in one large program."""
    fits = why_not_expected(problem, outcomes, formulation) is None
    return fits and worth_it(outcomes.count, recourse_columns(problem))


def sweep_fill_rates(
    problems: Iterable[FleetProblem], outcomes: Outcomes, *, gap: float = 1e-4, time_limit: float = 300.0, seed: int = 7
) -> Iterator[tuple[str, FleetPlan | None]]:
    """Status and plan (``None`` without one) of each of ``problems``, which differ in the value of fill rates only; the
    next one is asked for when the one before is done. ``time_limit`` in seconds per problem.

    Raises ``SolverError`` where an answer could not be verified.
    """
    known: tuple[Pieces, Search] | None = None
    for problem in problems:
        started = time.perf_counter()
        if known is None:
            pieces = pieces_of(problem, outcomes)
            known = pieces, start_search(pieces.program, seed=seed)
        pieces, search = known
        own = _at(pieces, problem, outcomes)
        if own.program.coupling is not None:
            search.master.set_coupling(own.program.coupling.lower, own.program.coupling.upper)
        found = solve_search(own, search, gap=gap, time_limit=time_limit)
        if found.solution.limit == "interrupted":
            raise KeyboardInterrupt  # the search took it for itself; further points are not wanted
        if found.decision is None:
            yield found.solution.reason, None
            continue
        plan = plan_of(found)
        if not found.checked.passed or not all(check.passed for check in plan.checks):
            raise SolverError("a point of the sweep failed its checks: " + "; ".join(map(str, found.checked.failures)))
        yield found.solution.reason, replace(plan, seconds=time.perf_counter() - started)


def _at(pieces: Pieces, problem: FleetProblem, outcomes: Outcomes) -> Pieces:
    """The pieces with the targets of another problem."""
    frame = Frame(problem, outcomes)
    model = replace(pieces.model, frame=Frame(problem, outcomes.mean()))
    coupling = coupling_of(model, frame, pieces.coupling_rows, pieces.first)
    return replace(pieces, model=model, frame=frame, program=replace(pieces.program, coupling=coupling))
