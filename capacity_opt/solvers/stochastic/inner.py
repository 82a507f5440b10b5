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
    objective pays per unit added to the coupling rows; ``violation`` relative to the rows' size."""

    weights: Array
    cost: float
    prices: Array
    violation: float


def best_mixture(cost: Array, activity: Array, block: NDArray[np.int64], coupling: Coupling, dear: Array) -> Mixture:
    """The cheapest weights >= 0, summing to 1 within each ``block`` (columns,), for which the total of ``activity``
    (R, columns) lies within the coupling's bounds; leaving them costs ``dear`` (R,) per unit."""
    rows, columns, blocks = len(coupling.lower), len(cost), int(block.max()) + 1
    identity = sparse.identity(rows, format="csr")
    convex = sparse.coo_array((np.ones(columns), (block, np.arange(columns))), shape=(blocks, columns))
    matrix = sparse.vstack(
        [
            sparse.hstack([sparse.csr_array(activity), -identity, identity]),
            sparse.hstack([convex, sparse.csr_array((blocks, 2 * rows))]),
        ],
        format="csr",
    )
    lp = LinearProgram(
        cost=np.concatenate([cost, dear, dear]),
        matrix=sparse.csr_array(matrix),
        row_lower=np.concatenate([coupling.lower, np.ones(blocks)]),
        row_upper=np.concatenate([coupling.upper, np.ones(blocks)]),
        column_lower=np.zeros(columns + 2 * rows),
        column_upper=np.full(columns + 2 * rows, np.inf),
        integer=np.zeros(columns + 2 * rows, dtype=bool),
    )
    found = HighsSession(lp, watched=False).solve()
    if found.x is None or found.row_duals is None:
        raise SolverError(f"the mixture of evaluated points could not be found: {found.reason} {found.message}")
    weights = np.maximum(found.x[:columns], 0.0)
    weights /= np.bincount(block, weights=weights, minlength=blocks)[block]
    total = activity @ weights
    beyond = np.maximum(np.maximum(total - coupling.upper, coupling.lower - total), 0.0)
    size = 1.0 + np.where(np.isfinite(coupling.upper), np.abs(coupling.upper), np.abs(coupling.lower))
    return Mixture(
        weights=weights,
        cost=float(cost @ weights),
        prices=-found.row_duals[:rows],
        violation=float(np.max(beyond / size, initial=0.0)),
    )
