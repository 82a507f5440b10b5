"""The newsvendor fed by quantiles, in one pass over the table: order quantity, expected shortage and cost per item.

``compiled`` and NumPy do the same arithmetic in the same order, so they give the same bits; logarithms are taken
outside. For tails ``exponential`` and ``clamp`` without zero mass; other quantile demands take the general path.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from capacity_opt._compiled import compiled
from capacity_opt.demand.quantiles import QuantileDemand, log_ratio

Array = NDArray[np.float64]
prange = range

# Below this many items compiling (or loading what was compiled) costs more than it saves.
WORTH_COMPILING = 20_000
_CHUNK = 16_384


def takes(demand: object) -> bool:
    """Whether this demand can be handled here."""
    return (
        isinstance(demand, QuantileDemand)
        and not demand.integer
        and demand.tail != "linear"
        and not np.any(demand.zero_mass)
    )


def quantile_newsvendor(
    demand: QuantileDemand, ratio: Array, short_cost: Array, over_cost: Array
) -> tuple[Array, Array, Array]:
    """Order quantity, expected cost and expected shortage; ratio and costs of shape () or the demand's."""
    rows = demand.values.reshape(-1, len(demand.levels))
    levels = demand.levels
    beyond = 1.0 - levels[-1]
    outside = ratio > levels[-1]
    excess = np.log(beyond / np.where(outside, 1.0 - ratio, beyond)) if np.any(outside) else np.zeros(1)
    fall = np.log((1.0 - levels[-2]) / beyond) if demand.tail == "exponential" else np.inf
    table = _Table(levels, _mean_weights(levels), float(1.0 / fall), float(log_ratio(levels[1] / levels[0])))
    flat = [np.atleast_1d(value) for value in (ratio, excess, short_cost, over_cost)]
    out = tuple(np.empty(len(rows)) for _ in range(3))
    kernel = compiled(_kernel) if len(rows) >= WORTH_COMPILING else None
    if kernel is not None:
        kernel(*table, rows, *flat, *out)
    else:
        for begin in range(0, len(rows), _CHUNK):
            part = slice(begin, begin + _CHUNK)
            chosen = [value if len(value) == 1 else value[part] for value in flat]
            _in_numpy(table, rows[part], chosen, [array[part] for array in out])
    order, cost, shortage = (array.reshape(demand.shape)[()] for array in out)
    return order, cost, shortage


class _Table(NamedTuple):
    """What all rows share: levels, weights of the mean, tail factor, first two levels' log ratio."""

    levels: Array
    weights: Array
    tail: float
    start: float


def _mean_weights(levels: Array) -> Array:
    """Weight of the lowest demand and of each quantile in the area under the quantile function."""
    width = np.diff(levels, prepend=0.0)
    weights = np.zeros(len(levels) + 1)
    weights[:-1] += 0.5 * width
    weights[1:] += 0.5 * width
    return weights


def _in_numpy(table: _Table, rows: Array, asked: list[Array], out: list[Array]) -> None:
    """The twin of :func:`_kernel`, column by column."""
    levels, weights, tail, start = table
    ratio, excess, short_cost, over_cost = asked
    order, cost, shortage = out
    beyond, last = 1.0 - levels[-1], rows[:, -1]
    scale = (last - rows[:, -2]) * tail
    base = _lowest(rows[:, 0], rows[:, 1], start)
    mean = beyond * (last + scale) + weights[0] * base
    order[:] = last + scale * excess
    value, level = base, 0.0
    for j, given in enumerate(levels):
        inside = value + (rows[:, j] - value) * ((ratio - level) / (given - level))
        order[:] = np.where((ratio > level) & (ratio <= given), inside, order)
        mean = mean + weights[j + 1] * rows[:, j]
        value, level = rows[:, j], given
    short = np.where(ratio > levels[-1], (1.0 - ratio) * scale, beyond * (last - order + scale))
    level = 0.0
    for j, given in enumerate(levels):
        part = (given - ratio) * (0.5 * (rows[:, j] - order))
        before = rows[:, j - 1] if j else base
        whole = (given - level) * (0.5 * ((before - order) + (rows[:, j] - order)))
        short = short + np.where(ratio <= level, whole, np.where(ratio <= given, part, 0.0))
        level = given
    shortage[:] = np.maximum(short, 0.0)
    cost[:] = over_cost * np.maximum(order - mean + shortage, 0.0) + short_cost * shortage


def _lowest(first: Array, second: Array, start: float) -> Array:
    with np.errstate(all="ignore"):
        rise = np.where(first > 0, np.minimum(second / first, 1e6), 1e6)
    above = 3.0 * (rise * rise - 1.0)
    below = (rise * rise + 4.0 * rise + 1.0) * start
    lowest: Array = first * np.maximum((below - above) / (below + above), 0.0)
    return lowest


def _kernel(
    levels: Array,
    weights: Array,
    tail: float,
    start: float,
    rows: Array,
    ratio: Array,
    excess: Array,
    short_cost: Array,
    over_cost: Array,
    order: Array,
    cost: Array,
    shortage: Array,
) -> None:
    """Compiled: one item after the other, each row read once."""
    count = levels.shape[0]
    beyond = 1.0 - levels[count - 1]
    for i in prange(rows.shape[0]):
        u = ratio[i] if ratio.shape[0] > 1 else ratio[0]
        row = rows[i]
        last = row[count - 1]
        scale = (last - row[count - 2]) * tail
        rise = min(row[1] / row[0], 1e6) if row[0] > 0.0 else 1e6
        above = 3.0 * (rise * rise - 1.0)
        below = (rise * rise + 4.0 * rise + 1.0) * start
        base = row[0] * max((below - above) / (below + above), 0.0)
        mean = beyond * (last + scale) + weights[0] * base
        for q in range(count):
            mean = mean + weights[q + 1] * row[q]
        j = 0
        while j < count and u > levels[j]:
            j += 1
        if j == count:
            quantity = last + scale * (excess[i] if excess.shape[0] > 1 else excess[0])
            short = (1.0 - u) * scale
        else:
            value = row[j - 1] if j > 0 else base
            level = levels[j - 1] if j > 0 else 0.0
            quantity = value + (row[j] - value) * ((u - level) / (levels[j] - level))
            short = beyond * (last - quantity + scale) + (levels[j] - u) * (0.5 * (row[j] - quantity))
            for q in range(j + 1, count):
                short = short + (levels[q] - levels[q - 1]) * (0.5 * ((row[q - 1] - quantity) + (row[q] - quantity)))
        short = max(short, 0.0)
        price = short_cost[i] if short_cost.shape[0] > 1 else short_cost[0]
        keep = over_cost[i] if over_cost.shape[0] > 1 else over_cost[0]
        order[i] = quantity
        shortage[i] = short
        cost[i] = keep * max(quantity - mean + short, 0.0) + price * short
