"""What to order now and why, for items solved together: every step of the reasoning as a column, and as a sentence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import ArgumentError
from capacity_opt.inventory.explain import Calendar, OrderLines, explain_line, explain_orders
from capacity_opt.inventory.rounding import RoundingRules
from capacity_opt.problem.policies import BaseStock
from capacity_opt.scenario.inventory_part import Part, Solved
from capacity_opt.scenario.timeline import Timeline

Array = NDArray[np.float64]
Items = NDArray[np.intp]

NUMBERS = ("protection_interval", "quantile", "wanted", "cost_before_rounding", "cost_after_rounding", "next_order_in")


@dataclass
class Reasons:
    """The reasoning behind every order, arrays (n,) in the order of the items.

    ``order_now`` units; ``values`` the numbers of :data:`NUMBERS`: periods protected, probability that demand over them
    stays within the level, order wanted before rounding, expected cost before and after it, periods until the next
    order; ``rounding`` the steps that changed the order, ``whole``, ``minimum``, ``lot``, ``maximum``, ``budget``;
    ``next_order`` the day. ``blocks`` word a line: positions, and the sentence of each place among them.
    """

    order_now: Array
    values: dict[str, Array]
    rounding: NDArray[Any]
    next_order: NDArray[np.datetime64]
    blocks: list[tuple[Items, Callable[[int], str]]] = field(default_factory=list)

    def sentences(self, chosen: Items | None = None) -> dict[int, str]:
        """The sentence of the chosen items (of all), by position."""
        wanted = None if chosen is None else set(chosen.tolist())
        return {
            place: word(line)
            for at, word in self.blocks
            for line, place in enumerate(at.tolist())
            if wanted is None or place in wanted
        }


def no_reasons(count: int) -> Reasons:
    """Nothing known yet."""
    return Reasons(
        order_now=np.full(count, np.nan),
        values={name: np.full(count, np.nan) for name in NUMBERS},
        rounding=np.full(count, "", dtype=object),
        next_order=np.full(count, np.datetime64("NaT", "D")),
    )


def calendar_of(timeline: Timeline) -> Calendar | None:
    """The days behind the periods, where the scenario has a start."""
    begins = timeline.begins(0)
    return None if begins is None else Calendar(today=begins.date().isoformat(), period_days=365.25 / timeline.per_year)


def explain(answers: Sequence[tuple[Part, Solved]], calendar: Calendar | None, reasons: Reasons) -> None:
    """Work out the orders of parts that share an order budget (or of one part) and note them in ``reasons``."""
    part, answer = answers[0]
    if answer.explains is None:
        assert answer.order_now is not None
        reasons.order_now[part.positions] = answer.order_now
        reasons.blocks.append((part.positions, answer.sentences.__getitem__))
        return
    at = np.concatenate([each.positions for each, _ in answers])
    lines = _lines(answers, at, calendar)
    _note(lines, at, reasons)
    names = part.inventory.names
    reasons.blocks.append((at, lambda line: explain_line(lines, line, item=names[int(at[line])])))


def _lines(answers: Sequence[tuple[Part, Solved]], at: Items, calendar: Calendar | None) -> OrderLines:
    inventory, answer = answers[0][0].inventory, answers[0][1]
    rule = answer.explains if len(answers) == 1 else _one_rule(answers)
    assert rule is not None
    return explain_orders(
        rule,
        on_hand=inventory.on_hand[at],
        on_order=inventory.on_order[at],
        backorders=inventory.backorders[at],
        demand_mean=_joined([each.demand.mean for each, _ in answers]),
        lead_time=_joined([_mean_lead(each) for each, _ in answers]),
        review_period=_joined([np.asarray(each.item.review_period) for each, _ in answers]),
        quantile=_joined([np.broadcast_to(said.quantile, each.positions.shape) for each, said in answers]),
        rules=_rules(answers, at),
        cost=_cost(answers),
        calendar=calendar,
    )


def _note(lines: OrderLines, at: Items, reasons: Reasons) -> None:
    rounded = lines.rounding
    reasons.order_now[at] = lines.order_quantity
    told = (
        lines.protection_interval,
        lines.quantile,
        rounded.raw_quantity,
        rounded.expected_cost_before,
        rounded.expected_cost_after,
        lines.next_order_in,
    )
    for name, values in zip(NUMBERS, told, strict=True):
        reasons.values[name][at] = values
    reasons.next_order[at] = lines.next_order_date
    for step in rounded.steps:
        changed = at[step.changed]
        earlier = reasons.rounding[changed]
        reasons.rounding[changed] = np.where(earlier == "", step.name, earlier + ", " + step.name)


def _rules(answers: Sequence[tuple[Part, Solved]], at: NDArray[np.intp]) -> RoundingRules:
    inventory = answers[0][0].inventory
    room = np.maximum(inventory.maximum_level[at] - inventory.position[at], 0.0)
    cap = _joined([np.broadcast_to(said.cap, each.positions.shape) for each, said in answers])
    money: dict[str, Any] = {}
    if inventory.order_budget is not None:
        money = {"budget": inventory.order_budget, "unit_cost": inventory.unit_cost[at]}
        if np.any(~(inventory.unit_cost[at] > 0)):
            raise ArgumentError("an order_budget needs unit_cost above 0 for every item")
    return RoundingRules(
        whole=all(each.demand.discrete for each, _ in answers),
        minimum_order=inventory.minimum_order[at],
        lot=np.nan_to_num(inventory.lot[at]),
        maximum_order=np.minimum(room, cap),
        **money,
    )


def _one_rule(answers: Sequence[tuple[Part, Solved]]) -> BaseStock:
    """Under one order budget all items are explained together."""
    levels = [
        np.asarray(said.explains.base_stock_level)
        for _, said in answers
        if isinstance(said.explains, BaseStock) and said.cost is not None
    ]
    if len(levels) < len(answers):
        raise ArgumentError("an order_budget over several groups of items needs policy base_stock for all of them")
    return BaseStock(base_stock_level=_joined(levels))


def _cost(answers: Sequence[tuple[Part, Solved]]) -> Callable[[Array], Array] | None:
    """Expected cost per item of the positions after ordering."""
    costs = [said.cost for _, said in answers]
    ends = np.cumsum([len(part.positions) for part, _ in answers])[:-1]

    def cost(position: Array) -> Array:
        pieces = zip(costs, np.split(position, ends), strict=True)
        return _joined([each(piece) for each, piece in pieces if each is not None])

    return None if any(each is None for each in costs) else cost


def _mean_lead(part: Part) -> Array:
    if part.lead_chances is None:
        return np.asarray(part.item.lead_time)
    mean = sum(periods * chance for periods, chance in part.lead_chances.items())
    return np.full(part.positions.shape, mean)


def _joined(pieces: Sequence[Array]) -> Array:
    return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
