"""Commitments of several terms on top of each other: three years at the bottom, one year above, on demand at the peak.

Per unit level q of usage the question is separate: a unit committed for all years costs ``years`` x (1 - d_long); else
each year costs the least of a one-year commitment and paying for the hours in which usage exceeds q. The long side
falls with q, so the levels stack, and each boundary is a quantile: the newsvendor of committed use.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class CommitmentStack:
    """Units committed for all years (``long_units``) and, above them, in each year (``short_units``, (S, Y): the
    one-year commitments are bought when the scenario is known). Money per hour in on-demand prices of one unit, means
    over scenarios, years and hours: ``cost``, ``on_demand_cost`` (no commitment), ``by_scenario`` (S,). ``coverage``:
    share of usage under commitments; ``utilization``: share of commitments in use; ``effective_savings_rate`` = 1 -
    cost / on_demand_cost; ``break_even``: (long, short) utilization at which a commitment just pays."""

    long_units: float
    short_units: Array
    cost: float
    on_demand_cost: float
    by_scenario: Array
    coverage: float
    utilization: float
    effective_savings_rate: float
    break_even: tuple[float, float]


def optimize_commitment_stack(
    usage: ArrayLike, *, long_discount: float, short_discount: float, probability: ArrayLike | None = None
) -> CommitmentStack:
    """The long and one-year commitments of least expected cost.

    ``usage`` (S, Y, H): hourly usage in scenario s and year y (all years, H hours each; any representative hours);
    (Y, H) or (H,) for one scenario. ``long_discount`` > 0 for committing to all Y years, ``short_discount`` for one
    year, shares of the on-demand price; ``probability`` (S,).

    >>> told = optimize_commitment_stack([[10] * 10 + [20] * 10], long_discount=0.28, short_discount=0.1)
    >>> told.long_units, round(told.cost, 6)
    (10.0, 12.2)
    """
    table, chance = _usage(usage, probability)
    long, short = _discounts(long_discount, short_discount)
    ordered = np.sort(table, axis=2)
    levels = np.unique(np.concatenate([[0.0], table.ravel()]))
    bottom = float(levels[_steps(levels, ordered, chance, long, short)])
    best = np.ceil((1.0 - (1.0 - short)) * table.shape[2] - 1e-9).astype(int)
    top = ordered[:, :, max(best, 1) - 1] if short > 0 else np.zeros(table.shape[:2])
    return measure_commitment_stack(
        table, bottom, np.maximum(top - bottom, 0.0), long_discount=long, short_discount=short, probability=chance
    )


def measure_commitment_stack(
    usage: ArrayLike,
    long_units: float,
    short_units: ArrayLike,
    *,
    long_discount: float,
    short_discount: float,
    probability: ArrayLike | None = None,
) -> CommitmentStack:
    """What given commitments cost at given usage, as :func:`optimize_commitment_stack` counts it.

    ``short_units`` broadcast to (S, Y).

    >>> told = measure_commitment_stack([5.0, 15.0], 10, 0, long_discount=0.5, short_discount=0.2)
    >>> told.cost, told.coverage, told.utilization
    (7.5, 0.75, 0.75)
    """
    table, chance = _usage(usage, probability)
    long, short = _discounts(long_discount, short_discount)
    bottom = float(_checks.non_negative("long_units", long_units))
    extra = _checks.non_negative("short_units", _checks.shape("short_units", short_units, table.shape[:2], "S, Y"))
    committed = bottom + extra
    above = np.maximum(table - committed[:, :, None], 0.0).mean(axis=2)
    used = np.minimum(table, committed[:, :, None]).mean(axis=2)
    by_year = bottom * (1.0 - long) + extra * (1.0 - short) + above
    asked = float(chance @ table.mean(axis=(1, 2)))
    cost = float(chance @ by_year.mean(axis=1))
    held, taken = float(chance @ committed.mean(axis=1)), float(chance @ used.mean(axis=1))
    return CommitmentStack(
        long_units=bottom,
        short_units=extra,
        cost=cost,
        on_demand_cost=asked,
        by_scenario=by_year.mean(axis=1),
        coverage=taken / asked if asked > 0 else 1.0,
        utilization=taken / held if held > 0 else 1.0,
        effective_savings_rate=1.0 - cost / asked if asked > 0 else 0.0,
        break_even=(1.0 - long, 1.0 - short),
    )


def lookback_commitment(history: ArrayLike, *, discount: float, hours: int = 720) -> float:
    """The rule of the consoles: the commitment that would have been best over the last ``hours`` (30 days).

    >>> lookback_commitment([1, 2, 3, 4], discount=0.5, hours=2)
    3.0
    """
    past = _checks.non_negative("history", history)
    if past.ndim != 1 or not past.size:
        raise ArgumentError(f"history must be observed hours of shape (hours,), got shape {past.shape}")
    seen = np.sort(past[-int(_checks.whole("hours", hours, at_least=1)) :])
    share = float(_checks.fraction("discount", discount))
    return float(seen[int(np.ceil(share * len(seen) - 1e-9)) - 1])


def _steps(levels: Array, ordered: Array, chance: Array, long: float, short: float) -> int:
    """Position of the highest level up to which committing for all years is cheaper. A unit between two neighbouring
    levels is used in the hours above the lower one."""
    years, hours = ordered.shape[1:]
    low, high = 0, len(levels) - 1
    while low < high:
        middle = (low + high + 1) // 2
        below = levels[middle - 1]
        idle = np.apply_along_axis(np.searchsorted, 2, ordered, below, side="right")
        used = 1.0 - idle / hours
        other = float(chance @ np.minimum(1.0 - short, used).reshape(len(chance), years).sum(axis=1))
        if years * (1.0 - long) < other - 1e-12:
            low = middle
        else:
            high = middle - 1
    return low


def _usage(usage: ArrayLike, probability: ArrayLike | None) -> tuple[Array, Array]:
    table = _checks.non_negative("usage", usage)
    if table.ndim not in (1, 2, 3) or not table.size:
        raise ArgumentError(f"usage must have shape (S, Y, H), (Y, H) or (H,), got {table.shape}")
    table = table.reshape((1,) * (3 - table.ndim) + table.shape)
    chance = np.full(len(table), 1.0 / len(table)) if probability is None else probability
    checked = _checks.probabilities("probability", chance)
    _checks.same_length(usage=table, probability=checked)
    return table, checked


def _discounts(long_discount: float, short_discount: float) -> tuple[float, float]:
    long = float(_checks.between("long_discount", long_discount, 0.0, 1.0))
    short = float(_checks.between("short_discount", short_discount, 0.0, 1.0))
    return long, short
