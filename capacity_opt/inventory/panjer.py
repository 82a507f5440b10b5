"""Tables of Poisson and negative binomial demand, made item by item inside compiled loops (plain Python here).

Both obey P(D = k) = (a + b / k) P(D = k - 1): a = 0, b = mean for the Poisson; a = 1 - p, b = (r - 1)(1 - p) for the
negative binomial (Panjer 1981). Weights run upward from a point far below the mean and are scaled to sum to 1, so no
gamma function is needed; survival and loss are summed from the top down, so tails keep their relative accuracy.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Both laws have P(D <= mean - t) <= exp(-t^2 / (2 variance)): below this many deviations lies less than 1e-18.
LOWER_DEVIATIONS = 9.1
START = 1e-200


def first_point(mean: float, deviation: float) -> int:
    """The lowest point a table needs."""
    return max(0, math.floor(mean - LOWER_DEVIATIONS * deviation))


def fill_table(mean: float, a: float, b: float, first: int, cut: float, table: Array) -> tuple[Array, int]:
    """Probability, survival and loss at ``first``, ``first + 1``, ... in the rows of ``table`` (grown when too small).

    Stops above the mean where a probability falls below ``cut`` times the largest; returns the table and how many
    columns are in use. Row 1 holds P(D > y), row 2 holds E[max(D - y, 0)].
    """
    weight = START
    peak = 0.0
    total = 0.0
    count = 0
    point = first
    while True:
        if count == table.shape[1]:
            grown = np.empty((3, 2 * count))
            grown[:, :count] = table
            table = grown
        table[0, count] = weight
        total += weight
        count += 1
        if weight > peak:
            peak = weight
        elif point > mean and weight <= cut * peak:
            break
        point += 1
        weight *= a + b / point
    survival = 0.0
    loss = 0.0
    for column in range(count - 1, -1, -1):
        loss += survival
        table[0, column] /= total
        table[1, column] = survival
        table[2, column] = loss
        survival += table[0, column]
    return table, count


def tail_cut(holding: float, stockout: float) -> float:
    """How small a probability still matters for a critical ratio: a dear stock-out asks for a longer tail."""
    return max(1e-90, 1e-17 * min(1.0, holding / max(stockout, holding)))


def fill_costs(table: Array, first: int, count: int, mean: float, holding: float, stockout: float, unit: float) -> None:
    """Overwrite row 0 with G(y) = h E[max(y - D, 0)] + p E[max(D - y, 0)] + unit P(D >= y)."""
    for column in range(count):
        reach = 1.0 if column == 0 else table[1, column - 1]
        over = first + column - mean
        table[0, column] = holding * over + (holding + stockout) * table[2, column] + unit * reach
