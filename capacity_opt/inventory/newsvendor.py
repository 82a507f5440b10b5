"""One order before one season: the newsvendor (Snyder & Shen, *Fundamentals of Supply Chain Theory*, 2nd ed., ch. 4).

Order of events: the order arrives, demand comes once, what is left over costs ``over`` per unit, what is missing costs
``short`` per unit. The best order is the smallest quantity S with P(D <= S) >= short / (short + over), never below 0.
Two ways to say the costs: *cost form*, ``over = holding_cost`` and ``short = stockout_cost``; *profit form* with
``price``, ``unit_cost`` and ``salvage``, where ``short = price - unit_cost + stockout_cost`` (goodwill) and
``over = unit_cost - salvage + holding_cost``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.demand.protocol import Demand
from capacity_opt.demand.quantiles import QuantileDemand
from capacity_opt.errors import ArgumentError
from capacity_opt.inventory.quantile_newsvendor import quantile_newsvendor, takes

Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_CHUNK = 1 << 16
# The largest level a demand can be asked for: beyond it a double is 1.
HIGHEST_LEVEL = 1.0 - 2.0**-53


@dataclass(frozen=True, eq=False, kw_only=True)
class NewsvendorResult:
    """An order and what it means, per item. ``expected_cost`` money per season; ``expected_profit`` in profit form,
    else NaN; ``expected_shortage`` and ``expected_overage`` units; ``fill_rate`` share of demand met;
    ``cycle_service_level`` P(no shortage); ``ratio_outside_levels`` True where the demand is given by quantiles and
    ``critical_ratio`` lies outside them, so that the answer is an extrapolation."""

    order_quantity: Array
    expected_cost: Array
    critical_ratio: Array
    expected_shortage: Array
    demand: Demand = field(repr=False)
    margin: Array | None = field(default=None, repr=False)

    @cached_property
    def mean_demand(self) -> Array:
        """E[D]."""
        return self.demand.mean

    @cached_property
    def expected_overage(self) -> Array:
        """E[max(order - D, 0)], units left over."""
        return np.maximum(self.order_quantity - self.mean_demand + self.expected_shortage, 0.0)

    @cached_property
    def fill_rate(self) -> Array:
        """1 - E[shortage] / E[demand]; 1 where there is no demand."""
        mean = self.mean_demand
        return np.where(mean > 0, 1.0 - self.expected_shortage / np.where(mean > 0, mean, 1.0), 1.0)[()]

    @cached_property
    def cycle_service_level(self) -> Array:
        """P(D <= order)."""
        return self.demand.cdf(self.order_quantity)

    @cached_property
    def ratio_outside_levels(self) -> BoolArray:
        """Whether the critical ratio lies outside the quantile levels that were given."""
        return outside_levels(self.demand, self.critical_ratio)

    @cached_property
    def expected_profit(self) -> Array:
        """(price - unit_cost) E[D] - expected cost in profit form; NaN in cost form."""
        if self.margin is None:
            return np.full(np.shape(self.order_quantity), np.nan)[()]
        return self.margin * self.mean_demand - self.expected_cost


def optimize_newsvendor(
    demand: Demand,
    *,
    stockout_cost: ArrayLike | None = None,
    holding_cost: ArrayLike | None = None,
    price: ArrayLike | None = None,
    unit_cost: ArrayLike | None = None,
    salvage: ArrayLike = 0.0,
) -> NewsvendorResult:
    """The order of least expected cost (of greatest expected profit), per item; whole for whole-unit demand.

    Costs are scalars or arrays over items, money per unit. Cost form: ``stockout_cost`` and ``holding_cost``. Profit
    form: ``price``, ``unit_cost``, ``salvage``, and on top of them ``stockout_cost`` and ``holding_cost`` (both 0
    unless given). Raises :class:`~capacity_opt.ArgumentError` where having a unit left over costs nothing (then no
    order is too large) or costs are negative. A ``stockout_cost`` of 0 orders nothing.

    >>> from capacity_opt import Normal
    >>> best = optimize_newsvendor(Normal(50, 8), stockout_cost=0.70, holding_cost=0.18)
    >>> round(float(best.order_quantity), 2), round(float(best.expected_cost), 4)
    (56.6, 1.9976)
    """
    short, over, margin = _unit_costs(stockout_cost, holding_cost, price, unit_cost, salvage)
    _checks.positive("the cost of a unit left over (holding_cost, or unit_cost - salvage + holding_cost)", over)
    ratio = critical_ratio(short, over)
    shape = _common_shape(demand, ratio)
    if shape == demand.shape and takes(demand) and np.all(ratio > 0):
        assert isinstance(demand, QuantileDemand)
        order, cost, shortage = quantile_newsvendor(demand, ratio, short, over)
    else:
        order, cost, shortage = in_chunks(_best, demand, shape, ratio, short, over)
    return NewsvendorResult(
        order_quantity=order,
        expected_cost=cost,
        critical_ratio=np.broadcast_to(ratio, shape)[()],
        expected_shortage=shortage,
        demand=demand,
        margin=margin,
    )


def evaluate_newsvendor(
    order_quantity: ArrayLike,
    demand: Demand,
    *,
    stockout_cost: ArrayLike | None = None,
    holding_cost: ArrayLike | None = None,
    price: ArrayLike | None = None,
    unit_cost: ArrayLike | None = None,
    salvage: ArrayLike = 0.0,
) -> NewsvendorResult:
    """What a given order costs and how well it serves; arguments as in :func:`optimize_newsvendor`.

    >>> from capacity_opt import Normal
    >>> round(float(evaluate_newsvendor(40, Normal(50, 8), stockout_cost=0.70, holding_cost=0.18).expected_cost), 4)
    7.3561
    """
    order = _checks.finite("order_quantity", order_quantity)
    short, over, margin = _unit_costs(stockout_cost, holding_cost, price, unit_cost, salvage)
    _checks.non_negative("the cost of a unit left over", over)
    _checks.positive("stockout cost + overage cost", short + over)
    shape = _common_shape(demand, short / (short + over), order)
    quantity, cost, shortage = in_chunks(_costed, demand, shape, order, short, over)
    return NewsvendorResult(
        order_quantity=quantity,
        expected_cost=cost,
        critical_ratio=np.broadcast_to(short / (short + over), shape)[()],
        expected_shortage=shortage,
        demand=demand,
        margin=margin,
    )


def critical_ratio(short: Array, over: Array) -> Array:
    """short / (short + over), kept below 1 where ``short`` outweighs ``over`` beyond a double's digits."""
    return np.minimum(short / (short + over), HIGHEST_LEVEL)


