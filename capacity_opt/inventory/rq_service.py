"""Finds (r, Q) policies of least ordering and holding cost that keep a fill rate or a cycle service level."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from capacity_opt.inventory import rq_kernel, rq_target_kernel
from capacity_opt.inventory.compiled import compiled
from capacity_opt.inventory.exposure import Exposure
from capacity_opt.inventory.law import Items, by_width, of_items, row, support
from capacity_opt.inventory.rq_continuous import bisect, golden_section, loss_between, order_rate
from capacity_opt.inventory.rq_search import RQCosts

Array = NDArray[np.float64]


def unmet_between(exposed: Exposure, low: Array, high: Array) -> Array:
    """Integral over y from ``low`` to ``high`` of the units short per period, continuous demand."""
    if exposed.continuous:
        return np.asarray(exposed.mean * (exposed.late.loss(low) - exposed.late.loss(high)))
    flow = loss_between(exposed.last, low, high) - loss_between(exposed.early, low, high)
    return np.asarray(flow / exposed.review_period)


def unmet_at(exposed: Exposure, items: Items, points: Array) -> Array:
    """Share of demand not met at once for positions ``points`` (width, items), whole-unit demand."""
    if exposed.single:
        return np.asarray(of_items(exposed.late, items).survival(points - 1.0))
    every = np.prod(exposed.shape, dtype=np.int64)
    asked = (row(exposed.mean, int(every)) * row(exposed.review_period, int(every)))[items]
    flow = of_items(exposed.last, items).loss(points) - of_items(exposed.early, items).loss(points)
    return np.where(asked > 0, flow / np.where(asked > 0, asked, 1.0), 0.0)


def find_rq_for_service(
    exposed: Exposure, costs: RQCosts, fill_rate: Array | None, cycle_service_level: Array | None
) -> Array:
    """Reorder point and quantity, (items, 2), for whole-unit demand; one of the targets, (items,), is given."""
    items = len(costs.holding)
    allowed = 1.0 - fill_rate if fill_rate is not None else np.full(items, -1.0)
    ratio = 1.0 / np.maximum(allowed, 1e-9)
    reorder = np.zeros(items)
    if cycle_service_level is not None:
        protected = exposed.late if exposed.continuous else exposed.last
        reorder = np.array(np.broadcast_to(protected.quantile(cycle_service_level), (items,)))
    mean = row(exposed.mean, items)
    served = np.where(exposed.by_lot, 0.0, mean * row(exposed.review_period, items) * (1.0 - np.maximum(allowed, 0)))
    per_period = mean if exposed.by_lot else 1.0 / row(exposed.review_period, items)
    per_order = np.full(items, 0.0 if exposed.by_lot else 1.0)
    late_mean = row(exposed.late.mean, items)
    money = np.stack([late_mean, costs.holding, allowed, costs.fixed, per_period, per_order, served], axis=1)
    kernel = compiled(
        rq_target_kernel.rq_targets,
        rq_kernel.reach_at,
        rq_target_kernel.held_at,
        rq_target_kernel.fill_target,
        rq_target_kernel.fixed_reorder,
    )
    run = kernel or rq_target_kernel.rq_targets
    low, high = support(exposed.last, ratio, np.ones(items))
    low = np.minimum(low, row(exposed.early.quantile(1e-15), items))
    lots = np.stack([costs.smallest, costs.step], axis=1)
    found = np.empty((items, 2))
    for group in by_width((high - low).astype(np.int64) + 1):
        points = low[group] + np.arange(int(np.max(high[group] - low[group])) + 1)[:, None]
        late = of_items(exposed.late, group)
        on_hand = np.ascontiguousarray(np.maximum(points - late.mean + late.loss(points), 0.0).T)
        unmet = np.ascontiguousarray(unmet_at(exposed, group, points).T)
        review = of_items(exposed.review, group)
        longest = int(np.max(review.quantile(1.0 - 1e-12))) + 2 if not exposed.by_lot else 1
        above = review.survival(np.arange(longest)[:, None] + np.zeros(len(group)))
        survival = np.ascontiguousarray(np.broadcast_to(above, (longest, len(group))).T)
        part = np.empty((len(group), 2))
        first, given = low[group].astype(np.int64), reorder[group].astype(np.int64)
        run(on_hand, unmet, first, given, money[group], survival, lots[group], part)
        found[group] = part
    return found


def reorder_for_fill(exposed: Exposure, quantity: Array, fill_rate: Array) -> Array:
    """The smallest reorder point that keeps a fill rate with a given quantity, continuous demand."""
    allowed = (1.0 - fill_rate) * exposed.mean
    high = np.array(np.broadcast_to(exposed.last.quantile(1.0 - 1e-12), np.shape(quantity)))
    return bisect(lambda r: unmet_between(exposed, r, r + quantity) <= allowed * quantity, -quantity, high)


def find_continuous_rq_for_service(
    exposed: Exposure, costs: RQCosts, fill_rate: Array | None, cycle_service_level: Array | None
) -> tuple[Array, Array]:
    """Reorder point and quantity, (items,) each, for continuous demand; one target is given."""
    items = len(costs.holding)
    late, mean = exposed.late, row(exposed.late.mean, items)
    protected = late if exposed.continuous else exposed.last

    def reorder(quantity: Array) -> Array:
        if fill_rate is not None:
            return reorder_for_fill(exposed, quantity, fill_rate)
        assert cycle_service_level is not None
        return np.array(np.broadcast_to(protected.quantile(cycle_service_level), (items,)))

    def cost(logarithm: Array) -> Array:
        quantity = np.exp(logarithm)
        point = reorder(quantity)
        held = point + 0.5 * quantity - mean + loss_between(late, point, point + quantity) / quantity
        return np.asarray(costs.fixed * order_rate(exposed, quantity) + costs.holding * held)

    economic = np.sqrt(2.0 * costs.fixed * row(exposed.mean, items) / costs.holding)
    start = np.log(economic + np.sqrt(row(late.variance, items)))
    grid = np.linspace(-6.0, 3.0, 37)
    values = np.stack([cost(start + shift) for shift in grid])
    best = np.argmin(values, axis=0)
    low, high = grid[np.maximum(best - 1, 0)], grid[np.minimum(best + 1, len(grid) - 1)]
    quantity = np.exp(golden_section(cost, start + low, start + high, rounds=45))
    return reorder(quantity), quantity
