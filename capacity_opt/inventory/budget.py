"""Many items under one limit: a shared budget, or an aggregate fill rate at least cost.

One Lagrange multiplier prices the shared thing; at a given price the items are independent newsvendors, so the price is
found by bisection over all items at once (Hadley & Whitin 1963, ch. 6). The multiplier is the shadow price: what one
more unit of budget (or one unit less of shortage) is worth. Whole-unit demand leaves a remainder at every price: it is
spent greedily on the best next units, then a knapsack over the units near the margin is solved exactly; the Lagrangian
bound says how far from the best the answer can be.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from capacity_opt import _checks
from capacity_opt.demand.protocol import Demand
from capacity_opt.errors import ArgumentError
from capacity_opt.inventory.newsvendor import HIGHEST_LEVEL, order_at
from capacity_opt.solvers.linear_program import LinearProgram

Array = NDArray[np.float64]

_STEPS = 200
# Units of an item on either side of its present order, and items, that the knapsack may change.
_REACH = 3
_KNAPSACK_ITEMS = 400


@dataclass(frozen=True, eq=False, kw_only=True)
class SharedLimitResult:
    """Orders under a shared limit. ``order_quantity`` and ``item_cost`` per item; ``expected_cost`` their sum;
    ``shadow_price`` the multiplier (0 where the limit does not bind); ``used`` of ``limit``; ``bound`` a proven lower
    bound on the cost and ``gap`` = (cost - bound) / cost. For an aggregate service the limit is the expected shortage
    allowed and ``fill_rate`` what is reached."""

    order_quantity: Array
    item_cost: Array
    expected_cost: float
    shadow_price: float
    used: float
    limit: float
    fill_rate: float
    bound: float
    gap: float


@dataclass(frozen=True, eq=False, kw_only=True)
class BudgetCurve:
    """What each price of money buys, arrays over the multipliers: ``spent``, ``expected_cost``, ``fill_rate``."""

    shadow_price: Array
    spent: Array
    expected_cost: Array
    fill_rate: Array


@dataclass(frozen=True, eq=False, kw_only=True)
class _Items:
    """The items with their costs in arrays of one shape."""

    demand: Demand
    short: Array
    over: Array
    weight: Array
    mean: Array = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "mean", np.broadcast_to(self.demand.mean, self.short.shape))

    def costs(self, order: Array) -> Array:
        """Expected cost per item, without the price of the limit."""
        shortage = self.demand.loss(order)
        return self.over * np.maximum(order - self.mean + shortage, 0.0) + self.short * shortage

    def at_price(self, price: float) -> Array:
        """Each item's best order where a unit of it also costs price x weight."""
        ratio = (self.short - price * self.weight) / (self.short + self.over)
        return order_at(self.demand, np.clip(ratio, 0.0, HIGHEST_LEVEL))

    def fill_rate(self, order: Array) -> float:
        """Share of all demand met."""
        total = float(self.mean.sum())
        return 1.0 - float(np.sum(self.demand.loss(order))) / total if total > 0 else 1.0


def optimize_newsvendor_budget(
    demand: Demand,
    *,
    stockout_cost: ArrayLike,
    holding_cost: ArrayLike,
    unit_budget: ArrayLike,
    budget: float,
) -> SharedLimitResult:
    """The orders of least total expected cost with ``sum(unit_budget * order) <= budget``; whole for counts.

    ``demand`` of shape (n,); costs and ``unit_budget`` (budget units per unit ordered) scalars or (n,). Raises
    :class:`~capacity_opt.ArgumentError` for negative budgets, and where a unit takes nothing of the budget.

    >>> from capacity_opt import Normal
    >>> best = optimize_newsvendor_budget(Normal([100, 50, 40], [30, 10, 12]), stockout_cost=[10, 2, 9],
    ...                                   holding_cost=1, unit_budget=[5, 8, 10], budget=1000)
    >>> round(best.used, 6), round(best.shadow_price, 4)
    (1000.0, 0.3817)
    """
    items = _items(demand, stockout_cost, holding_cost, unit_budget)
    limit = float(_checks.non_negative("budget", budget))

    def spent(order: Array) -> float:
        return float(np.sum(items.weight * order))

    free = items.at_price(0.0)
    if spent(free) <= limit:
        return _result(items, free, 0.0, spent(free), limit, float(np.sum(items.costs(free))))
    low, high = _bisected(
        lambda price: spent(items.at_price(price)) <= limit, float(np.max(items.short / items.weight))
    )
    below, above = items.at_price(high), items.at_price(low)
    bound = max(_dual(items, order, price, limit) for order, price in ((below, high), (above, low)))
    if demand.discrete:
        order = _repaired(items, _greedy(items, below, limit), high, limit)
    else:
        room = spent(above) - spent(below)
        order = below + (above - below) * (min((limit - spent(below)) / room, 1.0) if room > 0 else 0.0)
    return _result(items, order, high, spent(order), limit, bound)


