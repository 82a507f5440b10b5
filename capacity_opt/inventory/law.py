"""Discrete demand as the kernels see it: Poisson and negative binomial by three numbers, anything else by tables."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt.demand.counts import NegativeBinomial, Poisson
from capacity_opt.demand.protocol import Demand

Array = NDArray[np.float64]
Items = NDArray[np.intp]
CELLS = 1 << 21


def panjer_law(demand: Demand, items: int) -> Array | None:
    """Mean, a, b and standard deviation per item, (items, 4), or ``None`` for other families.

    See :mod:`capacity_opt.inventory.panjer` for a and b.
    """
    if not isinstance(demand, Poisson | NegativeBinomial):
        return None
    mean = np.broadcast_to(demand.mean, (items,))
    variance = np.broadcast_to(demand.variance, (items,))
    excess = np.where(variance - mean > 1e-12 * mean, variance - mean, 0.0)
    spread = np.where(variance > 0, variance, 1.0)
    return np.stack([mean, excess / spread, (mean * mean - excess) / spread, np.sqrt(variance)], axis=1)


def of_items(demand: Demand, items: Items) -> Demand:
    """The demand of some items; one demand for all serves any of them."""
    return demand if demand.shape == () else demand.take(items)


def by_width(width: NDArray[np.int64], cells: int = CELLS) -> Iterator[Items]:
    """Items in groups of like table width, each group's tables holding at most about ``cells`` numbers.

    Widths in a group differ at most twofold, so short tables are not padded to the longest.
    """
    order = np.argsort(width, kind="stable")
    start = 0
    while start < len(order):
        narrow = int(width[order[start]])
        stop = start + int(np.searchsorted(width[order[start:]], 2 * narrow, side="right"))
        stop = min(stop, start + max(1, cells // (2 * narrow)))
        yield order[start:stop]
        start = stop


def support(demand: Demand, ratio: Array, step: Array) -> tuple[Array, Array]:
    """Lattice points (in units of ``step``) between which demand can matter: below lies < 1e-15 of it, above a loss
    whose price, ``ratio`` times a unit's holding, is below 1e-13 steps."""
    items = len(ratio)
    with np.errstate(over="ignore"):
        low = np.broadcast_to(np.floor(demand.quantile(1e-15) / step), (items,))
        high = np.broadcast_to(np.ceil(demand.quantile(1.0 - 1e-12) / step), (items,)).copy()
    width = np.maximum(high - low, 1.0)
    for _ in range(60):
        short = ratio * np.broadcast_to(demand.loss(high * step), (items,)) > 1e-13 * step
        if not np.any(short):
            break
        high = np.where(short, high + width, high)
    return low, high


def row(value: ArrayLike, items: int) -> Array:
    """A scalar or (items,) array as (items,) float64."""
    return np.broadcast_to(np.asarray(value, dtype=np.float64), (items,))
