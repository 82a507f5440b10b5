"""The whole model in one place: samples in, a Pyomo ``ConcreteModel`` out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyomo.environ as pyo
from numpy.typing import NDArray

from capacity_opt.fleet.formulation import Failures, check_formulation
from capacity_opt.fleet.outcomes import Outcomes, draw_outcomes, outcomes_from
from capacity_opt.fleet.reference.data import Data
from capacity_opt.fleet.reference.limits import add_limits
from capacity_opt.fleet.reference.objective import add_objective
from capacity_opt.fleet.reference.origin import Origin
from capacity_opt.fleet.reference.recourse import add_normal_operation
from capacity_opt.fleet.reference.service import add_service
from capacity_opt.fleet.reference.supply import add_supply
from capacity_opt.problem.fleet import FleetProblem

Array = NDArray[np.float64]


def build_reference(
    problem: FleetProblem,
    values: Array | None = None,
    probability: Array | None = None,
    *,
    formulation: str = "two_stage",
    samples: int | None = None,
    seed: int = 7,
    failures: Failures = "exact",
) -> Any:
    """The fleet model in Pyomo, for given demand samples ``values`` (S, J, T, B) with ``probability`` (S,), or for
    ``samples`` outcomes drawn with ``seed`` as ``size_fleet`` draws them.

    Same blocks and index labels as the array builder ``capacity_opt.fleet.formulation.build``: samples are named
    ``s0``, ``s1``, ...; everything else keeps its name. Add constraints to it and solve it with
    :func:`~.solve.solve_reference`.

    >>> from capacity_opt.fleet.example import example_problem
    >>> model = build_reference(example_problem())
    >>> model.racks["standard", "eu-west-a", "2027-01"].name
    'racks[standard,eu-west-a,2027-01]'
    """
    if values is None:
        return reference_from(problem, draw_outcomes(problem, samples=samples, seed=seed), formulation, failures)
    if probability is None:
        probability = np.full(len(values), 1.0 / len(values))
    return reference_from(problem, outcomes_from(problem, values, probability, seed=seed), formulation, failures)


def reference_from(
    problem: FleetProblem, outcomes: Outcomes, formulation: str = "two_stage", failures: Failures = "exact"
) -> Any:
    """The same from joint outcomes."""
    check_formulation(problem, formulation)
    data = Data(problem, outcomes.mean() if formulation == "deterministic" else outcomes)
    m = pyo.ConcreteModel(name=problem.name or "fleet")
    m.fleet_origin = Origin(problem=problem, outcomes=outcomes, formulation=formulation, failures=failures)
    add_supply(m, data)
    add_normal_operation(m, data)
    add_limits(m, data)
    add_service(m, data, exact_failures=failures == "exact")
    add_objective(m, data, at_risk=formulation == "cvar" and problem.finance.risk_weight > 0)
    return m
