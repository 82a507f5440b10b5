"""What one solve leaves for the next one like it: the plan as a point to begin at, its basis, its prices.

Programs of a rolling horizon differ in what is on order, in which periods are still open and in the samples, so columns
and rows come and go. Everything is therefore kept by block and label (``racks[type,zone,period]``) and put where the
next program has the same name: the plan made last, shifted by the periods that have passed. A start never changes what
is optimal, only where the search for it begins; where several plans cost the same, it may decide which one is found.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from capacity_opt.fleet.arrays import FIRST_STAGE, Block, Labels
from capacity_opt.fleet.decomposition.structure import EXPECTATIONS, Pieces
from capacity_opt.fleet.formulation import FleetModel
from capacity_opt.solvers.highs_session import Basis
from capacity_opt.solvers.stochastic.oracle import Graphs
from capacity_opt.solvers.stochastic.search import Search, TwoStageSolution
from capacity_opt.solvers.stochastic.warm import Collected, Source, begin_at

Array = NDArray[np.float64]

AT_LOWER, BASIC = 0.0, 1.0
PRICES_KEPT = 4


@dataclass(frozen=True)
class _Kept:
    """The values of one block with the labels of its axes; NaN where the block had no member."""

    labels: tuple[Labels, ...]
    values: Array

    def at(self, block: Block) -> Array:
        """The values by the labels of another block of the same name, NaN where they are not known."""
        if len(self.labels) != len(block.labels):
            return np.full(block.index.shape, np.nan)
        found = self.values
        for axis, (old, new) in enumerate(zip(self.labels, block.labels, strict=True)):
            if list(old) == list(new):
                continue
            place = {label: i for i, label in enumerate(old)}
            take = np.array([place.get(label, -1) for label in new], dtype=np.int64)
            found = np.take(found, np.maximum(take, 0), axis=axis) if len(old) else np.full(1, np.nan)
            unknown = [1] * found.ndim
            unknown[axis] = len(new)
            found = np.where((take < 0).reshape(unknown), np.nan, found)
        return found


def _keep(blocks: Mapping[str, Block], values: Array) -> dict[str, _Kept]:
    """``values`` (columns or rows,) by block."""
    return {
        name: _Kept(block.labels, np.where(block.index >= 0, values[np.maximum(block.index, 0)], np.nan))
        for name, block in blocks.items()
        if block.index.size and len(values)
    }


def _put(kept: Mapping[str, _Kept], blocks: Mapping[str, Block], size: int) -> Array:
    """What was kept as values of other columns or rows (size,), NaN where nothing is known."""
    values = np.full(size, np.nan)
    for name, block in blocks.items():
        if name in kept and block.index.size:
            there = block.index >= 0
            values[block.index[there]] = kept[name].at(block)[there]
    return values


@dataclass
class WarmStart:
    """A memory to hand to one ``size_fleet`` after another (``warm=``); each reads what the last one left.

    Worth it for problems that resemble each other: the next period of a rolling horizon, another price, a few more
    racks on order. It holds a point, a basis or the bases of the recourse, a few megabytes at most for usual fleets.

    >>> from capacity_opt.fleet.example import example_problem
    >>> from capacity_opt.fleet.size import size_fleet
    >>> warm = WarmStart()
    >>> first, again = (size_fleet(example_problem(), warm=warm) for _ in range(2))
    >>> first.objective == again.objective
    True
    """

    point: dict[str, _Kept] = field(default_factory=dict, repr=False)
    columns: dict[str, _Kept] = field(default_factory=dict, repr=False)
    rows: dict[str, _Kept] = field(default_factory=dict, repr=False)
    prices: list[dict[str, _Kept]] = field(default_factory=list, repr=False)
    graphs: Graphs = field(default_factory=dict, repr=False)
    sources: dict[Hashable, list[Source]] = field(default_factory=dict, repr=False)
    parts: dict[str, WarmStart] = field(default_factory=dict, repr=False)
    _collected: Collected = field(default_factory=Collected, init=False, repr=False)

    def copy(self) -> WarmStart:
        """A memory of its own that begins where this one stands."""
        parts = {name: part.copy() for name, part in self.parts.items()}
        return WarmStart(self.point, self.columns, self.rows, self.prices, dict(self.graphs), self.sources, parts)

    def part(self, name: str) -> WarmStart:
        """The memory of a part of the problem that is solved apart."""
        return self.parts.setdefault(name, WarmStart())

    def start(self, model: FleetModel) -> Array | None:
        """First-stage values of a model's columns, NaN where unknown, to begin a search for whole racks with."""
        if not self.point:
            return None
        found = _put(self.point, model.column_blocks, model.lp.columns)
        found[model.column_sample != FIRST_STAGE] = np.nan
        return found if np.isfinite(found).any() else None

    def basis(self, model: FleetModel) -> Basis | None:
        """A simplex basis for a model: new columns at their lower bound, new rows slack."""
        if not self.columns:
            return None
        columns = _put(self.columns, model.column_blocks, model.lp.columns)
        rows = _put(self.rows, model.row_blocks, model.lp.rows)
        return Basis(
            columns=np.where(np.isnan(columns), AT_LOWER, columns).astype(np.int8),
            rows=np.where(np.isnan(rows), BASIC, rows).astype(np.int8),
        )

    def keep(self, model: FleetModel, x: Array | None, basis: Basis | None) -> None:
        """Remember a solved model."""
        if x is not None:
            self.point = _keep(model.column_blocks, x)
        if basis is not None:
            self.columns = _keep(model.column_blocks, basis.columns.astype(np.float64))
            self.rows = _keep(model.row_blocks, basis.rows.astype(np.float64))

    def begin(self, pieces: Pieces, search: Search) -> None:
        """Begin a decomposition at the remembered plan, prices and cuts, and note the cuts that it makes."""
        self._collected = search.oracle.watch = Collected()
        if not self.point:
            return
        x = _put(self.point, pieces.model.column_blocks, pieces.model.lp.columns)[pieces.first]
        rows, blocks = pieces.coupling_rows, _coupled(pieces)
        prices = [np.nan_to_num(_put(kept, blocks, pieces.model.lp.rows)[rows]) for kept in self.prices]
        begin_at(search, np.nan_to_num(x), prices, self.sources, _group_names(pieces))

    def keep_search(self, pieces: Pieces, solution: TwoStageSolution) -> None:
        """Remember a solved decomposition."""
        settled = solution.settled
        if solution.x is None or settled is None:
            return
        point = np.full(pieces.model.lp.columns, np.nan)
        point[pieces.first] = solution.x
        self.point, self.prices = _keep(pieces.model.column_blocks, point), []
        used = [one.prices for one, share in zip(settled.evaluations, settled.share.T, strict=True) if share.any()]
        for prices in used[-PRICES_KEPT:]:
            spread = np.full(pieces.model.lp.rows, np.nan)
            spread[pieces.coupling_rows] = prices
            self.prices.append(_keep(_coupled(pieces), spread))
        self.sources = self._collected.tightest(solution, _group_names(pieces))


def _group_names(pieces: Pieces) -> list[Hashable]:
    """A name for every group of recourse: those of its rows."""
    name = np.empty(pieces.model.lp.rows, dtype=object)
    for block in pieces.model.row_blocks.values():
        name[np.sort(block.index[block.index >= 0])] = block.names()
    return [tuple(name[rows]) for rows in pieces.rows]


def _coupled(pieces: Pieces) -> dict[str, Block]:
    return {name: block for name, block in pieces.model.row_blocks.items() if name in EXPECTATIONS}
