"""Critical levels for reusable capacity: how much must stay free before a cheaper request is admitted.

Capacity comes back when a request leaves, so what a request costs is the chance that it displaces a dearer one
meanwhile. A class with reservation t is admitted only if at least t units stay free after it. For capacity that is used
up until the next delivery use booking limits (:func:`~capacity_opt.optimize_booking_limits`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.admission.level_search import Judge, Pool, by_chain, by_recursion, polish, search
from capacity_opt.admission.markov_chain import build_chain
from capacity_opt.admission.simulate import SimulatedLoss, simulate_admission
from capacity_opt.demand.protocol import Demand
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

MOST_STATES = 10_000
"""Up to so many states the levels found are judged on the exact chain."""
POLISHED = 2_500
"""Up to so many they are improved on it."""
WORTH = 1e-6
"""Gains below this share of first come's revenue are told as "no control needed"."""


@dataclass(frozen=True, kw_only=True)
class CriticalLevels:
    """Levels per class and what they earn. Money is per unit of time; shares are of requests.

    ``reservation``: units to keep free after admission, (classes,), 0 for classes always admitted while they fit;
    ``revenue`` and ``blocking`` under the levels; ``first_come_revenue`` and ``first_come_blocking`` without control
    (exact for any holding times); ``upper_bound``: what no policy can exceed (a linear program on mean loads);
    ``met``: whether every accepted blocking is kept, ``worst_excess`` by how much the worst is missed; ``judged``:
    ``"chain"`` where the figures are exact for exponential holding times, else ``"recursion"``, the Roberts
    approximation: then check with :meth:`simulated`. ``reason`` says all this in words.
    """

    capacity: int
    reservation: Whole
    revenue: float
    blocking: Array
    first_come_revenue: float
    first_come_blocking: Array
    upper_bound: float
    control_needed: bool
    met: bool
    worst_excess: float
    judged: Literal["chain", "recursion"]
    reason: str
    arrival_rate: Array
    holding_time: Array
    size: Whole

    def simulated(
        self,
        *,
        seed: int,
        holding_time: Demand | None = None,
        requests: int = 100_000,
        replications: int = 20,
        level: float = 0.99,
    ) -> SimulatedLoss:
        """Play these levels: the judge wherever sizes or holding times differ, or are not exponential.

        ``holding_time``: another law of shape (classes,) or () (default: exponential with the means given); the rest as
        in :func:`~capacity_opt.simulate_admission`.

        >>> told = tune_critical_levels(20, arrival_rate=[16, 16], holding_time=1, size=[1, 1], price=[3, 1])
        >>> bool(told.simulated(seed=1, requests=20_000).covers(told.blocking).all())
        True
        """
        return simulate_admission(
            self.capacity,
            arrival_rate=self.arrival_rate,
            holding_time=self.holding_time if holding_time is None else holding_time,
            size=self.size,
            reservation=self.reservation,
            seed=seed,
            requests=requests,
            replications=replications,
            level=level,
        )


def tune_critical_levels(
    capacity: int,
    *,
    arrival_rate: ArrayLike,
    holding_time: ArrayLike,
    size: ArrayLike,
    price: ArrayLike = 1.0,
    max_blocking: ArrayLike = 1.0,
    floor: ArrayLike = 0.0,
    start: ArrayLike | None = None,
) -> CriticalLevels:
    """Levels of the greatest revenue among those that keep every class's accepted blocking.

    Per class (scalars broadcast): ``arrival_rate`` requests per unit of time, ``holding_time`` mean time held, ``size``
    whole units per request, ``price`` money per unit of capacity held and unit of time. Targets: blocking of a class at
    most ``max_blocking``, and at least the share ``floor`` of its requests admitted. Where no levels keep them all, the
    levels that miss the worst one least are returned with ``met`` False. Never worse than first come, first served.

    The search is on the Roberts recursion, class by class from several starts; pools of up to some thousand states are
    then judged, and the levels of smaller ones improved, on the exact chain. ``start``: levels of a pool much like this
    one (last month's, say): only their neighbourhood is searched, which is several times faster.

    >>> told = tune_critical_levels(20, arrival_rate=[16, 16], holding_time=1, size=[1, 1], price=[3, 1])
    >>> told.reservation, round(told.revenue, 4), round(told.first_come_revenue, 4), told.upper_bound
    (array([0, 5]), 45.5736, 37.5071, 52.0)
    >>> calm = tune_critical_levels(90, arrival_rate=[16, 16], holding_time=1, size=[1, 1], price=[3, 1])
    >>> calm.control_needed, calm.reason.split(":")[0]
    (False, 'no control needed')
    """
    top, rate, holding, units, money, accepted = _arguments(
        capacity, arrival_rate, holding_time, size, price, max_blocking, floor
    )
    pool = Pool(capacity=top, load=rate * holding, size=units, value=money * units, most_blocked=accepted)
    quick = by_recursion(pool)
    level = search(pool, quick) if start is None else polish(pool, quick, _start(start, pool))
    first = quick(np.zeros((1, units.size), dtype=np.int64))[0]
    judged, judge, states = _judge(pool, rate, holding, quick)
    if 0 < states <= POLISHED:
        level = polish(pool, judge, level)
    return _compared(pool, judged, judge, first, level, rate, holding)


