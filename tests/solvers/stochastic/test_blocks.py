"""Parts under one budget: found as they are, and their bound lies between the relaxation and the optimum."""

import time
from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from capacity_opt.solvers.stochastic.benders import continue_search, solve_two_stage, start_search
from capacity_opt.solvers.stochastic.blocks import blocks_of, bound_by_blocks
from capacity_opt.solvers.stochastic.program import TwoStageProgram
from tests.solvers.stochastic.test_integer import by_extensive_form
from tests.solvers.stochastic.test_recast import growing


def side_by_side(seed, *, stock=False):
    """Two zones of their own that share one budget a period."""
    one, other = growing(seed, stock=stock, periods=4), growing(seed + 50, stock=stock, periods=4)
    first = one.first
    width, spent = first.columns, 4
    own = sparse.block_diag([first.matrix[spent:], other.first.matrix[spent:]], format="csr")
    matrix = sparse.vstack([sparse.hstack([first.matrix[:spent], other.first.matrix[:spent]]), own], format="csr")
    rest = np.zeros(2 * (first.rows - spent))
    groups = []
    for place, program in enumerate((one, other)):
        for _, group in program.groups:
            empty = sparse.csr_array((3, width))
            wide = [group.technology, empty][:: 1 - 2 * place]
            groups.append(replace(group, technology=sparse.csr_array(sparse.hstack(wide))))
    return TwoStageProgram(
        first=replace(
            first,
            cost=np.concatenate([first.cost, other.first.cost]),
            matrix=sparse.csr_array(matrix),
            row_lower=np.concatenate([first.row_lower[:spent], rest]),
            row_upper=np.concatenate([1.6 * first.row_upper[:spent], rest]),
            column_lower=np.tile(first.column_lower, 2),
            column_upper=np.tile(first.column_upper, 2),
            integer=np.tile(first.integer, 2),
        ),
        families=(replace(one.families[0], groups=tuple(groups)),),
    )


@pytest.mark.parametrize("stock", [False, True])
@pytest.mark.parametrize("seed", range(2))
def test_the_bound_of_the_parts_lies_between_the_relaxation_and_the_optimum(seed, stock):
    program = side_by_side(seed, stock=stock)
    blocks = blocks_of(program)
    half = program.first.columns // 2
    assert blocks.block.tolist() == [0] * half + [1] * half
    assert blocks.linking.tolist() == [0, 1, 2, 3]
    assert blocks.of_group.tolist() == [0] * 4 + [1] * 4
    truth = by_extensive_form(program)
    search = start_search(program)
    answer = continue_search(search, gap=1e-7, time_limit=20)
    assert answer.reason == "optimal"
    assert answer.objective == pytest.approx(truth, rel=1e-6)
    bounds = []
    search.master.set_integer(True)
    tried = bound_by_blocks(
        search, -answer.relaxed.duals.first, until=time.perf_counter() + 2.0, gap=1e-4,
        tell=lambda bound: bounds.append(bound) is not None, upper=lambda: truth,
    )  # fmt: skip
    assert answer.relaxed.bound <= max(bounds) + 1e-6
    assert max(bounds) <= truth * (1 + 1e-9)
    for x in tried:
        assert np.all(program.first.matrix @ x <= program.first.row_upper + 1e-9)


def test_what_has_one_part_has_no_blocks():
    assert blocks_of(growing(1)) is None
    assert solve_two_stage(growing(1), gap=1e-6, time_limit=20).reason == "optimal"
