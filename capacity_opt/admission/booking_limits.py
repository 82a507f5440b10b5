"""Booking limits for capacity that is used up until the next delivery: how much to keep for dearer classes.

One product, classes in falling order of fare, cheaper classes asking first, demands independent. For capacity that
comes back when a request leaves use :func:`~capacity_opt.tune_critical_levels`: limits derived here would turn requests
away for capacity that is free again before the dearer ones come.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from capacity_opt import _checks
from capacity_opt.admission.booking_value import book, grid_masses, grid_step
from capacity_opt.demand.protocol import Demand
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class BookingLimits:
    """What is kept for whom. Classes in falling order of fare.

    ``protection``: units kept for the j + 1 dearest classes against all cheaper ones, (classes - 1,), not cut to the
    capacity for ``"emsr_a"``, ``"emsr_b"``; ``expected_revenue``: under these protections, exact but for the grid;
    ``bid_price``: marginal value of the x-th unit left before anyone has asked, at ``units_left``; ``method``:
    ``"exact"``, ``"emsr_a"``, ``"emsr_b"`` or ``"given"``.
    """

    capacity: float
    fare: Array
    protection: Array
    expected_revenue: float
    units_left: Array
    bid_price: Array
    method: Literal["exact", "emsr_a", "emsr_b", "given"]

    @property
    def booking_limit(self) -> Array:
        """The most that a class and all cheaper ones may take, whole units, (classes,)."""
        kept = np.concatenate([[0.0], np.floor(self.protection + 1e-9)])
        return np.clip(self.capacity - kept, 0.0, self.capacity)


def littlewood(demand: Demand, *, fare: ArrayLike, low_fare: ArrayLike) -> Array:
    """Units to protect for a dearer class of this demand against one that asks first and pays ``low_fare``.

    The smallest y with P(D > y) <= low_fare / fare; vectorised over items. Source: K. Littlewood, 1972.

    >>> from capacity_opt import Normal
    >>> round(float(littlewood(Normal(50, 100), fare=100, low_fare=40)), 4)
    75.3347
    """
    high = _checks.positive("fare", fare)
    low = _checks.positive("low_fare", low_fare)
    _checks.fraction("low_fare / fare", low / high)
    return np.maximum(demand.quantile(1.0 - low / high), 0.0)[()]


def optimize_booking_limits(demand: Demand, *, fare: ArrayLike, capacity: float) -> BookingLimits:
    """The protections of greatest expected revenue, by dynamic programming on any demand.

    ``demand``: one item per class, (classes,); ``fare`` (classes,), strictly falling; ``capacity`` units (whole for
    whole-unit demand). Demand below 0 counts as 0. Continuous demand is put on a grid of a hundredth of the least
    standard deviation: protections are right to about a thousandth of it.

    >>> from capacity_opt import Normal
    >>> best = optimize_booking_limits(Normal([17.3, 45.1, 39.6, 34.0], [5.8, 15.0, 13.2, 11.3]),
    ...     fare=[1050, 567, 534, 520], capacity=140)
    >>> best.protection.round(2)
    array([16.72, 42.49, 72.71])
    """
    prices, room = _arguments(demand, fare, capacity)
    step = grid_step(demand, room)
    cells = round(room / step)
    slope, protected, value = book(grid_masses(demand, step, cells), prices, step, None)
    return _limits(room, prices, np.array(protected), value, step, slope, "exact")


def approximate_booking_limits(
    demand: Demand, *, fare: ArrayLike, capacity: float, method: Literal["emsr_a", "emsr_b"] = "emsr_b"
) -> BookingLimits:
    """Protections by expected marginal seat revenue; arguments as in :func:`optimize_booking_limits`.

    ``"emsr_b"``: Littlewood's rule against the dearer classes merged into one, normal with their summed mean and
    variance and their mean fare; ``"emsr_a"``: the sum of Littlewood's protections class by class. Heuristics, mostly
    within 1 % of the best revenue (P. P. Belobaba, 1987 and 1992); ``expected_revenue`` is what they really earn.

    >>> from capacity_opt import Normal
    >>> told = approximate_booking_limits(Normal([30, 40, 60], [12, 15, 20]), fare=[1000, 700, 400], capacity=120)
    >>> told.protection.round(2), told.booking_limit
    (array([23.71, 70.83]), array([120.,  97.,  50.]))
    """
    prices, room = _arguments(demand, fare, capacity)
    if method == "emsr_b":
        protected = _emsr_b(demand, prices)
    elif method == "emsr_a":
        protected = _emsr_a(demand, prices)
    else:
        raise ArgumentError(f"method must be 'emsr_a' or 'emsr_b', got {method!r}")
    return _given(demand, prices, room, protected, method)


def evaluate_booking_limits(
    protection: ArrayLike, demand: Demand, *, fare: ArrayLike, capacity: float
) -> BookingLimits:
    """What given protections (classes - 1,) earn; other arguments as in :func:`optimize_booking_limits`.

    >>> from capacity_opt import Poisson
    >>> told = evaluate_booking_limits([0.0], Poisson([5.0, 20.0]), fare=[300, 100], capacity=20)
    >>> best = optimize_booking_limits(Poisson([5.0, 20.0]), fare=[300, 100], capacity=20)
    >>> round(told.expected_revenue), best.protection, round(best.expected_revenue)
    (2244, array([6.]), 2744)
    """
    prices, room = _arguments(demand, fare, capacity)
    kept = _checks.non_negative("protection", np.atleast_1d(_checks.numbers("protection", protection)))
    if kept.shape != (prices.size - 1,):
        raise ArgumentError(f"protection must have {prices.size - 1} values, one less than fare, got {kept.shape}")
    return _given(demand, prices, room, kept, "given")


def _arguments(demand: Demand, fare: ArrayLike, capacity: float) -> tuple[Array, float]:
    prices = np.atleast_1d(_checks.positive("fare", fare))
    if demand.shape != prices.shape:
        raise ArgumentError(f"demand must have one item per fare: {prices.shape}, got {demand.shape}")
    if np.any(np.diff(prices) >= 0):
        raise ArgumentError("fare must fall strictly from class to class: sort classes and merge those of one fare")
    room = float(_checks.positive("capacity", _checks.single("capacity", capacity)))
    if demand.discrete:
        _checks.whole("capacity (demand is in whole units)", room)
    return prices, room


def _given(
    demand: Demand, fare: Array, capacity: float, protection: Array, method: Literal["emsr_a", "emsr_b", "given"]
) -> BookingLimits:
    step = grid_step(demand, capacity)
    cells = round(capacity / step)
    places = np.clip(np.rint(protection / step), 0, cells).astype(np.int64)
    slope, _, value = book(grid_masses(demand, step, cells), fare, step, places)
    return _limits(capacity, fare, protection, value, step, slope, method)


def _limits(
    capacity: float,
    fare: Array,
    protection: Array,
    value: float,
    step: float,
    slope: Array,
    method: Literal["exact", "emsr_a", "emsr_b", "given"],
) -> BookingLimits:
    units = (np.arange(slope.size, dtype=np.float64) + (1.0 if step == 1.0 else 0.5)) * step
    return BookingLimits(
        capacity=capacity,
        fare=fare,
        protection=protection,
        expected_revenue=value,
        units_left=units,
        bid_price=slope,
        method=method,
    )


def _emsr_b(demand: Demand, fare: Array) -> Array:
    mean, variance = np.cumsum(demand.mean), np.cumsum(demand.variance)
    weight = np.cumsum(fare * demand.mean)
    average = np.where(mean > 0, weight / np.where(mean > 0, mean, 1.0), fare)[:-1]
    ratio = np.clip(fare[1:] / average, 1e-15, 1.0 - 1e-15)
    protected: Array = mean[:-1] + np.sqrt(variance[:-1]) * -special.ndtri(ratio)
    return np.maximum(protected, 0.0)


def _emsr_a(demand: Demand, fare: Array) -> Array:
    sums = []
    for j in range(1, fare.size):
        ratio = np.where(np.arange(fare.size) < j, fare[j] / fare, 0.5)
        sums.append(float(np.maximum(demand.quantile(1.0 - ratio), 0.0)[:j].sum()))
    return np.array(sums)
