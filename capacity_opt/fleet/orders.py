"""The order book: each order with what it costs and the constraint that makes it worth it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from capacity_opt.fleet.decode import Decision
from capacity_opt.fleet.formulation import FleetModel
from capacity_opt.fleet.limits import cash_per_rack
from capacity_opt.fleet.recourse import RecourseColumns
from capacity_opt.fleet.service import counted_groups
from capacity_opt.problem.plan import Order

Array = NDArray[np.float64]

SMALL = 1e-9


def order_book(model: FleetModel, decision: Decision, duals: Array | None) -> tuple[Order, ...]:
    """One line per order of the first stage (expected size where orders are recourse), by period, zone and type."""
    frame, problem = model.frame, model.frame.problem
    racks = np.tensordot(frame.world_probability, decision.racks, 1)
    cash, lead = cash_per_rack(frame), problem.supply.lead_time
    lines = []
    for t, z, k in sorted((t, z, k) for k, z, t in np.argwhere(racks > SMALL).tolist()):
        arrival = t + int(lead[k, z])
        lines.append(
            Order(
                server_type=problem.server_types.names[k],
                zone=problem.sites.zones[z],
                order_period=problem.periods[t],
                arrival_period=problem.periods[arrival],
                racks=float(racks[k, z, t]),
                servers=float(racks[k, z, t] * problem.server_types.lot[k]),
                cost=float(racks[k, z, t] * cash[k, z, t]),
                reason=_reason(model, decision, duals, (k, z, t)),
            )
        )
    return tuple(lines)


def _reason(model: FleetModel, decision: Decision, duals: Array | None, order: tuple[int, int, int]) -> str:
    """The row that pays most for the order's servers; what it would be worth without them is what the order saves."""
    if duals is None:
        return "part of the best plan found"
    worth = [(*_worth(model, duals, state, order), state) for state in (model.normal, *model.failures)]
    value, at, state = max(worth, key=lambda row: row[0])
    if value <= SMALL:
        return _without_price(model, order)
    frame, problem = model.frame, model.frame.problem
    triple, t = at
    _, p, r = state.capacity_of[:, triple]
    place = f"{problem.resources[r]} in {frame.pool_names[p]} in {problem.periods[t]}"
    if state.lost >= 0:
        return (
            f"{place} if {problem.sites.zones[state.lost]} is lost: protected share of {_protected(model, state.lost)}"
        )
    return f"{place}: {_served_promise(model, decision, duals, triple, t)}"


def _worth(
    model: FleetModel, duals: Array, state: RecourseColumns, order: tuple[int, int, int]
) -> tuple[float, tuple[int, int]]:
    """The most that one capacity row in one period pays for a rack of the order, and which (triple, period)."""
    frame, (k, z, t) = model.frame, order
    of = state.capacity_of
    own = np.flatnonzero((of[0] == k) & (of[1] == frame.zone_pool[z]))
    if len(own) == 0 or z == state.lost:
        return 0.0, (0, 0)
    survival = frame.survival[:, k, z, t]
    there = np.moveaxis(frame.outcomes.available, 0, -1)[z]
    paid = -duals[state.capacity[own]].sum(axis=2) * there
    paid = paid * (survival.T if frame.worlds > 1 else survival[0][:, None])
    value = paid.sum(axis=-1) * frame.problem.server_types.capacity[k, of[2][own]][:, None]
    triple, period = np.unravel_index(int(np.argmax(value)), value.shape)
    return float(value[triple, period]), (int(own[triple]), int(period))


def _served_promise(model: FleetModel, decision: Decision, duals: Array, triple: int, t: int) -> str:
    """Who is served there in the samples where capacity is scarce, and why it has to be."""
    problem, state = model.frame.problem, model.normal
    k, p, r = state.capacity_of[:, triple]
    lanes = state.lanes
    own = np.flatnonzero((lanes.server_type == k) & (lanes.pool == p) & (lanes.load[:, r] > 0))
    paid = -duals[state.capacity[triple, t]]
    value = np.einsum("nbs,bs->n", decision.served[own, t], paid) * lanes.load[own, r]
    group = int(lanes.group[own[int(np.argmax(value))]]) if len(own) else 0
    return f"{problem.groups.names[group]}, {promise_of(model, duals, group)}"


def promise_of(model: FleetModel, duals: Array, group: int) -> str:
    """In words, what keeps the group from going short: of the promises that count it, the one that is dearest."""
    problem, service = model.frame.problem, model.frame.problem.service
    own = int(problem.groups.group_class[group])
    name = problem.groups.classes[own]
    if not service.shortage_allowed[group]:
        return "whose demand must be met"
    if not np.isnan(service.no_shortage_probability[own]):
        return f"no-shortage probability {service.no_shortage_probability[own]:g} of {name}"
    counted = counted_groups(model.frame)[:, group] & ~np.isnan(service.fill_rate)
    if counted.any():
        rows = model.row_blocks["fill_rate"].index
        price = np.where(counted, -duals[np.maximum(rows, 0)], -np.inf)
        dearest = int(np.argmax(price))
        if price[dearest] > SMALL or service.penalty[group] <= 0:
            return f"fill rate {service.fill_rate[dearest]:g} of {problem.groups.classes[dearest]}"
    if np.any(~np.isnan(service.shortage_cvar_limit)):
        return "shortage CVaR limit"
    return f"unmet demand costs {service.penalty[group]:g} a unit"


def _protected(model: FleetModel, lost: int) -> str:
    problem = model.frame.problem
    share = np.nan_to_num(problem.service.protected_share[:, lost])
    told = [f"{name} ({part:g})" for name, part in zip(problem.groups.classes, share, strict=True) if part > 0]
    return ", ".join(told)


def _without_price(model: FleetModel, order: tuple[int, int, int]) -> str:
    k, z, t = order
    chance = model.frame.problem.service.no_shortage_probability
    for own in np.flatnonzero(~np.isnan(chance)):
        return f"no-shortage probability {chance[own]:g} of {model.frame.problem.groups.classes[own]}"
    if model.frame.problem.supply.order_minimum[k, z, t] > 1:
        return "smallest order allowed"
    if model.frame.problem.stability is not None and model.frame.problem.stability.last[k, z, t] > 0:
        return "as in the last plan"
    return "whole racks: nothing smaller serves what is needed"
