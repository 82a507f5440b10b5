"""The playing field of the fleet simulation: who can be served by which servers, where and at what price.

Operations' rules, the same for the greedy and the exact dispatch:

* Strict priority: a more critical class takes what it needs before a less critical one sees it. Inside a class, those
  who take the smallest share of a server come first, so that the class as a whole gets the most units.
* Servers of one type stand in for each other inside a region; where demand is pinned to a zone of the region, inside
  each zone. Pinned demand is served from its zone; while that zone is lost, from the other zones of its region.
* A group is served where it is cheapest: substitution plus spill plus the price of what must be bought for it. What is
  owned or committed costs nothing more to use. Equal prices: first the servers that the fewest groups still to be
  served can use, then those whose resources fit best, then in the order given.
* Where a group would still go short, those served before are moved to other servers that can take them, one at a time;
  nobody loses a unit by it.
* Nothing is served at a price above what a shortage is worth: the penalty, or any price where a promise stands or
  shortage is forbidden.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capacity_opt.problem.fleet import FleetProblem

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Ways:
    """The ways in which demand can be served, parallel arrays (N,): ``group``; ``stack`` the servers used, a type in a
    pool; ``option`` bought through, -1 where owned; ``weight`` units of the option per server; ``lost_zone`` the zone
    that must be lost for this way to be open, -1 where it always is. ``load`` (N, R) resource per unit served;
    ``substitution``, ``spill`` money per unit and period; ``price`` (T, N) all of it with the option's price."""

    group: IntArray
    stack: IntArray
    option: IntArray
    weight: Array
    lost_zone: IntArray
    load: Array
    substitution: Array
    spill: Array
    price: Array


@dataclass(frozen=True, kw_only=True)
class Arena:
    """``capacity`` (Q, R) of one server of each stack; ``member`` (Z, P) which pool a zone belongs to; ``order`` (J,)
    groups in the order of service; ``preference`` (T, J, L) each group's ways in the order tried, -1 padded;
    ``owned`` (J, L) each group's owned ways, -1 padded; ``worth`` (J,) the highest price paid to avoid a shortage."""

    problem: FleetProblem
    capacity: Array
    member: NDArray[np.bool_]
    ways: Ways
    order: IntArray
    preference: IntArray
    owned: IntArray
    worth: Array


def pools_of(problem: FleetProblem) -> tuple[IntArray, NDArray[np.bool_]]:
    """The region of every pool (P,) and which zones it has (Z, P)."""
    sites, home = problem.sites, problem.groups.home_zone
    split = set(sites.zone_region[home[home >= 0]].tolist())
    members: list[list[int]] = []
    for region in range(len(sites.regions)):
        zones = np.flatnonzero(sites.zone_region == region).tolist()
        members += [[zone] for zone in zones] if region in split else [zones]
    member = np.zeros((len(sites.zones), len(members)), dtype=bool)
    for pool, zones in enumerate(members):
        member[zones, pool] = True
    region_of = [sites.zone_region[zones[0]] if zones else -1 for zones in members]
    return np.array(region_of, dtype=np.int64), member


def build_arena(problem: FleetProblem, worth: Array | None = None) -> Arena:
    """Work out every way of serving and the order in which it is tried."""
    region_of, member = pools_of(problem)
    ways = _ways(problem, region_of, member)
    worth = default_worth(problem) if worth is None else worth
    capacity = np.repeat(problem.server_types.capacity, len(region_of), axis=0)
    order = _service_order(problem, ways, capacity)
    return Arena(
        problem=problem,
        capacity=capacity,
        member=member,
        ways=ways,
        order=order,
        preference=_preference(problem, ways, order, worth),
        owned=_padded([np.flatnonzero((ways.group == j) & (ways.option < 0)) for j in range(len(order))]),
        worth=worth,
    )


def default_worth(problem: FleetProblem) -> Array:
    """What a shortage is worth per group: the penalty; anything where it is forbidden or a promise stands."""
    service, classes = problem.service, problem.groups.group_class
    promised = ~np.isnan(service.fill_rate) | ~np.isnan(service.no_shortage_probability)
    promised |= ~np.isnan(service.shortage_cvar_limit)
    firm = ~service.shortage_allowed | promised[classes]
    return np.where(firm, np.inf, np.nan_to_num(service.penalty))


def _need(problem: FleetProblem) -> Array:
    groups = problem.groups
    performance = np.where(groups.performance > 0, groups.performance, np.inf)
    need: Array = groups.usage[:, None, :] / (groups.overcommit[:, None, :] * performance[:, :, None])
    return need


