"""Processes that share the samples of a recourse problem find what one process finds."""

import numpy as np
import pytest

from capacity_opt.solvers.solve import solve
from capacity_opt.solvers.stochastic import oracle
from capacity_opt.solvers.stochastic.benders import solve_two_stage
from capacity_opt.solvers.stochastic.oracle import Oracle
from capacity_opt.solvers.stochastic.program import extensive_form
from tests.solvers.stochastic.test_benders import random_program


@pytest.fixture(autouse=True)
def _large_recourse(monkeypatch):
    monkeypatch.setattr(oracle, "LARGEST_GRAPH_ROWS", 0)


@pytest.mark.parametrize(("seed", "complete"), [(1, True), (2, False)])
def test_workers_equal_one_process_and_the_extensive_form(seed, complete):
    program = random_program(seed, complete=complete, samples=7)
    shared = solve_two_stage(program, workers=2, time_limit=60)
    alone = solve_two_stage(program, time_limit=60)
    whole = solve(extensive_form(program), time_limit=60)
    assert shared.reason == alone.reason == whole.reason
    if whole.reason == "optimal":
        assert shared.objective == pytest.approx(whole.objective, rel=2e-6)
        assert shared.objective == pytest.approx(alone.objective, rel=2e-6)


def test_every_number_of_an_evaluation_comes_back_from_the_workers():
    program = random_program(5, samples=5)
    point = np.ones(program.first.columns)
    with_workers, alone = Oracle(program, workers=3).evaluate(point), Oracle(program).evaluate(point)
    for there, here in zip(with_workers.values, alone.values, strict=True):
        np.testing.assert_allclose(there.sample_values, here.sample_values, rtol=1e-9, atol=1e-9)
        assert there.value == pytest.approx(here.value)
    np.testing.assert_allclose(with_workers.cost, alone.cost)


def test_a_point_without_recourse_gives_a_cut_that_it_breaks():
    program = random_program(2, complete=False, samples=6)
    point = np.zeros(program.first.columns)
    shared = Oracle(program, workers=2)
    evaluation = shared.evaluate(point)
    if evaluation.feasible:
        pytest.fail("the program was made to have no recourse at 0")
    cuts = shared.cuts(evaluation)
    off = cuts.groups == -1
    assert np.all(cuts.slopes[off] @ point < cuts.levels[off])
