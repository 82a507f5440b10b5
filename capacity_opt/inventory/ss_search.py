"""Finds exact (s, S) policies: by the compiled algorithm, or in NumPy by full enumeration where it is absent.

Both minimise c(s, S) = (K + sum over j < S - s of m(j) G(S - j)) / M(S - s); the enumeration prices every pair of
levels in a table whose ends cost more than the best policy, and shares no step with Zheng & Federgruen's search.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from capacity_opt._compiled import compiled
from capacity_opt.inventory import panjer, rq_kernel, ss_kernel
from capacity_opt.inventory.exposure import Exposure
from capacity_opt.inventory.law import Items, by_width, of_items, panjer_law, row, support
from capacity_opt.inventory.ss_lattice import lattice_masses, lattice_reorder_point, lattice_width, renewal_masses

Array = NDArray[np.float64]
SEARCHED = (rq_kernel.cost_at, ss_kernel.extend_renewal, ss_kernel.cycle_cost, ss_kernel.best_levels)


def find_ss(
    exposed: Exposure, holding: Array, stockout: Array, fixed: Array, step: Array, chosen: NDArray[np.bool_]
) -> Array:
    """Reorder point, order-up-to level and cost per period, (items, 3), for the ``chosen`` items; ``fixed`` per review.

    Items that never move keep nothing: s = -1, S = 0 in lattice steps.
    """
    items = len(holding)
    found = np.full((items, 3), np.nan)
    left = chosen.copy()
    late, review = panjer_law(exposed.late, items), panjer_law(exposed.review, items)
    kernel = compiled(
        ss_kernel.ss_panjer, panjer.first_point, panjer.fill_table, panjer.tail_cut, panjer.fill_costs, *SEARCHED
    )
    if kernel is not None and late is not None and review is not None:
        simple = np.flatnonzero(left & (step == 1.0))
        part = np.empty((len(simple), 3))
        money = np.stack([late[:, 0], holding, stockout, fixed], axis=1)[simple]
        kernel(late[simple], review[simple], money, part)
        found[simple] = part
        left[simple] = False
    if np.any(left):
        _find_from_tables(exposed, holding, stockout, fixed, step, np.flatnonzero(left), found)
    return found


def _find_from_tables(
    exposed: Exposure, holding: Array, stockout: Array, fixed: Array, step: Array, left: Items, found: Array
) -> None:
    late = of_items(exposed.late, left)
    low, high = support(late, ((holding + stockout) / holding)[left], step[left])
    kernel = compiled(ss_kernel.ss_tables, *SEARCHED)
    money = np.stack([row(exposed.late.mean, len(holding)) / step, holding * step, stockout * step, fixed], axis=1)
    for part in by_width((high - low).astype(np.int64) + 1):
        group = left[part]
        review = of_items(exposed.review, group)
        masses = lattice_masses(review, step[group], lattice_width(review, step[group]), whole=exposed.discrete)
        if kernel is None:
            solved = _widen_and_enumerate(exposed, group, low[part], high[part], money[group], step[group], masses)
        else:
            table = _costs(
                exposed, group, low[part], int(np.max(high[part] - low[part])) + 1, money[group], step[group]
            )
            solved = np.empty((len(group), 3))
            kernel(table, low[part].astype(np.int64), masses, money[group], solved)
        solved[:, :2] *= step[group, None]
        still = masses[:, 0] >= 1.0
        lifted = lattice_reorder_point(solved[:, 0], step[group], whole=exposed.discrete)
        solved[:, 0] = np.where(still, solved[:, 0], lifted)
        found[group] = solved


def _costs(exposed: Exposure, group: Items, first: Array, width: int, money: Array, step: Array) -> Array:
    """G at ``first``, ``first + 1``, ... in lattice steps, (items, width); ``money`` and ``step`` are the group's."""
    points = first + np.arange(width)[:, None]
    mean, holding, stockout = money[:, 0], money[:, 1], money[:, 2]
    loss = of_items(exposed.late, group).loss(points * step) / step
    return np.ascontiguousarray((holding * (points - mean) + (holding + stockout) * loss).T)


def _widen_and_enumerate(
    exposed: Exposure, group: Items, low: Array, high: Array, money: Array, step: Array, masses: Array
) -> Array:
    found = np.empty((len(group), 3))
    still = masses[:, 0] >= 1.0
    found[still] = [-1.0, 0.0, 0.0]
    rows = np.flatnonzero(~still)
    beyond = 4
    while len(rows):
        first = low[rows] - beyond
        width = int(np.max(high[rows] - low[rows])) + 2 * beyond + 1
        table = _costs(exposed, group[rows], first, width, money[rows], step[rows])
        found[rows] = enumerate_levels(table, first, masses[rows], money[rows, 3])
        rows = rows[np.minimum(table[:, 0], table[:, -1]) < found[rows, 2]]
        beyond *= 2
    return found


def enumerate_levels(table: Array, first: Array, masses: Array, fixed: Array) -> Array:
    """The cheapest of all pairs of levels inside ``table`` (items, width): s, S and cost, (items, 3)."""
    items, width = table.shape
    visits = renewal_masses(masses, np.full(items, width))
    total_visits = np.cumsum(visits, axis=1)
    best = np.full(items, np.inf)
    levels = np.zeros((items, 2))
    rows = np.arange(items)
    for top in range(width):
        spent = fixed[:, None] + np.cumsum(visits[:, : top + 1] * table[:, top::-1], axis=1)
        cost = spent / total_visits[:, : top + 1]
        gap = np.argmin(cost, axis=1)
        better = cost[rows, gap] < best
        best = np.where(better, cost[rows, gap], best)
        levels[better] = np.stack([first + top - gap - 1.0, first + top], axis=1)[better]
    return np.concatenate([levels, best[:, None]], axis=1)
