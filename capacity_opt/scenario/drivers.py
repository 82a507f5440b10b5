"""Why one run costs more than another: the first problem turned into the second, one cause at a time, solved again.

The causes are put in in the order of :data:`DRIVERS`, each only where it differs; every solve has divisible racks and
the second run's samples. What is left between the sum of the steps and the difference of the two runs' own costs (whole
racks, least orders, the solver's gap, calibration) is the last step, so the steps sum to the difference exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np

from capacity_opt.demand.paths import GivenSamples
from capacity_opt.errors import CapacityError
from capacity_opt.fleet.size import size_fleet
from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.problem.plan import FleetPlan
from capacity_opt.scenario.past_runs import PastRun
from capacity_opt.scenario.read import Scenario
from capacity_opt.scenario.replay import scenario_of
from capacity_opt.scenario.waterfall import divisible

LIMIT = 60.0
_Record = TypeVar("_Record")
LOTS, OTHER, SAMPLES, FORMULATION = "lots", "other", "samples", "formulation"

# Cause -> the fields of the problem that belong to it; whatever is in none of them is the cause "other".
DRIVERS: Mapping[str, tuple[str, ...]] = {
    "volume": ("demand",),
    "usage": (
        "groups.usage", "groups.performance", "groups.compatible", "groups.serve_cost", "groups.allowed_region",
        "groups.spill_cost", "groups.overcommit", "block_share",
    ),
    "service": (
        "service.penalty", "service.shortage_allowed", "service.fill_rate", "service.no_shortage_probability",
        "service.shortage_cvar_level", "service.shortage_cvar_limit", "service.fill_rule", "service.no_shortage_scope",
        "finance.risk_weight", "finance.risk_level",
    ),
    "failover": ("service.protected_share", "service.protected_quantile", "disruptions"),
    "servers": (
        "server_types.capacity", "server_types.power_kw", "server_types.rack_units", "server_types.life",
        "server_types.failure_rate", "server_types.space",
    ),
    "lead_time": ("supply.lead_time", "supply.first_order", "supply.recourse_from"),
    "stock": (
        "supply.initial", "supply.placed", "supply.retirable", "supply.never_shrink", "supply.never_grow",
        "stability.last", "stability.change_cost",
    ),
    "limits": (
        "sites.power_limit", "sites.rack_unit_limit", "sites.space_limit", "supply.order_limit", "options.limit",
        "finance.capex_budget", "finance.cumulative_budget", "finance.opex_budget", "utilization_floor",
    ),
    "options": ("options.kind", "options.term", "options.availability", "options.covers", "options.server_type",
                "options.region"),
    "price": ("supply.price", "supply.salvage", "supply.retirement_cost", "options.price"),
    "running_cost": ("supply.opex",),
    "discounting": ("finance.discount_rate", "finance.capital"),
}  # fmt: skip
# Not causes: names, and what divisible racks leave to the last step.
SETTLED = ("name", "finance.currency", "server_types.lot", "supply.order_minimum", "integer", "samples", "sampling",
           "reduce_to", "stability.minimum_change")  # fmt: skip
SETS = {
    "server types": "server_types.names", "zones": "sites.zones", "regions": "sites.regions",
    "periods": "periods", "blocks": "blocks", "resources": "resources", "demand classes": "groups.classes",
    "demand groups": "groups.names", "purchase options": "options.names",
}  # fmt: skip


@dataclass(frozen=True)
class Drivers:
    """``steps``: (cause, amount), summing to the difference of the runs' costs; ``plans`` (cause, plan) as solved, the
    first run's first. ``why_not`` says why there are none."""

    steps: tuple[tuple[str, float], ...] = ()
    plans: tuple[tuple[str, FleetPlan], ...] = ()
    problem: FleetProblem | None = None
    why_not: str = ""


def drivers(before: PastRun, after: PastRun, tell: Callable[[str], None] = lambda _: None) -> Drivers:
    """What changed the cost between two finished runs of a fleet."""
    try:
        old, new = scenario_of(before), scenario_of(after)
    except CapacityError as error:
        return Drivers(why_not=str(error).splitlines()[0])
    if old.fleet is None or new.fleet is None:
        return Drivers(why_not="a run without [fleet] has no cost to explain")
    moved = [name for name, path in SETS.items() if _get(old.fleet, path) != _get(new.fleet, path)]
    if moved:
        return Drivers(why_not=f"the runs have different {', '.join(moved)}: no cause can be changed by itself")
    return _solved(old, new, _objective(after) - _objective(before), tell)


def _objective(run: PastRun) -> float:
    return float(run.manifest["objective"])


