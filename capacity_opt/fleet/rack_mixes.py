"""Which mixes of servers fit one rack: the columns of the packing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]

MOST_MIXES = 400
"""More mixes than this per rack type are not listed; two types per rack then have to do."""


def fullest_mixes(units: IntArray, watts: IntArray, room: int, power: int) -> tuple[list[tuple[int, ...]], bool]:
    """Every mix (count per type) of which no more fits into ``room`` rack units and ``power`` watts, and whether all
    of them are listed (else: those of at most two types). Smaller mixes are contained in these.

    >>> fullest_mixes(np.array([2, 3]), np.array([1, 1]), 6, 9)
    ([(0, 2), (1, 1), (3, 0)], True)
    """
    found = []
    for mix in _mixes(units, watts, room, power, range(len(units))):
        found.append(mix)
        if len(found) > MOST_MIXES:
            return _of_two(units, watts, room, power), False
    return sorted(found), True


def _of_two(units: IntArray, watts: IntArray, room: int, power: int) -> list[tuple[int, ...]]:
    pairs = combinations(range(len(units)), 2)
    return sorted({mix for pair in pairs for mix in _mixes(units, watts, room, power, pair)})


def _mixes(
    units: IntArray, watts: IntArray, room: int, power: int, types: range | tuple[int, ...]
) -> Iterator[tuple[int, ...]]:
    """Depth first over ``types``; the last one is filled up, and what leaves space for an earlier one is dropped."""
    fitting = [k for k in types if units[k] <= room and watts[k] <= power]
    mix = [0] * len(units)

    def most(k: int, space: int, energy: int) -> int:
        by_space = space // units[k] if units[k] > 0 else energy // max(watts[k], 1)
        by_power = energy // watts[k] if watts[k] > 0 else by_space
        return int(min(by_space, by_power))

    def fill(place: int, space: int, energy: int) -> Iterator[tuple[int, ...]]:
        k = fitting[place]
        top = most(k, space, energy)
        for count in [top] if place == len(fitting) - 1 else range(top, -1, -1):
            mix[k] = count
            left, rest = space - count * int(units[k]), energy - count * int(watts[k])
            if place < len(fitting) - 1:
                yield from fill(place + 1, left, rest)
            elif all(most(other, left, rest) == 0 for other in fitting):
                yield tuple(mix)

    if fitting:
        yield from fill(0, room, power)
