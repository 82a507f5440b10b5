"""The value of capacity that is used up: one dynamic program over the classes, cheapest asking first.

On a grid of step d (1 for whole-unit demand) class j + 1 with fare r asks after all cheaper ones, so with x units left

    V_{j+1}(x) = E[ r min(D, (x - y)+) + V_j(x - min(D, (x - y)+)) ],

where y is what is protected for the j dearer classes; the best y is the last x whose marginal value exceeds r
(S. L. Brumelle and J. I. McGill, Operations Research 41, 1993). The sums over D are convolutions, done by FFT.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from capacity_opt.demand.protocol import Demand

Array = NDArray[np.float64]

FINEST = 16_384
COARSEST = 512
PER_DEVIATION = 100.0


def grid_step(demand: Demand, capacity: float) -> float:
    """1 for whole-unit demand; else a hundredth of the least standard deviation, as far as the grid stays small."""
    if demand.discrete:
        return 1.0
    spread = np.sqrt(demand.variance)
    least = float(np.min(spread[spread > 0], initial=np.inf))
    wanted = capacity if not np.isfinite(least) else least / PER_DEVIATION
    cells = int(np.clip(np.ceil(capacity / max(wanted, 1e-300)), COARSEST, FINEST))
    return capacity / cells


def grid_masses(demand: Demand, step: float, cells: int) -> Array:
    """P(D in cell i), (classes, cells + 1): cells of one step around each grid point; demand below 0 counts as 0."""
    points = np.arange(cells + 1) * step
    upper = demand.cdf((points if demand.discrete else points + 0.5 * step)[:, None]).T
    masses: Array = np.diff(upper, axis=1, prepend=0.0)
    return np.maximum(masses, 0.0)


def book(
    masses: Array, fare: Array, step: float, protection: NDArray[np.int64] | None
) -> tuple[Array, list[float], float]:
    """Marginal value of each grid step once all classes may ask, the protections (units), and the value in all.

    ``protection``: given grid positions (classes - 1,), or ``None`` for the best ones.
    """
    cells = masses.shape[1] - 1
    value = _sell(np.zeros(cells + 1), masses[0], float(fare[0]), step, 0)
    protected: list[float] = []
    for j in range(1, len(fare)):
        if protection is None:
            exact, place = _crossing(value, float(fare[j]), step)
        else:
            place = int(protection[j - 1])
            exact = place * step
        protected.append(exact)
        value = _sell(value, masses[j], float(fare[j]), step, place)
    return np.diff(value) / step, protected, float(value[-1])


def _crossing(value: Array, fare: float, step: float) -> tuple[float, int]:
    """The last x whose marginal value exceeds ``fare``: between grid points, and as a grid position."""
    slope = np.diff(value) / step
    place = int(np.count_nonzero(slope > fare * (1.0 + 1e-12)))
    if step == 1.0 or place == 0 or place == slope.size:
        return place * step, place
    high, low = slope[place - 1], slope[place]
    return (place - 0.5 + (high - fare) / (high - low)) * step, place


def _sell(value: Array, mass: Array, fare: float, step: float, protected: int) -> Array:
    """The value after one more class may buy all but ``protected`` grid steps."""
    cells = value.size - 1
    sold = cells - protected
    if sold <= 0:
        return value
    kept = value[protected:]
    mass = mass[: sold + 1]
    below = np.concatenate([[0.0], np.cumsum(mass[:sold])])
    money = fare * step * np.concatenate([[0.0], np.cumsum(mass[:sold] * np.arange(sold))])
    # Sum over d < x - y of m(d) V(x - d): the term d = x - y of the full convolution is what sells out.
    mixed = _convolve(mass, kept) - mass * kept[0]
    sold_out = np.maximum(1.0 - below, 0.0) * (fare * step * np.arange(sold + 1) + kept[0])
    return np.concatenate([value[:protected], mixed + money + sold_out])


def _convolve(a: Array, b: Array) -> Array:
    size = a.size
    if size <= 256:
        return np.convolve(a, b)[:size]
    length = fft.next_fast_len(2 * size, real=True)
    product: Array = fft.irfft(fft.rfft(a, length) * fft.rfft(b, length), length)[:size]
    return product
