"""The pools of capacity that requests share on the day, from a fleet problem: who asks, for how much, of what.

A pool is a region's servers as a set of classes may use them: classes that share a server type, directly or through
others, share a pool. (Where a class of a pool may not use all of its types, the pool is more flexible than the fleet.)
Capacity is counted in steps of one resource; a request takes whole steps, its load scaled so that the mean in use
stays what it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.problem.plan import FleetPlan
from capacity_opt.scenario.requests import Request
from capacity_opt.scenario.runway import committed_servers
from capacity_opt.scenario.spec_admission import Admission

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

ENOUGH_UNITS, MOST_UNITS = 1_500, 6_000
"""Larger pools are counted in coarser steps, chosen so that use fluctuates as it does; the judge plays fine ones."""
ALIKE = 0.02
"""By how much the variance of use may differ in coarser steps."""


@dataclass(frozen=True, kw_only=True)
class AdmissionPool:
    """One pool. Arrays per kind of request (n,) in the order of ``requests``, spot kinds apart in ``spot``.

    ``groups`` (J,) and ``types`` (K,) belong to it; ``resource`` is counted in steps of ``unit`` (natural units);
    ``need`` resource per request, ``size`` steps per request, ``scale`` requests of ``size`` steps that stand for one
    of ``need``; ``price`` money per step held and period; ``holding`` periods; ``capacity`` (T,) natural units;
    ``load`` (S, T, B, n) requests of ``size`` steps in progress, with ``chance`` (S,).
    """

    name: str
    region: int
    groups: BoolArray
    types: BoolArray
    resource: int
    unit: float
    requests: tuple[Request, ...]
    spot: tuple[Request, ...]
    need: Array
    size: IntArray
    scale: Array
    price: Array
    holding: Array
    capacity: Array
    load: Array
    chance: Array

    @property
    def units(self) -> IntArray:
        """Capacity in whole steps, (T,)."""
        return np.floor(self.capacity / self.unit + 1e-9).astype(np.int64)

    @property
    def most_blocked(self) -> Array:
        """The promised largest blocking, (n,); 1 where none."""
        return np.array([1.0 if np.isnan(r.max_blocking) else r.max_blocking for r in self.requests])

    @property
    def floor(self) -> Array:
        """The least share admitted, (n,)."""
        return np.array([r.min_admitted for r in self.requests])


def admission_pools(
    problem: FleetProblem, requests: Sequence[Request], section: Admission, draws: Array, chance: Array, servers: Array
) -> list[AdmissionPool]:
    """Every pool with its load over ``draws`` (S, J, T, B) and its capacity of ``servers`` (K, Z, T)."""
    found = []
    for g in range(len(problem.sites.regions)):
        for groups, types in _components(problem, g):
            pool = _pool(problem, requests, section, (draws, chance), servers, (g, groups, types))
            if pool is not None:
                found.append(pool)
    return found


def servers_of(problem: FleetProblem, plan: FleetPlan) -> Array:
    """(K, Z, T) servers to admit to: owned and committed (on-demand and spot capacity is bought on the day)."""
    servers: Array = plan.stock + committed_servers(problem, plan)
    return servers


def _components(problem: FleetProblem, region: int) -> Iterator[tuple[BoolArray, BoolArray]]:
    """Groups (J,) and types (K,) of the region that share servers, directly or through others."""
    left, compatible = problem.groups.home_region == region, problem.groups.compatible
    while left.any():
        groups = np.zeros_like(left)
        groups[np.argmax(left)] = True
        while True:
            types = compatible[groups].any(axis=0)
            more = left & (compatible & types).any(axis=1)
            if np.array_equal(more, groups):
                break
            groups = groups | more
        left = left & ~groups
        yield groups, types


def _pool(
    problem: FleetProblem,
    requests: Sequence[Request],
    section: Admission,
    asked: tuple[Array, Array],
    servers: Array,
    who: tuple[int, BoolArray, BoolArray],
) -> AdmissionPool | None:
    region, groups, types = who
    draws, chance = asked
    classes = set(problem.groups.group_class[groups].tolist())
    mine = [r for r in requests if r.of_class in classes and r.region in (-1, region)]
    firm = tuple(r for r in mine if not r.spot)
    if not firm:
        return None
    members = [groups & (problem.groups.group_class == r.of_class) for r in firm]
    held = np.einsum("kzt,kr,k,z->tr", servers, problem.server_types.capacity, types, _zones(problem, region))
    each = np.array([_usage(problem, member, types, servers) for member in members])
    demand = np.stack([draws[:, member].sum(axis=1) * r.share for r, member in zip(firm, members)], axis=-1)
    r = _resource(problem, section, each, demand, chance, held)
    need = each[:, r] * np.array([request.demand_units for request in firm])
    load = np.einsum("stbn,s->tbn", demand, chance).max(axis=(0, 1)) / [request.demand_units for request in firm]
    unit = section.unit or _step(need, load, float(held[:, r].max(initial=0.0)))
    size = _whole(need, unit)
    scale = need / (size * unit)
    worth = np.array([_price(problem, request, member) for request, member in zip(firm, members)])
    name = problem.sites.regions[region]
    if len(list(_components(problem, region))) > 1:
        name += ": " + " ".join(problem.groups.classes[c] for c in sorted(classes))
    return AdmissionPool(
        name=name,
        region=region,
        groups=groups,
        types=types,
        resource=r,
        unit=unit,
        requests=firm,
        spot=tuple(request for request in mine if request.spot),
        need=need,
        size=size,
        scale=scale,
        price=np.divide(worth * unit, each[:, r], out=np.zeros(len(firm)), where=each[:, r] > 0),
        holding=np.array([request.holding_time for request in firm]),
        capacity=held[:, r],
        load=demand / np.array([request.demand_units for request in firm]) * scale,
        chance=chance,
    )


def _zones(problem: FleetProblem, region: int) -> Array:
    inside: Array = (problem.sites.zone_region == region).astype(np.float64)
    return inside


def _usage(problem: FleetProblem, member: BoolArray, types: BoolArray, servers: Array) -> Array:
    """(R,) resource that one demand unit holds, on the mix of servers that its class may use."""
    groups = problem.groups
    j = int(np.argmax(member))
    usable = types & groups.compatible[j]
    weight = np.where(usable, servers.sum(axis=(1, 2)), 0.0)
    weight = weight if weight.sum() > 0 else usable.astype(np.float64)
    performance = float(groups.performance[j] @ weight / weight.sum()) if weight.sum() > 0 else 1.0
    used: Array = groups.usage[j] / (groups.overcommit[j] * performance)
    return used


def _resource(problem: FleetProblem, section: Admission, each: Array, demand: Array, chance: Array, held: Array) -> int:
    """The resource asked for, or the one whose mean demand at the fullest moment takes most of its capacity."""
    if section.resource is not None:
        return problem.resources.index(section.resource)
    mean = np.einsum("stbn,s,nr->tbr", demand, chance, each).max(axis=1)
    usable = (each > 0).all(axis=0)
    share = np.where(usable, mean / np.maximum(held, 1e-9), -1.0).max(axis=0)
    return int(np.argmax(share))


def _whole(need: Array, unit: float) -> IntArray:
    """Requests in whole steps, to the nearest, at least one."""
    return np.maximum(np.rint(need / unit), 1.0).astype(np.int64)


def _step(need: Array, load: Array, held: float) -> float:
    """The smallest request where it divides all others and the pool is small enough; else the largest step in which
    the variance of use, load x size^2, is what it is (small requests then count as more, large ones as less)."""
    asking = (need > 0) & (load > 0)
    if not asking.any():
        return 1.0
    need, load = need[asking], load[asking]
    least, variance = float(need.min()), float(load @ need**2)
    if held / least <= ENOUGH_UNITS and np.allclose(need / least, np.rint(need / least), atol=1e-6):
        return least
    tried = np.geomspace(min(least, held / ENOUGH_UNITS), max(need.max(), 2.0 * held / MOST_UNITS), 400)
    counted = np.array([load @ (need * _whole(need, unit) * unit) for unit in tried])
    alike = tried[np.abs(counted / variance - 1.0) <= ALIKE]
    return max(float(alike.max()) if alike.size else least, held / MOST_UNITS)


def _price(problem: FleetProblem, request: Request, member: BoolArray) -> float:
    """Money per demand unit and period."""
    return float(problem.service.penalty[member].mean()) if np.isnan(request.price) else request.price
