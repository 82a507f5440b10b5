"""The k best plans that differ in what is ordered, and what the difference costs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError
from capacity_opt.fleet.assemble import plan_from
from capacity_opt.fleet.formulation import FleetModel, build_model
from capacity_opt.fleet.lint import lint_problem
from capacity_opt.fleet.outcomes import draw_outcomes
from capacity_opt.fleet.size import require_point
from capacity_opt.fleet.supply import rack_limit
from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.problem.plan import FleetPlan
from capacity_opt.solvers.linear_program import LinearProgram
from capacity_opt.solvers.solve import solve
from capacity_opt.solvers.verify import verify

Array = NDArray[np.float64]


def alternative_plans(
    problem: FleetProblem,
    *,
    count: int = 5,
    within: float = 0.01,
    formulation: str = "two_stage",
    samples: int | None = None,
    gap: float = 1e-4,
    seed: int = 7,
    time_limit: float = 300.0,
) -> tuple[FleetPlan, ...]:
    """Up to ``count`` cheapest plans, best first, that all order differently and cost at most ``within`` (relative)
    more than the best. Whole racks only: continuous plans always have neighbours as close as one likes.

    ``gap`` and ``time_limit`` (seconds) are per plan; with a gap of 0 these are exactly the k best.

    >>> from capacity_opt.fleet.example import example_problem
    >>> [plan.objective for plan in alternative_plans(example_problem(), count=3, within=0.12)]
    [1680.0, 1760.0, 1880.0]
    """
    _checks.whole("count", count, at_least=1)
    _checks.non_negative("within", within)
    if not problem.integer:
        raise ArgumentError("alternative plans need whole racks: set integer = True on the problem")
    lint_problem(problem)
    model = build_model(problem, draw_outcomes(problem, samples=samples, seed=seed), formulation)
    plans: list[FleetPlan] = []
    program = model.lp
    for _ in range(count):
        found = solve(program, gap=gap, time_limit=time_limit, seed=seed)
        if plans and (found.x is None or found.reason == "infeasible"):
            break
        require_point(model, found)
        assert found.x is not None
        if plans and found.objective > plans[0].objective + within * abs(plans[0].objective) + 1e-9:
            break
        checked = verify(program, found, gap=gap)
        checked.require()
        own = replace(found, x=found.x[: model.lp.columns], row_duals=None, reduced_costs=None)
        plans.append(plan_from(model, own, checked, None, None, time_limit))
        program = without(program, model, model.decode(found.x[: model.lp.columns]).racks[0])
    return tuple(plans)


def without(program: LinearProgram, model: FleetModel, racks: Array) -> LinearProgram:
    """The program with one more requirement: at least one order differs from ``racks`` (K, Z, T) by a whole rack.

    For every order: racks = given + up - down, and a binary lets only one of up and down be above 0; their sum over all
    orders is at least 1.
    """
    index = model.supply.racks[0]
    there = index >= 0
    columns, given = index[there], np.rint(racks[there])
    most = np.where(np.isfinite(rack_limit(model.frame)[there]), rack_limit(model.frame)[there], 1e6) + given
    n, old = len(columns), program.columns
    one, eye = np.ones(n), sparse.eye_array(n, format="csr")
    pick = sparse.csr_array((one, (np.arange(n), columns)), shape=(n, old))
    nothing, empty = sparse.csr_array((n, old)), sparse.csr_array((n, n))
    limit = sparse.diags_array(most, format="csr")
    apart = sparse.csr_array(np.concatenate([np.zeros(old), one, one, np.zeros(n)])[None])
    added = [
        sparse.hstack([pick, -eye, eye, empty]),
        sparse.hstack([nothing, eye, empty, -limit]),
        sparse.hstack([nothing, empty, eye, sparse.diags_array(given, format="csr")]),
        apart,
    ]
    wide = sparse.hstack([program.matrix, sparse.csr_array((program.rows, 3 * n))])
    infinite = np.full(n, np.inf)
    return LinearProgram(
        cost=np.concatenate([program.cost, np.zeros(3 * n)]),
        matrix=sparse.csr_array(sparse.vstack([wide, *added], format="csr")),
        row_lower=np.concatenate([program.row_lower, given, -infinite, -infinite, [1.0]]),
        row_upper=np.concatenate([program.row_upper, given, np.zeros(n), given, [np.inf]]),
        column_lower=np.concatenate([program.column_lower, np.zeros(3 * n)]),
        column_upper=np.concatenate([program.column_upper, most, given, one]),
        integer=np.concatenate([program.integer, np.zeros(2 * n, dtype=bool), np.ones(n, dtype=bool)]),
        offset=program.offset,
    )
