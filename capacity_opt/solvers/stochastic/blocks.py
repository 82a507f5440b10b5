"""A bound from the parts of a first stage that only a few rows hold together (zones or regions under one budget).

A search over all parts at once multiplies the trees of the parts. Priced instead of kept, the rows that link parts let
each be searched alone, and the sum of their bounds less what the rows allow bounds the whole (a Lagrangian). It is much
stronger than the linear relaxation, for whole numbers are kept within every part. Prices begin as the relaxation's and
move to where the parts together leave the rows, from the best so far, by Polyak's step, halved where it fails. One
answer of each part, chosen so that the rows are kept, is tried as a plan.

Sources: Geoffrion (1974), Lagrangean relaxation for integer programming, *Mathematical Programming Study* 2:82-114;
Polyak (1969), Minimization of unsmooth functionals, *USSR Computational Mathematics* 9:14-29.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from capacity_opt.solvers.linear_program import LinearProgram
from capacity_opt.solvers.solve import solve
from capacity_opt.solvers.stochastic.program import TwoStageProgram
from capacity_opt.solvers.stochastic.whole_search import search_whole

if TYPE_CHECKING:
    from capacity_opt.solvers.stochastic.benders import Search

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

PART_GAP = 3e-4
FIRST_STEP = 0.3
PATIENCE, LITTLE = 5, 1e-5
"""So many answers in a row that gain less than this share end the work."""


@dataclass(frozen=True)
class Blocks:
    """``block`` (first-stage columns,) and ``of_group`` (groups,) the part of each, -1 of columns in none; ``linking``
    rows of the first stage that hold parts together."""

    block: IntArray
    of_group: IntArray
    linking: IntArray

    @property
    def count(self) -> int:
        """How many parts there are, without the columns in none."""
        return int(self.block.max(initial=-1)) + 1


def blocks_of(program: TwoStageProgram) -> Blocks | None:
    """The parts of a first stage: columns that one recourse sees together, and what the rows of one part add to them;
    ``None`` where there are fewer than two."""
    first, groups = program.first, program.groups
    label = np.full(first.columns, -1, dtype=np.int64)
    seen = [np.unique(group.technology.indices[group.technology.data != 0]) for _, group in groups]
    for number, columns in enumerate(seen):
        old = np.unique(label[columns])
        label[columns] = len(groups) + number
        label[np.isin(label, old[old >= 0])] = len(groups) + number
    supports = [first.matrix.indices[a:b] for a, b in zip(first.matrix.indptr[:-1], first.matrix.indptr[1:])]
    for row in np.flatnonzero(first.row_lower == first.row_upper):
        _unite(label, supports[row])
    linking = _spread(label, supports)
    kept = np.unique(label[label >= 0])
    if len(kept) < 2 or not len(linking):
        return None
    place = {int(name): i for i, name in enumerate(kept)}
    block = np.array([place.get(int(name), -1) for name in label], dtype=np.int64)
    of_group = np.array([block[columns[0]] if len(columns) else -1 for columns in seen], dtype=np.int64)
    return Blocks(block, of_group, linking)


def _unite(label: IntArray, columns: NDArray[np.int32]) -> None:
    """An equation makes one part of what it holds."""
    old = np.unique(label[columns])
    old = old[old >= 0]
    if len(old):
        label[np.isin(label, old)] = old[0]
        label[columns] = old[0]


def _spread(label: IntArray, supports: list[NDArray[np.int32]]) -> IntArray:
    """Rows that touch one part only bring their other columns into it, again and again; the rows that touch several."""
    while True:
        before = label.copy()
        for columns in supports:
            parts = np.unique(label[columns])
            parts = parts[parts >= 0]
            if len(parts) == 1:
                label[columns] = parts[0]
        if np.array_equal(before, label):
            break
    several = [row for row, columns in enumerate(supports) if len(np.unique(label[columns])) > 1]
    return np.array(several, dtype=np.int64)


@dataclass
class BlockBound:
    """The best bound so far at ``prices`` (linking rows,), and the parts' answers: ``costs``, ``uses`` of the linking
    rows and ``points`` by part."""

    blocks: Blocks
    prices: Array
    bound: float = -np.inf
    costs: list[float] = field(default_factory=list)
    uses: list[Array] = field(default_factory=list)
    of: list[int] = field(default_factory=list)
    points: list[Array] = field(default_factory=list)


def bound_by_blocks(
    search: Search,
    prices: Array,
    *,
    until: float,
    tell: Callable[[float], bool],
    upper: Callable[[], float],
    gap: float,
) -> list[Array]:
    """Improve the bound until ``until`` (``time.perf_counter()``), or nothing more is gained, or ``tell``, which is
    given each bound, says that it is enough. ``prices`` (first-stage rows,): those of the relaxation; ``upper``: the
    best plan's cost. Returns first stages that keep the linking rows, to be tried. Nothing where the first stage has
    no parts."""
    blocks = blocks_of(search.program)
    if blocks is None or search.oracle.coupled:
        return []
    first = search.program.first
    state, asked = BlockBound(blocks, prices[blocks.linking]), prices[blocks.linking]
    far, step, idle = np.zeros(len(asked)), FIRST_STEP, 0
    while time.perf_counter() < until and idle < PATIENCE:
        asked = _possible(first, blocks.linking, asked)
        bound, x = _answers(search, state, asked, until, gap)
        gained = bound - state.bound
        idle = 0 if gained > LITTLE * abs(bound) else idle + 1
        if gained > 0:
            state.bound, state.prices = bound, asked
        if tell(bound) or x is None:
            break
        if gained > 0:
            far = _beyond(first, blocks.linking, asked, x)
        step = step if gained > 0 else 0.5 * step
        _remember(search, state, x)
        missing = max(upper() - state.bound, gap * abs(bound))
        asked = state.prices + step * missing * far / max(float(far @ far), 1e-12)
    return _chosen(first, state)


def _beyond(first: LinearProgram, linking: IntArray, prices: Array, x: Array) -> Array:
    """By how much the linking rows are left at a first stage: where prices should rise, and fall."""
    used = first.matrix[linking] @ x
    up, down = first.row_upper[linking], first.row_lower[linking]
    above = np.where(np.isfinite(up), used - np.where(np.isfinite(up), up, 0.0), -np.inf)
    below = np.where(np.isfinite(down), used - np.where(np.isfinite(down), down, 0.0), np.inf)
    upward = (prices > 0) | ((prices == 0) & (above > 0))
    downward = (prices < 0) | ((prices == 0) & (below < 0))
    return np.where(upward, above, np.where(downward, below, 0.0))


def _possible(first: LinearProgram, linking: IntArray, prices: Array) -> Array:
    """No price on a side that has no bound."""
    up = np.where(np.isfinite(first.row_upper[linking]), np.maximum(prices, 0.0), 0.0)
    down = np.where(np.isfinite(first.row_lower[linking]), np.minimum(prices, 0.0), 0.0)
    return up + down


def _answers(search: Search, state: BlockBound, prices: Array, until: float, gap: float) -> tuple[float, Array | None]:
    """The bound at ``prices``, and the parts' answers as one first stage (``None`` where a part has none in time)."""
    first, master, blocks = search.program.first, search.master, state.blocks
    lp = master.program()
    link = first.matrix[blocks.linking]
    priced = lp.cost.copy()
    priced[: first.columns] += link.T @ prices
    owner = np.concatenate([blocks.block, blocks.of_group])
    side = np.where(prices > 0, first.row_upper[blocks.linking], first.row_lower[blocks.linking])
    total = first.offset - float(prices[prices != 0] @ side[prices != 0])
    x, complete = np.zeros(first.columns), True
    for number in range(-1, blocks.count):
        found = search_whole(
            _part(lp, priced, owner == number, blocks.linking), master.recast, gap=min(PART_GAP, gap / 3),
            time_limit=max(0.05, until - time.perf_counter()), seed=0,
        )  # fmt: skip
        if not np.isfinite(found.bound) or found.reason not in ("optimal", "limit"):
            return -np.inf, None
        total += found.bound
        if found.values is None:
            complete = False
            continue
        mine = blocks.block == number
        x[mine] = found.values[: first.columns][mine]
    return total, np.where(first.integer, np.rint(x), x) if complete else None


