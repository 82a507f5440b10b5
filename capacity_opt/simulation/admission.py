"""Who is let in before demand is served: admission rules of the fleet judge, to be chosen or written.

A rule sees what every group asks for in a period, what is in service and what it let in before, never the future. What
it turns away counts as unmet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError
from capacity_opt.problem.fleet import FleetProblem

Array = NDArray[np.float64]


@runtime_checkable
class Admission(Protocol):
    """An admission rule: one method."""

    def admit(self, asked: Array, *, problem: FleetProblem, capacity: Array, before: Array, period: int) -> Array:
        """Units let in, (S, J, B), each between 0 and ``asked`` (S, J, B): demand of ``period`` per sample, group and
        block. ``capacity`` (S, G, R): resource in service per region, lost zones taken off; ``before`` (S, J, B): what
        was let in the period before (0 in the first)."""
        ...


@dataclass(frozen=True, kw_only=True)
class NestedLimits:
    """Nested booking limits: a class and all less critical ones together are let in up to a share of every resource in
    service in their home region. ``share`` by class name; classes without one are let in whole.

    >>> NestedLimits(share={"batch": 0.3}).share["batch"]
    0.3
    """

    share: Mapping[str, float]

    def __post_init__(self) -> None:
        """Check every share."""
        for name, value in self.share.items():
            _checks.share(f"share[{name!r}]", value)

    def admit(self, asked: Array, *, problem: FleetProblem, capacity: Array, before: Array, period: int) -> Array:  # noqa: ARG002
        """As :class:`Admission` says."""
        groups = problem.groups
        unknown = sorted(set(self.share) - set(groups.classes))
        if unknown:
            raise ArgumentError(f"share names no class of the problem: {', '.join(unknown)}")
        need = groups.usage / groups.overcommit
        let_in, used = asked.copy(), np.zeros((*capacity.shape, asked.shape[2]))
        for c in range(len(groups.classes) - 1, -1, -1):
            limit = self.share.get(groups.classes[c], np.inf)
            for g in range(capacity.shape[1]):
                own = np.flatnonzero((groups.group_class == c) & (groups.home_region == g))
                wanted = np.einsum("sjb,jr->srb", asked[:, own], need[own])
                left = limit * capacity[:, g, :, None] - used[:, g] if np.isfinite(limit) else np.inf
                part = np.where(wanted > 0, left / np.where(wanted > 0, wanted, 1.0), np.inf)
                factor = np.clip(part.min(axis=1), 0.0, 1.0)
                let_in[:, own] *= factor[:, None]
                used[:, g] += wanted * factor[:, None]
        return let_in


@dataclass(frozen=True, kw_only=True)
class Quotas:
    """At most so many units of each group, ``units`` (J,), infinite where there is no quota."""

    units: ArrayLike

    def admit(self, asked: Array, *, problem: FleetProblem, capacity: Array, before: Array, period: int) -> Array:  # noqa: ARG002
        """As :class:`Admission` says."""
        units = np.broadcast_to(np.asarray(self.units, dtype=np.float64), (asked.shape[1],))
        return np.minimum(asked, units[:, None])


def admitted(rule: Admission | None, problem: FleetProblem, demand: Array, there: Array) -> Array:
    """What ``rule`` lets in of ``demand`` (S, J, T, B), period by period, with ``there`` (S or 1, K, Z, T) servers."""
    if rule is None:
        return demand
    sites, samples = problem.sites, len(demand)
    let_in = np.empty_like(demand)
    before = np.zeros((samples, demand.shape[1], demand.shape[3]))
    member = (sites.zone_region[None, :] == np.arange(len(sites.regions))[:, None]).astype(np.float64)
    for t in range(demand.shape[2]):
        held = np.einsum("skz,gz,kr->sgr", there[..., t], member, problem.server_types.capacity)
        capacity = np.broadcast_to(held, (samples, *held.shape[1:]))
        asked = demand[:, :, t]
        found = np.asarray(rule.admit(asked, problem=problem, capacity=capacity, before=before, period=t))
        if found.shape != asked.shape or np.any(found < 0) or np.any(found > asked * (1 + 1e-9)):
            raise ArgumentError(f"an admission rule must let in between 0 and what is asked, shape {asked.shape}")
        before = let_in[:, :, t] = found
    return let_in
