"""Integers as integers."""

import numpy as np
import pytest

from capacity_opt.solvers.rounding import (
    column_violation,
    fix_integers,
    largest_violation,
    nearest_integers,
    row_violation,
)
from tests.solvers.random_programs import program


def small():
    return program([1.0, 1.0], [[1.0, 1.0]], [2.0], [200.0], column_upper=[9.0, np.inf], integer=[True, False])


def test_nearly_whole_numbers_become_whole_and_continuous_ones_stay():
    x = nearest_integers(small(), np.array([8.999999, 0.4]))
    assert x.tolist() == [9.0, 0.4]
    assert not np.signbit(nearest_integers(small(), np.array([-1e-12, 0.0]))[0])


def test_fixing_leaves_a_linear_program_or_says_that_the_bounds_are_left():
    fixed = fix_integers(small(), np.array([3.0, 0.0]))
    assert not fixed.integer.any()
    assert (fixed.column_lower[0], fixed.column_upper[0], fixed.column_upper[1]) == (3.0, 3.0, np.inf)
    assert fix_integers(small(), np.array([10.0, 0.0])) is None


def test_violations_are_relative_to_the_bound():
    lp = small()
    assert row_violation(lp, np.array([0.0, 1.0])).tolist() == [0.5]
    assert row_violation(lp, np.array([0.0, 220.0])).tolist() == [pytest.approx(0.1)]
    assert column_violation(lp, np.array([18.0, -1.0])).tolist() == [1.0, 1.0]
    assert largest_violation(lp, np.array([np.nan, 1.0])) == np.inf
