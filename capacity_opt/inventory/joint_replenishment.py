"""Joint replenishment: items share a major cost per order, each adds its own, and item i joins every k_i-th order.

The best strict cyclic policy, exactly. For a base cycle T the best multiple of item i changes from k to k + 1 where
T^2 = 2 K_i / (h_i d_i k (k + 1)); between two such points the multiples are fixed and the best T has a closed form. So
walking the points downward visits every set of multiples that can be best (Goyal 1974; Wildeman, Frenk & Dekker 1997).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class JointReplenishmentResult:
    """A strict cyclic policy: a joint order every ``cycle_time``; item i takes part in every ``multiples[i]``-th.

    ``order_quantity`` (n,) is each item's quantity when it takes part; ``expected_cost`` is money per unit of time.
    """

    cycle_time: float
    multiples: NDArray[np.int64]
    order_quantity: Array
    expected_cost: float


def optimize_joint_replenishment(
    demand_rate: ArrayLike, *, major_cost: float, item_cost: ArrayLike, holding_cost: ArrayLike
) -> JointReplenishmentResult:
    """The cheapest base cycle and integer multiples for items that share ``major_cost`` (> 0) per order.

    ``demand_rate`` (n,) in units per time, ``item_cost`` per order an item takes part in (0 allowed),
    ``holding_cost`` per unit and time; scalars broadcast over items.

    >>> best = optimize_joint_replenishment([1, 1, 1], major_cost=600, item_cost=[120, 840, 300],
    ...                                     holding_cost=[160, 20, 50])
    >>> best.multiples, round(best.cycle_time, 4), round(best.expected_cost, 2)
    (array([1, 3, 1]), 3.1032, 837.85)
    """
    major, rate, minor, holding = _inputs(demand_rate, major_cost, item_cost, holding_cost)
    half = 0.5 * holding * rate
    all_together = 2.0 * np.sqrt((major + minor.sum()) * half.sum())
    # No cycle shorter than this can beat ordering everything together: the major cost alone would exceed the gain.
    apart = float(np.sum(2.0 * np.sqrt(minor * half)))
    shortest = major / (all_together - apart)
    item, step = _changes(minor, half, shortest)
    fixed = major + minor.sum() + np.concatenate([[0.0], np.cumsum(-minor[item] / (step * (step + 1)))])
    held = half.sum() + np.concatenate([[0.0], np.cumsum(half[item])])
    best = int(np.argmin(fixed * held))
    multiples = 1 + np.bincount(item[:best], minlength=len(rate))
    total_fixed, total_held = major + float(np.sum(minor / multiples)), float(np.sum(half * multiples))
    cycle = float(np.sqrt(total_fixed / total_held))
    return JointReplenishmentResult(
        cycle_time=cycle,
        multiples=multiples.astype(np.int64),
        order_quantity=rate * multiples * cycle,
        expected_cost=2.0 * float(np.sqrt(total_fixed * total_held)),
    )


def evaluate_joint_replenishment(
    cycle_time: float,
    multiples: ArrayLike,
    demand_rate: ArrayLike,
    *,
    major_cost: float,
    item_cost: ArrayLike,
    holding_cost: ArrayLike,
) -> float:
    """Money per unit of time of a given cycle and multiples; the major cost is paid at every base cycle.

    >>> round(evaluate_joint_replenishment(3, [1, 3, 1], [1, 1, 1], major_cost=600, item_cost=[120, 840, 300],
    ...                                    holding_cost=[160, 20, 50]), 2)
    838.33
    """
    major, rate, minor, holding = _inputs(demand_rate, major_cost, item_cost, holding_cost)
    cycle = float(_checks.positive("cycle_time", cycle_time))
    count = _checks.whole("multiples", multiples, at_least=1)
    return float((major + np.sum(minor / count)) / cycle + 0.5 * cycle * np.sum(holding * rate * count))


def _inputs(
    demand_rate: ArrayLike, major_cost: float, item_cost: ArrayLike, holding_cost: ArrayLike
) -> tuple[float, Array, Array, Array]:
    _, given = _checks.broadcast(
        demand_rate=np.atleast_1d(_checks.positive("demand_rate", demand_rate)),
        item_cost=_checks.non_negative("item_cost", item_cost),
        holding_cost=_checks.positive("holding_cost", holding_cost),
    )
    major = float(_checks.positive("major_cost", major_cost))
    return major, given["demand_rate"], given["item_cost"], given["holding_cost"]


def _changes(minor: Array, half: Array, shortest: float) -> tuple[NDArray[np.intp], Array]:
    """Every (item, k) at which an item's multiple grows from k to k + 1 as the cycle shrinks, longest cycle first."""
    ratio = minor / half
    count = np.floor(0.5 * (np.sqrt(1.0 + 4.0 * ratio / shortest**2) - 1.0)).astype(np.int64) + 1
    item = np.repeat(np.arange(len(minor)), count)
    step = np.concatenate([np.arange(1, n + 1) for n in count]).astype(np.float64)
    order = np.argsort(-ratio[item] / (step * (step + 1)), kind="stable")
    keep = order[ratio[item[order]] > 0]
    return item[keep], step[keep]
