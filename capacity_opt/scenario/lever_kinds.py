"""The levers of utilization: each a change of the fleet problem that lets the same promises be kept with less."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from capacity_opt.demand.paths import GivenSamples
from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.scenario.spec_admission import Levers

Array = NDArray[np.float64]
Change = Callable[[FleetProblem], FleetProblem]

ORDER = (
    "forecast_error", "lead_time", "zone_sharing", "pooling", "substitution", "overcommit", "defragmentation",
    "admission", "spot_fill",
)  # fmt: skip
"""The order in which levers are pulled: what is known first, then where demand may run, then how full, then what fills
the rest."""


@dataclass(frozen=True, kw_only=True)
class Lever:
    """One lever: ``change`` of the problem (the spot fill changes none), ``told`` in words what it does."""

    name: str
    told: str
    change: Change


def levers_of(problem: FleetProblem, section: Levers, *, admission_factor: float = 1.0) -> list[Lever]:
    """The levers that would change something, in :data:`ORDER`; ``admission_factor`` is the capacity that critical
    levels are worth (1: none, or not studied)."""
    made = (
        _forecast_error(section),
        _lead_time(problem, section),
        _zone_sharing(problem, section),
        _pooling(problem, section),
        _substitution(problem, section),
        _overcommit(problem, section),
        _capacity("defragmentation", section.defragmentation, "of capacity is no longer lost to packing"),
        _capacity("admission", admission_factor - 1.0, "more capacity would be needed under first come"),
        _spot_fill(section),
    )
    return [lever for lever in made if lever is not None]


def pulled(problem: FleetProblem, levers: Sequence[Lever]) -> FleetProblem:
    """The problem with these levers pulled."""
    for lever in levers:
        problem = lever.change(problem)
    return problem


def _forecast_error(section: Levers) -> Lever | None:
    share = section.forecast_error
    if share <= 0:
        return None

    def change(problem: FleetProblem) -> FleetProblem:
        values, chance = problem.demand.draw(problem.samples, seed=0)
        mean = np.tensordot(chance, values, 1)
        return replace(problem, demand=GivenSamples(mean + (1.0 - share) * (values - mean), chance))

    return Lever(name="forecast_error", told=f"demand spreads {share:.0%} less around its mean", change=change)


def _lead_time(problem: FleetProblem, section: Levers) -> Lever | None:
    sooner = section.lead_time
    if sooner < 1 or not np.any(problem.supply.lead_time > 0):
        return None

    def change(given: FleetProblem) -> FleetProblem:
        lead = np.maximum(given.supply.lead_time - sooner, 0)
        return replace(given, supply=replace(given.supply, lead_time=lead))

    periods = "1 period" if sooner == 1 else f"{sooner} periods"
    return Lever(name="lead_time", told=f"orders come {periods} sooner", change=change)


def _zone_sharing(problem: FleetProblem, section: Levers) -> Lever | None:
    if not section.zone_sharing or not np.any(problem.groups.home_zone >= 0):
        return None

    def change(given: FleetProblem) -> FleetProblem:
        return replace(given, groups=replace(given.groups, home_zone=np.full_like(given.groups.home_zone, -1)))

    return Lever(name="zone_sharing", told="demand pinned to a zone may use its whole region", change=change)


def _pooling(problem: FleetProblem, section: Levers) -> Lever | None:
    if not section.pooling or problem.groups.allowed_region.all():
        return None

    def change(given: FleetProblem) -> FleetProblem:
        groups = given.groups
        free = groups.allowed_region | (groups.home_zone < 0)[:, None]
        return replace(given, groups=replace(groups, allowed_region=free))

    return Lever(name="pooling", told="regions serve each other's demand, at its spill cost", change=change)


def _substitution(problem: FleetProblem, section: Levers) -> Lever | None:
    if not section.substitution or problem.groups.compatible.all():
        return None

    def change(given: FleetProblem) -> FleetProblem:
        return replace(given, groups=replace(given.groups, compatible=chained(given)))

    return Lever(name="substitution", told="each class may also use the next server type: a chain", change=change)


def chained(problem: FleetProblem) -> NDArray[np.bool_]:
    """(J, K) compatibility with, per group, the next type after its own that has all it needs.

    A chain earns most of what full flexibility would (W. C. Jordan and S. C. Graves, Management Science 41, 1995).
    """
    groups, capacity = problem.groups, problem.server_types.capacity
    able = ~np.any((groups.usage[:, None, :] > 0) & (capacity[None] <= 0), axis=2)
    wider, count = groups.compatible.copy(), groups.compatible.shape[1]
    for j, own in enumerate(groups.compatible):
        last = int(np.flatnonzero(own)[-1]) if own.any() else -1
        later = [(last + 1 + i) % count for i in range(count)]
        more = [k for k in later if not own[k] and able[j, k]]
        if more:
            wider[j, more[0]] = True
    return wider


def _overcommit(problem: FleetProblem, section: Levers) -> Lever | None:
    wanted = {problem.resources.index(name): sold for name, sold in section.overcommit.items()}
    if not any(np.any(problem.groups.overcommit[:, r] < sold) for r, sold in wanted.items()):
        return None

    def change(given: FleetProblem) -> FleetProblem:
        sold = given.groups.overcommit.copy()
        for r, more in wanted.items():
            sold[:, r] = np.maximum(sold[:, r], more)
        return replace(given, groups=replace(given.groups, overcommit=sold))

    told = ", ".join(f"{more:g} {name}" for name, more in section.overcommit.items())
    return Lever(name="overcommit", told=f"{told} sold per physical unit", change=change)


def _capacity(name: str, more: float, told: str) -> Lever | None:
    if more <= 0:
        return None

    def change(given: FleetProblem) -> FleetProblem:
        types = given.server_types
        return replace(given, server_types=replace(types, capacity=types.capacity * (1.0 + more)))

    return Lever(name=name, told=f"{more:.1%} {told}", change=change)


def _spot_fill(section: Levers) -> Lever | None:
    if section.spot_price <= 0:
        return None
    told = f"idle capacity is sold as spot, all of it staying with {1 - section.spot_eviction:.0%}"
    return Lever(name="spot_fill", told=told, change=lambda given: given)
