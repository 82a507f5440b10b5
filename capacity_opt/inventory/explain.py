"""Why each line of an order book says what it says: as data over many items, and as sentences for one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError
from capacity_opt.inventory.rounding import RoundedOrders, RoundingRules, round_orders
from capacity_opt.problem.policies import BaseStock, ReorderPointOrderQuantity, ReorderPointOrderUpTo

Array = NDArray[np.float64]
Policy = BaseStock | ReorderPointOrderQuantity | ReorderPointOrderUpTo

_WORDS = {
    "whole": "{after} in whole units",
    "minimum": "{after} to reach the minimum order",
    "lot": "{after} as a multiple of the lot",
    "maximum": "{after} because of the maximum order",
    "budget": "{after} to stay within the budget",
}


@dataclass(frozen=True, kw_only=True)
class OrderLines:
    """The order book of many items, every field (n,).

    ``position`` = on hand + on order - backorders; ``trigger``: an order is due when the position is at or below it
    (below it, for a base stock); ``target`` the position wanted after ordering; ``quantile`` the probability that
    demand over the ``protection_interval`` stays below the level (NaN where the policy did not come from one);
    ``rounding`` the chain from ``target - position`` to ``order_quantity``, with the expected cost before and after;
    ``next_order_in`` periods until the next order is expected (infinite without demand), ``next_order_date`` the day
    (NaT without a calendar or without demand).
    """

    on_hand: Array
    on_order: Array
    backorders: Array
    position: Array
    trigger: Array
    target: Array
    protection_interval: Array
    quantile: Array
    rounding: RoundedOrders
    next_order_in: Array
    next_order_date: NDArray[np.datetime64]

    @property
    def order_quantity(self) -> Array:
        """What to order now."""
        return self.rounding.order_quantity


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """The first day of the current period, and the length of a period in days."""

    today: str
    period_days: float

    def after(self, periods: Array) -> NDArray[np.datetime64]:
        """The day so many periods from now; NaT where the number is not finite."""
        days = np.where(np.isfinite(periods), np.rint(periods * self.period_days), 0.0).astype("timedelta64[D]")
        day = np.datetime64(self.today, "D") + days
        return np.where(np.isfinite(periods), day, np.datetime64("NaT", "D"))


def explain_orders(
    policy: Policy,
    *,
    on_hand: ArrayLike,
    on_order: ArrayLike = 0.0,
    backorders: ArrayLike = 0.0,
    demand_mean: ArrayLike,
    lead_time: ArrayLike,
    review_period: ArrayLike = 1.0,
    quantile: ArrayLike = np.nan,
    rules: RoundingRules | None = None,
    cost: Callable[[Array], ArrayLike] | None = None,
    calendar: Calendar | None = None,
) -> OrderLines:
    """What to order now under ``policy``, and why.

    ``demand_mean`` per period; the protection interval is ``lead_time`` + ``review_period``; ``cost`` maps the
    position after ordering to the expected cost. ``rules`` default to whole units.

    >>> lines = explain_orders(BaseStock(base_stock_level=[27.3, 4.0]), on_hand=[7, 6], backorders=[2, 0],
    ...                        demand_mean=8, lead_time=2, quantile=0.95, rules=RoundingRules(lot=12),
    ...                        calendar=Calendar(today="2027-01-04", period_days=7))
    >>> lines.order_quantity, lines.next_order_date
    (array([24.,  0.]), array(['2027-01-11', '2027-01-11'], dtype='datetime64[D]'))
    """
    trigger, target = _levels(policy)
    _, named = _checks.broadcast(
        on_hand=np.atleast_1d(_checks.non_negative("on_hand", on_hand)),
        on_order=_checks.non_negative("on_order", on_order),
        backorders=_checks.non_negative("backorders", backorders),
        demand_mean=_checks.non_negative("demand_mean", demand_mean),
        lead_time=_checks.non_negative("lead_time", lead_time),
        review_period=_checks.non_negative("review_period", review_period),
        quantile=quantile,
        trigger=trigger,
        target=target,
    )
    position = named["on_hand"] + named["on_order"] - named["backorders"]
    raw = _raw_order(policy, position, named["trigger"], named["target"])
    at_order = None if cost is None else lambda order: cost(position + order)
    rounding = round_orders(raw, rules or RoundingRules(), cost=at_order)
    wait = _next_order(policy, position + rounding.order_quantity, named)
    return OrderLines(
        on_hand=named["on_hand"],
        on_order=named["on_order"],
        backorders=named["backorders"],
        position=position,
        trigger=named["trigger"],
        target=np.where(raw > 0, position + raw, named["target"]),
        protection_interval=named["lead_time"] + named["review_period"],
        quantile=named["quantile"],
        rounding=rounding,
        next_order_in=wait,
        next_order_date=calendar.after(wait) if calendar else np.full(wait.shape, np.datetime64("NaT", "D")),
    )


def explain_line(lines: OrderLines, line: int, *, item: str = "this item") -> str:
    """The line as sentences.

    >>> lines = explain_orders(BaseStock(base_stock_level=27.3), on_hand=7, backorders=2, demand_mean=8, lead_time=2,
    ...                        quantile=0.95, rules=RoundingRules(lot=12))
    >>> print(explain_line(lines, 0, item="a100"))  # doctest: +NORMALIZE_WHITESPACE
    Order 24 of a100. The position is 5 = 7 on hand + 0 on order - 2 backorders; demand over the protection interval
    of 3 periods stays within 27.3 with probability 0.95, so 22.3 are wanted: 23 in whole units, 24 as a multiple of
    the lot. The next order is expected in 1 period.
    """
    count = len(lines.position)
    if not 0 <= line < count:
        raise ArgumentError(f"line must be in 0..{count - 1}, got {line}")
    order = float(lines.order_quantity[line])
    opening = f"Order {order:g} of {item}." if order > 0 else f"Order nothing of {item}."
    said = [opening, _why(lines, line), _money(lines, line), _next(lines, line)]
    return " ".join(part for part in said if part)


def _levels(policy: Policy) -> tuple[ArrayLike, ArrayLike]:
    if isinstance(policy, BaseStock):
        return policy.base_stock_level, policy.base_stock_level
    if isinstance(policy, ReorderPointOrderQuantity):
        return policy.reorder_point, np.add(policy.reorder_point, policy.order_quantity)
    if isinstance(policy, ReorderPointOrderUpTo):
        return policy.reorder_point, policy.order_up_to_level
    raise ArgumentError(
        "policy must be BaseStock, ReorderPointOrderQuantity or ReorderPointOrderUpTo, "
        f"got {type(policy).__name__}. Give the levels of one period as one of these."
    )


def _raw_order(policy: Policy, position: Array, trigger: Array, target: Array) -> Array:
    if isinstance(policy, ReorderPointOrderQuantity):
        lot = target - trigger
        return np.where(position <= trigger, (np.floor((trigger - position) / lot) + 1.0) * lot, 0.0)
    due = position < trigger if isinstance(policy, BaseStock) else position <= trigger
    return np.where(due, np.maximum(target - position, 0.0), 0.0)


def _next_order(policy: Policy, position: Array, named: dict[str, Array]) -> Array:
    """Periods until mean demand takes the position to the trigger, at a review if there are reviews."""
    least = 1.0 if isinstance(policy, BaseStock) else 0.0
    review, mean = named["review_period"], named["demand_mean"]
    above = np.maximum(position - named["trigger"], 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        at_once = np.where(mean > 0, np.maximum(above, least) / mean, np.inf)
        reviews = np.where(review > 0, np.ceil(above / mean / review - 1e-9), 0.0)
    waited = np.where(mean > 0, np.maximum(reviews, 1.0) * review, np.inf)
    short = position < named["trigger"]
    return np.where(review > 0, np.where(short, review, waited), np.where(short, 0.0, at_once))


def _why(lines: OrderLines, line: int) -> str:
    position = (
        f"The position is {lines.position[line]:g} = {lines.on_hand[line]:g} on hand + "
        f"{lines.on_order[line]:g} on order - {lines.backorders[line]:g} backorders"
    )
    wanted = float(lines.rounding.raw_quantity[line])
    if wanted <= 0:
        return f"{position}, and an order is due only when it falls to {lines.trigger[line]:g}."
    interval, quantile = float(lines.protection_interval[line]), float(lines.quantile[line])
    over = f"{interval:g} period" + ("" if interval == 1 else "s")
    level = f"the position wanted, to last for the protection interval of {over}, is {lines.target[line]:g}"
    if np.isfinite(quantile):
        level = (
            f"demand over the protection interval of {over} stays within {lines.trigger[line]:g} "
            f"with probability {quantile:g}"
        )
    steps = [_WORDS[s.name].format(after=f"{s.after[line]:g}") for s in lines.rounding.steps if s.changed[line]]
    rounded = ": " + ", ".join(steps) if steps else ""
    return f"{position}; {level}, so {wanted:g} {'is' if wanted == 1 else 'are'} wanted{rounded}."


def _money(lines: OrderLines, line: int) -> str:
    before = float(lines.rounding.expected_cost_before[line])
    after = float(lines.rounding.expected_cost_after[line])
    if not np.isfinite(after):
        return ""
    if before == after:
        return f"The expected cost is {after:.6g}."
    return f"The expected cost is {before:.6g} before rounding and {after:.6g} after."


def _next(lines: OrderLines, line: int) -> str:
    wait, day = float(lines.next_order_in[line]), lines.next_order_date[line]
    if not np.isfinite(wait):
        return "Without demand no further order is expected."
    when = f"in {wait:g} period" + ("" if wait == 1 else "s")
    return f"The next order is expected {when}" + ("." if np.isnat(day) else f", on {day}.")
