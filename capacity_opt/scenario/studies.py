"""What ``[report]`` asks to be studied beside the plan, by solving again: waterfall, tornado, rejected plans."""

from __future__ import annotations

from collections.abc import Callable

from capacity_opt.problem.plan import FleetPlan
from capacity_opt.scenario.read import Scenario
from capacity_opt.scenario.rejected import rejected
from capacity_opt.scenario.run_folder import Table
from capacity_opt.scenario.tornado import tornado
from capacity_opt.scenario.waterfall import Resolve, waterfall

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
    if asked.waterfall and not stopped():
        found["waterfall"] = waterfall(problem, plan, resolve)
    if asked.tornado and not stopped():
        found["tornado"] = tornado(problem, resolve, per_year=scenario.timeline.per_year)
    if asked.alternatives and not stopped():
        found["rejected"] = rejected(problem, plan, resolve, count=asked.alternatives, gap=section.gap)
    return found
