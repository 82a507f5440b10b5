"""From what happened in every sample to estimates."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.problem.plan import Utilization
from capacity_opt.simulation.dispatch import Means, Served
from capacity_opt.simulation.estimate import Estimate, estimate_exactly, estimate_mean, estimate_share
from capacity_opt.simulation.world import World

Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

UNMET = 1e-9
"""Shortage counts above this share of demand: below it is rounding."""

USUAL_TAIL = 0.95

WHOLLY_THERE = 0.9
"""A zone counts as lost, or partly lost, below this share of its servers."""


@dataclass(frozen=True, kw_only=True)
class Weights:
    """How samples are weighed: equally likely draws give intervals, a complete list gives exact values."""

    probability: Array | None
    level: float

    def mean(self, values: Array) -> Estimate:
        """E[values], samples along axis 0."""
        if self.probability is None:
            return estimate_mean(values, level=self.level)
        return estimate_exactly(values, self.probability, level=self.level)

    def share(self, part: Array, whole: Array) -> Estimate:
        """E[part] / E[whole], in [0, 1]; NaN where nothing was asked."""
        if self.probability is None:
            found = estimate_share(part, whole, level=self.level)
            asked = whole.sum(axis=0) > 0
        else:
            below = np.asarray(np.tensordot(self.probability, whole, 1))
            asked = below > 0
            ratio = np.tensordot(self.probability, part, 1) / np.where(asked, below, 1.0)
            found = Estimate(value=ratio, low=ratio, high=ratio, replications=len(part), level=self.level)
        parts = [np.where(asked, number, np.nan) for number in (found.value, found.low, found.high)]
        return Estimate(value=parts[0], low=parts[1], high=parts[2], replications=len(part), level=self.level)


@dataclass(frozen=True, kw_only=True)
class ByClass:
    """Per sample, class and period, blocks weighted: units ``served`` and ``asked`` (S, C, T); ``short`` whether any
    demand of the class went unmet."""

    served: Array
    asked: Array
    short: BoolArray

    @property
    def lacking(self) -> Array:
        """Units unmet, (S, C, T)."""
        return self.asked - self.served


def by_class(problem: FleetProblem, demand: Array, unmet: Array) -> ByClass:
    """Add groups up to classes and blocks to periods."""
    classes = len(problem.groups.classes)
    member = (problem.groups.group_class[None, :] == np.arange(classes)[:, None]).astype(np.float64)
    asked = np.einsum("sjtb,b,cj->sct", demand, problem.block_share, member, optimize=True)
    lacking = np.einsum("sjtb,b,cj->sct", unmet, problem.block_share, member, optimize=True)
    short = np.einsum("sjt,cj->sct", (unmet > UNMET * np.maximum(demand, 1.0)).any(axis=3), member) > 0
    return ByClass(served=asked - lacking, asked=asked, short=short)


def shortage_cvar(problem: FleetProblem, happened: ByClass, weights: Weights) -> Estimate:
    """Mean of the worst share of each class's total shortage, (C,)."""
    lacking = (happened.asked - happened.served).sum(axis=2)
    tail = np.where(np.isnan(problem.service.shortage_cvar_level), USUAL_TAIL, problem.service.shortage_cvar_level)
    above = np.empty_like(lacking)
    probability = np.full(len(lacking), 1.0 / len(lacking)) if weights.probability is None else weights.probability
    for c, share in enumerate(tail):
        order = np.argsort(lacking[:, c])
        first = np.searchsorted(np.cumsum(probability[order]), share - 1e-12)
        var = lacking[order[min(first, len(order) - 1)], c]
        above[:, c] = var + np.maximum(lacking[:, c] - var, 0.0) / (1.0 - share)
    found = weights.mean(above)
    return replace(found, low=np.maximum(found.low, 0.0))  # no shortage is below none


def fill_while_zone_lost(happened: ByClass, available: Array, weights: Weights) -> Estimate:
    """Fill over the periods in which a zone is lost or partly lost, (C,); a server down here and there is no loss."""
    lost: BoolArray = np.any(available < WHOLLY_THERE, axis=1, keepdims=True)
    hit = np.broadcast_to(lost, happened.asked.shape)
    return weights.share((happened.served * hit).sum(axis=2), (happened.asked * hit).sum(axis=2))


def utilization(
    problem: FleetProblem, served: Served, means: Means, service: Array, world: World, weights: Weights
) -> Utilization:
    """The four numbers: expected resource used over expected resource held, over all periods."""
    capacity = problem.server_types.capacity
    there = np.einsum("skzt,szt,kr->sr", service, world.available, capacity, optimize=True)
    held = np.einsum("skzt,kr->sr", service, capacity, optimize=True)
    used, stranded = served.used.sum(axis=1), served.stranded.sum(axis=1)
    free = np.maximum(held - _buffer(problem, service), 0.0)

    def ratio(part: Array, whole: Array) -> Array:
        p = weights.probability
        above, below = ((a.mean(axis=0) if p is None or len(a) == 1 else p @ a) for a in (part, whole))
        found: Array = np.divide(above, below, out=np.full(np.shape(below), np.nan), where=below > 0)
        return found

    committed = np.array([kind == "commitment" for kind in problem.options.kind], dtype=bool)
    paid = ratio(
        served.bought[:, :, committed].sum(axis=(1, 2))[:, None],
        means.budget[:, :, committed].sum(axis=(1, 2))[:, None],
    )
    return Utilization(
        resources=problem.resources,
        allocation=ratio(used, there),
        physical=ratio(used, held),
        stranded=ratio(stranded, there),
        allocation_without_buffer=ratio(used, free),
        commitment=float(paid[0]),
    )


def _buffer(problem: FleetProblem, service: Array) -> Array:
    """Capacity held for the loss of a zone: in every region and period that of the largest zone that classes are
    protected against, (S, R); none where no class is protected."""
    capacity, region = problem.server_types.capacity, problem.sites.zone_region
    guarded = np.any(np.nan_to_num(problem.service.protected_share) > 0, axis=0)
    by_zone = np.einsum("skzt,kr->sztr", service, capacity, optimize=True) * guarded[None, :, None, None]
    held = [by_zone[:, region == g].max(axis=1, initial=0.0).sum(axis=1) for g in range(len(problem.sites.regions))]
    total: Array = np.sum(held, axis=0)
    return total
