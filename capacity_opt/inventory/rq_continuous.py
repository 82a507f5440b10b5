"""Finds exact (r, Q) policies for continuous demand, all items at once.

The position is uniform on (r, r + Q], so cost(r, Q) = (K M(Q) + integral of G from r to r + Q) / Q (Zheng 1992). For a
level c let r(c) < R(c) be where G = c. Under continuous review the best c is the root of the convex function
integral of max(c - G, 0) = K rate, found by Newton's method, and c is the best cost. Under periodic review an order is
placed at a share E[min(D, Q)] / Q of the reviews and the best c is searched on a grid, then by golden section.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from capacity_opt.demand.mixture import Mixture
from capacity_opt.demand.parametric import Normal
from capacity_opt.demand.protocol import Demand
from capacity_opt.demand.quantiles import QuantileDemand
from capacity_opt.inventory.exposure import Exposure
from capacity_opt.inventory.law import row
from capacity_opt.inventory.rq_search import RQCosts

Array = NDArray[np.float64]
GOLDEN = 0.5 * (np.sqrt(5.0) - 1.0)
NODES, WEIGHTS = np.polynomial.legendre.leggauss(8)
PANELS = 16


def loss_between(demand: Demand, low: Array, high: Array) -> Array:
    """Integral of E[max(D - y, 0)] over y from ``low`` to ``high``, per item.

    Closed form for Normal demand and quantiles, and mixtures of such; else Gauss-Legendre panels between the extreme
    quantiles, outside which the loss is a straight line or nothing.
    """
    if isinstance(demand, Normal):
        return _normal_second_loss(demand, low) - _normal_second_loss(demand, high)
    if isinstance(demand, QuantileDemand) and not demand.integer:
        return np.asarray(demand.second_loss(low) - demand.second_loss(high))
    if isinstance(demand, Mixture):
        parts = np.stack([loss_between(part, low, high) for part in demand.components], axis=-1)
        return np.asarray((demand.weights * parts).sum(axis=-1))
    floor = np.clip(demand.quantile(1e-13), low, high)
    top = np.clip(demand.quantile(1.0 - 1e-13), floor, high)
    mean = demand.mean
    straight = 0.5 * ((mean - low) ** 2 - (mean - floor) ** 2)
    width = (top - floor) / PANELS
    total = np.zeros(np.shape(width))
    for panel in range(PANELS):
        for node, weight in zip(NODES, WEIGHTS, strict=True):
            total = total + weight * demand.loss(floor + width * (panel + 0.5 + 0.5 * node))
    return np.asarray(straight + 0.5 * width * total)


def _normal_second_loss(demand: Normal, x: Array) -> Array:
    """E[max(D - x, 0)^2] / 2."""
    spread = np.where(demand.sd > 0, demand.sd, 1.0)
    z = (x - demand.mean) / spread
    density = np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi)
    inside = 0.5 * spread**2 * ((1.0 + z * z) * special.ndtr(-z) - z * density)
    return np.where(demand.sd > 0, np.maximum(inside, 0.0), 0.5 * np.maximum(demand.mean - x, 0.0) ** 2)


@dataclass(frozen=True, kw_only=True)
class Valley:
    """G per item: its demands and prices, and ``lowest``, where it is least."""

    exposed: Exposure
    costs: RQCosts
    rate: Array
    lowest: Array

    def at(self, point: Array) -> Array:
        """G(point)."""
        late, costs = self.exposed.late, self.costs
        value = costs.holding * (point - late.mean) + (costs.holding + costs.stockout) * late.loss(point)
        if np.any(costs.short):
            value = value + costs.short * self._unmet(point)
        return np.asarray(value)

    def slope(self, point: Array) -> Array:
        """G'(point) where nothing is paid per unit short."""
        costs = self.costs
        return np.asarray(costs.holding - (costs.holding + costs.stockout) * self.exposed.late.survival(point))

    def between(self, low: Array, high: Array) -> Array:
        """Integral of G from ``low`` to ``high``."""
        exposed, costs = self.exposed, self.costs
        held = 0.5 * ((high - exposed.late.mean) ** 2 - (low - exposed.late.mean) ** 2)
        value = costs.holding * held + (costs.holding + costs.stockout) * loss_between(exposed.late, low, high)
        if np.any(costs.short):
            if exposed.continuous:
                value = value + costs.short * self.rate * (exposed.late.loss(low) - exposed.late.loss(high))
            else:
                flow = loss_between(exposed.last, low, high) - loss_between(exposed.early, low, high)
                value = value + costs.short * flow / exposed.review_period
        return np.asarray(value)

    def _unmet(self, point: Array) -> Array:
        exposed = self.exposed
        if exposed.continuous:
            return np.asarray(self.rate * exposed.late.survival(point))
        return np.asarray((exposed.last.loss(point) - exposed.early.loss(point)) / exposed.review_period)


