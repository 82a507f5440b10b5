"""From what theory wants to what can be ordered: a chain of rounding steps, each of them logged, over many items.

The chain: raw -> whole -> minimum order -> lot multiple -> maximum -> budget. An order of 0 stays 0. Rounding goes up
(service is kept) except at the maximum and the budget, which go down by whole lots; an order that would fall below
its minimum is dropped. The cost is recomputed after the chain by the caller's own function.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]
Cost = Callable[[Array], ArrayLike]
NOISE = 1e-9


@dataclass(frozen=True, kw_only=True)
class RoundingRules:
    """What an order must respect; every field a scalar or an array over items, ``budget`` one number for all.

    ``whole``: only whole units. ``minimum_order``: ordered at least so many, or none. ``lot``: only multiples of it
    (0: any number). ``maximum_order``: at most so many. ``unit_cost`` and ``budget``: money for all orders together.

    >>> rules = RoundingRules(minimum_order=10, lot=[1, 12])
    >>> round_orders([3.2, 13.0], rules).order_quantity
    array([10., 24.])
    """

    whole: bool = True
    minimum_order: ArrayLike = 0.0
    lot: ArrayLike = 0.0
    maximum_order: ArrayLike = np.inf
    unit_cost: ArrayLike = 0.0
    budget: float = np.inf

    def __post_init__(self) -> None:
        """Check every field and store it as float64."""
        object.__setattr__(self, "minimum_order", _checks.non_negative("minimum_order", self.minimum_order))
        object.__setattr__(self, "unit_cost", _checks.non_negative("unit_cost", self.unit_cost))
        lot = _checks.non_negative("lot", self.lot)
        object.__setattr__(self, "lot", _checks.whole("lot", lot).astype(np.float64) if self.whole else lot)
        most = _checks.numbers("maximum_order", self.maximum_order)
        _checks.non_negative("maximum_order", np.where(most == np.inf, 0.0, most))
        object.__setattr__(self, "maximum_order", most)
        budget = _checks.numbers("budget", self.budget)
        if budget.ndim > 0 or not budget >= 0:
            raise ArgumentError(f"budget must be one number >= 0, got {self.budget!r}")


@dataclass(frozen=True, kw_only=True)
class RoundingStep:
    """One step of the chain: its name and the quantities before and after it, arrays of the items' shape."""

    name: str
    before: Array
    after: Array

    @property
    def changed(self) -> NDArray[np.bool_]:
        """Where the step changed the quantity."""
        return np.asarray(self.before != self.after)


@dataclass(frozen=True, kw_only=True)
class RoundedOrders:
    """``order_quantity`` after the chain, and how it came about.

    ``raw_quantity`` as theory wanted it; ``steps`` in order; ``expected_cost_before`` and ``expected_cost_after`` by
    the caller's cost function (NaN without one); ``spend`` money for all orders together.
    """

    raw_quantity: Array
    order_quantity: Array
    steps: tuple[RoundingStep, ...]
    expected_cost_before: Array
    expected_cost_after: Array
    spend: float


def round_orders(raw_quantity: ArrayLike, rules: RoundingRules, *, cost: Cost | None = None) -> RoundedOrders:
    """Run the chain over all items. ``cost`` maps order quantities to expected costs, both of the items' shape.

    Under a budget the chain drops lots where a unit of money saved costs least, which needs ``cost``; it works in
    rounds that halve what is still too much, so it is a greedy repair, not an optimum: to optimise under a budget use
    the budgeted newsvendor and round its answer.

    >>> from capacity_opt.demand.counts import Poisson
    >>> demand = Poisson([4.0, 20.0])
    >>> def cost(order):
    ...     return (order - demand.mean + demand.loss(order)) + 9 * demand.loss(order)
    >>> done = round_orders([6.5, 25.3], RoundingRules(lot=5, unit_cost=2, budget=65), cost=cost)
    >>> done.order_quantity, done.spend
    (array([ 5., 25.]), 60.0)
    >>> [(step.name, step.after) for step in done.steps]
    [('whole', array([ 7., 26.])), ('lot', array([10., 30.])), ('budget', array([ 5., 25.]))]
    """
    raw = _checks.non_negative("raw_quantity", raw_quantity)
    _, named = _checks.broadcast(
        raw_quantity=raw,
        minimum_order=rules.minimum_order,
        lot=rules.lot,
        maximum_order=rules.maximum_order,
        unit_cost=rules.unit_cost,
    )
    raw = named.pop("raw_quantity")
    quantities = [raw]
    for _, step in _CHAIN:
        quantities.append(step(quantities[-1], rules))
    quantities.append(_within_budget(quantities[-1], rules, cost))
    names = [*(name for name, _ in _CHAIN), "budget"]
    logged = (
        RoundingStep(name=name, before=before[()], after=after[()])
        for name, before, after in zip(names, quantities, quantities[1:])
    )
    quantity = quantities[-1]
    return RoundedOrders(
        raw_quantity=raw[()],
        order_quantity=quantity[()],
        steps=tuple(step for step in logged if np.any(step.changed)),
        expected_cost_before=_cost_of(cost, raw),
        expected_cost_after=_cost_of(cost, quantity),
        spend=float(np.sum(quantity * named["unit_cost"])),
    )


