"""One site, continuous review, one-for-one replenishment (S-1, S) under Poisson demand, per item.

Every demand orders a unit, which comes after a lead time of any distribution, independent of the others; only its
mean matters. With backorders the units on order are Poisson (Palm 1938; Feeney and Sherbrooke 1966). With lost sales
they are those of an Erlang loss system, S units as its servers (Karush 1957).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.demand.counts import Poisson
from capacity_opt.errors import LimitError
from capacity_opt.problem.policies import BaseStock

Array = NDArray[np.float64]
LARGEST_LEVEL = 1_000_000


@dataclass(frozen=True, kw_only=True)
class OneForOne(BaseStock):
    """An (S-1, S) policy with backorders and what it gives; every field has the shape of the items.

    ``ready_rate`` P(stock on hand > 0), which by PASTA is the fill rate; ``expected_backorders`` and
    ``expected_on_hand`` in units.
    """

    ready_rate: Array
    expected_backorders: Array
    expected_on_hand: Array


@dataclass(frozen=True, kw_only=True)
class LostSalesOneForOne(BaseStock):
    """An (S-1, S) policy with lost sales and what it gives; every field has the shape of the items.

    ``fraction_lost`` of the demands; ``fill_rate`` = 1 - ``fraction_lost``; ``expected_on_hand`` in units;
    ``expected_cost`` per unit time (NaN where no costs were given).
    """

    fill_rate: Array
    fraction_lost: Array
    expected_on_hand: Array
    expected_cost: Array


def evaluate_one_for_one(base_stock_level: ArrayLike, *, demand_rate: ArrayLike, lead_time: ArrayLike) -> OneForOne:
    """Backorders and ready rate of a given level, by Palm's theorem; ``lead_time`` is the mean.

    >>> given = evaluate_one_for_one([0, 1, 3], demand_rate=0.5, lead_time=2)
    >>> given.expected_backorders.round(6)
    array([1.      , 0.367879, 0.023337])
    """
    level, rate, time = _one_for_one_fields(base_stock_level, demand_rate, lead_time)
    on_order = Poisson(rate * time)
    backorders = on_order.loss(level)
    return OneForOne(
        base_stock_level=level,
        ready_rate=on_order.cdf(level - 1.0),
        expected_backorders=backorders,
        expected_on_hand=level - on_order.mean + backorders,
    )


def evaluate_lost_sales_one_for_one(
    base_stock_level: ArrayLike,
    *,
    demand_rate: ArrayLike,
    lead_time: ArrayLike,
    holding_cost: ArrayLike = np.nan,
    stockout_cost: ArrayLike = np.nan,
) -> LostSalesOneForOne:
    """Share of demand lost at a given level; ``lead_time`` is the mean, of any distribution.

    ``holding_cost`` is per unit on hand and unit time, ``stockout_cost`` per lost unit; without them the cost is NaN.

    >>> given = evaluate_lost_sales_one_for_one(20, demand_rate=12.03, lead_time=1)
    >>> round(float(given.fraction_lost), 6)
    0.009996
    """
    level, rate, time = _one_for_one_fields(base_stock_level, demand_rate, lead_time)
    _, named = _checks.broadcast(
        level=_refuse_large("base_stock_level", level),
        rate=rate,
        time=time,
        holding_cost=holding_cost,
        stockout_cost=stockout_cost,
    )
    level, rate, load = named["level"], named["rate"], named["rate"] * named["time"]
    lost = _erlang_loss(level, load)
    on_hand = level - load * (1.0 - lost)
    cost = named["holding_cost"] * on_hand + named["stockout_cost"] * rate * lost
    return LostSalesOneForOne(
        base_stock_level=level,
        fill_rate=1.0 - lost,
        fraction_lost=lost,
        expected_on_hand=on_hand,
        expected_cost=np.asarray(cost)[()],
    )


def optimize_lost_sales_one_for_one(
    *, demand_rate: ArrayLike, lead_time: ArrayLike, holding_cost: ArrayLike, stockout_cost: ArrayLike
) -> LostSalesOneForOne:
    """The level of least cost: ``holding_cost`` per unit on hand and unit time, ``stockout_cost`` per lost unit.

    The cost is convex in the level because Erlang's loss is, so the climb ends at the first level whose successor
    does not cost less.

    >>> best = optimize_lost_sales_one_for_one(demand_rate=2, lead_time=1, holding_cost=1, stockout_cost=[5, 50])
    >>> best.base_stock_level
    array([4., 6.])
    """
    costs = {
        "holding_cost": _checks.positive("holding_cost", holding_cost),
        "stockout_cost": _checks.non_negative("stockout_cost", stockout_cost),
    }
    rate, time = _checks.positive("demand_rate", demand_rate), _checks.non_negative("lead_time", lead_time)
    _, named = _checks.broadcast(demand_rate=rate, lead_time=time, **costs)
    _refuse_large("demand_rate * lead_time", named["demand_rate"] * named["lead_time"])
    level = _climb(named["demand_rate"], named["lead_time"], named["holding_cost"], named["stockout_cost"])
    return evaluate_lost_sales_one_for_one(level, **named)


def _one_for_one_fields(level: ArrayLike, rate: ArrayLike, time: ArrayLike) -> tuple[Array, Array, Array]:
    _, named = _checks.broadcast(
        base_stock_level=_checks.whole("base_stock_level", level),
        demand_rate=_checks.non_negative("demand_rate", rate),
        lead_time=_checks.non_negative("lead_time", time),
    )
    return named["base_stock_level"], named["demand_rate"], named["lead_time"]


def _refuse_large(name: str, value: Array) -> Array:
    return _checks.between(name, value, 0, LARGEST_LEVEL)


def _erlang_loss(level: Array, load: Array) -> Array:
    """Erlang's B by its stable recursion B(k) = load B(k-1) / (k + load B(k-1)), all items in step."""
    lost = np.ones_like(level)
    for servers in range(1, int(np.max(level, initial=0)) + 1):
        offered = load * lost
        lost = np.where(servers <= level, offered / (servers + offered), lost)
    return lost[()]


def _climb(rate: Array, time: Array, holding: Array, penalty: Array) -> Array:
    load, level = rate * time, np.zeros_like(rate * time)
    lost = np.ones_like(level)
    climbing = np.full(level.shape, True)
    for servers in range(1, LARGEST_LEVEL):
        offered = load * lost
        fewer = offered / (servers + offered)
        gain = (lost - fewer) * (penalty * rate + holding * load)
        climbing &= gain > holding
        if not np.any(climbing):
            return level
        level = np.where(climbing, float(servers), level)
        lost = np.where(climbing, fewer, lost)
    raise LimitError(f"no best base_stock_level below {LARGEST_LEVEL}. Is stockout_cost in money per lost unit?")
