"""Chooses how to find an (r, Q) policy: whole units or continuous, by cost or for a target, with limits on Q."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError
from capacity_opt.inventory.exposure import Exposure
from capacity_opt.inventory.law import row
from capacity_opt.inventory.rq_continuous import Valley, best_reorder_point, find_rq_continuous, valley, window_cost
from capacity_opt.inventory.rq_search import RQCosts, find_rq
from capacity_opt.inventory.rq_service import RQTarget, find_continuous_rq_for_service, find_rq_for_service, reorder_for

Array = NDArray[np.float64]
Whole = NDArray[np.int64]
# A step so long that only the smallest quantity is ever allowed.
FIXED_QUANTITY = 1 << 41


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What the caller demands of Q: a given ``quantity``, or at least ``minimum`` in multiples of ``lot``."""

    quantity: ArrayLike | None = None
    minimum: ArrayLike | None = None
    lot: ArrayLike | None = None

    def __post_init__(self) -> None:
        """Refuse a fixed quantity together with limits on it."""
        if self.quantity is not None and (self.minimum is not None or self.lot is not None):
            raise ArgumentError("order_quantity is fixed: leave out minimum_order_quantity and lot_multiple")

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """The shapes of what is given."""
        return [np.shape(value) for value in (self.quantity, self.minimum, self.lot) if value is not None]

    def whole(self, items: int) -> tuple[Whole, Whole]:
        """Smallest quantity and step between quantities, (items,) each, for whole-unit demand."""
        if self.quantity is not None:
            fixed = _checks.whole("order_quantity", self.quantity, at_least=1)
            return np.array(np.broadcast_to(fixed, (items,))), np.full(items, FIXED_QUANTITY)
        lot = _checks.whole("lot_multiple", 1 if self.lot is None else self.lot, at_least=1)
        minimum = _checks.whole("minimum_order_quantity", 1 if self.minimum is None else self.minimum)
        step = np.array(np.broadcast_to(lot, (items,)))
        return -(-np.maximum(np.broadcast_to(minimum, (items,)), 1) // step) * step, step

    def nearby(self, quantity: Array) -> list[Array]:
        """The allowed quantities next to a best one, continuous demand: cost has one valley in Q."""
        minimum = row(0.0 if self.minimum is None else _checks.non_negative("minimum_order_quantity", self.minimum),
                      len(quantity))  # fmt: skip
        if self.lot is None:
            return [np.maximum(quantity, minimum)]
        lot = row(_checks.positive("lot_multiple", self.lot), len(quantity))
        least = np.maximum(np.ceil(minimum / lot - 1e-12), 1.0)
        return [lot * np.maximum(count, least) for count in (np.floor(quantity / lot), np.ceil(quantity / lot))]


def choose_rq(exposed: Exposure, costs: RQCosts, target: RQTarget | None, limits: Limits) -> tuple[Array, Array]:
    """Reorder point and order quantity of least cost, (items,) each."""
    if not exposed.discrete:
        return _continuous(exposed, costs, target, limits)
    if target is not None:
        found = find_rq_for_service(exposed, costs, target)
        return found[:, 0], found[:, 1]
    found = find_rq(exposed, costs)
    never = (costs.stockout == 0) & (found[:, 2] >= costs.short * row(exposed.mean, len(found)) * (1.0 - 1e-12))
    never &= row(exposed.mean, len(found)) > 0
    rule = "saving from ordering at all (stockout_cost_per_unit is too low to ever stock the item)"
    _checks.positive(rule, np.where(never, 0.0, 1.0).reshape(exposed.shape))
    return found[:, 0], found[:, 1]


def _continuous(exposed: Exposure, costs: RQCosts, target: RQTarget | None, limits: Limits) -> tuple[Array, Array]:
    _checks.positive("mean demand", np.asarray(exposed.mean))
    if limits.quantity is not None:
        quantity = row(_checks.positive("order_quantity", limits.quantity), len(costs.holding))
        return _reorder_for(exposed, costs, target, quantity), quantity
    rule = "fixed_cost (with none, continuous demand is reordered at once: use optimize_base_stock)"
    _checks.positive(rule, costs.fixed.reshape(exposed.shape))
    if target is not None:
        reorder, quantity = find_continuous_rq_for_service(exposed, costs, target)
    else:
        reorder, quantity = find_rq_continuous(exposed, costs)
    if not limits.shapes:
        return reorder, quantity
    counted = Valley(exposed=exposed, costs=costs, rate=row(exposed.mean, len(quantity)), lowest=reorder)
    tried = limits.nearby(quantity)
    points = [_reorder_for(exposed, costs, target, each) for each in tried]
    cost = np.stack([window_cost(counted, point, each) for point, each in zip(points, tried, strict=True)])
    best = np.argmin(cost, axis=0), np.arange(len(quantity))
    return np.stack(points)[best], np.stack(tried)[best]


def _reorder_for(exposed: Exposure, costs: RQCosts, target: RQTarget | None, quantity: Array) -> Array:
    """The best reorder point for a given quantity."""
    if target is not None:
        return reorder_for(target, exposed, quantity)
    return best_reorder_point(valley(exposed, costs), quantity)
