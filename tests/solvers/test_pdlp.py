"""PDLP: useful, never certified."""

import numpy as np

from capacity_opt.solvers.solve import solve
from tests.solvers.random_programs import feasible_lp, program


def test_a_first_order_answer_is_never_called_optimal_and_says_so():
    answer = solve(feasible_lp(2), solver="pdlp")
    assert answer.reason == "feasible"
    assert "not certified" in answer.message
    assert answer.bound <= answer.objective


def test_a_point_that_breaks_rows_is_dropped():
    g = np.random.default_rng(0)
    rows = g.random((60, 80))
    lp = program(g.random(80), rows, *[rows @ g.random(80) * 1000] * 2)
    answer = solve(lp, solver="pdlp", options={"termination_criteria.iteration_limit": 5})
    assert (answer.reason, answer.limit) == ("no_solution", "iterations")
    assert answer.x is None
    assert np.isnan(answer.objective)
    assert answer.bound <= solve(lp).objective
