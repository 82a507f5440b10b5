"""The independent check: play the requests one by one, for any holding times, sizes, reservations and networks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from capacity_opt import _checks
from capacity_opt.admission.event_kernel import play
from capacity_opt.demand.protocol import Demand
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

LOOKS = 50
"""Draws among which one in progress is found, in proportion to their length."""
TRIES = 512
"""Draws of the requests in progress of which the first that fits is taken."""


@dataclass(frozen=True, kw_only=True)
class SimulatedLoss:
    """Simulated blocking with a two-sided Student interval at confidence ``level`` over independent replications.

    ``blocking``, ``blocking_low``, ``blocking_high``: share of requests lost, (classes,); ``mean_used`` and its bounds:
    units, (pools,), a number where there is one pool; ``requests``: counted requests per class, (classes,).
    """

    blocking: Array
    blocking_low: Array
    blocking_high: Array
    mean_used: Array
    mean_used_low: Array
    mean_used_high: Array
    requests: Whole
    replications: int
    level: float

    def covers(self, blocking: ArrayLike) -> NDArray[np.bool_]:
        """Whether each class's interval holds the given blocking."""
        truth = np.asarray(blocking, dtype=np.float64)
        return (self.blocking_low <= truth) & (truth <= self.blocking_high)


def simulate_admission(
    capacity: ArrayLike,
    *,
    arrival_rate: ArrayLike,
    holding_time: ArrayLike | Demand,
    size: ArrayLike,
    reservation: ArrayLike = 0,
    seed: int,
    requests: int = 100_000,
    replications: int = 20,
    warm_up: float = 0.1,
    loaded: bool = False,
    level: float = 0.99,
) -> SimulatedLoss:
    """Play Poisson requests against a pool, or a network of pools, and count who is turned away.

    One pool: ``capacity`` a number, ``size`` (classes,). A network: ``capacity`` (pools,), ``size`` (pools, classes).
    ``holding_time``: mean per class (then exponential), or a Demand of shape () or (classes,) to draw from.
    ``reservation`` (classes,): units that must stay free after admission, in every pool used. Each of ``replications``
    plays ``requests`` arrivals and does not count the first share ``warm_up``. ``loaded``: begin with as many requests
    in progress as fit of what would be there without limit, each with the time it has left, instead of empty: where
    some requests stay far longer than others an empty pool takes long to fill. Same seed, same answer.

    >>> told = simulate_admission(6, arrival_rate=[2.0], holding_time=[1.0], size=[1], seed=7, requests=20_000)
    >>> bool(told.covers([0.012084592])[0])
    True
    """
    room, units = _pools(capacity, size)
    classes = units.shape[1]
    rate = _checks.non_negative("arrival_rate", _checks.shape("arrival_rate", arrival_rate, (classes,), "classes"))
    if rate.sum() <= 0:
        raise ArgumentError("arrival_rate must be above 0 for at least one class")
    kept = _checks.whole("reservation", _checks.shape("reservation", reservation, (classes,), "classes"))
    count = int(_checks.whole("requests", requests, at_least=100))
    runs = int(_checks.whole("replications", replications, at_least=2))
    skipped = int(count * float(_checks.between("warm_up", warm_up, 0.0, 0.9)))
    confidence = float(_checks.fraction("level", level))
    arrival, kind, hold = _draws(
        _seeds(seed, runs), rate, holding_time, count, start=(room, units, kept) if loaded else None
    )
    asked, lost, busy, elapsed = play(
        arrival, kind, hold, units, room[:, None] - kept, skipped + arrival.shape[1] - count
    )
    blocking, low, high = _ratio(lost, asked, confidence)
    used, used_low, used_high = _ratio(busy, np.broadcast_to(elapsed[:, None], busy.shape), confidence)
    one = np.ndim(capacity) == 0
    return SimulatedLoss(
        blocking=blocking,
        blocking_low=np.maximum(low, 0.0),
        blocking_high=np.minimum(high, 1.0),
        mean_used=used[0] if one else used,
        mean_used_low=used_low[0] if one else used_low,
        mean_used_high=used_high[0] if one else used_high,
        requests=asked.sum(axis=0),
        replications=runs,
        level=confidence,
    )


def _pools(capacity: ArrayLike, size: ArrayLike) -> tuple[Whole, Whole]:
    room = np.atleast_1d(_checks.whole("capacity", capacity))
    units = np.atleast_1d(_checks.whole("size", size))
    units = units[None] if units.ndim == 1 and np.ndim(capacity) == 0 else units
    if units.ndim != 2 or room.shape != units.shape[:1]:
        raise ArgumentError(
            "size must be (classes,) for one pool (a single capacity) or (pools, classes); "
            f"got {np.shape(size)} with capacity {np.shape(capacity)}"
        )
    return room, units


