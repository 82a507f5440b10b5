"""The most that strict priority allows: linear programs wherever the greedy rules left demand unmet.

Class by class, most critical first, the units served are made as many as possible while every more critical class
keeps what it has; last, cost is made as small as possible. Where the rules served everything, nothing can be better.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from capacity_opt.errors import SolverError
from capacity_opt.simulation.arena import Arena
from capacity_opt.simulation.dispatch import EXHAUSTED, Means, Served, empty, serve_block
from capacity_opt.simulation.measures import UNMET
from capacity_opt.solvers.linear_program import LinearProgram
from capacity_opt.solvers.solve import solve

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One block of one sample's period: ``asked`` (J,), ``servers`` (Q,), ``budget`` (M,); ``ways`` that are open."""

    period: int
    asked: Array
    servers: Array
    budget: Array
    ways: IntArray


def improve(arena: Arena, demand: Array, means: Means, served: Served) -> Served:
    """``served`` with every cell that fell short replaced by the most that can be served."""
    short = (served.unmet > UNMET * np.maximum(demand, 1.0)).any(axis=1)
    for s, t, b in np.argwhere(short):
        cell = _cell(arena, demand, means, (int(s), int(t), int(b)))
        amounts, bought = _most(arena, cell, served.unmet[s, :, t, b])
        _replace(arena, cell, means, served, (int(s), int(t), int(b)), amounts, bought)
    return served


def _own(array: NDArray[np.generic], s: int) -> int:
    return s if len(array) > 1 else 0


def _cell(arena: Arena, demand: Array, means: Means, at: tuple[int, int, int]) -> Cell:
    s, t, b = at
    tried = np.unique(arena.preference[t][arena.preference[t] >= 0])
    zone = arena.ways.lost_zone[tried]
    opened = (zone < 0) | means.lost[_own(means.lost, s), t, np.maximum(zone, 0)]
    return Cell(
        period=t,
        asked=demand[s, :, t, b],
        servers=means.servers[_own(means.servers, s), t],
        budget=means.budget[_own(means.budget, s), t],
        ways=tried[opened],
    )


def _most(arena: Arena, cell: Cell, unmet: Array) -> tuple[Array, Array]:
    """Units served on every open way and servers bought on it, (W,) each."""
    classes = arena.problem.groups.group_class
    ways, count = arena.ways, len(cell.ways)
    group = ways.group[cell.ways]
    lp = _program(arena, cell)
    floor: list[tuple[IntArray, float]] = []
    short = False
    for c in range(len(arena.problem.groups.classes)):
        mine, own = np.flatnonzero(classes[group] == c), classes == c
        short = short or unmet[own].sum() > UNMET * max(1.0, float(cell.asked[own].sum()))
        if not short:
            floor.append((mine, float(cell.asked[own].sum())))
            continue
        cost = np.zeros(2 * count)
        cost[mine] = -1.0
        floor.append((mine, -_solved(lp, cost, floor)[1]))
    price = np.concatenate([(ways.substitution + ways.spill)[cell.ways], _price_per_server(arena, cell)])
    x, _ = _solved(lp, price, floor)
    return x[:count], x[count:]


def _price_per_server(arena: Arena, cell: Cell) -> Array:
    options, ways = arena.problem.options, arena.ways
    option = ways.option[cell.ways]
    paid = np.array([kind != "commitment" for kind in options.kind] + [False])[option]
    price = np.append(options.price.reshape(len(options.names), len(arena.problem.periods))[:, cell.period], 0.0)[
        option
    ]
    return np.where(paid, price * ways.weight[cell.ways], 0.0)


