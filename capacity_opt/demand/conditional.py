"""Demand that is still to come, given what was seen: a forecast refreshed by the past.

Paths are drawn from the given ones and turned into normal scores, cell by cell, by rank. Their correlations give the
distribution of the coming scores given those of what was seen (a Gaussian copula, whatever the paths were made by);
coming scores are drawn from it and turned back into demand. The marginal of a coming cell stays what it was where the
past says nothing about it. With few given paths correlations are shrunk towards none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]

LEARNED_FROM = 2000
"""Paths from which marginals and correlations are read."""


class Paths(Protocol):
    """What draws joint sample paths (samples, J, T, B) with probabilities."""

    def draw(self, count: int, *, seed: int) -> tuple[Array, Array]:
        """``count`` paths, or the complete list there is."""
        ...


@dataclass(frozen=True, eq=False, init=False)
class ConditionalPaths:
    """``paths`` given that its first periods were ``seen`` (J, now, B); draws have the whole horizon, the past as seen.

    The blocks of a period count as one: they rise and fall together. ``learned_from``: paths drawn to learn from.

    >>> from capacity_opt.demand.paths import CopulaPaths
    >>> base = CopulaPaths.from_quantiles([0.1, 0.5, 0.9], [[[8, 10, 14], [9, 12, 18]]], period_correlation=0.9)
    >>> high, low = ConditionalPaths(base, [[[16.0]]]), ConditionalPaths(base, [[[7.0]]])
    >>> bool(high.draw(500, seed=1)[0][:, 0, 1].mean() > 1.5 * low.draw(500, seed=1)[0][:, 0, 1].mean())
    True
    """

    seen: Array
    values: Array
    mean: Array
    root: Array

    def __init__(self, paths: Paths, seen: ArrayLike, *, learned_from: int = LEARNED_FROM, seed: int = 0) -> None:
        past = _checks.non_negative("seen", seen)
        values, probability = paths.draw(learned_from, seed=seed)
        if past.ndim != 3 or past.shape[0] != values.shape[1] or past.shape[2] != values.shape[3]:
            told = f"({values.shape[1]}, periods seen, {values.shape[3]})"
            raise ArgumentError(f"seen must have shape {told} (J, periods, B), got {past.shape}")
        if past.shape[1] >= values.shape[2]:
            raise ArgumentError(f"seen has {past.shape[1]} periods, nothing of the {values.shape[2]} is left to come")
        if np.ptp(probability) > 1e-12:
            chosen = np.random.default_rng(seed).choice(len(values), size=learned_from, p=probability)
            values = values[chosen]
        mean, root = _conditional(values, past)
        for name, value in (("seen", past), ("values", values), ("mean", mean), ("root", root)):
            object.__setattr__(self, name, value)

    def draw(self, count: int, *, seed: int) -> tuple[Array, Array]:
        """``count`` equally likely paths (count, J, T, B)."""
        from scipy import special

        groups, periods, blocks = self.values.shape[1:]
        now = self.seen.shape[1]
        noise = np.random.default_rng(seed).standard_normal((count, len(self.mean)))
        level = special.ndtr(self.mean + noise @ self.root.T).reshape(count, groups, periods - now)
        drawn = np.empty((count, groups, periods, blocks))
        drawn[:, :, :now] = self.seen
        position = np.clip(level * len(self.values) - 0.5, 0.0, len(self.values) - 1.0)
        for j, t, b in np.ndindex(groups, periods - now, blocks):
            column = np.sort(self.values[:, j, now + t, b])
            drawn[:, j, now + t, b] = np.interp(position[:, j, t], np.arange(len(column)), column)
        return drawn, np.full(count, 1.0 / count)


def _conditional(values: Array, past: Array) -> tuple[Array, Array]:
    """Mean and root of the covariance of the coming normal scores, flattened over (J, periods to come)."""
    now = past.shape[1]
    total, seen = values.sum(axis=3), past.sum(axis=2)
    before, after = total[:, :, :now].reshape(len(total), -1), total[:, :, now:].reshape(len(total), -1)
    scores = _scores(np.concatenate([before, after], axis=1))
    count, size = scores.shape
    correlation = scores.T @ scores / count
    shrink = size / (size + count)
    correlation = (1.0 - shrink) * correlation + shrink * np.diag(np.diag(correlation))
    cut = before.shape[1]
    head = correlation[:cut, :cut] + 1e-6 * np.eye(cut)
    cross, tail = correlation[cut:, :cut], correlation[cut:, cut:]
    gain = np.linalg.solve(head, cross.T).T if cut else np.zeros((len(tail), 0))
    covariance = tail - gain @ cross.T
    value, vector = np.linalg.eigh((covariance + covariance.T) / 2)
    root = vector * np.sqrt(np.maximum(value, 0.0))
    return np.asarray(gain @ _score_of(before, seen.reshape(-1))), np.asarray(root)


def _scores(columns: Array) -> Array:
    """Normal scores by rank; equal values share the middle of their ranks, a column without spread has none."""
    from scipy import special

    count = len(columns)
    ordered = np.sort(columns, axis=0)
    found = np.empty_like(columns)
    for c, column in enumerate(columns.T):
        low, high = (np.searchsorted(ordered[:, c], column, side=side) for side in ("left", "right"))
        found[:, c] = special.ndtri((low + high) / (2.0 * count))
    return np.asarray(found)


def _score_of(columns: Array, seen: Array) -> Array:
    """The normal score of each seen value among its column's, at most as far out as the ranks go."""
    from scipy import special

    count = len(columns)
    low = (columns < seen).sum(axis=0)
    high = (columns <= seen).sum(axis=0)
    return np.asarray(special.ndtri(np.clip((low + high) / (2.0 * count), 0.5 / count, 1.0 - 0.5 / count)))