def optimize_aggregate_service(
    demand: Demand, *, holding_cost: ArrayLike, fill_rate: float, weight: ArrayLike = 1.0
) -> SharedLimitResult:
    """The stock of least holding cost whose aggregate fill rate over all items reaches ``fill_rate``.

    ``demand`` of shape (n,): per season, or over the protection interval. ``holding_cost`` per unit left over (n,);
    the fill rate is ``1 - sum(weight * shortage) / sum(weight * demand)``, ``weight`` 1 per unit or a price. The
    ``shadow_price`` is the cost of one weighted unit of shortage less.

    >>> from capacity_opt import Poisson
    >>> best = optimize_aggregate_service(Poisson([1.0, 8.0, 3.0]), holding_cost=[20, 1, 4], fill_rate=0.95)
    >>> best.order_quantity, best.fill_rate >= 0.95
    (array([ 1., 13.,  5.]), True)
    """
    target = float(_checks.fraction("fill_rate", fill_rate))
    over = _checks.positive("holding_cost", holding_cost)
    items = _items(demand, np.zeros(()), over, _checks.positive("weight", weight))
    limit = (1.0 - target) * float(np.sum(items.weight * items.mean))

    def short(order: Array) -> float:
        return float(np.sum(items.weight * items.demand.loss(order)))

    def stocked(price: float) -> Array:
        ratio = price * items.weight / (price * items.weight + items.over)
        return order_at(items.demand, np.minimum(ratio, HIGHEST_LEVEL))

    top = float(np.max(items.over / items.weight))
    while short(stocked(top)) > limit:
        top *= 4.0
    low, high = _bisected(lambda price: short(stocked(price)) <= limit, top)
    order = _cheapest_between(items, stocked(low), stocked(high), limit, short)
    if demand.discrete:
        order = _covering(items, order, high, limit, short)
    bound = float(np.sum(items.costs(stocked(high)))) + high * (short(stocked(high)) - limit)
    return _result(items, order, high, short(order), limit, bound, fill=1.0 - short(order) * (1.0 - target) / limit)


def sweep_newsvendor_budget(
    demand: Demand,
    *,
    stockout_cost: ArrayLike,
    holding_cost: ArrayLike,
    unit_budget: ArrayLike,
    shadow_prices: ArrayLike,
) -> BudgetCurve:
    """The curve of cost and availability against money: the best orders at each price of the budget.

    >>> from capacity_opt import Normal
    >>> curve = sweep_newsvendor_budget(Normal([100, 50], [30, 10]), stockout_cost=9, holding_cost=1,
    ...                                 unit_budget=[5, 8], shadow_prices=[0.0, 0.5, 1.0])
    >>> curve.spent.round(1)
    array([1194.8,  957.8,  759.5])
    """
    items = _items(demand, stockout_cost, holding_cost, unit_budget)
    prices = np.atleast_1d(_checks.non_negative("shadow_prices", shadow_prices))
    orders = [items.at_price(float(price)) for price in prices]
    return BudgetCurve(
        shadow_price=prices,
        spent=np.array([np.sum(items.weight * order) for order in orders]),
        expected_cost=np.array([np.sum(items.costs(order)) for order in orders]),
        fill_rate=np.array([items.fill_rate(order) for order in orders]),
    )


def _items(demand: Demand, short: ArrayLike, over: ArrayLike, weight: ArrayLike) -> _Items:
    if len(demand.shape) != 1:
        raise ArgumentError(f"demand must have shape (n,): a limit is shared by items, got {demand.shape}")
    return _Items(
        demand=demand,
        short=_checks.shape("stockout_cost", _checks.non_negative("stockout_cost", short), demand.shape, "items"),
        over=_checks.shape("holding_cost", _checks.positive("holding_cost", over), demand.shape, "items"),
        weight=_checks.shape("unit_budget", _checks.positive("unit_budget", weight), demand.shape, "items"),
    )


def _bisected(kept: Callable[[float], bool], top: float) -> tuple[float, float]:
    """The smallest price at which the limit is kept, between two neighbouring numbers (low: not kept)."""
    low, high = 0.0, top
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        if not low < middle < high or high - low <= 1e-14 * high:
            break
        low, high = (low, middle) if kept(middle) else (middle, high)
    return low, high


def _dual(items: _Items, order: Array, price: float, limit: float) -> float:
    return float(np.sum(items.costs(order))) + price * (float(np.sum(items.weight * order)) - limit)


def _gain(items: _Items, order: Array) -> Array:
    """Cost saved by one more unit of each item."""
    return items.short * items.demand.survival(order) - items.over * items.demand.cdf(order)


def _greedy(items: _Items, order: Array, limit: float) -> Array:
    """Spend what is left on the next units that save most per unit of budget, while any of them fits."""
    order = order.copy()
    while True:
        room = limit - float(np.sum(items.weight * order))
        value = _gain(items, order) / items.weight
        fits = np.flatnonzero((value > 0) & (items.weight <= room))
        if len(fits) == 0:
            return order
        ranked = fits[np.argsort(-value[fits], kind="stable")]
        taken = np.cumsum(items.weight[ranked]) <= room
        order[ranked[taken]] += 1.0


