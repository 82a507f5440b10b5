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

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

from capacity_opt.demand.convolution import one_to_many
from capacity_opt.demand.counts import NegativeBinomial, Poisson
from capacity_opt.demand.parametric import Deterministic, Gamma, Normal
from capacity_opt.demand.protocol import Demand
from capacity_opt.demand.special import normal_loss
from capacity_opt.errors import ArgumentError
from capacity_opt.inventory.exposure import Exposure
from capacity_opt.inventory.fill_kernel import compiled_fill_levels

Array = NDArray[np.float64]
Measure = Callable[[Exposure, Array], Array]

_STEPS = 200
_CHUNK = 1 << 16
# Items whose tables must be in memory together.
_TABLE_CHUNK = 1 << 12
_CLOSED_FORM = (Poisson, NegativeBinomial, Normal, Gamma, Deterministic)
# A bracket this narrow (relative) is a point; Newton's step after one of 1e-10 is below rounding.
_CLOSE = 1e-12
_LAST_STEP = 1e-10


def no_stockout(exposed: Exposure, level: Array) -> Array:
    """alpha: P(no backorders where stock is counted)."""
    return exposed.late.cdf(level)


def cycle_service_level(exposed: Exposure, level: Array) -> Array:
    """P(demand over lead time + review period <= level)."""
    return _protected(exposed).cdf(level)


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
        demand = _protected(exposed) if name == "cycle_service_level" else exposed.late
        return np.maximum(demand.quantile(target), 0.0)
    if name == "ready_rate" or (name == "fill_rate" and _watched_unit_by_unit(exposed)):
        demand = exposed.late if name == "ready_rate" else exposed.early
        return np.maximum(demand.quantile(target) + (1.0 if demand.discrete else 0.0), 0.0)
    if name == "fill_rate":
        found = compiled_fill_levels(exposed.early, exposed.last, target)
        if found is not None:
            level, unsure = found
            if len(unsure):
                wanted = np.broadcast_to(target, level.shape)[unsure]
                level[unsure] = search(fill_rate, _fill_slope, wanted, _narrowed(exposed, unsure))
            return level
    return search(MEASURES[name], _SLOPES[name], target, exposed)


def _fill_slope(exposed: Exposure, level: Array) -> Array:
    asked = exposed.last.mean - exposed.early.mean
    return (exposed.last.survival(level) - exposed.early.survival(level)) / np.where(asked > 0, asked, 1.0)


def _gamma_slope(exposed: Exposure, level: Array) -> Array:
    return exposed.late.survival(level) / np.where(exposed.mean > 0, exposed.mean, 1.0)


_SLOPES: dict[str, Measure] = {"fill_rate": _fill_slope, "gamma": _gamma_slope}


def search(measure: Measure, slope: Measure, target: Array, exposed: Exposure) -> Array:
    """The smallest level whose rising measure reaches ``target``: Newton's method on log(1 - measure) in a bracket.

    Items drop out as they are found; each item's steps depend on that item alone.
    """
    goal = np.broadcast_to(np.log(1.0 - target), exposed.shape).reshape(-1)
    flat = exposed if exposed.shape else _flattened(exposed)
    size = _CHUNK if isinstance(flat.last, _CLOSED_FORM) else _TABLE_CHUNK
    if goal.size <= size:
        return _searched(measure, slope, goal, flat).reshape(exposed.shape)[()]
    chunks = [np.arange(begin, min(begin + size, goal.size)) for begin in range(0, goal.size, size)]
    # numpy and scipy let other threads run while they compute.
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        parts = pool.map(lambda items: _searched(measure, slope, goal[items], _narrowed(flat, items)), chunks)
        return np.concatenate(list(parts))


