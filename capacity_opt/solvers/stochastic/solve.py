"""Solves a stochastic program as read from files, by decomposition or in extensive form, and says why."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from capacity_opt.errors import SolverError
from capacity_opt.solvers.linear_program import LinearProgram
from capacity_opt.solvers.solve import solve
from capacity_opt.solvers.stochastic.benders import Progress, solve_two_stage
from capacity_opt.solvers.stochastic.program import RecourseFamily, SampleGroup, TwoStageProgram
from capacity_opt.solvers.stochastic.smps import RHS, Element, StochasticProgram
from capacity_opt.solvers.stochastic.tree import element_stage, extensive_form_of_tree

Array = NDArray[np.float64]

MOST_LISTED = 3_000_000
MOST_CUTS = 50


@dataclass(frozen=True, kw_only=True)
class StochasticSolution:
    """``path`` says how it was solved and ``why``; the rest as in ``Solution``. ``x``: the first stage's columns."""

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


def solve_stochastic(
    program: StochasticProgram,
    *,
    samples: int | None = None,
    seed: int = 0,
    gap: float = 1e-6,
    time_limit: float = 300.0,
    progress: Progress | None = None,
) -> StochasticSolution:
    """Solve ``program`` with all its outcomes, or with ``samples`` drawn ones (sample-average approximation).

    Raises :class:`~capacity_opt.errors.SolverError` where all outcomes are too many and ``samples`` is not given.
    """
    started = time.perf_counter()
    against = why_not_decomposed(program)
    if against is None:
        two_stage = two_stage_of(program, samples=samples, seed=seed)
        answer = solve_two_stage(two_stage, gap=gap, time_limit=time_limit, progress=progress)
        return StochasticSolution(
            name=program.name,
            path="decomposition",
            why="only right-hand sides are random and the recourse is continuous: samples share recourse bases",
            reason=answer.reason,
            objective=answer.objective,
            bound=answer.bound,
            gap=answer.gap,
            x=answer.x,
            seconds=time.perf_counter() - started,
            samples=float(samples or program.outcomes),
        )
    if samples is not None:
        raise SolverError(f"{program.name} cannot be sampled here: {against}")
    return _extensive(program, against, started, gap, time_limit)


def _extensive(program: StochasticProgram, why: str, started: float, gap: float, limit: float) -> StochasticSolution:
    lp = extensive_form_of_tree(program)
    answer = solve(lp, gap=gap, time_limit=limit)
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
        seconds=time.perf_counter() - started,
        samples=program.outcomes,
    )


def why_not_decomposed(program: StochasticProgram) -> str | None:
    """Why this program cannot go through the shared-basis decomposition, or ``None`` where it can."""
    if len(program.stages) != 2:
        return f"it has {len(program.stages)} stages"
    recourse = program.column_stage == 1
    if np.any(program.core.lp.integer[recourse]):
        return "its recourse has integer columns"
    elements = _elements(program)
    if not elements:
        return "nothing is random"
    if any(element.kind != RHS or element_stage(element, program) != 1 for element in elements):
        return "its recourse matrix or cost is random, not only right-hand sides"
    return None


def _elements(program: StochasticProgram) -> list[Element]:
    if program.scenarios:
        return sorted({element for scenario in program.scenarios for element in scenario.changes})
    return [element for block in program.blocks for element in block.elements]


def two_stage_of(program: StochasticProgram, *, samples: int | None = None, seed: int = 0) -> TwoStageProgram:
    """The two-stage record of a program with random right-hand sides: all outcomes, or ``samples`` drawn ones."""
    elements = _elements(program)
    values, probability = _outcomes(program, elements, samples, seed)
    lp = program.core.lp
    rows, columns = program.row_stage == 1, program.column_stage == 1
    matrix = lp.matrix[np.flatnonzero(rows)].tocsc()
    lower, upper = lp.row_lower[rows], lp.row_upper[rows]
    base = np.where(np.isfinite(upper), upper, lower)
    position = np.cumsum(rows) - 1
    random_rows = position[[element.row for element in elements]]
    moves = values - np.array([program.core_value(element) for element in elements])
    technology = sparse.csr_array(matrix[:, np.flatnonzero(~columns)])
    family = RecourseFamily(
        matrix=matrix[:, np.flatnonzero(columns)].toarray(),
        cost=lp.cost[columns],
        lower=lp.column_lower[columns],
        upper=lp.column_upper[columns],
        slack_lower=np.where(np.isfinite(upper), 0.0, -np.inf),
        slack_upper=np.where(np.isfinite(upper), upper - lower, 0.0),
        random_rows=random_rows,
        groups=tuple(_clusters(technology, base, moves, probability)),
    )
    return TwoStageProgram(first=_first_stage(program), families=(family,))


def _first_stage(program: StochasticProgram) -> LinearProgram:
    lp = program.core.lp
    rows, columns = np.flatnonzero(program.row_stage == 0), np.flatnonzero(program.column_stage == 0)
    return LinearProgram(
        cost=lp.cost[columns],
        matrix=sparse.csr_array(lp.matrix[rows][:, columns]),
        row_lower=lp.row_lower[rows],
        row_upper=lp.row_upper[rows],
        column_lower=lp.column_lower[columns],
        column_upper=lp.column_upper[columns],
        integer=lp.integer[columns],
        offset=lp.offset,
    )


def _clusters(technology: sparse.csr_array, base: Array, moves: Array, probability: Array) -> list[SampleGroup]:
    """Neighbouring samples together: one cut per cluster instead of one in all or one each."""
    pieces = np.array_split(np.arange(len(moves)), min(MOST_CUTS, len(moves)))
    return [
        SampleGroup(technology=technology, base=base, values=np.ascontiguousarray(moves[p]), probability=probability[p])
        for p in pieces
    ]


def _outcomes(
    program: StochasticProgram, elements: list[Element], samples: int | None, seed: int
) -> tuple[Array, Array]:
    if program.scenarios:
        return _scenario_outcomes(program, elements)
    if samples is not None:
        return _drawn(program, samples, seed), np.full(samples, 1.0 / samples)
    if program.outcomes > MOST_LISTED:
        raise SolverError(
            f"{program.name} has {program.outcomes:.3g} outcomes, more than {MOST_LISTED:,} can be listed: "
            "solve a sample of it (samples=N)"
        )
    return _product(program)


def _scenario_outcomes(program: StochasticProgram, elements: list[Element]) -> tuple[Array, Array]:
    core = [program.core_value(element) for element in elements]
    rows = []
    for scenario in program.scenarios:
        inherited = scenario.changes
        rows.append([inherited.get(element, value) for element, value in zip(elements, core)])
    return np.array(rows), np.array([scenario.probability for scenario in program.scenarios])


def _drawn(program: StochasticProgram, samples: int, seed: int) -> Array:
    rng = np.random.default_rng(seed)
    parts = []
    for block in program.blocks:
        share = block.probability / block.probability.sum()
        parts.append(block.outcomes[rng.choice(len(share), size=samples, p=share)])
    return np.hstack(parts)


def _product(program: StochasticProgram) -> tuple[Array, Array]:
    counts = [len(block.probability) for block in program.blocks]
    index = np.indices(counts).reshape(len(counts), -1)
    values = np.hstack([block.outcomes[i] for block, i in zip(program.blocks, index)])
    probability = np.ones(index.shape[1])
    for block, i in zip(program.blocks, index):
        probability *= block.probability[i]
    return values, probability
