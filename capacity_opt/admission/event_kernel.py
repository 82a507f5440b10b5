"""One replication per row: requests arrive, hold units, leave. The departures wait in a binary heap."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from capacity_opt._compiled import compiled

Array = NDArray[np.float64]
Whole = NDArray[np.int64]
prange = range


def play(
    arrival: Array, kind: Whole, hold: Array, size: Whole, limit: Whole, warm_up: int
) -> tuple[Whole, Whole, Array, Array]:
    """Requests and losses per class (replications, classes), unit-time used (replications, pools), time counted.

    ``arrival``, ``kind``, ``hold``: (replications, requests); ``size``, ``limit``: (pools, classes); a class is
    admitted where used + size <= limit in every pool that it uses. The first ``warm_up`` requests are not counted.
    """
    pools, classes = size.shape
    asked = np.zeros((len(arrival), classes), dtype=np.int64)
    lost, busy, elapsed = np.zeros_like(asked), np.zeros((len(arrival), pools)), np.zeros(len(arrival))
    kernel = compiled(fill_counts, push, pop, replicate) or fill_counts
    kernel(arrival, kind, hold, size, limit, warm_up, asked, lost, busy, elapsed)
    return asked, lost, busy, elapsed


def push(when: Array, what: Whole, count: int, time: float, kind: int) -> int:
    """Add a departure to a heap of ``count``; returns the new count."""
    i = count
    while i > 0 and when[(i - 1) // 2] > time:
        when[i] = when[(i - 1) // 2]
        what[i] = what[(i - 1) // 2]
        i = (i - 1) // 2
    when[i] = time
    what[i] = kind
    return count + 1


def pop(when: Array, what: Whole, count: int) -> int:
    """Remove the earliest departure (entry 0); returns the new count."""
    last = count - 1
    time, kind = when[last], what[last]
    i = 0
    while 2 * i + 1 < last:
        child = 2 * i + 1
        if child + 1 < last and when[child + 1] < when[child]:
            child += 1
        if when[child] >= time:
            break
        when[i] = when[child]
        what[i] = what[child]
        i = child
    when[i] = time
    what[i] = kind
    return last


def replicate(
    arrival: Array,
    kind: Whole,
    hold: Array,
    size: Whole,
    limit: Whole,
    warm_up: int,
    asked: Whole,
    lost: Whole,
    busy: Array,
) -> None:
    """Play one replication."""
    pools = size.shape[0]
    used = np.zeros(pools, dtype=np.int64)
    when = np.empty(arrival.shape[0])
    what = np.empty(arrival.shape[0], dtype=np.int64)
    count = 0
    start = arrival[warm_up]
    now = start
    for i in range(arrival.shape[0]):
        time = arrival[i]
        while count > 0 and when[0] <= time:
            for p in range(pools):
                busy[p] += used[p] * max(when[0] - now, 0.0)
                used[p] -= size[p, what[0]]
            now = max(now, when[0])
            count = pop(when, what, count)
        for p in range(pools):
            busy[p] += used[p] * max(time - now, 0.0)
        now = max(now, time)
        k = kind[i]
        fits = True
        for p in range(pools):
            fits = fits and (size[p, k] == 0 or used[p] + size[p, k] <= limit[p, k])
        if fits:
            for p in range(pools):
                used[p] += size[p, k]
            count = push(when, what, count, time + hold[i], k)
        if i >= warm_up:
            asked[k] += 1
            lost[k] += 0 if fits else 1


def fill_counts(
    arrival: Array,
    kind: Whole,
    hold: Array,
    size: Whole,
    limit: Whole,
    warm_up: int,
    asked: Whole,
    lost: Whole,
    busy: Array,
    elapsed: Array,
) -> None:
    """Play every replication."""
    for r in prange(arrival.shape[0]):
        replicate(arrival[r], kind[r], hold[r], size, limit, warm_up, asked[r], lost[r], busy[r])
        elapsed[r] = arrival[r, -1] - arrival[r, warm_up]
