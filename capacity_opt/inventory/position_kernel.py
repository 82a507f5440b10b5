"""Averages over the stationary positions of a policy, item by item: plain Python, compiled where numba is installed.

After ordering, the position of (r, Q) is uniform on r + 1, ..., r + Q, and that of (s, S) is S - j with probability
m(j) / M(S - s), m the renewal masses of one review period's demand (Zheng & Federgruen 1991).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from capacity_opt.inventory.panjer import fill_table, first_point
from capacity_opt.inventory.rq_kernel import reach_at
from capacity_opt.inventory.ss_kernel import extend_renewal

Array = NDArray[np.float64]
prange = range
BLOCK = 128
FAR = 5.0


def table_cut(reorder: float, mean: float, deviation: float) -> float:
    """How far a table must go: very far where the policy itself sits in the far tail."""
    return 1e-17 if reorder <= mean + FAR * deviation else 1e-90


def loss_at(point: int, table: Array, first: int, mean: float) -> float:
    """E[max(D - point, 0)] from a table that starts at ``first``."""
    column = point - first
    if column < 0:
        return mean - point
    return float(table[2, column]) if column < table.shape[1] else 0.0


def add_positions(table: Array, first: int, mean: float, up_to: int, share: Array, early: int, out: Array) -> None:
    """Averages over positions ``up_to``, ``up_to - 1``, ... taken with probability ``share`` into ``out`` (8,)."""
    loss = above = reach = 0.0
    for used in range(share.shape[0]):
        loss += share[used] * loss_at(up_to - used, table, first, mean)
    if early == 1:
        out[7] = loss
        return
    for used in range(share.shape[0]):
        above += share[used] * reach_at(up_to - used, table[1], first)
        reach += share[used] * reach_at(up_to - used - 1, table[1], first)
    reorder = up_to - share.shape[0]
    out[0], out[1], out[2] = loss, above, reach
    out[3], out[4] = reach_at(reorder, table[1], first), loss_at(reorder, table, first, mean)


def rq_averages(law: Array, levels: Array, out: Array) -> None:
    """Loss, P(D > y) and P(D >= y) averaged over y = r + 1, ..., r + Q, P(D > r) and the loss at r.

    ``law`` (n, 4) as in :mod:`capacity_opt.inventory.law`; ``levels`` (n, 2) = r, Q; ``out`` (n, 5).
    """
    items = law.shape[0]
    for block in prange((items + BLOCK - 1) // BLOCK):
        table = np.empty((3, 256))
        for item in range(block * BLOCK, min(items, (block + 1) * BLOCK)):
            mean, a, b, deviation = law[item]
            first = first_point(mean, deviation)
            reorder, quantity = int(levels[item, 0]), int(levels[item, 1])
            table, count = fill_table(mean, a, b, first, table_cut(reorder, mean, deviation), table)
            loss = above = 0.0
            for point in range(reorder + 1, reorder + quantity + 1):
                loss += loss_at(point, table[:, :count], first, mean)
                above += reach_at(point, table[1, :count], first)
            before = reach_at(reorder, table[1, :count], first)
            final = reach_at(reorder + quantity, table[1, :count], first)
            out[item, 0] = loss / quantity
            out[item, 1] = above / quantity
            out[item, 2] = (above + before - final) / quantity
            out[item, 3] = before
            out[item, 4] = loss_at(reorder, table[:, :count], first, mean)


def ss_averages(law: Array, early_law: Array, review_law: Array, levels: Array, out: Array) -> None:
    """As :func:`rq_averages` over the positions of (s, S), ``levels`` (n, 2).

    ``out`` (n, 8) ends in M(S - s), E[y] and the average loss of the demand of ``early_law``.
    """
    items = law.shape[0]
    for block in prange((items + BLOCK - 1) // BLOCK):
        table = np.empty((3, 256))
        review = np.empty((3, 128))
        renewal = np.empty((2, 128))
        for item in range(block * BLOCK, min(items, (block + 1) * BLOCK)):
            reorder, up_to = int(levels[item, 0]), int(levels[item, 1])
            gap = up_to - reorder
            if review_law[item, 0] == 0.0:
                # Nothing moves: the position stays where it is.
                gap = 1
                renewal[:, 0] = 1.0
            else:
                mean, a, b, deviation = review_law[item]
                first = first_point(mean, deviation)
                review, count = fill_table(mean, a, b, first, 1e-17, review)
                renewal = extend_renewal(renewal, 0, gap, review[0, :count], first)
            total = renewal[1, gap - 1]
            out[item, 5] = np.inf if review_law[item, 0] == 0.0 else total
            out[item, 6] = up_to - np.sum(renewal[0, :gap] * np.arange(gap)) / total
            for which in range(2):
                mean, a, b, deviation = law[item] if which == 0 else early_law[item]
                first = first_point(mean, deviation)
                table, count = fill_table(mean, a, b, first, table_cut(reorder, mean, deviation), table)
                add_positions(table[:, :count], first, mean, up_to, renewal[0, :gap] / total, which, out[item])
