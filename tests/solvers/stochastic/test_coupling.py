"""Rows of expectations that tie groups and samples together: the decomposition equals the extensive form."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from capacity_opt.solvers.stochastic.benders import continue_search, solve_two_stage, start_search
from capacity_opt.solvers.stochastic.program import Coupling, TwoStageProgram, extensive_form
from tests.solvers.stochastic.test_benders import random_program


def coupled(seed: int, *, samples: int = 6, complete: bool = True) -> TwoStageProgram:
    """A random program with a cap on expected shortage, one on a mix of activities, and a floor on what is served."""
    program = random_program(seed, samples=samples, complete=complete)
    rng = np.random.default_rng(1000 + seed)
    family = program.families[0]
    services, n = len(family.random_rows), len(family.cost)
    groups, n1 = [], program.first.columns
    for group in family.groups:
        counted = np.zeros((3, n))
        counted[0, n - services :] = rng.uniform(0.5, 1.5)
        counted[1, : n - services] = rng.uniform(0, 1, n - services)
        counted[2, : n - services] = rng.uniform(0.2, 1, n - services)
        groups.append(replace(group, counted=counted))
    demand = sum(float(group.probability @ group.values.sum(axis=1)) for group in family.groups)
    matrix = np.zeros((3, n1))
    matrix[1] = -rng.uniform(0, 0.3, n1)
    coupling = Coupling(
        matrix=sparse.csr_array(matrix),
        lower=np.array([-np.inf, -np.inf, rng.uniform(0, 0.15) * demand]),
        upper=np.array([rng.uniform(0.05, 0.6) * demand, rng.uniform(0.2, 0.8) * demand, np.inf]),
    )
    families = (replace(family, groups=tuple(groups)),)
    return replace(program, families=families, coupling=coupling)


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
@pytest.mark.parametrize("seed", range(30))
def test_coupling_rows_are_kept_exactly(seed, complete):
    program = coupled(seed, complete=complete)
    truth = by_extensive_form(program)
    answer = solve_two_stage(program, gap=1e-6, time_limit=20)
    if truth is None:
        assert answer.reason in {"infeasible", "no_solution"}
        return
    assert answer.reason == "optimal"
    assert answer.objective == pytest.approx(truth, rel=1e-6)
    assert answer.bound <= truth * (1 + 1e-8)


@pytest.mark.parametrize("seed", range(12))
def test_coupling_rows_with_whole_numbers(seed):
    program = coupled(seed)
    first = program.first
    program = replace(program, first=replace(first, integer=np.arange(first.columns) % 2 == 0))
    truth = by_extensive_form(program)
    answer = solve_two_stage(program, gap=1e-6, time_limit=20)
    if truth is None:
        assert answer.reason in {"infeasible", "no_solution"}
        return
    assert answer.reason == "optimal"
    assert answer.objective == pytest.approx(truth, rel=2e-6)
    assert answer.bound <= truth + 1e-6 * abs(truth)


def test_a_moved_budget_reuses_the_search():
    program = coupled(4, samples=40)
    search = start_search(program)
    continue_search(search, gap=1e-6)
    upper = program.coupling.upper * np.array([0.7, 1.0, 1.0])
    search.master.set_coupling(program.coupling.lower, upper)
    moved = continue_search(search, gap=1e-6)
    fresh = solve_two_stage(replace(program, coupling=replace(program.coupling, upper=upper)), gap=1e-6)
    assert moved.objective == pytest.approx(fresh.objective, rel=2e-6)
    assert moved.iterations - 1 < 3 * fresh.iterations