def _searched(measure: Measure, slope: Measure, goal: Array, flat: Exposure) -> Array:
    count = goal.size
    whole = flat.discrete
    answer = np.zeros(count)
    items, part = np.arange(count), flat
    level = np.maximum(_first_guess(flat, goal), 0.0)
    level = np.ceil(level) if whole else level
    low, high = np.full(count, -1.0 if whole else 0.0), np.full(count, np.inf)
    for _ in range(_STEPS):
        missing = np.maximum(1.0 - measure(part, level), 0.0)
        reached = missing <= np.exp(goal)
        low, high = np.where(reached, low, level), np.where(reached, level, high)
        step = _step(low, high, level, missing, slope(part, level), goal, whole)
        closed = np.isfinite(high) & (high - low <= (1.0 if whole else _CLOSE * np.maximum(np.abs(low), 1.0)))
        settled = closed | ((np.abs(step - level) <= _LAST_STEP * np.maximum(level, 1.0)) & (not whole))
        answer[items[settled]] = np.where(closed, high, step)[settled]
        if np.all(settled):
            break
        keep = np.flatnonzero(~settled)
        items, level, low, high, goal = items[keep], step[keep], low[keep], high[keep], goal[keep]
        part = _narrowed(flat, items) if len(keep) < len(settled) else part
    return answer


def _step(low: Array, high: Array, level: Array, missing: Array, slope: Array, goal: Array, whole: bool) -> Array:
    """The Newton point where it falls inside the bracket, else its middle (or twice as far); whole for counts."""
    with np.errstate(all="ignore"):
        newton = level + (np.log(missing) - goal) * missing / slope
        newton = np.where(np.isfinite(newton), newton, -1.0)
        middle = np.where(np.isinf(high), 2.0 * level + 1.0, 0.5 * (low + high))
    inside = (newton > low) & (newton < high)
    if not whole:
        return np.where(inside, newton, middle)
    nearest = np.where(inside, np.ceil(newton), np.floor(middle))
    return np.maximum(np.minimum(nearest, high - 1.0), low + 1.0)


def _first_guess(exposed: Exposure, goal: Array) -> Array:
    """Where a normal demand with the same mean and variance over the protection interval would need it."""
    mean, spread = exposed.last.mean, np.sqrt(exposed.last.variance)
    allowed = np.exp(goal) * np.maximum(exposed.last.mean - exposed.early.mean, 1e-300)
    wanted = np.log(np.clip(allowed / np.where(spread > 0, spread, 1.0), 1e-300, 1e6))
    z = np.where(wanted > -0.9, -np.exp(np.minimum(wanted, 3.0)), np.sqrt(np.maximum(-2.0 * wanted - 1.8, 0.0)) - 0.4)
    for _ in range(3):
        loss = np.maximum(normal_loss(z), 1e-300)
        z = z + (np.log(loss) - wanted) * loss / np.maximum(special.ndtr(-z), 1e-300)
        z = np.clip(z, -40.0, 37.0)
    guess: Array = mean + spread * z + 0.0 * goal
    return guess


def _flattened(exposed: Exposure) -> Exposure:
    """One item as an array of one, so that all of the search works on arrays."""
    early, late, last = (one_to_many(part, 1) for part in (exposed.early, exposed.late, exposed.last))
    return replace(exposed, shape=(1,), mean=np.atleast_1d(exposed.mean), early=early, late=late, last=last)


def _narrowed(exposed: Exposure, items: NDArray[np.intp]) -> Exposure:
    """The exposure of the chosen items."""
    early, late, last = (
        part.take(items) if part.shape else part for part in (exposed.early, exposed.late, exposed.last)
    )
    return replace(exposed, shape=(len(items),), mean=exposed.mean[items], early=early, late=late, last=last)


def _watched_unit_by_unit(exposed: Exposure) -> bool:
    """Continuous review of demand that falls unit by unit or smoothly: an order covers the lead time alone."""
    return exposed.single or (exposed.continuous and not exposed.discrete)


def _protected(exposed: Exposure) -> Demand:
    """Demand that a level must cover until the next order can arrive."""
    return exposed.late if exposed.jumping else exposed.last


def _below(demand: Demand, level: Array) -> Array:
    """The largest demand that leaves stock at this level."""
    return np.ceil(level) - 1.0 if demand.discrete else level
