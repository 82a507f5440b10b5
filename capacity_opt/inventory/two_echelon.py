"""A depot and its bases under one-for-one replenishment: exact backorders, and the METRIC approximations by name.

Poisson demand, first come first served, shortages backordered, times independent of one another. Of the units
that bases wait for at the depot, each is base i's with probability rate_i / total rate, so given the depot's
backorders a base's share is binomial (Simon 1971; Graves 1985); what is shipped or mended is an independent Poisson
number (Palm). METRIC (Sherbrooke 1968) takes the whole resupply as Poisson; VARI-METRIC (Graves 1985; Sherbrooke
1986) fits a negative binomial to its mean and variance.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.demand.counts import NegativeBinomial, Poisson
from capacity_opt.errors import ArgumentError
from capacity_opt.problem.network import DepotAndBases

Array = NDArray[np.float64]
BLOCK = 512
LARGEST = 20_000  # units in any pipeline or stock: the exact model takes time and room with its square


@dataclass(frozen=True, kw_only=True)
class TwoEchelonStock:
    """Stock at a depot and its bases (B,) and what it gives, in units and steady state.

    ``expected_backorders`` (B,) units that customers wait for at each base; ``ready_rate`` (B,) P(stock on hand > 0),
    which by PASTA is the fill rate; ``depot_backorders`` units that bases wait for; ``depot_ready_rate``;
    ``mean_in_resupply`` (B,). ``method`` says which model gave the numbers: "exact", "METRIC" or "VARI-METRIC".
    """

    depot_stock: int
    base_stock: NDArray[np.int64]
    expected_backorders: Array
    ready_rate: Array
    mean_in_resupply: Array
    depot_backorders: float
    depot_ready_rate: float
    method: str

    @property
    def total_backorders(self) -> float:
        """Expected backorders of all bases together."""
        return float(self.expected_backorders.sum())


@dataclass(frozen=True, kw_only=True)
class TwoEchelonAllocation(TwoEchelonStock):
    """The best split of a total stock; ``curve`` (total + 1,) the least total backorders for 0, 1, ... units."""

    curve: Array


def evaluate_two_echelon(network: DepotAndBases, *, depot_stock: int, base_stock: ArrayLike) -> TwoEchelonStock:
    """Exact expected backorders and ready rates of given stocks; ``base_stock`` (B,) or one for all.

    >>> pool = DepotAndBases(base_rate=[1, 2, 3], order_and_ship_time=0.5, depot_replenishment_time=1)
    >>> round(evaluate_two_echelon(pool, depot_stock=4, base_stock=[1, 2, 3]).total_backorders, 6)
    1.281608
    """
    depot, bases = _stocks(network, depot_stock, base_stock)
    pmfs = [_in_resupply(network, depot, base) for base in range(len(bases))]
    backorders = [float(_losses(pmf, int(stock))[-1]) for pmf, stock in zip(pmfs, bases)]
    ready = [float(pmf[: int(stock)].sum()) for pmf, stock in zip(pmfs, bases)]
    return _stock(network, depot, bases, np.array(backorders), np.array(ready), "exact")


def approximate_two_echelon(
    network: DepotAndBases, *, depot_stock: int, base_stock: ArrayLike, two_moments: bool = True
) -> TwoEchelonStock:
    """An approximation, for comparison: VARI-METRIC, or with ``two_moments=False`` METRIC (which is optimistic).

    >>> pool = DepotAndBases(base_rate=[0.1, 0.1], order_and_ship_time=2, depot_replenishment_time=14)
    >>> metric = approximate_two_echelon(pool, depot_stock=2, base_stock=2, two_moments=False)
    >>> metric.method, round(metric.total_backorders, 6), round(
    ...     evaluate_two_echelon(pool, depot_stock=2, base_stock=2).total_backorders, 6)
    ('METRIC', 0.096616, 0.159806)
    """
    depot, bases = _stocks(network, depot_stock, base_stock)
    waiting, variance = _depot_moments(network, depot)
    share = network.depot_rate / network.depot_rate.sum()
    mean = network.base_pipeline + share * waiting
    spread = network.base_pipeline + share**2 * variance + share * (1.0 - share) * waiting
    resupply = NegativeBinomial(mean, np.maximum(spread, mean)) if two_moments else Poisson(mean)
    level = bases.astype(np.float64)
    method = "VARI-METRIC" if two_moments else "METRIC"
    return _stock(network, depot, bases, resupply.loss(level), resupply.cdf(level - 1.0), method)


def optimize_two_echelon(network: DepotAndBases, *, total_stock: int) -> TwoEchelonAllocation:
    """The split of ``total_stock`` units over depot and bases with the least expected backorders at the bases.

    Exact: for every depot stock the bases' backorders are convex in their own stocks, so units go one by one where
    they save most; the best depot stock is found by trying all.

    >>> pool = DepotAndBases(base_rate=[1, 2, 3], order_and_ship_time=0.5, depot_replenishment_time=1)
    >>> best = optimize_two_echelon(pool, total_stock=10)
    >>> best.depot_stock, best.base_stock, round(best.total_backorders, 4)
    (4, array([1, 2, 3]), 1.2816)
    """
    total = _stock_of("total_stock", total_stock)
    _refuse_large(network)
    curve, best, chosen = np.full(total + 1, np.inf), np.inf, (0, np.zeros(0, np.int64))
    for depot in range(total + 1):
        backorders, order = _marginal_allocation(network, depot, total - depot)
        curve[depot:] = np.minimum(curve[depot:], backorders)
        if backorders[-1] < best - 1e-15:
            best, chosen = float(backorders[-1]), (depot, order)
    bases = np.bincount(chosen[1], minlength=len(network.depot_rate)).astype(np.int64)
    found = evaluate_two_echelon(network, depot_stock=chosen[0], base_stock=bases)
    return TwoEchelonAllocation(**vars(found), curve=curve)


def _marginal_allocation(network: DepotAndBases, depot: int, units: int) -> tuple[Array, NDArray[np.int64]]:
    """Total backorders after 0..units at the bases, and the base that gets each unit, best first."""
    alike: dict[tuple[float, float], Array] = {}
    for key, base in _distinct(network):
        alike[key] = _losses(_in_resupply(network, depot, base), units)
    losses = np.stack([alike[key] for key in _keys(network)])
    # Convexity sorts each row already; forcing it keeps rounding from handing a base its second unit first.
    savings = np.minimum.accumulate(-np.diff(losses, axis=1), axis=1)
    order = np.argsort(-savings.ravel(), kind="stable")[:units]
    saved = np.concatenate([[0.0], np.cumsum(savings.ravel()[order])])
    return losses[:, 0].sum() - saved, (order // max(units, 1)).astype(np.int64)


def _keys(network: DepotAndBases) -> list[tuple[float, float]]:
    """What decides a base's resupply besides the depot's stock: its share of the depot's demand and its pipeline."""
    return list(zip(network.depot_rate.tolist(), network.base_pipeline.tolist()))