def valley(exposed: Exposure, costs: RQCosts) -> Valley:
    """G with its lowest point: the critical quantile, or a golden-section search where units short are paid too."""
    items = len(costs.holding)
    rate = row(exposed.mean, items)
    ratio = np.clip(costs.stockout / (costs.stockout + costs.holding), 1e-15, 1.0 - 1e-15)
    start = np.array(row(exposed.late.quantile(ratio), items))
    found = Valley(exposed=exposed, costs=costs, rate=rate, lowest=start)
    if not np.any(costs.short):
        return found
    spread = np.sqrt(row(exposed.late.variance, items))
    dear = costs.short * rate / np.maximum(costs.holding * spread, 1e-300)
    high = np.maximum(start, row(exposed.late.quantile(1.0 - 1e-12 / (1.0 + np.max(dear))), items))
    lowest = golden_section(found.at, start, high)
    return Valley(exposed=exposed, costs=costs, rate=rate, lowest=lowest)


def golden_section(function: Callable[[Array], Array], low: Array, high: Array, *, rounds: int = 80) -> Array:
    """Where ``function`` (array to array, one valley per item) is least between ``low`` and ``high``."""
    left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    at_left, at_right = function(left), function(right)
    for _ in range(rounds):
        lower = at_left <= at_right
        high, low = np.where(lower, right, high), np.where(lower, low, left)
        new = np.where(lower, high - GOLDEN * (high - low), low + GOLDEN * (high - low))
        value = function(new)
        left, right = np.where(lower, new, right), np.where(lower, left, new)
        at_left, at_right = np.where(lower, value, at_right), np.where(lower, at_left, value)
    return 0.5 * (low + high)


def bisect(above: Callable[[Array], NDArray[np.bool_]], low: Array, high: Array, *, rounds: int = 62) -> Array:
    """Where ``above`` (array to bool array) turns from false at ``low`` to true at ``high``."""
    for _ in range(rounds):
        middle = 0.5 * (low + high)
        true = above(middle)
        low, high = np.where(true, low, middle), np.where(true, middle, high)
    return 0.5 * (low + high)


def crossings(shape: Valley, level: Array) -> tuple[Array, Array]:
    """The points left and right of the lowest where G = ``level``."""
    costs, mean = shape.costs, shape.exposed.late.mean
    if np.any(costs.short) or np.any(costs.stockout == 0):
        return _bracketed_crossings(shape, level)
    # Outside the asymptotes' crossings G >= level, and Newton's steps on a convex function stay on that side.
    left, right = mean - level / costs.stockout, mean + level / costs.holding
    for _ in range(60):
        step_left = (shape.at(left) - level) / np.minimum(shape.slope(left), -1e-300)
        step_right = (shape.at(right) - level) / np.maximum(shape.slope(right), 1e-300)
        new_left = np.where(step_left < 0, np.minimum(left - step_left, shape.lowest), left)
        new_right = np.where(step_right > 0, np.maximum(right - step_right, shape.lowest), right)
        still = np.all((new_left - left <= 1e-14 * np.abs(left)) & (right - new_right <= 1e-14 * np.abs(right)))
        left, right = new_left, new_right
        if still:
            break
    return left, right


