"""A fleet problem as a two-stage program with shared recourse, read off its model of one sample.

Without the first stage's columns, rows and columns of one sample fall into independent pieces: normal operation per
pools that share demand, period and block, and the same while each protected zone is lost. Pieces with the same matrix,
bounds and cost (up to a factor: discount, share of the block) become one family. Rows of expectations (fill rates,
running cost, utilization) tie pieces and samples together and are kept apart as coupling rows. Samples differ only in
demand: in the right-hand sides of the rows ``demand`` and ``protected_without_...``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from capacity_opt.fleet.decomposition.merging import Merge, merge_of, twins
from capacity_opt.fleet.decomposition.risks import risks_of, with_risks, without_limits
from capacity_opt.fleet.formulation import FleetModel, build_model
from capacity_opt.fleet.frame import Frame
from capacity_opt.fleet.outcomes import Outcomes
from capacity_opt.fleet.recourse import protected_share, suffix_of
from capacity_opt.fleet.service import allowed_unmet
from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.solvers.linear_program import LinearProgram
from capacity_opt.solvers.stochastic.program import Coupling, RecourseFamily, SampleGroup, TwoStageProgram

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

EXPECTATIONS = ("fill_rate", "opex_budget", "utilization")
"""Row blocks that hold over all samples together."""

ALIKE = 11
"""Costs that agree to this many digits are the same cost."""


@dataclass(frozen=True, kw_only=True)
class Pieces:
    """A program with the numbers of its parts in the model of one sample: ``first`` columns, ``first_rows``,
    ``coupling_rows``, and per group the recourse ``columns`` and ``rows`` that were kept, and how to tell the others
    from them (``merges``)."""

    program: TwoStageProgram
    model: FleetModel
    frame: Frame
    first: IntArray
    first_rows: IntArray
    coupling_rows: IntArray
    columns: list[IntArray]
    rows: list[IntArray]
    merges: list[Merge]


def one_sample(problem: FleetProblem, outcomes: Outcomes) -> FleetModel:
    """The model of one sample in which every group asks for the most that any sample asks: limits that are derived from
    demand then hold for all of them."""
    most = Outcomes(
        values=outcomes.values.max(axis=0, keepdims=True),
        probability=np.ones(1),
        available=outcomes.available[:1],
        delay=outcomes.delay[:1],
        bought=outcomes.bought[:1],
    )
    model = build_model(without_limits(problem), most)
    return replace(model, frame=Frame(problem, outcomes.mean()))


def pieces_of(problem: FleetProblem, outcomes: Outcomes, formulation: str = "two_stage") -> Pieces:
    """The two-stage program of a problem whose samples differ in demand only."""
    model, frame = one_sample(problem, outcomes), Frame(problem, outcomes)
    lp, later = model.lp, model.column_sample >= 0
    first = np.flatnonzero(~later)
    touches = np.zeros(lp.rows, dtype=bool)
    touches[lp.matrix.nonzero()[0][later[lp.matrix.nonzero()[1]]]] = True
    expected = _rows_in(model, EXPECTATIONS) & touches
    recourse = _recourse_rows(model) | (touches & ~expected)
    of_row, of_column, count = _components(lp, np.flatnonzero(recourse), np.flatnonzero(later))
    share, asked = _demand_rows(model, frame)
    found: dict[tuple[bytes, ...], list[_Piece]] = {}
    for own in range(count):
        piece = _piece(model, frame, of_row[own], of_column[own], expected, first, share, asked)
        found.setdefault(piece.key, []).append(piece)
    members = [piece for same in found.values() for piece in same]
    families = tuple(replace(same[0].family, groups=tuple(piece.group for piece in same)) for same in found.values())
    coupling_rows = np.flatnonzero(expected)
    first_rows = np.flatnonzero(~recourse & ~expected)
    program = TwoStageProgram(
        first=_first(lp, first_rows, first), families=families, coupling=coupling_of(model, frame, coupling_rows, first)
    )
    columns = [piece.columns for piece in members]
    return Pieces(
        program=with_risks(program, risks_of(problem, formulation), model, frame, columns),
        model=model,
        frame=frame,
        first=first,
        first_rows=first_rows,
        coupling_rows=coupling_rows,
        columns=columns,
        rows=[piece.rows for piece in members],
        merges=[piece.merge for piece in members],
    )


@dataclass(frozen=True)
class _Piece:
    family: RecourseFamily
    group: SampleGroup
    rows: IntArray
    columns: IntArray
    key: tuple[bytes, ...]
    merge: Merge


def _rows_in(model: FleetModel, names: tuple[str, ...]) -> BoolArray:
    chosen = np.zeros(model.lp.rows, dtype=bool)
    for name in names:
        if name in model.row_blocks:
            index = model.row_blocks[name].index
            chosen[index[index >= 0]] = True
    return chosen


def _recourse_rows(model: FleetModel) -> BoolArray:
    """Rows of one sample, also those that none of its columns is in."""
    ends = ["", *(suffix_of(model.frame, state.lost) for state in model.failures)]
    kinds = ("demand", "protected", "capacity", "option_limit")
    return _rows_in(model, tuple(kind + end for kind in kinds for end in ends))


def _components(lp: LinearProgram, rows: IntArray, columns: IntArray) -> tuple[list[IntArray], list[IntArray], int]:
    """Rows and columns of every connected piece; columns that no row limits are left out (they stay at 0)."""
    part = lp.matrix[rows][:, columns].tocoo()
    height, width = part.shape
    size = height + width
    graph = sparse.csr_array((np.ones(part.nnz), (part.row, height + part.col)), shape=(size, size))
    _, label = connected_components(graph, directed=False)
    kept = np.unique(label[:height])
    of_row = [rows[np.flatnonzero(label[:height] == own)] for own in kept]
    return of_row, [columns[np.flatnonzero(label[height:] == own)] for own in kept], len(kept)


def _demand_rows(model: FleetModel, frame: Frame) -> tuple[Array, IntArray]:
    """For every row: which share of a demand is its right-hand side (0: none), and of which (j, t, b), flat."""
    share, asked = np.zeros(model.lp.rows), np.full(model.lp.rows, -1, dtype=np.int64)
    blocks = [(model.row_blocks["demand"], np.ones(frame.problem.sizes["J"]))]
    for state in model.failures:
        blocks.append(
            (model.row_blocks[f"protected{suffix_of(frame, state.lost)}"], protected_share(frame, state.lost))
        )
    for block, part in blocks:
        index = block.index[..., 0]
        there = index >= 0
        share[index[there]] = np.broadcast_to(part[:, None, None], index.shape)[there]
        asked[index[there]] = np.flatnonzero(there)
    return share, asked


def _piece(
    model: FleetModel,
    frame: Frame,
    rows: IntArray,
    columns: IntArray,
    expected: BoolArray,
    first: IntArray,
    share: Array,
    asked: IntArray,
) -> _Piece:
    lp = model.lp
    merge = _merged(model, frame, rows, columns, expected, share, asked)
    rows, columns = merge.kept_rows, merge.kept_columns
    own = lp.matrix[rows]
    counted = lp.matrix[np.flatnonzero(expected)][:, columns].toarray()
    cost, weight = _normed(lp.cost[columns], counted)
    random = np.flatnonzero(share[rows] > 0)
    lower, upper = lp.row_lower[rows].copy(), lp.row_upper[rows].copy()
    lower[random] = np.where(np.isfinite(lower[random]), 0.0, -np.inf)
    upper[random] = np.where(np.isfinite(upper[random]), 0.0, np.inf)
    below = np.isfinite(upper)
    family = RecourseFamily(
        matrix=own[:, columns].toarray(),
        cost=cost,
        lower=lp.column_lower[columns],
        upper=lp.column_upper[columns],
        slack_lower=np.where(below, 0.0, -np.inf),
        slack_upper=np.where(below, upper - np.where(below, lower, 0.0), 0.0),
        random_rows=random,
        groups=(),
    )
    group = SampleGroup(
        technology=sparse.csr_array(own[:, first]),
        base=np.where(below, upper, lower),
        values=np.ascontiguousarray(merge.merged(frame.outcomes)),
        probability=frame.outcomes.probability,
        weight=weight,
        counted=counted if counted.any() else None,
    )
    return _Piece(family, group, rows, columns, _key(family), merge)


def _merged(
    model: FleetModel,
    frame: Frame,
    rows: IntArray,
    columns: IntArray,
    expected: BoolArray,
    share: Array,
    asked: IntArray,
) -> Merge:
    """Which demands of a piece are one."""
    lp, demand, groups = model.lp, share[rows] > 0, frame.problem.groups
    matrix = lp.matrix[rows][:, columns].toarray()
    group = np.maximum(asked[rows], 0) // (frame.problem.sizes["T"] * frame.problem.sizes["B"])
    kind = np.column_stack(
        [groups.group_class[group], np.isfinite(lp.row_lower[rows]), np.isfinite(lp.row_upper[rows])]
    ).astype(np.float64)
    counted = lp.matrix[np.flatnonzero(expected)][:, columns].toarray()
    bounds = [lp.cost[columns], lp.column_lower[columns], lp.column_upper[columns]]
    plain = bool(np.all(bounds[1] == 0) and np.all(np.isinf(bounds[2])))
    parents = (np.arange(len(rows)), np.arange(len(columns)))
    if plain:
        parents = twins(matrix, demand, kind, np.column_stack([*bounds[:1], *counted]))
    return merge_of(rows, columns, parents, matrix[demand] != 0, asked[rows], share[rows])


def _normed(cost: Array, counted: Array) -> tuple[Array, float]:
    """Cost with its largest entry 1, and that entry as weight. Pieces that cost nothing (operation without a zone) get
    some cost and weight 0: they ask only whether demand can be served, and ties would slow that down."""
    weight = float(np.abs(cost).max(initial=0.0))
    if weight > 0:
        return np.round(cost / weight, 15), weight
    if counted.any():
        return cost, 1.0
    return np.random.default_rng(0).uniform(1.0, 2.0, len(cost)), 0.0


def _key(family: RecourseFamily) -> tuple[bytes, ...]:
    parts = (family.matrix, family.lower, family.upper, family.slack_lower, family.slack_upper, family.random_rows)
    shape = np.array(family.matrix.shape)
    return (shape.tobytes(), (np.round(family.cost, ALIKE) + 0.0).tobytes(), *(part.tobytes() for part in parts))


def _first(lp: LinearProgram, rows: IntArray, columns: IntArray) -> LinearProgram:
    return LinearProgram(
        cost=lp.cost[columns],
        matrix=sparse.csr_array(lp.matrix[rows][:, columns]),
        row_lower=lp.row_lower[rows],
        row_upper=lp.row_upper[rows],
        column_lower=lp.column_lower[columns],
        column_upper=lp.column_upper[columns],
        integer=lp.integer[columns],
        offset=lp.offset,
    )


def coupling_of(model: FleetModel, frame: Frame, rows: IntArray, first: IntArray) -> Coupling | None:
    """The rows of expectations, with the unmet demand that the frame's promises leave."""
    if len(rows) == 0:
        return None
    upper = model.lp.row_upper.copy()
    promised = model.row_blocks["fill_rate"].index
    upper[promised[promised >= 0]] = allowed_unmet(frame)[promised >= 0]
    matrix = sparse.csr_array(model.lp.matrix[rows][:, first])
    return Coupling(matrix=matrix, lower=model.lp.row_lower[rows], upper=upper[rows])
