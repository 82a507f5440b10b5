"""The least possible cost with lost sales, by relative value iteration: the yardstick for every policy.

The state is (stock on hand, orders to come, oldest first) after the period's arrival, as in
:mod:`capacity_opt.inventory.lost_sales_chain`. No optimal policy holds and expects more than the newsvendor's stock
for the demand until then, nor orders more than one period's (Zipkin 2008, *On the structure of lost-sales inventory
models*), which bounds the states. One step of the iteration is a matrix product over the leftover stock, so it runs
at the speed of the linear algebra library.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capacity_opt import _checks
from capacity_opt.demand.protocol import Demand
from capacity_opt.errors import ArgumentError, LimitError
from capacity_opt.inventory.grid import one_item
from capacity_opt.inventory.lost_sales_chain import LONGEST_LEAD_TIME, DemandTable, demand_table

Array = NDArray[np.float64]
LARGEST_TABLE = 40_000_000
MOST_STEPS = 20_000
STEP = 0.95  # below 1, so that the iteration cannot cycle; the average cost scales with it


@dataclass(frozen=True, kw_only=True)
class OptimalLostSales:
    """The least average cost per period, between ``low`` and ``high`` for certain, and the optimal orders.

    ``order_quantity[x, q_1, ..., q_(L-1)]`` for stock x on hand after the arrival and orders q_1 (next to come) to
    q_(L-1); shape (X + 1, Q + 1, ..., Q + 1).
    """

    expected_cost: float
    low: float
    high: float
    order_quantity: NDArray[np.int64]


def optimize_lost_sales(
    demand: Demand,
    *,
    holding_cost: float,
    stockout_cost: float,
    lead_time: int,
    tolerance: float = 1e-7,
    largest_order: int | None = None,
    largest_stock: int | None = None,
) -> OptimalLostSales:
    """The least average cost of any policy for one item; ``tolerance`` is ``high - low``.

    ``stockout_cost`` is per lost unit. ``largest_order`` and ``largest_stock`` replace the bounds from theory (to
    check them). Raises ArgumentError where the table of states and orders would exceed 40 million cells.

    >>> from capacity_opt.demand.counts import Poisson
    >>> round(optimize_lost_sales(Poisson(5.0), holding_cost=1, stockout_cost=4, lead_time=1).expected_cost, 4)
    4.0407
    """
    holding, penalty = _checks.single("holding_cost", holding_cost), _checks.single("stockout_cost", stockout_cost)
    _checks.positive("holding_cost", holding)
    _checks.non_negative("stockout_cost", penalty)
    lead = int(_checks.whole("lead_time", _checks.single("lead_time", lead_time)))
    _checks.between("lead_time", lead, 0, LONGEST_LEAD_TIME)
    table = demand_table(one_item(demand))
    ratio = penalty / (penalty + holding)
    orders = table.quantile_over(1, ratio) if largest_order is None else largest_order
    most = table.quantile_over(lead + 1, ratio) if largest_stock is None else largest_stock
    if lead == 0:
        return _immediate(table, holding, penalty, most)
    _refuse_large(most, orders, lead)
    return _iterate(table, holding, penalty, lead, most, orders, tolerance)


def _refuse_large(most: int, orders: int, lead: int) -> None:
    cells = (most + 1) * float(orders + 1) ** lead
    if cells > LARGEST_TABLE:
        raise ArgumentError(
            f"the optimal lost-sales policy needs a table of {cells:.3g} cells (stock to {most}, orders to {orders}, "
            f"lead_time {lead}), at most {LARGEST_TABLE}. Use larger units, or a capped base-stock policy."
        )


def _immediate(table: DemandTable, holding: float, penalty: float, most: int) -> OptimalLostSales:
    """Without a lead time nothing is uncertain when the order is placed: order up to the newsvendor's stock."""
    cost = float(_period_cost(table, holding, penalty, most)[most])
    order = np.maximum(most - np.arange(most + 1), 0)
    return OptimalLostSales(expected_cost=cost, low=cost, high=cost, order_quantity=order)


def _period_cost(table: DemandTable, holding: float, penalty: float, most: int) -> Array:
    stock = np.arange(most + 1)
    lost = table.loss(stock)
    return holding * np.maximum(stock - table.mean + lost, 0.0) + penalty * lost


def _iterate(
    table: DemandTable, holding: float, penalty: float, lead: int, most: int, orders: int, tolerance: float
) -> OptimalLostSales:
    pipelines = (orders + 1) ** (lead - 1)
    leftover, cost = table.leftover(most), _period_cost(table, holding, penalty, most)[:, None]
    # Beyond the bound on the position nothing may be ordered, so stock is never cut off where the index is.
    arrived = np.minimum(np.arange(most + 1)[:, None] + np.arange(orders + 1), most)
    position = _positions(most, orders, lead).reshape(most + 1, pipelines)
    barred = position[:, :, None] + np.arange(orders + 1) > most
    inside = position <= most
    value = np.zeros((most + 1, pipelines))
    for _ in range(MOST_STEPS):
        after = value[arrived].reshape(most + 1, -1)
        choices = (leftover @ after).reshape(most + 1, pipelines, orders + 1)
        np.putmask(choices, barred, np.inf)
        change = np.where(inside, STEP * (cost + choices.min(axis=2) - value), 0.0)
        low, high = float(change[inside].min()) / STEP, float(change[inside].max()) / STEP
        if high - low <= tolerance:
            best = np.where(inside, choices.argmin(axis=2), 0).reshape((most + 1,) + (orders + 1,) * (lead - 1))
            return OptimalLostSales(expected_cost=0.5 * (low + high), low=low, high=high, order_quantity=best)
        value = value + np.where(inside, change - change[0, 0], 0.0)
    raise LimitError(f"the cost is between {low:g} and {high:g} after {MOST_STEPS} steps. Allow a larger tolerance?")


def _positions(most: int, orders: int, lead: int) -> NDArray[np.int64]:
    """Stock on hand plus all orders to come, of every state."""
    total = np.arange(most + 1)
    for _ in range(lead - 1):
        total = total[..., None] + np.arange(orders + 1)
    return total
