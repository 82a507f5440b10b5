"""Second stage: who is served by what once the sample is known; in normal operation, and without each lost zone."""

from __future__ import annotations

from itertools import product
from math import inf
from typing import Any

from capacity_opt.fleet.reference.blocks import at_least, at_most, columns, equal, minus, rows, there, total
from capacity_opt.fleet.reference.data import Data, Lane


def add_normal_operation(m: Any, data: Data) -> None:
    """Columns ``served``, ``unmet``, ``bought``; rows ``demand``, ``capacity``, ``option_limit``."""
    lanes = data.lanes()
    columns(
        m, "served", [(*lane, t, b, s) for lane, (t, b, s) in product(lanes, data.times()) if data.open(lane, t, s)]
    )
    columns(m, "unmet", [(j, *tbs) for j, tbs in product(data.groups, data.times()) if data.shortage_allowed[j]])
    types_and_pools = _by_group(lanes)

    @rows(m, "demand", data.groups, data.periods, data.blocks, data.samples)
    def demand(j: str, t: str, b: str, s: str) -> Any:
        """Everything asked for is served somewhere, or unmet."""
        served = ((1.0, there(m.served, j, k, p, t, b, s)) for k, p in types_and_pools.get(j, ()))
        unmet = [(1.0, there(m.unmet, j, t, b, s))]
        return equal(total(served, unmet), data.demand[s, j, t, b])

    _add_capacity(m, data, lanes, m.served, lost=None)


def add_operation_without(m: Any, data: Data, lost: str) -> None:
    """While a zone is lost: the protected share of every group the zone can touch is served. Columns
    ``served_without_<zone>`` ..., rows ``protected_without_<zone>`` instead of demand. It costs nothing."""
    promised = {j: protected_share(data, j, lost) for j in data.groups}
    lanes = tuple(lane for lane in data.lanes(lost) if promised[lane.group] > 0)
    served = columns(m, f"served{without(lost)}", [(*lane, *tbs) for lane, tbs in product(lanes, data.times())])
    given_up = m.find_component(f"unprotected{without(lost)}")
    types_and_pools = _by_group(lanes)
    touched = [(j, *tbs) for j, tbs in product(data.groups, data.times()) if promised[j] > 0]

    @rows(m, f"protected{without(lost)}", touched)
    def protected(j: str, t: str, b: str, s: str) -> Any:
        """The promised share is served, unless the sample is given up."""
        asked = promised[j] * data.demand[s, j, t, b]
        reached = ((1.0, served[j, k, p, t, b, s]) for k, p in types_and_pools.get(j, ()))
        excused = [(asked, None if given_up is None else given_up[s])]
        return at_least(total(reached, excused), asked)

    _add_capacity(m, data, lanes, served, lost=lost)


def without(lost: str | None) -> str:
    """What the block names of a state end with."""
    return "" if lost is None else f"_without_{lost}"


def protected_share(data: Data, j: str, lost: str) -> float:
    """Share of a group's demand that must be served without a zone; 0 for groups no chain of shared regions links to
    that zone's region: its loss cannot reach them."""
    meets: dict[str, set[str]] = {}
    for lane in data.lanes(lost):
        meets.setdefault(lane.group, set()).add(data.pools[lane.pool][0])
    reached = {data.region_of[lost]}
    while True:
        wider = reached.union(*(regions for regions in meets.values() if regions & reached))
        if wider == reached:
            break
        reached = wider
    share = data.protected_share[data.class_of[j], lost]
    return share if meets.get(j, set()) & reached and share > 0 else 0.0


def serving_cost(data: Data, lane: Lane) -> float:
    """Money per unit and period: for the type, and for serving away from home."""
    j, k, p = lane
    region = data.pools[p][0]
    away = 0.0 if region == data.home_region[j] else data.spill_cost[j, region]
    return data.serve_cost[j, k] + away


def buying_price(data: Data, o: str, k: str, t: str) -> float:
    """Money per server and period of using an option; commitments are paid for when begun."""
    return 0.0 if data.is_commitment(o) else data.option_price[o, t] * data.covers[o, k]


def _by_group(lanes: tuple[Lane, ...]) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for j, k, p in lanes:
        found.setdefault(j, []).append((k, p))
    return found


def _add_capacity(m: Any, data: Data, lanes: tuple[Lane, ...], served: Any, lost: str | None) -> None:
    bought = _add_bought(m, data, lost)
    users: dict[tuple[str, str, str], list[tuple[str, float]]] = {}
    for (j, k, p), r in product(lanes, data.resources):
        if data.need(j, k, r) > 0:
            users.setdefault((k, p, r), []).append((j, data.need(j, k, r)))
    buyers: dict[tuple[str, str], list[str]] = {}
    for o, k, p in data.option_lanes:
        buyers.setdefault((k, p), []).append(o)

    @rows(m, f"capacity{without(lost)}", [(*kpr, *tbs) for kpr, tbs in product(users, data.times())])
    def capacity(k: str, p: str, r: str, t: str, b: str, s: str) -> Any:
        """Load within what the servers in service and the capacity bought can carry."""
        w, each = data.world_of(s), data.capacity[k, r]
        zones = (z for z in data.pools[p][1] if z != lost)
        load = ((need, there(served, j, k, p, t, b, s)) for j, need in users[k, p, r])
        owned = ((each * data.available[s, z, t], m.stock[k, z, t, *w]) for z in zones)
        extra = ((each, there(bought, o, k, p, t, b, s)) for o in buyers.get((k, p), ()))
        return at_most(total(load, minus(owned), minus(extra)), 0.0)


def _add_bought(m: Any, data: Data, lost: str | None) -> Any:
    """Capacity used of every option, in servers. Spot is not counted on while a zone is lost."""
    usable = [lane for lane in data.option_lanes if lost is None or data.option_kind[lane.option] != "spot"]

    def most(o: str, k: str, _pool: str, t: str, _block: str, s: str) -> float:
        """Where an option can be used in one place only, its limit is the column's own."""
        alone = data.option_places[o] == 1 and not data.is_commitment(o)
        return data.option_capacity(o, t, s) / data.covers[o, k] if alone else inf

    places = [(*lane, *tbs) for lane, tbs in product(usable, data.times())]
    bought = columns(m, f"bought{without(lost)}", places, upper=most)
    limited = [
        (o, t, b, s)
        for o, (t, b, s) in product(data.options, data.times())
        if data.is_commitment(o) or (data.option_places[o] > 1 and data.option_capacity(o, t, s) < inf)
    ]

    @rows(m, f"option_limit{without(lost)}", limited)
    def option_limit(o: str, t: str, b: str, s: str) -> Any:
        """Use within what is in force (commitments) or there (others that can be used in several places)."""
        used = ((data.covers[o, k], there(bought, o, k, p, t, b, s)) for x, k, p in data.option_lanes if x == o)
        if not data.is_commitment(o):
            return at_most(total(used), data.option_capacity(o, t, s))
        running = ((1.0, there(m.committed, o, u)) for u in data.periods if data.in_force(o, u, t))
        return at_most(total(used, minus(running)), 0.0)

    return bought
