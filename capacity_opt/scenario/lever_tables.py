"""The study of levers as tables of a run folder, and the capacity that admission control is worth."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capacity_opt.admission.critical_levels import tune_critical_levels
from capacity_opt.admission.multirate import multirate_loss
from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.scenario.admission_pools import AdmissionPool, admission_pools
from capacity_opt.scenario.levers import LeverStudy, State, absorbed_in
from capacity_opt.scenario.requests import Request
from capacity_opt.scenario.run_folder import Table, table_of
from capacity_opt.scenario.spec_admission import Admission

Array = NDArray[np.float64]

DAYS = 365.0
LEAST_BLOCKED = 1e-4
"""Stricter promises count as this one: no finite pool turns nobody away."""
LEVER_COLUMNS = (
    "lever", "what", "EffectiveCost", "first_in", "last_in", "avoided_purchases", "recurring_per_year", "servers",
    "power_kw", "utilization_before", "utilization", "absorbed_in_days", "availability_change", "BillingCurrency",
)  # fmt: skip
CURVE_COLUMNS = (
    "levers", "unmet_multiple", "availability", "worst_class", "utilization", "servers", "EffectiveCost",
    "free_cash_flow", "today", "BillingCurrency",
)  # fmt: skip
TODAY, TOTAL = "today", "total"


def lever_tables(study: LeverStudy, problem: FleetProblem) -> dict[str, Table]:
    """``levers``: today, a row per lever in the order pulled, the total; ``levers_curve``: points of the curve.

    In ``levers`` ``EffectiveCost`` is what the lever takes from the present value (negative), of ``today`` and
    ``total`` the present value itself; the rows in between sum to total - today.
    """
    currency = problem.finance.currency
    rows = [_end(TODAY, "the scenario as it is", study.today, study.today, study) | {"BillingCurrency": currency}]
    for part in study.parts:
        rows.append(
            _change(part.before, part.after, study)
            | {"lever": part.lever.name, "what": part.lever.told, "EffectiveCost": -part.saving}
            | {"first_in": part.first_in, "last_in": part.last_in, "BillingCurrency": currency}
        )
    last = study.parts[-1].after if study.parts else study.today
    rows.append(_end(TOTAL, "all levers together", study.today, last, study) | {"BillingCurrency": currency})
    names = problem.groups.classes
    curve = [
        {
            "levers": "all" if every else "none",
            "unmet_multiple": multiple,
            "availability": float(np.mean(state.fill)),
            "worst_class": names[int(np.argmin(state.fill))],
            "utilization": state.utilization,
            "servers": state.servers,
            "EffectiveCost": state.cost,
            "free_cash_flow": -state.cash,
            "today": multiple == 1.0 and not every,
            "BillingCurrency": currency,
        }
        for every, multiple, state in study.curve
    ]
    return {"levers": table_of(rows, LEVER_COLUMNS), "levers_curve": table_of(curve, CURVE_COLUMNS)}


def _end(name: str, what: str, before: State, after: State, study: LeverStudy) -> dict[str, Any]:
    return _change(before, after, study) | {
        "lever": name,
        "what": what,
        "EffectiveCost": after.cost,
        "first_in": math.nan,
        "last_in": math.nan,
    }


def _change(before: State, after: State, study: LeverStudy) -> dict[str, Any]:
    freed = 1.0 - after.servers / before.servers if before.servers > 0 else 0.0
    return {
        "avoided_purchases": before.once - after.once,
        "recurring_per_year": before.recurring - after.recurring,
        "servers": before.servers - after.servers,
        "power_kw": before.power_kw - after.power_kw,
        "utilization_before": before.utilization,
        "utilization": after.utilization,
        "absorbed_in_days": DAYS * absorbed_in(freed, study.growth),
        "availability_change": float(np.min(after.fill - study.today.fill)),
    }


def lever_answer(study: LeverStudy, currency: str) -> str:
    """What the levers are worth, in a sentence."""
    if not study.parts:
        return "no lever is given that would change anything"
    best = max(study.parts, key=lambda part: part.saving)
    last = study.parts[-1].after
    held = "at equal availability of every class"
    if study.worst_fill_change < -1e-6:
        held = f"though availability falls by {-study.worst_fill_change:.2e}"
    return (
        f"all levers together save {study.total:,.0f} {currency} of {study.today.cost:,.0f} {held} (utilization of "
        f"{study.resource} {study.today.utilization:.1%} to {last.utilization:.1%}); the largest is "
        f"{best.lever.name.replace('_', ' ')} with {best.saving:,.0f}"
    )


def admission_factor(
    problem: FleetProblem,
    requests: Sequence[Request],
    section: Admission,
    *,
    samples: int,
    seed: int,
    tell: Callable[[str], None],
) -> float:
    """Capacity that first come needs for every promised blocking / what critical levels need, mean over the pools.

    Each pool at its fullest moment. A class's promise is its ``max_blocking``, else 1 - ``fill_rate``; without any
    promise the factor is 1.
    """
    values, chance = problem.demand.draw(samples, seed=seed)
    there = problem.supply.initial
    servers = there if there.any() else np.ones_like(there)
    worth, weight = [], []
    for pool in admission_pools(problem, requests, section, values, chance, servers):
        tell(f"levers: capacity that levels are worth in {pool.name}")
        mean = np.einsum("s,stbn->tbn", chance, pool.load).reshape(-1, len(pool.requests))
        load = mean[np.argmax(mean @ pool.size)]
        worth.append(_pool_factor(pool, load, _promised(problem, pool)))
        weight.append(float(load @ pool.size) * pool.unit)
    return float(np.average(worth, weights=weight)) if weight and sum(weight) > 0 else 1.0


def _promised(problem: FleetProblem, pool: AdmissionPool) -> Array:
    fill = np.array([problem.service.fill_rate[request.of_class] for request in pool.requests])
    promised: Array = np.where(pool.most_blocked < 1.0, pool.most_blocked, np.where(np.isnan(fill), 1.0, 1.0 - fill))
    return np.maximum(promised, LEAST_BLOCKED)


def _pool_factor(pool: AdmissionPool, load: Array, promised: Array) -> float:
    if np.all(promised >= 1.0) or not load.any():
        return 1.0

    def first_come(units: int) -> bool:
        return bool(np.all(multirate_loss(units, load=load, size=pool.size).blocking <= promised))

    def with_levels(units: int) -> bool:
        how = {"arrival_rate": load / pool.holding, "holding_time": pool.holding, "size": pool.size}
        return tune_critical_levels(units, **how, price=pool.price, max_blocking=promised).met

    needed = _least(first_come, 1, int(2.0 * float(load @ pool.size)) + 10 * int(pool.size.max()))
    kept = _least(with_levels, max(1, needed // 2), needed)
    return needed / kept


def _least(enough: Callable[[int], bool], low: int, high: int) -> int:
    """The least count that is enough, at most ``high`` (doubled until it is)."""
    while not enough(high):
        low, high = high, 2 * high
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return high
