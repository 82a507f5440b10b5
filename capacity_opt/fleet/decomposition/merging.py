"""Demands that are served alike are one demand: a recourse problem with fewer rows has far fewer bases.

Two demand rows of a piece are twins where a renaming of columns turns one into the other: same class, same costs, same
loads on the same servers, same promises. Their sum is served at the same cost, and what serves it is shared out in
proportion to what each asks for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capacity_opt.fleet.outcomes import Outcomes

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Merge:
    """A piece's own ``rows`` and ``columns`` (numbers in the model), those that were kept (``kept_rows``,
    ``kept_columns``), and for each its place among these (``row_place``, ``column_place``). Per column, ``demand_row``
    is the place of its demand among the piece's demands (-1: none); per demand, ``demand_place`` its place among those
    that were kept, and ``asked`` and ``share`` say which demand, and how much of it, it is."""

    rows: IntArray
    columns: IntArray
    kept_rows: IntArray
    kept_columns: IntArray
    row_place: IntArray
    column_place: IntArray
    demand_row: IntArray
    demand_place: IntArray
    asked: IntArray
    share: Array

    def demands(self, outcomes: Outcomes) -> Array:
        """What each demand of the piece asks for in every sample, (S, demands)."""
        asked: Array = outcomes.values.reshape(outcomes.count, -1)[:, self.asked] * self.share
        return asked

    def merged(self, outcomes: Outcomes) -> Array:
        """What the demands that were kept ask for, (S, kept)."""
        return self._summed(self.demands(outcomes))

    def spread(self, recourse: Array, outcomes: Outcomes) -> Array:
        """Recourse (S, kept columns) as that of all columns, (S, columns)."""
        asked = self.demands(outcomes)
        total, count = self._summed(asked), np.bincount(self.demand_place)
        here = total[:, self.demand_place]
        part = np.divide(asked, here, out=np.ones_like(asked) / count[self.demand_place], where=here > 0)
        found: Array = recourse[:, self.column_place]
        own = self.demand_row >= 0
        found[:, own] *= part[:, self.demand_row[own]]
        return found

    def _summed(self, asked: Array) -> Array:
        total = np.zeros((len(asked), int(self.demand_place.max(initial=-1)) + 1))
        np.add.at(total.T, self.demand_place, asked.T)
        return total


def twins(matrix: Array, demand: BoolArray, kind: Array, column: Array) -> tuple[IntArray, IntArray]:
    """The representative of every row and column of a piece (positions; itself where nothing is merged).

    ``matrix`` (m, n); ``demand`` (m,) which rows are demands; ``kind`` (m, .) what demands must have in common;
    ``column`` (n, .) what columns must: cost, bounds, what they add to promises."""
    row_of, column_of = np.arange(len(matrix)), np.arange(matrix.shape[1])
    own = matrix[demand] != 0
    if len(own) < 2 or np.any(own.sum(axis=0) > 1):
        return row_of, column_of
    alone = np.where(own.any(axis=0), matrix[demand].sum(axis=0), 0.0)
    features = np.column_stack([column, alone, matrix[~demand].T])
    alike = np.unique(features, axis=0, return_inverse=True)[1].ravel()
    known: dict[tuple[bytes, ...], tuple[int, IntArray]] = {}
    for row, mine in zip(np.flatnonzero(demand), own, strict=True):
        columns = np.flatnonzero(mine)
        columns = columns[np.argsort(alike[columns], kind="stable")]
        key = (kind[row].tobytes(), alike[columns].tobytes())
        first, theirs = known.setdefault(key, (int(row), columns))
        row_of[row], column_of[columns] = first, theirs
    return row_of, column_of


def merge_of(
    rows: IntArray, columns: IntArray, parents: tuple[IntArray, IntArray], own: BoolArray, asked: IntArray, share: Array
) -> Merge:
    """The merge of a piece whose rows and columns have ``parents`` (see :func:`twins`); ``own`` (demands, n): which
    columns each demand has; ``asked`` and ``share`` (m,) of the rows, of which those with a share are demands."""
    row_of, column_of = parents
    kept_rows, row_place = np.unique(row_of, return_inverse=True)
    kept_columns, column_place = np.unique(column_of, return_inverse=True)
    demand = np.flatnonzero(share > 0)
    _, demand_place = np.unique(row_place.ravel()[demand], return_inverse=True)
    return Merge(
        rows=rows,
        columns=columns,
        kept_rows=rows[kept_rows],
        kept_columns=columns[kept_columns],
        row_place=row_place.ravel(),
        column_place=column_place.ravel(),
        demand_row=np.where(own.any(axis=0), own.argmax(axis=0), -1) if len(own) else np.full(len(columns), -1),
        demand_place=demand_place.ravel(),
        asked=asked[demand],
        share=share[demand],
    )
