"""Plainer ways to the total over a lead time: what others do, to be beaten in the same backtest.

``sum_of_quantiles``: each period's quantiles added up, as if every period were at its quantile at once. ``normal``: the
past mean and standard deviation of a period, times the periods and their root. ``bootstrap``: sums of past periods
drawn with replacement (Efron; Willemain, Smart and Schwarz 2004 without their jitter).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError
from capacity_opt.forecast.batch import LEVELS, forecast_quantiles
from capacity_opt.forecast.history import History
from capacity_opt.forecast.prepare import fill_gaps
from capacity_opt.forecast.totals import forecast_totals

Array = NDArray[np.float64]
TOTALS = "lead_time_totals"
WAYS = (TOTALS, "sum_of_quantiles", "normal", "bootstrap")
_DRAWS = 500


def lead_time_quantiles(
    history: History,
    periods: int,
    *,
    way: str = TOTALS,
    levels: ArrayLike = LEVELS,
    season: int | Sequence[int] | None = None,
    seed: int = 0,
) -> Array:
    """(n, m) quantiles of the total over the next ``periods`` periods, by one of ``WAYS``; at least 0.

    >>> history = History(np.tile([2.0, 4.0], (3, 30)))
    >>> lead_time_quantiles(history, 4, way="normal", levels=[0.5]).round(1)
    array([[12.],
           [12.],
           [12.]])
    """
    asked = _checks.increasing("levels", _checks.fraction("levels", levels))
    if way == TOTALS:
        values = forecast_totals(history, periods, levels=asked, season=season).values[:, -1]
    elif way == "sum_of_quantiles":
        values = forecast_quantiles(history, periods, levels=asked, season=season).values.sum(axis=1)
    elif way == "normal":
        mean, deviation = _moments(history)
        values = periods * mean[:, None] + np.sqrt(periods) * deviation[:, None] * special.ndtri(asked)
    elif way == "bootstrap":
        values = _bootstrap(history, periods, asked, seed)
    else:
        raise ArgumentError(f"way must be one of {', '.join(WAYS)}, got {way!r}")
    return np.asarray(np.maximum(values, 0.0))


def _moments(history: History) -> tuple[Array, Array]:
    filled, _ = fill_gaps(history)
    count = np.maximum(history.lengths, 1)
    mean = np.add.reduceat(filled, history.offsets[:-1]) / count
    squares = np.add.reduceat((filled - np.repeat(mean, history.lengths)) ** 2, history.offsets[:-1])
    return mean, np.sqrt(squares / np.maximum(count - 1, 1))


def _bootstrap(history: History, periods: int, levels: Array, seed: int) -> Array:
    filled, _ = fill_gaps(history)
    rng = np.random.default_rng(seed)
    sums = np.zeros((_DRAWS, history.count))
    for _ in range(periods):
        at = history.offsets[:-1] + (rng.random((_DRAWS, history.count)) * history.lengths).astype(np.int64)
        sums += filled[at]
    return np.asarray(np.quantile(sums, levels, axis=0).T)
