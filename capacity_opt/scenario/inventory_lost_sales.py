"""Policies where unmet demand is lost: base stock, capped base stock, projected inventory level."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import ArgumentError
from capacity_opt.inventory.lost_sales import (
    LostSales,
    optimize_capped_base_stock,
    optimize_lost_sales_base_stock,
    optimize_projected_inventory_level,
)
from capacity_opt.problem.policies import BaseStock
from capacity_opt.scenario.inventory_part import Part, Solved

Array = NDArray[np.float64]


def lost_sales(part: Part) -> Solved:
    """Base stock; a unit short is lost at ``stockout_cost``."""
    best = _best(part, optimize_lost_sales_base_stock)
    level = np.asarray(best.base_stock_level)
    return Solved(values={"base_stock_level": level, **_promised(best)}, plays=best, explains=best, lost_sales=True)


def capped(part: Part) -> Solved:
    """Base stock with a most that is ordered at once."""
    best = _best(part, optimize_capped_base_stock)
    level, cap = np.asarray(best.base_stock_level), np.asarray(best.order_cap)
    values = {"base_stock_level": level, "order_cap": cap, **_promised(best)}
    return Solved(values=values, plays=best, explains=BaseStock(base_stock_level=level), cap=cap, lost_sales=True)


def projected(part: Part) -> Solved:
    """Order what lifts the stock expected after the lead time to a level.

    The order now takes the projection to be the position less mean demand over the lead time: nothing lost on the way.
    """
    best = _best(part, optimize_projected_inventory_level)
    level = np.asarray(best.projected_level)
    rule = BaseStock(base_stock_level=level + part.demand.mean * np.asarray(part.item.lead_time))
    values = {"projected_level": level, **_promised(best)}
    return Solved(values=values, plays=best, explains=rule, lost_sales=True, one_by_one=True)


def _best(part: Part, optimize: Callable[..., Any]) -> Any:
    if part.target != "stockout_cost":
        raise ArgumentError(f"policy {part.policy} needs a stockout_cost (per unit lost), not {part.target}")
    if np.any(np.asarray(part.item.review_period) != 1.0):
        raise ArgumentError(f"policy {part.policy} reviews every period: set review_period = 1")
    if part.lead_chances is not None:
        raise ArgumentError(f"policy {part.policy} takes fixed lead times: leave lead_times and lead_time_sd out")
    if part.inventory.correlation:
        raise ArgumentError(f"policy {part.policy} takes independent periods: set autocorrelation = 0")
    return optimize(
        part.demand,
        holding_cost=part.item.holding_cost,
        stockout_cost=part.wanted,
        lead_time=part.item.lead_time,
    )


def _promised(best: LostSales) -> dict[str, Array]:
    return {
        "expected_cost": np.asarray(best.expected_cost),
        "fill_rate": np.asarray(best.fill_rate),
        "cycle_service_level": np.asarray(best.no_shortage_probability),
    }
