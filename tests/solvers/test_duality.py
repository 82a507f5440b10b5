"""What prices prove."""

import numpy as np
import pytest

from capacity_opt.solvers.duality import dual_infeasibility, dual_slack, lagrangian_bound, reduced_costs
from capacity_opt.solvers.solve import solve
from tests.solvers.random_programs import feasible_lp, program


@pytest.mark.parametrize("seed", range(20))
def test_any_prices_give_a_bound_below_the_optimum_and_the_right_ones_reach_it(seed):
    lp, g = feasible_lp(seed), np.random.default_rng(seed)
    answer = solve(lp)
    assert lagrangian_bound(lp, answer.row_duals) == pytest.approx(answer.objective)
    for _ in range(5):
        guess = answer.row_duals + g.normal(size=lp.rows)
        guess = np.where(np.isfinite(lp.row_lower), guess, np.minimum(guess, 0))
        guess = np.where(np.isfinite(lp.row_upper), guess, np.maximum(guess, 0))
        assert lagrangian_bound(lp, guess) <= answer.objective + 1e-9


def test_a_price_at_a_missing_bound_proves_nothing_beyond_its_allowance():
    lp = program([1.0], [[1.0]], [-np.inf], [5.0])
    assert lagrangian_bound(lp, np.array([0.5])) == -np.inf
    assert lagrangian_bound(lp, np.array([1e-9]), allowance=1e-8) == 0.0
    assert dual_infeasibility(lp, np.array([0.5])) == (0.5, 1)
    assert dual_slack(lp, np.array([0.5]), np.array([4.0])) == pytest.approx(2.0)


def test_reduced_costs_are_cost_less_what_the_rows_pay():
    lp = program([3.0, 1.0], [[1.0, 2.0]], [0.0], [9.0])
    assert reduced_costs(lp, np.array([1.0])).tolist() == [2.0, -1.0]
