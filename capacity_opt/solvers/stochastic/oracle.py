"""Evaluates the expected recourse of a two-stage program, and turns it into cuts."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import SolverError
from capacity_opt.solvers.stochastic.graph import GroupValue, RecourseGraph, optimal_basis
from capacity_opt.solvers.stochastic.program import RecourseFamily, SampleGroup, TwoStageProgram
from capacity_opt.solvers.stochastic.sequence import RecourseSequence

Array = NDArray[np.float64]
IndexArray = NDArray[np.int32]

LARGEST_GRAPH_ROWS = 40
KEPT_PRICES = 8
"""How many price vectors keep their graphs."""

Graphs = dict[str, RecourseGraph | RecourseSequence]
"""Recourse by the numbers of its family, so that programs with other samples can share bases."""

Place = tuple[RecourseGraph | RecourseSequence, IndexArray]
"""Where the samples of a group stand: a graph, and the basis of each."""


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Every group's expected recourse at ``point``, at its own cost plus ``prices`` (R,) on what it adds to the
    coupling rows (at these prices alone without ``own_cost``): ``values`` per group; ``cost`` (G,) at its own cost;
    ``added`` (G, R); ``places``: where samples stand. Only ``values`` means something where a group has no recourse."""

    point: Array
    prices: Array
    own_cost: bool
    values: list[GroupValue]
    cost: Array
    added: Array
    places: list[Place]

    @property
    def feasible(self) -> bool:
        """Whether every sample of every group has a recourse."""
        return all(value.ray is None for value in self.values)

    def activity(self, program: TwoStageProgram) -> Array:
        """What the coupling rows come to, (R,)."""
        total: Array = program.rows_of_expectations.matrix @ self.point + self.added.sum(axis=0)
        return total


@dataclass(frozen=True, kw_only=True)
class Cuts:
    """Rows ``theta[group] + prices @ added[of] >= level + slope @ x``, without theta where the group is -1.

    ``slopes`` (rows, first-stage columns), ``levels``, ``groups`` (rows,), ``prices`` (rows, R). ``of`` (rows,): the
    group a row comes from, -1 or not; ``rates``: per row, how its level moves with the group's right-hand sides, (m,).
    """

    slopes: Array
    levels: Array
    groups: NDArray[np.int64]
    prices: Array
    of: NDArray[np.int64]
    rates: list[Array]


Watch = Callable[[Evaluation, Cuts, list[tuple[RecourseFamily, SampleGroup]]], None]
"""Called with every evaluation's cuts and the groups they are of."""


