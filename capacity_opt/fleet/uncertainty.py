"""What uncertainty costs, and what knowing more or planning worse is worth.

RP: the two-stage optimum. EEV: the expected cost of the plan made for the mean outcome. WS: the expected cost with
every sample known in advance. VSS = EEV - RP is what planning for many samples saves; EVPI = RP - WS is the most that
a perfect forecast could save. WS <= RP <= EEV always: it is checked, with what each solve proves, and an answer that
breaks it is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from capacity_opt.errors import InfeasibleError
from capacity_opt.fleet.arrays import FIRST_STAGE
from capacity_opt.fleet.formulation import FleetModel, build_model
from capacity_opt.fleet.outcomes import Outcomes, draw_outcomes
from capacity_opt.fleet.size import answer_model, require_point
from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.solvers.linear_program import LinearProgram
from capacity_opt.solvers.solution import Solution
from capacity_opt.solvers.solve import solve
from capacity_opt.solvers.stochastic.ordering import require_order

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class ValueOfUncertainty:
    """Expected costs, present value. ``mean_value_cost`` (EEV) is infinite where the plan for the mean cannot keep the
    promises in the samples; ``deterministic_cost`` is what that plan believes it costs."""

    two_stage_cost: float
    mean_value_cost: float
    wait_and_see_cost: float
    deterministic_cost: float

    @property
    def value_of_stochastic_solution(self) -> float:
        """VSS = EEV - RP."""
        return self.mean_value_cost - self.two_stage_cost

    @property
    def value_of_perfect_information(self) -> float:
        """EVPI = RP - WS."""
        return self.two_stage_cost - self.wait_and_see_cost


def value_of_uncertainty(
    problem: FleetProblem,
    *,
    formulation: str = "two_stage",
    samples: int | None = None,
    seed: int = 7,
    gap: float = 1e-4,
    time_limit: float = 300.0,
) -> ValueOfUncertainty:
    """VSS and EVPI of ``problem`` in ``samples`` drawn outcomes; ``time_limit`` in seconds per solve.

    Promises in expectation (fill rates) hold for WS as a whole: orders may follow the sample, the promise may not.
    Meant for a few hundred samples at most: WS orders separately in each. Raises ``VerificationError`` where WS <= RP
    <= EEV does not hold.

    >>> from capacity_opt.fleet.example import example_problem
    >>> value_of_uncertainty(example_problem()).value_of_perfect_information
    0.0
    """
    outcomes = draw_outcomes(problem, samples=samples, seed=seed)
    model = build_model(problem, outcomes, formulation)
    best = _solved(model, gap, time_limit, seed)
    mean = build_model(problem, outcomes, "deterministic")
    planned = _solved(mean, gap, time_limit, seed)
    mean_value = _cost_of_mean_plan(model, mean, planned, time_limit, seed)
    ahead, ahead_bound = _wait_and_see(problem, outcomes, model, formulation, gap, time_limit, seed)
    require_order(
        ("the wait-and-see cost", ahead_bound, ahead),
        ("the two-stage cost", best.bound, best.objective),
        ("the mean plan's cost", -np.inf, mean_value),
    )
    return ValueOfUncertainty(
        two_stage_cost=best.objective,
        mean_value_cost=mean_value,
        wait_and_see_cost=ahead,
        deterministic_cost=planned.objective,
    )


def _solved(model: FleetModel, gap: float, time_limit: float, seed: int) -> Solution:
    answer = answer_model(model, gap=gap, time_limit=time_limit, seed=seed)
    require_point(model, answer.solution)
    answer.checked.require()
    return answer.solution


def _cost_of_mean_plan(model: FleetModel, mean: FleetModel, planned: Solution, time_limit: float, seed: int) -> float:
    """EEV: the mean plan's first stage in all samples; orders that are recourse stay free."""
    assert planned.x is not None
    decision = mean.decode(planned.x)
    late = model.frame.problem.supply.recourse_from
    racks = decision.racks[0]
    fixed = replace(model, lp=_first_stage_fixed(model, racks, decision.retired, decision.committed, late))
    answer = answer_model(fixed, time_limit=time_limit, seed=seed)
    if answer.solution.reason == "infeasible":
        return float("inf")
    require_point(fixed, answer.solution)
    return answer.solution.objective


