"""Periodic review with lost sales and a lead time of whole periods: exact costs of policies, and their best parameters.

Order of events: the order placed ``lead_time`` periods ago arrives; an order is placed; demand takes what it finds and
the rest is lost; holding cost on what is left, stockout cost per lost unit. Costs and service are long-run averages
per period, exact by the Markov chain of :mod:`capacity_opt.inventory.lost_sales_chain` (the far tail of demand, 1e-13,
is lumped). Zipkin (2008), *Old and new methods for lost-sales inventory systems*, compares these policies.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.demand.protocol import Demand
from capacity_opt.errors import ArgumentError
from capacity_opt.inventory.lost_sales_chain import (
    LONGEST_LEAD_TIME,
    DemandTable,
    IntArray,
    Rule,
    demand_table,
    steady_state,
)
from capacity_opt.problem.policies import BaseStock, CappedBaseStock, ProjectedInventoryLevel

Array = NDArray[np.float64]
Policy = BaseStock | CappedBaseStock | ProjectedInventoryLevel
COARSE = 0.5
FINE = 0.1
NEAR = 0.05


@dataclass(frozen=True, kw_only=True)
class LostSales:
    """What a policy gives per period, arrays of the items' shape.

    ``fill_rate`` 1 - E[lost]/E[demand]; ``no_shortage_probability`` of a period; ``expected_lost`` units;
    ``expected_on_hand`` units left at the end of a period; ``expected_order`` units ordered.
    """

    expected_cost: Array
    fill_rate: Array
    no_shortage_probability: Array
    expected_lost: Array
    expected_on_hand: Array
    expected_order: Array


@dataclass(frozen=True, kw_only=True)
class LostSalesBaseStock(LostSales, BaseStock):
    """The best base-stock level under lost sales and what it gives."""


@dataclass(frozen=True, kw_only=True)
class LostSalesCappedBaseStock(LostSales, CappedBaseStock):
    """The best capped base-stock policy and what it gives."""


@dataclass(frozen=True, kw_only=True)
class LostSalesProjectedLevel(LostSales, ProjectedInventoryLevel):
    """The best projected inventory level and what it gives."""


def evaluate_lost_sales(
    policy: Policy, demand: Demand, *, holding_cost: ArrayLike, stockout_cost: ArrayLike, lead_time: ArrayLike
) -> LostSales:
    """The exact cost and service of a base-stock, capped base-stock or projected-inventory-level policy.

    ``stockout_cost`` is per lost unit. Levels and caps are whole numbers; a projected level may be any number (the
    order is the largest whole one that does not lift the projection above it). Items are solved one after another.

    >>> from capacity_opt.demand.counts import Poisson
    >>> given = evaluate_lost_sales(BaseStock(base_stock_level=12), Poisson(5.0), holding_cost=1, stockout_cost=4,
    ...                             lead_time=1)
    >>> round(float(given.expected_cost), 4)
    4.1628
    """
    names = _parameter_names(policy)
    parameters = {name: getattr(policy, name) for name in names}
    items = _Items.of(demand, holding_cost, stockout_cost, lead_time, **parameters)
    return LostSales(**items.each(lambda item: item.outcome(type(policy), *(item.extra[name] for name in names))))


def optimize_lost_sales_base_stock(
    demand: Demand, *, holding_cost: ArrayLike, stockout_cost: ArrayLike, lead_time: ArrayLike
) -> LostSalesBaseStock:
    """The base-stock level of least cost; the cost is convex in the level (Janakiraman and Roundy 2004).

    The search starts at the level that would be best with backorders and walks downhill.

    >>> from capacity_opt.demand.counts import Poisson
    >>> best = optimize_lost_sales_base_stock(Poisson(5.0), holding_cost=1, stockout_cost=[4, 19], lead_time=1)
    >>> best.base_stock_level, best.expected_cost.round(4)
    (array([12., 15.]), array([4.1628, 6.7278]))
    """
    items = _Items.of(demand, holding_cost, stockout_cost, lead_time)
    return LostSalesBaseStock(**items.each(_best_base_stock))


def optimize_capped_base_stock(
    demand: Demand, *, holding_cost: ArrayLike, stockout_cost: ArrayLike, lead_time: ArrayLike
) -> LostSalesCappedBaseStock:
    """The best level and cap: from the best base-stock level, capped at one period's newsvendor quantity (no optimal
    policy orders more), the walk goes to the cheapest of the eight neighbours until none is cheaper.

    >>> from capacity_opt.demand.counts import Poisson
    >>> best = optimize_capped_base_stock(Poisson(5.0), holding_cost=1, stockout_cost=4, lead_time=1)
    >>> float(best.base_stock_level), float(best.order_cap), round(float(best.expected_cost), 4)
    (12.0, 6.0, 4.0654)
    """
    items = _Items.of(demand, holding_cost, stockout_cost, lead_time)
    return LostSalesCappedBaseStock(**items.each(_best_capped))


def optimize_projected_inventory_level(
    demand: Demand, *, holding_cost: ArrayLike, stockout_cost: ArrayLike, lead_time: ArrayLike
) -> LostSalesProjectedLevel:
    """The best projected level to 0.1 units. The cost has several valleys, so all levels from 0 to one period's
    newsvendor quantity plus 2 are tried in steps of 0.5, then in steps of 0.1 around those within 5 % of the best.

    >>> from capacity_opt.demand.counts import Poisson
    >>> best = optimize_projected_inventory_level(Poisson(2.0), holding_cost=1, stockout_cost=4, lead_time=1)
    >>> float(best.projected_level), round(float(best.expected_cost), 4)
    (3.6, 2.5784)
    """
    items = _Items.of(demand, holding_cost, stockout_cost, lead_time)
    return LostSalesProjectedLevel(**items.each(_best_projected))


@dataclass(frozen=True)
class _Item:
    """One item: its demand, costs, lead time, and any further parameters."""

    table: DemandTable
    holding_cost: float
    stockout_cost: float
    lead_time: int
    extra: dict[str, float]

    @property
    def newsvendor(self) -> int:
        """The best stock for one period's demand."""
        return self.quantile(1)

    def quantile(self, periods: int) -> int:
        """The newsvendor's stock for the demand over so many periods."""
        return self.table.quantile_over(periods, self.stockout_cost / (self.stockout_cost + self.holding_cost))

    def outcome(self, kind: type[Policy], *parameters: float) -> dict[str, float]:
        """What the policy of that kind with these parameters gives."""
        rule, start = _rule(kind, self.table, self.lead_time, parameters)
        steady = steady_state(self.table, rule, self.lead_time, start)
        stock = np.arange(len(steady.on_hand))
        lost = float(steady.on_hand @ self.table.loss(stock))
        left = max(float(steady.on_hand @ stock) - self.table.mean + lost, 0.0)
        return {
            "expected_cost": self.holding_cost * left + self.stockout_cost * lost,
            "fill_rate": 1.0 - lost / self.table.mean if self.table.mean > 0 else 1.0,
            "no_shortage_probability": float(steady.on_hand @ self.table.no_shortage(stock)),
            "expected_lost": lost,
            "expected_on_hand": left,
            "expected_order": steady.mean_order,
        }


