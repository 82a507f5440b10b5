"""A user's own constraint on the Pyomo model, solved to the results that ``size_fleet`` gives."""

import numpy as np
import pyomo.environ as pyo
import pytest

from capacity_opt.errors import ArgumentError, InfeasibleError
from capacity_opt.fleet.example import example_problem
from capacity_opt.fleet.reference import build_reference, linear_program_of, solve_reference
from capacity_opt.fleet.size import size_fleet
from tests.fleet_problems import toy3, toy8

FIRST = ("standard", "eu-west-a", "2027-01")


@pytest.mark.parametrize("make", [example_problem, toy8, lambda: toy3(0.9)])
def test_without_additions_the_plan_is_that_of_size_fleet(make):
    problem = make()
    plan, expected = solve_reference(build_reference(problem)), size_fleet(problem)
    assert plan.objective == pytest.approx(expected.objective)
    assert plan.facts["added_rows"] == plan.facts["added_columns"] == 0
    np.testing.assert_allclose(plan.racks, expected.racks)
    assert [check.name for check in plan.checks] == [check.name for check in expected.checks]


def test_an_added_constraint_changes_the_plan_and_is_counted():
    model = build_reference(example_problem())
    model.at_least_three = pyo.Constraint(expr=model.racks[FIRST] >= 3)
    plan = solve_reference(model)
    assert plan.orders[0].racks == 3
    assert plan.objective > size_fleet(example_problem()).objective
    assert plan.facts["added_rows"] == 1
    assert all(check.value <= check.tolerance for check in plan.checks)


def test_an_added_variable_with_its_own_cost_is_solved_and_the_changed_objective_is_told():
    model = build_reference(example_problem())
    model.surcharge = pyo.Var(domain=pyo.NonNegativeReals)
    model.charged = pyo.Constraint(expr=model.surcharge >= 10 * model.racks[FIRST])
    model.total_cost.expr += model.surcharge
    plan, base = solve_reference(model), size_fleet(example_problem())
    assert plan.objective == pytest.approx(base.objective + 10 * plan.racks.sum())
    assert plan.facts["added_columns"] == 1
    told = {check.name: check for check in plan.checks}["cost from the inputs equals the objective"]
    assert told.value > told.tolerance


def test_a_deactivated_block_and_a_fixed_column_are_respected():
    model = build_reference(example_problem())
    model.racks[FIRST].fix(4)
    plan = solve_reference(model)
    assert plan.racks.sum() >= 4
    model = build_reference(example_problem())
    model.capacity.deactivate()
    assert solve_reference(model).racks.sum() == 0


def test_impossible_nonlinear_and_foreign_models_are_refused():
    model = build_reference(example_problem())
    model.impossible = pyo.Constraint(expr=model.stock["standard", "eu-west-a", "2027-01"] >= 10**6)
    with pytest.raises(InfeasibleError):
        solve_reference(model)
    model = build_reference(example_problem())
    model.curved = pyo.Constraint(expr=model.racks[FIRST] ** 2 <= 4)
    with pytest.raises(ArgumentError, match="curved must be linear"):
        solve_reference(model)
    with pytest.raises(ArgumentError, match="must come from build_reference"):
        solve_reference(pyo.ConcreteModel())


def test_names_are_those_of_the_array_builder():
    lp = linear_program_of(build_reference(example_problem()))
    assert "racks[standard,eu-west-a,2027-01]" in lp.column_names()
    assert "stock_balance[standard,eu-west-a,2027-04]" in lp.row_names()