def _cost_of(cost: Cost | None, quantity: Array) -> Array:
    if cost is None:
        return np.full(quantity.shape, np.nan)[()]
    found = _checks.numbers("cost(order_quantity)", cost(quantity[()]))
    return _checks.shape("cost(order_quantity)", found, quantity.shape, "items")[()]


def _up(quantity: Array) -> Array:
    """Rounded up to whole numbers, forgiving the noise of arithmetic."""
    raised: Array = np.ceil(quantity - NOISE * np.maximum(1.0, np.abs(quantity))) + 0.0  # + 0.0: no negative zero
    return raised


def _whole(quantity: Array, rules: RoundingRules) -> Array:
    return _up(quantity) if rules.whole else quantity


def _at_least(quantity: Array, rules: RoundingRules) -> Array:
    least = np.asarray(rules.minimum_order)
    least = _up(least) if rules.whole else least
    return np.where(quantity > 0, np.maximum(quantity, least), 0.0)


def _multiple(quantity: Array, rules: RoundingRules) -> Array:
    lot = np.asarray(rules.lot)
    return np.where(lot > 0, _up(quantity / np.where(lot > 0, lot, 1.0)) * lot, quantity)


def _at_most(quantity: Array, rules: RoundingRules) -> Array:
    most, lot = np.asarray(rules.maximum_order), np.asarray(rules.lot)
    step = np.where(lot > 0, lot, 1.0 if rules.whole else 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        fits = np.where(step > 0, np.floor(most / step + NOISE) * step, most)
    capped = np.minimum(quantity, fits)
    return np.where(capped >= np.asarray(rules.minimum_order), capped, 0.0)


def _within_budget(quantity: Array, rules: RoundingRules, cost: Cost | None) -> Array:
    price = np.asarray(rules.unit_cost)
    excess = float(np.sum(price * quantity)) - rules.budget
    if excess <= NOISE * max(1.0, rules.budget):
        return quantity
    if cost is None:
        raise ArgumentError(
            "a budget needs cost, the expected cost as a function of the orders, to choose what to drop"
        )
    now = np.array(quantity, copy=True)
    while excess > NOISE * max(1.0, rules.budget):
        fewer = _one_lot_less(now, rules)
        saved = np.ravel(price * (now - fewer))
        dearer = np.ravel(_cost_of(cost, fewer) - _cost_of(cost, now))
        with np.errstate(invalid="ignore", divide="ignore"):
            order = np.argsort(np.where(saved > 0, dearer / saved, np.inf), kind="stable")
        total = np.cumsum(saved[order])
        dropped = order[: max(int(np.count_nonzero(total <= 0.5 * excess)), 1)]
        flat = now.reshape(-1)
        flat[dropped] = np.where(saved[dropped] > 0, np.ravel(fewer)[dropped], flat[dropped])
        excess = float(np.sum(price * now)) - rules.budget
    return now


def _one_lot_less(quantity: Array, rules: RoundingRules) -> Array:
    lot = np.asarray(rules.lot)
    fewer = np.maximum(quantity - np.where(lot > 0, lot, 1.0), 0.0)
    return np.where(fewer >= np.asarray(rules.minimum_order), fewer, 0.0)


_CHAIN: tuple[tuple[str, Callable[[Array, RoundingRules], Array]], ...] = (
    ("whole", _whole),
    ("minimum", _at_least),
    ("lot", _multiple),
    ("maximum", _at_most),
)
