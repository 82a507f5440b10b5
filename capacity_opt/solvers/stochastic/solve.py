"""Solves a stochastic program as read from files, by decomposition or in extensive form, and says why."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import ArgumentError, SolverError
from capacity_opt.solvers.solve import solve
from capacity_opt.solvers.stochastic.benders import Progress, continue_search, start_search
from capacity_opt.solvers.stochastic.checking import check_decomposition
from capacity_opt.solvers.stochastic.smps import StochasticProgram
from capacity_opt.solvers.stochastic.tree import extensive_form_of_tree
from capacity_opt.solvers.stochastic.two_stage import sampled, two_stage_of
from capacity_opt.solvers.stochastic.ways import DECOMPOSITION, chosen_way
from capacity_opt.solvers.verify import Check, verify

Array = NDArray[np.float64]

PATHS = ("auto", "decomposition", "extensive")
INTERIOR_FROM = 200_000
"""Rows or columns from which a linear extensive form goes to the interior-point method (with crossover)."""


@dataclass(frozen=True, kw_only=True)
class StochasticSolution:
    """``path`` says how it was solved and ``why``; the rest as in ``Solution``, in the sense of the file (where it
    maximises, ``bound`` is above). ``x``: the first stage's columns. ``checks``: the certificate, recomputed from the
    program's arrays."""

    name: str
    path: str
    why: str
    reason: str
    objective: float
    bound: float
    gap: float
    x: Array | None
    seconds: float
    samples: float
    checks: tuple[Check, ...] = ()


def solve_stochastic(
    program: StochasticProgram,
    *,
    samples: int | None = None,
    seed: int = 0,
    sampling: str = "random",
    path: str = "auto",
    gap: float = 1e-6,
    time_limit: float = 300.0,
    progress: Progress | None = None,
    workers: int = 0,
) -> StochasticSolution:
    """Solve ``program`` with all its outcomes, or with ``samples`` drawn ones (sample-average approximation).

    ``sampling``: ``random``, ``antithetic`` or ``sobol``. ``path``: ``auto`` decomposes two stages of which only
    right-hand sides are random, unless they are small, and solves the extensive form of all others; ``decomposition``
    or ``extensive`` ask for one of them. ``workers`` processes (0, 1: none) share
    the samples of recourse problems of more than 40 rows; a script needs ``if __name__ == "__main__":`` then.

    Raises :class:`~capacity_opt.errors.SolverError` where all outcomes are too many and ``samples`` is not given, or
    where the path asked for cannot be taken.
    """
    if path not in PATHS:
        raise ArgumentError(f"path must be one of {', '.join(PATHS)}, got {path!r}")
    started = time.perf_counter()
    chosen, why = chosen_way(program, samples, path)
    if path == "decomposition" and chosen != DECOMPOSITION:
        raise SolverError(f"{program.name} cannot be decomposed: {why}. Use path=extensive or auto")
    if chosen == DECOMPOSITION:
        answer = replace(_decomposed(program, samples, (seed, sampling, workers), gap, time_limit, progress), why=why)
    else:
        shown = program if samples is None else sampled(program, samples, seed, sampling)
        answer = _extensive(shown, why, gap, time_limit)
    if program.core.sense < 0:
        answer = replace(answer, objective=-answer.objective, bound=-answer.bound)
    return replace(answer, name=program.name, seconds=time.perf_counter() - started)


def _decomposed(
    program: StochasticProgram,
    samples: int | None,
    how: tuple[int, str, int],
    gap: float,
    time_limit: float,
    progress: Progress | None,
) -> StochasticSolution:
    seed, sampling, workers = how
    whole = two_stage_of(program, samples=samples, seed=seed, sampling=sampling)
    search = start_search(whole, seed=seed, workers=workers)
    answer = continue_search(search, gap=gap, time_limit=time_limit, progress=progress)
    return StochasticSolution(
        name=program.name,
        path="decomposition",
        why="",
        reason=answer.reason,
        objective=answer.objective,
        bound=answer.bound,
        gap=answer.gap,
        x=answer.x,
        seconds=0.0,
        samples=float(samples or program.outcomes),
        checks=() if answer.settled is None else check_decomposition(search, answer, gap),
    )


def _extensive(program: StochasticProgram, why: str, gap: float, limit: float) -> StochasticSolution:
    lp = extensive_form_of_tree(program)
    interior = max(lp.matrix.shape) >= INTERIOR_FROM and not lp.integer.any()
    if interior:
        why = f"{why}; by the interior-point method: {lp.matrix.shape[1]:,} columns"
    answer = solve(lp, gap=gap, time_limit=limit, options={"solver": "ipm"} if interior else {})
    first = int(np.sum(program.column_stage == 0))
    return StochasticSolution(
        name=program.name,
        path="extensive form",
        why=why,
        reason=answer.reason,
        objective=answer.objective,
        bound=answer.bound,
        gap=answer.gap,
        x=None if answer.x is None else answer.x[:first],
        seconds=0.0,
        samples=program.outcomes,
        checks=() if answer.x is None else verify(lp, answer, gap=gap).checks,
    )
