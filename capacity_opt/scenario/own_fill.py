"""The fill rates of a plan in the very samples that it was made from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from capacity_opt.demand.paths import GivenSamples
from capacity_opt.fleet.outcomes import sample_demand
from capacity_opt.problem.disruptions import GivenDisruptions
from capacity_opt.problem.plan import FleetPlan
from capacity_opt.scenario.read import Scenario
from capacity_opt.simulation.fleet import simulate_fleet

Array = NDArray[np.float64]


def own_fill(scenario: Scenario, plan: FleetPlan) -> Array:
    """(C, T) fill per period in the very samples that the plan was made from."""
    problem, section = scenario.fleet, scenario.spec.fleet
    assert problem is not None
    assert section is not None
    values, chance = sample_demand(problem, seed=scenario.seed)
    disruptions = problem.disruptions
    if section.formulation == "deterministic":
        values, chance = np.tensordot(chance, values, 1)[None], np.ones(1)
        disruptions = None if isinstance(disruptions, GivenDisruptions) else disruptions
    seen = replace(problem, demand=GivenSamples(values, chance), disruptions=disruptions)
    return np.asarray(simulate_fleet(plan, seen, samples=max(2, len(chance)), seed=scenario.seed).fill_by_period.value)
