"""Solve a reference model, also one that a user has added to, with the results that ``size_fleet`` gives."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from capacity_opt.errors import ArgumentError
from capacity_opt.fleet.assemble import plan_from
from capacity_opt.fleet.formulation import FleetModel, build_model
from capacity_opt.fleet.reference.origin import Origin
from capacity_opt.fleet.reference.standard_form import linear_program_of
from capacity_opt.fleet.size import Progress, answer_model, require_point
from capacity_opt.problem.plan import FleetPlan


def solve_reference(
    model: Any,
    *,
    gap: float = 1e-4,
    seed: int = 7,
    time_limit: float = 300.0,
    solver: str = "highs",
    progress: Progress | None = None,
) -> FleetPlan:
    """The best plan of a model made by ``build_reference``, with every constraint and variable added to it since.

    Solves, verifies and reports exactly like ``size_fleet``; ``facts["added_rows"]`` and ``facts["added_columns"]``
    count what is not in the standard model. An objective that was changed is respected in ``objective``, and the
    check "cost from the inputs equals the objective" then says so.

    >>> import pyomo.environ as pyo
    >>> from capacity_opt.fleet.example import example_problem
    >>> from capacity_opt.fleet.reference import build_reference
    >>> model = build_reference(example_problem())
    >>> model.at_least_three = pyo.Constraint(expr=model.racks["standard", "eu-west-a", "2027-01"] >= 3)
    >>> plan = solve_reference(model)
    >>> plan.orders[0].racks, plan.objective
    (3.0, 1920.0)
    """
    started = time.monotonic()
    standard, extended = with_additions(model)
    answer = answer_model(extended, gap=gap, time_limit=time_limit, solver=solver, seed=seed, progress=progress)
    require_point(extended, answer.solution)
    answer.checked.require()
    plan = plan_from(extended, answer.solution, answer.checked, answer.relaxed, answer.relaxed_duals, time_limit)
    added = {
        "added_rows": float(extended.lp.rows - standard.lp.rows),
        "added_columns": float(extended.lp.columns - standard.lp.columns),
    }
    return replace(plan, facts={**plan.facts, **added}, seconds=time.monotonic() - started)


def with_additions(model: Any) -> tuple[FleetModel, FleetModel]:
    """The standard array model, and the same with the Pyomo model's program in its place: first what both have, in the
    array model's order, then what was added."""
    origin = getattr(model, "fleet_origin", None)
    if not isinstance(origin, Origin):
        raise ArgumentError("model must come from build_reference. Build it with build_reference(problem) first")
    standard = build_model(origin.problem, origin.outcomes, origin.formulation, origin.failures)
    lp = linear_program_of(model, columns=standard.lp.column_names(), rows=standard.lp.row_names())
    return standard, replace(standard, lp=lp)
