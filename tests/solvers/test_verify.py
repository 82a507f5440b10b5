"""Every honest answer is accepted; every planted corruption is caught."""

from dataclasses import replace

import numpy as np
import pytest

from capacity_opt.errors import VerificationError
from capacity_opt.solvers.solution import Solution
from capacity_opt.solvers.solve import solve
from capacity_opt.solvers.verify import verify
from tests.solvers.random_programs import feasible_lp, integer_program, program


def nudge(array, g, size):
    changed = array.copy()
    changed[g.integers(array.size)] += size
    return changed


def corruptions(lp, answer, g):
    """Name and corrupted answer; sizes are far above tolerance and small enough to be missed by eye."""
    size = float(g.choice([-1, 1])) * 10 ** g.uniform(-2, 1)
    up = abs(size)
    yield "point", replace(answer, x=nudge(answer.x, g, size))
    yield "objective", replace(answer, objective=answer.objective + size)
    yield "bound above objective", replace(answer, bound=answer.objective + up)
    yield "gap", replace(answer, gap=answer.gap + up)
    yield "status", replace(answer, reason="infeasible")
    yield "short", replace(answer, x=answer.x[:-1])
    yield "nan", replace(answer, x=nudge(answer.x, g, np.nan))
    yield "reduced cost", replace(answer, reduced_costs=nudge(answer.reduced_costs, g, size))
    yield "row dual", replace(answer, row_duals=nudge(answer.row_duals, g, size))
    yield "no reduced costs", replace(answer, reduced_costs=None)
    duals = nudge(answer.row_duals, g, size)
    yield "consistent prices", replace(answer, row_duals=duals, reduced_costs=lp.cost - lp.matrix.T @ duals)
    x = nudge(answer.x, g, size)
    value = float(lp.cost @ x) + lp.offset
    if value != answer.objective:
        gap = max(value - answer.bound, 0) / max(abs(value), 1e-9)
        yield "consistent point", replace(answer, x=x, objective=value, gap=gap)
    if lp.integer.any():
        j = g.choice(np.flatnonzero(lp.integer))
        x = answer.x.copy()
        x[j] -= 1e-6
        value = float(lp.cost @ x) + lp.offset
        yield "8.999999", replace(answer, x=x, objective=value)


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("make", [feasible_lp, integer_program, lambda seed: integer_program(seed, mixed=True)])
def test_honest_answers_pass_and_corrupted_ones_fail(seed, make):
    lp, g = make(seed), np.random.default_rng(seed)
    answer = solve(lp, gap=0.0)
    honest = verify(lp, answer, gap=0.0)
    assert honest.passed, honest.failures
    if answer.x is None:
        assert honest.verdict == "no_point"
        return
    for name, corrupted in corruptions(lp, answer, g):
        found = verify(lp, corrupted, gap=0.0)
        if name in ("consistent prices", "consistent point") and found.passed:
            # another optimum, or other prices of the same optimum: true as well
            assert corrupted.objective == pytest.approx(answer.objective, rel=1e-5)
            continue
        assert found.verdict == "failed", name
        with pytest.raises(VerificationError, match="failed"):
            found.require()


def test_a_claim_without_a_point_fails():
    lp = feasible_lp(0)
    assert verify(lp, Solution(reason="optimal")).verdict == "failed"
    assert verify(lp, Solution(reason="no_solution", objective=0.0)).verdict == "failed"
    assert verify(lp, Solution(reason="infeasible")).verdict == "no_point"


def test_a_stopped_linear_program_with_a_bound_but_no_point_is_no_point():
    assert verify(feasible_lp(0), Solution(reason="no_solution", limit="time", bound=-5.0)).passed


@pytest.mark.parametrize("power", [-40, -20, 0, 20, 40])
def test_the_unit_of_money_changes_no_verdict(power):
    lp = feasible_lp(11)
    scaled = replace(lp, cost=lp.cost * 2.0**power, offset=lp.offset * 2.0**power)
    base, answer = solve(lp), solve(scaled)
    assert verify(scaled, answer).passed
    assert answer.objective == pytest.approx(base.objective * 2.0**power, rel=1e-9)


def test_a_failed_check_names_its_place():
    lp = program([1.0, 1.0], [[1, 0], [0, 1]], [1, 2], [np.inf, np.inf])
    answer = solve(lp)
    failed = verify(lp, replace(answer, x=np.array([1.0, 1.5]))).failures
    assert failed[0].place == "row 1"
    assert "rows kept: 0.25 > 1e-06 at row 1" in str(failed[0])
