"""The admission step of a run: the plan's capacity to levels per pool and period, judged, as tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.problem.plan import FleetPlan
from capacity_opt.scenario.admission_judge import PlayedLevels, play_levels
from capacity_opt.scenario.admission_levels import Levels, fullest, tune_pool
from capacity_opt.scenario.admission_pools import AdmissionPool, admission_pools, servers_of
from capacity_opt.scenario.requests import Request
from capacity_opt.scenario.run_folder import Table, table_of
from capacity_opt.scenario.spec_admission import Admission

Array = NDArray[np.float64]

LEVEL_COLUMNS = (
    "pool", "period", "block", "request", "class", "request_size", "keep_free", "resource", "steps_kept_free",
    "offered_requests", "blocking", "first_come_blocking", "placement_score", "max_blocking", "met",
)  # fmt: skip
POOL_COLUMNS = (
    "pool", "period", "block", "resource", "capacity", "asked", "asked_share", "used", "step", "first_come_revenue",
    "revenue", "upper_bound", "gain", "marginal_value", "spot_capacity", "control_needed", "judged_by",
    "BillingCurrency",
)  # fmt: skip
JUDGED_COLUMNS = (
    "pool", "period", "block", "request", "holding_times", "promised", "blocking", "blocking_low", "blocking_high",
    "first_come_blocking", "max_blocking", "verdict", "revenue", "first_come_revenue", "requests",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class AdmissionOutcome:
    """The pools with their levels, and what the judge played: (pool, moment, play)."""

    pools: tuple[AdmissionPool, ...]
    levels: tuple[tuple[Levels, ...], ...]
    played: tuple[tuple[AdmissionPool, Levels, PlayedLevels], ...]

    @property
    def kept(self) -> bool | None:
        """Whether every promised blocking that the levels claim to keep was found kept; ``None``: nothing claimed."""
        said = [
            outcome != "not_kept"
            for _, found, played in self.played
            if found.met
            for outcome in played.outcome
            if outcome != "no_target"
        ]
        return all(said) if said else None


def admit(
    problem: FleetProblem,
    plan: FleetPlan,
    requests: Sequence[Request],
    section: Admission,
    *,
    asked: tuple[Array, Array],
    seed: int,
    tell: Callable[[str], None] = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
) -> AdmissionOutcome:
    """Tune and judge the levels of every pool; ``asked``: demand draws (S, J, T, B) and their chances (S,)."""
    pools = admission_pools(problem, requests, section, *asked, servers_of(problem, plan))
    tuned = []
    for pool in pools:
        tell(f"admission levels of {pool.name}")
        tuned.append(tuple(tune_pool(pool, loads=section.loads, max_eviction=section.max_eviction, stopped=stopped)))
    played: list[tuple[AdmissionPool, Levels, PlayedLevels]] = []
    for place, (pool, found) in enumerate(zip(pools, tuned)):
        for moment in _moments(found, pool, section.judge):
            if stopped():
                break
            tell(f"playing the levels of {pool.name} in {problem.periods[moment.t]}")
            how = {"requests": section.judged_requests, "replications": section.replications, "seed": seed + place}
            played += [(pool, moment, one) for one in play_levels(pool, moment, **how)]
    return AdmissionOutcome(pools=tuple(pools), levels=tuple(tuned), played=tuple(played))


def _moments(found: Sequence[Levels], pool: AdmissionPool, judge: str) -> Sequence[Levels]:
    ready = [one for one in found if one.load.any() and one.units > 0]
    if judge == "none" or not ready:
        return []
    return [fullest(ready, pool)] if judge == "worst" else ready


def admission_tables(outcome: AdmissionOutcome, problem: FleetProblem) -> dict[str, Table]:
    """``admission_levels`` per kind of request, ``admission_pools`` per moment, ``admission_judged`` per play."""
    pairs = [(pool, one) for pool, found in zip(outcome.pools, outcome.levels) for one in found]
    return {
        "admission_levels": table_of([r for pool, one in pairs for r in _levels(problem, pool, one)], LEVEL_COLUMNS),
        "admission_pools": table_of([_pool(problem, pool, one) for pool, one in pairs], POOL_COLUMNS),
        "admission_judged": table_of(
            [r for pool, one, played in outcome.played for r in _judged(problem, pool, one, played)], JUDGED_COLUMNS
        ),
    }


def _place(problem: FleetProblem, pool: AdmissionPool, one: Levels) -> dict[str, Any]:
    return {"pool": pool.name, "period": problem.periods[one.t], "block": problem.blocks[one.b]}


def _levels(problem: FleetProblem, pool: AdmissionPool, one: Levels) -> Iterator[dict[str, Any]]:
    for k, request in enumerate(pool.requests):
        yield _place(problem, pool, one) | {
            "request": request.name,
            "class": problem.groups.classes[request.of_class],
            "request_size": float(pool.need[k]),
            "keep_free": float(one.reservation[k] * pool.unit),
            "resource": problem.resources[pool.resource],
            "steps_kept_free": int(one.reservation[k]),
            "offered_requests": float(one.load[k] / pool.scale[k]) if pool.scale[k] > 0 else 0.0,
            "blocking": float(one.blocking[k]),
            "first_come_blocking": float(one.first_come_blocking[k]),
            "placement_score": int(one.score[k]),
            "max_blocking": float(request.max_blocking),
            "met": one.met,
        }


def _pool(problem: FleetProblem, pool: AdmissionPool, one: Levels) -> dict[str, Any]:
    asked, capacity = float(one.load @ pool.size) * pool.unit, float(pool.capacity[one.t])
    return _place(problem, pool, one) | {
        "resource": problem.resources[pool.resource],
        "capacity": capacity,
        "asked": asked,
        "asked_share": asked / capacity if capacity > 0 else float("inf") if asked > 0 else 0.0,
        "used": one.used,
        "step": pool.unit,
        "first_come_revenue": one.first_come_revenue,
        "revenue": one.revenue,
        "upper_bound": one.upper_bound,
        "gain": one.gain,
        "marginal_value": one.marginal_value,
        "spot_capacity": one.spot,
        "control_needed": one.control_needed,
        "judged_by": "exact" if one.exact else "approximation",
        "BillingCurrency": problem.finance.currency,
    }


def _judged(problem: FleetProblem, pool: AdmissionPool, one: Levels, played: PlayedLevels) -> Iterator[dict[str, Any]]:
    levels = played.levels
    for k, request in enumerate(pool.requests):
        yield _place(problem, pool, one) | {
            "request": request.name,
            "holding_times": played.law,
            "promised": float(one.at_mean[k]),
            "blocking": float(levels.blocking[k]),
            "blocking_low": float(levels.blocking_low[k]),
            "blocking_high": float(levels.blocking_high[k]),
            "first_come_blocking": float(played.first_come.blocking[k]),
            "max_blocking": float(request.max_blocking),
            "verdict": played.outcome[k] if one.met or played.outcome[k] != "not_kept" else "not_promised",
            "revenue": played.revenue,
            "first_come_revenue": played.first_come_revenue,
            "requests": int(levels.requests[k]),
        }


def admission_answer(outcome: AdmissionOutcome, problem: FleetProblem) -> str:
    """What admission control changes, in a sentence; empty without pools."""
    every = [one for found in outcome.levels for one in found]
    if not every:
        return ""
    control = [one for one in every if one.control_needed]
    if not control:
        return "first come, first served is enough in every pool and period"
    share = np.array([problem.block_share[one.b] for one in every])
    gain = float(share @ [one.revenue - one.first_come_revenue for one in every])
    base = float(share @ [one.first_come_revenue for one in every])
    periods = len({(pool.name, one.t) for pool, found in zip(outcome.pools, outcome.levels) for one in found
                   if one.control_needed})  # fmt: skip
    told = f"admission levels earn {gain / base:.2%} more than first come" if base > 0 else "levels keep the promises"
    return f"{told}; they are needed in {periods} of {len(every) // len(problem.blocks)} pool-periods"
