"""The compiled walk over the basis graph; see :mod:`capacity_opt.solvers.stochastic.graph`. Needs numba."""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

Array = NDArray[np.float64]
IndexArray = NDArray[np.int32]

OPTIMAL = -1  # the sample's basis is primal feasible
TOO_LONG = -2  # the walk was cut off
INFEASIBLE = -10  # minus the row that no column can repair; values >= 0 are the row whose pivot is not known yet
NO_BASIS = -2  # in ``next_basis``: no column can enter; -1: not computed yet


def _walk(
    values: Array,
    start: Array,
    inverse: Array,
    lower: Array,
    upper: Array,
    next_basis: IndexArray,
    basis: IndexArray,
    stopped: IndexArray,
    longest: int,
    tolerance: float,
) -> None:
    samples, randoms = values.shape
    rows = start.shape[1]
    for s in prange(samples):
        b = basis[s]
        outcome = TOO_LONG
        for _ in range(longest):
            worst = tolerance
            leaving = -1
            for i in range(rows):
                value = start[b, i]
                for j in range(randoms):
                    value += inverse[b, i, j] * values[s, j]
                if lower[b, i] - value > worst:
                    worst = lower[b, i] - value
                    leaving = i
                if value - upper[b, i] > worst:
                    worst = value - upper[b, i]
                    leaving = rows + i
            if leaving < 0:
                outcome = OPTIMAL
                break
            if next_basis[b, leaving] == NO_BASIS:
                outcome = INFEASIBLE - leaving
                break
            if next_basis[b, leaving] < 0:
                outcome = leaving
                break
            b = next_basis[b, leaving]
        basis[s] = b
        stopped[s] = outcome


walk = njit(_walk, cache=True, parallel=True, nogil=True)
