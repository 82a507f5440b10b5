"""The HiGHS wrapper: answers, statuses, signs of prices, integers, threads, interruption."""

import os
import subprocess
import sys

import numpy as np
import pytest

from capacity_opt.errors import ArgumentError
from capacity_opt.solvers.solve import solve
from tests.solvers.random_programs import enumerate_integers, feasible_lp, integer_program, program


def nudged(lp, row, step):
    from dataclasses import replace

    return replace(lp, row_lower=lp.row_lower + step * row, row_upper=lp.row_upper + step * row)


@pytest.mark.parametrize("seed", range(20))
def test_row_duals_and_reduced_costs_are_the_changes_of_the_objective(seed):
    lp = feasible_lp(seed)
    base = solve(lp)
    assert base.reason == "optimal"
    assert base.gap <= 1e-9
    step = 1e-5
    for i in range(lp.rows):
        moved = nudged(lp, np.eye(lp.rows)[i], step)
        up, down = solve(moved), solve(nudged(lp, np.eye(lp.rows)[i], -step))
        if up.reason != "optimal" or down.reason != "optimal":
            continue
        left, right = (base.objective - down.objective) / step, (up.objective - base.objective) / step
        assert min(left, right) - 1e-4 <= base.row_duals[i] <= max(left, right) + 1e-4
    np.testing.assert_allclose(base.reduced_costs, lp.cost - lp.matrix.T @ base.row_duals, atol=1e-9)


def test_a_binding_lower_row_has_a_positive_dual_and_an_upper_one_a_negative_dual():
    least = solve(program([2.0], [[1.0]], [3.0], [np.inf]))
    most = solve(program([-2.0], [[1.0]], [-np.inf], [3.0]))
    assert least.row_duals[0] == pytest.approx(2.0)
    assert most.row_duals[0] == pytest.approx(-2.0)


@pytest.mark.parametrize("seed", range(30))
def test_integer_programs_equal_enumeration(seed):
    lp = integer_program(seed)
    best = enumerate_integers(lp)
    answer = solve(lp, gap=0.0)
    if np.isinf(best):
        assert answer.reason == "infeasible"
    else:
        assert answer.reason == "optimal"
        assert answer.objective == pytest.approx(best, abs=1e-9)
        assert np.array_equal(answer.x, np.rint(answer.x))
        assert answer.bound <= answer.objective


def test_small_costs_are_paid_in_full():
    """An absolute dual tolerance of 1e-7 would call any point of this program optimal."""
    n = 200
    g = np.random.default_rng(0)
    weights = g.uniform(1, 2, n) * 1e-9
    lp = program(weights, np.ones((1, n)), [1e4], [np.inf], column_upper=np.full(n, 100.0))
    order = np.sort(weights)
    answer = solve(lp)
    assert answer.reason == "optimal"
    assert answer.objective == pytest.approx(100 * order[:100].sum(), rel=1e-9)


def test_infeasible_unbounded_and_crossed_bounds_are_told_apart():
    assert solve(program([1.0], [[1.0], [1.0]], [3, -np.inf], [np.inf, 2])).reason == "infeasible"
    assert solve(program([-1.0, 0.0], [[1.0, -1.0]], [-np.inf], [1.0])).reason == "unbounded"
    crossed = solve(program([1.0], [[1.0]], [3.0], [2.0]))
    assert crossed.reason == "infeasible"
    assert "row 0" in crossed.message
    assert crossed.x is None
    assert np.isnan(crossed.objective)


def test_programs_without_rows_or_columns_are_answered():
    no_rows = program([1.0, -1.0], np.zeros((0, 2)), [], [], column_upper=[2.0, 3.0], offset=1.0)
    assert solve(no_rows).objective == -2.0
    no_columns = program([], np.zeros((1, 0)), [-1.0], [1.0], offset=7.0)
    assert solve(no_columns).objective == 7.0
    assert solve(program([], np.zeros((1, 0)), [1.0], [1.0])).reason == "infeasible"


