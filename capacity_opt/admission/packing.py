"""How many servers a set of machines needs at least, and how many simple packing rules use.

The gap between the two is what better placement (defragmentation) could free at most. One resource or several; each
item must fit one bin. For racks, rows and power use :func:`~capacity_opt.place_servers`.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

SLACK = 1e-9
MOST_LOOKS = 3_000_000
"""Items looked at over a whole packing; each bin gets its share."""
TRIES = 2_000
OPENED = 6


@dataclass(frozen=True, kw_only=True)
class BinBounds:
    """Bins needed: ``lower`` <= the least possible <= ``upper``.

    ``volume_bound``: total size / capacity rounded up (the largest over resources); ``lower``: also counts what cannot
    share a bin (L2 of S. Martello and P. Toth, 1990); ``first_fit_decreasing``, ``best_fit_decreasing``,
    ``minimum_bin_slack``: bins that the rules use (the last one, with repacking of some bins at random until ``lower``
    is met or tries run out, for one resource; for more it repeats the best of the others);
    ``bin_of_item``: a packing into ``upper`` bins, (items,); ``stranded``: its unused share, per resource.
    """

    lower: int
    upper: int
    volume_bound: int
    first_fit_decreasing: int
    best_fit_decreasing: int
    minimum_bin_slack: int
    bin_of_item: Whole
    stranded: Array

    @property
    def optimal(self) -> bool:
        """Whether the packing is proven to use the fewest bins."""
        return self.lower == self.upper


def bound_bins(items: ArrayLike, *, capacity: ArrayLike) -> BinBounds:
    """Bounds on the bins that hold ``items`` (n,) or (n, resources), each bin of ``capacity`` (a number, (resources,)).

    >>> told = bound_bins([60, 50, 50, 40, 35, 35, 30], capacity=100)
    >>> told.lower, told.upper, told.optimal
    (3, 3, True)
    >>> bound_bins([51, 51, 51], capacity=100).volume_bound, bound_bins([51, 51, 51], capacity=100).lower
    (2, 3)
    """
    sizes = _checks.non_negative("items", items)
    sizes = sizes[:, None] if sizes.ndim == 1 else sizes
    if sizes.ndim != 2:
        raise ArgumentError(f"items must have shape (n,) or (n, resources), got {sizes.shape}")
    room = _checks.positive("capacity", _checks.shape("capacity", capacity, sizes.shape[1:], "resources"))
    scaled = sizes / room
    too_large = np.flatnonzero(np.any(scaled > 1.0 + SLACK, axis=1))
    if too_large.size:
        raise ArgumentError(
            f"items must fit a bin: {too_large.size} do not, at position {', '.join(map(str, too_large[:10].tolist()))}"
        )
    first, best = _decreasing(scaled, fullest=False), _decreasing(scaled, fullest=True)
    lower = max((_l2(column) for column in scaled.T), default=0)
    slack = min(first, best, key=_bins)
    if scaled.shape[1] == 1:
        slack = _repack(_minimum_bin_slack(scaled[:, 0]), scaled[:, 0], lower)
    packing = min(first, best, slack, key=_bins)
    used = _bins(packing)
    return BinBounds(
        lower=lower,
        upper=used,
        volume_bound=max((_ceil(float(column.sum())) for column in scaled.T), default=0),
        first_fit_decreasing=_bins(first),
        best_fit_decreasing=_bins(best),
        minimum_bin_slack=_bins(slack),
        bin_of_item=packing,
        stranded=1.0 - scaled.sum(axis=0) / max(used, 1),
    )


def _bins(packing: Whole) -> int:
    return int(packing.max(initial=-1)) + 1


def _ceil(value: float) -> int:
    return int(np.ceil(value - SLACK))


def _l2(sizes: Array) -> int:
    """Over all cuts a <= 1/2: items above 1 - a alone, those above 1/2 one a bin, the rest of at least a by volume."""
    bound = _ceil(float(sizes.sum()))
    for cut in np.unique(np.append(sizes[sizes <= 0.5 + SLACK], 0.0)):
        alone = sizes > 1.0 - cut + SLACK
        large = (sizes > 0.5 + SLACK) & ~alone
        small = (sizes <= 0.5 + SLACK) & (sizes >= cut - SLACK)
        spare = float(large.sum()) - float(sizes[large].sum())
        more = max(0, _ceil(float(sizes[small].sum()) - spare))
        bound = max(bound, int(alone.sum()) + int(large.sum()) + more)
    return bound


def _decreasing(sizes: Array, *, fullest: bool) -> Whole:
    """Items by their largest share, largest first, each into the first or the fullest bin that fits it."""
    count = len(sizes)
    left = np.ones((max(count, 1), sizes.shape[1]))
    packing = np.full(count, -1, dtype=np.int64)
    opened = 0
    for i in np.argsort(-sizes.max(axis=1, initial=0.0), kind="stable"):
        fits = np.all(left[:opened] + SLACK >= sizes[i], axis=1)
        rank = left[:opened].sum(axis=1) if fullest else np.arange(opened)
        place = int(np.argmin(np.where(fits, rank, np.inf))) if np.any(fits) else opened
        opened = max(opened, place + 1)
        left[place] -= sizes[i]
        packing[i] = place
    return packing


def _minimum_bin_slack(sizes: Array, rng: np.random.Generator | None = None) -> Whole:
    """Bin by bin: an item left and the set that fills the rest best (J. N. D. Gupta and J. C. Ho, 1999).

    The item is the largest one, or with ``rng`` any.
    """
    packing = np.full(sizes.size, -1, dtype=np.int64)
    left = np.argsort(-sizes, kind="stable").tolist()
    bins = 0
    while left:
        seed = left.pop(0 if rng is None else int(rng.integers(len(left))))
        chosen = _fill(1.0 - float(sizes[seed]), left, sizes)
        packing[[seed, *chosen]] = bins
        taken = set(chosen)
        left = [i for i in left if i not in taken]
        bins += 1
    return packing


def _repack(packing: Whole, sizes: Array, lower: int) -> Whole:
    """Empty a few bins at random and fill them again; keep what is no worse by the sum of squared fills."""
    rng = np.random.default_rng(0)
    for _ in range(TRIES if sizes.size else 0):
        used = _bins(packing)
        if used <= lower:
            break
        opened = rng.choice(used, size=min(OPENED, used), replace=False)
        loose = np.flatnonzero(np.isin(packing, opened))
        again = _minimum_bin_slack(sizes[loose], rng)
        fill = np.bincount(packing, weights=sizes, minlength=used)[opened]
        if (np.bincount(again, weights=sizes[loose]) ** 2).sum() >= (fill**2).sum() - SLACK:
            packing = packing.copy()
            packing[loose] = again + used
            packing = np.unique(packing, return_inverse=True)[1].astype(np.int64)
    return packing


def _fill(room: float, left: list[int], sizes: Array) -> list[int]:
    """The subset of ``left`` (largest first) that leaves the least of ``room``, by a bounded depth-first search."""
    values = sizes[left].tolist()
    rising = [-value for value in values]
    suffix = np.append(np.cumsum(values[::-1])[::-1], 0.0).tolist()
    best: list[int] = []
    best_room, looks = room, max(MOST_LOOKS // max(sizes.size, 1), 500)
    stack: list[tuple[int, float, tuple[int, ...]]] = [(0, room, ())]
    while stack and best_room > SLACK and looks > 0:
        start, spare, chosen = stack.pop()
        if spare < best_room - SLACK:
            best, best_room = list(chosen), spare
        branches, last = [], -1.0
        for i in range(max(start, bisect_left(rising, -spare - SLACK)), len(values)):
            looks -= 1
            if spare - suffix[i] >= best_room - SLACK:
                break
            if values[i] != last:
                last = values[i]
                branches.append((i + 1, spare - values[i], (*chosen, i)))
        stack.extend(reversed(branches))
    return [left[i] for i in best]
