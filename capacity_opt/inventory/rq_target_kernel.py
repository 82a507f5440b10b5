"""Finds (r, Q) of least ordering and holding cost that keeps a service level: plain Python, compiled with numba.

For each quantity the smallest reorder point that keeps the level is known from a running sum, and it never rises with
the quantity, so all quantities are tried in one sweep.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from capacity_opt.inventory.rq_kernel import reach_at

Array = NDArray[np.float64]
Whole = NDArray[np.int64]
prange = range
BLOCK = 64


def held_at(point: int, on_hand: Array, first: int, mean: float) -> float:
    """Expected stock on hand for position ``point``; nothing below the table, a straight line above it."""
    column = point - first
    if column < 0:
        return 0.0
    return float(on_hand[column]) if column < on_hand.shape[0] else point - mean


def lacking_at(point: int, lacking: Array, first: int, slope: float) -> float:
    """What is lacking at position ``point``: ``slope`` more per unit below the table, nothing above it."""
    column = point - first
    if column < 0:
        return float(lacking[0]) - slope * column
    return float(lacking[column]) if column < lacking.shape[0] else 0.0


def service_target(
    on_hand: Array, lacking: Array, first: int, money: Array, survival: Array, smallest: int, step: int
) -> tuple[int, int]:
    """Reorder point and quantity of least cost whose average of ``lacking`` is at most the allowed one.

    ``money`` = mean, h, allowed, K, rate, per order, served, stocked, slope. Stock on hand with probability ``stocked``
    spread at most 1 / Q per level is at least stocked (stocked Q + 1) / 2 units, ``served`` less at a period's end:
    beyond the quantity where that alone costs more than the best policy, none is better.
    """
    mean, holding, allowed, fixed, rate, per_order, served, stocked, slope = money
    top = first + on_hand.shape[0]
    reorder, quantity = top, smallest
    short = 0.0
    held = 0.0
    for point in range(reorder + 1, reorder + quantity + 1):
        held += held_at(point, on_hand, first, mean)
    orders = 1.0
    if per_order > 0:
        orders = 0.0
        for size in range(quantity):
            orders += reach_at(size, survival, 0)
    best, best_reorder, best_quantity = math.inf, reorder, quantity
    while True:
        while True:
            change = lacking_at(reorder, lacking, first, slope) - lacking_at(reorder + quantity, lacking, first, slope)
            if short + change > allowed * quantity * (1.0 + 1e-12):
                break
            short += change
            held += held_at(reorder, on_hand, first, mean) - held_at(reorder + quantity, on_hand, first, mean)
            reorder -= 1
        cost = (fixed * rate * orders + holding * held) / quantity
        if cost < best and (quantity - smallest) % step == 0:
            best, best_reorder, best_quantity = cost, reorder, quantity
        if step > 1 << 40 or holding * (0.5 * stocked * (stocked * (quantity + 1) + 1.0) - served) >= best:
            return best_reorder, best_quantity
        quantity += 1
        short += lacking_at(reorder + quantity, lacking, first, slope)
        held += held_at(reorder + quantity, on_hand, first, mean)
        orders += reach_at(quantity - 1, survival, 0) if per_order > 0 else 0.0


def fixed_reorder(
    on_hand: Array, first: int, reorder: int, money: Array, survival: Array, smallest: int, step: int
) -> int:
    """The quantity of least cost above a given reorder point (stock on hand only grows with it)."""
    mean, holding, _, fixed, rate, per_order, _, _, _ = money
    held = 0.0
    orders = 0.0 if per_order > 0 else 1.0
    quantity = 0
    best, best_quantity = math.inf, smallest
    while True:
        quantity += 1
        held += held_at(reorder + quantity, on_hand, first, mean)
        orders += reach_at(quantity - 1, survival, 0) if per_order > 0 else 0.0
        cost = (fixed * rate * orders + holding * held) / quantity
        if cost < best and quantity >= smallest and (quantity - smallest) % step == 0:
            best, best_quantity = cost, quantity
        if quantity >= smallest and (
            step > 1 << 40 or (cost >= best and holding * held_at(reorder + quantity + 1, on_hand, first, mean) >= best)
        ):
            return best_quantity


def rq_targets(
    on_hand: Array,
    lacking: Array,
    first: Whole,
    reorder: Whole,
    money: Array,
    survival: Array,
    lots: Whole,
    found: Array,
) -> None:
    """Solve every item: ``on_hand``, ``lacking`` (n, width) from ``first``; ``survival`` (n, width) from 0.

    ``reorder`` (n,) is a given reorder point (cycle service), used where what is allowed to lack is negative.
    ``found`` (n, 2) takes r and Q.
    """
    items = on_hand.shape[0]
    for block in prange((items + BLOCK - 1) // BLOCK):
        for item in range(block * BLOCK, min(items, (block + 1) * BLOCK)):
            smallest, step = lots[item]
            if money[item, 2] < 0.0:
                found[item, 0] = reorder[item]
                found[item, 1] = fixed_reorder(
                    on_hand[item], first[item], reorder[item], money[item], survival[item], smallest, step
                )
            else:
                found[item, 0], found[item, 1] = service_target(
                    on_hand[item], lacking[item], first[item], money[item], survival[item], smallest, step
                )