def _program(arena: Arena, cell: Cell) -> LinearProgram:
    """Columns: units on every way, then servers bought on every way; rows: groups, stacks x resources, options."""
    ways, chosen = arena.ways, cell.ways
    count, groups = len(chosen), len(cell.asked)
    stacks, resources = arena.capacity.shape
    column = np.arange(count)
    bought = ways.option[chosen] >= 0
    serving = sparse.coo_array((np.ones(count), (ways.group[chosen], column)), shape=(groups, 2 * count))
    at = ways.stack[chosen][:, None] * resources + np.arange(resources)
    across = np.repeat(column, resources)
    used = sparse.coo_array((ways.load[chosen].ravel(), (at.ravel(), across)), shape=(stacks * resources, 2 * count))
    gained = arena.capacity[ways.stack[chosen]] * bought[:, None]
    added = sparse.coo_array((-gained.ravel(), (at.ravel(), across + count)), shape=used.shape)
    options = len(cell.budget)
    spent = sparse.coo_array(
        (ways.weight[chosen][bought], (ways.option[chosen][bought], column[bought] + count)), shape=(options, 2 * count)
    )
    upper = np.concatenate([cell.asked, (cell.servers[:, None] * arena.capacity).ravel(), cell.budget])
    return LinearProgram(
        cost=np.zeros(2 * count),
        matrix=sparse.csr_array(sparse.vstack([serving, used + added, spent])),
        row_lower=np.full(len(upper), -np.inf),
        row_upper=upper,
        column_lower=np.zeros(2 * count),
        column_upper=np.concatenate([np.full(count, np.inf), np.where(bought, np.inf, 0.0)]),
        integer=np.zeros(2 * count, dtype=bool),
    )


def _solved(lp: LinearProgram, cost: Array, floor: list[tuple[IntArray, float]]) -> tuple[Array, float]:
    rows = sparse.lil_array((len(floor), lp.columns))
    for i, (mine, _) in enumerate(floor):
        rows[i, mine] = 1.0
    level = np.array([level for _, level in floor])
    program = LinearProgram(
        cost=cost,
        matrix=sparse.csr_array(sparse.vstack([lp.matrix, rows])) if floor else lp.matrix,
        row_lower=np.concatenate([lp.row_lower, level - 1e-7 * np.maximum(1.0, level)]),
        row_upper=np.concatenate([lp.row_upper, np.full(len(level), np.inf)]),
        column_lower=lp.column_lower,
        column_upper=lp.column_upper,
        integer=lp.integer,
    )
    solution = solve(program, threads=1)
    if solution.x is None:
        raise SolverError(f"the exact dispatch found no answer ({solution.reason}); dispatch='greedy' needs no solver")
    return solution.x, solution.objective


def _replace(
    arena: Arena, cell: Cell, means: Means, served: Served, at: tuple[int, int, int], amounts: Array, servers: Array
) -> None:
    """Take the rules' doing in this cell out of the totals and put the better one in."""
    (s, t, b), ways = at, arena.ways
    share = float(arena.problem.block_share[b])
    before = empty(arena, 1)
    before.unmet[0, :, t, b] = cell.asked
    alone = Means(
        servers=means.servers[[_own(means.servers, s)]],
        budget=means.budget[[_own(means.budget, s)]],
        lost=means.lost[[_own(means.lost, s)]],
    )
    serve_block(arena, alone, before, t, b, share)
    after = np.zeros(len(cell.asked))
    np.add.at(after, ways.group[cell.ways], amounts)
    served.unmet[s, :, t, b] = np.maximum(cell.asked - after, 0.0)
    own, taken = cell.servers[:, None] * arena.capacity, np.zeros_like(arena.capacity)
    np.add.at(taken, ways.stack[cell.ways], amounts[:, None] * ways.load[cell.ways])
    used = np.minimum(taken, own)
    exhausted = np.any(taken >= own * (1.0 - EXHAUSTED) - 1e-7, axis=1, keepdims=True)
    units = np.zeros(means.budget.shape[2])
    option = ways.option[cell.ways]
    np.add.at(units, option[option >= 0], (servers * ways.weight[cell.ways])[option >= 0])
    served.used[s, t] += share * used.sum(axis=0) - before.used[0, t]
    served.stranded[s, t] += share * np.where(exhausted, own - used, 0.0).sum(axis=0) - before.stranded[0, t]
    served.bought[s, t] += share * units - before.bought[0, t]
    served.substitution[s, t] += share * float(amounts @ ways.substitution[cell.ways]) - before.substitution[0, t]
    served.spill[s, t] += share * float(amounts @ ways.spill[cell.ways]) - before.spill[0, t]
