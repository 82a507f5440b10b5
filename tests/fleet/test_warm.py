"""Warm starts: the same cost as from cold, found in fewer steps."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from capacity_opt import FleetPlanner, WarmStart, read_scenario, roll_fleet, size_fleet
from capacity_opt.fleet.arrays import Block
from capacity_opt.fleet.warm import _keep, _put

QUICKSTART = Path(__file__).parents[2] / "scenarios" / "quickstart"

GAP = 2e-2


@pytest.fixture(scope="module")
def problem():
    return replace(read_scenario(QUICKSTART).fleet, integer=False)


def later(problem, plan):
    """The problem three periods on, the plan's first orders being on their way."""
    racks = plan.racks * (np.arange(12) < 3)
    supply = replace(problem.supply, placed=problem.supply.placed + racks, first_order=3)
    return replace(problem, supply=supply)


@pytest.mark.parametrize(
    ("path", "formulation", "integer"),
    [("decomposition", "two_stage", False), ("extensive", "two_stage", False), ("extensive", "two_stage", True),
     ("extensive", "cvar", False), ("decomposition", "two_stage", True)],
)  # fmt: skip
def test_a_plan_from_the_one_before_costs_what_it_costs_from_cold(problem, path, formulation, integer):
    asked = {"path": path, "formulation": formulation, "samples": 2 if integer else 5, "gap": GAP}
    finance = replace(problem.finance, risk_weight=0.5 if formulation == "cvar" else 0.0)
    problem, warm = replace(problem, integer=integer, finance=finance), WarmStart()
    first = size_fleet(problem, warm=warm, **asked)
    second = later(problem, first)
    hot, cold = size_fleet(second, warm=warm.copy(), **asked), size_fleet(second, **asked)
    assert hot.objective == pytest.approx(cold.objective, rel=GAP if integer else 2e-6)
    assert all(check.passed for check in hot.checks)
    if not integer:
        again = size_fleet(problem, warm=warm, **asked)
        assert again.objective == pytest.approx(first.objective, rel=2e-6)
        assert again.facts["iterations"] < 0.7 * first.facts["iterations"]


def test_values_go_where_the_next_program_has_the_same_labels():
    old = {"racks": Block(name="racks", labels=(["a", "b"], ["1", "2", "3"]), index=np.arange(6).reshape(2, 3))}
    new = Block(name="racks", labels=(["b", "c"], ["2", "3", "4"]), index=np.array([[0, -1, 1], [2, 3, 4]]))
    other = {"racks": new, "retired": replace(new, name="retired", index=new.index + 5)}
    kept = _keep(old, np.arange(6.0))
    np.testing.assert_array_equal(_put(kept, other, 10), [4, *[np.nan] * 9])
    np.testing.assert_array_equal(_put(kept, old, 6), np.arange(6))


def test_a_rolling_planner_costs_the_same_with_and_without_memory(problem):
    paths, _ = problem.demand.draw(2, seed=3)
    asked = {"policy": "two_stage", "samples": 4}
    costs = [roll_fleet(problem, FleetPlanner(**asked, warm=warm), paths, freeze=6).cost for warm in (True, False)]
    np.testing.assert_allclose(*costs, rtol=1e-5)
