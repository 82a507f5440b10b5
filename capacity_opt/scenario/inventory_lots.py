"""Lots for demand known for certain: the economic order quantity (also with a failing supplier), and Wagner-Whitin."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import ArgumentError
from capacity_opt.inventory.disruption import optimize_disrupted_order_quantity
from capacity_opt.inventory.eoq import optimize_eoq
from capacity_opt.inventory.lot_size import optimize_capacitated_lot_size
from capacity_opt.inventory.wagner_whitin import optimize_wagner_whitin
from capacity_opt.problem.policies import ReorderPointOrderQuantity
from capacity_opt.scenario.inventory_part import Part, Solved

Array = NDArray[np.float64]


def eoq(part: Part) -> Solved:
    """The economic order quantity for the mean demand; backorders where the stockout cost is not 0 (0: none allowed).

    With a disruption_rate the supplier fails and recovers (exponential times) and unmet demand is lost.
    """
    rate, item = part.demand.mean, part.item
    waiting = _waiting(part)
    lead = np.asarray(item.lead_time)
    failing = part.chances("disruption_rate")
    if np.any(failing > 0):
        if np.any(np.isinf(waiting)):
            raise ArgumentError("policy eoq with a disruption_rate needs a stockout_cost above 0 (per unit lost)")
        best = optimize_disrupted_order_quantity(
            demand_rate=rate,
            holding_cost=item.holding_cost,
            fixed_cost=item.fixed_cost,
            stockout_cost=waiting,
            disruption_rate=failing,
            recovery_rate=part.chances("recovery_rate"),
        )
        quantity, cost, reorder = np.asarray(best.order_quantity), np.asarray(best.expected_cost), rate * lead
        fill = 1.0 - np.asarray(best.fraction_lost)
    else:
        told = optimize_eoq(
            rate, holding_cost=item.holding_cost, fixed_cost=item.fixed_cost, stockout_cost=waiting, lead_time=lead
        )
        quantity, cost = np.asarray(told.order_quantity), np.asarray(told.expected_cost)
        reorder, fill = np.asarray(told.reorder_point), 1.0 - np.asarray(told.stockout_fraction)
    values = {"reorder_point": reorder, "order_quantity": quantity, "expected_cost": cost, "fill_rate": fill}
    rule = ReorderPointOrderQuantity(reorder_point=reorder, order_quantity=np.maximum(quantity, 1e-9))
    return Solved(values=values, explains=rule)


def _waiting(part: Part) -> Array:
    if part.target != "stockout_cost":
        raise ArgumentError(f"policy {part.policy} needs a stockout_cost (0: no backorders), not {part.target}")
    return np.where(part.wanted > 0, part.wanted, np.inf)


def wagner_whitin(part: Part) -> Solved:
    """The cheapest orders for the mean demand of every period; at most ``order_capacity`` units in one."""
    demand = np.stack([each.mean for each in part.inventory.demand_by_period], axis=1)[part.positions]
    lead = np.rint(np.asarray(part.item.lead_time)).astype(np.int64)
    count, periods = demand.shape
    plan, cost = np.zeros((count, periods)), np.zeros(count)
    for line in range(count):
        plan[line], cost[line] = _plan(part, line, demand[line], int(lead[line]))
    now = plan[:, 0]
    values = {"order_quantity": now, "expected_cost": cost / periods}
    sentences = [_sentence(part, line, plan[line], demand[line], int(lead[line])) for line in range(count)]
    return Solved(values=values, order_now=now, sentences=sentences, plan=plan)


def _plan(part: Part, line: int, demand: Array, lead: int) -> tuple[Array, float]:
    """Orders by the period they are placed in. What is asked before a first order can arrive comes from the stock;
    what that does not hold is owed, and asked for in the first period an order can serve."""
    position = float(part.inventory.position[part.positions[line]])
    rest, plan = demand[lead:].copy(), np.zeros(len(demand))
    if not len(rest):
        return plan, 0.0
    left = position - float(demand[:lead].sum())
    rest[0] += max(-left, 0.0)
    waiting = float(_waiting(part)[line])
    capacity = float(part.column("order_capacity")[line])
    fixed = float(np.asarray(part.item.fixed_cost)[line])
    holding = float(np.asarray(part.item.holding_cost)[line])
    stock = max(left, 0.0)
    if np.isfinite(capacity):
        limited = optimize_capacitated_lot_size(
            rest, capacity=capacity, fixed_cost=fixed, holding_cost=holding, stockout_cost=waiting, initial_stock=stock
        )
        plan[: len(rest)], cost = np.asarray(limited.order_quantity), float(limited.cost)
    else:
        free = optimize_wagner_whitin(
            rest, fixed_cost=fixed, holding_cost=holding, stockout_cost=waiting, initial_stock=stock
        )
        plan[: len(rest)], cost = np.asarray(free.order_quantity), float(free.cost)
    return plan, cost


def _sentence(part: Part, line: int, plan: Array, demand: Array, lead: int) -> str:
    inventory, place = part.inventory, int(part.positions[line])
    name = inventory.names[place]
    opening = f"Order {plan[0]:g} of {name}." if plan[0] > 0 else f"Order nothing of {name}."
    stock = f"The position is {inventory.position[place]:g}; {demand.sum():g} are asked for over the horizon."
    later = np.flatnonzero(plan[1:] > 0)
    if not len(later):
        return f"{opening} {stock} No further order is planned."
    when = inventory.period_names[int(later[0]) + 1]
    late = f" and arrives {lead} period{'s' * (lead != 1)} later" if lead else ""
    return f"{opening} {stock} The next order, {plan[later[0] + 1]:g}, is placed in {when}{late}."
