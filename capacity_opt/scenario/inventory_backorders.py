"""Policies where unmet demand waits (base stock, rq, ss), and the newsvendor, whose unmet demand is lost."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import ArgumentError
from capacity_opt.inventory.base_stock import BaseStockResult, optimize_base_stock
from capacity_opt.inventory.newsvendor import optimize_newsvendor
from capacity_opt.inventory.rq import optimize_rq
from capacity_opt.inventory.ss import optimize_ss
from capacity_opt.problem.policies import BaseStock
from capacity_opt.scenario.inventory_part import Part, Solved

Array = NDArray[np.float64]
PROMISED = ("expected_cost", "fill_rate", "cycle_service_level")
OTHER_TARGETS = ("ready_rate", "no_stockout", "gamma")


def base_stock(part: Part) -> Solved:
    """Order up to a level at every review."""
    best = optimize_base_stock(
        part.demand,
        holding_cost=part.item.holding_cost,
        correlation=part.inventory.correlation,
        lead_time=part.lead_time,
        review_period=part.item.review_period,
        **_aim(part),
    )
    return told_base_stock(part, best)


def told_base_stock(part: Part, best: BaseStockResult) -> Solved:
    """A base-stock policy with the cost of every position after ordering."""
    holding, waiting = np.asarray(part.item.holding_cost), np.asarray(part.item.stockout_cost)

    def cost(position: Array) -> Array:
        short = best.exposure.late.loss(position)
        return np.asarray(holding * (position - best.exposure.late.mean + short) + waiting * short)

    values = {"base_stock_level": np.asarray(best.base_stock_level), **promised(best, part.target)}
    return Solved(values=values, plays=best, explains=best, quantile=best.cycle_service_level, cost=cost)


def newsvendor(part: Part) -> Solved:
    """One order for one period."""
    best = optimize_newsvendor(part.demand, holding_cost=part.item.holding_cost, stockout_cost=newsvendor_cost(part))
    return told_newsvendor(np.asarray(best.order_quantity), promised(best))


def told_newsvendor(quantity: Array, told: dict[str, Array]) -> Solved:
    """A newsvendor is a base stock with nothing carried over and no waiting."""
    level = BaseStock(base_stock_level=quantity)
    values = {"order_quantity": quantity, **told}
    return Solved(values=values, plays=level, explains=level, lost_sales=True, single_period=True)


def newsvendor_cost(part: Part) -> Array:
    """The stockout cost whose critical ratio is the wanted cycle service level."""
    if part.target == "stockout_cost":
        return part.wanted
    if part.target == "cycle_service_level":
        return np.asarray(np.asarray(part.item.holding_cost) * part.wanted / (1.0 - part.wanted))
    raise ArgumentError(
        "policy newsvendor takes stockout_cost or cycle_service_level, not " + part.target + "; use base_stock"
    )


def rq(part: Part) -> Solved:
    """Order a fixed quantity, or multiples of it, at a reorder point."""
    _independent(part)
    given = part.column("order_quantity")
    quantity: dict[str, Any] = {} if np.isnan(given).all() else {"order_quantity": given}
    if np.isnan(given).any() and quantity:
        raise ArgumentError("order_quantity must be given for all rq items of one family of demand, or for none")
    best = optimize_rq(part.demand, **_costs(part), **_aim(part), **quantity)
    levels = {name: np.asarray(getattr(best, name)) for name in ("reorder_point", "order_quantity")}
    return Solved(values={**levels, **promised(best, part.target)}, plays=best, explains=best, fixed_cost_counts=True)


def ss(part: Part) -> Solved:
    """Order up to a level when the position has fallen to another."""
    _independent(part)
    best = optimize_ss(part.demand, **_costs(part), **_aim(part))
    levels = {name: np.asarray(getattr(best, name)) for name in ("reorder_point", "order_up_to_level")}
    return Solved(values={**levels, **promised(best, part.target)}, plays=best, explains=best, fixed_cost_counts=True)


def promised(result: object, target: str = "") -> dict[str, Array]:
    """What a result promises, as columns, with the measure that is a target; what it does not know is left out."""
    names = (*PROMISED, *(name for name in OTHER_TARGETS if name == target))
    found = {name: getattr(result, name, None) for name in names}
    return {name: np.asarray(value, dtype=np.float64) for name, value in found.items() if value is not None}


def _aim(part: Part) -> dict[str, Any]:
    return {part.target: part.wanted}


def _costs(part: Part) -> dict[str, Any]:
    item = part.item
    return {
        "holding_cost": item.holding_cost,
        "fixed_cost": item.fixed_cost,
        "lead_time": part.lead_time,
        "review_period": item.review_period,
    }


def _independent(part: Part) -> None:
    if part.inventory.correlation:
        raise ArgumentError(
            "policies rq and ss take demand that is independent between periods: set autocorrelation = 0"
        )
