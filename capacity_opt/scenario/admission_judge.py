"""The judge of admission levels: every request played, in fine steps, for exponential and the given holding times."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from capacity_opt.admission.simulate import SimulatedLoss, simulate_admission
from capacity_opt.demand.parametric import LogNormal
from capacity_opt.scenario.admission_levels import Levels
from capacity_opt.scenario.admission_pools import AdmissionPool

Array = NDArray[np.float64]

FINE = 1000
"""The judge counts capacity in so many parts of a step, so that rounding requests to whole steps is judged too."""
MOST_REQUESTS = 50_000
"""Where the pool remembers for longer than so many requests, replications are short: each begins in the long run."""
TURNOVERS, SETTLING = 8, 1
"""A replication plays so many of the longest mean times left, and does not count so many at its beginning."""
LEVEL = 0.99

Outcome = Literal["kept", "not_kept", "uncertain", "no_target"]


@dataclass(frozen=True, kw_only=True)
class PlayedLevels:
    """One law of holding times played: ``law`` in words; ``levels`` and ``first_come`` on the same requests; revenue in
    money per period; ``outcome`` per kind of request (n,)."""

    law: str
    levels: SimulatedLoss
    first_come: SimulatedLoss
    revenue: float
    first_come_revenue: float
    outcome: tuple[Outcome, ...]


def play_levels(
    pool: AdmissionPool, found: Levels, *, requests: int, replications: int, seed: int
) -> Iterator[PlayedLevels]:
    """Play the levels of one moment at its mean load: with exponential and with the given spread of holding times."""
    cv = np.array([request.holding_cv for request in pool.requests])
    yield _play(pool, found, "exponential", None, requests, replications, seed)
    if np.any(np.abs(cv - 1.0) > 1e-9):
        law = LogNormal(pool.holding, np.maximum(cv, 1e-3) * pool.holding)
        told = "log-normal, deviation / mean " + ", ".join(f"{value:g}" for value in np.unique(cv))
        yield _play(pool, found, told, law, requests, replications, seed)


def _play(
    pool: AdmissionPool, found: Levels, law: str, holding: LogNormal | None, requests: int, replications: int, seed: int
) -> PlayedLevels:
    load = np.divide(found.load, pool.scale, out=np.zeros_like(found.load), where=pool.scale > 0)
    rate, fine = load / pool.holding, pool.unit / FINE
    cv = np.array([1.0 if holding is None else request.holding_cv for request in pool.requests])
    # The mean time left of what is found in progress: how long the pool remembers how it began.
    turnover = float(rate.sum() * np.max(0.5 * (1.0 + cv * cv) * pool.holding))
    count = int(min(max(requests, TURNOVERS * turnover), max(MOST_REQUESTS, requests)))

    def played(kept: NDArray[np.int64]) -> SimulatedLoss:
        return simulate_admission(
            int(pool.capacity[found.t] / fine + 1e-6),
            arrival_rate=rate,
            holding_time=pool.holding if holding is None else holding,
            size=np.maximum(np.rint(pool.need / fine), 1.0),
            reservation=kept * FINE,
            seed=seed,
            requests=count,
            replications=replications,
            warm_up=float(np.clip(SETTLING * turnover / count, 0.1, 0.3)),
            loaded=True,
            level=LEVEL,
        )

    levels, first = played(found.reservation), played(np.zeros_like(found.reservation))
    earned = found.load * pool.size * pool.price
    return PlayedLevels(
        law=law,
        levels=levels,
        first_come=first,
        revenue=float(earned @ (1.0 - levels.blocking)),
        first_come_revenue=float(earned @ (1.0 - first.blocking)),
        outcome=tuple(_outcome(levels, pool.most_blocked, k) for k in range(len(load))),
    )


def _outcome(played: SimulatedLoss, most: Array, k: int) -> Outcome:
    if most[k] >= 1.0:
        return "no_target"
    if played.blocking_high[k] <= most[k]:
        return "kept"
    return "not_kept" if played.blocking_low[k] > most[k] else "uncertain"
