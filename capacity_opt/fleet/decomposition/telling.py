"""From a solved decomposition to the plan that users see, with the prices and reasons that duals give."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from capacity_opt.fleet.assemble import risk_adjusted, risk_facts
from capacity_opt.fleet.costing import cost_of
from capacity_opt.fleet.decode import Decision
from capacity_opt.fleet.decomposition.solving import Decomposed
from capacity_opt.fleet.decomposition.structure import Pieces
from capacity_opt.fleet.measures import availability_of, utilization_of
from capacity_opt.fleet.orders import order_book
from capacity_opt.fleet.prices import prices_from
from capacity_opt.fleet.worth import capacity_worth, shortage_worth
from capacity_opt.problem.plan import FleetPlan, PlanCheck, Price
from capacity_opt.solvers.stochastic.master import MasterDuals

Array = NDArray[np.float64]

NO_PRICE = 1e-9


def plan_of(found: Decomposed, formulation: str = "two_stage") -> FleetPlan:
    """The plan of a decomposition that has a point."""
    pieces, solution, decision = found.pieces, found.solution, found.decision
    assert decision is not None
    frame = pieces.frame
    cost = cost_of(frame, decision)
    relaxed = solution.relaxed.duals if solution.relaxed is not None else solution.duals
    duals = None if relaxed is None else row_duals(pieces, relaxed)
    local = None if solution.duals is None else row_duals(pieces, solution.duals)
    off = abs(risk_adjusted(frame, formulation, cost) - solution.objective) / max(1.0, abs(solution.objective))
    checks = [PlanCheck(name=each.name, value=each.value, tolerance=each.tolerance) for each in found.checked.checks]
    return FleetPlan(
        formulation=formulation,
        status=solution.reason,
        objective=solution.objective,
        bound=solution.bound,
        gap=solution.gap,
        racks=decision.racks[0],
        retired=decision.retired,
        stock=decision.stock[0],
        committed=decision.committed,
        orders=order_book(pieces.model, _where_scarce(pieces, decision, duals), duals),
        cost=cost.total,
        availability=availability_of(frame, decision),
        utilization=utilization_of(frame, decision),
        prices=_prices(found, duals),
        facts=_facts(found, cost.expected) | risk_facts(frame, formulation, cost),
        solver="decomposition",
        seconds=found.seconds,
        limit=solution.limit,
        cost_by_period={name: value for name, value in cost.present.items() if name in cost.total},
        cash_by_period={name: value for name, value in cost.cash.items() if np.any(value != 0)},
        checks=(*checks, PlanCheck(name="cost from the inputs equals the objective", value=off, tolerance=1e-6)),
        shortage_worth=shortage_worth(pieces.model, duals),
        capacity_worth=capacity_worth(pieces.model, local, duals),
    )


def row_duals(pieces: Pieces, duals: MasterDuals) -> Array:
    """Duals of the rows of the model of one sample, summed over all samples, (rows,)."""
    total = np.zeros(pieces.model.lp.rows)
    total[pieces.first_rows] = duals.first
    total[pieces.coupling_rows] = duals.coupling[: len(pieces.coupling_rows)]
    for merge, own in zip(pieces.merges, duals.recourse, strict=True):
        total[merge.rows] = own[merge.row_place]
    return total


def _prices(found: Decomposed, relaxed: Array | None) -> tuple[Price, ...]:
    pieces, solution = found.pieces, found.solution
    whole = solution.relaxed is not None
    prices: tuple[Price, ...] = ()
    if whole and solution.duals is not None:
        prices = prices_from(pieces.model, row_duals(pieces, solution.duals), "local")
    if relaxed is not None:
        prices += prices_from(pieces.model, relaxed, "relaxed" if whole else "local")
    return prices + _risk_prices(found)


def _risk_prices(found: Decomposed) -> tuple[Price, ...]:
    """What a unit more of every limit of shortage CVaR saves."""
    problem, solution = found.pieces.frame.problem, found.solution
    told = solution if solution.relaxed is None else solution.relaxed
    limited = np.flatnonzero(~np.isnan(problem.service.shortage_cvar_limit))
    if told.risk_prices is None or not len(limited):
        return ()
    kind = "local" if solution.relaxed is None else "relaxed"
    own = zip(limited, told.risk_prices[-len(limited) :], strict=True)
    return tuple(
        Price(
            name=f"shortage_cvar[{problem.groups.classes[c]}]",
            value=float(value),
            unit="unit of shortage CVaR",
            kind=kind,
        )
        for c, value in own
        if abs(value) > NO_PRICE
    )


def _where_scarce(pieces: Pieces, decision: Decision, duals: Array | None) -> Decision:
    """The decision in one typical sample for the order book: the mean of those in which somebody goes short, for whom
    capacity is scarce; of all samples where nobody ever does."""
    p = pieces.frame.outcomes.probability
    if duals is None:
        weight = np.broadcast_to(p, decision.served.shape[1:])
    else:
        short = (decision.unmet > 1e-9).any(axis=0) * p
        weight = np.where(short.sum(axis=-1, keepdims=True) > 0, short, p)
    weight = weight / weight.sum(axis=-1, keepdims=True)
    typical = {
        name: (getattr(decision, name) * weight).sum(axis=-1)[..., None] for name in ("served", "unmet", "bought")
    }
    return replace(decision, **typical)


def _facts(found: Decomposed, expected: float) -> dict[str, float]:
    pieces, solution = found.pieces, found.solution
    samples = float(pieces.frame.outcomes.count)
    facts = {
        "samples": samples,
        "rows": float(len(pieces.first_rows) + len(pieces.coupling_rows))
        + samples * sum(len(merge.rows) for merge in pieces.merges),
        "columns": float(len(pieces.first)) + samples * sum(len(merge.columns) for merge in pieces.merges),
        "expected_cost": expected,
        "iterations": float(solution.iterations),
        "recourse_bases": float(solution.bases),
    }
    if solution.relaxed is not None:
        facts["relaxed_objective"] = solution.relaxed.objective
        facts["lot_premium"] = solution.objective - solution.relaxed.objective
    return facts