def _start(start: ArrayLike, pool: Pool) -> Whole:
    given = _checks.whole("start", _checks.shape("start", start, pool.size.shape, "one per class"))
    kept: Whole = np.minimum(given, np.maximum(pool.capacity - pool.size, 0)).astype(np.int64)
    return kept


def _compared(
    pool: Pool,
    judged: Literal["chain", "recursion"],
    judge: Judge,
    first: Array,
    level: Whole,
    rate: Array,
    holding: Array,
) -> CriticalLevels:
    """The levels found, or first come where they do not beat it."""
    excess, revenue = pool.score(judge(level[None]))
    first_excess, first_revenue = pool.score(first[None])
    gain = float(revenue[0] - first_revenue[0])
    better = bool(excess[0] < first_excess[0] - 1e-12)
    needed = better or (excess[0] <= first_excess[0] + 1e-12 and gain > WORTH * abs(float(first_revenue[0])))
    if not needed:
        level, revenue, excess = np.zeros_like(level), first_revenue, first_excess
    blocking = judge(level[None])[0] if needed else first
    least = pool.load * (1.0 - pool.most_blocked)
    bound = fluid_revenue(pool.capacity, load=pool.load, size=pool.size, price=pool.value / pool.size, least=least)
    return CriticalLevels(
        capacity=pool.capacity,
        reservation=level,
        revenue=float(revenue[0]),
        blocking=blocking,
        first_come_revenue=float(first_revenue[0]),
        first_come_blocking=first,
        upper_bound=bound,
        control_needed=bool(needed),
        met=bool(excess[0] <= 0.0),
        worst_excess=float(excess[0]),
        judged=judged if needed else "chain",
        arrival_rate=rate,
        holding_time=holding,
        size=pool.size,
        reason=_reason(needed, gain, float(first_revenue[0]), float(excess[0]), judged, bound),
    )


def _arguments(
    capacity: int,
    arrival_rate: ArrayLike,
    holding_time: ArrayLike,
    size: ArrayLike,
    price: ArrayLike,
    max_blocking: ArrayLike,
    floor: ArrayLike,
) -> tuple[int, Array, Array, Whole, Array, Array]:
    top = int(_checks.whole("capacity", _checks.single("capacity", capacity), at_least=1))
    shape, all_ = _checks.broadcast(
        arrival_rate=_checks.non_negative("arrival_rate", arrival_rate),
        holding_time=_checks.positive("holding_time", holding_time),
        size=_checks.whole("size", size, at_least=1),
        price=_checks.non_negative("price", price),
        max_blocking=_checks.share("max_blocking", max_blocking),
        floor=_checks.share("floor", floor),
    )
    if len(shape) > 1:
        raise ArgumentError(f"every argument must have one value per class, got shape {shape} together")
    flat = {name: np.atleast_1d(value).astype(np.float64) for name, value in all_.items()}
    accepted = np.minimum(flat["max_blocking"], 1.0 - flat["floor"])
    units = flat["size"].astype(np.int64)
    return top, flat["arrival_rate"], flat["holding_time"], units, flat["price"], accepted


def _judge(pool: Pool, rate: Array, holding: Array, quick: Judge) -> tuple[Literal["chain", "recursion"], Judge, int]:
    """The exact chain and its states where it is small; the recursion where it is exact anyway or the pool is large."""
    active = (rate > 0) & (pool.size <= pool.capacity)
    if np.unique(pool.size[active]).size <= 1 and np.unique(holding[active]).size <= 1:
        return "chain", quick, 0
    chain = build_chain(pool.capacity, np.where(active, rate, 0.0), holding, pool.size, most_states=MOST_STATES)
    return ("recursion", quick, 0) if chain is None else ("chain", by_chain(chain), len(chain.used))


def fluid_revenue(
    capacity: float, *, load: ArrayLike, size: ArrayLike, price: ArrayLike, least: ArrayLike = 0.0
) -> float:
    """Money per unit of time that no admission policy can exceed on average: mean loads as a fractional knapsack.

    Per class (n,): ``load`` requests in progress without limit, ``size`` units, ``price`` per unit held and unit of
    time, ``least`` requests in progress that must be served however cheap (floors first, then the dearest units).

    >>> fluid_revenue(20, load=[16, 16], size=[1, 1], price=[3, 1])
    52.0
    """
    asked, units, money = (np.atleast_1d(np.asarray(value, dtype=np.float64)) for value in (load, size, price))
    held = np.minimum(np.broadcast_to(np.asarray(least, dtype=np.float64), asked.shape), asked)
    room = capacity - float(held @ units)
    earned = float(held @ (money * units))
    for k in np.argsort(-money, kind="stable"):
        more = min(max(room, 0.0) / units[k], asked[k] - held[k]) if units[k] <= capacity else 0.0
        room -= more * units[k]
        earned += more * units[k] * money[k]
    return float(earned)


def _reason(needed: bool, gain: float, first: float, excess: float, judged: str, bound: float) -> str:
    kept = "every accepted blocking is kept" if excess <= 0 else f"the worst class is {excess:.2%} over its target"
    if not needed:
        return f"no control needed: first come, first served earns {first:.6g} of at most {bound:.6g}; {kept}"
    share = f"{gain / first:+.2%}" if first > 0 else f"{gain:+.6g}"
    how = "exact for exponential holding times" if judged == "chain" else "by the Roberts recursion, an approximation"
    return f"critical levels change revenue by {share} against first come, {how}; {kept}"
