"""What ordering by a forecast would have cost: several ways to the lead-time total, played by the judge."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError
from capacity_opt.forecast.history import History
from capacity_opt.forecast.rivals import WAYS, lead_time_quantiles
from capacity_opt.problem.item import Item
from capacity_opt.simulation.backtest import Backtest, backtest_quantiles

Array = NDArray[np.float64]
Tell = Callable[[str], None]
FEWEST_KNOWN = 8
LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975, 0.99)


def decision_cost(
    history: History,
    *,
    reviews: int,
    lead_time: int = 1,
    holding_cost: ArrayLike = 1.0,
    stockout_cost: ArrayLike = 9.0,
    ways: Sequence[str] = WAYS,
    season: int | Sequence[int] | None = None,
    lost_sales: bool = False,
    tune: int = 0,
    tell: Tell = lambda _: None,
) -> Backtest:
    """Play the last ``reviews`` periods of ``history``: at the start of each, forecast the total over ``lead_time`` + 1
    periods from what was known, order up to its quantile at stockout_cost / (stockout_cost + holding_cost), pay. Where
    sales are lost, which costs once and not every period, the quantile is lower:
    :func:`~capacity_opt.simulation.backtest.lost_sales_level`.

    ``ways``: some of ``lead_time_totals``, ``sum_of_quantiles``, ``normal``, ``bootstrap``. The answer ranks them by
    cost, with paired intervals over the series, coverage and pinball loss. With ``tune``, the first so many reviews
    choose for each way the one quantile that was cheapest there, and only later ones count: each way then has a score
    ``"given"`` (the critical ratio) and one ``"tuned"``. The ratio is the cheapest only where a level may fall as
    freely as it rises; stock that is there cannot be sent back. Costs per unit and period, scalar or per series.
    Series too short are left out: each needs 8 periods before the first review.

    >>> history = History(np.random.default_rng(1).poisson(2.0, (30, 40)))
    >>> found = decision_cost(history, reviews=8, lead_time=2, ways=["normal", "sum_of_quantiles"])
    >>> found.periods, found.scores[0].cost <= found.scores[1].cost
    (8, True)
    """
    number = int(_checks.whole("reviews", reviews, at_least=1))
    lead = int(_checks.whole("lead_time", lead_time, at_least=0))
    kept = np.flatnonzero(history.lengths >= number + FEWEST_KNOWN)
    if not len(kept):
        raise ArgumentError(f"no series has {FEWEST_KNOWN} periods before {number} reviews. Ask for fewer reviews")
    if number <= lead:
        raise ArgumentError(f"reviews must be more than the lead time of {lead}, got {number}: no order would arrive")
    if not 0 <= tune < number - lead:
        raise ArgumentError(f"tune must leave reviews to score: in [0, {number - lead - 1}], got {tune}")
    item = _item(holding_cost, stockout_cost, lead, history.count, kept)
    chosen = history.take(kept)
    came = np.maximum(np.nan_to_num(chosen.hold_out(number)[1]), 0.0)
    issued = issued_totals(chosen, number, lead + 1, ways=ways, season=season, tell=tell)
    return backtest_quantiles(issued, LEVELS, came, item, lost_sales=lost_sales, initial_stock=None, tune=tune)


def issued_totals(
    history: History,
    reviews: int,
    periods: int,
    *,
    ways: Sequence[str] = WAYS,
    season: int | Sequence[int] | None = None,
    tell: Tell = lambda _: None,
) -> dict[str, Array]:
    """By way (n, reviews, m): at the start of each of the last ``reviews`` periods, quantiles at ``LEVELS`` of the
    total over ``periods`` periods, from what was known."""
    issued = {way: np.empty((history.count, reviews, len(LEVELS))) for way in ways}
    for review in range(reviews):
        known = history.hold_out(reviews - review)[0]
        for way in ways:
            issued[way][:, review] = lead_time_quantiles(known, periods, way=way, levels=LEVELS, season=season)
        tell(f"review {review + 1} of {reviews}")
    return issued


def _item(holding: ArrayLike, stockout: ArrayLike, lead: int, count: int, kept: NDArray[np.intp]) -> Item:
    costs = [
        np.broadcast_to(_checks.positive(name, value), (count,))[kept]
        for name, value in (("holding_cost", holding), ("stockout_cost", stockout))
    ]
    return Item(holding_cost=costs[0], stockout_cost=costs[1], lead_time=float(lead), review_period=1.0)
