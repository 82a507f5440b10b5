"""Random small programs whose optimum is known or can be enumerated."""

import itertools

import numpy as np
from scipy import sparse

from capacity_opt.solvers.linear_program import LinearProgram


def program(cost, rows, lower, upper, *, column_lower=None, column_upper=None, integer=None, offset=0.0):
    matrix = sparse.csr_array(np.atleast_2d(np.asarray(rows, dtype=float)))
    columns = matrix.shape[1]
    return LinearProgram(
        cost=np.asarray(cost, dtype=float),
        matrix=matrix,
        row_lower=np.asarray(lower, dtype=float),
        row_upper=np.asarray(upper, dtype=float),
        column_lower=np.zeros(columns) if column_lower is None else np.asarray(column_lower, dtype=float),
        column_upper=np.full(columns, np.inf) if column_upper is None else np.asarray(column_upper, dtype=float),
        integer=np.zeros(columns, dtype=bool) if integer is None else np.asarray(integer, dtype=bool),
        offset=offset,
    )


def feasible_lp(seed, *, columns=6, rows=5):
    """Feasible by construction (rows are drawn around a point) and bounded (all columns have upper bounds)."""
    g = np.random.default_rng(seed)
    matrix = g.integers(-4, 6, (rows, columns)) * (g.random((rows, columns)) < 0.7)
    x = g.uniform(0, 4, columns)
    middle = matrix @ x
    kind = g.integers(0, 4, rows)
    lower = np.where(kind == 0, -np.inf, middle - g.uniform(0, 2, rows) * (kind != 2))
    upper = np.where(kind == 1, np.inf, middle + g.uniform(0, 2, rows) * (kind != 2))
    return program(g.integers(-9, 10, columns), matrix, lower, upper, column_upper=np.full(columns, 5.0), offset=3.25)


def integer_program(seed, *, columns=5, rows=4, mixed=False):
    """All data whole; feasible or not, nobody knows; enumerable."""
    g = np.random.default_rng(seed)
    matrix = g.integers(-3, 6, (rows, columns)).astype(float)
    middle = matrix @ g.integers(0, 4, columns)
    kind = g.integers(0, 4, rows)
    lower = np.where(kind == 0, -np.inf, middle - g.integers(0, 3, rows) * (kind != 2) + (g.random() < 0.1))
    upper = np.where(kind == 1, np.inf, middle + g.integers(0, 3, rows) * (kind != 2))
    upper = np.maximum(upper, np.where(np.isfinite(lower), lower, -np.inf))
    integer = np.ones(columns, dtype=bool)
    if mixed:
        integer[: columns // 2] = False
    return program(
        g.integers(-9, 10, columns), matrix, lower, upper, column_upper=np.full(columns, 3.0), integer=integer
    )


def enumerate_integers(lp):
    """The optimum over every whole point inside the column bounds; ``inf`` when none keeps the rows."""
    ranges = [range(int(lo), int(hi) + 1) for lo, hi in zip(lp.column_lower, lp.column_upper)]
    points = np.array(list(itertools.product(*ranges)), dtype=float)
    activity = points @ lp.matrix.toarray().T
    kept = np.all((activity >= lp.row_lower - 1e-9) & (activity <= lp.row_upper + 1e-9), axis=1)
    values = points @ lp.cost + lp.offset
    return float(values[kept].min()) if kept.any() else float("inf")
