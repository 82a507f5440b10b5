"""Reconciliation with the least trace of the error covariance, for as many nodes as fit in memory.

The covariance of the nodes' errors is their own variances plus what they share, of no more rank than there are periods:
correlations shrunk towards 0 (Schaefer and Strimmer 2005) of T periods are a diagonal and T columns. With the sparse
matrix of what adds up to what, the projection (Wickramasuriya, Athanasopoulos and Hyndman 2019; form of Hyndman et al.
2016) takes one sparse factorisation and one system of T unknowns (Woodbury); no table of nodes by nodes is made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_LEAST_SHRUNK = 0.02  # a node with one child would make the covariance singular
_SMALLEST = 1e-3


@dataclass(frozen=True, eq=False)
class ErrorCovariance:
    """Of k nodes: ``own`` (k,) on the diagonal, plus ``shared`` (k, r) times its transpose.

    >>> ErrorCovariance(np.array([1.0, 2.0]), np.array([[1.0], [2.0]])).table()
    array([[2., 2.],
           [2., 6.]])
    """

    own: Array
    shared: Array

    def table(self) -> Array:
        """(k, k), to be looked at where k is small."""
        return np.asarray(np.diag(self.own) + self.shared @ self.shared.T)


def shrunk_covariance(errors: Array) -> ErrorCovariance:
    """Of errors (k, T), NaN where unknown: correlations shrunk towards 0 by what their noise asks.

    >>> abs(shrunk_covariance(np.random.default_rng(0).normal(size=(2, 4000))).table()).round(1)
    array([[1., 0.],
           [0., 1.]])
    """
    known = ~np.isnan(errors)
    count = np.maximum(known.sum(axis=1), 1)
    size = np.sqrt(np.where(known, errors**2, 0.0).sum(axis=1) / count)
    size = np.where(size > 0, size, max(float(size.max(initial=0.0)), 1.0) * _SMALLEST)
    unit = np.where(known, errors / size[:, None], 0.0)
    times = max(int(known.any(axis=0).sum()), 2)
    squares, fourths = (unit**2).sum(axis=1) / times, (unit**4).sum(axis=1) / times
    # sums over all pairs of nodes: of correlations squared, and of what they would be for noise
    pairs = float(((unit.T @ unit) ** 2).sum()) / times**2 - float((squares**2).sum())
    product = float((((unit**2).sum(axis=0)) ** 2).sum()) / times - float(fourths.sum())
    noise = max(product - pairs, 0.0) / (times - 1)
    shrink = float(np.clip(noise / max(pairs, 1e-300), _LEAST_SHRUNK, 1.0))
    shared = unit * (size * np.sqrt((1.0 - shrink) / times))[:, None]
    return ErrorCovariance(size**2 * (1.0 - (1.0 - shrink) * squares), shared)


@dataclass(frozen=True, eq=False)
class MinimumTrace:
    """From forecasts of nodes (k, m), the sums first, to series (n, m) whose sums match: call it.

    ``upper`` (k - n, n) sparse: which series the nodes above them sum.
    """

    covariance: ErrorCovariance
    upper: Any
    solve: Callable[[Array], Array]

    def __call__(self, nodes: Array) -> Array:
        """The reconciled series (n, m)."""
        above, covariance = self.upper.shape[0], self.covariance
        series = nodes[above:]
        if not above:
            return series.copy()
        gain = self.solve(nodes[:above] - self.upper @ series)
        back = np.concatenate([gain, -(self.upper.T @ gain)])
        own = covariance.own[above:, None] * back[above:]
        return np.asarray(series - own - covariance.shared[above:] @ (covariance.shared.T @ back))


def minimum_trace(covariance: ErrorCovariance, summing: Any) -> MinimumTrace:
    """The map from the nodes' forecasts to series that adds up with the least trace of the error covariance.

    ``summing`` (k, n) of 0 and 1, dense or sparse: the sums first, the series themselves last, in their order.

    >>> alike = ErrorCovariance(np.ones(3), np.zeros((3, 1)))
    >>> minimum_trace(alike, np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0]]))(np.array([[13.0], [5.0], [5.0]]))
    array([[6.],
           [6.]])
    """
    from scipy import linalg, sparse
    from scipy.sparse.linalg import splu

    upper = sparse.csr_array(summing)[: summing.shape[0] - summing.shape[1]]
    above = upper.shape[0]
    weights = sparse.diags_array(covariance.own[above:])
    inner = sparse.csc_array(sparse.diags_array(covariance.own[:above]) + upper @ weights @ upper.T)
    own = splu(inner, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True}) if above else None
    gap = covariance.shared[:above] - upper @ covariance.shared[above:]
    solved = own.solve(gap) if own else gap
    small = linalg.cho_factor(np.eye(gap.shape[1]) + gap.T @ solved)

    def solve(right: Array) -> Array:
        first = own.solve(np.ascontiguousarray(right)) if own else right
        return np.asarray(first - solved @ linalg.cho_solve(small, gap.T @ first))

    return MinimumTrace(covariance, upper, solve)