def _solved(old: Scenario, new: Scenario, difference: float, tell: Callable[[str], None]) -> Drivers:
    assert old.fleet is not None
    steps: list[tuple[str, float]] = []
    plans: list[tuple[str, FleetPlan]] = []
    for cause, formulation, problem in _trials(old, new):
        tell(f"what changed the cost: {cause}")
        try:
            plan = size_fleet(problem, formulation=formulation, seed=new.seed, time_limit=LIMIT).uninterrupted()
        except CapacityError as error:
            if not plans:
                return Drivers(why_not=f"the first run cannot be solved again: {str(error).splitlines()[0]}")
            continue
        if plans:
            steps.append((cause, plan.objective - plans[-1][1].objective))
        plans.append((cause, plan))
    steps.append((LOTS, difference - sum(amount for _, amount in steps)))
    return Drivers(tuple(steps), tuple(plans), old.fleet)


def _trials(old: Scenario, new: Scenario) -> Iterator[tuple[str, str, FleetProblem]]:
    """Cause, formulation and problem: the first run's, then with one cause after the other taken from the second."""
    assert old.fleet is not None
    assert new.fleet is not None
    assert old.spec.fleet is not None
    assert new.spec.fleet is not None
    formulation = old.spec.fleet.formulation
    current = divisible(old.fleet, old.seed)
    yield "before", formulation, current
    drawn = divisible(replace(old.fleet, samples=new.fleet.samples), new.seed)
    if not _same(drawn.demand, current.demand):
        current = replace(current, demand=drawn.demand, samples=drawn.samples)
        yield SAMPLES, formulation, current
    target = divisible(new.fleet, new.seed)
    if not _same(target.demand, current.demand):
        current = replace(current, demand=target.demand, samples=target.samples)
        yield "volume", formulation, current
    for cause, paths in (*DRIVERS.items(), (OTHER, _others(target))):
        changed = [path for path in paths if path != "demand" and not _same(_get(current, path), _get(target, path))]
        if changed:
            for path in changed:
                current = _put(current, path, _get(target, path), target)
            yield cause, formulation, current
    if formulation != new.spec.fleet.formulation:
        yield FORMULATION, new.spec.fleet.formulation, current


def _others(problem: FleetProblem) -> tuple[str, ...]:
    """Fields that belong to no cause by name."""
    known = {path for paths in DRIVERS.values() for path in paths} | set(SETTLED) | set(SETS.values())
    found = []
    for field in fields(problem):
        value = getattr(problem, field.name)
        if is_dataclass(value) and field.name not in ("demand", "disruptions"):
            found += [f"{field.name}.{inner.name}" for inner in fields(value)]
        elif field.name != "stability":
            found.append(field.name)
    return tuple(path for path in found if path not in known)


def _get(problem: FleetProblem, path: str) -> Any:
    value: Any = problem
    for part in path.split("."):
        value = None if value is None else getattr(value, part)
    return value


def _put(problem: FleetProblem, path: str, value: object, target: FleetProblem) -> FleetProblem:
    """The problem with one field of another; a part that is there in one of them only moves as a whole."""
    head, _, rest = path.partition(".")
    inner = getattr(problem, head)
    if not rest or inner is None or getattr(target, head) is None:
        return _with(problem, head, value if not rest else getattr(target, head))
    return _with(problem, head, _with(inner, rest, value))


def _with(record: _Record, name: str, value: object) -> _Record:
    changed: _Record = replace(record, **{name: value})  # type: ignore[type-var]  # a dataclass, whichever
    return changed


def _same(one: object, other: object) -> bool:
    if isinstance(one, GivenSamples) and isinstance(other, GivenSamples):
        drawn = one.draw(1, seed=0), other.draw(1, seed=0)
        return all(_same(a, b) for a, b in zip(*drawn, strict=True))
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        kind = one.dtype.kind + other.dtype.kind
        return one.shape == other.shape and bool(np.array_equal(one, other, equal_nan="f" in kind))
    if is_dataclass(one) and type(one) is type(other):
        return all(_same(getattr(one, f.name), getattr(other, f.name)) for f in fields(one))
    return type(one) is type(other) and bool(one == other)


def order_causes(found: Drivers) -> dict[tuple[str, str, str], str]:
    """(server type, zone, period of order) -> the cause that moved most racks of the type up to that period, in any
    zone; none where nothing moved (then only whole racks can have)."""
    if found.problem is None or len(found.plans) < 2:
        return {}
    types, zones, periods = found.problem.server_types.names, found.problem.sites.zones, found.problem.periods
    ordered = [plan.racks.sum(axis=1).cumsum(axis=1) for _, plan in found.plans]
    moves = np.abs(np.stack([new - old for old, new in pairwise(ordered)]))
    names = [cause for cause, _ in found.plans[1:]]
    return {
        (types[k], zone, periods[t]): names[int(moves[:, k, t].argmax())]
        for k, t in zip(*np.nonzero(moves.max(axis=0) > 1e-6))
        for zone in zones
    }
