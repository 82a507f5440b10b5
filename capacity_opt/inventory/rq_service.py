"""Finds (r, Q) policies of least ordering and holding cost that keep a service target."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capacity_opt._compiled import compiled
from capacity_opt.inventory import rq_kernel, rq_target_kernel
from capacity_opt.inventory.exposure import Exposure
from capacity_opt.inventory.law import Items, by_width, of_items, row, support
from capacity_opt.inventory.rq_continuous import bisect, golden_section, loss_between, order_rate
from capacity_opt.inventory.rq_search import RQCosts

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class RQTarget:
    """A service target: the ``measure``'s name (of :data:`MEASURES`) and its ``wanted`` value, (items,)."""

    measure: str
    wanted: Array


MEASURES = ("fill_rate", "cycle_service_level", "ready_rate", "no_stockout", "gamma")
"""Each is 1 less what lacks, averaged over the positions; the cycle service level is about the reorder point alone."""


def lacking_between(measure: str, exposed: Exposure, low: Array, high: Array) -> Array:
    """Integral over y from ``low`` to ``high`` of what lacks, continuous demand."""
    late = exposed.late
    if measure == "gamma":
        return np.asarray(loss_between(late, low, high) / exposed.mean)
    if measure == "fill_rate":
        return np.asarray(unmet_between(exposed, low, high) / exposed.mean)
    return np.asarray(late.loss(low) - late.loss(high))


def unmet_between(exposed: Exposure, low: Array, high: Array) -> Array:
    """Integral over y from ``low`` to ``high`` of the units short per period, continuous demand."""
    if exposed.continuous:
        return np.asarray(exposed.mean * (exposed.late.loss(low) - exposed.late.loss(high)))
    flow = loss_between(exposed.last, low, high) - loss_between(exposed.early, low, high)
    return np.asarray(flow / exposed.review_period)


def lacking_at(measure: str, exposed: Exposure, items: Items, points: Array) -> Array:
    """What lacks at positions ``points`` (width, items), whole-unit demand."""
    if measure in ("fill_rate", "cycle_service_level"):
        return unmet_at(exposed, items, points)
    late = of_items(exposed.late, items)
    if measure == "ready_rate":
        return np.asarray(late.survival(points - 1.0))
    if measure == "no_stockout":
        return np.asarray(late.survival(points))
    mean = row(exposed.mean, int(np.prod(exposed.shape, dtype=np.int64)))[items]
    return np.where(mean > 0, late.loss(points) / np.where(mean > 0, mean, 1.0), 0.0)


def unmet_at(exposed: Exposure, items: Items, points: Array) -> Array:
    """Share of demand not met at once for positions ``points`` (width, items), whole-unit demand."""
    if exposed.single:
        return np.asarray(of_items(exposed.late, items).survival(points - 1.0))
    every = np.prod(exposed.shape, dtype=np.int64)
    asked = (row(exposed.mean, int(every)) * row(exposed.review_period, int(every)))[items]
    flow = of_items(exposed.last, items).loss(points) - of_items(exposed.early, items).loss(points)
    return np.where(asked > 0, flow / np.where(asked > 0, asked, 1.0), 0.0)


def _bound(target: RQTarget, exposed: Exposure) -> tuple[Array, Array, Array]:
    """For the search: what may lack at most (negative: the reorder point is given), how much of the time there is stock
    on hand at the least, and by how much stock then falls short of an even spread, (items,) each.

    ``no_stockout``: the level 0 counts as no stock, at most 1 / Q of the time. ``gamma``: backorders b and levels at
    most 1 / Q each leave stock on hand half the time from Q = 8 b + 2 on.
    """
    wanted, items = target.wanted, len(target.wanted)
    allowed, mean, nothing = 1.0 - wanted, row(exposed.mean, items), np.zeros(items)
    if target.measure == "cycle_service_level":
        return np.full(items, -1.0), nothing, nothing
    if target.measure == "gamma":
        return allowed, np.full(items, 0.5), allowed * mean + 0.5
    if target.measure == "no_stockout":
        return allowed, wanted, wanted
    by_review = mean * row(exposed.review_period, items) * wanted
    late = target.measure == "fill_rate" and not exposed.by_lot
    return allowed, wanted, by_review if late else nothing


