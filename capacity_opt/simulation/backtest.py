"""Forecasts weighed in money: every model replenishes from its own quantiles, and what that cost decides.

At each review t, with forecasts issued then of the demand from t until the next order arrives (lead time + review
period periods: the protection interval), the order-up-to level is the forecast's quantile at the critical ratio
(or at ``order_level``). The levels are played on the history that came true; events as in
:func:`capacity_opt.simulate`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.demand.quantiles import QuantileDemand
from capacity_opt.errors import ArgumentError
from capacity_opt.problem.item import Item
from capacity_opt.problem.policies import TimeVaryingOrderUpTo
from capacity_opt.simulation.estimate import Estimate, estimate_mean
from capacity_opt.simulation.replay import ReplayResult, replay

Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class ModelScore:
    """One model: ``cost`` realised money per period, all items; ``fill_rate`` of all demand; ``pinball`` mean loss over
    levels and forecasts (units); ``coverage`` (L,) share of outcomes at or below each quantile; ``bias`` mean of the
    median (the level nearest 0.5) less the outcome (units); ``dearer`` cost per period and item less that of the best
    model, paired over items."""

    name: str
    cost: float
    holding: float
    stockout: float
    ordering: float
    fill_rate: float
    pinball: float
    coverage: Array
    bias: float
    dearer: Estimate


@dataclass(frozen=True, kw_only=True)
class Backtest:
    """``scores`` cheapest first; ``levels`` (L,); ``censored_share`` of the periods whose demand is only known to be at
    least what was sold: their forecasts count in no accuracy figure, and their cost is understated for every model.
    ``outside``: per model the share of items whose order level lies outside ``levels``, read from a fitted tail."""

    scores: tuple[ModelScore, ...]
    levels: Array
    order_level: Array
    censored_share: float
    outside: Mapping[str, float]


def backtest_quantiles(
    forecasts: Mapping[str, ArrayLike],
    levels: ArrayLike,
    history: ArrayLike,
    item: Item,
    *,
    order_level: ArrayLike | None = None,
    lost_sales: bool = False,
    censored: ArrayLike | None = None,
    initial_stock: ArrayLike = 0.0,
    on_order: ArrayLike | None = None,
    warm_up: int = 0,
) -> Backtest:
    """Rank forecast models by what acting on them would have cost.

    ``forecasts[name]`` (n, periods, L): at each period, quantiles at ``levels`` (L,) of the demand over the protection
    interval that begins there. ``history`` (n, periods) what was asked; ``censored`` (n, periods) marks sales that ran
    into an empty shelf. ``order_level``: the quantile ordered up to; by default stockout_cost / (stockout_cost +
    holding_cost), which is not the cheapest level where forecasts are biased or orders come every period: tune it on
    earlier history. The other arguments are those of :func:`capacity_opt.replay`.

    >>> history = np.tile([2.0, 4.0, 6.0], (2, 4))
    >>> good, poor = np.tile([[3.9, 4.1]], (2, 12, 1)), np.tile([[9.0, 9.5]], (2, 12, 1))
    >>> item = Item(holding_cost=1, stockout_cost=3)
    >>> found = backtest_quantiles({"poor": poor, "good": good}, [0.4, 0.6], history, item, order_level=0.5)
    >>> [(score.name, score.cost) for score in found.scores]
    [('good', 5.333333333333333), ('poor', 10.5)]
    """
    asked = _checks.non_negative("history", history)
    steps = _checks.increasing("levels", levels)
    _checks.fraction("levels", steps)
    issued = {name: _issued(name, values, (*asked.shape, len(steps))) for name, values in forecasts.items()}
    if asked.ndim != 2 or len(asked) < 2 or not issued:
        raise ArgumentError("a backtest needs a history of shape (at least 2 items, periods) and at least one model")
    hidden = np.zeros(asked.shape, dtype=bool) if censored is None else np.broadcast_to(censored, asked.shape)
    ratio = _ratio(item, order_level)
    played = {}
    for name, quantiles in issued.items():
        policy = _levels_of(quantiles, steps, ratio)
        played[name] = replay(
            policy,
            asked,
            item,
            lost_sales=lost_sales,
            initial_stock=initial_stock,
            on_order=on_order,
            warm_up=warm_up,
        )
    outcome, known = _outcomes(asked, hidden, item)
    names = sorted(played, key=lambda name: (float(played[name].cost.sum()), name))
    best = played[names[0]]
    scores = tuple(_score(name, played[name], best, issued[name], steps, outcome, known) for name in names)
    outside = {name: float(np.mean((ratio < steps[0]) | (ratio > steps[-1]))) for name in names}
    return Backtest(
        scores=scores, levels=steps, order_level=ratio, censored_share=float(hidden.mean()), outside=outside
    )


def _issued(name: str, values: ArrayLike, expected: tuple[int, ...]) -> Array:
    array = _checks.finite(f"forecasts[{name!r}]", values)
    if array.shape != expected:
        raise ArgumentError(
            f"forecasts[{name!r}] must have shape {expected} (items, periods, levels), got {array.shape}"
        )
    return np.sort(array, axis=2)


def _ratio(item: Item, order_level: ArrayLike | None) -> Array:
    if order_level is not None:
        return _checks.fraction("order_level", order_level)
    short, held = np.asarray(item.stockout_cost, dtype=float), np.asarray(item.holding_cost, dtype=float)
    return _checks.fraction("stockout_cost / (stockout_cost + holding_cost)", short / (short + held))


def _levels_of(quantiles: Array, levels: Array, ratio: Array) -> TimeVaryingOrderUpTo:
    items, periods, count = quantiles.shape
    rows = QuantileDemand(levels=levels, values=quantiles.reshape(-1, count))
    wanted = np.broadcast_to(np.broadcast_to(ratio, (items,))[:, None], (items, periods)).reshape(-1)
    up_to = rows.quantile(wanted).reshape(items, periods).T
    return TimeVaryingOrderUpTo(reorder_point=up_to, order_up_to_level=up_to)


def _outcomes(history: Array, censored: BoolArray, item: Item) -> tuple[Array, BoolArray]:
    """Demand over each protection interval, and whether all of it was seen and lies in the history."""
    span = np.asarray(item.lead_time) + np.asarray(item.review_period)
    length = np.broadcast_to(_checks.whole("lead_time + review_period", span, at_least=1), (len(history),))
    periods = history.shape[1]
    total = np.concatenate([np.zeros((len(history), 1)), np.cumsum(history, axis=1)], axis=1)
    hidden = np.concatenate([np.zeros((len(history), 1)), np.cumsum(censored, axis=1)], axis=1)
    end = np.arange(periods)[None, :] + length[:, None]
    inside = np.minimum(end, periods)
    outcome = np.take_along_axis(total, inside, 1) - total[:, :-1]
    unseen = np.take_along_axis(hidden, inside, 1) - hidden[:, :-1]
    return outcome, (end <= periods) & (unseen == 0)


def _score(
    name: str,
    played: ReplayResult,
    best: ReplayResult,
    quantiles: Array,
    levels: Array,
    outcome: Array,
    known: BoolArray,
) -> ModelScore:
    missed = outcome[..., None] - quantiles
    pinball = np.maximum(levels * missed, (levels - 1.0) * missed)[known]
    middle = int(np.argmin(np.abs(levels - 0.5)))
    periods = played.periods
    return ModelScore(
        name=name,
        cost=float(played.cost.sum() / periods),
        holding=float(played.holding.sum() / periods),
        stockout=float(played.stockout.sum() / periods),
        ordering=float(played.ordering.sum() / periods),
        fill_rate=float(played.filled.sum() / max(float(played.demand.sum()), 1e-300)),
        pinball=float(pinball.mean()) if pinball.size else float("nan"),
        coverage=(missed <= 0)[known].mean(axis=0) if known.any() else np.full(len(levels), np.nan),
        bias=float(-missed[..., middle][known].mean()) if known.any() else float("nan"),
        dearer=estimate_mean((played.cost - best.cost) / periods),
    )
