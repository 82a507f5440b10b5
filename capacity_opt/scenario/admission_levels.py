"""Levels for every pool and moment: tuned for mean and for high demand; those that earn most over all of it stay."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capacity_opt.admission.critical_levels import fluid_revenue, tune_critical_levels
from capacity_opt.admission.multirate import multirate_loss
from capacity_opt.admission.placement_score import placement_score
from capacity_opt.scenario.admission_pools import AdmissionPool

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

HIGH = 0.9


@dataclass(frozen=True, kw_only=True)
class Levels:
    """The levels of one pool in period ``t``, block ``b``; money per period, means over the outcomes of demand.

    ``reservation`` (n,) steps to keep free; ``blocking`` and ``first_come_blocking`` (n,) shares of requests;
    ``at_mean`` (n,) blocking at mean demand, which the judge plays; ``revenue``, ``first_come_revenue`` and
    ``upper_bound``; ``marginal_value`` money per natural unit of the resource; ``used`` its mean use; ``met`` whether
    every promised blocking is kept at mean demand; ``score`` (n,) of a request, 1 to 10; ``spot`` natural units that
    stay with the chance wanted.
    """

    t: int
    b: int
    units: int
    load: Array
    reservation: IntArray
    blocking: Array
    first_come_blocking: Array
    at_mean: Array
    revenue: float
    first_come_revenue: float
    upper_bound: float
    marginal_value: float
    used: float
    met: bool
    exact: bool
    score: IntArray
    spot: float

    @property
    def control_needed(self) -> bool:
        """Whether anything is kept free."""
        return bool(self.reservation.any())

    @property
    def gain(self) -> float:
        """What the levels earn more than first come, share."""
        return self.revenue / self.first_come_revenue - 1.0 if self.first_come_revenue > 0 else 0.0


def tune_pool(pool: AdmissionPool, *, loads: int, max_eviction: float, stopped: Callable[[], bool]) -> list[Levels]:
    """The levels of every period and block, in order; what there is so far once ``stopped()``."""
    found: list[Levels] = []
    start: IntArray | None = None
    for t in range(pool.load.shape[1]):
        for b in range(pool.load.shape[2]):
            if stopped():
                return found
            found.append(_moment(pool, t, b, loads, max_eviction, start))
            start = found[-1].reservation if found[-1].control_needed else start
    return found


def _moment(pool: AdmissionPool, t: int, b: int, loads: int, max_eviction: float, start: IntArray | None) -> Levels:
    units = int(pool.units[t])
    seen = representative(pool.load[:, t, b], pool.chance, pool.size, loads)
    mean = pool.chance @ pool.load[:, t, b]
    level = chosen_levels(pool, units, mean, seen, start)
    with_levels = multirate_loss(units, load=seen, size=pool.size, reservation=level)
    first = multirate_loss(units, load=seen, size=pool.size)
    central = multirate_loss(units, load=mean, size=pool.size, reservation=level)
    larger = multirate_loss(units + 1, load=seen, size=pool.size, reservation=level)
    revenue = float(with_levels.revenue(pool.price).mean())
    accepted = np.minimum(pool.most_blocked, 1.0 - pool.floor)
    return Levels(
        t=t,
        b=b,
        units=units,
        load=mean,
        reservation=level,
        blocking=_lost(with_levels.blocking, seen),
        first_come_blocking=_lost(first.blocking, seen),
        at_mean=central.blocking,
        revenue=revenue,
        first_come_revenue=float(first.revenue(pool.price).mean()),
        upper_bound=float(np.mean([fluid_revenue(units, load=one, size=pool.size, price=pool.price) for one in seen])),
        marginal_value=max(float(larger.revenue(pool.price).mean()) - revenue, 0.0) / pool.unit,
        used=float(np.mean(with_levels.mean_used)) * pool.unit,
        met=bool(np.all(central.blocking <= accepted + 1e-9)),
        exact=with_levels.exact and np.unique(pool.holding).size == 1,
        score=_scores(pool, units, mean, level),
        spot=_spot(with_levels.occupancy.mean(axis=0), max_eviction) * pool.unit if pool.spot else 0.0,
    )


def representative(load: Array, chance: Array, size: IntArray, count: int) -> Array:
    """``count`` equally likely outcomes of ``load`` (S, n): the middles of equal shares in order of the whole load."""
    order = np.argsort(load @ size, kind="stable")
    reached = np.cumsum(chance[order])
    wanted = (np.arange(count) + 0.5) / count * reached[-1]
    picked: Array = load[order[np.minimum(np.searchsorted(reached, wanted), len(order) - 1)]]
    return picked


def chosen_levels(pool: AdmissionPool, units: int, mean: Array, seen: Array, start: IntArray | None = None) -> IntArray:
    """Of the levels tuned for mean and for high demand, and of none, those that earn most over all of it; the search
    begins at ``start``, the levels of a moment much like this one, where given."""
    none = np.zeros(len(mean), dtype=np.int64)
    if units < 1 or not mean.any():
        return none
    high = representative(seen, np.full(len(seen), 1.0 / len(seen)), pool.size, 1 + len(seen))[int(HIGH * len(seen))]
    accepted = np.minimum(pool.most_blocked, 1.0 - pool.floor)
    tried = [none] + [
        tune_critical_levels(
            units,
            arrival_rate=load / pool.holding,
            holding_time=pool.holding,
            size=pool.size,
            price=pool.price,
            max_blocking=accepted,
            start=start,
        ).reservation
        for load in (mean, high)
    ]
    worth = []
    for level in tried:
        central = multirate_loss(units, load=mean, size=pool.size, reservation=level).blocking
        excess = max(float(np.max(central - accepted)), 0.0)
        earned = float(multirate_loss(units, load=seen, size=pool.size, reservation=level).revenue(pool.price).mean())
        worth.append((excess if excess > 1e-9 else 0.0, -earned, int(level.sum())))
    return tried[min(range(len(tried)), key=worth.__getitem__)]


def _lost(blocking: Array, load: Array) -> Array:
    """Share of all requests lost over outcomes of load (loads, n)."""
    total = load.sum(axis=0)
    lost: Array = np.divide((blocking * load).sum(axis=0), total, out=np.zeros_like(total), where=total > 0)
    return lost


def _scores(pool: AdmissionPool, units: int, mean: Array, level: IntArray) -> IntArray:
    central = multirate_loss(units, load=mean, size=pool.size, reservation=level)
    return np.array(
        [
            placement_score(central, units=int(size), reservation=int(kept)).score
            for size, kept in zip(pool.size, level)
        ],
        dtype=np.int64,
    )


def _spot(occupancy: Array, max_eviction: float) -> float:
    """Steps beside the firm ones that all stay with probability 1 - ``max_eviction``."""
    firm = int(np.searchsorted(np.cumsum(occupancy), 1.0 - max_eviction))
    return float(max(occupancy.size - 1 - firm, 0))


def fullest(levels: Sequence[Levels], pool: AdmissionPool) -> Levels:
    """The moment whose mean load takes most of the capacity."""
    return max(levels, key=lambda one: float(one.load @ pool.size) / max(one.units, 1))