def _distinct(network: DepotAndBases) -> list[tuple[tuple[float, float], int]]:
    keys = _keys(network)
    return [(key, keys.index(key)) for key in dict.fromkeys(keys)]


def _in_resupply(network: DepotAndBases, depot: int, base: int) -> Array:
    """P(0, 1, ... units on their way to a base): its share of the depot's backorders plus its own pipeline."""
    own = _poisson_pmf(float(network.base_pipeline[base]))
    share = float(network.depot_rate[base] / network.depot_rate.sum())
    return np.convolve(_thinned(_depot_backorder_pmf(network, depot), share), own)


def _depot_backorder_pmf(network: DepotAndBases, depot: int) -> Array:
    pmf = _poisson_pmf(network.depot_pipeline, at_least=depot + 1)
    return np.concatenate([[pmf[: depot + 1].sum()], pmf[depot + 1 :]])


def _thinned(pmf: Array, share: float) -> Array:
    """The number kept when each of N ~ ``pmf`` units is kept with probability ``share``, independently."""
    if share >= 1.0:
        return pmf
    size = len(pmf)
    if size <= BLOCK:
        return pmf @ _binomial_block(0, BLOCK, BLOCK, share)[:size, :size]
    thinned = np.zeros(size)
    for start in range(0, size, BLOCK):
        weight = pmf[start : start + BLOCK]
        if np.any(weight > 0):
            thinned += weight @ _binomial(start, len(weight), size, share)
    return thinned