def test_changing_the_number_of_threads_in_one_process_never_breaks_an_answer():
    expected = solve(feasible_lp(3)).objective
    for threads in (1, 2, 1, 4, None, 2):
        answer = solve(feasible_lp(3), threads=threads)
        assert answer.reason == "optimal", threads
        assert answer.objective == pytest.approx(expected)


def test_someone_else_changing_the_pool_is_survived():
    import highspy

    solve(feasible_lp(3), threads=2)
    other = highspy.Highs()
    other.setOptionValue("output_flag", False)
    highspy.Highs.resetGlobalScheduler(True)
    other.setOptionValue("threads", 1)
    other.addVar(0.0, 1.0)
    other.run()
    answer = solve(feasible_lp(3), threads=2)
    assert answer.reason == "optimal"


def test_a_time_limit_gives_a_point_with_its_bound():
    g = np.random.default_rng(5)
    rows = g.integers(1, 60, (40, 200))
    lp = program(
        -g.integers(1, 60, 200),
        rows,
        np.full(40, -np.inf),
        rows.sum(axis=1) / 3,
        column_upper=np.ones(200),
        integer=np.ones(200, dtype=bool),
    )
    answer = solve(lp, gap=0.0, time_limit=1.0)
    assert (answer.reason, answer.limit) == ("feasible", "time")
    assert answer.bound < answer.objective < 0
    assert answer.gap == pytest.approx((answer.objective - answer.bound) / abs(answer.objective))
    assert np.all(lp.matrix @ answer.x <= lp.row_upper + 1e-6)


def test_unknown_solver_option_and_number_are_named():
    lp = feasible_lp(0)
    with pytest.raises(ArgumentError, match="solver must be one of .*highs"):
        solve(lp, solver="gurobi")
    with pytest.raises(ArgumentError, match="simplex_speed"):
        solve(lp, options={"simplex_speed": 3})
    with pytest.raises(ArgumentError, match="cost must not hold NaN.*position 1"):
        solve(program([1.0, np.nan], [[1.0, 1.0]], [1.0], [2.0]))
    with pytest.raises(ArgumentError, match="time_limit must be finite"):
        solve(lp, time_limit=np.inf)


STOPPED = """
import os, signal, sys, threading, time
import numpy as np
from capacity_opt.solvers.solve import solve
from tests.solvers.random_programs import program
g = np.random.default_rng(1)
rows = g.integers(1, 60, (40, 200))
lp = program(-g.integers(1, 60, 200), rows, np.full(40, -np.inf), rows.sum(axis=1) / 3,
             column_upper=np.ones(200), integer=np.ones(200, dtype=bool))
sent = []
def press():
    time.sleep(1.5)
    sent.append(time.perf_counter())
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=press).start()
heard = []
answer = solve(lp, gap=0.0, time_limit=60, progress=lambda *told: heard.append(told))
print(answer.reason, answer.limit, answer.objective < 0, time.perf_counter() - sent[0] < 1.0, len(heard) > 1,
      heard[-1][2] <= heard[-1][1])
"""


def test_ctrl_c_keeps_the_incumbent_within_a_second_and_nothing_else_is_printed():
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    ran = subprocess.run(
        [sys.executable, "-c", STOPPED], check=False, capture_output=True, text=True, cwd=root, timeout=120
    )
    assert ran.stdout == "feasible interrupted True True True True\n", ran.stderr


def test_an_error_in_the_progress_callback_comes_through():
    g = np.random.default_rng(1)
    rows = g.integers(1, 60, (40, 200))
    lp = program(
        -g.integers(1, 60, 200),
        rows,
        np.full(40, -np.inf),
        rows.sum(axis=1) / 3,
        column_upper=np.ones(200),
        integer=np.ones(200, dtype=bool),
    )

    def fail(*told):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        solve(lp, gap=0.0, time_limit=20, progress=fail)
