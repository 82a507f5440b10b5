"""A two-stage program read from files as the record that decomposition solves: all its outcomes, or drawn ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from capacity_opt.errors import ArgumentError, SolverError
from capacity_opt.solvers.linear_program import LinearProgram
from capacity_opt.solvers.stochastic.distributions import RHS, Element, TreeScenario
from capacity_opt.solvers.stochastic.program import RecourseFamily, SampleGroup, TwoStageProgram
from capacity_opt.solvers.stochastic.smps import StochasticProgram
from capacity_opt.solvers.stochastic.tree import element_stage

Array = NDArray[np.float64]
Sampling = Literal["random", "antithetic", "sobol"]
SAMPLINGS: tuple[str, ...] = get_args(Sampling)

MOST_LISTED = 3_000_000
MOST_CUTS = 50


def why_not_decomposed(program: StochasticProgram) -> str | None:
    """Why this program cannot go through the shared-basis decomposition, or ``None`` where it can."""
    if len(program.stages) != 2:
        return f"it has {len(program.stages)} stages"
    recourse = program.column_stage == 1
    if np.any(program.core.lp.integer[recourse]):
        return "its recourse has integer columns"
    elements = random_elements(program)
    if not elements:
        return "nothing is random"
    if any(element.kind != RHS or element_stage(element, program) != 1 for element in elements):
        return "its recourse matrix, cost or bounds are random, not only right-hand sides"
    return None


def random_elements(program: StochasticProgram) -> list[Element]:
    """All random numbers, in the order in which samples give them."""
    if program.scenarios:
        return sorted({element for scenario in program.scenarios for element in scenario.changes})
    return [element for block in program.blocks for element in block.elements]


def sampled(program: StochasticProgram, samples: int, seed: int, sampling: str = "random") -> StochasticProgram:
    """The same two-stage program with ``samples`` drawn, equally likely scenarios instead of its own outcomes."""
    if len(program.stages) != 2:
        raise SolverError(f"{program.name} has {len(program.stages)} stages: only two-stage programs can be sampled")
    elements, rows = random_elements(program), draw(program, samples, seed, sampling)
    scenarios = tuple(
        TreeScenario(name=f"S{s}", parent=-1, branch=1, probability=1.0 / samples, changes=dict(zip(elements, row)))
        for s, row in enumerate(rows.tolist())
    )
    return replace(program, blocks=(), scenarios=scenarios)


def two_stage_of(
    program: StochasticProgram, *, samples: int | None = None, seed: int = 0, sampling: str = "random"
) -> TwoStageProgram:
    """The two-stage record of a program with random right-hand sides: all outcomes, or ``samples`` drawn ones."""
    elements = random_elements(program)
    if samples is None:
        values, probability = _outcomes(program, elements)
    else:
        values, probability = draw(program, samples, seed, sampling), np.full(samples, 1.0 / samples)
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
        SampleGroup(
            technology=technology,
            base=base,
            values=np.ascontiguousarray(moves[p]),
            probability=probability[p],
            samples=p,
        )
        for p in pieces
    ]


def _outcomes(program: StochasticProgram, elements: list[Element]) -> tuple[Array, Array]:
    if program.scenarios:
        return _scenario_outcomes(program, elements)
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
        inherited = program.changes_of(scenario)
        rows.append([inherited.get(element, value) for element, value in zip(elements, core)])
    return np.array(rows), np.array([scenario.probability for scenario in program.scenarios])


def draw(program: StochasticProgram, samples: int, seed: int, sampling: str = "random") -> Array:
    """``samples`` joint outcomes (samples, random elements), equally likely: independent ones (``"random"``), in pairs
    of opposites (``"antithetic"``), or spread evenly over all blocks (``"sobol"``, scrambled)."""
    level = _levels(samples, max(1, len(program.blocks)), seed, sampling)
    if program.scenarios:
        chance = np.array([scenario.probability for scenario in program.scenarios])
        reached = np.cumsum(chance)
        rows, _ = _scenario_outcomes(program, random_elements(program))
        chosen: Array = rows[np.searchsorted(reached[:-1] / reached[-1], level[:, 0], side="right")]
        return chosen
    return np.hstack([block.at(level[:, b]) for b, block in enumerate(program.blocks)])


def _levels(samples: int, dimensions: int, seed: int, sampling: str) -> Array:
    if sampling not in SAMPLINGS:
        raise ArgumentError(f"sampling must be one of {', '.join(SAMPLINGS)}, got {sampling!r}")
    if samples < 1:
        raise ArgumentError(f"samples must be >= 1, got {samples}")
    rng = np.random.default_rng(seed)
    if sampling == "sobol":
        from scipy.stats import qmc  # imported here: it takes most of a second

        points = qmc.Sobol(dimensions, scramble=True, seed=rng).random_base2(int(samples - 1).bit_length())[:samples]
        return np.clip(points, 2.0**-54, 1 - 2.0**-53)
    level = rng.random((samples if sampling == "random" else (samples + 1) // 2, dimensions))
    if sampling == "antithetic":
        level = np.stack([level, 1.0 - level], axis=1).reshape(-1, dimensions)[:samples]
    return np.clip(level, 2.0**-54, 1 - 2.0**-53)


def _product(program: StochasticProgram) -> tuple[Array, Array]:
    counts = [len(block.probability) for block in program.blocks]
    index = np.indices(counts).reshape(len(counts), -1)
    values = np.hstack([block.outcomes[i] for block, i in zip(program.blocks, index)])
    probability = np.ones(index.shape[1])
    for block, i in zip(program.blocks, index):
        probability *= block.probability[i]
    return values, probability


@dataclass(frozen=True)
class SmpsSource:
    """Draws sampled programs of a program read from files."""

    of: StochasticProgram
    sampling: str = "random"

    def program(self, samples: int, seed: int) -> TwoStageProgram:
        """The program on ``samples`` fresh samples."""
        return two_stage_of(self.of, samples=samples, seed=seed, sampling=self.sampling)
