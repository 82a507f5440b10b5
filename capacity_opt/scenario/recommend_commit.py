"""Commitments worth buying: from usage so far, its growth and the rates; tried on hours that were kept back."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import special

from capacity_opt.recommendation.commit_stack import (
    CommitmentStack,
    lookback_commitment,
    measure_commitment_stack,
    optimize_commitment_stack,
)
from capacity_opt.recommendation.ranked import Recommendation
from capacity_opt.scenario.recommend_tables import Commitable

Array = NDArray[np.float64]
YEARS = 3
OUTCOMES = 9
HOURS_A_MONTH = 730.5


def commitments(
    pools: tuple[Commitable, ...], *, window: int, held_out: int
) -> Iterator[tuple[Recommendation, dict[str, float]]]:
    """A recommendation per pool, with its measures; money per month."""
    for pool in pools:
        seen = pool.usage[-window:]
        told = optimize_commitment_stack(
            _coming(pool, seen), long_discount=pool.three_year_discount, short_discount=pool.one_year_discount
        )
        yield _worded(pool, told), {**_measures(told), **_tried(pool, held_out)}


def _coming(pool: Commitable, seen: Array) -> Array:
    """(outcomes, years, hours) usage to come: the hours seen, grown at equally likely rates."""
    level = (np.arange(OUTCOMES) + 0.5) / OUTCOMES
    rate = np.maximum(pool.growth + pool.growth_sd * special.ndtri(level), -0.95) if pool.growth_sd > 0 else None
    rates = np.array([pool.growth]) if rate is None else rate
    middle = np.arange(YEARS) + 0.5
    return np.asarray((1.0 + rates)[:, None, None] ** middle[None, :, None] * seen[None, None, :])


def _worded(pool: Commitable, told: CommitmentStack) -> Recommendation:
    price = pool.on_demand_price * HOURS_A_MONTH
    saving = (told.on_demand_cost - told.cost) * price
    usage = _coming(pool, pool.usage[-1:]) / max(float(pool.usage[-1]), 1e-12)
    demand = told.on_demand_cost * usage.mean(axis=(1, 2)) / usage.mean()
    by_outcome = (demand - told.by_scenario) * price
    first = float(told.short_units[:, 0].mean())
    return Recommendation(
        kind="commit",
        subject=pool.pool,
        action=f"Commit {told.long_units:,.4g} units for three years and {first:,.4g} more for one",
        saving=float(saving),
        low=float(min(saving, by_outcome.min())),
        high=float(max(saving, by_outcome.max())),
        risk=float(np.mean(by_outcome < 0)),
        reversible="after its term",
        who="finance",
        reason=(
            f"covers {told.coverage:.0%} of usage at {told.utilization:.0%} utilization; pays above "
            f"{told.break_even[0]:.0%} (three years) and {told.break_even[1]:.0%} (one year); effective savings rate "
            f"{told.effective_savings_rate:.1%}"
        ),
    )


def _measures(told: CommitmentStack) -> dict[str, float]:
    return {
        "three_year_units": told.long_units,
        "one_year_units": float(told.short_units[:, 0].mean()),
        "coverage": told.coverage,
        "utilization": told.utilization,
        "effective_savings_rate": told.effective_savings_rate,
        "break_even_three_years": told.break_even[0],
        "break_even_one_year": told.break_even[1],
    }


def _tried(pool: Commitable, held_out: int) -> dict[str, float]:
    """Decided without the last ``held_out`` hours and paid for in them, one term at the one-year rate, per hour in
    on-demand prices of a unit: ours, the 30-day look-back rule's, and the best in hindsight."""
    names = ("tried_cost", "lookback_cost", "hindsight_cost")
    discount = pool.one_year_discount
    if not 0 < held_out < len(pool.usage) or not 0 < discount < 1:
        return dict.fromkeys(names, float("nan"))
    past, future = pool.usage[:-held_out], pool.usage[-held_out:]
    week = min(168, len(past))
    hours = np.arange(len(future)) % week
    trend = (past[-week:].mean() / past[-2 * week : -week].mean()) if len(past) >= 2 * week else 1.0
    ahead = past[-week:][hours] * np.clip(trend, 0.5, 2.0) ** (1.0 + np.arange(len(future)) // week)
    ours = optimize_commitment_stack(ahead, long_discount=discount, short_discount=0.0).long_units
    rule = lookback_commitment(past, discount=discount)
    best = optimize_commitment_stack(future, long_discount=discount, short_discount=0.0).long_units
    costs = (
        measure_commitment_stack(future, units, 0.0, long_discount=discount, short_discount=0.0).cost
        for units in (ours, rule, best)
    )
    return dict(zip(names, costs))
