"""The decomposition equals the extensive form, with and without complete recourse, compiled and in plain NumPy."""

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import linprog

from capacity_opt.errors import SolverError
from capacity_opt.solvers.linear_program import LinearProgram
from capacity_opt.solvers.stochastic import oracle, walk
from capacity_opt.solvers.stochastic.benders import solve_two_stage
from capacity_opt.solvers.stochastic.program import (
    RecourseFamily,
    SampleGroup,
    TwoStageProgram,
    extensive_form,
    slack_bounds,
)


def random_program(seed: int, *, complete: bool = True, samples: int = 6) -> TwoStageProgram:
    """Buy x (box and one budget row), then serve random demand from boxed activities; shortage columns if complete."""
    rng = np.random.default_rng(seed)
    n1, services, supplies = rng.integers(2, 4), rng.integers(1, 4), rng.integers(1, 4)
    pairs = services * supplies
    matrix = np.zeros((services + supplies, pairs + services))
    for p in range(pairs):
        matrix[p // supplies, p] = 1.0
        matrix[services + p % supplies, p] = rng.uniform(0.5, 2.0)
    matrix[:services, pairs:] = np.eye(services)
    cost = np.concatenate([rng.uniform(0, 2, pairs), rng.uniform(5, 20, services)])
    upper = np.concatenate(
        [np.where(rng.random(pairs) < 0.4, rng.uniform(3, 12, pairs), np.inf), np.full(services, np.inf)]
    )
    if not complete:
        upper[pairs:] = 2.0
    sense = np.concatenate([rng.choice([0, 1], services), np.full(supplies, -1)])
    groups = []
    for _ in range(2):
        technology = np.vstack([np.zeros((services, n1)), -rng.uniform(0, 2, (supplies, n1))])
        groups.append(
            SampleGroup(
                technology=sparse.csr_array(technology),
                base=np.concatenate([np.zeros(services), rng.uniform(0, 2, supplies)]),
                values=rng.uniform(0, 10, (samples, services)),
                probability=rng.dirichlet(np.ones(samples)),
                weight=float(rng.uniform(0.5, 2)),
            )
        )
    slack_lower, slack_upper = slack_bounds(sense)
    family = RecourseFamily(
        matrix=matrix,
        cost=cost,
        lower=np.zeros(len(cost)),
        upper=upper,
        slack_lower=slack_lower,
        slack_upper=slack_upper,
        random_rows=np.arange(services),
        groups=tuple(groups),
    )
    first = LinearProgram(
        cost=rng.uniform(1, 5, n1),
        matrix=sparse.csr_array(np.ones((1, n1))),
        row_lower=np.array([-np.inf]),
        row_upper=np.array([60.0]),
        column_lower=np.zeros(n1),
        column_upper=np.full(n1, 40.0),
        integer=np.zeros(n1, dtype=bool),
        offset=3.0,
    )
    return TwoStageProgram(first=first, families=(family,))


def by_extensive_form(program: TwoStageProgram) -> float | None:
    lp = extensive_form(program)
    rows = [lp.matrix[np.isfinite(lp.row_upper)], -lp.matrix[np.isfinite(lp.row_lower)]]
    limits = [lp.row_upper[np.isfinite(lp.row_upper)], -lp.row_lower[np.isfinite(lp.row_lower)]]
    bounds = np.column_stack([lp.column_lower, lp.column_upper])
    answer = linprog(lp.cost, A_ub=sparse.vstack(rows), b_ub=np.concatenate(limits), bounds=bounds)
    return answer.fun + lp.offset if answer.status == 0 else None


@pytest.mark.parametrize("seed", range(40))
def test_decomposition_equals_the_extensive_form(seed):
    program = random_program(seed)
    answer = solve_two_stage(program, gap=1e-9, time_limit=20)
    truth = by_extensive_form(program)
    assert answer.reason == "optimal"
    assert answer.objective == pytest.approx(truth, rel=1e-7)
    assert answer.bound <= truth * (1 + 1e-9)


@pytest.mark.parametrize("seed", range(30))
def test_without_complete_recourse_feasibility_cuts_find_the_same_answer(seed):
    program = random_program(seed, complete=False)
    answer = solve_two_stage(program, gap=1e-9, time_limit=20)
    truth = by_extensive_form(program)
    if truth is None:
        assert answer.reason == "infeasible"
    else:
        assert answer.objective == pytest.approx(truth, rel=1e-7)


@pytest.mark.parametrize("complete", [True, False])
@pytest.mark.parametrize("seed", range(15))
def test_one_program_after_another_gives_the_shared_bases_answer(seed, complete, monkeypatch):
    program = random_program(seed, complete=complete)
    shared = solve_two_stage(program, gap=1e-9, time_limit=20)
    monkeypatch.setattr(oracle, "LARGEST_GRAPH_ROWS", 0)
    sequence = solve_two_stage(program, gap=1e-9, time_limit=20)
    assert sequence.reason == shared.reason
    assert sequence.objective == pytest.approx(shared.objective, rel=1e-7, nan_ok=True)


@pytest.mark.parametrize("seed", range(10))
def test_numpy_walk_gives_the_compiled_walks_values(seed, monkeypatch):
    program = random_program(seed, samples=40)
    point = np.full(program.first.columns, 3.0)
    compiled = [value.value for value in oracle.Oracle(program).evaluate(point).values]
    monkeypatch.setattr(walk, "HAS_NUMBA", False)
    plain = [value.value for value in oracle.Oracle(program).evaluate(point).values]
    np.testing.assert_allclose(plain, compiled, rtol=1e-12)


def test_recourse_columns_are_feasible_and_cost_the_value():
    program = random_program(3, samples=50)
    family, point = program.families[0], np.full(program.first.columns, 2.0)
    judge = oracle.Oracle(program)
    values = judge.evaluate(point).values
    for graph, (_, group), value in zip(judge.graphs, judge.groups, values):
        y = graph.columns(group, point, value.basis)
        rhs = np.tile(group.base - group.technology @ point, (len(y), 1))
        rhs[:, family.random_rows] += group.values
        slack = rhs - y @ family.matrix.T
        assert np.all(slack >= family.slack_lower - 1e-7)
        assert np.all(slack <= family.slack_upper + 1e-7)
        assert np.all(y >= family.lower - 1e-7)
        assert np.all(y <= family.upper + 1e-7)
        assert group.probability @ (y @ family.cost) == pytest.approx(value.value, rel=1e-9)


def test_recourse_that_falls_without_limit_is_refused():
    program = random_program(0)
    family = program.families[0]
    cost = family.cost.copy()
    cost[-1] = -1.0
    broken = RecourseFamily(
        matrix=family.matrix,
        cost=cost,
        lower=family.lower,
        upper=family.upper,
        slack_lower=np.full(len(family.matrix), -np.inf),
        slack_upper=family.slack_upper,
        random_rows=family.random_rows,
        groups=family.groups,
    )
    with pytest.raises(SolverError, match="without limit"):
        solve_two_stage(TwoStageProgram(first=program.first, families=(broken,)), time_limit=5)
