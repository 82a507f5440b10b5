"""Ways of planning compared from a scenario."""

from pathlib import Path

import numpy as np
import pytest

from capacity_opt import read_scenario
from capacity_opt.fleet.planners import fleet_planners
from capacity_opt.scenario import rolling_step
from capacity_opt.scenario.rolling_step import roll, rolling_answer, rolling_tables
from capacity_opt.scenario.spec_judge import Rolling

QUICKSTART = Path(__file__).parents[2] / "scenarios" / "quickstart"


def test_policies_meet_the_same_paths_and_the_cheapest_comes_first():
    problem = read_scenario(QUICKSTART).fleet
    section = Rolling(policies=["safety_factor", "two_stage"], paths=2, freeze=6, samples=8, safety_factor=1.3)
    told = []
    found = roll(problem, section, 5, told.append, lambda: False)
    assert found["two_stage"].plans == 2
    np.testing.assert_array_equal(found["two_stage"].asked, found["safety_factor"].asked)
    tables = rolling_tables(found, problem)
    costs = tables["rolling"].columns["cost"]
    assert list(costs) == sorted(costs)
    assert tables["rolling"].columns["dearer"][1] == pytest.approx(costs[1] - costs[0])
    assert len(tables["rolling_availability"]) == 2 * len(problem.groups.classes)
    answer = rolling_answer(found, problem)
    assert answer.startswith("planned again and again over 2 paths, ")
    assert "costs least" in answer
    assert set(tables["rolling"].columns["kept"]) <= {True, False}
    assert not roll(problem, section, 5, told.append, lambda: True)


@pytest.mark.parametrize(("refresh", "solved"), [(True, 1 + 3), (False, 2)])
def test_a_problem_that_several_paths_pose_is_solved_once(refresh, solved, monkeypatch):
    problem, posed = read_scenario(QUICKSTART).fleet, []
    section = Rolling(policies=["safety_factor"], paths=3, freeze=6, samples=8, refresh=refresh)

    def counted(*args, **settings):
        def planner(standing):
            posed.append(standing)
            return each(standing)

        each = fleet_planners(*args, **settings)["safety_factor"]
        return {"safety_factor": planner}

    monkeypatch.setattr(rolling_step, "fleet_planners", counted)
    found = roll(problem, section, 5, str, lambda: False)["safety_factor"]
    assert len(posed) == solved
    monkeypatch.setattr(rolling_step, "_planned_once", lambda planner, case: planner)
    afresh = roll(problem, section, 5, str, lambda: False)["safety_factor"]
    assert len(posed) == solved + 2 * 3
    np.testing.assert_array_equal(found.racks, afresh.racks)
    np.testing.assert_array_equal(found.cost, afresh.cost)
    np.testing.assert_array_equal(found.churn, afresh.churn)