def order_at(demand: Demand, ratio: Array) -> Array:
    """The smallest quantity of at least 0 that demand stays within with probability ``ratio``; 0 at ratio 0."""
    asked = ratio > 0
    order = np.maximum(demand.quantile(np.where(asked, ratio, 0.5)), 0.0)
    return np.where(asked, order, 0.0)[()]


def outside_levels(demand: Demand, ratio: Array) -> BoolArray:
    """Where a demand known by quantiles is asked beyond its levels."""
    shape = np.broadcast_shapes(demand.shape, np.shape(ratio))
    if not isinstance(demand, QuantileDemand):
        return np.zeros(shape, dtype=np.bool_)
    asked = np.asarray(ratio)
    covered = demand.covers(np.clip(asked, 2.0**-54, HIGHEST_LEVEL)) & (asked > 0)
    return np.broadcast_to(~covered, shape)


def in_chunks(
    work: Callable[..., tuple[Array, ...]], demand: Demand, shape: tuple[int, ...], *values: Array
) -> tuple[Array, ...]:
    """``work(demand, *values)`` over the items a chunk at a time, so that memory stays that of the answers."""
    count = shape[0] if shape else 1
    if count <= _CHUNK:
        return tuple(np.broadcast_to(part, shape).copy()[()] for part in work(demand, *values))
    out: list[Array] = []
    for begin in range(0, count, _CHUNK):
        items = np.arange(begin, min(begin + _CHUNK, count))
        chosen = demand.take(items) if demand.shape == shape else demand
        parts = work(chosen, *(value[items] if value.shape == shape else value for value in values))
        out = out or [np.empty(count) for _ in parts]
        for array, part in zip(out, parts):
            array[items] = part
    return tuple(out)


def _best(demand: Demand, ratio: Array, short: Array, over: Array) -> tuple[Array, ...]:
    return _costed(demand, order_at(demand, ratio), short, over)


def _costed(demand: Demand, order: Array, short: Array, over: Array) -> tuple[Array, ...]:
    shortage = demand.loss(order)
    left = np.maximum(order - demand.mean + shortage, 0.0)
    return order + 0.0 * left, over * left + short * shortage, shortage + 0.0 * left


def _unit_costs(
    stockout_cost: ArrayLike | None,
    holding_cost: ArrayLike | None,
    price: ArrayLike | None,
    unit_cost: ArrayLike | None,
    salvage: ArrayLike,
) -> tuple[Array, Array, Array | None]:
    """Cost of a unit short, of a unit over, and the margin of a unit sold (None in cost form)."""
    if (price is None) != (unit_cost is None):
        raise ArgumentError("the profit form needs both price and unit_cost; give the other one too")
    if price is None or unit_cost is None:
        if stockout_cost is None or holding_cost is None:
            raise ArgumentError("give stockout_cost and holding_cost, or price and unit_cost")
        if np.any(np.asarray(salvage)):
            raise ArgumentError("salvage belongs to the profit form: give price and unit_cost too")
        return _checks.non_negative("stockout_cost", stockout_cost), _non_negative("holding_cost", holding_cost), None
    goodwill = _non_negative("stockout_cost", stockout_cost)
    extra = _non_negative("holding_cost", holding_cost)
    paid, sold = _checks.non_negative("unit_cost", unit_cost), _checks.non_negative("price", price)
    margin = sold - paid
    short = _checks.non_negative("price - unit_cost + stockout_cost", margin + goodwill)
    return short, paid - _checks.finite("salvage", salvage) + extra, margin


def _non_negative(name: str, value: ArrayLike | None) -> Array:
    return _checks.non_negative(name, 0.0 if value is None else value)


def _common_shape(demand: Demand, *values: Array) -> tuple[int, ...]:
    shape, _ = _checks.broadcast(demand=np.broadcast_to(0.0, demand.shape), costs=sum(0.0 * value for value in values))
    return shape
