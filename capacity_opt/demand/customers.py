"""Demand as customers who come one by one, each wanting some units: what continuous review of jumping demand sees.

A compound Poisson demand is made of customers by definition; a negative binomial one is a Poisson number of customers
with logarithmic sizes (Quenouille 1949): P(X = k) = share^k / (-k log(1 - share)), share = 1 - mean / variance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from capacity_opt.demand.assorted import Assorted
from capacity_opt.demand.compound import CompoundPoisson
from capacity_opt.demand.convolution import one_to_many
from capacity_opt.demand.counts import NegativeBinomial
from capacity_opt.demand.lattice import Pmf
from capacity_opt.demand.protocol import Demand

Array = NDArray[np.float64]

# Below this a probability changes nothing, in a table of sizes and at the end of a sum's.
NEGLIGIBLE = 1e-15
DIRECT_SIZES = 256
CELLS = 1 << 22


@dataclass(frozen=True, eq=False)
class Customers:
    """``rate`` of customers per period, and the units one wants: a demand of 1, 2, ... of the same shape."""

    rate: Array
    size: Pmf


def customers_of(demand: Demand) -> Customers | None:
    """The customers a demand is made of; ``None`` for demand that is not made of customers of several sizes.

    >>> who = customers_of(NegativeBinomial(4.0, 9.0))
    >>> round(float(who.rate * who.size.mean), 9)
    4.0
    """
    if isinstance(demand, CompoundPoisson):
        wanting = 1.0 - demand.size[..., 0]
        sizes = demand.size[..., 1:] if demand.size.shape[-1] > 1 else np.zeros((*demand.shape, 1))
        rate = demand.rate * wanting
    elif isinstance(demand, NegativeBinomial):
        rate, sizes = _logarithmic(demand.mean, demand.variance)
    else:
        return None
    total = sizes.sum(axis=-1, keepdims=True)
    first = np.eye(1, sizes.shape[-1])[0]
    sizes = np.where(total > 0, sizes / np.where(total > 0, total, 1.0), first)
    return Customers(np.asarray(rate), Pmf.trusted(sizes, np.ones(sizes.shape[:-1])))


def _logarithmic(mean: Array, variance: Array) -> tuple[Array, Array]:
    moving = (mean > 0) & (variance > 0)
    share = np.maximum(np.where(moving, 1.0 - mean / np.where(moving, variance, 1.0), 0.0), 1e-12)
    most = int(np.ceil(np.log(NEGLIGIBLE) / np.log(np.max(share)))) + 1
    units = np.arange(1, most + 1)
    sizes = np.exp(units * np.log(share)[..., None]) / (-np.log1p(-share)[..., None] * units)
    return mean * (1.0 - share) * -np.log1p(-share) / share, sizes


def with_one_customer(before: Demand, customers: Customers) -> Demand:
    """``before`` (counts) and one more customer's units, independent; items of like support share a table."""
    shape = np.broadcast_shapes(before.shape, customers.size.shape)
    size = customers.size
    if not shape:
        top = _top(before)
        return Pmf.trusted(_rows(before, top, np.atleast_2d(size.probabilities))[0], np.ones(()))
    count = shape[0]
    many = before if before.shape == shape else one_to_many(before, count)
    top = np.broadcast_to(_top(many), shape)
    sizes = np.broadcast_to(size.probabilities, (count, size.probabilities.shape[-1]))
    blocks = list(_by_width(top.astype(np.int64) + 2 + sizes.shape[1]))
    parts = [Pmf.trusted(_rows(many.take(at), top[at], sizes[at]), np.ones(len(at))) for at in blocks]
    return parts[0] if len(parts) == 1 else Assorted(parts, blocks)


def _top(demand: Demand) -> Array:
    with np.errstate(over="ignore"):
        return np.maximum(demand.quantile(1.0 - NEGLIGIBLE), 0.0)


def _by_width(width: NDArray[np.int64]) -> list[NDArray[np.intp]]:
    order, start, blocks = np.argsort(width, kind="stable"), 0, []
    while start < len(order):
        narrow = int(width[order[start]])
        stop = start + int(np.searchsorted(width[order[start:]], 2 * narrow, side="right"))
        stop = min(stop, start + max(1, CELLS // (2 * narrow)))
        blocks.append(np.sort(order[start:stop]))
        start = stop
    return blocks


def _rows(before: Demand, top: Array, sizes: Array) -> Array:
    """P(before + size - 1 = k), (items, points)."""
    grid = np.arange(int(np.max(top)) + 2.0)
    survival = before.survival(grid[:, None] if before.shape else grid)
    survival = np.atleast_2d(survival.T)
    first = np.ones((len(survival), 1))
    masses = np.maximum(np.concatenate([first, survival[:, :-1]], axis=1) - survival, 0.0)
    masses = np.where(grid <= np.atleast_1d(top)[:, None], masses, 0.0)
    length = masses.shape[1] + sizes.shape[1] - 1
    if sizes.shape[1] > DIRECT_SIZES:
        size = int(fft.next_fast_len(length, real=True))
        out = fft.irfft(fft.rfft(masses, size) * fft.rfft(sizes, size), size)[:, :length]
        out = np.where(out < 1e-15, 0.0, out)
    else:
        out = np.zeros((len(masses), length))
        for k in range(sizes.shape[1]):
            out[:, k : k + masses.shape[1]] += sizes[:, k : k + 1] * masses
    normalised: Array = out / np.cumsum(out, axis=1)[:, -1:]
    return normalised