def _bracketed_crossings(shape: Valley, level: Array) -> tuple[Array, Array]:
    low, high = shape.lowest - 1.0, shape.lowest + 1.0
    for _ in range(200):
        inside_low = (shape.at(low) < level) & ((shape.costs.stockout > 0) | (low > 0))
        inside_high = shape.at(high) < level
        if not np.any(inside_low | inside_high):
            break
        low = np.where(inside_low, shape.lowest - 2.0 * (shape.lowest - low), low)
        high = np.where(inside_high, shape.lowest + 2.0 * (high - shape.lowest), high)
    low = np.where(shape.costs.stockout > 0, low, np.maximum(low, 0.0))
    left = bisect(lambda y: shape.at(y) < level, low, shape.lowest)
    return left, bisect(lambda y: shape.at(y) >= level, shape.lowest, high)


def best_reorder_point(shape: Valley, quantity: Array) -> Array:
    """The reorder point of least cost for a given quantity: G(r) = G(r + Q)."""
    return bisect(lambda r: shape.at(r + quantity) >= shape.at(r), shape.lowest - quantity, shape.lowest)


def window_cost(shape: Valley, reorder: Array, quantity: Array) -> Array:
    """Cost per period of (r, Q)."""
    ordered = order_rate(shape.exposed, quantity) * quantity
    return np.asarray((shape.costs.fixed * ordered + shape.between(reorder, reorder + quantity)) / quantity)


def order_rate(exposed: Exposure, quantity: Array) -> Array:
    """Orders per period."""
    if exposed.by_lot:
        return np.asarray(exposed.mean / quantity)
    review = exposed.review
    return np.asarray((review.mean - review.loss(quantity)) / (quantity * exposed.review_period))


def find_rq_continuous(exposed: Exposure, costs: RQCosts) -> tuple[Array, Array]:
    """Reorder point and order quantity of least cost, (items,) each; quantities are free (no minimum, no lots)."""
    shape = valley(exposed, costs)
    least = shape.at(shape.lowest)
    penalty = np.where(costs.stockout > 0, costs.stockout, costs.holding)
    scale = np.sqrt(2.0 * costs.fixed * shape.rate * costs.holding * penalty / (costs.holding + penalty))
    level = _newton_level(shape, least, scale) if exposed.continuous else _searched_level(shape, least, scale)
    left, right = crossings(shape, level)
    return left, right - left


def _newton_level(shape: Valley, least: Array, scale: Array) -> Array:
    level = least + scale
    for _ in range(60):
        left, right = crossings(shape, level)
        gain = level * (right - left) - shape.between(left, right) - shape.costs.fixed * shape.rate
        step = gain / np.maximum(right - left, 1e-300)
        new = np.maximum(level - step, 0.5 * (level + least))
        if np.all(np.abs(new - level) <= 1e-13 * np.abs(level)):
            return new
        level = new
    return level


def _searched_level(shape: Valley, least: Array, scale: Array) -> Array:
    def cost(exponent: Array) -> Array:
        left, right = crossings(shape, least + scale * np.exp(exponent))
        return window_cost(shape, left, np.maximum(right - left, 1e-300))

    grid = np.linspace(np.log(1e-6), np.log(30.0), 36)
    values = np.stack([cost(np.full(np.shape(scale), exponent)) for exponent in grid])
    best = np.argmin(values, axis=0)
    low, high = grid[np.maximum(best - 1, 0)], grid[np.minimum(best + 1, len(grid) - 1)]
    return np.asarray(least + scale * np.exp(golden_section(cost, low, high, rounds=36)))
