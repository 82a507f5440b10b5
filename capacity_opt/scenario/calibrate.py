"""Raises the optimiser's own targets until a judge finds the scenario's promises kept.

A plan that just keeps its promise in the samples it was made from keeps a little less on fresh ones. Calibration
solves the problem with divisible racks, judges that plan, raises the targets that were missed by what was missing, and
repeats; the plan that counts is then made with the raised targets and judged on samples that calibration never saw.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import InfeasibleError
from capacity_opt.fleet.size import size_fleet
from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.simulation.estimate import Estimate
from capacity_opt.simulation.fleet import simulate_fleet

Array = NDArray[np.float64]

ROUNDS = 5
MARGIN = 1.15
# A target is never pushed nearer to 1 than a twentieth of its own distance: beyond that samples are too few to tell.
NEAREST = 0.05


def calibrated(
    problem: FleetProblem,
    *,
    formulation: str,
    seed: int,
    judge_samples: int,
    judge_seed: int,
    time_limit: float,
    tell: Callable[[str], None],
) -> FleetProblem:
    """``problem`` with fill-rate and no-shortage targets raised until the judged lower bounds meet the given ones.

    Where a raised target cannot be kept by any plan, the last ones that can are used; the final judgement then says so.
    """
    service = problem.service
    trial = replace(problem, integer=False)
    best = problem
    for turn in range(ROUNDS):
        tell(f"calibrating the targets, round {turn + 1}")
        try:
            plan = size_fleet(trial, formulation=formulation, seed=seed, time_limit=time_limit)
        except InfeasibleError:
            if turn == 0:
                raise
            return best
        best = replace(problem, service=trial.service)
        judged = simulate_fleet(plan, problem, samples=judge_samples, seed=judge_seed + turn)
        joint = service.no_shortage_scope == "joint"
        calm = judged.no_shortage_joint if joint else judged.no_shortage_per_period
        raised = replace(
            trial.service,
            fill_rate=_raised(trial.service.fill_rate, service.fill_rate, judged.fill),
            no_shortage_probability=_raised(
                trial.service.no_shortage_probability, service.no_shortage_probability, calm
            ),
        )
        if _same(raised.fill_rate, trial.service.fill_rate) and _same(
            raised.no_shortage_probability, trial.service.no_shortage_probability
        ):
            return best
        trial = replace(trial, service=raised)
    return replace(problem, service=trial.service)


def _raised(now: Array, target: Array, judged: Estimate) -> Array:
    """Targets plus what the judged lower bound lacks; NaN (no target) and kept ones stay."""
    low = np.asarray(judged.low)
    # An interval wider than the distance of the target to 1 says that samples are few, not that the promise is broken.
    low = np.maximum(low, np.asarray(judged.value) - (1.0 - target))
    with np.errstate(invalid="ignore"):
        lacking = np.where(low < target, target - low, 0.0)
    return np.asarray(np.minimum(now + MARGIN * lacking, 1.0 - NEAREST * (1.0 - target)))


def _same(one: Array, other: Array) -> bool:
    return bool(np.array_equal(one, other, equal_nan=True))
