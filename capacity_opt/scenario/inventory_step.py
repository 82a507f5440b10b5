"""Replenishment: the policy of every item, what it promises, what the judge measured, and what to order now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from capacity_opt.errors import ArgumentError
from capacity_opt.inventory.explain import Calendar, explain_line, explain_orders
from capacity_opt.inventory.rounding import RoundingRules
from capacity_opt.problem.item import Item
from capacity_opt.problem.policies import BaseStock, ProjectedInventoryLevel
from capacity_opt.scenario.inventory_part import MEASURE, Part, Solved, parts_of
from capacity_opt.scenario.inventory_policies import solved
from capacity_opt.scenario.inventory_tables import Inventory
from capacity_opt.scenario.run_folder import Table
from capacity_opt.scenario.spec_judge import Simulation
from capacity_opt.scenario.timeline import Timeline
from capacity_opt.simulation.estimate import Estimate
from capacity_opt.simulation.inventory import simulate
from capacity_opt.simulation.lead_times import LeadTimeProcess
from capacity_opt.simulation.verdict import SLACK

Array = NDArray[np.float64]

LEVELS = (
    "base_stock_level",
    "reorder_point",
    "order_quantity",
    "order_up_to_level",
    "order_cap",
    "projected_level",
)
PROMISED = ("expected_cost", "fill_rate", "cycle_service_level")
JUDGED = ("judged_fill_rate", "judged_low", "judged_high", "judged_cost")


@dataclass
class InventoryOutcome:
    """Arrays (n,) in the order of the items; ``verdict`` per item; ``position`` and ``order_now`` units; ``plan``
    (n, periods) orders over the horizon where a policy plans them; ``totals`` of a limit that all items share."""

    values: dict[str, Array]
    verdict: list[str]
    explanation: list[str]
    plan: Array | None = None
    totals: dict[str, float] = field(default_factory=dict)

    @property
    def kept(self) -> bool:
        """Whether the judge found every promise kept."""
        return "not_kept" not in self.verdict


def replenish(
    inventory: Inventory,
    simulation: Simulation,
    timeline: Timeline,
    *,
    seed: int,
    progress: Callable[[int], None] | None = None,
) -> InventoryOutcome:
    """Optimise, judge and explain every item; ``progress`` hears how many are done."""
    outcome = _blank(len(inventory.names))
    calendar, done = _calendar(timeline), 0
    together: list[tuple[Part, Solved]] = []
    for number, part in enumerate(parts_of(inventory)):
        answer = solved(part)
        _note_answer(part, answer, outcome, len(inventory.period_names))
        if answer.plays is not None:
            judged = (_judge_each if answer.one_by_one else _judge)(part, answer, simulation, seed + number)
            _note_judged(part, judged, outcome)
        if inventory.order_budget is None:
            _explain([(part, answer)], calendar, outcome)
        else:
            together.append((part, answer))
        done += len(part.positions)
        if progress is not None:
            progress(done)
    if together:
        _explain(together, calendar, outcome)
    return outcome


def _blank(count: int) -> InventoryOutcome:
    names = (*LEVELS, *PROMISED, *JUDGED, "order_now")
    return InventoryOutcome({name: np.full(count, np.nan) for name in names}, ["no_target"] * count, [""] * count)


def _note_answer(part: Part, answer: Solved, outcome: InventoryOutcome, periods: int) -> None:
    for name, value in answer.values.items():
        outcome.values[name][part.positions] = value
    outcome.totals |= answer.totals
    if answer.plan is not None:
        if outcome.plan is None:
            outcome.plan = np.zeros((len(outcome.verdict), periods))
        outcome.plan[part.positions] = answer.plan


def _judge(part: Part, answer: Solved, simulation: Simulation, seed: int) -> Any:
    """Play the policy on demand the optimiser has not seen."""
    asked: dict[str, Any] = {"periods": simulation.periods, "warm_up": simulation.warm_up}
    demand: Any = part.demand
    if answer.single_period:
        asked["warm_up"] = 0
    extra: dict[str, Any] = {}
    if answer.demands:
        demand, asked = answer.demands, {"periods": len(answer.demands), "warm_up": 0}
        extra["initial_stock"] = part.inventory.position[part.positions]
    if part.lead_chances is not None and not answer.single_period:
        pmf = {int(periods): chance for periods, chance in part.lead_chances.items()}
        extra["lead_time"] = LeadTimeProcess(pmf=pmf, process="persistent")
    return simulate(
        answer.plays,
        demand,
        _played_item(part, answer),
        replications=simulation.replications,
        seed=seed,
        lost_sales=answer.lost_sales,
        level=simulation.level,
        **asked,
        **extra,
    )


@dataclass(frozen=True)
class _Judged:
    """The measures of items judged one after another."""

    fill_rate: Estimate
    cost: Estimate


def _judge_each(part: Part, answer: Solved, simulation: Simulation, seed: int) -> _Judged:
    """The judge plays a projected level for one item at a time."""
    item, levels, seen = _played_item(part, answer), answer.values["projected_level"], []
    for line, level in enumerate(levels):
        at = np.array(line, dtype=np.intp)
        alone = {each.name: float(np.asarray(getattr(item, each.name))[line]) for each in fields(item)}
        seen.append(
            simulate(
                ProjectedInventoryLevel(projected_level=level),
                part.demand.take(at),
                Item(**alone),
                periods=simulation.periods,
                warm_up=simulation.warm_up,
                replications=simulation.replications,
                seed=seed,
                lost_sales=True,
                level=simulation.level,
            )
        )
    return _Judged(_stacked([each.fill_rate for each in seen]), _stacked([each.cost for each in seen]))


def _stacked(estimates: Sequence[Estimate]) -> Estimate:
    value, low, high = (
        np.array([float(getattr(each, name)) for each in estimates]) for name in ("value", "low", "high")
    )
    return replace(estimates[0], value=value, low=low, high=high)


def _played_item(part: Part, answer: Solved) -> Item:
    """The costs and delays that the policy was made for."""
    item = part.item
    return Item(
        holding_cost=item.holding_cost,
        stockout_cost=item.stockout_cost,
        fixed_cost=item.fixed_cost if answer.fixed_cost_counts else 0.0,
        lead_time=0.0 if answer.single_period else item.lead_time,
        review_period=1.0 if answer.single_period else item.review_period,
    )


def _note_judged(part: Part, judged: Any, outcome: InventoryOutcome) -> None:
    at = part.positions
    outcome.values["judged_fill_rate"][at] = judged.fill_rate.value
    outcome.values["judged_low"][at] = judged.fill_rate.low
    outcome.values["judged_high"][at] = judged.fill_rate.high
    outcome.values["judged_cost"][at] = judged.cost.value
    if part.target == "stockout_cost":
        return
    low, high = _together(getattr(judged, MEASURE[part.target]), len(outcome.verdict))
    for place, wanted, least, most in zip(at.tolist(), part.wanted, low, high):
        outcome.verdict[place] = "not_kept" if most < wanted - SLACK else "above" if least > wanted + SLACK else "kept"


def _together(estimate: Estimate, items: int) -> tuple[Array, Array]:
    """The interval widened so that the level holds for all items at once (Bonferroni): with a thousand items some
    would otherwise seem to break their promise by chance."""
    freedom, wrong = estimate.replications - 1, (1.0 - estimate.level) / 2
    wider = special.stdtrit(freedom, 1.0 - wrong / items) / special.stdtrit(freedom, 1.0 - wrong)
    value, low, high = (np.atleast_1d(each) for each in (estimate.value, estimate.low, estimate.high))
    return value - wider * (value - low), value + wider * (high - value)


def _explain(answers: Sequence[tuple[Part, Solved]], calendar: Calendar | None, outcome: InventoryOutcome) -> None:
    part, answer = answers[0]
    if answer.explains is None:
        assert answer.order_now is not None
        outcome.values["order_now"][part.positions] = answer.order_now
        for place, sentence in zip(part.positions.tolist(), answer.sentences, strict=True):
            outcome.explanation[place] = sentence
        return
    inventory, at = part.inventory, np.concatenate([each.positions for each, _ in answers])
    lines = explain_orders(
        answer.explains if len(answers) == 1 else _one_rule(answers),
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
    outcome.values["order_now"][at] = lines.order_quantity
    for line, place in enumerate(at.tolist()):
        outcome.explanation[place] = explain_line(lines, line, item=inventory.names[place])


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


def _calendar(timeline: Timeline) -> Calendar | None:
    begins = timeline.begins(0)
    return None if begins is None else Calendar(today=begins.date().isoformat(), period_days=365.25 / timeline.per_year)


def inventory_tables(inventory: Inventory, outcome: InventoryOutcome) -> dict[str, Table]:
    """The tables of the run folder: ``inventory``; and, where there are some, the plan of orders and the totals."""
    tables = {"inventory": _items_table(inventory, outcome)}
    if outcome.plan is not None:
        lines, periods = np.nonzero(outcome.plan > 0)
        tables["inventory_plan"] = Table(
            {
                "item": [inventory.names[line] for line in lines],
                "location": [inventory.locations[line] for line in lines],
                "order_period": [inventory.period_names[period] for period in periods],
                "order_quantity": outcome.plan[lines, periods],
            }
        )
    if outcome.totals:
        judged, mean = outcome.values["judged_fill_rate"], inventory.demand.mean
        totals = outcome.totals | {"judged_fill_rate": float(np.sum(judged * mean) / np.sum(mean))}
        tables["inventory_totals"] = Table({"measure": list(totals), "value": np.array(list(totals.values()))})
    return tables


def _items_table(inventory: Inventory, outcome: InventoryOutcome) -> Table:
    """Levels that no item has are left out."""
    levels = {name: outcome.values[name] for name in LEVELS if not np.isnan(outcome.values[name]).all()}
    return Table(
        {
            "item": list(inventory.names),
            "location": list(inventory.locations),
            "policy": list(inventory.policy),
            **levels,
            "position": inventory.position,
            "order_now": outcome.values["order_now"],
            **{name: outcome.values[name] for name in PROMISED},
            **{name: outcome.values[name] for name in JUDGED},
            "verdict": outcome.verdict,
            "explanation": outcome.explanation,
        }
    )
