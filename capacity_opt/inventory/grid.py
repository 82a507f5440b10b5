"""Demand over any length of time as probabilities on an even grid: what the exact recursions of networks run on.

Discrete demand uses the whole numbers. Continuous demand is put on a grid of a given width by the mass of each cell,
whose error falls with the square of the width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import scipy
from numpy.typing import NDArray

from capacity_opt.demand.counts import NegativeBinomial, Poisson
from capacity_opt.demand.parametric import Deterministic, Gamma, Normal
from capacity_opt.demand.protocol import Demand
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]
TAIL = 1e-14
LARGEST_GRID = 4_000_000
DIRECT = 2_000_000


@dataclass(frozen=True)
class GridPmf:
    """P(X = (start + k) * width) = ``mass[k]``."""

    start: int
    mass: Array
    width: float

    @property
    def top(self) -> int:
        """The index of the largest value."""
        return self.start + len(self.mass) - 1

    @property
    def mean(self) -> float:
        """E[X]."""
        return float(self.width * (self.start + self.mass @ np.arange(len(self.mass))))

    def plus(self, other: GridPmf) -> GridPmf:
        """The sum of two independent quantities."""
        return GridPmf(self.start + other.start, _trimmed(convolve(self.mass, other.mass)), self.width)

    def quantile(self, level: float) -> int:
        """The index of the smallest value with P(X <= value) >= level."""
        above = np.cumsum(self.mass[::-1])[::-1]  # P(X >= value): keeps its digits where level is close to 1
        return self.start + int(np.count_nonzero(above[1:] > (1.0 - level) * (1.0 + 1e-12)))


def convolve(one: Array, other: Array) -> Array:
    """The full convolution of two vectors: directly where short, by FFT where long."""
    if len(one) * len(other) <= DIRECT:
        return np.convolve(one, other)
    size = len(one) + len(other) - 1
    length = scipy.fft.next_fast_len(size, real=True)
    product = scipy.fft.irfft(scipy.fft.rfft(one, length) * scipy.fft.rfft(other, length), length)[:size]
    return cast(Array, np.asarray(product, dtype=np.float64))


def one_item(demand: Demand) -> Demand:
    """``demand`` itself, or its only item; refuses several items."""
    if demand.shape == ():
        return demand
    raise ArgumentError(f"demand must be that of one item (shape ()), got shape {demand.shape}. Give scalars.")


def grid_over(demand: Demand, time: float, width: float) -> GridPmf:
    """Demand over ``time`` periods on a grid of ``width`` (1 for discrete demand).

    Poisson, negative binomial, normal and gamma demand take any ``time`` (their sums over independent periods stay in
    the family); every other demand takes whole numbers of periods.
    """
    if time == 0:
        return GridPmf(0, np.ones(1), width)
    scaled = _closed_under_sums(demand, time)
    if scaled is not None:
        return _cells(scaled, width)
    if time != int(time):
        raise ArgumentError(
            f"lead_time must be whole for {type(demand).__name__} demand, got {time:g}. "
            "Use a shorter period, or Poisson, NegativeBinomial, Normal or Gamma demand."
        )
    period = _cells(demand, width)
    total = period
    for _ in range(int(time) - 1):
        total = total.plus(period)
    return total


def _closed_under_sums(demand: Demand, time: float) -> Demand | None:
    mean, spread = demand.mean * time, demand.variance * time
    if isinstance(demand, Poisson):
        return Poisson(mean)
    if isinstance(demand, NegativeBinomial):
        return NegativeBinomial(mean, spread)
    if isinstance(demand, Normal):
        return Normal(mean, np.sqrt(spread))
    if isinstance(demand, Gamma):
        return Gamma(mean, np.sqrt(spread))
    return Deterministic(mean) if isinstance(demand, Deterministic) else None


def _cells(demand: Demand, width: float) -> GridPmf:
    """The mass of every cell [(k - 1/2) width, (k + 1/2) width]; of every whole number where demand is discrete."""
    low = int(np.floor(float(demand.quantile(TAIL)) / width))
    high = int(np.ceil(float(demand.quantile(1.0 - TAIL)) / width)) + 1
    if high - low > LARGEST_GRID:
        raise ArgumentError(
            f"demand needs {high - low} grid points, at most {LARGEST_GRID}. "
            "Measure it in larger units, or cut its tail."
        )
    point = np.arange(low, high + 1, dtype=np.float64)
    edge = point if demand.discrete else (point + 0.5) * width
    below, above = np.asarray(demand.cdf(edge)), np.asarray(demand.survival(edge))
    # Differences of whichever of cdf and survival is small: the tails keep their digits.
    mass = np.where(below < 0.5, np.diff(below, prepend=0.0), -np.diff(above, prepend=1.0))
    return GridPmf(low, mass / mass.sum(), width)


def _trimmed(mass: Array) -> Array:
    clean = np.maximum(mass, 0.0)
    trimmed: Array = clean / clean.sum()
    return trimmed
