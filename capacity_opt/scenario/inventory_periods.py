"""Demand that changes from period to period: the best (s_t, S_t) over the horizon."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import ArgumentError
from capacity_opt.inventory.finite_horizon import optimize_finite_horizon
from capacity_opt.problem.policies import ReorderPointOrderUpTo
from capacity_opt.scenario.inventory_part import Part, Solved

Array = NDArray[np.float64]


def finite_horizon(part: Part) -> Solved:
    """In every period, order up to S_t when the position is at or below s_t; stock left at the end is worth its cost
    price (it is neither charged nor paid back)."""
    if part.target != "stockout_cost":
        raise ArgumentError("policy finite_horizon needs a stockout_cost; for a service target use base_stock")
    if np.any(np.asarray(part.item.lead_time) > 0) or part.lead_chances is not None:
        raise ArgumentError("policy finite_horizon orders for the same period: set lead_time = 0, or move the demand")
    demands = tuple(each.take(part.positions) for each in part.inventory.demand_by_period)
    best = optimize_finite_horizon(
        demands,
        holding_cost=part.item.holding_cost,
        stockout_cost=part.wanted,
        fixed_cost=part.item.fixed_cost,
        initial_stock=part.inventory.position[part.positions],
    )
    reorder, up_to = np.asarray(best.reorder_point), np.asarray(best.order_up_to_level)
    # A period in which no order can pay has its reorder point at minus infinity: no stock is that low.
    rule = ReorderPointOrderUpTo(reorder_point=np.maximum(reorder[0], -1e12), order_up_to_level=up_to[0])
    values = {
        "reorder_point": reorder[0],
        "order_up_to_level": up_to[0],
        "expected_cost": np.asarray(best.expected_cost) / len(demands),
    }
    return Solved(values=values, plays=best, explains=rule, demands=demands, fixed_cost_counts=True)
