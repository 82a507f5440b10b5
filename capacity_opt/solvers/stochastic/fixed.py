"""The exact expected recourse at a given first stage: a mixture of recourses, group by group, that keeps the coupling
rows at least cost. Multipliers are found by column generation, each new one evaluated exactly."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import SolverError
from capacity_opt.solvers.stochastic.inner import KEPT, Mixture
from capacity_opt.solvers.stochastic.mixing import Columns, mix
from capacity_opt.solvers.stochastic.oracle import Evaluation
from capacity_opt.solvers.stochastic.program import SampleGroup
from capacity_opt.solvers.stochastic.risk import sample_totals

if TYPE_CHECKING:
    from capacity_opt.solvers.stochastic.search import Search

Array = NDArray[np.float64]

MOST_ROUNDS = 12
SAME_PRICES = 1e-9


@dataclass(frozen=True, kw_only=True)
class Settled:
    """Recourse at ``x``: ``share`` (G, evaluations) of each evaluation per group; ``objective`` of the whole;
    ``group_cost`` (G,) and ``added`` (G, R) of the mixture; ``prices`` (R,) of the coupling rows at this ``x``;
    ``violation`` of the coupling rows relative to their size (above 1e-7: not kept, the objective means nothing)."""

    x: Array
    evaluations: tuple[Evaluation, ...]
    share: Array
    objective: float
    group_cost: Array
    added: Array
    prices: Array
    violation: float


def settle(
    search: Search,
    x: Array,
    candidates: Sequence[Array],
    *,
    goal: float = -np.inf,
    rounds: int = MOST_ROUNDS,
    deadline: float = np.inf,
) -> Settled | None:
    """The best recourse at ``x`` found in ``rounds``, starting from ``candidates`` for the prices of the coupling rows;
    ended early where the objective is within ``goal``, or at the ``deadline`` (``time.perf_counter``). Cuts of every
    evaluation are added to the master. ``None`` where some sample has no recourse."""
    known: list[Evaluation] = []
    for prices in candidates[:1] if not search.oracle.coupled else candidates:
        if known and time.perf_counter() > deadline:
            break
        if not _evaluated(search, x, prices, known):
            return None
    for _ in range(rounds):
        settled = _mixed(search, x, known)
        if (settled.violation <= KEPT and settled.objective <= goal) or not search.oracle.coupled:
            break
        before = len(known)
        if time.perf_counter() > deadline:
            break
        _evaluated(search, x, settled.prices, known)
        if len(known) == before or _nothing_new(known):
            break
    if settled.violation > KEPT:
        forbid(search, x, settled.prices)
    return settled


def forbid(search: Search, x: Array, prices: Array) -> None:
    """Cut off first stages, such as ``x``, at which the coupling rows cannot be kept at any cost: however recourse is
    chosen, at least so much is added in the direction of ``prices``."""
    size = float(np.abs(prices).max(initial=0.0))
    if size == 0.0:
        return
    try:
        evaluation = search.oracle.evaluate(x, prices / size, own_cost=False)
    except SolverError:  # in that direction anything can be added: there is nothing to cut off
        return
    search.master.add_cuts(search.oracle.cuts(evaluation))


def better(one: Settled | None, other: Settled | None) -> Settled | None:
    """The cheaper of two that keep the coupling rows; ``one`` where they tie."""
    if one is None or other is None:
        return other if one is None else one
    if one.violation > KEPT:
        return other
    return other if other.violation <= KEPT and other.objective < one.objective else one


def master_values(search: Search, settled: Settled) -> Array:
    """The settled plan as values of the master's columns."""
    return search.master.values_of(settled.x, settled.group_cost, settled.added)


def _evaluated(search: Search, x: Array, prices: Array, known: list[Evaluation]) -> bool:
    size, prices = 1.0 + float(np.abs(prices).max(initial=0.0)), search.coarse(search.oracle.padded(prices))
    if any(np.abs(prices - search.oracle.padded(one.prices)).max(initial=0.0) <= SAME_PRICES * size for one in known):
        return True
    evaluation = search.oracle.evaluate(x, prices)
    search.master.add_cuts(search.oracle.cuts(evaluation))
    if evaluation.feasible:
        known.append(_kept(evaluation))
        search.add(evaluation)
    return evaluation.feasible


def _kept(evaluation: Evaluation) -> Evaluation:
    """The evaluation with its samples' places copied: walks go on, this stays."""
    values = [replace(value, basis=value.basis.copy()) for value in evaluation.values]
    return replace(evaluation, values=values)


