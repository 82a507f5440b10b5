"""Solve a fleet problem by decomposition, and check the answer from the inputs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capacity_opt.fleet.decode import Decision
from capacity_opt.fleet.decomposition.structure import Pieces, pieces_of
from capacity_opt.fleet.outcomes import Outcomes
from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.solvers.backend import relative_gap
from capacity_opt.solvers.rounding import column_violation, row_violation
from capacity_opt.solvers.stochastic.benders import Search, TwoStageSolution, continue_search, start_search
from capacity_opt.solvers.stochastic.fixed import Settled, recourse_of
from capacity_opt.solvers.stochastic.kernels import compile_kernels
from capacity_opt.solvers.verify import Check, Verification

Array = NDArray[np.float64]
Progress = Callable[[float, float, float, float], None]

TIGHT = 1e-6
"""A continuous answer is called optimal within this relative gap."""
FEASIBILITY = 1e-6
DUALITY = 1e-6


@dataclass(frozen=True, kw_only=True)
class Decomposed:
    """A solved decomposition: ``decision`` in all samples (``None`` without a point), the checks recomputed from the
    inputs, and the numbers of the search."""

    pieces: Pieces
    solution: TwoStageSolution
    decision: Decision | None
    checked: Verification
    seconds: float


def solve_decomposed(
    problem: FleetProblem,
    outcomes: Outcomes,
    *,
    gap: float = 1e-4,
    time_limit: float = 300.0,
    seed: int = 7,
    progress: Progress | None = None,
) -> Decomposed:
    """Solve ``problem`` on ``outcomes`` that differ in demand only (see :mod:`.fit`)."""
    compile_kernels()
    started = time.perf_counter()
    pieces = pieces_of(problem, outcomes)
    search = start_search(pieces.program, seed=seed)
    left = time_limit - (time.perf_counter() - started)
    return solve_search(pieces, search, gap=gap, time_limit=left, progress=progress)


def solve_search(
    pieces: Pieces, search: Search, *, gap: float, time_limit: float, progress: Progress | None = None
) -> Decomposed:
    """The same from a search under way."""
    started = time.perf_counter()
    whole = bool(pieces.program.first.integer.any())
    asked = max(gap, 1e-9) if whole else TIGHT
    solution = continue_search(search, gap=asked, time_limit=time_limit, progress=_told(progress))
    if solution.x is None or solution.settled is None:
        nothing = Verification(verdict="no_point", checks=())
        return Decomposed(
            pieces=pieces, solution=solution, decision=None, checked=nothing, seconds=time.perf_counter() - started
        )
    recourse = [recourse_of(search, solution.settled, g) for g in range(len(pieces.columns))]
    checks = _checks(search, solution, solution.settled, recourse, asked)
    verdict = "verified" if all(check.passed for check in checks) else "failed"
    return Decomposed(
        pieces=pieces,
        solution=solution,
        decision=_decision(pieces, solution.x, recourse),
        checked=Verification(verdict=verdict, checks=checks),  # type: ignore[arg-type]
        seconds=time.perf_counter() - started,
    )


def _told(progress: Progress | None) -> Callable[[float, int, float, float], None] | None:
    if progress is None:
        return None

    def tell(seconds: float, iteration: int, incumbent: float, bound: float) -> None:  # noqa: ARG001
        progress(seconds, incumbent, bound, relative_gap(incumbent, bound))

    return tell


def _decision(pieces: Pieces, x: Array, recourse: list[Array]) -> Decision:
    """First stage and recourse as blocks; rounding below 0 is cut off."""
    model, count = pieces.model, pieces.frame.outcomes.count
    values = np.zeros(model.lp.columns)
    values[pieces.first] = x
    spread = np.zeros((model.lp.columns, count))
    for columns, own in zip(pieces.columns, recourse, strict=True):
        spread[columns] = np.maximum(own.T, 0.0)
    supply, normal = model.supply, model.normal
    racks, retired, stock, committed = (
        np.where(index >= 0, values[np.maximum(index, 0)], 0.0)
        for index in (supply.racks, supply.retired, supply.stock, supply.committed)
    )
    served, unmet, bought = (
        np.where(index[..., :1] >= 0, spread[np.maximum(index[..., 0], 0)], 0.0)
        for index in (normal.served, normal.unmet, normal.bought)
    )
    return Decision(
        racks=racks, retired=retired, stock=stock, committed=committed, served=served, unmet=unmet, bought=bought
    )


def _checks(
    search: Search, solution: TwoStageSolution, settled: Settled, recourse: list[Array], asked: float
) -> tuple[Check, ...]:
    """Feasibility, whole numbers, cost and bound, recomputed from the program's arrays and every sample's recourse."""
    first, x = search.program.first, settled.x
    whole = np.where(first.integer, np.abs(x - np.rint(x)), 0.0)
    broken, beyond = _recourse_kept(search, x, recourse)
    objective, tied = _recosted(search, x, recourse)
    size = max(1.0, abs(objective))
    bound = solution.bound if not first.integer.any() else min(solution.bound, _relaxed_bound(solution))
    graphs = {id(graph): graph for graph in search.oracle.graphs}
    wrong = max((graph.dual_violation() for graph in graphs.values()), default=0.0)
    values = (
        ("rows kept", float(row_violation(first, x).max(initial=0.0)), FEASIBILITY),
        ("column bounds kept", float(column_violation(first, x).max(initial=0.0)), FEASIBILITY),
        ("integers whole", float(whole.max(initial=0.0)), 1e-9),
        ("recourse rows kept in every sample", broken, FEASIBILITY),
        ("recourse bounds kept in every sample", beyond, FEASIBILITY),
        ("rows of expectations kept", tied, FEASIBILITY),
        ("objective as recomputed", abs(objective - solution.objective) / size, 1e-8),
        ("bound not above objective", max(solution.bound - objective, 0.0) / size, 1e-9),
        ("relaxation's bound proven by its prices", max(bound - solution.proven, 0.0) / size, DUALITY),
        ("recourse prices point at bounds that exist", wrong, DUALITY),
        ("gap within the one asked for", solution.gap if solution.reason == "optimal" else 0.0, asked * (1 + 1e-6)),
    )
    return tuple(Check(name=name, value=value, tolerance=tolerance) for name, value, tolerance in values)


def _relaxed_bound(solution: TwoStageSolution) -> float:
    return solution.relaxed.bound if solution.relaxed is not None else solution.bound


def _recourse_kept(search: Search, x: Array, recourse: list[Array]) -> tuple[float, float]:
    """By how much a row, or a bound, of any sample's recourse is broken at most, relative to max(1, its size)."""
    broken = beyond = 0.0
    for (family, group), own in zip(search.oracle.groups, recourse, strict=True):
        rhs = np.tile(group.base - group.technology @ x, (len(own), 1))
        rhs[:, family.random_rows] += group.values
        slack, size = rhs - own @ family.matrix.T, np.maximum(1.0, np.abs(rhs))
        outside = np.maximum(family.slack_lower - slack, slack - family.slack_upper) / size
        broken = max(broken, float(outside.max(initial=0.0)))
        beyond = max(beyond, float(np.maximum(family.lower - own, own - family.upper).max(initial=0.0)))
    return broken, beyond


def _recosted(search: Search, x: Array, recourse: list[Array]) -> tuple[float, float]:
    """Cost of the decision from every sample's recourse, and how far the coupling rows are left, relative to size."""
    first, coupling = search.program.first, search.master.coupling
    cost, activity = float(first.cost @ x) + first.offset, coupling.matrix @ x
    for (family, group), own in zip(search.oracle.groups, recourse, strict=True):
        mean = group.probability @ own
        cost += group.weight * float(family.cost @ mean)
        if group.counted is not None:
            activity = activity + group.counted @ mean
    beyond = np.maximum(np.maximum(activity - coupling.upper, coupling.lower - activity), 0.0)
    size = np.maximum(1.0, np.where(np.isfinite(coupling.upper), np.abs(coupling.upper), np.abs(coupling.lower)))
    return cost, float((beyond / size).max(initial=0.0))
