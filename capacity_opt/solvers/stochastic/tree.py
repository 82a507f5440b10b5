"""A stochastic program of any number of stages as one linear program over the nodes of its scenario tree."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from capacity_opt.errors import SolverError
from capacity_opt.solvers.linear_program import LinearProgram
from capacity_opt.solvers.stochastic.distributions import COST, LOWER, MATRIX, RHS, UPPER, Block, Element
from capacity_opt.solvers.stochastic.smps import StochasticProgram

Array = NDArray[np.float64]
MOST_COLUMNS = 5_000_000


@dataclass(frozen=True, kw_only=True)
class Node:
    """One state of the world: ``path`` are the nodes from the root to here, ``changes`` what the core becomes in it."""

    stage: int
    path: tuple[int, ...]
    probability: float
    changes: dict[Element, float]


def tree_nodes(program: StochasticProgram) -> list[Node]:
    """All nodes, parents before children. Probabilities are taken as the file gives them, rounded as they may be."""
    return list(_scenario_nodes(program)) if program.scenarios else list(_block_nodes(program))


def _block_nodes(program: StochasticProgram) -> Iterator[Node]:
    level = [Node(stage=0, path=(0,), probability=1.0, changes={})]
    yield level[0]
    count = 1
    for stage in range(1, len(program.stages)):
        outcomes = list(_joint(tuple(block for block in program.blocks if _stage(block, program) == stage)))
        children = []
        for parent in level:
            for probability, changes in outcomes:
                share = parent.probability * probability
                children.append(Node(stage=stage, path=(*parent.path, count), probability=share, changes=changes))
                count += 1
        yield from children
        level = children


def _stage(block: Block, program: StochasticProgram) -> int:
    """The stage whose rows and columns the block touches: files get their own period labels wrong."""
    return max(element_stage(element, program) for element in block.elements)


def element_stage(element: Element, program: StochasticProgram) -> int:
    """The stage in which an element becomes known."""
    column = int(program.column_stage[element.column]) if element.kind != RHS else 0
    row = int(program.row_stage[element.row]) if element.kind != COST else 0
    return max(row, column, 1)


def _joint(blocks: tuple[Block, ...]) -> Iterator[tuple[float, dict[Element, float]]]:
    for choice in itertools.product(*(range(len(block.probability)) for block in blocks)):
        probability = 1.0
        changes: dict[Element, float] = {}
        for block, i in zip(blocks, choice):
            probability *= float(block.probability[i])
            changes.update(zip(block.elements, block.outcomes[i].tolist()))
        yield probability, changes


def _scenario_nodes(program: StochasticProgram) -> Iterator[Node]:
    nodes: list[Node] = [Node(stage=0, path=(0,), probability=1.0, changes={})]
    paths: list[tuple[int, ...]] = []
    weight: dict[int, float] = {}
    for scenario in program.scenarios:
        branch = max(scenario.branch, 1) if scenario.parent < 0 else scenario.branch
        path = paths[scenario.parent][:branch] if scenario.parent >= 0 else (0,)
        changes = program.changes_of(scenario)
        for stage in range(len(path), len(program.stages)):
            mine = {e: v for e, v in changes.items() if element_stage(e, program) == stage}
            path = (*path, len(nodes))
            nodes.append(Node(stage=stage, path=path, probability=0.0, changes=mine))
        paths.append(path)
        for passed in path:
            weight[passed] = weight.get(passed, 0.0) + scenario.probability
    for i, node in enumerate(nodes):
        yield Node(stage=node.stage, path=node.path, probability=weight[i], changes=node.changes)


def extensive_form_of_tree(program: StochasticProgram) -> LinearProgram:
    """The program over all nodes. Columns: node by node, each with the columns of its stage; the root comes first.

    Raises :class:`~capacity_opt.errors.SolverError` where it would pass five million columns.
    """
    per_stage = np.bincount(program.column_stage, minlength=len(program.stages))
    _refuse_too_large(program, per_stage)
    nodes = tree_nodes(program)
    offsets = np.concatenate([[0], np.cumsum([per_stage[node.stage] for node in nodes])])
    parts = [_node_part(program, node, offsets) for node in nodes]
    matrix = sparse.csr_array(sparse.vstack([part[0] for part in parts], format="csr"))
    columns = [np.concatenate([part[1][i] for part in parts]) for i in range(6)]
    return LinearProgram(
        cost=columns[0],
        matrix=matrix,
        row_lower=columns[1],
        row_upper=columns[2],
        column_lower=columns[3],
        column_upper=columns[4],
        integer=columns[5].astype(bool),
        offset=program.core.lp.offset,
    )


def _refuse_too_large(program: StochasticProgram, per_stage: NDArray[np.int64]) -> None:
    size = program.outcomes * float(per_stage[-1])
    if size > MOST_COLUMNS:
        raise SolverError(
            f"the extensive form of {program.name} would have about {size:.3g} columns (limit {MOST_COLUMNS:,}): "
            "solve a sample of it instead (samples=N)"
        )


def _node_part(
    program: StochasticProgram, node: Node, offsets: NDArray[np.int64]
) -> tuple[sparse.csr_array, tuple[Array, ...]]:
    """A node's rows over all columns, and its cost, row bounds, column bounds and integrality."""
    lp = program.core.lp
    rows = np.flatnonzero(program.row_stage == node.stage)
    columns = np.flatnonzero(program.column_stage == node.stage)
    block = lp.matrix[rows].tocoo()
    row, column, value = block.coords[0], block.coords[1], block.data
    local = {int(r): i for i, r in enumerate(rows)}
    changed = {(local[e.row], e.column): v for e, v in node.changes.items() if e.kind == MATRIX}
    if changed:
        keep = np.array([(int(r), int(c)) not in changed for r, c in zip(row, column)], dtype=bool)
        row = np.concatenate([row[keep], [r for r, _ in changed]]).astype(np.int64)
        column = np.concatenate([column[keep], [c for _, c in changed]]).astype(np.int64)
        value = np.concatenate([value[keep], list(changed.values())])
    place = _places(program, node, offsets)
    matrix = sparse.csr_array((value, (row, place[column])), shape=(len(rows), int(offsets[-1])))
    lower, upper = _node_rows(program, node, rows)
    cost = lp.cost.copy()
    for element, changed_value in node.changes.items():
        if element.kind == COST:
            cost[element.column] = changed_value
    bounds = _node_bounds(program, node, columns)
    return matrix, (node.probability * cost[columns], lower, upper, *bounds, lp.integer[columns].astype(np.float64))


