"""Prices by re-solving: what one more of something really saves, whole racks and all.

Duals are slopes; with whole racks a slope says little. A finite difference is the cost now less the cost with one more
point, kW, or with one period less lead time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import InfeasibleError
from capacity_opt.fleet.size import size_fleet
from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.problem.plan import FleetPlan, Price

Array = NDArray[np.float64]

POINT = 0.01


def price_by_difference(
    problem: FleetProblem,
    plan: FleetPlan | None = None,
    *,
    formulation: str = "two_stage",
    samples: int | None = None,
    seed: int = 7,
    gap: float = 1e-4,
    time_limit: float = 300.0,
) -> tuple[Price, ...]:
    """What each of these saves (or, for service, costs): one period less lead time for every type; one more kW per zone
    with a power limit; one more rack unit; one more unit of money in every capital budget; one more point of fill
    rate, or of the probability of no shortage, per promised class. Every price is one full solve of ``problem``, on the
    same samples as ``plan`` (solved first where not given). Differences below the solve's own gap mean nothing: keep
    ``gap`` small.

    >>> from capacity_opt.fleet.example import example_problem
    >>> [(price.name, price.value) for price in price_by_difference(example_problem())]
    [('lead_time', 120.0)]
    """

    def cost(changed: FleetProblem) -> float:
        try:
            plan = size_fleet(
                changed, formulation=formulation, samples=samples, seed=seed, gap=gap, time_limit=time_limit
            )
            return plan.uninterrupted().objective
        except InfeasibleError:
            return float("inf")

    base = cost(problem) if plan is None else plan.objective
    found = [
        Price(name=name, value=base - cost(changed), unit=unit, kind="difference")
        for name, changed, unit in _easier(problem)
    ]
    found += [
        Price(name=name, value=cost(changed) - base, unit=unit, kind="difference")
        for name, changed, unit in _harder(problem)
    ]
    return tuple(found)


def _easier(problem: FleetProblem) -> Iterator[tuple[str, FleetProblem, str]]:
    supply, sites, finance = problem.supply, problem.sites, problem.finance
    if np.any(supply.lead_time > 0):
        sooner = replace(supply, lead_time=np.maximum(supply.lead_time - 1, 0))
        yield "lead_time", replace(problem, supply=sooner), "period less, every type"
    for z, zone in enumerate(sites.zones):
        for name, field, unit in (("power", "power_limit", "kW"), ("rack_units", "rack_unit_limit", "rack unit")):
            limit: Array = getattr(sites, field)
            if np.isfinite(limit[z]).any():
                more = limit + (np.arange(len(sites.zones)) == z)[:, None]
                changed = replace(sites, power_limit=more) if name == "power" else replace(sites, rack_unit_limit=more)
                yield f"{name}[{zone}]", replace(problem, sites=changed), unit
    if np.isfinite(finance.capex_budget).any() or np.isfinite(finance.cumulative_budget).any():
        richer = replace(
            finance, capex_budget=finance.capex_budget + 1, cumulative_budget=finance.cumulative_budget + 1
        )
        yield "capital_budget", replace(problem, finance=richer), f"{finance.currency} more in every budget"


def _harder(problem: FleetProblem) -> Iterator[tuple[str, FleetProblem, str]]:
    for field, words in (("fill_rate", "fill rate"), ("no_shortage_probability", "P(no shortage)")):
        promised: Array = getattr(problem.service, field)
        for c, name in enumerate(problem.groups.classes):
            step = min(POINT, (1.0 - promised[c]) / 2)
            if np.isnan(promised[c]) or step <= 0:
                continue
            raised = promised + step * (np.arange(len(promised)) == c)
            unit = f"{step * 100:.3g} percentage points of {words}"
            yield f"{field}[{name}]", replace(problem, service=replace(problem.service, **{field: raised})), unit
