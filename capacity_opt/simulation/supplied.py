"""What a fleet plan really puts in service, recomputed from its orders; the plan's own stock is not trusted.

An order placed in u serves from u + lead time (+ its delay) on, loses ``failure_rate`` of what is left per period and
leaves after ``life`` periods. Early retirement takes servers of the past: of those retired in u, the share
initial[t] / initial[u] would still have been there in t.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.problem.plan import FleetPlan

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


def servers_ordered(plan: FleetPlan, problem: FleetProblem) -> Array:
    """Servers ordered in each period, by this plan and before it, (K, Z, T)."""
    servers: Array = (plan.racks + problem.supply.placed) * problem.server_types.lot[:, None, None]
    return servers


def arrivals(problem: FleetProblem, delay: IntArray) -> IntArray:
    """The period from which an order placed in u serves, (S, K, Z, T), for ``delay`` (S, K, Z)."""
    return (problem.supply.lead_time + delay)[..., None] + np.arange(len(problem.periods))


def servers_in_service(plan: FleetPlan, problem: FleetProblem, delay: IntArray) -> Array:
    """Servers in service, (S, K, Z, T), one row per row of ``delay`` (S, K, Z)."""
    periods = len(problem.periods)
    types, supply = problem.server_types, problem.supply
    ordered, arrive = servers_ordered(plan, problem), arrivals(problem, delay)
    alive = (1.0 - types.failure_rate)[:, None]
    service = np.broadcast_to(
        supply.initial - retired_effect(plan.retired, supply.initial), (len(delay), *ordered.shape)
    )
    service = service.copy()
    for u in range(periods):
        if not ordered[..., u].any():
            continue
        for t in range(u, periods):
            age = t - arrive[..., u]
            working = (age >= 0) & (age < types.life[:, None])
            service[..., t] += np.where(working, ordered[..., u] * alive ** np.maximum(age, 0), 0.0)
    return np.maximum(service, 0.0)


def retired_effect(retired: Array, initial: Array) -> Array:
    """Servers of the past that are missing in each period because they were retired early, (K, Z, T)."""
    missing = np.zeros_like(initial)
    for u in range(initial.shape[2]):
        before = initial[..., u]
        share = np.divide(initial, before[..., None], out=np.zeros_like(initial), where=before[..., None] > 0)
        missing[..., u:] += retired[..., u, None] * np.minimum(share[..., u:], 1.0)
    return missing


def committed_units(plan: FleetPlan, problem: FleetProblem) -> Array:
    """Units of each commitment in force, (M, T)."""
    return in_force(plan.committed, problem.options.term, len(problem.periods))


def in_force(committed: Array, term: IntArray, periods: int) -> Array:
    """``committed`` (M, T) by the period in which each commitment begins, as units in force, (M, T)."""
    force = np.zeros_like(committed)
    for m, length in enumerate(term):
        for u in range(periods):
            force[m, u : u + int(length)] += committed[m, u]
    return force
