"""Means of intermittent demand, compiled: sizes and intervals smoothed apart."""

from __future__ import annotations

from typing import Any

prange = range
CROSTON, SBA, TSB = 0, 1, 2


def croston_all(values: Any, begins: Any, ends: Any, method: int, alpha: float, beta: float, out: Any) -> None:
    """``out`` (n,): the mean of a coming period of each series ``values[begin:end]``; see :mod:`.croston`."""
    for i in prange(len(begins)):
        size, interval, chance, since = 0.0, 1.0, 0.0, 0
        begun = False
        for t in range(begins[i], ends[i]):
            value = values[t]
            since += 1
            if value != 0.0:
                if begun:
                    size += alpha * (value - size)
                    interval += alpha * (since - interval)
                    chance += beta * (1.0 - chance)
                else:
                    size, interval, chance, begun = value, float(since), 1.0 / since, True
                since = 0
            elif begun:
                chance -= beta * chance
        if method == TSB:
            out[i] = chance * size
        else:
            out[i] = size / interval * (1.0 - 0.5 * alpha if method == SBA else 1.0)
