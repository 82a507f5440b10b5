"""(r, Q) policies, exact: order Q whenever the position falls to r or below (the smallest multiple of Q above r).

Continuous review (``review_period=0``, the default): the position is watched all the time. Poisson demand falls unit
by unit, so every order is one lot; negative binomial and compound Poisson demand falls by what customers want, and one
customer may make an order of several lots, which pays the fixed cost once. Other whole-unit demand comes as one lump
per period there, and each lot pays the fixed cost. Periodic review, (R, nQ): at each review order the smallest multiple
of Q that lifts the position above r, paying the fixed cost once per order whatever n. Order of events as in
:func:`~capacity_opt.simulate`: review and order, arrivals, demand, costs at the end of each period. Unmet demand waits.

Methods: exact whole-unit search (Federgruen & Zheng 1992, Zheng & Chen 1992), exact for continuous demand (Zheng 1992);
see the modules ``rq_search`` and ``rq_continuous``. The classic approximations are in ``rq_approximate``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.demand.lead_time import RandomLeadTime
from capacity_opt.demand.protocol import Demand
from capacity_opt.errors import ArgumentError
from capacity_opt.inventory.exposure import Exposure, exposure
from capacity_opt.inventory.law import row
from capacity_opt.inventory.rq_averages import rq_averages_of
from capacity_opt.inventory.rq_choice import Limits, choose_rq
from capacity_opt.inventory.rq_search import RQCosts
from capacity_opt.inventory.rq_service import MEASURES, RQTarget
from capacity_opt.inventory.stationary import StockMeasures, measures, methods
from capacity_opt.problem.policies import ReorderPointOrderQuantity

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class RQResult(ReorderPointOrderQuantity, StockMeasures):
    """An (r, Q) policy with its cost and service; fields as in :class:`ReorderPointOrderQuantity` and the measures of
    :class:`~capacity_opt.inventory.stationary.StockMeasures`.

    ``safety_stock``: r - E[demand over the protection interval]; ``shortage_per_cycle``: E[max(that demand - r, 0)].
    """

    safety_stock: Array
    shortage_per_cycle: Array

    @property
    def fill_rate_per_cycle(self) -> Array:
        """The textbook's 1 - shortage per cycle / Q: close to ``fill_rate`` where Q is large, too low otherwise."""
        return np.asarray(1.0 - self.shortage_per_cycle / np.asarray(self.order_quantity))[()]


def optimize_rq(
    demand: Demand,
    *,
    holding_cost: ArrayLike,
    stockout_cost: ArrayLike | None = None,
    fixed_cost: ArrayLike,
    lead_time: ArrayLike | RandomLeadTime = 0.0,
    review_period: ArrayLike = 0.0,
    stockout_cost_per_unit: ArrayLike = 0.0,
    fill_rate: ArrayLike | None = None,
    cycle_service_level: ArrayLike | None = None,
    ready_rate: ArrayLike | None = None,
    no_stockout: ArrayLike | None = None,
    gamma: ArrayLike | None = None,
    order_quantity: ArrayLike | None = None,
    minimum_order_quantity: ArrayLike | None = None,
    lot_multiple: ArrayLike | None = None,
    count_at_review_end: bool = False,
) -> RQResult:
    """The (r, Q) policy of least expected cost per period.

    Scalars or arrays over items. ``holding_cost`` and ``stockout_cost`` per unit and period, ``fixed_cost`` per order,
    ``stockout_cost_per_unit`` once per unit that has to wait. Instead of stock-out costs one target may be given:
    ``fill_rate`` (share of demand met at once), ``cycle_service_level`` (P(demand over the protection interval
    <= r)), ``ready_rate`` (P(stock on hand)), ``no_stockout`` (P(no backorders)) or ``gamma`` (1 - expected backorders
    / mean demand per period); ordering and holding costs are then least. ``order_quantity`` fixes Q;
    ``minimum_order_quantity`` and ``lot_multiple`` limit it to multiples of the lot of at least the minimum.
    ``lead_time``: periods, or random as in :func:`~capacity_opt.lead_time_demand`. ``count_at_review_end`` counts stock
    only at the end of each review interval, where it is lowest, instead of every period.

    Whole-unit demand gives whole r and Q. Raises :class:`~capacity_opt.ArgumentError` naming the items at fault, and
    for continuous demand with no fixed cost (there Q would be 0: use :func:`~capacity_opt.optimize_base_stock`).

    >>> from capacity_opt.demand.counts import Poisson
    >>> best = optimize_rq(Poisson(mean=1.5), holding_cost=20, stockout_cost=150, fixed_cost=100, lead_time=2)
    >>> float(best.reorder_point), float(best.order_quantity), round(float(best.expected_cost), 2)
    (3.0, 5.0, 107.92)
    """
    aims = dict(zip(MEASURES, (fill_rate, cycle_service_level, ready_rate, no_stockout, gamma), strict=True))
    prices = _prices(holding_cost, stockout_cost, fixed_cost, stockout_cost_per_unit, aims)
    limits = Limits(quantity=order_quantity, minimum=minimum_order_quantity, lot=lot_multiple)
    shape = np.broadcast_shapes(*(np.shape(value) for value in prices.values()), *limits.shapes)
    exposed = exposure(
        demand,
        lead_time=lead_time,
        review_period=review_period,
        count_at_review_end=count_at_review_end,
        shape=shape,
    )
    costs = _costs(prices, exposed, limits)
    count = len(costs.holding)
    aimed = [RQTarget(measure=name, wanted=row(prices[name], count)) for name in MEASURES if name in prices]
    reorder, quantity = choose_rq(exposed, costs, aimed[0] if aimed else None, limits)
    return _result(exposed, costs, reorder, quantity)


