"""Cost waterfall: from what mean demand alone would cost to what the plan costs, one cause at a time.

The problem is solved again with everything but mean demand taken out, then with one cause after the other put back, in
this order, with the same samples throughout:

``mean``         demand flat at its mean over samples, periods and blocks; any number of servers, at once; resources
                 exchangeable (counted in shares of what is asked in all: a relaxation, so that nothing is stranded)
``peak``         the mean of each period and block
``uncertainty``  every sample, with the scenario's formulation and promises
``failover``     the protected shares while a zone is lost, and outages
``lead_time``    the lead times (of racks already ordered too), the frozen window, late deliveries
``stranding``    each resource by itself
``lots``         whole racks, least orders and changes: what is left to the plan's own cost, its gap included
``total``        the plan's objective

The amounts sum to the total exactly. A step that has no solution of its own is counted with the next one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from capacity_opt.demand.paths import GivenSamples
from capacity_opt.errors import InfeasibleError, LimitError, SolverError
from capacity_opt.fleet.size import evaluate_fleet, size_fleet
from capacity_opt.problem.disruptions import GivenDisruptions
from capacity_opt.problem.fleet import DisruptionPaths, FleetProblem
from capacity_opt.problem.plan import FleetPlan
from capacity_opt.scenario.run_folder import Table, table_of

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

COLUMNS = ("step", "EffectiveCost", "cumulative", "status", "BillingCurrency")
LAST, TOTAL = "lots", "total"
NOT_SOLVED = "counted with the next step"


@dataclass(frozen=True, kw_only=True)
class Resolve:
    """How problems are solved again: as the plan was, ``time_limit`` seconds each; ``tell`` is told what begins."""

    formulation: str
    seed: int
    time_limit: float
    tell: Callable[[str], None]

    def plan(self, problem: FleetProblem, *, formulation: str | None = None) -> FleetPlan:
        """The cheapest plan; raises as ``size_fleet`` does."""
        chosen = formulation or self.formulation
        plan = size_fleet(problem, formulation=chosen, seed=self.seed, time_limit=self.time_limit)
        return plan.uninterrupted()

    def cost(self, plan: FleetPlan, problem: FleetProblem) -> FleetPlan:
        """``plan``'s decisions in ``problem``; raises as ``evaluate_fleet`` does."""
        return evaluate_fleet(plan, problem, formulation=self.formulation, seed=self.seed, time_limit=self.time_limit)


@dataclass(frozen=True)
class _OnTime:
    """Disruptions without late deliveries."""

    given: DisruptionPaths

    def draw(self, count: int, *, seed: int) -> tuple[Array, IntArray]:
        available, delay = self.given.draw(count, seed=seed)
        return available, np.zeros_like(delay)


def divisible(problem: FleetProblem, seed: int) -> FleetProblem:
    """The problem with any fraction of a rack and no least order or change, its samples drawn once and for all."""
    supply = replace(problem.supply, order_minimum=np.zeros_like(problem.supply.order_minimum))
    stability = None if problem.stability is None else replace(problem.stability, minimum_change=0.0)
    values, chance = problem.demand.draw(problem.samples, seed=seed)
    drawn = GivenSamples(values, chance)
    return replace(problem, integer=False, supply=supply, stability=stability, demand=drawn, samples=len(chance))


def waterfall(problem: FleetProblem, plan: FleetPlan, resolve: Resolve) -> Table:
    """The steps from mean demand to ``plan``, which was made for ``problem``; see the module for their order."""
    rows: list[tuple[str, float, float, str]] = []
    level = 0.0
    for step, formulation, trial in _trials(divisible(problem, resolve.seed), resolve):
        resolve.tell(f"cost waterfall: {step}")
        try:
            found = resolve.plan(trial, formulation=formulation)
            cost, status = found.objective, found.status
        except (InfeasibleError, LimitError, SolverError):
            cost, status = level, NOT_SOLVED
        rows.append((step, cost - level, cost, status))
        level = cost
    residual = plan.objective - math.fsum(amount for _, amount, _, _ in rows)
    rows.append((LAST, residual, plan.objective, plan.status))
    summed = math.fsum(amount for _, amount, _, _ in rows)
    assert math.isclose(summed, plan.objective, rel_tol=1e-12, abs_tol=1e-9), (summed, plan.objective)
    rows.append((TOTAL, plan.objective, plan.objective, plan.status))
    currency = problem.finance.currency
    return table_of([dict(zip(COLUMNS, (*row, currency), strict=True)) for row in rows], COLUMNS)


def _trials(full: FleetProblem, resolve: Resolve) -> Iterator[tuple[str, str, FleetProblem]]:
    """Step, formulation and problem, from the fluid one to the full one."""
    pooled = exchangeable(full)
    at_once = without_lead_time(pooled)
    unprotected = replace(
        at_once,
        disruptions=None,
        service=replace(at_once.service, protected_share=np.full_like(at_once.service.protected_share, np.nan)),
    )
    yield "mean", "deterministic", flat(unprotected)
    yield "peak", "deterministic", unprotected
    yield "uncertainty", resolve.formulation, unprotected
    yield "failover", resolve.formulation, at_once
    yield "lead_time", resolve.formulation, pooled
    yield "stranding", resolve.formulation, full


def flat(problem: FleetProblem) -> FleetProblem:
    """Demand certain and the same in every period and block: its mean."""
    values, chance = problem.demand.draw(problem.samples, seed=0)
    weight = problem.block_share / values.shape[2]
    mean = np.einsum("sjtb,s,b->j", values, chance, weight)
    even = np.broadcast_to(mean[None, :, None, None], (1, *values.shape[1:])).copy()
    return replace(problem, demand=GivenSamples(even, np.ones(1)), samples=1)


def without_lead_time(problem: FleetProblem) -> FleetProblem:
    """Every order serves in its own period, from the first period on, and none comes late."""
    supply = replace(problem.supply, lead_time=np.zeros_like(problem.supply.lead_time), first_order=0)
    on_time: DisruptionPaths | None = None
    if isinstance(problem.disruptions, GivenDisruptions):
        on_time = replace(problem.disruptions, delay=np.zeros_like(problem.disruptions.delay))
    elif problem.disruptions is not None:
        on_time = _OnTime(problem.disruptions)
    return replace(problem, supply=supply, disruptions=on_time)


def exchangeable(problem: FleetProblem) -> FleetProblem:
    """One resource in the place of all: the sum of each one's share of what is asked, so that only totals must fit.

    Every plan of the problem is a plan of this one. A server without a resource that a group needs still cannot
    serve it.
    """
    groups, types = problem.groups, problem.server_types
    values, chance = problem.demand.draw(problem.samples, seed=0)
    need = groups.usage / groups.overcommit
    asked = np.einsum("sjtb,s,b,jr->r", values, chance, problem.block_share, need)
    weight = np.divide(1.0, asked, out=np.zeros_like(asked), where=asked > 0) * max(float(asked.max(initial=0.0)), 1.0)
    lacking = np.any((need[:, None, :] > 0) & (types.capacity[None] <= 0), axis=2)
    return replace(
        problem,
        resources=("all resources",),
        server_types=replace(types, capacity=(types.capacity @ weight)[:, None]),
        groups=replace(
            groups,
            usage=(need @ weight)[:, None],
            overcommit=np.ones((len(need), 1)),
            compatible=groups.compatible & ~lacking,
        ),
        utilization_floor=None,
    )
