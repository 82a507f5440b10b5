"""A warm session gives the answers of a cold solve, after any change."""

import numpy as np
import pytest
from scipy import sparse

from capacity_opt.errors import ArgumentError
from capacity_opt.solvers.highs_session import Basis, HighsSession
from capacity_opt.solvers.solve import solve
from tests.solvers.random_programs import feasible_lp, integer_program, program


def same(session):
    warm, cold = session.solve(), solve(session.lp)
    assert warm.reason == cold.reason
    if cold.has_point:
        assert warm.objective == pytest.approx(cold.objective, abs=1e-8)
    return warm


@pytest.mark.parametrize("seed", range(15))
def test_any_sequence_of_changes_gives_the_answer_of_a_cold_solve(seed):
    g = np.random.default_rng(seed)
    session = HighsSession(feasible_lp(seed), watched=bool(seed % 2))
    same(session)
    session.set_row_bounds([0, 2], session.lp.row_lower[[0, 2]] - 1.0, session.lp.row_upper[[0, 2]] + 0.5)
    same(session)
    session.set_costs([1, 3], g.integers(-9, 9, 2))
    session.set_column_bounds([2], 0.5, 3.0)
    same(session)
    added = session.add_rows(sparse.csr_array(g.integers(0, 3, (2, 6)).astype(float)), -np.inf, [20.0, 25.0])
    assert added.tolist() == [5, 6]
    same(session)
    new = session.add_columns(sparse.csc_array(g.integers(-2, 3, (7, 2)).astype(float)), [1.0, -2.0], 0.0, [1.0, 2.0])
    assert new.tolist() == [6, 7]
    same(session)
    session.delete_rows([1, 5])
    assert session.lp.rows == 5
    same(session)


@pytest.mark.parametrize("seed", range(8))
def test_relaxing_and_restoring_integers(seed):
    session = HighsSession(integer_program(seed, mixed=True))
    first = same(session)
    session.relax()
    relaxed = same(session)
    session.relax(False)
    again = same(session)
    if first.has_point:
        assert relaxed.objective <= first.objective + 1e-9
        assert again.objective == pytest.approx(first.objective)


def large():
    g = np.random.default_rng(3)
    n = 300
    rows = (g.random((n, n)) < 0.03) * g.random((n, n))
    return program(-g.random(n), rows, np.full(n, -np.inf), rows @ g.random(n) + 0.1, column_upper=np.full(n, 5.0))


def test_a_second_solve_is_warm_and_a_basis_can_be_carried_over():
    session = HighsSession(large())
    cold = session.solve()
    session.set_row_bounds([0], -np.inf, session.lp.row_upper[0] * 1.1)
    warm = session.solve()
    assert warm.iterations < cold.iterations / 10
    other = HighsSession(session.lp)
    other.basis = session.basis
    assert other.solve().iterations == 0


def test_the_time_limit_counts_from_each_solve():
    session = HighsSession(large())
    for i in range(6):
        session.set_costs(np.arange(300), -np.random.default_rng(i).random(300))
        answer = session.solve(time_limit=60.0)
        assert answer.reason == "optimal"
    assert session.engine.getOptionValue("time_limit")[1] > 60.0


def test_wrong_places_and_shapes_are_named():
    session = HighsSession(feasible_lp(0))
    with pytest.raises(ArgumentError, match="rows must be below 5, got 9"):
        session.set_row_bounds([9], 0.0, 1.0)
    with pytest.raises(ArgumentError, match="basis is for 1 columns"):
        session.basis = Basis(columns=np.zeros(1, dtype=np.int8), rows=np.zeros(1, dtype=np.int8))
    assert HighsSession(feasible_lp(0)).basis is None
