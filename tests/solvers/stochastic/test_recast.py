"""Totals instead of single orders: the same points, the same costs, sparser rows."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from capacity_opt.solvers.linear_program import LinearProgram
from capacity_opt.solvers.stochastic.benders import continue_search, solve_two_stage, start_search
from capacity_opt.solvers.stochastic.program import (
    RecourseFamily,
    SampleGroup,
    TwoStageProgram,
    extensive_form,
    slack_bounds,
)
from capacity_opt.solvers.stochastic.recast import recast_of
from tests.solvers.stochastic.test_integer import by_extensive_form


def growing(seed, *, stock=False, periods=5):
    """Two types bought in any period and used from then on; ``stock``: through a column with its own equation."""
    rng = np.random.default_rng(seed)
    count = 2 * periods
    columns = count + (count if stock else 0)
    number = np.arange(count).reshape(2, periods)
    groups = []
    for t in range(periods):
        technology = np.zeros((3, columns))
        for k, size in enumerate((7.0, 11.0)):
            technology[1 + k, count + number[k, t] if stock else number[k, : t + 1]] = -size
        demand = rng.uniform(5, 15 + 8 * t, (6, 1))
        groups.append(SampleGroup(technology=sparse.csr_array(technology), base=np.zeros(3), values=demand,
                                  probability=np.full(6, 1 / 6)))  # fmt: skip
    lower, upper = slack_bounds([0, -1, -1])
    family = RecourseFamily(
        matrix=np.array([[1.0, 1.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]), cost=np.array([0.3, 0.2, 6.0]),
        lower=np.zeros(3), upper=np.full(3, np.inf), slack_lower=lower, slack_upper=upper,
        random_rows=np.array([0]), groups=tuple(groups),
    )  # fmt: skip
    price = np.concatenate([size * rng.uniform(0.8, 1.2) * (periods - np.arange(periods)) for size in (7.0, 11.0)])
    spent = np.zeros((periods, columns))
    for t in range(periods):
        spent[t, number[:, : t + 1].ravel()] = 1.0
    rows, low, high = [spent], [np.full(periods, -np.inf)], [1.3 * (1 + np.arange(periods))]
    if stock:
        balance = np.zeros((count, columns))
        for k, t in np.ndindex(2, periods):
            balance[number[k, t], count + number[k, t]] = 1.0
            balance[number[k, t], number[k, : t + 1]] = -1.0
        rows, low, high = [*rows, balance], [*low, np.zeros(count)], [*high, np.zeros(count)]
    integer = np.arange(columns) < count
    return TwoStageProgram(
        first=LinearProgram(
            cost=np.concatenate([price, np.zeros(columns - count)]), matrix=sparse.csr_array(np.vstack(rows)),
            row_lower=np.concatenate(low), row_upper=np.concatenate(high), column_lower=np.zeros(columns),
            column_upper=np.where(integer, 9.0, np.inf), integer=integer,
        ),
        families=(family,),
    )  # fmt: skip


@pytest.mark.parametrize("stock", [False, True])
def test_every_point_has_its_twin_with_the_same_rows_and_cost(stock):
    program = growing(1, stock=stock)
    recast, lp = recast_of(program), extensive_form(program)
    assert len(recast.place) == 2 * 4
    other = recast.program(lp)
    point = np.random.default_rng(0).integers(0, 9, lp.columns).astype(float)
    twin = recast.there(point)
    assert recast.here(twin).tolist() == point.tolist()
    assert other.cost @ twin == pytest.approx(lp.cost @ point)
    assert np.allclose(other.matrix[: lp.rows] @ twin, lp.matrix @ point)
    assert np.allclose(other.matrix[lp.rows :] @ twin, point[recast.place])
    assert np.all(other.column_upper[recast.place] >= twin[recast.place])
    technology = other.matrix[lp.rows - 5 * 6 * 3 : lp.rows]
    assert stock or technology[:, :10].nnz < lp.matrix[-5 * 6 * 3 :][:, :10].nnz / 2


@pytest.mark.parametrize("stock", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_whole_orders_over_time_equal_the_extensive_form(seed, stock):
    program = growing(seed, stock=stock)
    answer = solve_two_stage(program, gap=1e-7, time_limit=20)
    assert answer.reason == "optimal"
    assert answer.objective == pytest.approx(by_extensive_form(program), rel=1e-6)


def test_nothing_is_recast_where_recourse_sees_single_columns():
    program = growing(0)
    free = replace(program, first=replace(program.first, integer=np.zeros(10, dtype=bool)))
    assert recast_of(free) is None


def test_points_met_on_the_way_are_points_of_the_program():
    search = start_search(growing(2))
    answer = continue_search(search, gap=1e-6, time_limit=20)
    first = search.program.first
    for point in search.master.met:
        assert np.all(first.matrix @ point.x <= first.row_upper + 1e-6)
        assert point.objective >= answer.bound - 1e-6 * abs(answer.bound)
