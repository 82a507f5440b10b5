"""Base stock with backorders: at each review order up to S (Snyder & Shen, 2nd ed., 4.3.4 and 4.4).

Order of events in a period: at a review the policy orders up to S; what was ordered L periods ago arrives; demand is
met from stock and the rest waits; costs are charged on what the period ends with. So the end of the j-th period after
an arrival sees S less the demand over L + j, j = 1 ... R, and the cost per period is the average of those R newsvendor
costs: the best S is a quantile of demand over an interval whose last part is random. For R = 1 (and with
``count_at_review_end``) it is the newsvendor over L + R. ``review_period = 0`` is continuous review: over L alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.demand.lead_time import RandomLeadTime
from capacity_opt.demand.protocol import Demand
from capacity_opt.errors import ArgumentError
from capacity_opt.inventory import service
from capacity_opt.inventory.exposure import Exposure, exposure
from capacity_opt.inventory.newsvendor import critical_ratio, order_at, outside_levels
from capacity_opt.problem.policies import BaseStock

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class BaseStockResult(BaseStock):
    """A base-stock policy with its long-run cost and service, per item; measures are computed when asked for.

    ``expected_cost`` money per period: holding on ``on_hand`` plus stockout cost on ``expected_backorders`` (holding
    alone where no stockout cost was given). ``quantile`` is P(demand over the protection interval <= level). The
    measures are those of :mod:`capacity_opt.inventory.service`.
    """

    expected_cost: Array
    demand: Demand = field(repr=False)
    exposure: Exposure = field(repr=False)

    @cached_property
    def no_stockout(self) -> Array:
        """alpha: P(no backorders at the end of a period)."""
        return service.no_stockout(self.exposure, self._level)

    @cached_property
    def cycle_service_level(self) -> Array:
        """P(demand over lead time + review period <= level)."""
        return service.cycle_service_level(self.exposure, self._level)

    @cached_property
    def fill_rate(self) -> Array:
        """beta: share of demand met at once (Sobel 2004)."""
        return service.fill_rate(self.exposure, self._level)

    @cached_property
    def gamma(self) -> Array:
        """1 - expected backorders / mean demand per period."""
        return service.gamma(self.exposure, self._level)

    @cached_property
    def ready_rate(self) -> Array:
        """P(stock on hand at the end of a period)."""
        return service.ready_rate(self.exposure, self._level)

    @cached_property
    def expected_backorders(self) -> Array:
        """Units waiting at the end of a period."""
        return service.expected_backorders(self.exposure, self._level)

    @cached_property
    def on_hand(self) -> Array:
        """Units in stock at the end of a period."""
        return service.on_hand(self.exposure, self._level)

    @cached_property
    def orders_per_period(self) -> Array:
        """Orders placed per period."""
        return service.orders_per_period(self.exposure, self._level)

    @cached_property
    def safety_stock(self) -> Array:
        """Level less the mean demand over lead time + review period."""
        return self._level - self.exposure.last.mean

    @cached_property
    def ratio_outside_levels(self) -> NDArray[np.bool_]:
        """Where demand is given by quantiles and the level's own quantile lies outside the given levels."""
        return outside_levels(self.demand, np.round(self.cycle_service_level, 12))

    @property
    def _level(self) -> Array:
        return np.asarray(self.base_stock_level)