def _part(lp: LinearProgram, cost: Array, mine: NDArray[np.bool_], linking: IntArray) -> LinearProgram:
    """The program of some columns: the rows that hold only those."""
    others = np.asarray(abs(lp.matrix) @ (~mine).astype(np.float64)).ravel()
    rows = others == 0
    rows[linking] = False
    kept = np.flatnonzero(rows)
    return replace(
        lp,
        cost=np.where(mine, cost, 0.0),
        matrix=sparse.csr_array(lp.matrix[kept]),
        row_lower=lp.row_lower[kept],
        row_upper=lp.row_upper[kept],
        column_lower=np.where(mine, lp.column_lower, 0.0),
        column_upper=np.where(mine, lp.column_upper, 0.0),
        offset=0.0,
    )


def _remember(search: Search, state: BlockBound, x: Array) -> None:
    """Evaluate the parts' answers together: cuts for the master, and a true cost for each part."""
    first, blocks = search.program.first, state.blocks
    evaluation = search.oracle.evaluate(x)
    search.master.add_cuts(search.oracle.cuts(evaluation))
    if not evaluation.feasible:
        return
    spent = search.oracle.weights * evaluation.cost
    for number in range(blocks.count):
        own = np.where(blocks.block == number, x, 0.0)
        state.of.append(number)
        state.points.append(own)
        state.costs.append(float(first.cost @ own + spent[blocks.of_group == number].sum()))
        state.uses.append(first.matrix[blocks.linking] @ own)


def _chosen(first: LinearProgram, state: BlockBound) -> list[Array]:
    """One answer of each part, so that the linking rows are kept at least cost; the rest at 0."""
    if not state.costs:
        return []
    linking, count = state.blocks.linking, len(state.costs)
    one = sparse.csr_array((np.ones(count), (state.of, np.arange(count))), shape=(state.blocks.count, count))
    lp = LinearProgram(
        cost=np.array(state.costs),
        matrix=sparse.csr_array(sparse.vstack([sparse.csr_array(np.array(state.uses).T), one], format="csr")),
        row_lower=np.concatenate([first.row_lower[linking], np.ones(state.blocks.count)]),
        row_upper=np.concatenate([first.row_upper[linking], np.ones(state.blocks.count)]),
        column_lower=np.zeros(count),
        column_upper=np.ones(count),
        integer=np.ones(count, dtype=bool),
    )
    found = solve(lp, time_limit=5.0)
    if found.x is None:
        return []
    taken = np.flatnonzero(found.x > 0.5)
    return [np.sum([state.points[i] for i in taken], axis=0)]
