"""What ``[report]`` asks to be studied beside the plan, by solving again: waterfall, tornado, rejected plans."""

from __future__ import annotations

from collections.abc import Callable

from capacity_opt.problem.plan import FleetPlan
from capacity_opt.scenario.lever_tables import admission_factor, lever_tables
from capacity_opt.scenario.levers import LeverStudy, study_levers
from capacity_opt.scenario.read import Scenario
from capacity_opt.scenario.rejected import rejected
from capacity_opt.scenario.run_folder import Table
from capacity_opt.scenario.spec_admission import Levers
from capacity_opt.scenario.tornado import tornado
from capacity_opt.scenario.waterfall import Resolve, waterfall
from capacity_opt.scenario.worth import commitment_use, differences_table, uncertainty_table

# Seconds for each further solve: a study must not take much longer than the plan.
LIMIT = 60.0


def study_tables(
    scenario: Scenario, plan: FleetPlan, tell: Callable[[str], None], stopped: Callable[[], bool]
) -> dict[str, Table]:
    """The tables of the studies that the scenario asks for; none is begun once ``stopped()``."""
    asked, section, problem = scenario.spec.report, scenario.spec.fleet, scenario.fleet
    if section is None or problem is None:
        return {}
    limit = min(LIMIT, section.time_limit or LIMIT)
    resolve = Resolve(formulation=section.formulation, seed=scenario.seed, time_limit=limit, tell=tell)
    found: dict[str, Table] = {}
    if not stopped() and (used := commitment_use(problem, plan, resolve)) is not None:
        found["commitment_use"] = used
    if asked.uncertainty and not stopped():
        found["uncertainty"] = uncertainty_table(problem, resolve, section.gap)
    if asked.differences and not stopped():
        found["differences"] = differences_table(problem, plan, resolve, section.gap)
    if asked.waterfall and not stopped():
        found["waterfall"] = waterfall(problem, plan, resolve)
    if asked.tornado and not stopped():
        found["tornado"] = tornado(problem, resolve, per_year=scenario.timeline.per_year)
    if asked.alternatives and not stopped():
        found["rejected"] = rejected(problem, plan, resolve, count=asked.alternatives, gap=section.gap)
    if scenario.spec.levers is not None and not stopped():
        found |= lever_tables(levers_study(scenario, time_limit=limit, tell=tell), problem)
    return found


def levers_study(scenario: Scenario, *, time_limit: float, tell: Callable[[str], None]) -> LeverStudy:
    """The levers of utilization as ``[levers]`` says (everything at its default without that section)."""
    section, problem, levers = scenario.spec.fleet, scenario.fleet, scenario.spec.levers or Levers()
    assert section is not None
    assert problem is not None
    factor = 1.0
    if scenario.spec.admission is not None and scenario.requests and levers.admission:
        how = {"samples": problem.samples, "seed": scenario.seed}
        factor = admission_factor(problem, scenario.requests, scenario.spec.admission, **how, tell=tell)
    return study_levers(
        problem,
        levers,
        formulation=section.formulation,
        seed=scenario.seed,
        per_year=scenario.timeline.per_year,
        admission_factor=factor,
        time_limit=time_limit,
        tell=tell,
    )
