"""Whole-number first stages equal the extensive form, and a stopped search reports a true gap."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from capacity_opt.solvers.stochastic.benders import solve_two_stage
from capacity_opt.solvers.stochastic.program import TwoStageProgram, extensive_form
from tests.solvers.stochastic.test_benders import random_program


def whole(program: TwoStageProgram) -> TwoStageProgram:
    first = program.first
    return replace(program, first=replace(first, integer=np.arange(first.columns) % 2 == 0))


def by_extensive_form(program: TwoStageProgram) -> float | None:
    lp = extensive_form(program)
    answer = milp(
        lp.cost,
        constraints=LinearConstraint(lp.matrix, lp.row_lower, lp.row_upper),
        bounds=Bounds(lp.column_lower, lp.column_upper),
        integrality=lp.integer.astype(int),
        options={"mip_rel_gap": 1e-9, "time_limit": 30},
    )
    return answer.fun + lp.offset if answer.status == 0 else None


@pytest.mark.parametrize("complete", [True, False])
@pytest.mark.parametrize("seed", range(12))
def test_whole_numbers_equal_the_extensive_form(seed, complete):
    program = whole(random_program(seed, complete=complete))
    answer = solve_two_stage(program, gap=1e-7, time_limit=20)
    truth = by_extensive_form(program)
    if truth is None:
        assert answer.reason == "infeasible"
        return
    assert answer.reason == "optimal"
    assert answer.objective == pytest.approx(truth, rel=1e-6)
    assert answer.bound <= truth + 1e-6 * abs(truth)
    assert np.allclose(answer.x[::2], np.rint(answer.x[::2]))


def test_no_time_at_all_never_claims_an_optimum():
    answer = solve_two_stage(whole(random_program(1, samples=30)), gap=1e-9, time_limit=0.0)
    assert answer.reason in {"feasible", "no_solution"}
    assert answer.limit == "time"


def test_the_search_for_whole_numbers_tells_how_far_it_is():
    told = []
    answer = solve_two_stage(
        whole(random_program(3, samples=12)), gap=1e-7, time_limit=20, progress=lambda *said: told.append(said)
    )
    known = [(incumbent, bound) for _, iteration, incumbent, bound in told if iteration > answer.relaxed.iterations]
    assert known
    assert all(bound <= answer.objective + 1e-6 and incumbent >= answer.bound - 1e-6 for incumbent, bound in known)