def _ways(problem: FleetProblem, region_of: IntArray, member: NDArray[np.bool_]) -> Ways:
    """Owned ways first, then a copy of each for every option that covers its type there."""
    groups, types = problem.groups, problem.server_types
    need = _need(problem)
    usable = groups.compatible & (groups.performance > 0)
    usable &= ~np.any((need > 0) & (types.capacity[None] <= 0), axis=2)
    allowed = groups.allowed_region[:, region_of]
    opens = _opens_when(problem, region_of, member)
    j, k, p = np.nonzero(usable[:, :, None] & (allowed & (opens > -2))[:, None, :])
    lane, option = np.nonzero(_covers(problem)[:, k].T > 0)
    inside = problem.options.region[option] == region_of[p[lane]]
    lane, option = lane[inside], option[inside]
    pick = np.concatenate([np.arange(len(j)), lane])
    weight = np.concatenate([np.ones(len(j)), _covers(problem)[option, k[lane]]])
    which = np.concatenate([np.full(len(j), -1), option]).astype(np.int64)
    j, k, p = j[pick], k[pick], p[pick]
    spill = np.where(region_of[p] != groups.home_region[j], groups.spill_cost[j, region_of[p]], 0.0)
    ways = Ways(
        group=j,
        stack=k * len(region_of) + p,
        option=which,
        weight=weight,
        lost_zone=opens[j, p],
        load=need[j, k],
        substitution=groups.serve_cost[j, k],
        spill=spill,
        price=np.zeros((len(problem.periods), len(j))),
    )
    ways.price[:] = ways.substitution + ways.spill + _bought_price(problem, ways, k)
    return ways


def _opens_when(problem: FleetProblem, region_of: IntArray, member: NDArray[np.bool_]) -> IntArray:
    """Per group and pool: -1 always open, a zone that must be lost first, -2 never."""
    groups = problem.groups
    home = groups.home_zone[:, None]
    pinned = home >= 0
    own = member[np.maximum(groups.home_zone, 0)]
    nearby = region_of[None, :] == groups.home_region[:, None]
    return np.where(~pinned | own, -1, np.where(nearby, home, -2))


def _covers(problem: FleetProblem) -> Array:
    options, sizes = problem.options, problem.sizes
    if options.covers is not None:
        return options.covers
    covers = np.zeros((sizes["M"], sizes["K"]))
    covers[np.arange(sizes["M"]), options.server_type] = 1.0
    return covers


def _bought_price(problem: FleetProblem, ways: Ways, server_type: IntArray) -> Array:
    """Money per unit served for what must be bought for it, (T, N): commitments are paid already."""
    options = problem.options
    bought = np.zeros_like(ways.price)
    paid = np.array([kind != "commitment" for kind in options.kind], dtype=bool)
    chosen = np.flatnonzero(ways.option >= 0)
    chosen = chosen[paid[ways.option[chosen]]] if len(chosen) else chosen
    servers = _servers_per_unit(ways.load, problem.server_types.capacity[server_type])
    price = options.price.reshape(len(options.names), len(problem.periods))
    bought[:, chosen] = (price[ways.option[chosen]] * (servers * ways.weight)[chosen, None]).T
    return bought


def _servers_per_unit(load: Array, capacity: Array) -> Array:
    needed: Array = np.max(load / np.where(capacity > 0, capacity, np.inf), axis=1, initial=0.0)
    return needed


def _service_order(problem: FleetProblem, ways: Ways, capacity: Array) -> IntArray:
    """Most critical class first; inside a class, whoever takes the smallest share of a server per unit first."""
    share = np.full(len(problem.groups.names), np.inf)
    np.minimum.at(share, ways.group, _servers_per_unit(ways.load, capacity[ways.stack]))
    return np.lexsort((np.arange(len(share)), share, problem.groups.group_class))


def _preference(problem: FleetProblem, ways: Ways, order: IntArray, worth: Array) -> IntArray:
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    wanted = np.zeros((len(order), int(ways.stack.max(initial=0)) + 1), dtype=bool)
    wanted[rank[ways.group], ways.stack] = True
    later = np.flip(np.cumsum(np.flip(wanted, 0), axis=0), 0)[rank[ways.group], ways.stack]
    capacity = problem.server_types.capacity[ways.stack // max(1, len(pools_of(problem)[0]))]
    fit = ways.load / np.where(capacity > 0, capacity, np.inf)
    idle = 1.0 - fit.mean(axis=1) / np.maximum(fit.max(axis=1, initial=1e-300), 1e-300)
    lists = [
        _sorted_ways(ways, j, ways.price[t], later, idle, worth[j])
        for t in range(len(problem.periods))
        for j in range(len(order))
    ]
    return _padded(lists).reshape(len(problem.periods), len(order), -1)


def _padded(lists: list[IntArray]) -> IntArray:
    """Rows of different length as one array, -1 where a row has ended."""
    result = np.full((len(lists), max(1, *(len(row) for row in lists))), -1, dtype=np.int64)
    for i, row in enumerate(lists):
        result[i, : len(row)] = row
    return result


def _sorted_ways(ways: Ways, group: int, price: Array, later: IntArray, idle: Array, worth: float) -> IntArray:
    own = np.flatnonzero((ways.group == group) & (price <= worth))
    bought = ways.option[own] >= 0
    return own[np.lexsort((own, idle[own].round(9), later[own], bought, price[own]))]
