"""The rolling step: ways of planning compared over the same paths of demand, as tables and a sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from capacity_opt.demand.conditional import ConditionalPaths
from capacity_opt.fleet.planners import fleet_planners
from capacity_opt.problem.disruptions import GivenDisruptions
from capacity_opt.problem.fleet import DemandPaths, FleetProblem
from capacity_opt.problem.plan import FleetPlan
from capacity_opt.scenario.run_folder import Table, table_of
from capacity_opt.scenario.spec_judge import Rolling
from capacity_opt.simulation.rolling import ComingDemand, Planner, Refresh, RollingResult, roll_fleet

Array = NDArray[np.float64]

WORDS = {
    "newsvendor": "newsvendor by group",
    "safety_factor": "mean with a safety factor",
    "two_stage": "two-stage",
    "cvar": "two-stage with CVaR",
}
COLUMNS = (
    "policy",
    "cost",
    "cost_low",
    "cost_high",
    "dearer",
    "dearer_low",
    "dearer_high",
    "churn",
    "racks",
    "kept",
    "plans",
    "paths",
    "BillingCurrency",
)


def roll(
    problem: FleetProblem, section: Rolling, seed: int, tell: Callable[[str], None], stopped: Callable[[], bool]
) -> dict[str, RollingResult]:
    """Every policy over the same actual paths; the policies done so far where ``stopped()``."""
    listed = isinstance(problem.disruptions, GivenDisruptions)  # tied to the listed samples, of which none is played
    case = replace(problem, integer=section.integer, disruptions=None if listed else problem.disruptions)
    paths, probability = case.demand.draw(section.paths, seed=seed)
    if len(paths) != section.paths or np.ptp(probability) > 1e-12:
        chosen = np.random.default_rng(seed).choice(len(paths), size=section.paths, p=probability / probability.sum())
        paths = paths[chosen]
    planners = fleet_planners(
        tuple(dict.fromkeys(section.policies)),
        samples=section.samples,
        safety_factor=section.safety_factor,
        level=section.level,
        risk_weight=section.risk_weight,
        time_limit=section.time_limit,
    )
    refresh = _refreshed(case) if section.refresh else None
    found: dict[str, RollingResult] = {}
    for name, planner in planners.items():
        if stopped():
            break
        tell(f"rolling {name} over {section.paths} paths")
        once = _planned_once(planner, case)
        found[name] = roll_fleet(case, once, paths, freeze=section.freeze, refresh=refresh, seed=seed)
    return found


def _planned_once(planner: Planner, case: FleetProblem) -> Planner:
    """``planner`` solving each problem once: before anything was seen every path poses the same one; where the forecast
    is never refreshed, so does every later period with the same orders."""
    plans: dict[tuple[int, bytes, bytes], FleetPlan] = {}

    def plan(standing: FleetProblem) -> FleetPlan:
        foreseen = standing.demand.demand if isinstance(standing.demand, ComingDemand) else standing.demand
        if foreseen is not case.demand or standing.options is not case.options:
            return planner(standing)
        supply = standing.supply
        key = supply.first_order, supply.placed.tobytes(), supply.initial.tobytes()
        if key not in plans:
            plans[key] = planner(standing)
        return plans[key]

    return plan


def _refreshed(problem: FleetProblem) -> Refresh:
    def refresh(standing: FleetProblem, now: int, seen: Array) -> DemandPaths:
        return ConditionalPaths(problem.demand, seen) if now else standing.demand

    return refresh


def rolling_tables(found: Mapping[str, RollingResult], problem: FleetProblem) -> dict[str, Table]:
    """``rolling``: a row per policy, the cheapest first; ``rolling_availability``: a row per policy and class."""
    if not found:
        return {}
    order = sorted(found, key=lambda name: (float(found[name].mean_cost.value), name))
    best, rows, served = found[order[0]], [], []
    for name in order:
        result, cost = found[name], found[name].mean_cost
        dearer = result.dearer_than(best)
        values = (name, cost.value, cost.low, cost.high, dearer.value, dearer.low, dearer.high)
        counts = (float(result.churn.mean()), float(result.racks.sum(axis=(1, 2, 3)).mean()))
        told = (kept(result, problem), result.plans, len(result.cost), problem.finance.currency)
        rows.append(dict(zip(COLUMNS, (*values, *counts, *told), strict=True)))
        fill = result.fill
        served += [
            {
                "policy": name,
                "class": label,
                "target": float(problem.service.fill_rate[c]),
                "fill": float(np.asarray(fill.value)[c]),
                "fill_low": float(np.asarray(fill.low)[c]),
                "fill_high": float(np.asarray(fill.high)[c]),
            }
            for c, label in enumerate(problem.groups.classes)
        ]
    classes = ("policy", "class", "target", "fill", "fill_low", "fill_high")
    return {"rolling": table_of(rows, COLUMNS), "rolling_availability": table_of(served, classes)}


def kept(result: RollingResult, problem: FleetProblem) -> bool:
    """Whether every class got its promised fill rate over the paths."""
    target = problem.service.fill_rate
    return bool(np.all(np.isnan(target) | (np.asarray(result.fill.value) >= target - 1e-9)))


def rolling_answer(found: Mapping[str, RollingResult], problem: FleetProblem) -> str:
    """Which way of planning cost least over time among those that kept the fill rates, and how sure that is."""
    order = sorted(found, key=lambda name: (float(found[name].mean_cost.value), name))
    able = [name for name in order if kept(found[name], problem)]
    chosen = able or order
    best = found[chosen[0]]
    which = "of those that keep the fill rates " if 0 < len(able) < len(order) else ""
    said = f"planned again and again over {len(best.cost)} paths, {which}{WORDS[chosen[0]]} costs least"
    told = []
    for name in chosen[1:]:
        dearer = found[name].dearer_than(best)
        share = float(dearer.value) / max(abs(float(best.mean_cost.value)), 1e-12)
        told.append(f"{WORDS[name]} {share:.1%} more{'' if float(dearer.low) > 0 else ' (not certain)'}")
    none = "" if able else "; none keeps every fill rate"
    return (f"{said}: {', '.join(told)}" if told else said) + none
