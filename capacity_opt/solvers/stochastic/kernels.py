"""Compiling ahead: on a machine's first use numba takes seconds, which are not the caller's time limit's."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy import sparse

from capacity_opt.solvers.linear_program import LinearProgram
from capacity_opt.solvers.stochastic.benders import continue_search, start_search
from capacity_opt.solvers.stochastic.program import RecourseFamily, SampleGroup, TwoStageProgram, slack_bounds


@cache
def compile_kernels() -> None:
    """Load or compile everything the decomposition runs compiled, by solving a program of one column and two samples.
    Once per process."""
    continue_search(start_search(_smallest()), time_limit=3600.0)


def _smallest() -> TwoStageProgram:
    """Buy x at 1 each before demand of 1 or 2 is known; what is short costs 3."""
    one = np.ones(1)
    first = LinearProgram(
        cost=one,
        matrix=sparse.csr_array((0, 1)),
        row_lower=np.zeros(0),
        row_upper=np.zeros(0),
        column_lower=np.zeros(1),
        column_upper=np.full(1, 10.0),
        integer=np.zeros(1, dtype=bool),
    )
    group = SampleGroup(
        technology=sparse.csr_array(one[None]),
        base=np.zeros(1),
        values=np.array([[1.0], [2.0]]),
        probability=np.array([0.5, 0.5]),
    )
    lower, upper = slack_bounds([1])
    family = RecourseFamily(
        matrix=one[None],
        cost=np.full(1, 3.0),
        lower=np.zeros(1),
        upper=np.full(1, np.inf),
        slack_lower=lower,
        slack_upper=upper,
        random_rows=np.zeros(1, dtype=np.int64),
        groups=(group,),
    )
    return TwoStageProgram(first=first, families=(family,))
