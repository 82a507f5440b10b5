"""What knowing more, and having more, is worth: VSS and EVPI, prices by difference, and how commitments are used."""

from __future__ import annotations

import numpy as np

from capacity_opt.errors import ArgumentError, InfeasibleError, LimitError, SolverError
from capacity_opt.fleet.commitments import measure_commitments
from capacity_opt.fleet.differences import price_by_difference
from capacity_opt.fleet.uncertainty import value_of_uncertainty
from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.problem.plan import FleetPlan
from capacity_opt.scenario.run_folder import Table, table_of
from capacity_opt.scenario.waterfall import Resolve

NOT_SOLVED = (InfeasibleError, LimitError, SolverError)


def uncertainty_table(problem: FleetProblem, resolve: Resolve, gap: float) -> Table:
    """A row per expected cost (the plan's, the mean plan's, with perfect foresight) and per difference of them."""
    resolve.tell("what uncertainty costs: the plan for the mean, and perfect foresight")
    columns = ("measure", "EffectiveCost", "BillingCurrency")
    try:
        found = value_of_uncertainty(
            problem, formulation=resolve.formulation, seed=resolve.seed, gap=gap, time_limit=resolve.time_limit
        )
    except NOT_SOLVED:
        return table_of([], columns)
    named = (
        "two_stage_cost",
        "mean_value_cost",
        "wait_and_see_cost",
        "deterministic_cost",
        "value_of_stochastic_solution",
        "value_of_perfect_information",
    )
    currency = problem.finance.currency
    return table_of(
        [dict(zip(columns, (name, getattr(found, name), currency), strict=True)) for name in named], columns
    )


def differences_table(problem: FleetProblem, plan: FleetPlan, resolve: Resolve, gap: float) -> Table:
    """A row per thing there could be one more of (one period less lead time, one kW, one point of a promise): what it
    saves or costs by solving again."""
    resolve.tell("prices by difference: solving again with one more of each limit and promise")
    found = price_by_difference(
        problem, plan, formulation=resolve.formulation, seed=resolve.seed, gap=gap, time_limit=resolve.time_limit
    )
    columns = ("name", "value", "unit", "BillingCurrency")
    currency = problem.finance.currency
    rows = [dict(zip(columns, (p.name, p.value, p.unit, currency), strict=True)) for p in found]
    return table_of(rows, columns)


def commitment_use(problem: FleetProblem, plan: FleetPlan, resolve: Resolve) -> Table | None:
    """Coverage, utilization, rate ratio and effective savings rate of the plan's commitments, in all and by server
    type; ``None`` where nothing is committed or nothing is sold on demand to compare with."""
    if not np.any(plan.committed > 0):
        return None
    resolve.tell("how the commitments are used")
    try:
        whole = measure_commitments(plan, problem, seed=resolve.seed, time_limit=resolve.time_limit)
    except (ArgumentError, *NOT_SOLVED):
        return None
    kinds = [("all", whole)]
    if len(whole.server_types) > 1:
        kinds += [(name, whole.of(name)) for name in whole.server_types]
    columns = ("server_type", "coverage", "utilization", "rate_ratio", "effective_savings_rate", "charge", "on_demand")
    rows = [
        (
            name,
            use.coverage,
            use.utilization,
            use.rate_ratio,
            use.effective_savings_rate,
            float(use.commitment_charge.sum()),
            float(use.on_demand_charge.sum()),
        )
        for name, use in kinds
    ]
    return table_of([dict(zip(columns, row, strict=True)) for row in rows], columns)
