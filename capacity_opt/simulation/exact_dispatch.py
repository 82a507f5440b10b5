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
from capacity_opt.solvers.highs_session import HighsSession
from capacity_opt.solvers.linear_program import LinearProgram

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

SLACK = 1e-7
"""What a more critical class may give up, relative, so that the next program is not infeasible by rounding."""


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
    programs: dict[tuple[int, bytes], _Program] = {}
    for s, t, b in np.argwhere(short):
        cell = _cell(arena, demand, means, (int(s), int(t), int(b)))
        key = (cell.period, cell.ways.tobytes())
        if key not in programs:
            programs[key] = _Program(arena, cell)
        amounts, bought = programs[key].most(cell, served.unmet[s, :, t, b])
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


class _Program:
    """The linear program of one period and one set of open ways, kept warm from cell to cell.

    Rows: groups, stacks x resources, options, then one floor per class on its units served.
    """

    def __init__(self, arena: Arena, cell: Cell) -> None:
        self.arena = arena
        self.session = HighsSession(_program(arena, cell), threads=1, watched=False)
        self.classes = arena.problem.groups.group_class
        self.served = self.classes[arena.ways.group[cell.ways]]
        self.price = np.concatenate(
            [(arena.ways.substitution + arena.ways.spill)[cell.ways], _price_per_server(arena, cell)]
        )
        self.columns = np.arange(len(self.price))
        self.rows = np.arange(self.session.lp.rows)

    def most(self, cell: Cell, unmet: Array) -> tuple[Array, Array]:
        """Units served on every open way and servers bought on it, (W,) each."""
        count = len(cell.ways)
        floors = np.full(len(self.arena.problem.groups.classes), -np.inf)
        upper = np.concatenate([_limits(self.arena, cell), np.full(len(floors), np.inf)])
        short = False
        for c in range(len(floors)):
            own = self.classes == c
            asked = float(cell.asked[own].sum())
            short = short or float(unmet[own].sum()) > UNMET * max(1.0, asked)
            if short:
                cost = np.where(np.append(self.served == c, np.zeros(count, dtype=bool)), -1.0, 0.0)
                asked = -self._solved(cost, floors, upper)[1]
            floors[c] = asked - SLACK * max(1.0, asked)
        x, _ = self._solved(self.price, floors, upper)
        return x[:count], x[count:]

    def _solved(self, cost: Array, floors: Array, upper: Array) -> tuple[Array, float]:
        lower = np.concatenate([np.full(len(upper) - len(floors), -np.inf), floors])
        self.session.set_row_bounds(self.rows, lower, upper)
        self.session.set_costs(self.columns, cost)
        solution = self.session.solve()
        if solution.x is None:
            why = f"the exact dispatch found no answer ({solution.reason})"
            raise SolverError(f"{why}; dispatch='greedy' needs no solver")
        return solution.x, solution.objective


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
    classes = arena.problem.groups.group_class[ways.group[chosen]]
    floor = sparse.coo_array((np.ones(count), (classes, column)), shape=(len(arena.problem.groups.classes), 2 * count))
    matrix = sparse.csr_array(sparse.vstack([serving, used + added, spent, floor]))
    return LinearProgram(
        cost=np.ones(2 * count),
        matrix=matrix,
        row_lower=np.full(matrix.shape[0], -np.inf),
        row_upper=np.concatenate([_limits(arena, cell), np.full(floor.shape[0], np.inf)]),
        column_lower=np.zeros(2 * count),
        column_upper=np.concatenate([np.full(count, np.inf), np.where(bought, np.inf, 0.0)]),
        integer=np.zeros(2 * count, dtype=bool),
    )


def _limits(arena: Arena, cell: Cell) -> Array:
    return np.concatenate([cell.asked, (cell.servers[:, None] * arena.capacity).ravel(), cell.budget])


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
    served.unmet[s, :, t, b] = _really_unmet(arena, cell.asked, after)
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


def _really_unmet(arena: Arena, asked: Array, given: Array) -> Array:
    """Units unmet per group; what a class may have given up as ``SLACK`` is none, or it would count as a shortage."""
    classes = arena.problem.groups.group_class
    of_class = np.bincount(classes, weights=asked)[classes]
    unmet = asked - given
    return np.where(unmet > 2 * SLACK * np.maximum(of_class, 1.0), unmet, 0.0)
