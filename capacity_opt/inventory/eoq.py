"""The economic order quantity and its kin: steady known demand, a fixed cost per order, every item at once.

Orders arrive when wanted, so stock falls from Q to 0 in a saw tooth. With backorders at p per unit and time the stock
is short for a share h / (h + p) of the time; with a finite production rate a lot arrives while it is being used, and
h acts on (1 - demand / production) of it. Snyder & Shen, Fundamentals of Supply Chain Theory (2nd ed.), chapter 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class EOQResult:
    """An order quantity per item and what it costs; every field has the items' shape.

    ``expected_cost`` = ``ordering_cost`` + ``holding_cost`` + ``backorder_cost`` + ``purchase_cost``, money per unit
    of time. ``cycle_time`` is the time between orders, ``largest_backorder`` the shortage when a lot arrives,
    ``stockout_fraction`` the share of demand that waits, ``reorder_point`` the position at which to order.
    """

    order_quantity: Array
    expected_cost: Array
    ordering_cost: Array
    holding_cost: Array
    backorder_cost: Array
    purchase_cost: Array
    cycle_time: Array
    largest_backorder: Array
    stockout_fraction: Array
    reorder_point: Array


def optimize_eoq(
    demand_rate: ArrayLike,
    *,
    holding_cost: ArrayLike,
    fixed_cost: ArrayLike,
    stockout_cost: ArrayLike = np.inf,
    production_rate: ArrayLike = np.inf,
    unit_cost: ArrayLike = 0.0,
    lead_time: ArrayLike = 0.0,
) -> EOQResult:
    """The cheapest order quantity: sqrt(2 K d / h), with backorders and a finite production rate where given.

    All arguments are scalars or arrays over items. ``demand_rate`` and ``production_rate`` in units per time,
    ``holding_cost`` and ``stockout_cost`` (per backordered unit) in money per unit and time, ``fixed_cost`` per
    order, ``unit_cost`` per unit (it only adds to the cost). An infinite ``stockout_cost`` forbids backorders.

    Raises :class:`~capacity_opt.ArgumentError` for costs or rates that are not positive. A zero ``fixed_cost`` gives
    quantity 0, the limit of continuous replenishment, and so does a zero demand.

    >>> best = optimize_eoq(1300, holding_cost=0.225, fixed_cost=8)
    >>> round(float(best.order_quantity), 2), round(float(best.expected_cost), 2)
    (304.05, 68.41)
    """
    _, given = _inputs(demand_rate, holding_cost, fixed_cost, stockout_cost, production_rate, unit_cost, lead_time)
    share, idle = _shares(given)
    quantity = np.sqrt(2.0 * given["fixed_cost"] * given["demand_rate"] / (given["holding_cost"] * share * idle))
    return _result(quantity, 1.0 - share, given, idle)


def evaluate_eoq(
    order_quantity: ArrayLike,
    demand_rate: ArrayLike,
    *,
    holding_cost: ArrayLike,
    fixed_cost: ArrayLike,
    stockout_cost: ArrayLike = np.inf,
    production_rate: ArrayLike = np.inf,
    unit_cost: ArrayLike = 0.0,
    lead_time: ArrayLike = 0.0,
    stockout_fraction: ArrayLike | None = None,
) -> EOQResult:
    """The cost of a given order quantity, with the best share of backorders unless ``stockout_fraction`` is given.

    Arguments and units as in :func:`optimize_eoq`.

    >>> round(float(evaluate_eoq(400, 1300, holding_cost=0.225, fixed_cost=8).expected_cost), 2)
    71.0
    """
    shape, given = _inputs(demand_rate, holding_cost, fixed_cost, stockout_cost, production_rate, unit_cost, lead_time)
    share, idle = _shares(given)
    quantity = _checks.shape("order_quantity", _checks.positive("order_quantity", order_quantity), shape, "items")
    waiting = 1.0 - share if stockout_fraction is None else _checks.share("stockout_fraction", stockout_fraction)
    if np.any((waiting > 0) & np.isinf(given["stockout_cost"])):
        raise ArgumentError("stockout_fraction must be 0 where stockout_cost is infinite; give a finite stockout_cost")
    return _result(quantity, np.broadcast_to(waiting, shape), given, idle)


def _inputs(
    demand_rate: ArrayLike,
    holding_cost: ArrayLike,
    fixed_cost: ArrayLike,
    stockout_cost: ArrayLike,
    production_rate: ArrayLike,
    unit_cost: ArrayLike,
    lead_time: ArrayLike,
) -> tuple[tuple[int, ...], dict[str, Array]]:
    shape, given = _checks.broadcast(
        demand_rate=_checks.non_negative("demand_rate", demand_rate),
        holding_cost=_checks.positive("holding_cost", holding_cost),
        fixed_cost=_checks.non_negative("fixed_cost", fixed_cost),
        stockout_cost=_positive_or_infinite("stockout_cost", stockout_cost),
        production_rate=_positive_or_infinite("production_rate", production_rate),
        unit_cost=_checks.non_negative("unit_cost", unit_cost),
        lead_time=_checks.non_negative("lead_time", lead_time),
    )
    slack = np.where(np.isinf(given["production_rate"]), 1.0, given["production_rate"] - given["demand_rate"])
    _checks.positive("production_rate - demand_rate", slack)
    return shape, given


def _positive_or_infinite(name: str, value: ArrayLike) -> Array:
    array = _checks.numbers(name, value)
    _checks.positive(name, np.where(array == np.inf, 1.0, array))
    return array


def _shares(given: dict[str, Array]) -> tuple[Array, Array]:
    """The share of time in stock, and the share of a lot that piles up while it is made."""
    in_stock = 1.0 / (1.0 + given["holding_cost"] / given["stockout_cost"])
    return in_stock, 1.0 - given["demand_rate"] / given["production_rate"]


def _result(quantity: Array, waiting: Array, given: dict[str, Array], idle: Array) -> EOQResult:
    rate = given["demand_rate"]
    moving = quantity > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        ordering = np.where(moving, given["fixed_cost"] * rate / quantity, 0.0)
        cycle = np.where(rate > 0, quantity / rate, np.inf)
        # The position falls by the lead time's demand less the shortage allowed; whole cycles cancel out.
        shortage = waiting * quantity * idle
    held = 0.5 * given["holding_cost"] * (1.0 - waiting) ** 2 * quantity * idle
    short = np.where(
        waiting > 0, 0.5 * np.where(waiting > 0, given["stockout_cost"], 0.0) * waiting**2 * quantity * idle, 0.0
    )
    bought = given["unit_cost"] * rate
    return EOQResult(
        order_quantity=quantity[()],
        expected_cost=(ordering + held + short + bought)[()],
        ordering_cost=ordering[()],
        holding_cost=held[()],
        backorder_cost=short[()],
        purchase_cost=bought[()],
        cycle_time=cycle[()],
        largest_backorder=shortage[()],
        stockout_fraction=np.asarray(waiting, dtype=np.float64)[()],
        reorder_point=(given["lead_time"] * rate - shortage)[()],
    )
