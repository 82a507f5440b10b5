"""Raises the optimiser's own targets until a judge finds the scenario's promises kept.

A plan that just keeps its promise in the samples it was made from keeps a little less on fresh ones. Calibration
solves the problem with divisible racks, judges that plan, raises the targets that were missed by what was missing, and
repeats; the plan that counts is then made with the raised targets and judged on samples that calibration never saw.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import InfeasibleError
from capacity_opt.fleet.size import size_fleet
from capacity_opt.problem.fleet import FleetProblem, ServiceTargets
from capacity_opt.problem.plan import FleetPlan
from capacity_opt.scenario.run_folder import Table, table_of
from capacity_opt.simulation.estimate import Estimate
from capacity_opt.simulation.judgement import FleetJudgement

Array = NDArray[np.float64]

ROUNDS = 5
MARGIN = 1.15
# A target is never pushed nearer to 1 than a twentieth of its own distance: beyond that samples are too few to tell.
NEAREST = 0.05


@dataclass(frozen=True, kw_only=True)
class Round:
    """One plan with divisible racks: targets ``asked`` by measure (C,), what was ``judged``, and its ``cost``."""

    asked: dict[str, Array]
    judged: dict[str, Estimate]
    cost: float


@dataclass(frozen=True, kw_only=True)
class Calibrated:
    """``problem`` with the targets to plan for, and the ``rounds`` that led there, the first for the given targets."""

    problem: FleetProblem
    rounds: tuple[Round, ...]

    @property
    def price_of_honesty(self) -> float:
        """What the last round's plan costs more than the first's, in the optimiser's own terms."""
        return self.rounds[-1].cost - self.rounds[0].cost if self.rounds else 0.0


def calibrated(
    problem: FleetProblem,
    *,
    formulation: str,
    seed: int,
    judge: Callable[[FleetPlan, int], FleetJudgement],
    time_limit: float,
    tell: Callable[[str], None],
) -> Calibrated:
    """``problem`` with fill-rate and no-shortage targets raised until the judged lower bounds meet the given ones.

    ``judge(plan, round)`` plays a plan on samples of the round's own, as the scenario's judge does.
    Where a raised target cannot be kept by any plan, the last ones that can are used; the final judgement then says so.
    """
    service, trial, best = problem.service, replace(problem, integer=False), problem
    rounds: list[Round] = []
    for turn in range(ROUNDS):
        tell(f"calibrating the targets, round {turn + 1}")
        try:
            plan = size_fleet(trial, formulation=formulation, seed=seed, time_limit=time_limit).uninterrupted()
        except InfeasibleError:
            if turn == 0:
                raise
            break
        best = replace(problem, service=trial.service)
        found = judge(plan, turn)
        rounds.append(_round(trial, found, plan.objective))
        raised = _raised_service(trial.service, service, found)
        if _same(raised.fill_rate, trial.service.fill_rate) and _same(
            raised.no_shortage_probability, trial.service.no_shortage_probability
        ):
            break
        trial = replace(trial, service=raised)
    else:
        best = replace(problem, service=trial.service)
    return Calibrated(problem=best, rounds=tuple(rounds))


def _calm(service: ServiceTargets) -> str:
    return "no_shortage_joint" if service.no_shortage_scope == "joint" else "no_shortage_per_period"


def _round(trial: FleetProblem, found: FleetJudgement, cost: float) -> Round:
    calm = _calm(trial.service)
    asked = {"fill": trial.service.fill_rate, calm: trial.service.no_shortage_probability}
    return Round(asked=asked, judged={"fill": found.fill, calm: getattr(found, calm)}, cost=cost)


def _raised_service(now: ServiceTargets, given: ServiceTargets, found: FleetJudgement) -> ServiceTargets:
    calm: Estimate = getattr(found, _calm(given))
    return replace(
        now,
        fill_rate=_raised(now.fill_rate, given.fill_rate, found.fill),
        no_shortage_probability=_raised(now.no_shortage_probability, given.no_shortage_probability, calm),
    )


def calibration_table(problem: FleetProblem, found: Calibrated) -> Table:
    """A row per round, class and measure that has a target."""
    given = {"fill": problem.service.fill_rate, _calm(problem.service): problem.service.no_shortage_probability}
    columns = ("round", "class", "measure", "target", "asked", "judged", "judged_low", "judged_high", "cost",
               "price_of_honesty", "BillingCurrency")  # fmt: skip
    rows = []
    for number, turn in enumerate(found.rounds):
        for measure, asked in turn.asked.items():
            for c in np.flatnonzero(~np.isnan(given[measure])).tolist():
                judged = turn.judged[measure]
                seen = [float(np.asarray(part)[c]) for part in (judged.value, judged.low, judged.high)]
                money = (turn.cost, turn.cost - found.rounds[0].cost, problem.finance.currency)
                name = problem.groups.classes[c]
                values = (number + 1, name, measure, float(given[measure][c]), float(asked[c]), *seen, *money)
                rows.append(dict(zip(columns, values, strict=True)))
    return table_of(rows, columns)


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
