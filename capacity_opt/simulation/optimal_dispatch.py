"""Serves demand as a scheduler that re-optimises placement every period would: the cheapest way to serve, where going
short costs what a shortage is worth.

Worths are raised where needed so that shorting a more critical class to serve a less critical one never pays: priority
is strict. What must be bought is bought only while its price is within the worth of the shortage it avoids. Demand is
divisible and placements may change from period to period; the rules of :mod:`capacity_opt.simulation.arena` say who may
be served where. All cells of a period differ in their right-hand sides only, so they share their bases
(:mod:`capacity_opt.solvers.stochastic.graph`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from capacity_opt.simulation.arena import Arena
from capacity_opt.simulation.dispatch import EXHAUSTED, Means, Served, empty
from capacity_opt.solvers.stochastic.graph import RecourseGraph
from capacity_opt.solvers.stochastic.oracle import dual_feasible_basis
from capacity_opt.solvers.stochastic.program import RecourseFamily, SampleGroup, slack_bounds

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

MOST_ROWS = 40
"""Above this many rows samples rarely share bases, and this dispatch would be slow."""

STRICTLY = 5.0
FIRM = 1e3
"""A shortage to be avoided at any price is worth this multiple of the dearest way of serving."""
TIE = 1e-6
"""Serving that costs exactly what a shortage is worth is served."""

UNLIMITED = 1e4
"""Options without a limit end at this multiple of what is owned: right-hand sides must be finite."""

OWNED_FIRST = 1e-8
"""Using a commitment is free, but owned servers are used before it."""


@dataclass(frozen=True, kw_only=True)
class _Model:
    """One set of open ways. Columns: units of every group on every stack (``ways``, one way for each), servers bought
    into every stack through every option (``bought``, likewise), unmet units per group. Rows: groups, then stack x
    resource, then options."""

    ways: IntArray
    bought: IntArray
    matrix: Array
    fixed_cost: Array
    slack_lower: Array
    slack_upper: Array


def serve_optimally(arena: Arena, demand: Array, means: Means, *, free: bool = False) -> Served:
    """Serve ``demand`` (S, J, T, B) at least cost, every block of every sample to optimality."""
    served = empty(arena, len(demand), free=free)
    graphs: dict[bytes, RecourseGraph] = {}
    for t in range(demand.shape[2]):
        for pattern, samples in _patterns(means.lost[:, t], len(demand)):
            model = _model(arena, _open_ways(arena, t, pattern))
            for b, share in enumerate(arena.problem.block_share):
                _serve_cells(arena, model, graphs, demand[samples, :, t, b], means, served, (samples, t, b, share))
    return served


def fits(arena: Arena) -> bool:
    """Whether the problem is small enough for this dispatch."""
    stacks, resources = arena.capacity.shape
    rows = len(arena.worth) + stacks * resources + len(arena.problem.options.names)
    return bool(rows <= MOST_ROWS)


def strict_worth(arena: Arena) -> Array:
    """Worth of a unit's shortage per group (J,), raised so that no class is worth shorting for a less critical one.

    By duality a resource of a server is worth at most what its dearest use is, worth / load over the lesser groups; a
    unit of a critical class frees no more than its own load of each resource.
    """
    classes, (most, least) = arena.problem.groups.group_class, _need_per_group(arena)
    dearest = float(np.max(arena.ways.price, initial=0.0))
    firm = FIRM * max(dearest, float(np.max(arena.worth[np.isfinite(arena.worth)], initial=0.0)), 1.0)
    worth = np.where(np.isfinite(arena.worth), arena.worth, firm)
    for c in range(int(classes.max()) - 1, -1, -1):
        own, later = np.flatnonzero(classes == c), np.flatnonzero(classes > c)
        if not len(own) or not len(later):
            continue
        dearest_use = np.max(worth[later][:, None] / least[later], axis=0)
        worth[own] = np.maximum(worth[own], STRICTLY * float(np.max(most[own] @ dearest_use)))
    return worth + TIE * max(1.0, dearest)


def _need_per_group(arena: Arena) -> tuple[Array, Array]:
    """The most and the least of each resource that a unit of each group takes on any way, (J, R); resources that a
    group does not take limit nobody: infinite in the least."""
    shape = (len(arena.worth), arena.capacity.shape[1])
    most, least = np.zeros(shape), np.full(shape, np.inf)
    np.maximum.at(most, arena.ways.group, arena.ways.load)
    np.minimum.at(least, arena.ways.group, np.where(arena.ways.load > 0, arena.ways.load, np.inf))
    return most, least


def _patterns(lost: NDArray[np.bool_], samples: int) -> list[tuple[NDArray[np.bool_], IntArray]]:
    """Samples grouped by which zones are lost."""
    every = np.broadcast_to(lost, (samples, lost.shape[1]))
    kinds, of = np.unique(every, axis=0, return_inverse=True)
    return [(kind, np.flatnonzero(of.ravel() == i)) for i, kind in enumerate(kinds)]


def _open_ways(arena: Arena, t: int, lost: NDArray[np.bool_]) -> IntArray:
    tried = np.unique(arena.preference[t][arena.preference[t] >= 0])
    zone = arena.ways.lost_zone[tried]
    opened: IntArray = tried[(zone < 0) | lost[np.maximum(zone, 0)]]
    return opened


def _model(arena: Arena, chosen: IntArray) -> _Model:
    ways, (stacks, resources) = arena.ways, arena.capacity.shape
    groups, options = len(arena.worth), len(arena.problem.options.names)
    places = ways.option[chosen] * stacks + ways.stack[chosen]
    bought = chosen[np.unique(np.where(ways.option[chosen] >= 0, places, -1), return_index=True)[1]]
    bought = bought[ways.option[bought] >= 0]
    chosen = chosen[np.unique(ways.group[chosen] * stacks + ways.stack[chosen], return_index=True)[1]]
    matrix = np.zeros((groups + stacks * resources + options, len(chosen) + len(bought) + groups))
    column = np.arange(len(chosen))
    matrix[ways.group[chosen], column] = 1.0
    at = groups + ways.stack[chosen][:, None] * resources + np.arange(resources)
    matrix[at, column[:, None]] = ways.load[chosen]
    buying = len(chosen) + np.arange(len(bought))
    added = groups + ways.stack[bought][:, None] * resources + np.arange(resources)
    matrix[added, buying[:, None]] = -arena.capacity[ways.stack[bought]]
    matrix[groups + stacks * resources + ways.option[bought], buying] = ways.weight[bought]
    matrix[np.arange(groups), len(chosen) + len(bought) + np.arange(groups)] = 1.0
    sense = np.concatenate([np.zeros(groups), -np.ones(stacks * resources + options)])
    lower, upper = slack_bounds(sense)
    serving = ways.substitution[chosen] + ways.spill[chosen]
    fixed = np.concatenate([serving, np.zeros(len(bought)), strict_worth(arena)])
    return _Model(ways=chosen, bought=bought, matrix=matrix, fixed_cost=fixed, slack_lower=lower, slack_upper=upper)


def _cost(arena: Arena, model: _Model, t: int) -> Array:
    options, cost = arena.problem.options, model.fixed_cost.copy()
    way = model.bought
    option = arena.ways.option[way]
    if len(option):
        paid = np.array([kind != "commitment" for kind in options.kind])[option]
        price = options.price.reshape(len(options.names), -1)[option, t] * arena.ways.weight[way]
        cost[len(model.ways) : len(model.ways) + len(way)] = np.where(paid, price, OWNED_FIRST)
    return cost


def _serve_cells(
    arena: Arena,
    model: _Model,
    graphs: dict[bytes, RecourseGraph],
    asked: Array,
    means: Means,
    served: Served,
    at: tuple[IntArray, int, int, float],
) -> None:
    samples, t = at[:2]
    rhs = np.concatenate([asked, *_supply(arena, means, samples, t)], axis=1)
    cost = _cost(arena, model, t)
    family = RecourseFamily(
        matrix=model.matrix,
        cost=cost,
        lower=np.zeros(len(cost)),
        upper=np.full(len(cost), np.inf),
        slack_lower=model.slack_lower,
        slack_upper=model.slack_upper,
        random_rows=np.arange(rhs.shape[1]),
        groups=(_group(rhs),),
    )
    key = cost.tobytes() + model.ways.tobytes()
    if key not in graphs:
        graphs[key] = RecourseGraph(family, dual_feasible_basis(family))
    basis, nowhere = np.zeros(len(rhs), dtype=np.int32), np.zeros(0)
    graphs[key].evaluate(family.groups[0], nowhere, basis)
    amounts = np.maximum(graphs[key].columns(family.groups[0], nowhere, basis), 0.0)
    _record(arena, model, means, served, amounts, at)


def _group(rhs: Array) -> SampleGroup:
    count, rows = rhs.shape
    return SampleGroup(
        technology=sparse.csr_array((rows, 0)),
        base=np.zeros(rows),
        values=np.ascontiguousarray(rhs),
        probability=np.full(count, 1.0 / count),
    )


def _supply(arena: Arena, means: Means, samples: IntArray, t: int) -> tuple[Array, Array]:
    """Resource of every stack (S, Q x R) and units of every option (S, M)."""
    own = np.minimum(samples, len(means.servers) - 1)
    held = (means.servers[own, t, :, None] * arena.capacity).reshape(len(samples), -1)
    budget = means.budget[np.minimum(samples, len(means.budget) - 1), t]
    return held, np.minimum(budget, UNLIMITED * max(1.0, float(held.max(initial=0.0))))


def _record(
    arena: Arena, model: _Model, means: Means, served: Served, amounts: Array, at: tuple[IntArray, int, int, float]
) -> None:
    (samples, t, b, share), ways = at, arena.ways
    stacks, resources = arena.capacity.shape
    count, bought = len(model.ways), len(model.bought)
    units = amounts[:, :count]
    served.unmet[samples, :, t, b] = amounts[:, count + bought :]
    taken = np.zeros((len(samples), stacks, resources))
    for column, way in enumerate(model.ways):
        taken[:, ways.stack[way]] += units[:, column, None] * ways.load[way]
    own = _supply(arena, means, samples, t)[0].reshape(taken.shape)
    used = np.minimum(taken, own)
    if served.free is not None:
        served.free[samples, t, b] = own - used
    exhausted = np.any(taken >= own * (1.0 - EXHAUSTED) - 1e-7, axis=2, keepdims=True)
    served.used[samples, t] += share * used.sum(axis=1)
    served.stranded[samples, t] += share * np.where(exhausted, own - used, 0.0).sum(axis=1)
    for column, way in enumerate(model.bought):
        spent = amounts[:, count + column] * ways.weight[way]
        served.bought[samples, t, ways.option[way]] += share * spent
    served.substitution[samples, t] += share * (units @ ways.substitution[model.ways])
    served.spill[samples, t] += share * (units @ ways.spill[model.ways])
