"""Every backend keeps one contract: it says what it cannot take, and what it answers is right or says it is not."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from capacity_opt.errors import ArgumentError, SolverError
from capacity_opt.solvers.solve import BACKENDS, solve
from capacity_opt.solvers.verify import verify
from tests.solvers.random_programs import enumerate_integers, feasible_lp, integer_program, program

LINEAR = ["highs", "glop", "pdlp"]
WHOLE = ["highs", "cp_sat", "scip"]
MIXED = ["highs", "scip"]


def within(value, expected, tolerance=1e-6):
    return abs(value - expected) <= tolerance * max(1.0, abs(expected))


@pytest.mark.parametrize("name", sorted(BACKENDS))
def test_supports_answers_none_or_a_reason_and_solve_refuses_with_it(name):
    for lp in (feasible_lp(1), integer_program(1), integer_program(1, mixed=True)):
        reason = BACKENDS[name].supports(lp)
        if reason is None:
            assert solve(lp, solver=name).solver in ("highs", name)
        else:
            assert "use solver=" in reason
            with pytest.raises(SolverError, match=f"{name} cannot take this program"):
                solve(lp, solver=name)


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("name", LINEAR)
def test_linear_backends_agree_and_their_answers_verify(name, seed):
    lp = feasible_lp(seed, columns=8, rows=6)
    expected = solve(lp).objective
    answer = solve(lp, solver=name)
    assert answer.has_point
    assert within(answer.objective, expected)
    assert answer.bound <= expected + 1e-7 * max(1.0, abs(expected))
    checked = verify(lp, answer)
    assert checked.passed, checked.failures
    assert answer.reason == ("feasible" if name == "pdlp" else "optimal")


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("name", WHOLE)
def test_integer_backends_equal_enumeration(name, seed):
    lp = integer_program(seed)
    best = enumerate_integers(lp)
    answer = solve(lp, solver=name, gap=0.0)
    assert verify(lp, answer, gap=0.0).passed
    if np.isinf(best):
        assert answer.reason == "infeasible"
    else:
        assert (answer.reason, answer.objective) == ("optimal", pytest.approx(best, abs=1e-9))


@pytest.mark.parametrize("seed", range(25))
def test_mixed_backends_agree_and_their_answers_verify(seed):
    lp = integer_program(seed, columns=7, mixed=True)
    answers = [solve(lp, solver=name, gap=0.0) for name in MIXED]
    for answer in answers:
        checked = verify(lp, answer, gap=0.0)
        assert checked.passed, (answer.solver, checked.failures)
    assert len({answer.reason for answer in answers}) == 1
    if answers[0].has_point:
        assert within(answers[1].objective, answers[0].objective)


@pytest.mark.parametrize("name", LINEAR)
def test_infeasible_and_unbounded_never_come_with_a_point(name):
    infeasible = solve(program([1.0], [[1.0], [1.0]], [3, -np.inf], [np.inf, 2]), solver=name)
    unbounded = solve(program([-1.0, 0.0], [[1.0, -1.0]], [-np.inf], [1.0]), solver=name)
    assert infeasible.x is None
    assert unbounded.x is None
    if name != "pdlp":
        assert (infeasible.reason, unbounded.reason) == ("infeasible", "unbounded")


@pytest.mark.parametrize("name", sorted(BACKENDS))
def test_unknown_options_are_refused_by_name(name):
    lp = integer_program(1) if name in WHOLE else feasible_lp(1)
    with pytest.raises(ArgumentError, match="warp_speed"):
        solve(lp, solver=name, options={"warp_speed": 9})


def transformed(lp, seed):
    """Permuted rows and columns, rescaled rows and money; and how to read the point back."""
    g = np.random.default_rng(seed)
    columns, rows = g.permutation(lp.columns), g.permutation(lp.rows)
    scale = 2.0 ** g.integers(-6, 7, lp.rows)
    matrix = sparse.csr_array(sparse.diags_array(scale[rows]) @ lp.matrix[rows][:, columns])
    return replace(
        lp,
        cost=2 * lp.cost[columns],
        offset=2 * lp.offset,
        matrix=matrix,
        row_lower=(lp.row_lower * scale)[rows],
        row_upper=(lp.row_upper * scale)[rows],
        column_lower=lp.column_lower[columns],
        column_upper=lp.column_upper[columns],
        integer=lp.integer[columns],
    )


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("name", sorted(BACKENDS))
def test_permuting_scaling_and_doubling_costs_doubles_the_optimum(name, seed):
    lp = integer_program(seed) if name in WHOLE else feasible_lp(seed)
    other = transformed(lp, seed)
    if BACKENDS[name].supports(other) is not None:
        pytest.skip("scaled coefficients have too many decimals for whole numbers")
    before, after = solve(lp, solver=name, gap=0.0), solve(other, solver=name, gap=0.0)
    assert before.reason == after.reason
    if before.has_point:
        assert within(after.objective, 2 * before.objective)


def test_cp_sat_scales_decimals_exactly_and_says_what_it_cannot():
    lp = program([0.1, 0.25], [[0.3, 1.5]], [1.95], [np.inf], column_upper=[9, 9], integer=[True, True])
    answer = solve(lp, solver="cp_sat", gap=0.0)
    assert answer.objective == pytest.approx(enumerate_integers(lp), abs=1e-12)
    third = replace(lp, cost=np.array([1 / 3, 1.0]))
    assert "the costs have more than 9 decimals" in BACKENDS["cp_sat"].supports(third)
    open_ended = replace(lp, column_upper=np.array([np.inf, 9.0]))
    assert "column 0 has no finite bounds" in BACKENDS["cp_sat"].supports(open_ended)
    huge = replace(lp, column_upper=np.array([1e16, 9.0]))
    assert "row 0 reaches" in BACKENDS["cp_sat"].supports(huge)
