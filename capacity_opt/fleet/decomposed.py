"""A fleet model as a two-stage program with shared recourse: the shape that decomposition solves fast.

Read off the finished model, block by block: nothing about fleets is assumed but that sample s's members of a block
stand at position s of its last axis. Where samples differ in more than right-hand sides the answer is the reason why.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from capacity_opt.fleet.arrays import FIRST_STAGE, Block
from capacity_opt.fleet.formulation import FleetModel
from capacity_opt.solvers.linear_program import LinearProgram
from capacity_opt.solvers.stochastic.program import Coupling, RecourseFamily, SampleGroup, TwoStageProgram

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

LARGEST_RECOURSE = 600
"""Rows of one recourse problem above which sharing bases between samples no longer pays."""


@dataclass(frozen=True)
class _Shape:
    """Where things are: first-stage columns and rows; recourse columns (n, S) and rows (m, S); tying rows."""

    first: IntArray
    first_rows: IntArray
    columns: IntArray
    rows: IntArray
    tied: IntArray


class NotAlike(Exception):
    """Samples differ in more than right-hand sides; the message says in what."""


def decomposed(model: FleetModel) -> TwoStageProgram | str:
    """The model as a :class:`TwoStageProgram`, whose first-stage columns are ``first_columns(model)``; or why not."""
    try:
        shape = _shape(model)
        matrix, technology = _recourse(model, shape)
        families = _families(model, shape, matrix, technology)
    except NotAlike as reason:
        return str(reason)
    return TwoStageProgram(first=_first(model.lp, shape), families=families, coupling=_coupling(model.lp, shape))


def first_columns(model: FleetModel) -> IntArray:
    """Numbers of the columns decided before any sample is known."""
    return np.flatnonzero(model.column_sample == FIRST_STAGE)


def _shape(model: FleetModel) -> _Shape:
    count = model.frame.outcomes.count
    if model.frame.worlds > 1:
        raise NotAlike("orders or deliveries differ between samples")
    if np.any(model.lp.integer[model.column_sample != FIRST_STAGE]):
        raise NotAlike("recourse has whole numbers")
    columns = _by_sample((b for b in model.column_blocks.values() if _sampled(model, b)), count)
    row, column = model.lp.matrix.nonzero()
    own = model.column_sample[column]
    low, high = np.full(model.lp.rows, count), np.full(model.lp.rows, -1)
    later = own != FIRST_STAGE
    np.minimum.at(low, row[later], own[later])
    np.maximum.at(high, row[later], own[later])
    own_rows = [b for b in model.row_blocks.values() if b.labels[-1] == model.frame.sample_labels]
    is_own = (high >= 0) & (high == low)
    rows = _by_sample((b for b in own_rows if np.any(is_own[b.index[b.index >= 0]])), count)
    tied = np.setdiff1d(np.flatnonzero(high >= 0), rows)
    return _Shape(first_columns(model), np.flatnonzero(high < 0), columns, rows, tied)


def _sampled(model: FleetModel, block: Block) -> bool:
    members = block.index[block.index >= 0]
    return bool(len(members) and model.column_sample[members[0]] != FIRST_STAGE)


def _by_sample(blocks: Iterable[Block], count: int) -> IntArray:
    """Members of blocks by position and sample, (n, S)."""
    parts = []
    for block in blocks:
        index = block.index.reshape(-1, count)
        there = (index >= 0).any(axis=1)
        if np.any(index[there] < 0):
            raise NotAlike(f"{block.name} is not there in every sample")
        parts.append(index[there])
    return np.concatenate(parts) if parts else np.zeros((0, count), dtype=np.int64)


def _recourse(model: FleetModel, shape: _Shape) -> tuple[sparse.csr_array, sparse.csr_array]:
    """Recourse and technology matrix of the first sample, once they are known to be those of all."""
    lp, count = model.lp, shape.columns.shape[1]
    rows, columns = shape.rows.T.ravel(), shape.columns.T.ravel()
    whole = sparse.csr_array(lp.matrix[rows])
    height = shape.rows.shape[0]
    matrix = sparse.csr_array(whole[:height][:, shape.columns[:, 0]])
    technology = sparse.csr_array(whole[:height][:, shape.first])
    if _differ(sparse.csr_array(whole[:, columns]), sparse.kron(sparse.eye_array(count), matrix, format="csr")):
        raise NotAlike("recourse matrices differ between samples")
    if _differ(sparse.csr_array(whole[:, shape.first]), sparse.kron(np.ones((count, 1)), technology, format="csr")):
        raise NotAlike("what a server gives differs between samples (zones that are lost in some)")
    for name in ("column_lower", "column_upper"):
        bound = getattr(lp, name)[shape.columns]
        if np.any(bound != bound[:, :1]):
            raise NotAlike("what can be bought differs between samples (spot that is there in some)")
    return matrix, technology


def _differ(left: sparse.csr_array, right: sparse.csr_array) -> bool:
    gap = abs(left - right)
    return bool(gap.nnz and gap.data.max() > 1e-12)


def _first(lp: LinearProgram, shape: _Shape) -> LinearProgram:
    return LinearProgram(
        cost=lp.cost[shape.first],
        matrix=sparse.csr_array(lp.matrix[shape.first_rows][:, shape.first]),
        row_lower=lp.row_lower[shape.first_rows],
        row_upper=lp.row_upper[shape.first_rows],
        column_lower=lp.column_lower[shape.first],
        column_upper=lp.column_upper[shape.first],
        integer=lp.integer[shape.first],
        offset=lp.offset,
    )


def _coupling(lp: LinearProgram, shape: _Shape) -> Coupling | None:
    if len(shape.tied) == 0:
        return None
    matrix = sparse.csr_array(lp.matrix[shape.tied][:, shape.first])
    return Coupling(matrix=matrix, lower=lp.row_lower[shape.tied], upper=lp.row_upper[shape.tied])


def _families(
    model: FleetModel, shape: _Shape, matrix: sparse.csr_array, technology: sparse.csr_array
) -> tuple[RecourseFamily, ...]:
    """Independent pieces of the recourse problem; pieces that look alike share a family."""
    height, width = matrix.shape
    row, column = matrix.nonzero()
    size = height + width
    graph = sparse.csr_array((np.ones(len(row)), (row, height + column)), shape=(size, size))
    _, piece = connected_components(graph, directed=False)
    cost, counted = _per_sample(model, shape)
    found: dict[tuple[bytes, ...], tuple[RecourseFamily, list[tuple[IntArray, SampleGroup]]]] = {}
    for own in np.unique(piece):
        rows = np.flatnonzero(piece[:height] == own)
        columns = np.flatnonzero(piece[height : height + width] == own)
        if len(rows) > LARGEST_RECOURSE:
            raise NotAlike(f"one recourse problem has {len(rows)} rows, above {LARGEST_RECOURSE}")
        family, group, key = _piece(model, shape, rows, columns, matrix, technology, cost, counted)
        found.setdefault(key, (family, []))[1].append((rows, group))
    return tuple(_joined(family, [group for _, group in members]) for family, members in found.values())


def _per_sample(model: FleetModel, shape: _Shape) -> tuple[Array, Array]:
    """Cost (n,) and coefficients in the tying rows (tied, n) of every recourse column, the probability taken out."""
    lp, p = model.lp, model.frame.outcomes.probability
    cost = lp.cost[shape.columns] / p
    if np.any(np.abs(cost - cost[:, :1]) > 1e-9 * (1.0 + np.abs(cost[:, :1]))):
        raise NotAlike("costs differ between samples")
    tied = sparse.csc_array(lp.matrix[shape.tied])
    counted = np.zeros((len(shape.tied), len(cost)))
    for s in range(len(p)) if len(shape.tied) else ():
        own = tied[:, shape.columns[:, s]].toarray() / p[s]
        if s and np.any(np.abs(own - counted) > 1e-9 * (1.0 + np.abs(counted))):
            raise NotAlike("a promise counts samples differently")
        counted = own
    return cost[:, 0], counted


def _piece(
    model: FleetModel,
    shape: _Shape,
    rows: IntArray,
    columns: IntArray,
    matrix: sparse.csr_array,
    technology: sparse.csr_array,
    cost: Array,
    counted: Array,
) -> tuple[RecourseFamily, SampleGroup, tuple[bytes, ...]]:
    """One piece as a family of one group, and the key under which equal families meet."""
    lp = model.lp
    lower, upper = lp.row_lower[shape.rows[rows]], lp.row_upper[shape.rows[rows]]
    finite = np.isfinite(upper[:, 0])
    if np.any(np.isfinite(upper) != finite[:, None]):
        raise NotAlike("rows bind in some samples only")
    width = np.where(np.isfinite(lower[:, 0]) & finite, upper[:, 0] - lower[:, 0], np.inf)
    right = np.where(finite[:, None], upper, lower)
    own = counted[:, columns] if np.any(counted[:, columns]) else None
    weight = float(np.abs(cost[columns]).max(initial=0.0)) or (0.0 if own is None else 1.0)
    dense = matrix[rows][:, columns].toarray()
    family = RecourseFamily(
        matrix=dense,
        cost=cost[columns] / weight if weight > 0 else np.zeros(len(columns)),
        lower=lp.column_lower[shape.columns[columns, 0]],
        upper=lp.column_upper[shape.columns[columns, 0]],
        slack_lower=np.where(finite, 0.0, -np.inf),
        slack_upper=np.where(finite, width, 0.0),
        random_rows=np.arange(len(rows)),
        groups=(),
    )
    group = SampleGroup(
        technology=sparse.csr_array(technology[rows]),
        base=right[:, 0],
        values=(right - right[:, :1]).T,
        probability=model.frame.outcomes.probability,
        weight=weight,
        counted=own,
    )
    rounded = np.round(family.cost, 10) + 0.0
    key = (
        dense.tobytes(),
        rounded.tobytes(),
        family.lower.tobytes(),
        family.upper.tobytes(),
        family.slack_upper.tobytes(),
    )
    return family, group, key


def _joined(family: RecourseFamily, groups: list[SampleGroup]) -> RecourseFamily:
    """The family with all its groups, keeping as random only the rows in which some sample differs."""
    random = np.flatnonzero(np.any([np.any(group.values != 0, axis=0) for group in groups], axis=0))
    kept = tuple(
        SampleGroup(
            technology=group.technology,
            base=group.base,
            values=np.ascontiguousarray(group.values[:, random]),
            probability=group.probability,
            weight=group.weight,
            counted=group.counted,
        )
        for group in groups
    )
    return RecourseFamily(
        matrix=family.matrix,
        cost=family.cost,
        lower=family.lower,
        upper=family.upper,
        slack_lower=family.slack_lower,
        slack_upper=family.slack_upper,
        random_rows=random,
        groups=kept,
    )