def _repaired(items: _Items, order: Array, price: float, limit: float) -> Array:
    """An exact knapsack over the units around the present order of the items nearest to the margin."""
    value = _gain(items, order) / items.weight
    near = np.argsort(np.abs(value - price), kind="stable")[:_KNAPSACK_ITEMS]
    few = _Items(
        demand=items.demand.take(near), short=items.short[near], over=items.over[near], weight=items.weight[near]
    )
    base = np.maximum(order[near] - _REACH, 0.0)
    steps = np.arange(2 * _REACH + 1)
    gain = np.stack([_gain(few, base + step) for step in steps])
    weight = np.broadcast_to(few.weight, gain.shape)
    others = float(np.sum(items.weight * order)) - float(np.sum(few.weight * order[near]))
    room = limit - others - float(np.sum(few.weight * base))
    chosen = _knapsack(-gain.ravel(), weight.ravel(), -np.inf, room)
    if chosen is None:
        return order
    # Gains fall with each unit, so any choice of an item's units is worth at most its first ones.
    changed = order.copy()
    changed[near] = base + chosen.reshape(gain.shape).sum(axis=0)
    fits = float(np.sum(items.weight * changed)) <= limit
    return changed if fits and np.sum(items.costs(changed)) < np.sum(items.costs(order)) else order


def _knapsack(cost: Array, weight: Array, low: float, high: float) -> Array | None:
    """Which units to take at least cost so that their weight lies in [low, high]; None where no answer was found."""
    from capacity_opt.solvers.solve import solve  # imported here: most budgets never need a solver

    count = len(cost)
    program = LinearProgram(
        cost=cost,
        matrix=sparse.csr_array(weight[None, :]),
        row_lower=np.array([low]),
        row_upper=np.array([high]),
        column_lower=np.zeros(count),
        column_upper=np.ones(count),
        integer=np.ones(count, dtype=np.bool_),
    )
    solution = solve(program, gap=1e-9, time_limit=10.0)
    return None if solution.x is None else np.rint(solution.x)


def _cheapest_between(items: _Items, low: Array, high: Array, limit: float, short: Callable[[Array], float]) -> Array:
    """From orders that miss the limit towards those that keep it, the cheapest steps first, no further than needed."""
    moved = np.flatnonzero(high > low)
    saved = items.weight[moved] * (items.demand.loss(low) - items.demand.loss(high))[moved]
    paid = (items.costs(high) - items.costs(low))[moved]
    ranked = np.argsort(paid / np.maximum(saved, 1e-300), kind="stable")
    missing = short(low) - limit
    count = int(np.searchsorted(np.cumsum(saved[ranked]), missing * (1 - 1e-15))) + 1
    order = low.copy()
    order[moved[ranked[:count]]] = high[moved[ranked[:count]]]
    return order if short(order) <= limit else high


def _covering(items: _Items, order: Array, price: float, limit: float, short: Callable[[Array], float]) -> Array:
    """An exact covering knapsack over the units around the present order of the items nearest to the margin."""
    saved = items.weight * items.demand.survival(order)
    paid = items.over * items.demand.cdf(order)
    near = np.argsort(np.abs(np.log(np.maximum(price * saved, 1e-300) / np.maximum(paid, 1e-300))), kind="stable")
    near = near[:_KNAPSACK_ITEMS]
    few, steps = items.demand.take(near), np.arange(2 * _REACH + 1)
    base = np.maximum(order[near] - _REACH, 0.0)
    unit_saved = np.stack([items.weight[near] * few.survival(base + step) for step in steps])
    unit_cost = np.stack([items.over[near] * few.cdf(base + step) for step in steps])
    lowered = order.copy()
    lowered[near] = base
    chosen = _knapsack(unit_cost.ravel(), unit_saved.ravel(), short(lowered) - limit, np.inf)
    if chosen is None:
        return order
    # A later unit costs more and saves less, so an item's chosen units may be taken to be its first ones.
    lowered[near] = base + chosen.reshape(unit_cost.shape).sum(axis=0)
    better = np.sum(items.costs(lowered)) < np.sum(items.costs(order))
    return lowered if better and short(lowered) <= limit else order


def _result(
    items: _Items, order: Array, price: float, used: float, limit: float, bound: float, fill: float | None = None
) -> SharedLimitResult:
    costs = items.costs(order)
    total = float(np.sum(costs))
    return SharedLimitResult(
        order_quantity=order,
        item_cost=costs,
        expected_cost=total,
        shadow_price=price,
        used=used,
        limit=limit,
        fill_rate=items.fill_rate(order) if fill is None else fill,
        bound=min(bound, total),
        gap=max(total - bound, 0.0) / max(abs(total), 1e-300),
    )
