"""The search behind exact (r, Q) policies, item by item: plain Python, compiled where numba is installed.

With the position uniform on r + 1, ..., r + Q, cost(r, Q) = (K M(Q) + G(r + 1) + ... + G(r + Q)) / Q (Zheng 1992,
Federgruen & Zheng 1992). M(Q) is the mean demand per period where each lot pays K, and the sum of P(D >= j) over
j <= Q where each order does, whatever its number of lots (Zheng & Chen 1992). The best window for a given Q holds
the Q smallest G: two pointers walk outward from the lowest.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from capacity_opt.inventory.panjer import fill_costs, fill_table, first_point, tail_cut

Array = NDArray[np.float64]
Whole = NDArray[np.int64]
prange = range
BLOCK = 256


def cost_at(point: int, costs: Array, first: int, mean: float, holding: float, stockout: float, unit: float) -> float:
    """G at any point: from the table, and by its straight ends outside it."""
    column = point - first
    if column < 0:
        if stockout == 0.0 and point < 0:
            return math.inf
        return stockout * (mean - point) + unit
    if column >= costs.shape[0]:
        return holding * (point - mean)
    return float(costs[column])


def reach_at(point: int, survival: Array, first: int) -> float:
    """P(D > point) from a table that starts at ``first``."""
    column = point - first
    if column < 0:
        return 1.0
    return float(survival[column]) if column < survival.shape[0] else 0.0


def one_valley(costs: Array) -> bool:
    """Whether costs fall to one lowest stretch and rise after it; then the Q smallest lie side by side."""
    rising = False
    for column in range(1, costs.shape[0]):
        change = costs[column] - costs[column - 1]
        slack = 1e-12 * abs(costs[column])
        if change > slack:
            rising = True
        elif change < -slack and rising:
            return False
    return True


def best_window(
    costs: Array, first: int, money: Array, survival: Array, survival_first: int, smallest: int, step: int
) -> tuple[int, int, float]:
    """Reorder point, order quantity and cost per period; ``money`` = mean, h, p, unit, K, rate, per order (0 or 1).

    Stops when no larger quantity can be cheaper: its cost is a weighted mean of this one's and of dearer points.
    """
    mean, holding, stockout, unit, fixed, rate, per_order = money
    left = first + int(np.argmin(costs))
    right = left
    total = cost_at(left, costs, first, mean, holding, stockout, unit)
    orders = reach_at(0, survival, survival_first) if per_order > 0 else 1.0
    best, best_point, best_quantity = math.inf, left - 1, 1
    next_left = cost_at(left - 1, costs, first, mean, holding, stockout, unit)
    next_right = cost_at(right + 1, costs, first, mean, holding, stockout, unit)
    quantity = 1
    while True:
        cost = (fixed * rate * orders + total) / quantity
        if cost < best and quantity >= smallest and (quantity - smallest) % step == 0:
            best, best_point, best_quantity = cost, left - 1, quantity
        if cost >= best and min(next_left, next_right) >= best:
            return best_point, best_quantity, best
        if next_left < next_right:
            left -= 1
            total += next_left
            next_left = cost_at(left - 1, costs, first, mean, holding, stockout, unit)
        else:
            right += 1
            total += next_right
            next_right = cost_at(right + 1, costs, first, mean, holding, stockout, unit)
        quantity += 1
        if per_order > 0:
            orders += reach_at(quantity - 1, survival, survival_first)


def best_sliding_window(
    costs: Array, first: int, money: Array, survival: Array, survival_first: int, smallest: int, step: int
) -> tuple[int, int, float]:
    """As :func:`best_window` for costs with several valleys: the cheapest window of every quantity.

    Once a window is longer than the span of points cheaper than the best policy, lengthening it only adds dearer ones:
    when such a quantity is no improvement, no larger one is.
    """
    mean, holding, stockout, unit, fixed, rate, per_order = money
    best, best_point, best_quantity = math.inf, first, smallest
    orders = 0.0
    tried = 0
    quantity = smallest
    while True:
        while tried < quantity:
            orders += reach_at(tried, survival, survival_first) if per_order > 0 else 0.0
            tried += 1
        start = first - quantity
        total = 0.0
        for point in range(start + 1, start + quantity + 1):
            total += cost_at(point, costs, first, mean, holding, stockout, unit)
        cheapest, where = total, start
        for point in range(start + 1, first + costs.shape[0]):
            leaving = cost_at(point, costs, first, mean, holding, stockout, unit)
            total += cost_at(point + quantity, costs, first, mean, holding, stockout, unit) - leaving
            if total < cheapest:
                cheapest, where = total, point
        cost = (fixed * rate * (orders if per_order > 0 else 1.0) + cheapest) / quantity
        if cost < best:
            best, best_point, best_quantity = cost, where, quantity
        last = max(first + costs.shape[0], int(mean + best / holding) + 1)
        start = first
        if stockout > 0.0:
            start = min(first, math.floor(mean - max(best - unit, 0.0) / stockout))
        if cost >= best and quantity >= last - min(start, 0 if stockout == 0.0 else start):
            return best_point, best_quantity, best
        quantity += step


def search(
    costs: Array, first: int, money: Array, survival: Array, survival_first: int, smallest: int, step: int
) -> tuple[int, int, float]:
    """The two-pointer search where costs have one valley, every window where they have several."""
    if money[3] > 0.0 and not one_valley(costs):
        return best_sliding_window(costs, first, money, survival, survival_first, smallest, step)
    return best_window(costs, first, money, survival, survival_first, smallest, step)


def rq_panjer(law: Array, review_law: Array, money: Array, lots: Whole, found: Array) -> None:
    """Solve every item with Poisson or negative binomial demand.

    ``law`` (n, 4): mean, a, b, deviation of the demand over the protection interval, ``review_law`` the same over a
    review period; ``money`` (n, 7); ``lots`` (n, 2): smallest quantity and step; ``found`` (n, 3) takes r, Q, cost.
    """
    items = law.shape[0]
    for block in prange((items + BLOCK - 1) // BLOCK):
        table = np.empty((3, 256))
        review = np.empty((3, 64))
        for item in range(block * BLOCK, min(items, (block + 1) * BLOCK)):
            mean, a, b, deviation = law[item]
            holding, stockout, unit, per_order = money[item, 1], money[item, 2], money[item, 3], money[item, 6]
            first = first_point(mean, deviation)
            table, count = fill_table(mean, a, b, first, tail_cut(holding, stockout + unit), table)
            fill_costs(table, first, count, mean, holding, stockout, unit)
            review_first, review_count = 0, 1
            if per_order > 0.0:
                review_first = first_point(review_law[item, 0], review_law[item, 3])
                review, review_count = fill_table(
                    review_law[item, 0], review_law[item, 1], review_law[item, 2], review_first, 1e-17, review
                )
            found[item, 0], found[item, 1], found[item, 2] = search(
                table[0, :count],
                first,
                money[item],
                review[1, :review_count],
                review_first,
                lots[item, 0],
                lots[item, 1],
            )


def rq_tables(costs: Array, first: Whole, survival: Array, money: Array, lots: Whole, found: Array) -> None:
    """Solve every item from tables: ``costs`` (n, width) from ``first``, ``survival`` (n, width) from 0."""
    items = costs.shape[0]
    for block in prange((items + BLOCK - 1) // BLOCK):
        for item in range(block * BLOCK, min(items, (block + 1) * BLOCK)):
            found[item, 0], found[item, 1], found[item, 2] = search(
                costs[item], first[item], money[item], survival[item], 0, lots[item, 0], lots[item, 1]
            )
