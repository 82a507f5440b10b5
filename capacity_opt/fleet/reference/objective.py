"""The objective: expected present value of cost, or its mix with the conditional value at risk."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import pyomo.environ as pyo

from capacity_opt.fleet.reference.blocks import at_least, columns, minus, rows, total
from capacity_opt.fleet.reference.data import Data, World
from capacity_opt.fleet.reference.recourse import buying_price, serving_cost

Term = tuple[float, Any]


def add_objective(m: Any, data: Data, *, at_risk: bool) -> None:
    """``total_cost``. With ``at_risk``: (1 - w) E[cost] + w CVaR[cost], by ``cost_var``, ``cost_tail[s]`` and rows
    ``cost_above[s]``; what is decided before any sample is known costs the same in each and keeps its full weight."""
    first = list(first_stage_terms(m, data))
    later = {s: list(sample_terms(m, data, s)) for s in data.samples}
    constant = placed_capital(data)
    if not at_risk:
        m.total_cost = pyo.Objective(expr=total(first, *later.values()) + constant)
        return
    finance = data.problem.finance
    w, tail_share = finance.risk_weight, 1.0 - finance.risk_level
    m.cost_var = pyo.Var(domain=pyo.Reals)
    columns(m, "cost_tail", data.samples)

    @rows(m, "cost_above", data.samples)
    def cost_above(s: str) -> Any:
        """``later`` holds probability times cost, so it is divided by the probability."""
        cost = ((money / data.probability[s], column) for money, column in later[s])
        return at_least(total([(1.0, m.cost_tail[s]), (1.0, m.cost_var)], minus(cost)), 0.0)

    expected = [((1.0 - w) * money, column) for s in data.samples for money, column in later[s]]
    tail = [(w * data.probability[s] / tail_share, m.cost_tail[s]) for s in data.samples]
    m.total_cost = pyo.Objective(expr=total(first, expected, [(w, m.cost_var)], tail) + constant)


def first_stage_terms(m: Any, data: Data) -> Iterator[Term]:
    """Present value of everything decided before any sample is known."""
    for k, z, t in m.racks:
        mean = sum(data.world_probability(w) * capital(data, k, z, t) for w in data.worlds)
        yield data.lot[k] * mean, m.racks[k, z, t]
    for k, z, t in m.retired:
        yield (data.retirement_cost[k] - data.salvage[k]) * data.discount(t), m.retired[k, z, t]
    for o, u in m.committed:
        running = (data.discount(t) for t in data.periods if data.in_force(o, u, t))
        yield data.option_price[o, u] * sum(running), m.committed[o, u]
    if data.problem.stability is not None:
        change_cost = dict(zip(data.types, data.problem.stability.change_cost.tolist()))
        for kzt in m.more:
            yield change_cost[kzt[0]], m.more[kzt]
            yield change_cost[kzt[0]], m.fewer[kzt]
    if not data.own_supply:
        yield from _running(m, data, ())


def sample_terms(m: Any, data: Data, s: str) -> Iterator[Term]:
    """Probability times present value of what happens in a sample."""
    if data.own_supply:
        yield from _running(m, data, (s,))
        for k, z, t, x in m.recourse_racks:
            if x == s:
                money = data.lot[k] * capital(data, k, z, t) * data.probability[s]
                yield money, m.recourse_racks[k, z, t, s]
    for lane, t, b in product(data.lanes(), data.periods, data.blocks):
        if data.open(lane, t, s):
            yield serving_cost(data, lane) * data.weight(t, b, s), m.served[(*lane, t, b, s)]
    for j, t, b in product(data.groups, data.periods, data.blocks):
        if data.shortage_allowed[j]:
            yield data.penalty[j] * data.weight(t, b, s), m.unmet[j, t, b, s]
    for (o, k, p), t, b in product(data.option_lanes, data.periods, data.blocks):
        yield buying_price(data, o, k, t) * data.weight(t, b, s), m.bought[o, k, p, t, b, s]


def _running(m: Any, data: Data, w: World) -> Iterator[Term]:
    for k, z, t in product(data.types, data.zones, data.periods):
        yield data.opex[k, z, t] * data.discount(t) * data.world_probability(w), m.stock[k, z, t, *w]


def capital(data: Data, k: str, z: str, t: str) -> float:
    """Present value, inside the horizon, of one server ordered in t."""
    amortised = data.problem.finance.capital == "amortised"
    return _annuities(data, k, z, t) if amortised else _cash(data, k, z, t)


def _cash(data: Data, k: str, z: str, t: str) -> float:
    """The price when ordered, less the salvage of what still runs at the end of its life or of the horizon."""
    arrival, horizon = int(data.when[t] + data.lead_time[k, z]), len(data.periods)
    paid = data.price[k, z, t] * data.discount(t)
    if arrival >= horizon:
        return paid
    end = int(min(arrival + data.life[k], horizon))
    left = (1.0 - data.failure_rate[k]) ** (end - arrival)
    return paid - data.salvage[k] * left * data.discount(end)


def _annuities(data: Data, k: str, z: str, t: str) -> float:
    """Equal payments per period of service that are worth the price less salvage; those inside the horizon count."""
    arrival, life, horizon = int(data.when[t] + data.lead_time[k, z]), data.life[k], len(data.periods)
    worth = data.price[k, z, t] * data.discount(t) - data.salvage[k] * data.discount(int(arrival + life))
    payments = sum(data.discount(arrival + age) for age in range(int(life)))
    inside = sum(data.discount(u) for u in range(arrival, min(int(arrival + life), horizon)))
    return worth / payments * inside


def placed_capital(data: Data) -> float:
    """Present value of the racks already on order, which no decision changes."""
    places = product(data.types, data.zones, data.periods, data.worlds)
    return sum(
        data.world_probability(w) * data.placed[k, z, t] * data.lot[k] * capital(data, k, z, t) for k, z, t, w in places
    )