def _nothing_new(known: list[Evaluation]) -> bool:
    """Whether the last evaluation's recourse is one known before: other prices would not change it either."""
    last = known[-1]
    return any(
        np.array_equal(one.cost, last.cost)
        and np.array_equal(one.added[:, : one.added.shape[1]], last.added[:, : one.added.shape[1]])
        and all(_same(a, b) for a, b in zip(one.at_risk, last.at_risk))
        for one in known[:-1]
    )


def _same(one: Array | None, other: Array | None) -> bool:
    return one is other or (one is not None and other is not None and np.array_equal(one, other))


def _mixed(search: Search, x: Array, known: list[Evaluation]) -> Settled:
    first, weights = search.program.first, search.oracle.weights
    cost = np.array([evaluation.cost for evaluation in known])
    count, groups = cost.shape
    own = np.array([g for g, (_, each) in enumerate(search.oracle.groups) if _tied(each)], dtype=np.int64)
    share = np.zeros((groups, count))
    share[:, 0] = 1.0
    none = np.zeros(0)
    mixture = Mixture(weights=none, cost=0.0, prices=known[0].prices, violation=0.0, aside=none)
    if len(own):
        mixture = mix(search, _columns(search, x, known, own)).mixture
        share[own] = mixture.weights.reshape(count, len(own)).T
    x = x.copy()
    x[search.oracle.risks.columns] = mixture.aside
    group_cost = np.einsum("gl,lg->g", share, cost)
    return Settled(
        x=x,
        evaluations=tuple(known),
        share=share,
        objective=float(first.cost @ x + first.offset + weights @ group_cost),
        group_cost=group_cost,
        added=_added(search, known, share),
        prices=mixture.prices,
        violation=mixture.violation,
    )


def _tied(group: SampleGroup) -> bool:
    return group.counted is not None or group.at_risk is not None


def _columns(search: Search, x: Array, known: list[Evaluation], own: NDArray[np.int64]) -> Columns:
    """Each evaluation of each tied group as what is mixed, group by group."""
    static, count = len(search.program.rows_of_expectations.lower), len(known)
    groups, risks = search.oracle.groups, search.oracle.risks
    pairs = [(evaluation, int(g)) for evaluation in known for g in own]

    def rows() -> Array:
        found = np.zeros((len(risks), len(pairs)))
        for c, (evaluation, g) in enumerate(pairs):
            at_risk = evaluation.at_risk[g]
            if at_risk is not None:
                found[:, c] = risks.activity_of(groups[g][1], at_risk)
        return found

    def totals(weights: Array) -> Array:
        mixed: list[Array | None] = [None] * len(groups)
        for (evaluation, g), weight in zip(pairs, weights, strict=True):
            at_risk, before = evaluation.at_risk[g], mixed[g]
            if at_risk is not None and weight > 0:
                mixed[g] = weight * at_risk if before is None else before + weight * at_risk
        return sample_totals(search.program, mixed)

    bare = x.copy()
    bare[risks.columns] = 0.0
    return Columns(
        cost=np.array([search.oracle.weights[g] * evaluation.cost[g] for evaluation, g in pairs]),
        block=np.tile(np.arange(len(own)), count),
        base=search.program.rows_of_expectations.matrix @ bare,
        static=np.array([evaluation.added[g, :static] for evaluation, g in pairs]).reshape(len(pairs), static).T,
        rows=rows,
        totals=totals,
    )


def _added(search: Search, known: list[Evaluation], share: Array) -> Array:
    """What the mixture adds to all coupling rows, also to those newer than the evaluations, (G, R)."""
    static, risks = len(search.program.rows_of_expectations.lower), search.oracle.risks
    total = np.zeros((len(share), search.oracle.coupled))
    total[:, :static] = np.einsum("gl,lgr->gr", share, np.array([each.added[:, :static] for each in known]))
    for g, (_, group) in enumerate(search.oracle.groups):
        for part, evaluation in zip(share[g], known, strict=True):
            at_risk = evaluation.at_risk[g]
            if at_risk is not None and part > 0:
                total[g, static:] += part * risks.activity_of(group, at_risk)
    return total


def recourse_of(search: Search, settled: Settled, g: int) -> Array:
    """The recourse of every sample of group ``g``, (S, n)."""
    parts = [
        share * search.oracle.recourse_columns(evaluation, g)
        for share, evaluation in zip(settled.share[g], settled.evaluations, strict=True)
        if share > 0
    ]
    total: Array = np.sum(parts, axis=0)
    return total