class Oracle:
    """Evaluates the expected recourse of every group, each sample starting from where it ended last."""

    def __init__(self, program: TwoStageProgram, graphs: Graphs | None = None) -> None:
        """Find a dual-feasible first basis per family; or begin with those of ``graphs``, which is added to."""
        self.program = program
        self.watch: Watch | None = None
        self.groups = program.groups
        self.weights = np.array([group.weight for _, group in self.groups])
        self.coupled = len(program.rows_of_expectations.lower)
        self._transposed = [group.technology.T.tocsr() for _, group in self.groups]
        self._places: OrderedDict[bytes, list[Place]] = OrderedDict()
        self._own = [
            (graph, np.zeros(len(group.values), dtype=np.int32))
            for graph, family in ((_shared(family, graphs), family) for family in program.families)
            for group in family.groups
        ]
        self._places[np.zeros(self.coupled).tobytes()] = self._own

    @property
    def graphs(self) -> list[RecourseGraph | RecourseSequence]:
        """The graph of every group at its own cost."""
        return [graph for graph, _ in self._own]

    @property
    def bases(self) -> int:
        """How many bases are known now."""
        graphs = {id(graph): graph.count for places in self._places.values() for graph, _ in places}
        return sum(graphs.values())

    def evaluate(self, point: Array, prices: Array | None = None, *, own_cost: bool = True) -> Evaluation:
        """The expected recourse of every group at ``point``, with ``prices`` on the coupling rows (none: 0), which
        stand alone without ``own_cost``."""
        priced = np.zeros(self.coupled) if prices is None else prices
        places = self._places_at(priced, own_cost)
        values = [
            graph.evaluate(group, point, basis) for (graph, basis), (_, group) in zip(places, self.groups, strict=True)
        ]
        cost, added = np.zeros(len(values)), np.zeros((len(values), self.coupled))
        for g, ((family, group), value) in enumerate(zip(self.groups, values, strict=True)):
            cost[g] = value.value if group.counted is None else float(family.cost @ value.columns)
            if group.counted is not None:
                added[g] = group.counted @ value.columns
        return Evaluation(
            point=point, prices=priced, own_cost=own_cost, values=values, cost=cost, added=added, places=places
        )

    def _places_at(self, prices: Array, own_cost: bool) -> list[Place]:
        """Where samples stand at these prices: as left, or as near as another price vector's bases allow."""
        key = prices.tobytes() if own_cost else b"alone" + prices.tobytes()
        if key in self._places:
            self._places.move_to_end(key)
            return self._places[key]
        before = next(reversed(self._places.values()))
        made: dict[tuple[int, bytes], tuple[RecourseGraph | RecourseSequence, IndexArray]] = {}
        places = [
            self._moved(of, place, (prices, own_cost), made) for of, place in zip(self.groups, before, strict=True)
        ]
        self._places[key] = places
        if len(self._places) > KEPT_PRICES:
            self._places.popitem(last=False)
        return places

    def _moved(
        self,
        of: tuple[RecourseFamily, SampleGroup],
        place: Place,
        priced: tuple[Array, bool],
        made: dict[tuple[int, bytes], tuple[RecourseGraph | RecourseSequence, IndexArray]],
    ) -> Place:
        family, group = of
        if group.counted is None:
            return place
        cost = priced[1] * family.cost + priced[0] @ group.counted / group.weight
        key = (id(place[0]), np.round(cost, 12).tobytes())
        if key not in made:
            made[key] = place[0].with_cost(cost)
        graph, number = made[key]
        return graph, number[np.minimum(place[1], len(number) - 1)]

    def cuts(self, evaluation: Evaluation) -> Cuts:
        """A cut of every group that has a recourse and costs anything, a feasibility cut of every one that has none."""
        chosen = [
            g
            for g, value in enumerate(evaluation.values)
            if value.ray is not None or self._cut_wanted(g, evaluation.own_cost)
        ]
        slopes, levels = np.zeros((len(chosen), len(evaluation.point))), np.empty(len(chosen))
        prices = np.zeros((len(chosen), self.coupled))
        groups = np.array(chosen, dtype=np.int64)
        for row, g in enumerate(chosen):
            slopes[row], levels[row] = self._cut(g, evaluation)
            if evaluation.values[g].ray is not None:
                groups[row] = -1
                continue
            if self.groups[g][1].counted is not None:
                prices[row] = evaluation.prices / self.groups[g][1].weight
            if not evaluation.own_cost:
                groups[row] = -1
        of = np.array(chosen, dtype=np.int64)
        rates = [_rate(evaluation.values[g]) for g in chosen]
        cuts = Cuts(slopes=slopes, levels=levels, groups=groups, prices=prices, of=of, rates=rates)
        if self.watch is not None:
            self.watch(evaluation, cuts, self.groups)
        return cuts

    def _cut_wanted(self, g: int, own_cost: bool) -> bool:
        group = self.groups[g][1]
        return group.counted is not None or (own_cost and group.weight > 0)

    def _cut(self, g: int, evaluation: Evaluation) -> tuple[Array, float]:
        (family, group), value = self.groups[g], evaluation.values[g]
        if value.ray is None:
            slope = -(self._transposed[g] @ value.slope)
            return slope, value.value - float(slope @ evaluation.point)
        rhs = group.base.copy()
        rhs[family.random_rows] += group.values[value.ray_sample]
        return self._transposed[g] @ value.ray, value.ray_level - float(value.ray @ rhs)

    def recourse_columns(self, evaluation: Evaluation, g: int) -> Array:
        """The recourse of every sample of group ``g`` (S, n) in an evaluation."""
        graph, _ = evaluation.places[g]
        return graph.columns(self.groups[g][1], evaluation.point, evaluation.values[g].basis)


def _shared(family: RecourseFamily, graphs: Graphs | None) -> RecourseGraph | RecourseSequence:
    """The recourse of a family, known already where another program's had the same numbers."""
    if graphs is None:
        return _recourse(family)
    parts = (family.matrix, family.cost, family.lower, family.upper, family.slack_lower, family.slack_upper)
    key = hashlib.sha256(b"".join(part.tobytes() for part in (*parts, family.random_rows))).hexdigest()
    if key not in graphs:
        graphs[key] = _recourse(family)
    return graphs[key]


def _rate(value: GroupValue) -> Array:
    return value.slope if value.ray is None else -value.ray


def _recourse(family: RecourseFamily) -> RecourseGraph | RecourseSequence:
    """Small recourse problems share a basis graph; in large ones samples rarely meet, so each is solved warm."""
    if len(family.matrix) <= LARGEST_GRAPH_ROWS:
        return RecourseGraph(family, dual_feasible_basis(family))
    return RecourseSequence(family)


def dual_feasible_basis(family: RecourseFamily) -> NDArray[np.int64]:
    """A basis (columns of [matrix, identity]) that is dual feasible for every right-hand side.

    It is optimal for the first group's mean right-hand side with the first stage at 0, or where that has no recourse,
    for a right-hand side that is feasible by construction. A typical one is worth the trouble: samples then start their
    walks close to where they end.
    """
    if len(family.cost) == 0:
        return np.arange(len(family.matrix), dtype=np.int64)
    group = family.groups[0]
    typical = group.base.copy()
    typical[family.random_rows] += group.probability @ group.values
    basis = optimal_basis(family, typical)
    if basis is None:
        basis = optimal_basis(family, family.matrix @ np.clip(0.0, family.lower, family.upper))
    if basis is None:
        raise SolverError("the recourse problem has no optimum: its cost falls without limit for any right-hand side")
    return basis
