"""What prices prove: reduced costs and the lower bound that row duals give, recomputed from the program.

Sign convention (minimisation): a row dual is the change of the optimal objective per unit of that row's active
right-hand side, so it is >= 0 where the lower bound binds and <= 0 where the upper bound binds; a reduced cost is the
same for a column's active bound. Source: any text on linear programming duality, for example Bertsimas and Tsitsiklis,
*Introduction to Linear Optimization*, chapter 4.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from capacity_opt.solvers.linear_program import LinearProgram

Array = NDArray[np.float64]


def reduced_costs(lp: LinearProgram, row_duals: Array) -> Array:
    """``cost - matrix.T @ row_duals``, shape (columns,).

    >>> from scipy import sparse
    >>> lp = LinearProgram(cost=np.array([3.0]), matrix=sparse.csr_array([[1.0]]), row_lower=np.array([2.0]),
    ...     row_upper=np.array([np.inf]), column_lower=np.zeros(1), column_upper=np.ones(1) * 9,
    ...     integer=np.zeros(1, dtype=bool))
    >>> reduced_costs(lp, np.array([3.0]))
    array([0.])
    """
    prices: Array = lp.cost - lp.matrix.T @ row_duals
    return prices


def dual_infeasibility(lp: LinearProgram, row_duals: Array) -> tuple[float, int]:
    """The largest price that points at a bound which is not there, and how many do."""
    wrong = np.concatenate(
        [
            _wrong_side(row_duals, lp.row_lower, lp.row_upper),
            _wrong_side(reduced_costs(lp, row_duals), lp.column_lower, lp.column_upper),
        ]
    )
    return float(wrong.max(initial=0.0)), int(np.count_nonzero(wrong))


def lagrangian_bound(lp: LinearProgram, row_duals: Array, *, allowance: float = 0.0) -> float:
    """A lower bound on the optimum that follows from the row duals alone (weak duality).

    A price above ``allowance`` at a missing (infinite) bound makes the bound minus infinity; smaller ones, which
    every solver leaves behind, are dropped from the sum: :func:`dual_slack` says what they may hide.
    """
    total = lp.offset
    for price, lower, upper in (
        (row_duals, lp.row_lower, lp.row_upper),
        (reduced_costs(lp, row_duals), lp.column_lower, lp.column_upper),
    ):
        if np.any(_wrong_side(price, lower, upper) > allowance):
            return float("-inf")
        active = np.where(price > 0, lower, upper)
        total += float(np.sum(np.where(np.isfinite(active), price * np.where(np.isfinite(active), active, 0.0), 0.0)))
    return total


def dual_slack(lp: LinearProgram, row_duals: Array, x: Array) -> float:
    """How much the objective may still fall because of small wrong prices at missing bounds, in money.

    An optimum x* can lie below the dual value by the sum of wrong prices times x*; the size of x* is taken from
    ``x``: the smaller of (sum of wrong prices) * max |x| and (largest wrong price) * sum |x|.
    """
    activity = lp.matrix @ x
    parts = []
    for price, lower, upper, value in (
        (row_duals, lp.row_lower, lp.row_upper, activity),
        (reduced_costs(lp, row_duals), lp.column_lower, lp.column_upper, x),
    ):
        wrong = _wrong_side(price, lower, upper)
        size = np.abs(value)
        parts.append(min(float(wrong.sum() * size.max(initial=1.0)), float(wrong.max(initial=0.0) * size.sum())))
    return sum(parts)


def _wrong_side(price: Array, lower: Array, upper: Array) -> Array:
    above = np.where((price > 0) & ~np.isfinite(lower), price, 0.0)
    below = np.where((price < 0) & ~np.isfinite(upper), -price, 0.0)
    wrong: Array = above + below
    return wrong