@lru_cache(maxsize=32)
def _binomial_block(start: int, rows: int, columns: int, share: float) -> Array:
    """The block kept from one depot stock to the next: 2 MB per base."""
    return _binomial(start, rows, columns, share)


def _binomial(start: int, rows: int, columns: int, share: float) -> Array:
    """``[i, k]`` = P(k of start + i units are kept)."""
    total, kept = np.arange(start, start + rows, dtype=np.float64)[:, None], np.arange(columns, dtype=np.float64)
    left = np.maximum(total - kept, 0.0)
    ways = scipy.special.gammaln(total + 1) - scipy.special.gammaln(kept + 1) - scipy.special.gammaln(left + 1)
    logarithm = ways + scipy.special.xlogy(kept, share) + scipy.special.xlog1py(left, -share)
    return np.where(kept <= total, np.exp(np.minimum(logarithm, 0.0)), 0.0)


def _poisson_pmf(mean: float, *, at_least: int = 0) -> Array:
    """Poisson probabilities up to a tail below 1e-17, and up to ``at_least``."""
    top = int(mean + 10.0 * np.sqrt(mean) + 20.0)
    demand = Poisson(mean)
    return np.asarray(demand.mass(np.arange(max(top, at_least) + 1, dtype=np.float64)), dtype=np.float64)


def _losses(pmf: Array, largest: int) -> Array:
    """E[max(X - s, 0)] for s = 0..largest, summed from the far end so that small values keep their digits."""
    size = max(len(pmf), largest + 1)
    padded = np.zeros(size)
    padded[: len(pmf)] = pmf
    beyond = np.cumsum(padded[::-1])[::-1]  # P(X >= s)
    loss: Array = np.concatenate([np.cumsum(beyond[:0:-1])[::-1], [0.0]])
    return loss[: largest + 1]


def _depot_moments(network: DepotAndBases, depot: int) -> tuple[float, float]:
    pmf = _depot_backorder_pmf(network, depot)
    count = np.arange(len(pmf), dtype=np.float64)
    mean = float(pmf @ count)
    return mean, max(float(pmf @ count**2) - mean**2, 0.0)


def _stock_of(name: str, value: int) -> int:
    whole = _checks.whole(name, _checks.single(name, value))
    return int(_checks.between(name, whole, 0, LARGEST))


def _refuse_large(network: DepotAndBases) -> None:
    _checks.between("the depot's pipeline (rate times time)", network.depot_pipeline, 0, LARGEST)
    _checks.between("the bases' pipelines (rate times time)", network.base_pipeline, 0, LARGEST)


def _stocks(network: DepotAndBases, depot: int, bases: ArrayLike) -> tuple[int, NDArray[np.int64]]:
    _refuse_large(network)
    whole = _checks.between("base_stock", _checks.whole("base_stock", bases), 0, LARGEST).astype(np.int64)
    count = len(network.depot_rate)
    if whole.ndim > 1 or (whole.ndim == 1 and len(whole) != count):
        raise ArgumentError(f"base_stock must be one number or one per base ({count}), got shape {whole.shape}")
    return _stock_of("depot_stock", depot), np.broadcast_to(whole, (count,)).copy()


def _stock(
    network: DepotAndBases, depot: int, bases: NDArray[np.int64], backorders: Array, ready: Array, method: str
) -> TwoEchelonStock:
    at_depot = Poisson(network.depot_pipeline)
    waiting = float(at_depot.loss(float(depot)))
    share = network.depot_rate / network.depot_rate.sum()
    return TwoEchelonStock(
        depot_stock=depot,
        base_stock=bases,
        expected_backorders=cast(Array, np.asarray(backorders, dtype=np.float64)),
        ready_rate=np.asarray(ready, dtype=np.float64),
        mean_in_resupply=network.base_pipeline + share * waiting,
        depot_backorders=waiting,
        depot_ready_rate=float(at_depot.cdf(depot - 1.0)),
        method=method,
    )
