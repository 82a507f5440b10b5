"""Everything around a decided first stage: many small independent programs, solved in a few batches."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from capacity_opt.solvers.linear_program import LinearProgram
from capacity_opt.solvers.solve import solve

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

BATCH_ROWS = 20_000


@dataclass(frozen=True)
class Around:
    """The whole point (columns,) and the prices of the rows solved (rows,), 0 elsewhere."""

    x: Array
    row_duals: Array


def solve_around(lp: LinearProgram, first: IntArray, values: Array, *, time_limit: float) -> Around | None:
    """The best point of ``lp`` (continuous) whose columns ``first`` are at ``values``; ``None`` where there is none in
    time. Rows that join everything make one batch of it all."""
    deadline = time.monotonic() + time_limit
    rest = np.setdiff1d(np.arange(lp.columns), first)
    matrix = sparse.csr_array(lp.matrix[:, rest])
    shift = np.asarray(lp.matrix[:, first] @ values)
    row_batch, column_batch = _batches(matrix)
    rows, columns = np.argsort(row_batch, kind="stable"), np.argsort(column_batch, kind="stable")
    ordered = sparse.csr_array(matrix[rows][:, columns])
    x, duals = np.zeros(lp.columns), np.zeros(lp.rows)
    x[first] = values
    for batch in range(int(column_batch.max(initial=-1)) + 1):
        r0, r1 = np.searchsorted(row_batch[rows], [batch, batch + 1])
        c0, c1 = np.searchsorted(column_batch[columns], [batch, batch + 1])
        own_rows, own = rows[r0:r1], rest[columns[c0:c1]]
        part = LinearProgram(
            cost=lp.cost[own],
            matrix=sparse.csr_array(ordered[r0:r1, c0:c1]),
            row_lower=lp.row_lower[own_rows] - shift[own_rows],
            row_upper=lp.row_upper[own_rows] - shift[own_rows],
            column_lower=lp.column_lower[own],
            column_upper=lp.column_upper[own],
            integer=np.zeros(len(own), dtype=bool),
        )
        found = solve(part, time_limit=max(0.1, deadline - time.monotonic()))
        if found.x is None or found.reason != "optimal":
            return None
        x[own] = found.x
        if found.row_duals is not None:
            duals[own_rows] = found.row_duals
    return Around(x, duals)


def _batches(matrix: sparse.csr_array) -> tuple[IntArray, IntArray]:
    """Batch of every row and column: independent pieces, about ``BATCH_ROWS`` rows together; rows without columns get
    -1."""
    height, width = matrix.shape
    row, column = matrix.nonzero()
    size = height + width
    graph = sparse.csr_array((np.ones(len(row)), (row, height + column)), shape=(size, size))
    count, piece = connected_components(graph, directed=False)
    has_columns = np.zeros(count, dtype=bool)
    has_columns[piece[height:]] = True
    rows_of = np.where(has_columns, np.bincount(piece[:height], minlength=count), 0)
    batch = (np.cumsum(rows_of) - rows_of) // BATCH_ROWS
    batch = np.unique(np.where(has_columns, batch, -1), return_inverse=True)[1] - int(not has_columns.all())
    return batch[piece[:height]].astype(np.int64), batch[piece[height:]].astype(np.int64)
