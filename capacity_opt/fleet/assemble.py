"""From a solved model to the plan that users see."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from capacity_opt.fleet.costing import Cost, cost_of
from capacity_opt.fleet.decode import Decision
from capacity_opt.fleet.dispatch import by_priority
from capacity_opt.fleet.formulation import FleetModel
from capacity_opt.fleet.frame import Frame
from capacity_opt.fleet.measures import availability_of, utilization_of
from capacity_opt.fleet.orders import order_book
from capacity_opt.fleet.prices import prices_from
from capacity_opt.fleet.worth import capacity_worth, shortage_worth
from capacity_opt.problem.plan import FleetPlan, PlanCheck, Price
from capacity_opt.solvers.solution import Solution
from capacity_opt.solvers.verify import Verification

Array = NDArray[np.float64]


def plan_from(
    model: FleetModel,
    solution: Solution,
    checked: Verification,
    relaxed: Solution | None,
    relaxed_duals: Array | None,
    time_limit: float = 300.0,
    *,
    dispatch: bool = True,
    keep: list[Decision] | None = None,
) -> FleetPlan:
    """Decode, re-dispatch by priority (unless ``dispatch`` is off), recompute cost and service, collect the plan;
    ``keep`` is given the decision."""
    frame = model.frame
    assert solution.x is not None
    decision = model.decode(by_priority(model, solution, time_limit=time_limit) if dispatch else solution.x)
    if keep is not None:
        keep.append(decision)
    cost = cost_of(frame, decision)
    average = frame.world_probability
    return FleetPlan(
        formulation=model.formulation,
        status=solution.reason,
        objective=solution.objective,
        bound=solution.bound,
        gap=solution.gap,
        racks=np.tensordot(average, decision.racks, 1),
        retired=decision.retired,
        stock=np.tensordot(average, decision.stock, 1),
        committed=decision.committed,
        orders=order_book(model, decision, relaxed_duals),
        cost=cost.total,
        availability=availability_of(frame, decision),
        utilization=utilization_of(frame, decision),
        prices=_prices(model, solution, relaxed_duals),
        facts=_facts(model, solution, relaxed, cost),
        solver=f"{solution.solver} {solution.version}".strip(),
        seconds=solution.seconds,
        limit=solution.limit,
        cost_by_period={name: value for name, value in cost.present.items() if name in cost.total},
        cash_by_period={name: value for name, value in cost.cash.items() if np.any(value != 0)},
        checks=_checks(model, solution, checked, cost),
        capacity_worth=capacity_worth(model, solution.row_duals, relaxed_duals),
        shortage_worth=shortage_worth(model, relaxed_duals if relaxed_duals is not None else solution.row_duals),
    )


def _prices(model: FleetModel, solution: Solution, relaxed_duals: Array | None) -> tuple[Price, ...]:
    integer = bool(model.lp.integer.any())
    found: tuple[Price, ...] = ()
    if integer and solution.row_duals is not None:
        found = prices_from(model, solution.row_duals, "local")
    if relaxed_duals is not None:
        found += prices_from(model, relaxed_duals, "relaxed" if integer else "local")
    return found


def risk_adjusted(frame: Frame, formulation: str, cost: Cost) -> float:
    """The objective recomputed from the cost of each sample: its mean, or the mean-CVaR mix."""
    finance, p = frame.problem.finance, frame.outcomes.probability
    if formulation != "cvar" or finance.risk_weight == 0:
        return cost.expected
    return (1 - finance.risk_weight) * cost.expected + finance.risk_weight * conditional_value_at_risk(
        cost.by_sample, p, finance.risk_level
    )


def conditional_value_at_risk(values: Array, probability: Array, level: float) -> float:
    """Mean of the worst 1 - level share of outcomes (an outcome may count in part).

    >>> conditional_value_at_risk(np.array([1.0, 2.0, 3.0, 4.0]), np.full(4, 0.25), 0.5)
    3.5
    """
    order = np.argsort(values)[::-1]
    before = np.concatenate([[0.0], np.cumsum(probability[order])[:-1]])
    counted = np.clip((1.0 - level) - before, 0.0, probability[order])
    return float(values[order] @ counted / (1.0 - level))


def _facts(model: FleetModel, solution: Solution, relaxed: Solution | None, cost: Cost) -> dict[str, float]:
    frame = model.frame
    facts = {
        "samples": float(frame.outcomes.count),
        "rows": float(model.lp.rows),
        "columns": float(model.lp.columns),
        "nonzeros": float(model.lp.matrix.nnz),
        "expected_cost": cost.expected,
        "iterations": float(solution.iterations),
    }
    if relaxed is not None and model.lp.integer.any():
        facts["relaxed_objective"] = relaxed.objective
        facts["lot_premium"] = solution.objective - relaxed.objective
    return facts | risk_facts(frame, model.formulation, cost)


def risk_facts(frame: Frame, formulation: str, cost: Cost) -> dict[str, float]:
    """The CVaR of cost, where it was asked for."""
    if formulation != "cvar":
        return {}
    level, p = frame.problem.finance.risk_level, frame.outcomes.probability
    return {"cost_cvar": conditional_value_at_risk(cost.by_sample, p, level)}


def _checks(model: FleetModel, solution: Solution, checked: Verification, cost: Cost) -> tuple[PlanCheck, ...]:
    given = [PlanCheck(name=check.name, value=check.value, tolerance=check.tolerance) for check in checked.checks]
    off = abs(risk_adjusted(model.frame, model.formulation, cost) - solution.objective) / max(
        1.0, abs(solution.objective)
    )
    return (*given, PlanCheck(name="cost from the inputs equals the objective", value=off, tolerance=1e-6))
