"""Forecasts weighed in money: every model decides from its own quantiles, and what that cost decides.

At each review t, with forecasts issued then, the decision is the forecast's quantile at the critical ratio (or at
``order_level``, or at a level tuned on earlier history). For ``replenish`` the forecast is of the demand from t until
the next order arrives (lead time + review period periods: the protection interval); for ``lease`` and ``buy`` it is of
the one period that begins a lead time later. The decisions are played on the history that came true
(:mod:`capacity_opt.simulation.acted`).
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
from capacity_opt.simulation.accuracy import Accuracy, accuracy, interval_outcomes, period_outcomes
from capacity_opt.simulation.acted import DECISIONS, Acted, Decision, Setting
from capacity_opt.simulation.estimate import Estimate, estimate_mean

Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

GRID = 24
"""How many order levels are tried when one is tuned, beside the given levels and the critical ratio."""


@dataclass(frozen=True, kw_only=True)
class ModelScore:
    """One model with one rule for its order level: ``rule`` is ``"given"`` (critical ratio or ``order_level``) or
    ``"tuned"``. ``cost`` realised money per period, all items; ``fill_rate`` of all demand; ``pinball``, ``coverage``
    (L,), ``bias`` as in :class:`~capacity_opt.simulation.accuracy.Accuracy`; ``dearer`` cost per period less that of
    the best, paired over items (over blocks of time where items are fewer than 10)."""

    name: str
    rule: str
    order_level: Array
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
    """``scores`` cheapest first; ``levels`` (L,); ``periods`` counted, ``forecasts`` scored.

    ``censored_share`` of the periods whose demand is only known to be at least what was sold: their forecasts count in
    no accuracy figure, and their cost is understated for every model. ``outside``: per model the share of items whose
    order level lies outside ``levels``, read from a fitted tail."""

    scores: tuple[ModelScore, ...]
    levels: Array
    order_level: Array
    censored_share: float
    outside: Mapping[str, float]
    periods: int
    forecasts: int


def backtest_quantiles(
    forecasts: Mapping[str, ArrayLike],
    levels: ArrayLike,
    history: ArrayLike,
    item: Item,
    *,
    order_level: ArrayLike | None = None,
    decision: Decision = "replenish",
    lost_sales: bool = False,
    censored: ArrayLike | None = None,
    initial_stock: ArrayLike | None = 0.0,
    on_order: ArrayLike | None = None,
    warm_up: int = 0,
    tune: int = 0,
    whole_units: bool = False,
) -> Backtest:
    """Rank forecast models by what acting on them would have cost.

    ``forecasts[name]`` (n, periods, L): at each period, quantiles at ``levels`` (L,) of what the ``decision`` needs:
    the demand over the protection interval that begins there (``"replenish"``), or the demand of the period that begins
    a lead time later (``"lease"``, ``"buy"``). ``history`` (n, periods) what was asked; ``censored`` (n, periods) marks
    sales that ran into an empty shelf. ``order_level``: the quantile acted on; by default stockout_cost /
    (stockout_cost + holding_cost), or with ``lost_sales`` :func:`lost_sales_level`. Neither is the cheapest where
    forecasts are biased or levels fall faster than stock is used. With ``tune`` periods after the ``warm_up`` every
    model's level is also chosen by its cost there, and every score counts the later periods only. ``whole_units``
    rounds what is acted on to whole units. The other arguments are
    those of :func:`capacity_opt.replay`.

    >>> history = np.tile([2.0, 4.0, 6.0], (2, 4))
    >>> good, poor = np.tile([[3.9, 4.1]], (2, 12, 1)), np.tile([[9.0, 9.5]], (2, 12, 1))
    >>> item = Item(holding_cost=1, stockout_cost=3)
    >>> found = backtest_quantiles({"poor": poor, "good": good}, [0.4, 0.6], history, item, order_level=0.5)
    >>> [(score.name, score.cost) for score in found.scores]
    [('good', 5.333333333333333), ('poor', 10.5)]
    """
    asked, steps, issued, hidden = _inputs(forecasts, levels, history, censored)
    if decision not in DECISIONS:
        raise ArgumentError(f"decision must be one of {', '.join(DECISIONS)}, got {decision!r}")
    setting = Setting(
        history=asked,
        item=item,
        decision=decision,
        lost_sales=lost_sales,
        initial_stock=initial_stock,
        on_order=on_order,
    )
    warm = int(_checks.whole("warm_up", warm_up))
    counted = warm, warm + int(_checks.whole("tune", tune))
    rows = {name: _Rows(quantiles, steps, whole_units) for name, quantiles in issued.items()}
    return _ranked(setting, rows, steps, hidden, _ratio(setting, order_level), counted)


def _ranked(
    setting: Setting, models: Mapping[str, _Rows], levels: Array, hidden: BoolArray, ratio: Array, at: tuple[int, int]
) -> Backtest:
    """Act on every model at ``ratio``, and at its own level tuned on periods ``at``; score from ``at[1]`` on."""
    first = at[1]
    played: dict[tuple[str, str], tuple[Array, Acted]] = {}
    for name, rows in models.items():
        played[name, "given"] = ratio, setting.act(rows.at(ratio), warm_up=first)
        best = _tuned(setting, rows, ratio, at) if first > at[0] else ratio
        if not np.array_equal(rows.at(best), rows.at(ratio)):
            played[name, "tuned"] = best, setting.act(rows.at(best), warm_up=first)
    outcomes = interval_outcomes if setting.decision == "replenish" else period_outcomes
    outcome, known = outcomes(setting.history, hidden, setting.item)
    known[:, :first] = False
    good = {name: accuracy(rows.quantiles, levels, outcome, known) for name, rows in models.items()}
    order = sorted(played, key=lambda key: (float(played[key][1].cost.sum()), key))
    cheapest = played[order[0]][1]
    return Backtest(
        scores=tuple(_score(key, *played[key], cheapest, good[key[0]]) for key in order),
        levels=levels,
        order_level=ratio,
        censored_share=float(hidden[:, first:].mean()),
        outside={name: float(np.mean((ratio < levels[0]) | (ratio > levels[-1]))) for name in models},
        periods=cheapest.periods,
        forecasts=int(known.sum()),
    )


def _inputs(
    forecasts: Mapping[str, ArrayLike], levels: ArrayLike, history: ArrayLike, censored: ArrayLike | None
) -> tuple[Array, Array, dict[str, Array], BoolArray]:
    asked = _checks.non_negative("history", history)
    steps = _checks.increasing("levels", levels)
    _checks.fraction("levels", steps)
    if asked.ndim != 2 or asked.size == 0 or not forecasts:
        raise ArgumentError("a backtest needs a history of shape (items, periods) and at least one model")
    issued = {name: _issued(name, values, (*asked.shape, len(steps))) for name, values in forecasts.items()}
    hidden = np.zeros(asked.shape, dtype=bool) if censored is None else np.broadcast_to(censored, asked.shape)
    return asked, steps, issued, np.asarray(hidden, dtype=bool)


def _issued(name: str, values: ArrayLike, expected: tuple[int, ...]) -> Array:
    array = _checks.finite(f"forecasts[{name!r}]", values)
    if array.shape != expected:
        raise ArgumentError(
            f"forecasts[{name!r}] must have shape {expected} (items, periods, levels), got {array.shape}"
        )
    return np.sort(array, axis=2)


def lost_sales_level(item: Item) -> Array:
    """The quantile of demand over lead time + 1 period to order up to where unmet demand is lost.

    A unit that is owed costs ``stockout_cost`` in every period it is owed; a lost one costs it once. The base-stock
    level is then nearly that of a system that owes at (p + L h) / (L + 1) a period (compared with the exact best level
    of :func:`~capacity_opt.optimize_lost_sales_base_stock` in the tests), so the quantile is
    (p + L h) / (p + (2 L + 1) h): for p = 9 h, L = 2 it is 0.786 and not 0.9.

    >>> float(lost_sales_level(Item(holding_cost=1, stockout_cost=9, lead_time=2)).round(3))
    0.786
    """
    short, held = np.asarray(item.stockout_cost, dtype=float), np.asarray(item.holding_cost, dtype=float)
    lead = np.asarray(item.lead_time, dtype=float)
    owed = short + lead * held
    return np.asarray(owed / (owed + (lead + 1.0) * held))


def _ratio(setting: Setting, order_level: ArrayLike | None) -> Array:
    item = setting.item
    if order_level is not None:
        return _checks.fraction("order_level", order_level)
    short, held = np.asarray(item.stockout_cost, dtype=float), np.asarray(item.holding_cost, dtype=float)
    if setting.lost_sales and setting.decision == "replenish":
        return _checks.fraction("order level under lost sales", lost_sales_level(item))
    return _checks.fraction("stockout_cost / (stockout_cost + holding_cost)", short / (short + held))


@dataclass(frozen=True)
class _Rows:
    """Forecasts (n, T, L) as demand rows, to be read at any level."""

    quantiles: Array
    levels: Array
    whole: bool

    def at(self, level: Array) -> Array:
        """(n, T) the quantile at ``level``, scalar or (n,)."""
        items, periods, count = self.quantiles.shape
        rows = QuantileDemand(levels=self.levels, values=self.quantiles.reshape(-1, count))
        wanted = np.broadcast_to(np.broadcast_to(level, (items,))[:, None], (items, periods)).reshape(-1)
        found = rows.quantile(wanted).reshape(items, periods)
        return np.floor(found + 0.5) if self.whole else found


def _tuned(setting: Setting, rows: _Rows, ratio: Array, window: tuple[int, int]) -> Array:
    """The one level for all items that was cheapest in ``window`` of the past."""
    between = np.linspace(rows.levels[0], rows.levels[-1], GRID)
    tried = np.unique(np.concatenate([rows.levels, between, np.atleast_1d(ratio).mean(keepdims=True)]))
    costs = [setting.act(rows.at(np.asarray(q)), warm_up=window[0], until=window[1]).cost.sum() for q in tried]
    return np.asarray(tried[int(np.argmin(costs))])


def _score(key: tuple[str, str], level: Array, played: Acted, best: Acted, good: Accuracy) -> ModelScore:
    periods = played.periods
    return ModelScore(
        name=key[0],
        rule=key[1],
        order_level=level,
        cost=float(played.cost.sum() / periods),
        holding=float(played.holding.sum() / periods),
        stockout=float(played.stockout.sum() / periods),
        ordering=float(played.ordering.sum() / periods),
        fill_rate=float(played.filled.sum() / max(float(played.demand.sum()), 1e-300)),
        pinball=good.pinball,
        coverage=good.coverage,
        bias=good.bias,
        dearer=_dearer(float((played.cost.sum() - best.cost.sum()) / periods), played.pairs - best.pairs),
    )


def _dearer(value: float, differences: Array) -> Estimate:
    """The difference per period with its paired interval; with one pair only there is no interval."""
    if len(differences) < 2:
        return Estimate(value=value, low=np.nan, high=np.nan, replications=1)
    found = estimate_mean(differences)
    half = (float(found.high) - float(found.low)) / 2.0  # blocks of time may differ by a period in length
    return Estimate(value=value, low=value - half, high=value + half, replications=len(differences))