def _node_bounds(program: StochasticProgram, node: Node, columns: NDArray[np.intp]) -> tuple[Array, Array]:
    lower, upper = program.core.lp.column_lower.copy(), program.core.lp.column_upper.copy()
    for element, value in node.changes.items():
        if element.kind in (LOWER, UPPER):
            (lower if element.kind == LOWER else upper)[element.column] = value
    return lower[columns], upper[columns]


def _places(program: StochasticProgram, node: Node, offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each core column stands for this node: in the part of its ancestor of the column's stage."""
    rank = np.zeros(len(program.column_stage), dtype=np.int64)
    for stage in range(len(program.stages)):
        mine = program.column_stage == stage
        rank[mine] = np.arange(mine.sum())
    ancestor = np.array([*node.path, *[node.path[-1]] * (len(program.stages) - len(node.path))])
    places: NDArray[np.int64] = offsets[ancestor[program.column_stage]] + rank
    return places


def _node_rows(program: StochasticProgram, node: Node, rows: NDArray[np.int64]) -> tuple[Array, Array]:
    lower, upper = program.core.lp.row_lower.copy(), program.core.lp.row_upper.copy()
    for element, value in node.changes.items():
        if element.kind == RHS:
            move = value - program.core_value(element)
            lower[element.row] += move
            upper[element.row] += move
    return lower[rows], upper[rows]
