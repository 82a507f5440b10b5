"""How good forecast quantiles are as forecasts: pinball loss, coverage, bias."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capacity_opt import _checks
from capacity_opt.problem.item import Item

Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """``pinball`` mean loss over levels and forecasts (units); ``coverage`` (L,) share of outcomes at or below each
    quantile; ``bias`` mean of the median (the level nearest 0.5) less the outcome (units); ``forecasts`` counted."""

    pinball: float
    coverage: Array
    bias: float
    forecasts: int


def accuracy(quantiles: Array, levels: Array, outcome: Array, known: BoolArray) -> Accuracy:
    """``quantiles`` (n, T, L) against ``outcome`` (n, T) where ``known``; NaN where nothing is known.

    >>> quantiles, outcome = np.array([[[1.0, 3.0], [1.0, 3.0]]]), np.array([[2.0, 4.0]])
    >>> found = accuracy(quantiles, np.array([0.5, 0.9]), outcome, outcome > 0)
    >>> found.bias, found.coverage.tolist(), round(found.pinball, 3)
    (-2.0, [0.0, 0.5], 0.75)
    """
    if not known.any():
        return Accuracy(pinball=np.nan, coverage=np.full(len(levels), np.nan), bias=np.nan, forecasts=0)
    missed = outcome[known][:, None] - quantiles[known]
    pinball = np.maximum(levels * missed, (levels - 1.0) * missed)
    middle = int(np.argmin(np.abs(levels - 0.5)))
    return Accuracy(
        pinball=float(pinball.mean()),
        coverage=np.asarray((missed <= 0).mean(axis=0)),
        bias=float(-missed[:, middle].mean()),
        forecasts=len(missed),
    )


def interval_outcomes(history: Array, censored: BoolArray, item: Item) -> tuple[Array, BoolArray]:
    """Demand over each protection interval, (n, T), and whether all of it was seen and lies in the history."""
    span = np.asarray(item.lead_time) + np.asarray(item.review_period)
    length = np.broadcast_to(_checks.whole("lead_time + review_period", span, at_least=1), (len(history),))
    return _windows(history, censored, np.zeros_like(length), length)


def period_outcomes(history: Array, censored: BoolArray, item: Item) -> tuple[Array, BoolArray]:
    """Demand of the one period that begins a lead time later, and whether it was seen and lies in the history."""
    lead = np.broadcast_to(_checks.whole("lead_time", item.lead_time), (len(history),))
    return _windows(history, censored, lead, lead + 1)


def _windows(
    history: Array, censored: BoolArray, first: NDArray[np.int64], last: NDArray[np.int64]
) -> tuple[Array, BoolArray]:
    """Sums over [t + first, t + last) for every t."""
    periods = history.shape[1]
    total = np.concatenate([np.zeros((len(history), 1)), np.cumsum(history, axis=1)], axis=1)
    hidden = np.concatenate([np.zeros((len(history), 1)), np.cumsum(censored, axis=1)], axis=1)
    begin, end = np.arange(periods)[None, :] + first[:, None], np.arange(periods)[None, :] + last[:, None]
    low, high = np.minimum(begin, periods), np.minimum(end, periods)
    outcome, unseen = (np.take_along_axis(sums, high, 1) - np.take_along_axis(sums, low, 1) for sums in (total, hidden))
    return outcome, (end <= periods) & (unseen == 0)
