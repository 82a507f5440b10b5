"""Which regions can be planned apart, and the problem of some of them.

Regions are tied where demand of one may be served from another, and where something is said of both together: a budget,
a promise to a class that both have, a floor of utilization, the risk of cost, a share of samples that may be given up.
What is left falls into parts whose best plans together are the best plan.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capacity_opt.demand.paths import GivenSamples
from capacity_opt.fleet.outcomes import Outcomes
from capacity_opt.problem.fleet import FleetProblem, PurchaseOptions

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Split:
    """``part`` (G,) the part of each region, numbered in the order of their first regions; ``ties``: in words, what
    holds regions together."""

    part: IntArray
    ties: tuple[str, ...]

    @property
    def count(self) -> int:
        """How many parts there are."""
        return int(self.part.max(initial=-1)) + 1


@dataclass(frozen=True, kw_only=True)
class Members:
    """Positions in the whole problem of a part's regions, zones, groups and options."""

    regions: IntArray
    zones: IntArray
    groups: IntArray
    options: IntArray


def split_regions(problem: FleetProblem, formulation: str) -> Split:
    """The parts of a problem, and why there are not more."""
    count = problem.sizes["G"]
    whole = _ties_of_all(problem, formulation)
    if whole:
        return Split(np.zeros(count, dtype=np.int64), whole if count > 1 else ())
    label, ties = np.arange(count), []
    home = problem.groups.home_region
    for j, allowed in enumerate(problem.groups.allowed_region):
        if _join(label, np.union1d(np.flatnonzero(allowed), home[j : j + 1])):
            ties.append(f"demand of {problem.groups.names[j]} may be served from several regions")
    for name, members in _promised(problem):
        if _join(label, np.unique(home[members])):
            ties.append(f"{name} holds over several regions together")
    _, part = np.unique(label, return_inverse=True)
    return Split(part.astype(np.int64), tuple(ties))


def _ties_of_all(problem: FleetProblem, formulation: str) -> tuple[str, ...]:
    finance, floor = problem.finance, problem.utilization_floor
    known = (
        (np.isfinite(finance.capex_budget).any(), "one budget for orders"),
        (np.isfinite(finance.cumulative_budget).any(), "one cumulative budget for orders"),
        (np.isfinite(finance.opex_budget).any(), "one budget of running cost"),
        (floor is not None and not np.isnan(floor).all(), "one floor of utilization"),
        (formulation == "cvar" and finance.risk_weight > 0, "one risk of cost"),
        (problem.service.protected_quantile < 1.0, "one share of samples without protection"),
    )
    return tuple(f"{name} for all regions" for holds, name in known if holds)


def _promised(problem: FleetProblem) -> list[tuple[str, BoolArray]]:
    """Promises to classes, and the groups (J,) whose shortage counts against them."""
    service, of = problem.service, problem.groups.group_class
    found = []
    for c, name in enumerate(problem.groups.classes):
        counted = of == c if service.fill_rule == "per_class" else of <= c
        for what, given in (
            ("fill rate", service.fill_rate),
            ("no-shortage probability", service.no_shortage_probability),
            ("CVaR of shortage", service.shortage_cvar_limit),
        ):
            if not np.isnan(given[c]):
                found.append((f"the {what} of {name}", counted))
    return found


def _join(label: IntArray, regions: NDArray[np.intp]) -> bool:
    """Give regions one label, the least of theirs; whether they had several."""
    old = np.unique(label[regions])
    if len(old) > 1:
        label[np.isin(label, old)] = old[0]
    return len(old) > 1


def members_of(problem: FleetProblem, split: Split, number: int) -> Members:
    """Where the members of a part are."""
    mine = split.part == number
    return Members(
        regions=np.flatnonzero(mine),
        zones=np.flatnonzero(mine[problem.sites.zone_region]),
        groups=np.flatnonzero(mine[problem.groups.home_region]),
        options=np.flatnonzero(mine[problem.options.region]),
    )


def part_of(problem: FleetProblem, outcomes: Outcomes, members: Members) -> tuple[FleetProblem, Outcomes]:
    """The problem of some regions, in the same samples."""
    own = replace(
        outcomes,
        values=np.ascontiguousarray(outcomes.values[:, members.groups]),
        available=outcomes.available[:, members.zones],
        delay=outcomes.delay[:, :, members.zones],
        bought=outcomes.bought[:, members.options],
    )
    shapes = problem._shapes()
    place = np.full(problem.sizes["G"], -1, dtype=np.int64)
    place[members.regions] = np.arange(len(members.regions))
    zone = np.full(problem.sizes["Z"] + 1, -1, dtype=np.int64)
    zone[members.zones] = np.arange(len(members.zones))
    sites, groups = _cut(problem.sites, shapes, members), _cut(problem.groups, shapes, members)
    part = replace(
        problem,
        demand=GivenSamples(own.values, own.probability),
        disruptions=None,
        options=_options(problem.options, members, place),
        sites=replace(
            sites,
            regions=_named(problem.sites.regions, members.regions),
            zones=_named(problem.sites.zones, members.zones),
            zone_region=place[sites.zone_region],
        ),
        groups=replace(
            groups,
            names=_named(problem.groups.names, members.groups),
            home_region=place[groups.home_region],
            home_zone=zone[groups.home_zone],
        ),
        supply=_cut(problem.supply, shapes, members),
        service=_own_promises(problem, members, _cut(problem.service, shapes, members)),
        stability=None if problem.stability is None else _cut(problem.stability, shapes, members),
    )
    return part, own


def _cut(value: Any, shapes: Any, members: Members) -> Any:
    """The value with every array along regions, zones or groups cut to the members'."""
    assert is_dataclass(value)
    kept = {"G": members.regions, "Z": members.zones, "J": members.groups}
    changed = {}
    for each in fields(value):
        array, axes = shapes.get(each.name, (None, ""))
        if array is None or getattr(value, each.name) is not array:
            continue
        for at, axis in enumerate(axes):
            array = np.take(array, kept[axis], axis=at) if axis in kept else array
        changed[each.name] = array
    return replace(value, **changed)  # type: ignore[type-var]


def _options(options: PurchaseOptions, members: Members, place: IntArray) -> PurchaseOptions:
    own = members.options
    return replace(
        options,
        names=_named(options.names, own),
        kind=tuple(options.kind[m] for m in own),
        server_type=options.server_type[own],
        region=place[options.region[own]],
        price=options.price[own],
        limit=options.limit[own],
        term=options.term[own],
        availability=options.availability[own],
        covers=None if options.covers is None else options.covers[own],
    )


def _own_promises(problem: FleetProblem, members: Members, service: Any) -> Any:
    """Without the promises that nobody of the part counts for."""
    of = problem.groups.group_class[members.groups]
    classes = np.arange(problem.sizes["C"])[:, None]
    counts = (of == classes if service.fill_rule == "per_class" else of <= classes).any(axis=1)
    promises = ("fill_rate", "no_shortage_probability", "shortage_cvar_limit")
    return replace(service, **{name: np.where(counts, getattr(service, name), np.nan) for name in promises})


def _named(names: tuple[str, ...], at: IntArray) -> tuple[str, ...]:
    return tuple(names[i] for i in at)
