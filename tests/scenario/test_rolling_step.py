"""Ways of planning compared from a scenario."""

from pathlib import Path

import numpy as np
import pytest

from capacity_opt import read_scenario
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