def _seeds(seed: int, runs: int) -> list[np.random.SeedSequence]:
    return np.random.SeedSequence(int(_checks.whole("seed", seed))).spawn(runs)


def _draws(
    seeds: list[np.random.SeedSequence],
    rate: Array,
    holding_time: ArrayLike | Demand,
    count: int,
    *,
    start: tuple[Whole, Whole, Whole] | None,
) -> tuple[Array, Whole, Array]:
    """Arrival times, classes and holding times (replications, requests); first what is there at the ``start``."""
    draws = []
    for rng in map(np.random.default_rng, seeds):
        parts = [] if start is None else [_in_progress(rng, rate, holding_time, start[:2], start[2])]
        parts.append(_draw(rng, rate, holding_time, count))
        draws.append([np.concatenate(pieces) for pieces in zip(*parts, strict=True)])
    arrival, kind, hold = (np.stack(column) for column in zip(*draws, strict=True))
    return arrival, kind, hold


def _draw(
    rng: np.random.Generator, rate: Array, holding_time: ArrayLike | Demand, count: int
) -> tuple[Array, Whole, Array]:
    """Arrival times, classes and holding times of one replication."""
    arrival = np.cumsum(rng.exponential(1.0 / rate.sum(), count))
    kind = rng.choice(rate.size, size=count, p=rate / rate.sum())
    hold = _hold(rng, kind, rate.shape, holding_time)
    return arrival, kind, np.ascontiguousarray(np.maximum(hold, 0.0))


def _hold(rng: np.random.Generator, kind: Whole, shape: tuple[int, ...], holding_time: ArrayLike | Demand) -> Array:
    """Holding times of requests of these classes."""
    if not isinstance(holding_time, Demand):
        mean = _checks.positive("holding_time", _checks.shape("holding_time", holding_time, shape, "classes"))
        held: Array = rng.exponential(1.0, len(kind)) * mean[kind]
        return held
    if holding_time.shape not in ((), shape):
        raise ArgumentError(f"holding_time must have shape () or {shape}, got {holding_time.shape}")
    drawn = holding_time.sample(len(kind), rng=rng)
    return drawn if drawn.ndim == 1 else drawn[np.arange(len(kind)), kind]


def _in_progress(
    rng: np.random.Generator, rate: Array, holding_time: ArrayLike | Demand, pools: tuple[Whole, Whole], kept: Whole
) -> tuple[Array, Whole, Array]:
    """What is there at time 0: arrival times (0), classes and times left.

    First come, first served in the long run: an unlimited pool, given that it fits (where that hardly ever happens,
    the fewest of many draws, and the pool begins full). What is seen in progress was more likely a long request, and is
    somewhere in its middle. Classes that keep capacity free come first, so that all of it gets in. Always as many
    entries: the surplus leaves at once.
    """
    given = holding_time.mean if isinstance(holding_time, Demand) else holding_time
    load = rate * np.broadcast_to(np.asarray(given, dtype=np.float64), rate.shape)
    counts = rng.poisson(load, (TRIES, rate.size))
    fits = np.all(counts @ pools[1].T <= pools[0], axis=1)
    wanted = counts[np.argmax(fits)] if fits.any() else counts[np.argmin(counts @ pools[1].sum(axis=0))]
    order = np.argsort(-kept, kind="stable")
    most = np.ceil(load + 8.0 * np.sqrt(load + 1.0)).astype(np.int64)[order]
    kind = np.repeat(order, most)
    there = np.concatenate([np.arange(n) < count for n, count in zip(most, wanted[order])])
    if isinstance(holding_time, Demand):
        held = _hold(rng, np.repeat(kind, LOOKS), rate.shape, holding_time).reshape(-1, LOOKS)
        total = np.cumsum(np.maximum(held, 0.0), axis=1)
        found = (total < (rng.random(len(kind)) * total[:, -1])[:, None]).sum(axis=1)
        left = held[np.arange(len(kind)), np.minimum(found, LOOKS - 1)] * rng.random(len(kind))
    else:
        left = _hold(rng, kind, rate.shape, holding_time)
    return np.zeros(len(kind)), kind, np.where(there, np.maximum(left, 0.0), 0.0)


def _ratio(part: NDArray[np.generic], whole: NDArray[np.generic], level: float) -> tuple[Array, Array, Array]:
    """Sum of parts over sum of wholes along axis 0, with its interval by the delta method."""
    a, b = part.astype(np.float64), whole.astype(np.float64)
    runs = len(a)
    mean = np.maximum(b.mean(axis=0), 1e-300)
    value = a.mean(axis=0) / mean
    error = (a - value * b).std(axis=0, ddof=1) / np.sqrt(runs) / mean
    half = special.stdtrit(runs - 1, 0.5 + 0.5 * level) * error
    return value, value - half, value + half
