"""Items that share a limit: money for stock, or one fill rate over all of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from capacity_opt.demand.lead_time import lead_time_demand
from capacity_opt.demand.protocol import Demand
from capacity_opt.errors import ArgumentError
from capacity_opt.inventory.base_stock import evaluate_base_stock
from capacity_opt.inventory.budget import SharedLimitResult, optimize_aggregate_service, optimize_newsvendor_budget
from capacity_opt.scenario.inventory_backorders import newsvendor_cost, told_base_stock, told_newsvendor
from capacity_opt.scenario.inventory_part import Part, Solved

Array = NDArray[np.float64]


def shared(part: Part) -> Solved:
    """Levels of least total cost under ``budget``, or of least holding cost with ``aggregate_fill_rate``."""
    _check(part)
    found = _aggregate(part) if part.inventory.aggregate_fill_rate is not None else _budgeted(part)
    totals = {
        "shadow_price": found.shadow_price,
        "used": found.used,
        "limit": found.limit,
        "expected_cost": found.expected_cost,
        "bound": found.bound,
        "gap": found.gap,
    }
    level = np.asarray(found.order_quantity)
    if part.policy == "newsvendor":
        served = 1.0 - part.demand.loss(level) / np.maximum(part.demand.mean, 1e-300)
        solved = told_newsvendor(level, {"expected_cost": found.item_cost, "fill_rate": served})
    else:
        solved = told_base_stock(
            part,
            evaluate_base_stock(
                level,
                part.demand,
                holding_cost=part.item.holding_cost,
                stockout_cost=part.item.stockout_cost,
                lead_time=part.lead_time,
                review_period=part.item.review_period,
                correlation=part.inventory.correlation,
            ),
        )
    return Solved(**{**vars(solved), "totals": {name: float(value) for name, value in totals.items()}})


def _check(part: Part) -> None:
    if part.policy not in ("base_stock", "newsvendor") or len(set(part.inventory.policy)) > 1:
        raise ArgumentError("a budget or an aggregate_fill_rate needs policy base_stock or newsvendor for all items")
    if len(set(part.inventory.lead_kind)) > 1:
        raise ArgumentError(
            "a budget or an aggregate_fill_rate needs lead times that are fixed, or alike, for all items"
        )
    if part.policy == "base_stock" and np.any(np.asarray(part.item.review_period) > 1):
        raise ArgumentError("a budget or an aggregate_fill_rate over base_stock items needs review_period <= 1")


def _budgeted(part: Part) -> SharedLimitResult:
    if part.policy == "base_stock" and part.target != "stockout_cost":
        raise ArgumentError("a budget needs a stockout_cost for every item, which says whom to serve first")
    if np.any(~(part.column("unit_cost") > 0)):
        raise ArgumentError("a budget needs unit_cost above 0 for every item: the money that a unit of stock binds")
    assert part.inventory.budget is not None
    return optimize_newsvendor_budget(
        part.demand if part.policy == "newsvendor" else _protected(part),
        stockout_cost=newsvendor_cost(part),
        holding_cost=part.item.holding_cost,
        unit_budget=part.column("unit_cost"),
        budget=part.inventory.budget,
    )


def _aggregate(part: Part) -> SharedLimitResult:
    assert part.inventory.aggregate_fill_rate is not None
    one_period = not np.any(np.asarray(part.item.lead_time)) and part.lead_chances is None
    if part.policy == "base_stock" and not one_period:
        raise ArgumentError(
            "an aggregate_fill_rate counts the shortage of one period: use policy newsvendor, or lead_time = 0"
        )
    return optimize_aggregate_service(
        part.demand, holding_cost=part.item.holding_cost, fill_rate=part.inventory.aggregate_fill_rate
    )


def _protected(part: Part) -> Demand:
    return lead_time_demand(part.demand, part.lead_time, part.item.review_period, part.inventory.correlation)
