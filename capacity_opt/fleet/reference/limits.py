"""Limits on the fleet: power, rack units, space, budgets, order minimums, stability, utilization."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import ceil, inf
from typing import Any

import numpy as np

from capacity_opt.fleet.reference.blocks import BINARY, at_least, at_most, columns, equal, minus, rows, there, total
from capacity_opt.fleet.reference.data import Data, Table
from capacity_opt.fleet.reference.recourse import buying_price, serving_cost
from capacity_opt.fleet.reference.supply import racks_in

Place = tuple[str, str, str]


def add_limits(m: Any, data: Data) -> None:
    """Write every limit that the problem gives."""
    types, sites = data.problem.server_types, data.problem.sites
    _zone_limit(m, data, "power", types.power_kw, sites.power_limit)
    _zone_limit(m, data, "rack_units", types.rack_units, sites.rack_unit_limit)
    _zone_limit(m, data, "space", types.space, sites.space_limit)
    _capex_budgets(m, data)
    _opex_budget(m, data)
    _commitment_limit(m, data)
    _order_minimum(m, data)
    _stability(m, data)
    _utilization(m, data)


def _zone_limit(m: Any, data: Data, name: str, each: Any, most: Any) -> None:
    """``power[z,t]`` and its like: what the servers in service take together."""
    if each is None or most is None:
        return
    takes, limit = Table(each, data.types), Table(most, data.zones, data.periods)
    places = [(z, t, *w) for z, t, w in product(data.zones, data.periods, data.worlds) if limit[z, t] < inf]

    @rows(m, name, places)
    def within(z: str, t: str, *w: str) -> Any:
        return at_most(total((takes[k], m.stock[k, z, t, *w]) for k in data.types), limit[z, t])


def _capex_budgets(m: Any, data: Data) -> None:
    """``capex_budget[t]``: cash for racks ordered in t; ``cumulative_budget[t]``: up to t; placed orders count."""
    finance, places = data.problem.finance, list(product(data.types, data.zones))
    for name, given, cumulative in (
        ("capex_budget", finance.capex_budget, False),
        ("cumulative_budget", finance.cumulative_budget, True),
    ):
        limit = Table(given, data.periods)

        def within(t: str, *w: str, limit: Table = limit, cumulative: bool = cumulative) -> Any:
            counted = [u for u in data.periods if u == t or (cumulative and data.when[u] < data.when[t])]
            orders = [(k, z, u) for (k, z), u in product(places, counted)]
            spent = sum(data.placed[kzu] * data.price[kzu] * data.lot[kzu[0]] for kzu in orders)
            new = total((data.price[kzu] * data.lot[kzu[0]], racks_in(m, data, *kzu, w)) for kzu in orders)
            return at_most(new, limit[t] - spent)

        rows(m, name, [(t, *w) for t, w in product(data.periods, data.worlds) if limit[t] < inf])(within)


def _opex_budget(m: Any, data: Data) -> None:
    """``opex_budget[t]``: expected running cost, undiscounted."""
    limit = Table(data.problem.finance.opex_budget, data.periods)

    places = list(product(data.types, data.zones))

    @rows(m, "opex_budget", [t for t in data.periods if limit[t] < inf])
    def opex_budget(t: str) -> Any:
        servers = (
            (data.opex[k, z, t] * data.world_probability(w), m.stock[k, z, t, *w])
            for (k, z), w in product(places, data.worlds)
        )
        retiring = ((data.retirement_cost[k], there(m.retired, k, z, t)) for k, z in places)
        committed = (
            (data.option_price[o, u], there(m.committed, o, u))
            for o, u in product(data.options, data.periods)
            if data.in_force(o, u, t)
        )
        return at_most(total(servers, retiring, committed, _bought_and_served(m, data, t)), limit[t])


def _bought_and_served(m: Any, data: Data, t: str) -> Iterator[tuple[float, Any]]:
    for b, s in product(data.blocks, data.samples):
        expected = data.share[b] * data.probability[s]
        for o, k, p in data.option_lanes:
            yield buying_price(data, o, k, t) * expected, m.bought[o, k, p, t, b, s]
        for lane in data.lanes():
            yield serving_cost(data, lane) * expected, there(m.served, *lane, t, b, s)


def _commitment_limit(m: Any, data: Data) -> None:
    """``commitment_limit[m,t]``: what is in force together, where commitments overlap."""
    limited = [
        (o, t)
        for o, t in product(data.options, data.periods)
        if data.is_commitment(o) and data.term[o] > 1 and data.option_limit[o, t] < inf
    ]

    @rows(m, "commitment_limit", limited)
    def commitment_limit(o: str, t: str) -> Any:
        running = ((1.0, there(m.committed, o, u)) for u in data.periods if data.in_force(o, u, t))
        return at_most(total(running), data.option_limit[o, t])


def rack_limit(data: Data, k: str, z: str, t: str) -> float:
    """Most racks an order can sensibly have: its limit, or twice what would carry all demand alone after failures."""
    most = 0.0
    for u, b, s in data.times():
        for r in data.resources:
            if data.capacity[k, r] > 0:
                load = sum(data.demand[s, j, u, b] * data.need(j, k, r) for j in data.groups)
                most = max(most, load / data.capacity[k, r])
    left = max((1.0 - data.failure_rate[k]) ** len(data.periods), 0.1)
    enough = ceil(2.0 * most / (left * data.lot[k])) + 1.0
    return min(data.order_limit[k, z, t], max(enough, data.order_minimum[k, z, t]))


def _order_minimum(m: Any, data: Data) -> None:
    """An order is 0, or at least its minimum: column ``ordered`` (0 or 1)."""
    free = 1.0 if data.problem.integer else 0.0
    needed = [kzt for kzt in m.racks if data.order_minimum[kzt] > free]
    columns(m, "ordered", needed, kind=BINARY)
    most = {kzt: rack_limit(data, *kzt) for kzt in needed}
    names = ("order_minimum", "order_maximum")
    _zero_or_between(m, names, needed, m.racks, m.ordered, data.order_minimum, most)


def _zero_or_between(
    m: Any, names: tuple[str, str], places: list[Place], size: Any, decided: Any, least: Any, most: Any
) -> None:
    """A size is 0, or between its least and its most: two rows per place, under the two ``names``."""

    @rows(m, names[0], places)
    def minimum(*kzt: str) -> Any:
        return at_least(total([(1.0, size[kzt]), (-least[kzt], decided[kzt])]), 0.0)

    @rows(m, names[1], places)
    def maximum(*kzt: str) -> Any:
        return at_most(total([(1.0, size[kzt]), (-most[kzt], decided[kzt])]), 0.0)


def _stability(m: Any, data: Data) -> None:
    """Changing the last plan costs money (``more``, ``fewer``), and a change has a least size (``goes_up``,
    ``goes_down``)."""
    stability = data.problem.stability
    if stability is None:
        return
    last = Table(stability.last, data.types, data.zones, data.periods)
    columns(m, "more", list(m.racks))
    columns(m, "fewer", list(m.racks), upper=lambda *kzt: last[kzt])

    @rows(m, "change", list(m.racks))
    def change(*kzt: str) -> Any:
        return equal(total([(1.0, m.racks[kzt]), (-1.0, m.more[kzt]), (1.0, m.fewer[kzt])]), last[kzt])

    least = {kzt: stability.minimum_change * last[kzt] for kzt in m.racks}
    needed = [kzt for kzt in m.racks if least[kzt] > 0]
    for way, size, most in (
        ("up", m.more, {kzt: rack_limit(data, *kzt) for kzt in needed}),
        ("down", m.fewer, {kzt: last[kzt] for kzt in needed}),
    ):
        goes = columns(m, f"goes_{way}", needed, kind=BINARY)
        names = (f"change_least_{way}", f"change_most_{way}")
        _zero_or_between(m, names, needed, size, goes, least, most)
    if not needed:
        return

    @rows(m, "change_either", needed)
    def change_either(*kzt: str) -> Any:
        return at_most(total([(1.0, m.goes_up[kzt]), (1.0, m.goes_down[kzt])]), 1.0)


def _utilization(m: Any, data: Data) -> None:
    """``utilization[r]``: expected use of owned servers is at least the floor's share of their capacity."""
    floor = data.problem.utilization_floor
    if floor is None:
        return
    least = Table(floor, data.resources)

    @rows(m, "utilization", [r for r in data.resources if not np.isnan(least[r])])
    def utilization(r: str) -> Any:
        used = (
            (data.need(j, k, r) * data.share[b] * data.probability[s], there(m.served, j, k, p, t, b, s))
            for (j, k, p), (t, b, s) in product(data.lanes(), data.times())
        )
        elsewhere = (
            (data.capacity[k, r] * data.share[b] * data.probability[s], m.bought[o, k, p, t, b, s])
            for (o, k, p), (t, b, s) in product(data.option_lanes, data.times())
        )
        wanted = (
            (least[r] * data.capacity[k, r] * data.world_probability(w), m.stock[k, z, t, *w])
            for k, z, t, w in product(data.types, data.zones, data.periods, data.worlds)
        )
        return at_least(total(used, minus(elsewhere), minus(wanted)), 0.0)
