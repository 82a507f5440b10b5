"""Runway: when each pool of capacity breaches its target at median and high demand, as planned and without new orders.

A pool is one resource of one region as a class meets it: the servers that this class and all more critical ones may
use, against what these ask for. It breaches its target in the first period in which a quantile of the demand to be
served is above the capacity in service. Two cases: all zones in service (to be served: all demand of the more critical
classes and the class's fill rate of its own, all of it where it has none), and any one zone lost (to be served: the
protected shares). Owned servers and commitments in force count; on-demand and spot capacity, serving in other regions
and delays do not. Nothing is solved again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capacity_opt.fleet.frame import Frame
from capacity_opt.fleet.outcomes import draw_outcomes
from capacity_opt.fleet.supply import owned_before
from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.problem.plan import FleetPlan
from capacity_opt.scenario.fleet_results import weighted_quantile
from capacity_opt.scenario.run_folder import Table, table_of

Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

LEVELS = {"p50": 0.5, "p90": 0.9}
COLUMNS = (
    "region",
    "resource",
    "class",
    "case",
    "target",
    "supply",
    "demand",
    "breach_period",
    "periods_left",
    "short",
    "order_by",
)


@dataclass(frozen=True)
class Pool:
    """Who meets in a region: ``name`` of the class, ``case``, the ``target`` told, ``share`` (J,) of each group's
    demand that must be served, ``usable`` (K,) server types, ``lost`` zone (-1: none)."""

    region: int
    name: str
    case: str
    target: float
    share: Array
    usable: BoolArray
    lost: int = -1


def runway(problem: FleetProblem, plan: FleetPlan, draws: Array, chance: Array) -> Table:
    """Per pool, supply (``plan``, ``no_new_orders``) and demand (``p50``, ``p90``) when the target is breached.

    ``draws`` (S, J, T, B) demand with ``chance`` (S,). ``breach_period`` is empty where the horizon ends first,
    ``short`` what is missing then (natural units), ``order_by`` the last period in which an order could still arrive in
    time (``past``: it is too late). Where a zone is lost the earliest breach of any zone counts.
    """
    need = np.einsum("sjt,jr->sjtr", draws.max(axis=3), problem.groups.usage / problem.groups.overcommit)
    owned = _owned(problem, plan)
    rows: dict[tuple[str, ...], dict[str, Any]] = {}
    for pool in _pools(problem):
        wanted = {name: weighted_quantile(_asked(pool, need), chance, level) for name, level in LEVELS.items()}
        for supply, servers in owned.items():
            held = _held(problem, pool, servers)
            for demand, asked in wanted.items():
                for r in range(len(problem.resources)):
                    row = _row(problem, pool, r, supply, demand, asked[:, r] - held[:, r])
                    key = (row["region"], row["resource"], row["class"], row["case"], supply, demand)
                    if key not in rows or row["periods_left"] < rows[key]["periods_left"]:
                        rows[key] = row
    return table_of(list(rows.values()), COLUMNS)


def _owned(problem: FleetProblem, plan: FleetPlan) -> dict[str, Array]:
    """(K, Z, T) servers in service: as planned, and of the past and already on order alone."""
    certain = replace(problem, disruptions=None, supply=replace(problem.supply, recourse_from=None))
    before = owned_before(Frame(certain, draw_outcomes(certain, samples=1, seed=0)))[0]
    return {"plan": plan.stock + committed_servers(problem, plan), "no_new_orders": before}


def committed_servers(problem: FleetProblem, plan: FleetPlan) -> Array:
    """(K, Z, T) servers of commitments in force, booked on the first zone of their region."""
    options, servers = problem.options, np.zeros_like(plan.stock)
    age = np.arange(len(problem.periods))[None, :] - np.arange(len(problem.periods))[:, None]
    for m in range(len(options.names)):
        in_force = plan.committed[m] @ ((age >= 0) & (age < options.term[m]))
        zone = np.flatnonzero(problem.sites.zone_region == options.region[m])[0]
        servers[options.server_type[m], zone] += in_force
    return servers


def _pools(problem: FleetProblem) -> Iterator[Pool]:
    """Every pool with its cases, most critical class first, all demand last."""
    groups, service = problem.groups, problem.service
    for g in range(len(problem.sites.regions)):
        home = groups.home_region == g
        for c, name in enumerate(groups.classes):
            member = home & (groups.group_class <= c)
            own = home & (groups.group_class == c)
            if not own.any():
                continue
            usable = groups.compatible[member].any(axis=0)
            told = name if name != "all" else "class all"
            target = float(np.nan_to_num(service.fill_rate[c], nan=1.0))
            yield Pool(g, told, "all_zones", target, np.where(own, target, 1.0) * member, usable)
            for z in np.flatnonzero((problem.sites.zone_region == g) & (service.protected_share[c] > 0)).tolist():
                share = np.nan_to_num(service.protected_share[groups.group_class, z]) * member
                yield Pool(g, told, "zone_lost", float(service.protected_share[c, z]), share, usable, z)
        if home.any():
            yield Pool(g, "all", "all_zones", 1.0, home.astype(float), groups.compatible[home].any(axis=0))


def _asked(pool: Pool, need: Array) -> Array:
    """(S, T, R) resource that must be served."""
    asked: Array = np.einsum("sjtr,j->str", need, pool.share)
    return asked


def _held(problem: FleetProblem, pool: Pool, servers: Array) -> Array:
    """(T, R) capacity in service that the pool may use."""
    there = problem.sites.zone_region == pool.region
    there &= np.arange(len(there)) != pool.lost
    held: Array = np.einsum("kzt,kr,k,z->tr", servers, problem.server_types.capacity, pool.usable, there)
    return held


def _row(problem: FleetProblem, pool: Pool, r: int, supply: str, demand: str, short: Array) -> dict[str, Any]:
    tolerance = 1e-6 * max(1.0, float(np.abs(short).max(initial=0.0)))
    breached = np.flatnonzero(short > tolerance)
    first = int(breached[0]) if len(breached) else len(short)
    found = first < len(short)
    return {
        "region": problem.sites.regions[pool.region],
        "resource": problem.resources[r],
        "class": pool.name,
        "case": pool.case,
        "target": pool.target,
        "supply": supply,
        "demand": demand,
        "breach_period": problem.periods[first] if found else "",
        "periods_left": first,
        "short": float(short[first]) if found else 0.0,
        "order_by": _order_by(problem, pool, first) if found else "",
    }


def _order_by(problem: FleetProblem, pool: Pool, breach: int) -> str:
    """The last period in which the fastest server type, ordered into the pool, is there before the breach."""
    there = (problem.sites.zone_region == pool.region) & (np.arange(len(problem.sites.zones)) != pool.lost)
    lead = problem.supply.lead_time[pool.usable][:, there]
    buyable = (problem.supply.order_limit[pool.usable][:, there] > 0).any(axis=2)
    last = breach - int(lead[buyable].min()) if buyable.any() else -1
    return problem.periods[last] if last >= problem.supply.first_order else "past"
