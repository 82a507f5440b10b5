"""Solve a fleet problem by decomposition, and check the answer from the inputs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from capacity_opt.fleet.decode import Decision
from capacity_opt.fleet.decomposition.structure import Pieces, pieces_of
from capacity_opt.fleet.outcomes import Outcomes
from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.solvers.backend import relative_gap
from capacity_opt.solvers.stochastic.benders import Search, TwoStageSolution, continue_search, start_search
from capacity_opt.solvers.stochastic.checking import check_decomposition
from capacity_opt.solvers.stochastic.fixed import recourse_of
from capacity_opt.solvers.stochastic.kernels import compile_kernels
from capacity_opt.solvers.verify import Verification

if TYPE_CHECKING:
    from capacity_opt.fleet.warm import WarmStart

Array = NDArray[np.float64]
Progress = Callable[[float, float, float, float], None]

TIGHT = 1e-6
"""A continuous answer is called optimal within this relative gap."""


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
    formulation: str = "two_stage",
    *,
    gap: float = 1e-4,
    time_limit: float = 300.0,
    seed: int = 7,
    progress: Progress | None = None,
    warm: WarmStart | None = None,
    workers: int = 0,
) -> Decomposed:
    """Solve ``problem`` on ``outcomes`` that differ in demand only (see :mod:`.fit`), from where ``warm`` stands;
    ``workers`` processes share the samples of large recourse problems."""
    compile_kernels()
    started = time.perf_counter()
    pieces = pieces_of(problem, outcomes, formulation)
    warm = None if pieces.program.risks else warm  # what is kept knows nothing of densities
    search = start_search(pieces.program, seed=seed, graphs=None if warm is None else warm.graphs, workers=workers)
    if warm is not None:
        warm.begin(pieces, search)
    left = time_limit - (time.perf_counter() - started)
    found = solve_search(pieces, search, gap=gap, time_limit=left, progress=progress)
    if warm is not None:
        warm.keep_search(pieces, found.solution)
    return found


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
    checks = check_decomposition(search, solution, asked, recourse)
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
    values[pieces.first] = x[: len(pieces.first)]
    spread = np.zeros((model.lp.columns, count))
    for merge, own in zip(pieces.merges, recourse, strict=True):
        spread[merge.columns] = np.maximum(merge.spread(own, pieces.frame.outcomes).T, 0.0)
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
