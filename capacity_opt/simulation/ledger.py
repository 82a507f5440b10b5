"""What a plan costs, recomputed from its decisions: present value by component and sample.

Money of period t is worth (1 + discount_rate) ** -t. ``capital`` follows ``Finance.capital``: ``cash`` pays the price
when ordered and gets salvage back for what is left at the end of life or of the horizon; ``amortised`` pays an equal
annuity in every period of service whose present value over the whole life is the price less salvage.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import ArgumentError
from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.problem.plan import FleetPlan
from capacity_opt.simulation.dispatch import Served
from capacity_opt.simulation.supplied import arrivals, servers_ordered

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


def ledger(
    plan: FleetPlan, problem: FleetProblem, served: Served, service: Array, delay: IntArray
) -> Mapping[str, Array]:
    """Every component per sample, (S,): ``service`` (S or 1, K, Z, T) servers in service, ``delay`` (S or 1, K, Z)."""
    worth = (1.0 + problem.finance.discount_rate) ** -np.arange(float(len(problem.periods)))
    samples = len(served.unmet)
    short = np.einsum("sjtb,b,t,j->s", served.unmet, problem.block_share, worth, np.nan_to_num(problem.service.penalty))
    opex = np.einsum("skzt,kzt,t->s", service, problem.supply.opex, worth)
    parts = {
        "capital": _spread(_capital(plan, problem, np.zeros_like(delay[:1])), samples),
        "opex": _spread(opex, samples),
        "retirement": _spread(_retirement(plan, problem, worth), samples),
        "commitment": _spread(_commitments(plan, problem, worth), samples),
        **_bought(problem, served, worth),
        "substitution": served.substitution @ worth,
        "spill": served.spill @ worth,
        "penalty": short,
    }
    if problem.stability is not None:
        changed = np.abs(plan.racks - problem.stability.last).sum(axis=(1, 2)) @ problem.stability.change_cost
        parts["plan_change"] = _spread(np.array([changed]), samples)
    return parts


def _spread(values: Array, samples: int) -> Array:
    return np.broadcast_to(values, (samples,))


def _retirement(plan: FleetPlan, problem: FleetProblem, worth: Array) -> Array:
    each = problem.supply.retirement_cost - problem.supply.salvage
    return np.array([np.einsum("kzt,k,t->", plan.retired, each, worth)])


def _commitments(plan: FleetPlan, problem: FleetProblem, worth: Array) -> Array:
    """Each commitment pays the price of its first period for its term, as far as it lies in the horizon."""
    options, total = problem.options, 0.0
    for m, kind in enumerate(options.kind):
        if kind == "commitment":
            for u in range(len(worth)):
                total += plan.committed[m, u] * options.price[m, u] * worth[u : u + int(options.term[m])].sum()
    return np.array([total])


def _bought(problem: FleetProblem, served: Served, worth: Array) -> dict[str, Array]:
    options, samples = problem.options, len(served.unmet)
    found = {"on_demand": np.zeros(samples), "spot": np.zeros(samples)}
    for m, kind in enumerate(options.kind):
        if kind != "commitment":
            found[kind] = found[kind] + served.bought[:, :, m] @ (options.price[m] * worth)
    return found


def _capital(plan: FleetPlan, problem: FleetProblem, delay: IntArray) -> Array:
    """Present value of all servers ordered, per row of ``delay``, (S,); what is paid follows the plan, so the ledger
    asks with no delay."""
    each = _cash_each if problem.finance.capital == "cash" else _amortised_each
    ordered, arrive = servers_ordered(plan, problem), arrivals(problem, delay)
    total = np.zeros(len(delay))
    for k, z, u in np.argwhere(ordered > 0):
        value = [each(problem, int(k), int(z), int(u), int(arrival)) for arrival in arrive[:, k, z, u]]
        total += ordered[k, z, u] * np.array(value)
    return total


def _cash_each(problem: FleetProblem, k: int, z: int, u: int, arrival: int) -> float:
    growth, periods = 1.0 + problem.finance.discount_rate, len(problem.periods)
    cost = float(problem.supply.price[k, z, u]) * growth**-u
    if arrival >= periods:
        return cost
    end = min(arrival + float(problem.server_types.life[k]), float(periods))
    left = (1.0 - float(problem.server_types.failure_rate[k])) ** (end - arrival)
    return float(cost - float(problem.supply.salvage[k]) * left * growth**-end)


def _amortised_each(problem: FleetProblem, k: int, z: int, u: int, arrival: int) -> float:
    growth, life = 1.0 + problem.finance.discount_rate, float(problem.server_types.life[k])
    if not np.isfinite(life):
        name = problem.server_types.names[k]
        raise ArgumentError(f"life must be finite where capital is 'amortised', got inf for {name}. Give it a life")
    whole_life = np.sum(growth ** -(arrival + np.arange(life)))
    price = float(problem.supply.price[k, z, u]) * growth**-u
    salvage = float(problem.supply.salvage[k]) * growth ** -(arrival + life)
    charged = np.arange(arrival, min(arrival + life, len(problem.periods)))
    return float((price - salvage) / whole_life * np.sum(growth**-charged))
