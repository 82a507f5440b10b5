"""Begin a decomposition where a similar one ended, instead of at nothing.

Cuts of another program do not hold in this one, but what they are made of does: a cut is a mean, over samples, of dual
solutions of the recourse, and a dual solution gives a lower bound for any right-hand side, cost or bound, once its
constant is worked out anew. So the duals behind the cuts that were tight at the other program's optimum are kept, every
new sample takes the best of them, and the master begins with exact lower bounds where the optimum was. The other
solution itself is evaluated too; where it keeps the first stage's rows, it is a first upper bound.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from capacity_opt.solvers.rounding import largest_violation
from capacity_opt.solvers.stochastic.graph import DUAL_FEASIBILITY, RecourseGraph
from capacity_opt.solvers.stochastic.oracle import Cuts, Evaluation
from capacity_opt.solvers.stochastic.program import RecourseFamily, SampleGroup
from capacity_opt.solvers.stochastic.search import Search, TwoStageSolution

Array = NDArray[np.float64]

KEPT = 1e-9
DEARER = 2.0
TIGHTEST = 12
"""Cuts remembered per group: those highest at the optimum."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """What a cut of one group was made of: the different ``duals`` (U, m) of its samples at ``prices`` (R,) of the
    coupling rows, alone or beside the group's ``own`` cost; ``at`` (m,): what the first stage took from its rows.
    ``ray``: the one dual is a ray, which proves that some right-hand sides have no recourse."""

    duals: Array
    prices: Array
    own: bool
    at: Array
    ray: bool


@dataclass
class Collected:
    """Notes every cut that an oracle makes; ``by_group``: (level, slope, price per unit added, source) of each."""

    by_group: dict[int, list[tuple[float, Array, Array, Source]]] = field(default_factory=dict)

    def __call__(
        self, evaluation: Evaluation, cuts: Cuts, groups: Sequence[tuple[RecourseFamily, SampleGroup]]
    ) -> None:
        """Called by the oracle with an evaluation and its cuts."""
        for row, g in enumerate(cuts.of.tolist()):
            graph, value = evaluation.places[g][0].graph, evaluation.values[g]
            if not isinstance(graph, RecourseGraph):
                continue
            source = Source(
                duals=graph.duals(np.unique(value.basis)) if value.ray is None else -value.ray[None],
                prices=evaluation.prices,
                own=evaluation.own_cost and value.ray is None,
                at=groups[g][1].technology @ evaluation.point,
                ray=value.ray is not None,
            )
            told = float(cuts.levels[row]), cuts.slopes[row], cuts.prices[row], source
            self.by_group.setdefault(g, []).append(told)

    def tightest(self, solution: TwoStageSolution, names: Sequence[Hashable]) -> dict[Hashable, list[Source]]:
        """Of every group, by name, the cuts that are highest at a solution."""
        assert solution.settled is not None
        found: dict[Hashable, list[Source]] = {}
        for g, cuts in self.by_group.items():
            x, added = solution.settled.x, solution.settled.added[g]
            height = [level + slope @ x - price @ added for level, slope, price, _ in cuts]
            chosen = np.argsort(-np.array(height), kind="stable")[:TIGHTEST]
            found[names[g]] = [cuts[i][3] for i in chosen.tolist()]
        return found


def begin_at(
    search: Search,
    x: Array,
    prices: Sequence[Array],
    sources: Mapping[Hashable, list[Source]],
    names: Sequence[Hashable],
) -> None:
    """Give a search without cuts those made anew from ``sources`` (by the name of a group) and first evaluations, at
    first stage ``x`` (n,) and each of ``prices`` (R,) of the coupling rows. Where ``x`` keeps the first stage's rows
    and bounds it counts as a point of mixtures too, and is tried first where whole numbers are asked for."""
    rows = [
        (g, made)
        for g, name in enumerate(names)
        for source in sources.get(name, [])
        if (made := _made_anew(source, *search.oracle.groups[g], search.oracle.coupled)) is not None
    ]
    if rows:
        search.master.add_cuts(_as_cuts(rows))
    first = search.program.first
    x = np.clip(np.where(first.integer, np.rint(x), x), first.column_lower, first.column_upper)
    keeps = largest_violation(first, x) <= KEPT
    if keeps:
        search.starts.append(x)
    for each in prices:
        evaluation = search.oracle.evaluate(x, each)
        search.master.add_cuts(search.oracle.cuts(evaluation))
        search.dear = np.maximum(search.dear, DEARER * np.abs(each))
        if not evaluation.feasible:
            return
        if keeps:
            search.add(evaluation)


@dataclass(frozen=True)
class _Row:
    """A cut of a group: theta + price @ added >= level + slope @ x, without theta unless ``own``."""

    level: float
    slope: Array
    price: Array
    rate: Array
    own: bool


def _as_cuts(rows: list[tuple[int, _Row]]) -> Cuts:
    of = np.array([g for g, _ in rows], dtype=np.int64)
    own = np.array([row.own for _, row in rows])
    return Cuts(
        slopes=np.array([row.slope for _, row in rows]),
        levels=np.array([row.level for _, row in rows]),
        groups=np.where(own, of, -1),
        prices=np.array([row.price for _, row in rows]),
        of=of,
        rates=[row.rate for _, row in rows],
    )


def _made_anew(source: Source, family: RecourseFamily, group: SampleGroup, coupled: int) -> _Row | None:
    """The cut that a source gives for a group's samples as they are now; ``None`` where it does not fit."""
    m = len(family.matrix)
    counts = group.counted is not None
    if source.duals.shape[1] != m or len(source.prices) != coupled:
        return None
    if not (source.ray or counts or (source.own and group.weight > 0)):
        return None
    cost = family.cost * source.own
    price = np.zeros(coupled)
    if group.counted is not None and not source.ray:
        price = source.prices / group.weight
        cost = cost + price @ group.counted
    bounded = _constants(source.duals, family, cost)
    duals = source.duals[np.isfinite(bounded)]
    if not len(duals):
        return None
    moved = group.values @ duals[:, family.random_rows].T + bounded[np.isfinite(bounded)]
    best = np.argmax(moved + duals @ (group.base - source.at), axis=1)
    rate = duals[0] if source.ray else group.probability @ duals[best]
    mean = float(group.probability @ moved[np.arange(len(best)), best])
    level = (float(moved.max()) if source.ray else mean) + float(rate @ group.base)
    return _Row(level, -(group.technology.T @ rate), price, rate, source.own)


def _constants(duals: Array, family: RecourseFamily, cost: Array) -> Array:
    """What each of ``duals`` (U, m) is worth beside dual @ right-hand side, (U,): -inf where it proves nothing."""
    lower = np.concatenate([family.lower, family.slack_lower])
    upper = np.concatenate([family.upper, family.slack_upper])
    reduced = np.hstack([cost - duals @ family.matrix, -duals])
    size = DUAL_FEASIBILITY * (1.0 + float(np.abs(cost).max(initial=0.0)))
    bound = np.where(reduced >= 0, lower, upper)
    free = ~np.isfinite(bound)
    worth: Array = np.sum(reduced * np.where(free, 0.0, bound), axis=1)
    return np.where(np.any(free & (np.abs(reduced) > size), axis=1), -np.inf, worth)
