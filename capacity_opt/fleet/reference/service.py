"""Service levels: how much, how often and how badly a class may go short, and what a lost zone may take."""

from __future__ import annotations

from itertools import product
from math import isnan
from typing import Any

from capacity_opt.fleet.reference.blocks import BINARY, at_least, at_most, columns, minus, rows, there, total
from capacity_opt.fleet.reference.data import Data
from capacity_opt.fleet.reference.recourse import add_operation_without, protected_share, without

ROUNDING = 1e-12
"""Probabilities are allowed to add up to a promise within rounding."""


def add_service(m: Any, data: Data, *, exact_failures: bool) -> None:
    """Write every promise that the problem makes."""
    _fill_rate(m, data)
    _chance(m, data)
    _shortage_cvar(m, data)
    touched = [z for z in data.zones if any(protected_share(data, j, z) > 0 for j in data.groups)]
    for zone in touched:
        if exact_failures:
            _give_up(m, data, zone)
            add_operation_without(m, data, zone)
        else:
            _pooled(m, data, zone)


def counted_groups(data: Data, c: str) -> list[str]:
    """Whose unmet demand counts against class c: all classes at least as critical, or its own only."""
    rank = {name: i for i, name in enumerate(data.classes)}
    if data.problem.service.fill_rule == "per_class":
        return [j for j in data.groups if data.class_of[j] == c]
    return [j for j in data.groups if rank[data.class_of[j]] <= rank[c]]


def least_load(data: Data, j: str, r: str) -> float:
    """The least physical resource one unit of a group can take on any type that may serve it."""
    return min((data.need(j, k, r) for group, k, _ in data.lanes() if group == j), default=0.0)


def _fill_rate(m: Any, data: Data) -> None:
    """``fill_rate[c]``: expected unmet demand within the share of the class's own demand that the promise leaves."""

    @rows(m, "fill_rate", [c for c in data.classes if not isnan(data.fill_rate[c])])
    def fill_rate(c: str) -> Any:
        own = [j for j in data.groups if data.class_of[j] == c]
        asked = sum(
            data.probability[s] * data.share[b] * data.demand[s, j, t, b] for j, (t, b, s) in product(own, data.times())
        )
        unmet = total(
            (data.share[b] * data.probability[s], there(m.unmet, j, t, b, s))
            for j, (t, b, s) in product(counted_groups(data, c), data.times())
        )
        return at_most(unmet, (1.0 - data.fill_rate[c]) * asked)


def _chance(m: Any, data: Data) -> None:
    """``chance[c,t]`` (``chance[c,horizon]`` where joint): shortage happens with at most 1 - the promised probability.

    Nothing counted may go unmet unless ``shortage_happens`` (0 or 1), with the sample's own demand as big-M.
    """
    promised = [c for c in data.classes if not isnan(data.no_shortage_probability[c])]
    joint = data.problem.service.no_shortage_scope == "joint"
    spans = ["horizon"] if joint else list(data.periods)
    columns(m, "shortage_happens", promised, spans, data.samples, kind=BINARY)

    @rows(m, "chance", promised, spans)
    def chance(c: str, span: str) -> Any:
        happens = total((data.probability[s], m.shortage_happens[c, span, s]) for s in data.samples)
        return at_most(happens, 1.0 - data.no_shortage_probability[c] + ROUNDING)

    places = [
        (c, j, *tbs)
        for c in promised
        for j, tbs in product(counted_groups(data, c), data.times())
        if data.shortage_allowed[j]
    ]

    @rows(m, "unmet_only_if", places)
    def unmet_only_if(c: str, j: str, t: str, b: str, s: str) -> Any:
        happens = m.shortage_happens[c, "horizon" if joint else t, s]
        return at_most(total([(1.0, m.unmet[j, t, b, s]), (-data.demand[s, j, t, b], happens)]), 0.0)

    if not data.options and not data.own_supply and _zones_always_there(data):
        _chance_quantile(m, data, promised, joint=joint)


def _zones_always_there(data: Data) -> bool:
    return all(data.available[s, z, t] == 1.0 for s, z, t in product(data.samples, data.zones, data.periods))


