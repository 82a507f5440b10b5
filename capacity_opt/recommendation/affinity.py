"""Which option a customer would take, from who uses what: the closed-form item model EASE (Steck, "Embarrassingly
shallow autoencoders for sparse data", 2019)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Affinity:
    """``weights`` (items, items), 0 on the diagonal: how much the use of one item speaks for another."""

    weights: Array

    def score(self, usage: ArrayLike) -> Array:
        """(customers, items) affinity to every item from ``usage`` (customers, items); higher is more likely."""
        return np.asarray(_checks.non_negative("usage", usage) @ self.weights)


@dataclass(frozen=True, kw_only=True)
class RankingQuality:
    """Means over the customers with something held out: ``ndcg`` and ``recall`` among the best ``at`` items."""

    ndcg: float
    recall: float
    at: int


def fit_affinity(usage: ArrayLike, *, ridge: float = 100.0) -> Affinity:
    """Fit to ``usage`` (customers, items), 1 where the customer uses the item, or an amount.

    ``ridge`` > 0 shrinks: larger for more noise. Cost: one inverse of (items, items).

    >>> weights = fit_affinity([[1, 1, 0], [1, 1, 0], [0, 0, 1]], ridge=0.5).weights
    >>> bool(weights[0, 1] > 0.5 > abs(weights[0, 2]))
    True
    """
    table = _checks.non_negative("usage", usage)
    if table.ndim != 2:
        raise ArgumentError(f"usage must have shape (customers, items), got {table.shape}")
    gram = table.T @ table
    gram[np.diag_indices_from(gram)] += float(_checks.positive("ridge", ridge))
    inverse = np.linalg.inv(gram)
    weights = inverse / -np.diag(inverse)
    weights[np.diag_indices_from(weights)] = 0.0
    return Affinity(weights)


def measure_ranking(
    score: ArrayLike, held_out: ArrayLike, *, known: ArrayLike | None = None, at: int = 10
) -> RankingQuality:
    """How well ``score`` (customers, items) ranks what was ``held_out`` (customers, items; 0 or 1); ``known`` items are
    not offered again. The discounted gain counts a hit at rank r as 1 / log2(r + 1), beside the best possible.

    >>> measure_ranking([[3, 2, 1]], [[0, 1, 0]], at=2).recall
    1.0
    """
    values, truth = _checks.numbers("score", score), _checks.non_negative("held_out", held_out) > 0
    if values.shape != truth.shape or values.ndim != 2:
        raise ArgumentError(
            f"score and held_out must have one shape (customers, items), got {values.shape}, {truth.shape}"
        )
    number = min(int(_checks.whole("at", at, at_least=1)), values.shape[1])
    seen = np.zeros(values.shape, dtype=bool) if known is None else _checks.non_negative("known", known) > 0
    ranked = np.argsort(-np.where(seen, -np.inf, values), axis=1, kind="stable")[:, :number]
    hits = np.take_along_axis(truth, ranked, axis=1)
    wanted = truth.sum(axis=1)
    asked = wanted > 0
    gain = 1.0 / np.log2(np.arange(2, number + 2))
    best = np.cumsum(gain)[np.minimum(np.maximum(wanted, 1), number) - 1]
    return RankingQuality(
        ndcg=float(((hits @ gain) / best)[asked].mean()),
        recall=float((hits.sum(axis=1) / np.maximum(wanted, 1))[asked].mean()),
        at=number,
    )