def evaluate_rq(
    policy: ReorderPointOrderQuantity,
    demand: Demand,
    *,
    holding_cost: ArrayLike,
    stockout_cost: ArrayLike = 0.0,
    fixed_cost: ArrayLike = 0.0,
    lead_time: ArrayLike | RandomLeadTime = 0.0,
    review_period: ArrayLike = 0.0,
    stockout_cost_per_unit: ArrayLike = 0.0,
    count_at_review_end: bool = False,
) -> RQResult:
    """Cost and every service measure of a given (r, Q) policy; arguments as in :func:`optimize_rq`.

    Whole-unit demand needs whole r and Q.

    >>> from capacity_opt import ReorderPointOrderQuantity
    >>> from capacity_opt.demand.counts import Poisson
    >>> judged = evaluate_rq(ReorderPointOrderQuantity(reorder_point=3, order_quantity=5), Poisson(mean=1.5),
    ...                      holding_cost=20, stockout_cost=150, fixed_cost=100, lead_time=2)
    >>> round(float(judged.expected_cost), 2), round(float(judged.fill_rate), 4)
    (107.92, 0.8666)
    """
    prices = _prices(holding_cost, stockout_cost, fixed_cost, stockout_cost_per_unit, {}, evaluating=True)
    reorder, quantity = np.asarray(policy.reorder_point), np.asarray(policy.order_quantity)
    shape = np.broadcast_shapes(*(np.shape(value) for value in prices.values()), reorder.shape)
    exposed = exposure(
        demand,
        lead_time=lead_time,
        review_period=review_period,
        count_at_review_end=count_at_review_end,
        shape=shape,
    )
    costs = _costs(prices, exposed, Limits())
    if exposed.discrete:
        _checks.whole("reorder_point (demand is whole units)", reorder, at_least=-(1 << 52))
        _checks.whole("order_quantity (demand is whole units)", quantity, at_least=1)
    count = len(costs.holding)
    return _result(exposed, costs, row(reorder, count), row(quantity, count))


def _prices(
    holding_cost: ArrayLike,
    stockout_cost: ArrayLike | None,
    fixed_cost: ArrayLike,
    per_unit: ArrayLike,
    aims: Mapping[str, ArrayLike | None],
    *,
    evaluating: bool = False,
) -> dict[str, Array]:
    asked = [name for name, value in {"stockout_cost": stockout_cost, **aims}.items() if value is not None]
    short = _checks.non_negative("stockout_cost_per_unit", per_unit)
    if len(asked) > 1 or (not asked and not np.any(short)):
        told = ", ".join(asked) or "none"
        raise ArgumentError(f"give one of stockout_cost, {', '.join(MEASURES[:-1])} and {MEASURES[-1]}, got {told}")
    prices = {
        "holding_cost": _checks.positive("holding_cost", holding_cost),
        "fixed_cost": _checks.non_negative("fixed_cost", fixed_cost),
        "stockout_cost_per_unit": short,
        "stockout_cost": _checks.non_negative("stockout_cost", 0.0 if stockout_cost is None else stockout_cost),
    }
    aimed = [(name, value) for name, value in aims.items() if value is not None]
    if aimed:
        prices[aimed[0][0]] = _checks.fraction(*aimed[0])
    elif not evaluating:
        _checks.positive("stockout_cost (or stockout_cost_per_unit)", prices["stockout_cost"] + short)
    return prices


def _costs(prices: dict[str, Array], exposed: Exposure, limits: Limits) -> RQCosts:
    count = int(np.prod(exposed.shape, dtype=np.int64))
    smallest, step = limits.whole(count) if exposed.discrete else (np.ones(count, np.int64), np.ones(count, np.int64))
    return RQCosts(
        holding=row(prices["holding_cost"], count),
        stockout=row(prices["stockout_cost"], count),
        short=row(prices["stockout_cost_per_unit"], count),
        fixed=row(prices["fixed_cost"], count),
        smallest=smallest,
        step=step,
    )


def _result(exposed: Exposure, costs: RQCosts, reorder: Array, quantity: Array) -> RQResult:
    averages = rq_averages_of(exposed, reorder, quantity)
    protected_mean = exposed.late.mean if exposed.continuous else exposed.last.mean
    found = measures(averages, costs.holding, costs.stockout, costs.short, costs.fixed, exposed.shape)
    return RQResult(
        reorder_point=reorder.reshape(exposed.shape),
        order_quantity=quantity.reshape(exposed.shape),
        method=methods("exact", exposed.shape),
        safety_stock=(reorder - protected_mean).reshape(exposed.shape)[()],
        shortage_per_cycle=averages.shortage.reshape(exposed.shape)[()],
        **found,
    )