def _chance_quantile(m: Any, data: Data, promised: list[str], *, joint: bool) -> None:
    """Valid rows that tighten the promise: capacity carries the quantile of the load, and all of a sample's load in
    samples without shortage."""
    load = {
        (c, r, t, b, s): sum(least_load(data, j, r) * data.demand[s, j, t, b] for j in counted_groups(data, c))
        for c, r, (t, b, s) in product(promised, data.resources, data.times())
    }
    quantile = {
        (c, r, t, b): _quantile(data, {s: load[c, r, t, b, s] for s in data.samples}, data.no_shortage_probability[c])
        for c, r, t, b in product(promised, data.resources, data.periods, data.blocks)
    }

    tight = [crtbs for crtbs, value in load.items() if value > 0 and value >= quantile[crtbs[:4]]]

    @rows(m, "chance_quantile", tight)
    def chance_quantile(c: str, r: str, t: str, b: str, s: str) -> Any:
        beyond = load[c, r, t, b, s] - quantile[c, r, t, b]
        happens = m.shortage_happens[c, "horizon" if joint else t, s]
        owned = ((data.capacity[k, r], m.stock[k, z, t]) for k, z in product(data.types, data.zones))
        return at_least(total(owned, [(beyond, happens)]), load[c, r, t, b, s])


def _quantile(data: Data, load: dict[str, float], level: float) -> float:
    """The smallest load that at least ``level`` of the probability does not exceed."""
    reached = 0.0
    for s in sorted(load, key=lambda s: load[s]):
        reached += data.probability[s]
        if reached >= level - ROUNDING:
            return load[s]
    return min(load.values())


def _shortage_cvar(m: Any, data: Data) -> None:
    """``shortage_cvar[c]``: the mean of the worst outcomes of the horizon's shortage is within its limit;
    ``shortage_tail[c,s]`` is what a sample's shortage has beyond ``shortage_var[c]``."""
    limited = [c for c in data.classes if not isnan(data.cvar_limit[c])]
    columns(m, "shortage_var", limited)
    columns(m, "shortage_tail", limited, data.samples)

    @rows(m, "shortage_cvar", limited)
    def shortage_cvar(c: str) -> Any:
        worst = 1.0 - data.cvar_level[c]
        tail = ((data.probability[s] / worst, m.shortage_tail[c, s]) for s in data.samples)
        return at_most(total([(1.0, m.shortage_var[c])], tail), data.cvar_limit[c])

    @rows(m, "shortage_above", limited, data.samples)
    def shortage_above(c: str, s: str) -> Any:
        shortage = (
            (data.share[b], there(m.unmet, j, t, b, s))
            for j, t, b in product(counted_groups(data, c), data.periods, data.blocks)
        )
        reached = [(1.0, m.shortage_tail[c, s]), (1.0, m.shortage_var[c])]
        return at_least(total(reached, minus(shortage)), 0.0)


def _give_up(m: Any, data: Data, zone: str) -> None:
    """``protection_without_<zone>``: the samples in which its loss is not covered have little probability together."""
    quantile = data.problem.service.protected_quantile
    if quantile >= 1.0:
        return
    unprotected = columns(m, f"unprotected{without(zone)}", data.samples, kind=BINARY)

    @rows(m, f"protection{without(zone)}")
    def protection() -> Any:
        uncovered = ((data.probability[s], unprotected[s]) for s in data.samples)
        return at_most(total(uncovered), 1.0 - quantile + ROUNDING)


def _pooled(m: Any, data: Data, lost: str) -> None:
    """``pooled_without_<zone>``: the protected load fits all capacity left, whatever runs where: cuts,
    not the answer."""
    if data.options or data.own_supply:
        return
    load = {
        (r, t, b, s): sum(
            protected_share(data, j, lost) * least_load(data, j, r) * data.demand[s, j, t, b] for j in data.groups
        )
        for r, (t, b, s) in product(data.resources, data.times())
    }

    @rows(m, f"pooled{without(lost)}", [place for place, value in load.items() if value > 0])
    def pooled(r: str, t: str, b: str, s: str) -> Any:
        left = (
            (data.capacity[k, r] * data.available[s, z, t], m.stock[k, z, t])
            for k, z in product(data.types, data.zones)
            if z != lost
        )
        return at_least(total(left), load[r, t, b, s])