def find_rq_for_service(exposed: Exposure, costs: RQCosts, target: RQTarget) -> Array:
    """Reorder point and quantity, (items, 2), for whole-unit demand."""
    items = len(costs.holding)
    allowed, stocked, served = _bound(target, exposed)
    ratio = 1.0 / np.maximum(allowed, 1e-9)
    reorder = np.zeros(items)
    if target.measure == "cycle_service_level":
        protected = exposed.late if exposed.continuous else exposed.last
        reorder = np.array(np.broadcast_to(protected.quantile(target.wanted), (items,)))
    mean = row(exposed.mean, items)
    slope = np.where(mean > 0, 1.0 / np.where(mean > 0, mean, 1.0), 0.0) * (target.measure == "gamma")
    per_period = mean if exposed.by_lot else 1.0 / row(exposed.review_period, items)
    per_order = np.full(items, 0.0 if exposed.by_lot else 1.0)
    late_mean = row(exposed.late.mean, items)
    prices = (late_mean, costs.holding, allowed, costs.fixed, per_period, per_order, served, stocked, slope)
    money = np.stack(prices, axis=1)
    kernel = compiled(
        rq_target_kernel.rq_targets,
        rq_kernel.reach_at,
        rq_target_kernel.held_at,
        rq_target_kernel.lacking_at,
        rq_target_kernel.service_target,
        rq_target_kernel.fixed_reorder,
    )
    run = kernel or rq_target_kernel.rq_targets
    low, high = support(exposed.last, ratio, np.ones(items))
    # without stock something lacks for certain: the table must begin there, also where no demand falls in a lead time
    low = np.minimum(low, row(exposed.early.quantile(1e-15), items)) - (1.0 if target.measure == "no_stockout" else 0.0)
    lots = np.stack([costs.smallest, costs.step], axis=1)
    found = np.empty((items, 2))
    for group in by_width((high - low).astype(np.int64) + 1):
        points = low[group] + np.arange(int(np.max(high[group] - low[group])) + 1)[:, None]
        late = of_items(exposed.late, group)
        on_hand = np.ascontiguousarray(np.maximum(points - late.mean + late.loss(points), 0.0).T)
        lacking = np.ascontiguousarray(lacking_at(target.measure, exposed, group, points).T)
        review = of_items(exposed.review, group)
        longest = int(np.max(review.quantile(1.0 - 1e-12))) + 2 if not exposed.by_lot else 1
        above = review.survival(np.arange(longest)[:, None] + np.zeros(len(group)))
        survival = np.ascontiguousarray(np.broadcast_to(above, (longest, len(group))).T)
        part = np.empty((len(group), 2))
        first, given = low[group].astype(np.int64), reorder[group].astype(np.int64)
        run(on_hand, lacking, first, given, money[group], survival, lots[group], part)
        found[group] = part
    return found


def reorder_for(target: RQTarget, exposed: Exposure, quantity: Array) -> Array:
    """The smallest reorder point that keeps the target with a given quantity, continuous demand."""
    if target.measure == "cycle_service_level":
        protected = exposed.late if exposed.continuous else exposed.last
        return np.array(np.broadcast_to(protected.quantile(target.wanted), quantity.shape))
    allowed = (1.0 - target.wanted) * quantity
    high = np.array(np.broadcast_to(exposed.last.quantile(1.0 - 1e-12), np.shape(quantity)))
    low = -quantity - (2.0 * row(exposed.mean, len(quantity)) if target.measure == "gamma" else 0.0)
    return bisect(lambda r: lacking_between(target.measure, exposed, r, r + quantity) <= allowed, low, high)


def find_continuous_rq_for_service(exposed: Exposure, costs: RQCosts, target: RQTarget) -> tuple[Array, Array]:
    """Reorder point and quantity, (items,) each, for continuous demand."""
    items = len(costs.holding)
    late, mean = exposed.late, row(exposed.late.mean, items)

    def cost(logarithm: Array) -> Array:
        quantity = np.exp(logarithm)
        point = reorder_for(target, exposed, quantity)
        held = point + 0.5 * quantity - mean + loss_between(late, point, point + quantity) / quantity
        return np.asarray(costs.fixed * order_rate(exposed, quantity) + costs.holding * held)

    economic = np.sqrt(2.0 * costs.fixed * row(exposed.mean, items) / costs.holding)
    start = np.log(economic + np.sqrt(row(late.variance, items)))
    grid = np.linspace(-6.0, 3.0, 37)
    values = np.stack([cost(start + shift) for shift in grid])
    best = np.argmin(values, axis=0)
    low, high = grid[np.maximum(best - 1, 0)], grid[np.minimum(best + 1, len(grid) - 1)]
    quantity = np.exp(golden_section(cost, start + low, start + high, rounds=45))
    return reorder_for(target, exposed, quantity), quantity
