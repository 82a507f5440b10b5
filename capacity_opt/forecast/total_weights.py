"""How much each way to a total is worth at each level: weights of least pinball loss on totals held out.

Quantiles are averaged level by level. A level's weights are found by exponentiated gradient steps (Kivinen and Warmuth
1997) from even weights, averaged over the later half: early stopping keeps them soft where ways are alike. Few totals
leave the weights believed before, but for ways whose loss on them was far above the least. The loss is
in units of demand, as money is; a series larger than 99 of 100 counts no more than those.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_STEPS = 100
_RATE = 2.0
_SLOWING = 0.02
_FEWEST = 30  # totals held out, to learn from
_DOUBT = 50.0  # so many totals weigh as much as the weights believed before any was seen
_SURENESS = 0.1
_LEAST = 0.01
_LARGE = 0.99


def prior_weights(count: int) -> Array:
    """(count,) without evidence: half the first way, half all others alike."""
    if count == 1:
        return np.ones(1)
    return np.concatenate([[0.5], np.full(count - 1, 0.5 / (count - 1))])


def learned_weights(told: Array, came: Array, size: Array, levels: Array) -> Array:
    """(k, m) weights of k ways at each level from what they ``told`` (N, k, m) of totals that ``came`` (N,), in series
    of mean ``size`` (N,)."""
    known = ~np.isnan(came) & (size > 0)
    told, came, size = told[known], came[known], size[known]
    prior = np.repeat(prior_weights(told.shape[1])[:, None], len(levels), axis=1)
    if not len(came):
        return prior
    count = np.minimum(1.0, np.quantile(size, _LARGE) / size)
    prior = _believed(prior, told, came, count, levels)
    if len(came) < _FEWEST:
        return prior
    found = _descended(np.ascontiguousarray(np.moveaxis(told, 2, 0)), came, count, levels).T
    mixed = (len(came) * found + _DOUBT * prior) / (len(came) + _DOUBT)
    kept = np.where(mixed >= _LEAST, mixed, 0.0)
    return np.asarray(kept / kept.sum(axis=0))


def _believed(prior: Array, told: Array, came: Array, count: Array, levels: Array) -> Array:
    """(k, m) the weights of before, less of ways that lost far more: a few totals show what is hopeless."""
    gap = came[:, None, None] - told
    loss = (count[:, None, None] * np.maximum(levels * gap, (levels - 1.0) * gap)).mean(axis=0)
    excess = loss / np.maximum(loss.min(axis=0), 1e-300) - 1.0
    weights = prior * np.exp(-np.minimum(_SURENESS * len(came) * excess, 50.0))
    return np.asarray(weights / weights.sum(axis=0))


def _descended(told: Array, came: Array, count: Array, levels: Array) -> Array:
    """(m, k) from ``told`` (m, N, k)."""
    ways = told.shape[2]
    above, below = count * levels[:, None], count * (1.0 - levels[:, None])
    gap = came - told.mean(axis=2)
    size = np.maximum(np.where(gap > 0, above * gap, -below * gap).sum(axis=1, keepdims=True), 1e-300)
    weights = np.full((len(levels), ways), 1.0 / ways)
    mean = np.zeros_like(weights)
    for step in range(_STEPS):
        mixture = np.matmul(told, weights[:, :, None])[:, :, 0]
        slope = np.matmul(np.where(came <= mixture, below, -above)[:, None], told)[:, 0] / size
        slope -= (slope * weights).sum(axis=1, keepdims=True)
        weights = weights * np.exp(-_RATE * np.clip(slope / (1.0 + _SLOWING * step), -5.0, 5.0))
        weights /= weights.sum(axis=1, keepdims=True)
        if step >= _STEPS // 2:
            mean += weights
    return np.asarray(mean / mean.sum(axis=1, keepdims=True))