def optimize_base_stock(
    demand: Demand,
    *,
    holding_cost: ArrayLike,
    stockout_cost: ArrayLike | None = None,
    fill_rate: ArrayLike | None = None,
    cycle_service_level: ArrayLike | None = None,
    ready_rate: ArrayLike | None = None,
    no_stockout: ArrayLike | None = None,
    gamma: ArrayLike | None = None,
    lead_time: ArrayLike | RandomLeadTime = 0.0,
    review_period: ArrayLike = 1.0,
    correlation: ArrayLike = 0.0,
    count_at_review_end: bool = False,
) -> BaseStockResult:
    """The base-stock level of least cost, or the least level that reaches one service target; per item.

    ``demand`` per period. ``holding_cost`` and ``stockout_cost`` money per unit and period; instead of the latter one
    target out of ``fill_rate``, ``cycle_service_level``, ``ready_rate``, ``no_stockout``, ``gamma``, in (0, 1).
    ``lead_time``, ``review_period`` and ``correlation`` as in :func:`~capacity_opt.lead_time_demand`.
    ``count_at_review_end`` charges costs only at the end of each review interval. Levels of counts are whole, none is
    below 0. Raises :class:`~capacity_opt.ArgumentError` naming argument, rule, values and items.

    >>> from capacity_opt import Normal
    >>> best = optimize_base_stock(Normal(50, 8), holding_cost=0.18, stockout_cost=0.70, lead_time=4)
    >>> round(float(best.base_stock_level), 2), round(float(best.expected_cost), 4)
    (264.77, 4.4668)
    """
    targets = {
        "fill_rate": fill_rate,
        "cycle_service_level": cycle_service_level,
        "ready_rate": ready_rate,
        "no_stockout": no_stockout,
        "gamma": gamma,
    }
    name, aim = _one_aim(stockout_cost, targets)
    holding = _checks.non_negative("holding_cost", holding_cost)
    exposed = _exposed(demand, lead_time, review_period, correlation, count_at_review_end, holding, aim)
    if name == "stockout_cost":
        _checks.positive("holding_cost (without one no level is too high)", holding)
        level = order_at(exposed.late, critical_ratio(aim, holding))
        return _result(level, demand, exposed, holding, aim)
    level = service.level_for(name, aim, exposed)
    return _result(level, demand, exposed, holding, np.zeros(()))


def evaluate_base_stock(
    policy: BaseStock | ArrayLike,
    demand: Demand,
    *,
    holding_cost: ArrayLike,
    stockout_cost: ArrayLike = 0.0,
    lead_time: ArrayLike | RandomLeadTime = 0.0,
    review_period: ArrayLike = 1.0,
    correlation: ArrayLike = 0.0,
    count_at_review_end: bool = False,
) -> BaseStockResult:
    """Cost and every service measure of a given level; arguments as in :func:`optimize_base_stock`.

    >>> from capacity_opt import BaseStock, Poisson
    >>> told = evaluate_base_stock(BaseStock(base_stock_level=12), Poisson(5), holding_cost=1, lead_time=1)
    >>> round(float(told.no_stockout), 4), round(float(told.fill_rate), 4)
    (0.7916, 0.8944)
    """
    level = policy.base_stock_level if isinstance(policy, BaseStock) else policy
    given = _checks.finite("base_stock_level", level)
    holding = _checks.non_negative("holding_cost", holding_cost)
    waiting = _checks.non_negative("stockout_cost", stockout_cost)
    exposed = _exposed(demand, lead_time, review_period, correlation, count_at_review_end, holding, waiting, given)
    return _result(given, demand, exposed, holding, waiting)


def _one_aim(stockout_cost: ArrayLike | None, targets: Mapping[str, ArrayLike | None]) -> tuple[str, Array]:
    given = {name: value for name, value in targets.items() if value is not None}
    if stockout_cost is not None and not given:
        return "stockout_cost", _checks.non_negative("stockout_cost", stockout_cost)
    if stockout_cost is not None or len(given) != 1:
        told = ", ".join([*(["stockout_cost"] if stockout_cost is not None else []), *given]) or "none"
        raise ArgumentError(f"give stockout_cost or one service target ({', '.join(targets)}), got {told}")
    name, value = next(iter(given.items()))
    return name, _checks.fraction(name, value)


def _exposed(
    demand: Demand,
    lead_time: ArrayLike | RandomLeadTime,
    review_period: ArrayLike,
    correlation: ArrayLike,
    count_at_review_end: bool,
    *values: Array,
) -> Exposure:
    try:
        shape = np.broadcast_shapes(*(value.shape for value in values))
    except ValueError:
        told = ", ".join(str(value.shape) for value in values)
        raise ArgumentError(f"costs, targets and levels do not broadcast together over items: {told}") from None
    return exposure(
        demand,
        lead_time=lead_time,
        review_period=review_period,
        count_at_review_end=count_at_review_end,
        shape=shape,
        correlation=correlation,
    )


def _result(level: Array, demand: Demand, exposed: Exposure, holding: Array, waiting: Array) -> BaseStockResult:
    level = np.array(np.broadcast_to(level, exposed.shape))
    short = exposed.late.loss(level)
    left = np.maximum(level - exposed.late.mean + short, 0.0)
    cost = np.array(np.broadcast_to(holding * left + waiting * short, exposed.shape))[()]
    return BaseStockResult(base_stock_level=level, expected_cost=cost, demand=demand, exposure=exposed)
