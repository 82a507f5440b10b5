"""What a reference model was built from; kept with it as ``model.fleet_origin``."""

from __future__ import annotations

from dataclasses import dataclass

from capacity_opt.fleet.formulation import Failures
from capacity_opt.fleet.outcomes import Outcomes
from capacity_opt.problem.fleet import FleetProblem


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What a reference model was built from."""

    problem: FleetProblem
    outcomes: Outcomes
    formulation: str
    failures: Failures