@dataclass(frozen=True)
class _Items:
    """Items to be solved one after another; equal items are solved once."""

    demand: Demand
    shape: tuple[int, ...]
    named: dict[str, Array]

    @staticmethod
    def of(demand: Demand, holding: ArrayLike, penalty: ArrayLike, lead_time: ArrayLike, **extra: ArrayLike) -> _Items:
        shape, named = _checks.broadcast(
            holding_cost=_checks.positive("holding_cost", holding),
            stockout_cost=_checks.non_negative("stockout_cost", penalty),
            lead_time=_checks.between("lead_time", _checks.whole("lead_time", lead_time), 0, LONGEST_LEAD_TIME),
            demand=np.zeros(demand.shape),
            **extra,
        )
        if len(shape) > 1:
            raise ArgumentError(f"items must have shape () or (n,), got {shape}")
        if 0 in shape:
            raise ArgumentError("there must be at least one item, got none")
        named.pop("demand")
        return _Items(demand, shape, named)

    def each(self, solve: Callable[[_Item], dict[str, float]]) -> dict[str, Array]:
        """``solve`` for every item, the answers gathered into arrays of the items' shape."""
        rows = [self._item(i) for i in range(int(np.prod(self.shape)))]
        known: dict[tuple[object, ...], dict[str, float]] = {}
        for item in rows:
            key = _key(item)
            if key not in known:
                known[key] = solve(item)
        answers = [known[_key(item)] for item in rows]
        return {name: np.array([answer[name] for answer in answers]).reshape(self.shape)[()] for name in answers[0]}

    def _item(self, i: int) -> _Item:
        demand = self.demand.take(np.array([i])) if self.demand.shape else self.demand
        values = {name: float(np.ravel(array)[i]) for name, array in self.named.items()}
        holding, penalty = values.pop("holding_cost"), values.pop("stockout_cost")
        return _Item(demand_table(demand), holding, penalty, int(values.pop("lead_time")), values)


