"""Service measures of a base-stock policy, each by its own name, and the level that reaches a target of any of them.

With S the level, D(t) demand over t periods, L the lead time, R the review period (order of events as in
:mod:`capacity_opt.inventory.base_stock`; averages over the ends of periods, over time under continuous review):

* ``no_stockout`` (alpha): P(no backorders at the end of a period);
* ``cycle_service_level``: P(D(L + R) <= S), no stockout until the next order arrives; equal to alpha for R <= 1;
* ``fill_rate`` (beta): share of demand met at once, ``1 - (E[D(L+R) - S]+ - E[D(L) - S]+) / E[D(R)]`` (M. Sobel, *Fill
  rates of single-stage and multistage supply systems*, M&SOM 6, 2004); for unit demand under continuous review
  P(D(L) <= S - 1);
* ``gamma``: 1 - expected backorders / mean demand per period;
* ``ready_rate``: P(stock on hand at the end of a period).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from capacity_opt.demand.protocol import Demand
from capacity_opt.errors import ArgumentError
from capacity_opt.inventory.exposure import Exposure

Array = NDArray[np.float64]
Measure = Callable[[Exposure, Array], Array]

_STEPS = 200


def no_stockout(exposed: Exposure, level: Array) -> Array:
    """alpha: P(no backorders where stock is counted)."""
    return exposed.late.cdf(level)


def cycle_service_level(exposed: Exposure, level: Array) -> Array:
    """P(demand over lead time + review period <= level)."""
    return exposed.last.cdf(level)


def ready_rate(exposed: Exposure, level: Array) -> Array:
    """P(stock on hand where stock is counted)."""
    return exposed.late.cdf(_below(exposed.late, level))


def fill_rate(exposed: Exposure, level: Array) -> Array:
    """beta: share of demand met at once from stock."""
    if _watched_unit_by_unit(exposed):
        return exposed.early.cdf(_below(exposed.early, level))
    asked = exposed.last.mean - exposed.early.mean
    unmet = exposed.last.loss(level) - exposed.early.loss(level)
    share = np.where(asked > 0, unmet / np.where(asked > 0, asked, 1.0), 0.0)
    return np.clip(1.0 - share, 0.0, 1.0)[()]


def expected_backorders(exposed: Exposure, level: Array) -> Array:
    """Units waiting where stock is counted."""
    return exposed.late.loss(level)


def on_hand(exposed: Exposure, level: Array) -> Array:
    """Units in stock where stock is counted."""
    return np.maximum(level - exposed.late.mean + exposed.late.loss(level), 0.0)


def gamma(exposed: Exposure, level: Array) -> Array:
    """1 - expected backorders / mean demand per period."""
    moving = exposed.mean > 0
    waiting = exposed.late.loss(level)
    return np.where(moving, 1.0 - waiting / np.where(moving, exposed.mean, 1.0), 1.0)[()]


def orders_per_period(exposed: Exposure, level: Array) -> Array:
    """Orders placed per period: one per unit where watched unit by unit, else one per review with demand."""
    if exposed.single:
        return exposed.mean + 0.0 * level
    return exposed.review.survival(0.0) / exposed.review_period + 0.0 * level


MEASURES: dict[str, Measure] = {
    "no_stockout": no_stockout,
    "cycle_service_level": cycle_service_level,
    "fill_rate": fill_rate,
    "gamma": gamma,
    "ready_rate": ready_rate,
    "expected_backorders": expected_backorders,
    "on_hand": on_hand,
    "orders_per_period": orders_per_period,
}
"""Every measure by its name."""

TARGETS = ("fill_rate", "cycle_service_level", "ready_rate", "no_stockout", "gamma")
"""The measures a level can be chosen for."""


def level_for(name: str, target: Array, exposed: Exposure) -> Array:
    """The smallest level of at least 0 (whole for counts) whose measure ``name`` reaches ``target`` in (0, 1)."""
    if name not in TARGETS:
        raise ArgumentError(f"a service target must be one of {', '.join(TARGETS)}, got {name!r}")
    if name in ("cycle_service_level", "no_stockout"):
        demand = exposed.last if name == "cycle_service_level" else exposed.late
        return np.maximum(demand.quantile(target), 0.0)
    if name == "ready_rate" or (name == "fill_rate" and _watched_unit_by_unit(exposed)):
        demand = exposed.late if name == "ready_rate" else exposed.early
        return np.maximum(demand.quantile(target) + (1.0 if demand.discrete else 0.0), 0.0)
    return _searched(MEASURES[name], _SLOPES[name], target, exposed)


def _fill_slope(exposed: Exposure, level: Array) -> Array:
    asked = exposed.last.mean - exposed.early.mean
    return (exposed.last.survival(level) - exposed.early.survival(level)) / np.where(asked > 0, asked, 1.0)


def _gamma_slope(exposed: Exposure, level: Array) -> Array:
    return exposed.late.survival(level) / np.where(exposed.mean > 0, exposed.mean, 1.0)


_SLOPES: dict[str, Measure] = {"fill_rate": _fill_slope, "gamma": _gamma_slope}


def _searched(measure: Measure, slope: Measure, target: Array, exposed: Exposure) -> Array:
    """Newton's method on log(1 - measure), kept inside a bracket that closes from both sides."""
    whole = exposed.discrete
    goal = np.log(1.0 - target)
    # Either measure is at least 1 - (expected shortage) / (demand), so this level is far enough.
    high = exposed.last.quantile(np.clip(target, 0.5, 1 - 1e-15)) + 0.0 * goal
    short = measure(exposed, high) < target
    while np.any(short):
        high = np.where(short, 2.0 * high + 1.0, high)
        short = measure(exposed, high) < target
    low = np.where(measure(exposed, np.zeros_like(high)) >= target, 0.0, -1.0)
    done = low == 0.0
    low, high = np.where(done, 0.0, low + 1.0), np.where(done, 0.0, high)
    guess = high
    for _ in range(_STEPS):
        value = measure(exposed, guess)
        reached = value >= target
        high, low = np.where(reached, guess, high), np.where(reached, low, guess)
        width = high - low
        if np.all(width <= (1.0 if whole else 1e-13 * np.maximum(high, 1.0))):
            break
        guess = _next_guess(low, high, guess, value, slope(exposed, guess), goal, whole)
    return high[()]


def _next_guess(low: Array, high: Array, guess: Array, value: Array, slope: Array, goal: Array, whole: bool) -> Array:
    """The Newton point where it falls inside the bracket, else its middle; a whole number for counts."""
    missing = np.maximum(1.0 - value, 1e-300)
    with np.errstate(all="ignore"):
        newton = guess + (np.log(missing) - goal) * missing / slope
    # A step past the root closes the bracket from the other side too.
    overshoot = newton + np.where(newton < guess, -1.0, 1.0) * 1e-12 * np.maximum(np.abs(newton), 1.0)
    inside = (overshoot > low) & (overshoot < high)
    chosen = np.where(inside, overshoot, 0.5 * (low + high))
    return np.clip(np.rint(chosen), low + 1.0, np.maximum(high - 1.0, low + 1.0)) if whole else chosen


def _watched_unit_by_unit(exposed: Exposure) -> bool:
    """Continuous review of demand that falls unit by unit or smoothly: an order covers the lead time alone."""
    return exposed.single or (exposed.continuous and not exposed.discrete)


def _below(demand: Demand, level: Array) -> Array:
    """The largest demand that leaves stock at this level."""
    return np.ceil(level) - 1.0 if demand.discrete else level
