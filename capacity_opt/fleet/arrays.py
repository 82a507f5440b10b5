"""A model under construction: blocks of columns and rows as index arrays, entries as broadcast triplets.

No Python loop runs over samples, periods or groups: a block is one array of column (or row) numbers, -1 where the
block has no member, and entries are written for whole blocks at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from capacity_opt.solvers.linear_program import LinearProgram

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Labels = Sequence[str]

ABSENT = -1
FIRST_STAGE = -1


@dataclass(frozen=True, kw_only=True)
class Block:
    """A named family of rows or columns: ``index`` holds their numbers (-1: absent), ``labels`` one list per axis."""

    name: str
    labels: tuple[Labels, ...]
    index: IntArray

    def names(self) -> list[str]:
        """``name[label,label,...]`` of every member, in order of number; empty labels are left out."""
        members = np.argwhere(self.index >= 0)
        order = np.argsort(self.index[self.index >= 0], kind="stable")
        return [self._name(members[i]) for i in order]

    def _name(self, position: IntArray) -> str:
        told = [axis[i] for axis, i in zip(self.labels, position, strict=True)]
        inside = ",".join(label for label in told if label)
        return f"{self.name}[{inside}]" if inside else self.name


@dataclass
class _Side:
    """The rows, or the columns, written so far."""

    count: int = 0
    blocks: dict[str, Block] = field(default_factory=dict)
    arrays: dict[str, list[NDArray[np.generic]]] = field(default_factory=dict)

    def add(self, name: str, labels: Sequence[Labels], where: ArrayLike, **values: ArrayLike) -> IntArray:
        shape = tuple(len(axis) for axis in labels)
        mask = np.broadcast_to(np.asarray(where, dtype=bool), shape)
        index = np.full(shape, ABSENT, dtype=np.int64)
        number = int(np.count_nonzero(mask))
        index[mask] = np.arange(self.count, self.count + number)
        for key, value in values.items():
            self.arrays.setdefault(key, []).append(np.broadcast_to(np.asarray(value), shape)[mask])
        self.count += number
        self.blocks[name] = Block(name=name, labels=tuple(labels), index=index)
        return index

    def joined(self, key: str, kind: type) -> NDArray[np.generic]:
        parts = self.arrays.get(key, [])
        return np.concatenate(parts).astype(kind) if parts else np.zeros(0, dtype=kind)


@dataclass
class ModelBuilder:
    """Collects blocks and entries, then joins them once into a :class:`LinearProgram`."""

    _columns: _Side = field(default_factory=_Side)
    _rows: _Side = field(default_factory=_Side)
    _entries: list[tuple[IntArray, IntArray, Array]] = field(default_factory=list)
    offset: float = 0.0

    def columns(
        self,
        name: str,
        labels: Sequence[Labels],
        *,
        lower: ArrayLike = 0.0,
        upper: ArrayLike = np.inf,
        cost: ArrayLike = 0.0,
        integer: ArrayLike = False,
        where: ArrayLike = True,
        sample: ArrayLike = FIRST_STAGE,
    ) -> IntArray:
        """A block of columns; every argument broadcasts to the labels' shape. ``sample`` is the sample a column
        belongs to (-1: decided before any is known)."""
        return self._columns.add(
            name, labels, where, lower=lower, upper=upper, cost=cost, integer=integer, sample=sample
        )

    def rows(
        self,
        name: str,
        labels: Sequence[Labels],
        *,
        lower: ArrayLike = -np.inf,
        upper: ArrayLike = np.inf,
        where: ArrayLike = True,
    ) -> IntArray:
        """A block of rows; every argument broadcasts to the labels' shape."""
        return self._rows.add(name, labels, where, lower=lower, upper=upper)

    def add(self, rows: IntArray, columns: IntArray, values: ArrayLike) -> None:
        """Write ``values`` at (rows, columns), broadcast together; absent members and zeros are skipped, and what is
        written twice at one place is summed."""
        shape = np.broadcast_shapes(rows.shape, columns.shape, np.shape(values))
        r, c = np.broadcast_to(rows, shape), np.broadcast_to(columns, shape)
        v = np.broadcast_to(np.asarray(values, dtype=np.float64), shape)
        keep = (r >= 0) & (c >= 0) & (v != 0)
        self._entries.append((r[keep], c[keep], v[keep]))

    def block(self, name: str) -> Block:
        """A block of columns by name."""
        return self._columns.blocks[name]

    @property
    def column_blocks(self) -> dict[str, Block]:
        """Every block of columns by name, in order of writing."""
        return dict(self._columns.blocks)

    @property
    def row_blocks(self) -> dict[str, Block]:
        """Every block of rows by name, in order of writing."""
        return dict(self._rows.blocks)

    def column_samples(self) -> IntArray:
        """The sample of every column, shape (columns,); -1 for the first stage."""
        return self._columns.joined("sample", np.int64).astype(np.int64)

    def column_costs(self) -> Array:
        """The cost of every column so far, shape (columns,)."""
        return self._columns.joined("cost", np.float64).astype(np.float64)

    def finish(self, cost: Array | None = None) -> LinearProgram:
        """Join everything; ``cost`` (columns,) replaces the collected costs."""
        rows = np.concatenate([entry[0] for entry in self._entries] or [np.zeros(0, dtype=np.int64)])
        columns = np.concatenate([entry[1] for entry in self._entries] or [np.zeros(0, dtype=np.int64)])
        values = np.concatenate([entry[2] for entry in self._entries] or [np.zeros(0)])
        shape = (self._rows.count, self._columns.count)
        column, row = self._columns, self._rows
        return LinearProgram(
            cost=self.column_costs() if cost is None else cost,
            matrix=scipy.sparse.csr_array(scipy.sparse.coo_array((values, (rows, columns)), shape=shape)),
            row_lower=row.joined("lower", np.float64).astype(np.float64),
            row_upper=row.joined("upper", np.float64).astype(np.float64),
            column_lower=column.joined("lower", np.float64).astype(np.float64),
            column_upper=column.joined("upper", np.float64).astype(np.float64),
            integer=column.joined("integer", np.bool_).astype(np.bool_),
            offset=self.offset,
            row_names=_namer(row.blocks),
            column_names=_namer(column.blocks),
        )


def _namer(blocks: dict[str, Block]) -> Callable[[], list[str]]:
    kept = list(blocks.values())
    return lambda: [name for block in kept for name in block.names()]
