"""Fewer samples that stand for many: which to keep, with what chance, and how far the two distributions are apart.

The distance is Kantorovich's (Wasserstein of order 1): the least total of probability times distance by which one
distribution can be moved into the other. With the kept samples given it is reached by giving every other sample's
chance to its nearest kept one. Which to keep is hard in general; forward selection takes the best next one, again and
again, and swaps then exchange a kept sample for another for as long as that helps.

Sources: Dupacova, Growe-Kuska & Romisch (2003, Mathematical Programming 95:493-511); Heitsch & Romisch (2003) for
forward selection; Schubert & Rousseeuw (2021, Information Systems 101:101804) for the swaps.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
Method = Literal["medoids", "forward"]

MOST_SAMPLES = 5000
"""Every pair of samples has its distance in memory."""
BETTER = 1e-12


@dataclass(frozen=True, kw_only=True)
class SampleReduction:
    """``kept`` (n,) positions among the given samples, ascending; ``probability`` (n,); ``nearest`` (S,) which kept
    sample (0 to n - 1) stands for each; ``distance`` Kantorovich's, in the samples' units; ``distance_of_one``: that
    of the single best sample, so that ``relative_distance`` is 1 for one sample and 0 for all."""

    kept: IntArray
    probability: Array
    nearest: IntArray = field(repr=False)
    distance: float
    distance_of_one: float

    @property
    def relative_distance(self) -> float:
        """``distance`` as a share of what the single best sample leaves; 0 where all samples are the same."""
        return self.distance / self.distance_of_one if self.distance_of_one > 0 else 0.0


def reduce_samples(
    values: ArrayLike, probability: ArrayLike | None = None, *, count: int, method: Method = "medoids"
) -> SampleReduction:
    """Keep ``count`` of the samples ``values`` (S, ...), so that little is lost in Kantorovich's distance.

    Distance between two samples is Euclidean over all their numbers. ``probability`` (S,), equal unless given.
    ``method``: ``forward`` selection, or ``medoids``: the same followed by swaps until none helps (never worse). The
    optimum over the kept samples is an estimate, not a bound: judge the plan on fresh samples. Do not use it where a
    rare outcome decides (a no-shortage probability near 1): far samples are the first to go. At most 5,000 samples.

    Raises ``ArgumentError`` for more than that, or a ``count`` that is not between 1 and S.

    >>> found = reduce_samples([[0.0], [1.0], [10.0]], [0.25, 0.5, 0.25], count=2)
    >>> found.kept.tolist(), found.probability.tolist(), found.distance
    ([1, 2], [0.75, 0.25], 0.25)
    """
    table = _checks.finite("values", values)
    if table.ndim == 0 or len(table) == 0:
        raise ArgumentError("values must hold at least one sample")
    chances = np.full(len(table), 1.0 / len(table)) if probability is None else probability
    chance = _checks.probabilities("probability", chances)
    _checks.same_length(values=table, probability=chance)
    number = int(_checks.whole("count", count, at_least=1))
    if number > len(table):
        raise ArgumentError(f"count must be at most the number of samples, {len(table)}, got {number}")
    if len(table) > MOST_SAMPLES:
        raise ArgumentError(f"at most {MOST_SAMPLES:,} samples can be reduced, got {len(table):,}: draw fewer")
    if method not in ("medoids", "forward"):
        raise ArgumentError(f"method must be medoids or forward, got {method!r}")
    apart = _distances(table.reshape(len(table), -1))
    chosen = _forward(apart, chance, number)
    if method == "medoids":
        chosen = _swapped(apart, chance, chosen)
    kept = np.sort(chosen)
    nearest = np.argmin(apart[:, kept], axis=1)
    nearest[kept] = np.arange(number)
    return SampleReduction(
        kept=kept,
        probability=np.bincount(nearest, weights=chance, minlength=number).astype(np.float64),
        nearest=nearest.astype(np.int64),
        distance=float(chance @ apart[np.arange(len(table)), kept[nearest]]),
        distance_of_one=float((chance @ apart).min()),
    )


def _distances(points: Array) -> Array:
    """Euclidean distances of every pair, (S, S). Products lose digits where points are close, so points are centred."""
    centred = points - points.mean(axis=0)
    size = np.einsum("ij,ij->i", centred, centred)
    squared = size[:, None] + size[None, :] - 2.0 * (centred @ centred.T)
    np.fill_diagonal(squared, 0.0)
    found: Array = np.sqrt(np.maximum(0.5 * (squared + squared.T), 0.0))
    return found


def _forward(apart: Array, chance: Array, count: int) -> IntArray:
    """The best first sample, then the best next one, and so on. What a sample gains only falls as others are kept, so
    most old gains need not be renewed."""
    chosen = [int(np.argmin(chance @ apart))]
    reach = apart[chosen[0]].copy()
    gain, since = np.full(len(chance), np.inf), np.zeros(len(chance), dtype=np.int64)
    while len(chosen) < count:
        gain[chosen] = -np.inf
        best = int(np.argmax(gain))
        if since[best] < len(chosen):
            gain[best], since[best] = float(chance @ np.maximum(reach - apart[best], 0.0)), len(chosen)
            continue
        chosen.append(best)
        reach = np.minimum(reach, apart[best])
    return np.array(chosen, dtype=np.int64)


def _swapped(apart: Array, chance: Array, chosen: IntArray) -> IntArray:
    """Swaps of a kept sample for another, the best of each newcomer's, until no newcomer has one that helps."""
    chosen, since, newcomer = chosen.copy(), 0, 0
    near, first, second = _two_nearest(apart, chosen)
    small = BETTER * float(chance @ first)
    while since < len(chance):
        column = apart[newcomer]
        nearer = np.minimum(column, first)
        # the samples of the one that leaves go to the newcomer or to their second nearest
        moved = chance * (np.minimum(column, second) - nearer)
        change = float(chance @ (nearer - first)) + np.bincount(near, weights=moved, minlength=len(chosen))
        best = int(np.argmin(change))
        since += 1
        if change[best] < -small:
            chosen[best] = newcomer
            near, first, second = _two_nearest(apart, chosen)
            since = 0
        newcomer = (newcomer + 1) % len(chance)
    return chosen


def _two_nearest(apart: Array, chosen: IntArray) -> tuple[IntArray, Array, Array]:
    """For every sample: which kept one is nearest, how far that is, and how far the second nearest is."""
    to = apart[:, chosen]
    near = np.argmin(to, axis=1)
    first = to[np.arange(len(to)), near]
    if len(chosen) == 1:
        return near, first, np.full(len(to), np.inf)
    to[np.arange(len(to)), near] = np.inf
    return near, first, to.min(axis=1)
