"""The search behind exact (s, S) policies, item by item: plain Python, compiled where numba is installed.

The algorithm of Zheng & Federgruen (1991). With m the renewal masses of one review period's demand and M their running
sum, c(s, S) = (K + sum over j < S - s of m(j) G(S - j)) / M(S - s). Order up to S when the position is at or below s.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from capacity_opt.inventory.panjer import fill_costs, fill_table, first_point, tail_cut
from capacity_opt.inventory.rq_kernel import cost_at

Array = NDArray[np.float64]
Whole = NDArray[np.int64]
prange = range
BLOCK = 128


def extend_renewal(renewal: Array, known: int, needed: int, demand: Array, first: int) -> Array:
    """Renewal masses m(0), ..., m(needed - 1) in row 0 and their sums M(1), M(2), ... in row 1 (grown when too small).

    ``demand`` holds P(D = first), P(D = first + 1), ...; ``known`` masses are there already.
    """
    if needed > renewal.shape[1]:
        grown = np.empty((2, max(needed, 2 * renewal.shape[1])))
        grown[:, :known] = renewal[:, :known]
        renewal = grown
    none = demand[0] if first == 0 else 0.0
    for point in range(known, needed):
        mass = 1.0 if point == 0 else 0.0
        for size in range(max(first, 1), min(point, first + demand.shape[0] - 1) + 1):
            mass += demand[size - first] * renewal[0, point - size]
        mass /= 1.0 - none
        renewal[0, point] = mass
        renewal[1, point] = mass + (renewal[1, point - 1] if point > 0 else 0.0)
    return renewal


def cycle_cost(up_to: int, gap: int, costs: Array, first: int, money: Array, renewal: Array) -> float:
    """K plus the costs of one order cycle for S = ``up_to`` and s = ``up_to - gap``."""
    mean, holding, stockout, fixed = money
    total = fixed
    for used in range(gap):
        total += renewal[0, used] * cost_at(up_to - used, costs, first, mean, holding, stockout, 0.0)
    return float(total)


def best_levels(
    costs: Array, first: int, money: Array, demand: Array, demand_first: int, renewal: Array
) -> tuple[int, int, float, Array]:
    """Reorder point, order-up-to level and cost per review; ``money`` = mean, h, p, K. Hands ``renewal`` back too."""
    mean, holding, stockout, fixed = money
    lowest = first + int(np.argmin(costs))
    renewal = extend_renewal(renewal, 0, 16, demand, demand_first)
    known = 16
    gap = 0
    total = fixed
    while True:
        if gap + 1 > known:
            renewal = extend_renewal(renewal, known, 2 * known, demand, demand_first)
            known *= 2
        total += renewal[0, gap] * cost_at(lowest - gap, costs, first, mean, holding, stockout, 0.0)
        gap += 1
        best = total / renewal[1, gap - 1]
        if best <= cost_at(lowest - gap, costs, first, mean, holding, stockout, 0.0):
            break
    best_up_to = lowest
    reorder = lowest - gap
    up_to = lowest + 1
    while cost_at(up_to, costs, first, mean, holding, stockout, 0.0) <= best:
        if up_to - reorder > known:
            renewal = extend_renewal(renewal, known, 2 * known, demand, demand_first)
            known *= 2
        gap = up_to - reorder
        total = cycle_cost(up_to, gap, costs, first, money, renewal)
        if total / renewal[1, gap - 1] < best:
            best = total / renewal[1, gap - 1]
            best_up_to = up_to
            while gap > 1 and best <= cost_at(reorder + 1, costs, first, mean, holding, stockout, 0.0):
                reorder += 1
                gap -= 1
                total = cycle_cost(up_to, gap, costs, first, money, renewal)
                best = total / renewal[1, gap - 1]
        up_to += 1
    return reorder, best_up_to, best, renewal


def ss_panjer(law: Array, review_law: Array, money: Array, found: Array) -> None:
    """Solve every item with Poisson or negative binomial demand.

    ``law`` (n, 4): mean, a, b, deviation over the protection interval, ``review_law`` the same over a review period;
    ``money`` (n, 4): mean, h, p, K; ``found`` (n, 3) takes s, S and the cost per review period.
    """
    items = law.shape[0]
    for block in prange((items + BLOCK - 1) // BLOCK):
        table = np.empty((3, 256))
        review = np.empty((3, 128))
        renewal = np.empty((2, 128))
        for item in range(block * BLOCK, min(items, (block + 1) * BLOCK)):
            mean, a, b, deviation = law[item]
            holding, stockout = money[item, 1], money[item, 2]
            if review_law[item, 0] == 0.0:
                found[item, 0], found[item, 1], found[item, 2] = -1.0, 0.0, 0.0
                continue
            first = first_point(mean, deviation)
            table, count = fill_table(mean, a, b, first, tail_cut(holding, stockout), table)
            fill_costs(table, first, count, mean, holding, stockout, 0.0)
            review_mean, review_a, review_b, review_deviation = review_law[item]
            review_first = first_point(review_mean, review_deviation)
            review, review_count = fill_table(review_mean, review_a, review_b, review_first, 1e-17, review)
            found[item, 0], found[item, 1], found[item, 2], renewal = best_levels(
                table[0, :count], first, money[item], review[0, :review_count], review_first, renewal
            )


def ss_tables(costs: Array, first: Whole, demand: Array, money: Array, found: Array) -> None:
    """Solve every item from tables: ``costs`` (n, width) from ``first``, ``demand`` (n, width) from 0."""
    items = costs.shape[0]
    for block in prange((items + BLOCK - 1) // BLOCK):
        renewal = np.empty((2, 128))
        for item in range(block * BLOCK, min(items, (block + 1) * BLOCK)):
            if demand[item, 0] >= 1.0:
                found[item, 0], found[item, 1], found[item, 2] = -1.0, 0.0, 0.0
                continue
            found[item, 0], found[item, 1], found[item, 2], renewal = best_levels(
                costs[item], first[item], money[item], demand[item], 0, renewal
            )


def renewal_rows(demand: Array, gap: Whole, out: Array) -> None:
    """Renewal masses m(0), ..., m(gap - 1) of every item into ``out`` (n, widest gap); ``demand`` (n, width) from 0."""
    for item in prange(demand.shape[0]):
        renewal = extend_renewal(np.empty((2, 16)), 0, gap[item], demand[item], 0)
        out[item, : gap[item]] = renewal[0, : gap[item]]
