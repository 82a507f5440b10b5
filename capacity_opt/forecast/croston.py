"""Croston's method and what became of it: the mean of demand that is often zero.

Sizes of demands and the intervals between them are smoothed apart, at demands only (Croston 1972); their ratio is a
little too high, which Syntetos and Boylan (2005) correct by 1 - alpha / 2; Teunter, Syntetos and Babai (2011) smooth
the chance of a demand in every period instead, so that a part that dies is noticed. All begin with the first demand and
its interval. A mean is no quantile: the engine puts a negative binomial around it, and takes as much of each method and
rate as the backtest says (:mod:`capacity_opt.forecast.intermittent`).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from capacity_opt import _checks
from capacity_opt._compiled import compiled
from capacity_opt.errors import ArgumentError
from capacity_opt.forecast import croston_kernel
from capacity_opt.forecast.history import History
from capacity_opt.forecast.prepare import fill_gaps

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
Method = Literal["croston", "sba", "tsb"]
METHODS: tuple[Method, ...] = ("croston", "sba", "tsb")
_SMALL = 20_000  # values below which NumPy is quicker than loading compiled code


def croston_mean(history: History, *, method: Method = "sba", alpha: float = 0.1, beta: float | None = None) -> Array:
    """(n,) the mean demand of a coming period; ``beta`` (of the chance of a demand, ``tsb``) is ``alpha`` unless given.

    >>> croston_mean(History([[0, 0, 6, 0, 0, 6, 0]]), method="croston").tolist()
    [2.0]
    """
    if method not in METHODS:
        raise ArgumentError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    rate = _checks.single("alpha", _checks.between("alpha", alpha, 0.0, 1.0))
    other = rate if beta is None else _checks.single("beta", _checks.between("beta", beta, 0.0, 1.0))
    filled, _ = fill_gaps(history)
    return croston_means(filled, history.offsets[:-1], history.offsets[1:], method, rate, other)


def croston_means(values: Array, begins: IntArray, ends: IntArray, method: Method, alpha: float, beta: float) -> Array:
    """(n,) of the series ``values[begin:end]``; 0 where nothing was ever asked."""
    out = np.empty(len(begins))
    kind = METHODS.index(method)
    kernel = compiled(croston_kernel.croston_all) if int((ends - begins).sum()) > _SMALL else None
    if kernel is None:
        return croston_numpy(values, begins, ends, kind, alpha, beta)
    kernel(values, begins, ends, kind, alpha, beta, out)
    return out


def croston_numpy(values: Array, begins: IntArray, ends: IntArray, kind: int, alpha: float, beta: float) -> Array:
    """The same, all series a period at a time."""
    count = len(begins)
    size, interval, chance, since = np.zeros(count), np.ones(count), np.zeros(count), np.zeros(count)
    begun = np.zeros(count, dtype=np.bool_)
    for t in range(int((ends - begins).max(initial=0))):
        here = begins + t < ends
        value = np.where(here, values[np.where(here, begins + t, 0)], 0.0)
        since = since + here
        asked = here & (value != 0.0)
        first, again, none = asked & ~begun, asked & begun, here & ~asked & begun
        chance = np.where(again, chance + beta * (1.0 - chance), np.where(none, chance - beta * chance, chance))
        chance = np.where(first, 1.0 / np.maximum(since, 1.0), chance)
        size = np.where(again, size + alpha * (value - size), np.where(first, value, size))
        interval = np.where(again, interval + alpha * (since - interval), np.where(first, since, interval))
        since = np.where(asked, 0.0, since)
        begun |= asked
    if kind == croston_kernel.TSB:
        return np.asarray(chance * size)
    return np.asarray(size / interval * (1.0 - 0.5 * alpha if kind == croston_kernel.SBA else 1.0))
