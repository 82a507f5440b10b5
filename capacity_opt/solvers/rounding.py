"""Integers as integers: rounding a solver's 8.999999, fixing it, and measuring what that breaks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from capacity_opt.solvers.linear_program import LinearProgram

Array = NDArray[np.float64]


def nearest_integers(lp: LinearProgram, x: Array) -> Array:
    """``x`` with every integer column at its nearest whole number, never ``-0.0``."""
    return np.where(lp.integer, np.rint(x) + 0.0, x)


def fix_integers(lp: LinearProgram, x: Array) -> LinearProgram | None:
    """The linear program that is left with the integer columns fixed at ``x``; ``None`` if that leaves their bounds."""
    outside = lp.integer & ((x < lp.column_lower) | (x > lp.column_upper))
    if outside.any():
        return None
    return replace(
        lp,
        column_lower=np.where(lp.integer, x, lp.column_lower),
        column_upper=np.where(lp.integer, x, lp.column_upper),
        integer=np.zeros_like(lp.integer),
    )


def row_violation(lp: LinearProgram, x: Array) -> Array:
    """By how much each row is broken, relative to max(1, |bound|); shape (rows,), 0 where kept."""
    return _outside(lp.matrix @ x, lp.row_lower, lp.row_upper)


def column_violation(lp: LinearProgram, x: Array) -> Array:
    """By how much each column leaves its bounds, relative to max(1, |bound|); shape (columns,)."""
    return _outside(x, lp.column_lower, lp.column_upper)


def largest_violation(lp: LinearProgram, x: Array) -> float:
    """The worst of both; ``inf`` where ``x`` holds something that is not a number."""
    if not np.isfinite(x).all():
        return float("inf")
    return float(max(row_violation(lp, x).max(initial=0.0), column_violation(lp, x).max(initial=0.0)))


def _outside(value: Array, lower: Array, upper: Array) -> Array:
    below = np.maximum(np.where(np.isfinite(lower), lower, -np.inf) - value, 0.0)
    above = np.maximum(value - np.where(np.isfinite(upper), upper, np.inf), 0.0)
    scale_below = np.maximum(1.0, np.abs(np.where(np.isfinite(lower), lower, 0.0)))
    scale_above = np.maximum(1.0, np.abs(np.where(np.isfinite(upper), upper, 0.0)))
    outside: Array = np.maximum(below / scale_below, above / scale_above)
    return outside
