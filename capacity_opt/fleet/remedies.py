"""What would make a plan possible: how far each kind of limit alone, or the lead time, would have to move."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from capacity_opt.fleet.causes import spans
from capacity_opt.fleet.elastic import Slack, elastic, in_use
from capacity_opt.fleet.formulation import FleetModel, build_model
from capacity_opt.problem.fleet import FleetProblem, Supply
from capacity_opt.solvers.solve import solve

FIXES = (
    ("order_limit", "raise the order limit", "racks"),
    ("power", "raise the power limit", "kW"),
    ("rack_units", "raise the rack-unit limit", "U"),
    ("space", "raise the space limit", "m2"),
    ("capex_budget", "raise the capital budget", "money"),
    ("cumulative_budget", "raise the cumulative budget", "money"),
    ("opex_budget", "raise the running budget", "money"),
    ("option_limit", "raise the purchase limit", "servers"),
    ("commitment_limit", "raise the commitment limit", "servers"),
    ("never_grow", "allow growth", "servers"),
    ("never_shrink", "allow shrinking", "servers"),
)
SERVICE = ("stock_balance", "have servers in service that no order can bring in time", "servers")
"""The last resort: it breaks the balance of stock itself."""


def remedies(model: FleetModel, time_limit: float, *, whole: bool) -> list[str]:
    """For each kind of limit that alone would do: how far it has to move, the smallest relative move first; then
    shorter lead times; servers from nowhere only where nothing else would do."""
    found = [fix for name, words, unit in FIXES if (fix := _moved(model, name, words, unit, time_limit, whole))]
    told = [text for _, text in sorted(found)]
    sooner = None if whole else _sooner(model, time_limit)
    if sooner is not None:
        return [*told, sooner]
    last = None if told else _moved(model, *SERVICE, time_limit, whole)
    return told if last is None else [last[1]]


def _moved(
    model: FleetModel, name: str, words: str, unit: str, time_limit: float, whole: bool
) -> tuple[float, str] | None:
    """Total relative move and the words for it; ``None`` where this kind of limit alone does not help."""
    if name != "order_limit" and name not in model.row_blocks:
        return None
    blocks = {} if name == "order_limit" else {name: model.row_blocks[name]}
    program, slacks = elastic(model, blocks, order_limit=name == "order_limit", whole=whole)
    answer = solve(program, time_limit=time_limit) if slacks else None
    if answer is None or answer.x is None:
        return None
    used = in_use(answer.x[model.lp.columns :], slacks)
    if not used:
        return None
    unit = model.frame.problem.finance.currency if unit == "money" else unit
    where = _where(model, used, unit)
    more = f" and {len(where) - 3} more" if len(where) > 3 else ""
    told = f"{', '.join(where[:3])}{more}"
    return answer.objective, f"{words} {told}" if told.startswith("by ") else f"{words}: {told}"


def _where(model: FleetModel, used: list[tuple[float, Slack]], unit: str) -> list[str]:
    """``place by amount in period`` for every slack in use, equal neighbours together."""
    periods = model.frame.problem.periods
    by_place: dict[str, list[tuple[str, str]]] = {}
    plain: list[str] = []
    for value, slack in used:
        period = next((part for part in slack.parts if part in periods), "")
        place = " in ".join(part for part in slack.parts if part != period)
        if not period:
            plain.append(f"{place} by {value:.6g} {unit}".strip())
            continue
        told = by_place.setdefault(place, [])
        if period not in dict(told):
            told.append((period, f"{place} by {value:.6g} {unit}".strip()))
    return [*plain, *(f"{text} {when}" for told in by_place.values() for when, text in spans(periods, told))]


def _sooner(model: FleetModel, time_limit: float) -> str | None:
    """The least cut of all lead times (or move of the first order) with which a plan exists."""
    problem, started = model.frame.problem, time.monotonic()
    for words, changed in _earlier(problem.supply, problem):
        if time.monotonic() - started > time_limit:
            return None
        trial = build_model(replace(problem, supply=changed), model.frame.outcomes, model.formulation)
        relaxed = replace(trial.lp, cost=np.zeros(trial.lp.columns), integer=np.zeros(trial.lp.columns, dtype=bool))
        if solve(relaxed, time_limit=time_limit).has_point:
            return words
    return None


def _earlier(supply: Supply, problem: FleetProblem) -> Iterator[tuple[str, Supply]]:
    for by in range(1, int(supply.lead_time.max(initial=0)) + 1):
        lead = np.maximum(supply.lead_time - by, 0)
        kinds = [
            f"{name} to {int(lead[k].max())}"
            for k, name in enumerate(problem.server_types.names)
            if supply.lead_time[k].max(initial=0) > 0
        ]
        told = ", ".join(kinds[:5]) + (" ..." if len(kinds) > 5 else "")
        yield f"shorten lead times by {by} period{'s' * (by > 1)} ({told})", replace(supply, lead_time=lead)
    for first in range(supply.first_order - 1, -1, -1):
        yield f"order from {problem.periods[first]} on", replace(supply, first_order=first)
