"""What the evaluated points prove together: the best mixture of them that keeps the coupling rows.

The recourse of a mixture of first-stage points is at most the mixture of their recourses, so any mixture of evaluated
points whose mean activity keeps the coupling rows is a feasible plan, and its mean cost an upper bound. The prices of
the coupling rows in this small program are the multipliers under which the recourse should be evaluated next
(Dantzig-Wolfe); where no mixture keeps the rows yet, the price of leaving them drives the multipliers up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from capacity_opt.errors import SolverError
from capacity_opt.solvers.highs_session import HighsSession
from capacity_opt.solvers.linear_program import LinearProgram
from capacity_opt.solvers.stochastic.program import Coupling

Array = NDArray[np.float64]

KEPT = 1e-7
"""Rows left by no more than this share of their size are kept."""


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """``weights`` of the columns; ``cost`` of the mixture without what leaving the rows costs; ``prices`` (R,) what the
    objective pays per unit added to the coupling rows; ``violation`` relative to the rows' size; ``aside`` what is set
    aside for risks."""

    weights: Array
    cost: float
    prices: Array
    violation: float
    aside: Array


@dataclass(frozen=True, kw_only=True)
class Aside:
    """Columns beside the mixture: their ``matrix`` (R, columns), ``cost``, ``lower`` and ``upper``."""

    matrix: Array
    cost: Array
    lower: Array
    upper: Array


def no_aside(rows: int) -> Aside:
    """None of them."""
    return Aside(matrix=np.zeros((rows, 0)), cost=np.zeros(0), lower=np.zeros(0), upper=np.zeros(0))


def best_mixture(
    cost: Array, activity: Array, block: NDArray[np.int64], coupling: Coupling, dear: Array, aside: Aside | None = None
) -> Mixture:
    """The cheapest weights >= 0, summing to 1 within each ``block`` (columns,), for which the total of ``activity``
    (R, columns) lies within the coupling's bounds; leaving them costs ``dear`` (R,) per unit."""
    rows, columns, blocks = len(coupling.lower), len(cost), int(block.max()) + 1
    other = no_aside(rows) if aside is None else aside
    count, extra = len(other.cost), 2 * rows
    identity = sparse.identity(rows, format="csr")
    convex = sparse.coo_array((np.ones(columns), (block, np.arange(columns))), shape=(blocks, columns))
    matrix = sparse.vstack(
        [
            sparse.hstack([sparse.csr_array(activity), -identity, identity, sparse.csr_array(other.matrix)]),
            sparse.hstack([convex, sparse.csr_array((blocks, extra + count))]),
        ],
        format="csr",
    )
    lp = LinearProgram(
        cost=np.concatenate([cost, dear, dear, other.cost]),
        matrix=sparse.csr_array(matrix),
        row_lower=np.concatenate([coupling.lower, np.ones(blocks)]),
        row_upper=np.concatenate([coupling.upper, np.ones(blocks)]),
        column_lower=np.concatenate([np.zeros(columns + extra), other.lower]),
        column_upper=np.concatenate([np.full(columns + extra, np.inf), other.upper]),
        integer=np.zeros(columns + extra + count, dtype=bool),
    )
    found = HighsSession(lp, watched=False).solve()
    if found.x is None or found.row_duals is None:
        raise SolverError(f"the mixture of evaluated points could not be found: {found.reason} {found.message}")
    weights = np.maximum(found.x[:columns], 0.0)
    weights /= np.bincount(block, weights=weights, minlength=blocks)[block]
    free = found.x[columns + extra :]
    total = activity @ weights + other.matrix @ free
    beyond = np.maximum(np.maximum(total - coupling.upper, coupling.lower - total), 0.0)
    size = 1.0 + np.where(np.isfinite(coupling.upper), np.abs(coupling.upper), np.abs(coupling.lower))
    return Mixture(
        weights=weights,
        cost=float(cost @ weights + other.cost @ free),
        prices=-found.row_duals[:rows],
        violation=float(np.max(beyond / size, initial=0.0)),
        aside=free,
    )
