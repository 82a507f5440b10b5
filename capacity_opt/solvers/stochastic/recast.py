"""Whole numbers told as running totals: the same program, sparser and far easier to branch on.

What a period's recourse sees of earlier orders is their sum, so a cut has an entry for every order so far, and
branching on one order ("none in March") says little while the sum of all may stay fractional. Where the columns that a
recourse sees form nested sets (orders up to January, up to February, ...), one column of each set gives its place to
the set's total. The change of variables is triangular with ones on its diagonal, so whole numbers stay whole numbers,
and cuts keep the last total only.

Source: disaggregated against cumulative variables in lot sizing and capacity expansion, Pochet & Wolsey (2006),
*Production Planning by Mixed Integer Programming*, ch. 4.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from capacity_opt.solvers.linear_program import LinearProgram
from capacity_opt.solvers.stochastic.program import TwoStageProgram

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

CANCELLED = 1e-11
"""Entries below this share of their row's largest are what differences of equal numbers leave."""


@dataclass(frozen=True, kw_only=True)
class Recast:
    """``x = back @ y``: ``totals`` (sets, first-stage columns) 0/1; ``place`` (sets,) the columns where they stand."""

    totals: sparse.csr_array
    place: IntArray
    back: sparse.csr_array

    def program(self, lp: LinearProgram) -> LinearProgram:
        """``lp`` (whose first columns are the first stage) in totals; bounds of the columns that gave their place
        become rows."""
        back = _padded(self.back, lp.columns)
        matrix = sparse.csr_array(lp.matrix @ back)
        _drop_cancelled(matrix)
        lower, upper = lp.column_lower.copy(), lp.column_upper.copy()
        first = self.totals.shape[1]
        lower[self.place], upper[self.place] = self.totals @ lower[:first], self.totals @ upper[:first]
        return replace(
            lp,
            cost=back.T @ lp.cost,
            matrix=sparse.csr_array(sparse.vstack([matrix, back[self.place]], format="csr")),
            row_lower=np.concatenate([lp.row_lower, lp.column_lower[self.place]]),
            row_upper=np.concatenate([lp.row_upper, lp.column_upper[self.place]]),
            column_lower=lower,
            column_upper=upper,
        )

    def there(self, values: Array) -> Array:
        """A point of the program as one of the recast program."""
        found = values.copy()
        found[self.place] = self.totals @ values[: self.totals.shape[1]]
        return found

    def here(self, values: Array) -> Array:
        """A point of the recast program as one of the program."""
        found = values.copy()
        found[: self.totals.shape[1]] = self.back @ values[: self.totals.shape[1]]
        return found


def recast_of(program: TwoStageProgram) -> Recast | None:
    """The totals that the recourse of ``program`` sees of its whole numbers; ``None`` where it sees none."""
    first = program.first
    columns = first.columns
    top = np.full(columns, -1, dtype=np.int64)
    sets: list[IntArray] = []
    rows: list[tuple[int, IntArray]] = []
    for members in sorted(_seen(program), key=lambda one: (len(one), one)):
        own = np.array(members, dtype=np.int64)
        inner, counts = np.unique(top[own], return_counts=True)
        whole = all(counts[i] == len(sets[s]) for i, s in enumerate(inner) if s >= 0)
        loose = own[top[own] < 0]
        if not whole or not len(loose):
            continue
        children = np.array([rows[s][0] for s in inner if s >= 0], dtype=np.int64)
        rows.append((int(loose[-1]), np.concatenate([children, loose[:-1]])))
        top[own] = len(sets)
        sets.append(own)
    if not sets:
        return None
    place = np.array([at for at, _ in rows], dtype=np.int64)
    entries = [(at, other) for at, others in rows for other in others.tolist()]
    minus = np.array(entries, dtype=np.int64).reshape(-1, 2)
    back = sparse.identity(columns, format="csr") + sparse.coo_array(
        (-np.ones(len(minus)), (minus[:, 0], minus[:, 1])), shape=(columns, columns)
    )
    counts = np.array([len(each) for each in sets])
    totals = sparse.coo_array(
        (np.ones(counts.sum()), (np.repeat(np.arange(len(sets)), counts), np.concatenate(sets))),
        shape=(len(sets), columns),
    )
    return Recast(totals=sparse.csr_array(totals), place=place, back=sparse.csr_array(back))


def _seen(program: TwoStageProgram) -> set[tuple[int, ...]]:
    """Sets of two or more whole numbers that the recourse sees together: in a row of a technology, or in the equation
    of a column that is in one. Columns that work against each other make sets of their own."""
    first = program.first
    if not first.integer.any():
        return set()
    technology = sparse.csr_array(sparse.vstack([group.technology for _, group in program.groups], format="csr"))
    found = _sets_of(technology, first.integer)
    met = np.zeros(first.columns, dtype=bool)
    met[technology.indices] = True
    return found | _defined(first, met & ~first.integer)


def _defined(lp: LinearProgram, states: NDArray[np.bool_]) -> set[tuple[int, ...]]:
    """Sets in the equations that have one of ``states`` (columns,)."""
    matrix = sparse.csr_array(lp.matrix[np.flatnonzero(lp.row_lower == lp.row_upper)])
    there = sparse.csr_array((np.ones(matrix.nnz), matrix.indices, matrix.indptr), shape=matrix.shape)
    own = np.flatnonzero(np.asarray(there @ states.astype(np.float64)).ravel() == 1)
    return _sets_of(sparse.csr_array(matrix[own]), lp.integer)


def _sets_of(matrix: sparse.csr_array, integer: NDArray[np.bool_]) -> set[tuple[int, ...]]:
    found = set()
    for start, end in zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True):
        index, data = matrix.indices[start:end], matrix.data[start:end]
        for one in (index[integer[index] & (data > 0)], index[integer[index] & (data < 0)]):
            if len(one) > 1:
                found.add(tuple(sorted(one.tolist())))
    return found


def _padded(back: sparse.csr_array, columns: int) -> sparse.csr_array:
    rest = columns - back.shape[0]
    return sparse.csr_array(sparse.block_diag([back, sparse.identity(rest)], format="csr")) if rest else back


def _drop_cancelled(matrix: sparse.csr_array) -> None:
    row = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    size = np.zeros(matrix.shape[0])
    np.maximum.at(size, row, np.abs(matrix.data))
    matrix.data[np.abs(matrix.data) <= CANCELLED * size[row]] = 0.0
    matrix.eliminate_zeros()
