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
from capacity_opt.solvers.stochastic.placing import (
    DIGITS,
    Made,
    Part,
    Place,
    Recourse,
    columns_at,
    evaluate_place,
    place_of,
)
from capacity_opt.solvers.stochastic.program import RecourseFamily, SampleGroup, TwoStageProgram
from capacity_opt.solvers.stochastic.risk import RiskRows, plain_factor, sample_totals
from capacity_opt.solvers.stochastic.sequence import RecourseSequence

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

LARGEST_GRAPH_ROWS = 40
KEPT_PRICES = 8
"""How many price vectors keep their graphs."""

Graphs = dict[str, Recourse]
"""Recourse by the numbers of its family, so that programs with other samples can share bases."""


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Every group's expected recourse at ``point``, at its own cost plus ``prices`` (R,) on what it adds to the
    coupling rows (at these prices alone without ``own_cost``): ``values`` per group; ``cost`` (G,) at its own cost;
    ``added`` (G, R); ``at_risk`` per group (risks, S of the group) or ``None``; ``places``: where samples stand. Only
    ``values`` means something where a group has no recourse. With risks, prices go on with those of their rows, and
    ``added`` with what they come to."""

    point: Array
    prices: Array
    own_cost: bool
    values: list[GroupValue]
    cost: Array
    added: Array
    places: list[Place]
    at_risk: list[Array | None]

    @property
    def feasible(self) -> bool:
        """Whether every sample of every group has a recourse."""
        return all(value.ray is None for value in self.values)

    def activity(self, program: TwoStageProgram) -> Array:
        """What the coupling rows come to, (R,)."""
        rows = program.rows_of_expectations.matrix
        total: Array = rows @ self.point + self.added[:, : rows.shape[0]].sum(axis=0)
        return total

    def totals(self, program: TwoStageProgram) -> Array:
        """What every sample adds to every risk, (risks, S)."""
        return sample_totals(program, self.at_risk)


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

    def __init__(self, program: TwoStageProgram, graphs: Graphs | None = None, *, workers: int = 0) -> None:
        """Find a dual-feasible first basis per family; or begin with those of ``graphs``, which is added to. Large
        recourse problems are solved by ``workers`` processes (0, 1: here)."""
        self.program = program
        self.watch: Watch | None = None
        self.groups = program.groups
        self.weights = np.array([group.weight for _, group in self.groups])
        self.risks = RiskRows(program)
        self._static = len(program.rows_of_expectations.lower)
        self._transposed = [group.technology.T.tocsr() for _, group in self.groups]
        self._places: OrderedDict[bytes, list[Place]] = OrderedDict()
        self._own: list[Place] = [
            (Part(graph, np.zeros(len(group.values), dtype=np.int32)),)
            for graph, family in ((_shared(family, graphs, workers), family) for family in program.families)
            for group in family.groups
        ]
        self._places[np.zeros(self._static).tobytes()] = self._own
        self.plain = [plain_factor(*of, place[0].graph) for of, place in zip(self.groups, self._own, strict=True)]

    @property
    def coupled(self) -> int:
        """How many rows tie groups together: rows of expectations, then those of risks."""
        return self._static + len(self.risks)

    @property
    def graphs(self) -> list[Recourse]:
        """The graph of every group at its own cost."""
        return [place[0].graph for place in self._own]

    @property
    def bases(self) -> int:
        """How many bases are known now."""
        parts = (part for places in self._places.values() for place in places for part in place)
        return sum({id(part.graph): part.graph.count for part in parts}.values())

    def padded(self, prices: Array) -> Array:
        """Prices of all coupling rows: 0 for those of risks that are newer than ``prices``."""
        return np.concatenate([prices, np.zeros(self.coupled - len(prices))])

    def evaluate(self, point: Array, prices: Array | None = None, *, own_cost: bool = True) -> Evaluation:
        """The expected recourse of every group at ``point``, with ``prices`` on the coupling rows (none: 0; missing
        ones at the end: 0), which stand alone without ``own_cost``."""
        priced = self.padded(np.zeros(0) if prices is None else prices)
        places, point = self._places_at(priced, own_cost), self._without_risks(point)
        values = [evaluate_place(place, self.groups[g][1], point, self._measures(g)) for g, place in enumerate(places)]
        cost, added = np.zeros(len(values)), np.zeros((len(values), self.coupled))
        at_risk: list[Array | None] = [None] * len(values)
        for g, ((family, group), value) in enumerate(zip(self.groups, values, strict=True)):
            if group.at_risk is not None and value.ray is None:
                cost[g], added[g], at_risk[g] = self._risky(g, value)
                continue
            cost[g] = value.value if group.counted is None else float(family.cost @ value.columns)
            if group.counted is not None:
                added[g, : self._static] = group.counted @ value.columns
        return Evaluation(
            point=point,
            prices=priced,
            own_cost=own_cost,
            values=values,
            cost=cost,
            added=added,
            places=places,
            at_risk=at_risk,
        )

    def _without_risks(self, point: Array) -> Array:
        """The point with nothing set aside for risks: what they come to is measured."""
        if not len(self.risks):
            return point
        bare = point.copy()
        bare[self.risks.columns] = 0.0
        return bare

    def _measures(self, g: int) -> Array | None:
        """What has to be known of every sample: its cost, what it adds to coupling rows and to risks."""
        family, group = self.groups[g]
        if group.at_risk is None or self.plain[g] is not None:
            return None
        counted = np.zeros((0, len(family.cost))) if group.counted is None else group.counted
        return np.vstack([family.cost[None], counted, group.at_risk])

    def _risky(self, g: int, value: GroupValue) -> tuple[float, Array, Array]:
        """Own cost, what is added to all coupling rows, and to risks sample by sample, of a group at risk."""
        group, factor, added = self.groups[g][1], self.plain[g], np.zeros(self.coupled)
        assert group.at_risk is not None
        if factor is not None:
            at_risk = factor[:, None] * value.sample_values
            added[self._static :] = self.risks.activity_of(group, at_risk)
            return value.value, added, at_risk
        at_risk = value.measured[-len(group.at_risk) :]
        if group.counted is not None:
            added[: self._static] = value.measured[1 : -len(group.at_risk)] @ group.probability
        added[self._static :] = self.risks.activity_of(group, at_risk)
        return float(value.measured[0] @ group.probability), added, at_risk

    def _places_at(self, prices: Array, own_cost: bool) -> list[Place]:
        """Where samples stand at these prices: as left, or as near as another price vector's bases allow."""
        key = prices.tobytes() if own_cost else b"alone" + prices.tobytes()
        if key in self._places:
            self._places.move_to_end(key)
            return self._places[key]
        before = next(reversed(self._places.values()))
        made: Made = {}
        sharp = self._sharp(prices[self._static :])
        places = [
            place if factor is not None else self._moved(of, place, (prices, own_cost), sharp, made)
            for of, place, factor in zip(self.groups, before, self.plain, strict=True)
        ]
        self._places[key] = places
        if len(self._places) > KEPT_PRICES:
            self._places.popitem(last=False)
        return places

    def _sharp(self, prices: Array) -> tuple[Array, NDArray[np.intp]]:
        """The different worths of a unit of each risk (risks, kinds), and which of them holds in each sample (S,)."""
        if not len(self.risks):
            return np.zeros((0, 1)), np.zeros(0, dtype=np.intp)
        worth, kind = np.unique(np.round(self.risks.steepness(prices), DIGITS), axis=1, return_inverse=True)
        return worth, kind.ravel()

    def _moved(
        self,
        of: tuple[RecourseFamily, SampleGroup],
        place: Place,
        priced: tuple[Array, bool],
        sharp: tuple[Array, NDArray[np.intp]],
        made: Made,
    ) -> Place:
        family, group = of
        prices, own_cost = priced
        if group.at_risk is not None:
            money = own_cost * group.weight * family.cost
            if group.counted is not None:
                money = money + prices[: self._static] @ group.counted
            kind = sharp[1] if group.samples is None else sharp[1][group.samples]
            return place_of(family, place, money + sharp[0].T @ group.at_risk, kind, group.weight or 1.0, made)
        if group.counted is None:
            return place
        cost = own_cost * family.cost + prices[: self._static] @ group.counted / group.weight
        key = (id(place[0].graph), np.round(cost, DIGITS).tobytes())
        if key not in made:
            made[key] = place[0].graph.with_cost(cost)
        graph, number = made[key]
        return (Part(graph, number[np.minimum(place[0].basis, len(number) - 1)]),)

    def cuts(self, evaluation: Evaluation) -> Cuts:
        """A cut of every group that has a recourse and costs anything, a feasibility cut of every one that has none;
        for plain groups at risk without the prices of risks (:func:`plain_cuts` has those)."""
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
            prices[row] = self._prices_of(g, evaluation.prices)
            if not evaluation.own_cost or self.groups[g][1].weight == 0:
                groups[row] = -1
        of = np.array(chosen, dtype=np.int64)
        rates = [_rate(evaluation.values[g]) for g in chosen]
        cuts = Cuts(slopes=slopes, levels=levels, groups=groups, prices=prices, of=of, rates=rates)
        if self.watch is not None:
            self.watch(evaluation, cuts, self.groups)
        return cuts

    def _prices_of(self, g: int, prices: Array) -> Array:
        """The prices of what a group adds, in units of its own cost."""
        group, own = self.groups[g][1], np.zeros(self.coupled)
        if group.counted is not None:
            own[: self._static] = prices[: self._static]
        if group.at_risk is not None and self.plain[g] is None:
            own[self._static :] = prices[self._static :]
        return own / (group.weight or 1.0)

    def _cut_wanted(self, g: int, own_cost: bool) -> bool:
        group = self.groups[g][1]
        tied = group.counted is not None or (group.at_risk is not None and self.plain[g] is None)
        return tied or (own_cost and group.weight > 0)

    def _cut(self, g: int, evaluation: Evaluation) -> tuple[Array, float]:
        (family, group), value = self.groups[g], evaluation.values[g]
        if value.ray is None:
            slope = -(self._transposed[g] @ value.slope)
            return slope, value.value - float(slope @ evaluation.point)
        rhs = group.base.copy()
        rhs[family.random_rows] += group.values[value.ray_sample]
        return self._transposed[g] @ value.ray, value.ray_level - float(value.ray @ rhs)

    def plain_cuts(self, evaluation: Evaluation, rows: IntArray) -> Cuts:
        """What plain groups add to ``rows`` of risks is at least as much as the same bases make of it elsewhere."""
        pairs = [(g, int(k)) for g, factor in enumerate(self.plain) if factor is not None for k in rows]
        slopes, levels = np.zeros((len(pairs), len(evaluation.point))), np.empty(len(pairs))
        prices, rates = np.zeros((len(pairs), self.coupled)), []
        for row, (g, k) in enumerate(pairs):
            value, graph, factor = evaluation.values[g], evaluation.places[g][0].graph, self.plain[g]
            assert isinstance(graph, RecourseGraph)
            assert factor is not None
            mass = self.risks.density_in(self.groups[g][1], k)
            there = np.flatnonzero(mass)
            mass = mass[there] * factor[self.risks.of[k]]
            rate = mass @ graph.duals(value.basis[there])
            slopes[row] = -(self._transposed[g] @ rate)
            levels[row] = mass @ value.sample_values[there] - slopes[row] @ evaluation.point
            prices[row, self._static + k] = 1.0
            rates.append(rate)
        of = np.array([g for g, _ in pairs], dtype=np.int64)
        groups = np.full(len(pairs), -1, dtype=np.int64)
        return Cuts(slopes=slopes, levels=levels, groups=groups, prices=prices, of=of, rates=rates)

    def recourse_columns(self, evaluation: Evaluation, g: int) -> Array:
        """The recourse of every sample of group ``g`` (S, n) in an evaluation."""
        return columns_at(evaluation.places[g], self.groups[g][1], evaluation.point, evaluation.values[g].basis)


def _shared(family: RecourseFamily, graphs: Graphs | None, workers: int) -> Recourse:
    """The recourse of a family, known already where another program's had the same numbers."""
    if graphs is None:
        return _recourse(family, workers)
    parts = (family.matrix, family.cost, family.lower, family.upper, family.slack_lower, family.slack_upper)
    key = hashlib.sha256(b"".join(part.tobytes() for part in (*parts, family.random_rows))).hexdigest()
    if key not in graphs:
        graphs[key] = _recourse(family, workers)
    return graphs[key]


def _rate(value: GroupValue) -> Array:
    return value.slope if value.ray is None else -value.ray


def _recourse(family: RecourseFamily, workers: int) -> Recourse:
    """Small recourse problems share a basis graph; in large ones samples rarely meet, so each is solved warm."""
    if len(family.matrix) <= LARGEST_GRAPH_ROWS:
        return RecourseGraph(family, dual_feasible_basis(family))
    if workers < 2:
        return RecourseSequence(family)
    from capacity_opt.solvers.stochastic.recourse_workers import RecourseWorkers

    return RecourseSequence(family, RecourseWorkers(family, workers))


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
