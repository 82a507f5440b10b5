"""Many draws from quantile functions that are linear in pieces: every uniform number looks up its piece at once.

The arithmetic is that of ``QuantileDemand.quantile`` (the same bits), which tries every piece for every number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Draws worked on together: small enough for the processor's cache.
BLOCK = 1 << 15


def piecewise(uniform: Array, levels: Array, pieces: Sequence[Sequence[Array]], tail: Callable[..., Array]) -> Array:
    """The quantile of every number in ``uniform`` (count, n).

    ``pieces`` (low level, high level, low, high), each (n,), one per level from the bottom up; ``tail(level, items)``
    answers above the last level for draws that belong to ``items``.
    """
    count, items = uniform.shape
    low_level, high_level, low, high = (np.stack(parts, axis=1) for parts in zip(*pieces))
    width = np.where(high_level > low_level, high_level - low_level, 1.0)
    tables = [table.ravel() for table in (low_level, width, low, high - low)]
    first = np.arange(items) * len(levels)
    drawn = np.empty_like(uniform)
    rows = max(1, BLOCK // items)
    for begin in range(0, count, rows):
        part = uniform[begin : begin + rows]
        drawn[begin : begin + rows] = _block(part, levels, tables, first, tail)
    return drawn


def _block(
    part: Array, levels: Array, tables: list[Array], first: NDArray[np.intp], tail: Callable[..., Array]
) -> Array:
    piece = np.zeros(part.shape, dtype=np.intp)
    for level in levels[:-1]:
        piece += part > level
    begin, width, low, rise = (table.take(piece + first) for table in tables)
    value: Array = low + rise * np.minimum((part - begin) / width, 1.0)
    lines, items = np.nonzero(part > levels[-1])
    value[lines, items] = tail(part[lines, items], items)
    return value
