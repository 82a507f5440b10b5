"""Plans that were not chosen, what they would have cost, and why.

Two kinds. ``nearby``: the cheapest plans that order differently by at least a rack, with whole racks, compared with the
plan itself. ``without``: no orders at all, all orders a period later, or without a server type or an option that the
plan uses; solved with divisible racks and compared with the best such plan, so that the difference is not one of
rounding. The samples are the plan's own throughout.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from capacity_opt.errors import CapacityError, InfeasibleError
from capacity_opt.fleet.alternatives import alternative_plans
from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.problem.plan import FleetPlan
from capacity_opt.scenario.run_folder import Table, table_of
from capacity_opt.scenario.waterfall import Resolve, divisible

COLUMNS = ("alternative", "kind", "EffectiveCost", "difference", "status", "why", "BillingCurrency")
WITHIN = 0.05
MOST_CHANGES = 4


def rejected(problem: FleetProblem, plan: FleetPlan, resolve: Resolve, *, count: int, gap: float) -> Table:
    """Alternatives to ``plan``, each kind cheapest first; one that keeps no promise of the problem has cost NaN.

    ``count`` of the nearby kind at most, found to ``gap``; none where racks are divisible already.
    """
    rows = sorted(_nearby(problem, plan, resolve, count, gap), key=lambda row: row["difference"])
    rows += sorted(_without(problem, plan, resolve), key=lambda row: (np.isnan(row["difference"]), row["difference"]))
    return table_of([row | {"BillingCurrency": problem.finance.currency} for row in rows], COLUMNS)


def _nearby(
    problem: FleetProblem, plan: FleetPlan, resolve: Resolve, count: int, gap: float
) -> Iterator[dict[str, Any]]:
    if not problem.integer:
        return
    resolve.tell(f"{count} alternatives nearby")
    try:
        found = alternative_plans(
            problem,
            count=count + 1,
            within=WITHIN,
            formulation=resolve.formulation,
            gap=gap,
            seed=resolve.seed,
            time_limit=resolve.time_limit,
        )
    except CapacityError:
        return
    others = [other for other in found if not np.allclose(other.racks, plan.racks, atol=1e-6)]
    for other in others[:count]:
        yield _row(changes(problem, plan, other), "nearby", other, plan.objective, plan.cost)


def _without(problem: FleetProblem, plan: FleetPlan, resolve: Resolve) -> Iterator[dict[str, Any]]:
    start = divisible(problem, resolve.seed)
    resolve.tell("alternatives without something")
    base = resolve.plan(start)
    for name, trial in _trials(start, plan):
        resolve.tell(f"alternative: {name}")
        try:
            other = resolve.plan(trial)
        except CapacityError as error:
            why = "no such plan keeps every promise" if isinstance(error, InfeasibleError) else "not solved in time"
            nothing = {"EffectiveCost": np.nan, "difference": np.nan, "status": type(error).__name__}
            yield {"alternative": name, "kind": "without", "why": why, **nothing}
            continue
        yield _row(name, "without", other, base.objective, base.cost)


def _trials(problem: FleetProblem, plan: FleetPlan) -> Iterator[tuple[str, FleetProblem]]:
    """Problems in which something that the plan does is forbidden."""
    supply, options = problem.supply, problem.options
    nothing = np.zeros_like(supply.order_limit)
    if not plan.racks.any():
        return
    yield "order nothing", replace(problem, supply=replace(supply, order_limit=nothing))
    wait = replace(supply, first_order=supply.first_order + 1)
    yield "order nothing in the first period", replace(problem, supply=wait)
    for k in np.flatnonzero(plan.racks.sum(axis=(1, 2)) > 0).tolist():
        barred = supply.order_limit.copy()
        barred[k] = 0.0
        name = f"no new {problem.server_types.names[k]}"
        yield name, replace(problem, supply=replace(supply, order_limit=barred))
    for m, option in enumerate(options.names):
        limit = options.limit.copy()
        limit[m] = 0.0
        yield f"no {option}", replace(problem, options=replace(options, limit=limit))


def _row(name: str, kind: str, other: FleetPlan, cost: float, components: Mapping[str, float]) -> dict[str, Any]:
    difference = other.objective - cost
    return {
        "alternative": name,
        "kind": kind,
        "EffectiveCost": other.objective,
        "difference": difference,
        "status": other.status,
        "why": reason(difference, cost, other.cost, components),
    }


def reason(difference: float, cost: float, theirs: Mapping[str, float], ours: Mapping[str, float]) -> str:
    """Why an alternative was not chosen: what it costs more, and where.

    >>> reason(30.0, 1000.0, {"capital": 500.0, "penalty": 30.0}, {"capital": 540.0, "spot": 20.0, "penalty": 0.0})
    'costs 3 % more: penalty +30, capital -40, spot -20'
    """
    names = dict.fromkeys([*ours, *theirs])
    parts = {name: theirs.get(name, 0.0) - ours.get(name, 0.0) for name in names}
    least = 1e-6 * max(1.0, abs(cost))
    told = sorted(
        (name for name in parts if abs(parts[name]) > least), key=lambda name: (parts[name] < 0, -abs(parts[name]))
    )
    where = ", ".join(f"{name.replace('_', ' ')} {parts[name]:+,.0f}" for name in told)
    if abs(difference) <= least:
        return "costs the same" + (f": {where}" if where else "")
    share = f"{100 * abs(difference) / abs(cost):.2g} % " if cost else ""
    if difference < 0:
        return f"costs {share}less, within the gap to which the plan was found: {where}"
    return f"costs {share}more: {where}"


def changes(problem: FleetProblem, plan: FleetPlan, other: FleetPlan) -> str:
    """What ``other`` orders differently, the largest changes first."""
    types, zones, periods = problem.server_types.names, problem.sites.zones, problem.periods
    moved = other.racks - plan.racks
    places = sorted(np.argwhere(np.abs(moved) > 1e-6).tolist(), key=lambda place: -abs(moved[tuple(place)]))
    told = [f"{moved[k, z, t]:+g} {types[k]} in {zones[z]}, {periods[t]}" for k, z, t in places[:MOST_CHANGES]]
    more = f"; and {len(places) - MOST_CHANGES} more" if len(places) > MOST_CHANGES else ""
    return "; ".join(told) + more if told else "the same orders"