def _key(item: _Item) -> tuple[object, ...]:
    costs = (item.holding_cost, item.stockout_cost, item.lead_time, *item.extra.values())
    return (item.table.mass.tobytes(), *costs)


def _parameter_names(policy: Policy) -> tuple[str, ...]:
    if isinstance(policy, CappedBaseStock):
        _checks.whole("base_stock_level", policy.base_stock_level)
        _checks.whole("order_cap", policy.order_cap, at_least=1)
        return ("base_stock_level", "order_cap")
    if isinstance(policy, ProjectedInventoryLevel):
        _checks.non_negative("projected_level", policy.projected_level)
        return ("projected_level",)
    if isinstance(policy, BaseStock):
        _checks.whole("base_stock_level", policy.base_stock_level)
        return ("base_stock_level",)
    raise ArgumentError(
        f"policy must be BaseStock, CappedBaseStock or ProjectedInventoryLevel, got {type(policy).__name__}"
    )


def _rule(kind: type[Policy], table: DemandTable, lead_time: int, parameters: tuple[float, ...]) -> tuple[Rule, int]:
    """The policy as a function from states to orders, and a stock on hand to start from."""
    if issubclass(kind, ProjectedInventoryLevel):
        level = parameters[0]
        return lambda states: _projected_order(table, lead_time, level, states), int(level)
    up_to = int(parameters[0])
    cap = int(parameters[1]) if issubclass(kind, CappedBaseStock) else up_to
    return lambda states: np.clip(up_to - states.sum(axis=1), 0, cap), up_to


def _projected_order(table: DemandTable, lead_time: int, level: float, states: IntArray) -> IntArray:
    """Follow the distribution of the stock on hand through ``lead_time`` periods of demand and arrivals."""
    most = int(states.sum(axis=1).max())
    leftover = table.leftover(most)
    share = np.zeros((len(states), most + 1))
    share[np.arange(len(states)), states[:, 0]] = 1.0
    for period in range(lead_time):
        share = share @ leftover
        if period + 1 < lead_time:
            share = _raised(share, states[:, period + 1])
    projected = share @ np.arange(most + 1)
    order: IntArray = np.maximum(np.floor(level - projected + 1e-9), 0.0).astype(np.int64)
    return order


def _raised(share: Array, arriving: IntArray) -> Array:
    """Each row's distribution moved up by the units that arrive."""
    source = np.arange(share.shape[1]) - arriving[:, None]
    moved: Array = np.where(source >= 0, np.take_along_axis(share, np.maximum(source, 0), axis=1), 0.0)
    return moved


def _best_base_stock(item: _Item) -> dict[str, float]:
    cost = cache(lambda level: item.outcome(BaseStock, level)["expected_cost"])
    level = item.quantile(item.lead_time + 1)
    step = -1 if level > 0 and cost(level - 1) < cost(level) else 1
    while level + step >= 0 and cost(level + step) < cost(level):
        level += step
    return {"base_stock_level": float(level), **item.outcome(BaseStock, level)}


def _best_capped(item: _Item) -> dict[str, float]:
    @cache
    def cost(level: int, cap: int) -> float:
        return item.outcome(CappedBaseStock, level, cap)["expected_cost"]

    here = int(_best_base_stock(item)["base_stock_level"]), max(item.newsvendor, 1)
    while True:
        near = [(here[0] + i, here[1] + j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
        best = min((pair for pair in near if pair[0] >= 0 and pair[1] >= 1), key=lambda pair: cost(*pair))
        if cost(*best) >= cost(*here) - 1e-12:
            break
        here = best
    outcome = item.outcome(CappedBaseStock, *here)
    return {"base_stock_level": float(here[0]), "order_cap": float(here[1]), **outcome}


def _best_projected(item: _Item) -> dict[str, float]:
    @cache
    def cost(tenths: int) -> float:
        return item.outcome(ProjectedInventoryLevel, tenths * FINE)["expected_cost"]

    coarse = round(COARSE / FINE)
    grid = range(0, round((item.newsvendor + 2) / FINE) + 1, coarse)
    near = (1.0 + NEAR) * min(map(cost, grid))
    fine = {tenths for point in grid if cost(point) <= near for tenths in range(point - coarse, point + coarse + 1)}
    best = min(sorted(tenths for tenths in fine if tenths >= 0), key=cost)
    return {"projected_level": best * FINE, **item.outcome(ProjectedInventoryLevel, best * FINE)}
