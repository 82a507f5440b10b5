"""How likely a request finds its place, and keeps it: a score from 1 to 10."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.admission.multirate import MultirateLoss
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]

MOST_STEPS = 200_000


@dataclass(frozen=True, kw_only=True)
class PlacementScore:
    """``score`` = 10 x ``probability`` rounded up, from 1 to 10; ``admitted`` is the probability of a place at once."""

    score: int
    probability: float
    admitted: float


def placement_score(
    pool: MultirateLoss,
    *,
    units: int,
    reservation: int = 0,
    hours: float = 0.0,
    holding_time: ArrayLike = 1.0,
    used: int | None = None,
) -> PlacementScore:
    """The probability that ``units`` of capacity are given at once and, if they can be evicted, kept for ``hours``.

    ``pool``: the load of the classes that share the pool (without reservations per candidate); ``reservation``: units
    that must stay free after this request; ``used``: units in use now, where known (else the long run decides).
    ``hours=0``: the request cannot be evicted. ``hours`` > 0: spot, evicted as soon as the others need its units;
    ``holding_time`` (classes,) is the others' mean time held, in the same unit. Staying is computed on the number of
    units used alone: exact for one class, an approximation for several (the mix is taken at its long-run mean).

    >>> from capacity_opt import multirate_loss
    >>> pool = multirate_loss(100, load=[60.0], size=[1])
    >>> placement_score(pool, units=20).score, placement_score(pool, units=20, hours=8).score
    (10, 8)
    """
    if pool.occupancy.ndim != 1:
        raise ArgumentError("pool must be a single pool, not a batch of candidates")
    wanted = int(_checks.whole("units", _checks.single("units", units), at_least=1))
    kept = int(_checks.whole("reservation", _checks.single("reservation", reservation)))
    stay = float(_checks.non_negative("hours", _checks.single("hours", hours)))
    now = pool.occupancy.copy()
    if used is not None:
        held = int(_checks.whole("used", _checks.single("used", used)))
        now = np.zeros_like(now)
        now[min(held, pool.capacity)] = 1.0
    room = pool.capacity - wanted
    start = now[: max(room - kept + 1, 0)]
    admitted = float(min(start.sum(), 1.0))
    kept_share = admitted
    if stay > 0 and admitted > 0:
        hold = _checks.positive("holding_time", _checks.shape("holding_time", holding_time, pool.size.shape, "classes"))
        kept_share = min(_survival(pool, hold, start, room, stay), admitted)
    return PlacementScore(
        score=int(np.clip(np.ceil(10.0 * kept_share - 1e-9), 1, 10)), probability=kept_share, admitted=admitted
    )


def _survival(pool: MultirateLoss, hold: Array, start: Array, room: int, hours: float) -> float:
    """P(the others never use more than ``room`` units within ``hours``), by uniformisation."""
    q = pool.occupancy
    moves = []
    out = np.zeros(room + 1)
    states = np.arange(room + 1)
    for k, size in enumerate(pool.size):
        reach = pool.capacity - pool.reservation[k]
        up = np.where(states + size <= reach, pool.load[k] / hold[k], 0.0)
        down = np.zeros(room + 1)
        low = q[: max(room + 1 - size, 0)]
        high = q[size : room + 1]
        down[size:] = np.where(
            (high > 0) & (states[size:] <= reach), pool.load[k] * low / np.maximum(high, 1e-300), 0.0
        )
        down /= hold[k]
        out += up + down
        moves.append((int(size), up, down))
    pace = float(out.max()) * 1.0000001 + 1e-300
    steps = pace * hours
    if steps > MOST_STEPS:
        raise ArgumentError(
            f"hours = {hours:g} needs {steps:.3g} steps (at most {MOST_STEPS}): ask for a shorter stay, "
            "or give capacity and sizes in larger units"
        )
    now = np.zeros(room + 1)
    now[: start.size] = start
    weight, kept, done = -steps, 0.0, 0.0
    last = int(steps + 9.0 * np.sqrt(steps) + 20.0)
    for n in range(last + 1):
        if n:
            weight += np.log(steps / n)
            now = _step(now, moves, out, pace)
        share = float(np.exp(weight))
        kept += share * float(now.sum())
        done += share
    return kept / done if done > 0 else 0.0


def _step(now: Array, moves: list[tuple[int, Array, Array]], out: Array, pace: float) -> Array:
    new = now * (1.0 - out / pace)
    for size, up, down in moves:
        if size < now.size:
            new[size:] += now[:-size] * up[:-size] / pace
            new[:-size] += now[size:] * down[size:] / pace
    return new
