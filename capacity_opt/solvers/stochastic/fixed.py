"""The exact expected recourse at a given first stage: a mixture of recourses, group by group, that keeps the coupling
rows at least cost. Multipliers are found by column generation, each new one evaluated exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from capacity_opt.solvers.stochastic.inner import KEPT, Mixture, best_mixture
from capacity_opt.solvers.stochastic.oracle import Evaluation

if TYPE_CHECKING:
    from capacity_opt.solvers.stochastic.benders import Search

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
    search: Search, x: Array, candidates: Sequence[Array], *, goal: float = -np.inf, rounds: int = MOST_ROUNDS
) -> Settled | None:
    """The best recourse at ``x`` found in ``rounds``, starting from ``candidates`` for the prices of the coupling rows;
    ended early where the objective is within ``goal``. Cuts of every evaluation are added to the master. ``None``
    where some sample has no recourse."""
    known: list[Evaluation] = []
    for prices in candidates[:1] if not search.oracle.coupled else candidates:
        if not _evaluated(search, x, prices, known):
            return None
    for _ in range(rounds):
        settled = _mixed(search, x, known)
        if (settled.violation <= KEPT and settled.objective <= goal) or not search.oracle.coupled:
            break
        before = len(known)
        _evaluated(search, x, settled.prices, known)
        if len(known) == before:
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
    evaluation = search.oracle.evaluate(x, prices / size, own_cost=False)
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
    size = 1.0 + float(np.abs(prices).max(initial=0.0))
    if any(np.abs(prices - one.prices).max(initial=0.0) <= SAME_PRICES * size for one in known):
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


def _mixed(search: Search, x: Array, known: list[Evaluation]) -> Settled:
    first, weights = search.program.first, search.oracle.weights
    cost = np.array([evaluation.cost for evaluation in known])
    added = np.array([evaluation.added for evaluation in known])
    count, groups = cost.shape
    coupled = np.array([group.counted is not None for _, group in search.oracle.groups])
    share = np.zeros((groups, count))
    share[:, 0] = 1.0
    mixture = Mixture(weights=np.zeros(0), cost=0.0, prices=known[0].prices, violation=0.0)
    if coupled.any():
        own = np.flatnonzero(coupled)
        here = search.master.coupling
        base = here.matrix @ x
        left = type(here)(matrix=here.matrix, lower=here.lower - base, upper=here.upper - base)
        flat = (weights[own] * cost[:, own]).ravel()
        activity = added[:, own].reshape(count * len(own), -1).T
        mixture = best_mixture(flat, activity, np.tile(np.arange(len(own)), count), left, search.dear)
        share[own] = mixture.weights.reshape(count, len(own)).T
    group_cost = np.einsum("gl,lg->g", share, cost)
    return Settled(
        x=x,
        evaluations=tuple(known),
        share=share,
        objective=float(first.cost @ x + first.offset + weights @ group_cost),
        group_cost=group_cost,
        added=np.einsum("gl,lgr->gr", share, added),
        prices=mixture.prices,
        violation=mixture.violation,
    )


def recourse_of(search: Search, settled: Settled, g: int) -> Array:
    """The recourse of every sample of group ``g``, (S, n)."""
    parts = [
        share * search.oracle.recourse_columns(evaluation, g)
        for share, evaluation in zip(settled.share[g], settled.evaluations, strict=True)
        if share > 0
    ]
    total: Array = np.sum(parts, axis=0)
    return total