def _first_stage_fixed(
    model: FleetModel, racks: Array, retired: Array, committed: Array, late: int | None
) -> LinearProgram:
    lower, upper = model.lp.column_lower.copy(), model.lp.column_upper.copy()
    known = slice(None, late)
    for index, value in (
        (model.supply.racks[0][..., known], racks[..., known]),
        (model.supply.retired, retired),
        (model.supply.committed, committed),
    ):
        there = index >= 0
        lower[index[there]] = upper[index[there]] = value[there]
    return replace(model.lp, column_lower=lower, column_upper=upper)


def _wait_and_see(
    problem: FleetProblem,
    outcomes: Outcomes,
    model: FleetModel,
    formulation: str,
    gap: float,
    time_limit: float,
    seed: int,
) -> tuple[float, float]:
    """The cost and its lower bound: sample by sample where nothing but the first stage ties them together; otherwise
    in one program."""
    if not _tied(model):
        total = np.zeros(2)
        for s in range(outcomes.count):
            own = build_model(problem, outcomes.take(np.array([s])), formulation)
            found = _solved(own, gap, time_limit, seed)
            total += float(outcomes.probability[s]) * np.array([found.objective, found.bound])
        return float(total[0]), float(total[1])
    found = solve(clairvoyant(model), gap=gap, time_limit=time_limit, seed=seed)
    if not found.has_point:
        raise InfeasibleError("no wait-and-see solution was found", (found.message,))
    return found.objective, found.bound


def _tied(model: FleetModel) -> bool:
    """Whether some row joins columns of different samples (a promise in expectation, say)."""
    return bool(np.any(_row_samples(model) == model.frame.outcomes.count))


def clairvoyant(model: FleetModel) -> LinearProgram:
    """The same program with a first stage of its own for every sample; rows over several samples see its mean."""
    lp, sample, p = model.lp, model.column_sample, model.frame.outcomes.probability
    first, later = np.flatnonzero(sample == FIRST_STAGE), np.flatnonzero(sample != FIRST_STAGE)
    count = len(p)
    tall = sparse.csr_array(lp.matrix)
    row_sample = _row_samples(model)
    pieces, lower, upper = [], [], []
    for s in range(count):
        own = np.flatnonzero((row_sample == s) | (row_sample == FIRST_STAGE))
        block = [tall[own][:, first] if r == s else sparse.csr_array((len(own), len(first))) for r in range(count)]
        pieces.append(sparse.hstack([*block, tall[own][:, later]], format="csr"))
        lower.append(lp.row_lower[own])
        upper.append(lp.row_upper[own])
    tied = np.flatnonzero(row_sample == count)
    mean = [tall[tied][:, first] * float(p[s]) for s in range(count)]
    pieces.append(sparse.hstack([*mean, tall[tied][:, later]], format="csr"))
    order = np.concatenate([np.tile(first, count), later])
    cost = np.concatenate([np.concatenate([lp.cost[first] * p[s] for s in range(count)]), lp.cost[later]])
    return LinearProgram(
        cost=cost,
        matrix=sparse.csr_array(sparse.vstack(pieces, format="csr")),
        row_lower=np.concatenate([*lower, lp.row_lower[tied]]),
        row_upper=np.concatenate([*upper, lp.row_upper[tied]]),
        column_lower=lp.column_lower[order],
        column_upper=lp.column_upper[order],
        integer=lp.integer[order],
        offset=lp.offset,
    )


def _row_samples(model: FleetModel) -> NDArray[np.int64]:
    """The sample of every row: -1 first stage only, S where several samples meet."""
    rows, columns = model.lp.matrix.nonzero()
    own = model.column_sample[columns]
    later = own != FIRST_STAGE
    count = model.frame.outcomes.count
    low, high = np.full(model.lp.rows, count), np.full(model.lp.rows, -1)
    np.minimum.at(low, rows[later], own[later])
    np.maximum.at(high, rows[later], own[later])
    return np.where(high < 0, FIRST_STAGE, np.where(high > low, count, high))
