"""CP-SAT: whole numbers exactly, or a reason why not."""

import numpy as np

from capacity_opt.solvers.cp_sat import WholeProgram, to_whole_numbers
from capacity_opt.solvers.solve import solve
from tests.solvers.random_programs import integer_program, program


def test_rows_and_costs_are_scaled_by_the_smallest_power_of_ten():
    lp = program([0.5, 2], [[1, 2], [0.01, 3]], [0, 0], [5, 5], column_upper=[3, 3], integer=[True, True])
    whole = to_whole_numbers(lp)
    assert isinstance(whole, WholeProgram)
    assert whole.cost.tolist() == [5, 20]
    assert whole.row_factor.tolist() == [1, 100]
    assert whole.entries.tolist() == [1, 2, 1, 300]


def test_fractional_bounds_are_rounded_inwards():
    lp = program([-1.0], [[2.0]], [-np.inf], [7.9], column_upper=[9.5], integer=[True])
    assert solve(lp, solver="cp_sat").x.tolist() == [3.0]


def test_a_column_without_a_whole_number_inside_its_bounds_is_infeasible():
    lp = program([1.0], [[1.0]], [-np.inf], [9.0], column_lower=[1.2], column_upper=[1.8], integer=[True])
    assert solve(lp, solver="cp_sat").reason == "infeasible"
    assert solve(lp).reason == "infeasible"


def test_progress_and_start_are_used():
    heard = []
    lp = integer_program(4, columns=6)
    first = solve(lp, solver="cp_sat", gap=0.0, progress=lambda *told: heard.append(told))
    again = solve(lp, solver="cp_sat", gap=0.0, start=first.x)
    assert heard
    assert heard[-1][1] == first.objective
    assert again.objective == first.objective
