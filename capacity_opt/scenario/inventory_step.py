"""Replenishment: the policy of every item, what it promises, what the judge measured, and what to order now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from capacity_opt.problem.item import Item
from capacity_opt.problem.policies import ProjectedInventoryLevel
from capacity_opt.scenario.inventory_explain import NUMBERS, Reasons, calendar_of, explain, no_reasons
from capacity_opt.scenario.inventory_part import ITEMS_AT_ONCE, MEASURE, Part, Solved, parts_of
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
PROMISED = ("expected_cost", "fill_rate", "cycle_service_level", "ready_rate", "no_stockout", "gamma")
ALWAYS = PROMISED[:3]
JUDGED = ("judged_fill_rate", "judged_low", "judged_high", "judged_cost")


@dataclass
class InventoryOutcome:
    """Arrays (n,) in the order of the items; ``verdict`` per item; ``reasons`` what to order now and why; ``plan``
    (n, periods) orders over the horizon where a policy plans them; ``totals`` of a limit that all items share."""

    values: dict[str, Array]
    verdict: list[str]
    reasons: Reasons
    plan: Array | None = None
    totals: dict[str, float] = field(default_factory=dict)

    @property
    def kept(self) -> bool:
        """Whether the judge found every promise kept."""
        return "not_kept" not in self.verdict

    @property
    def order_now(self) -> Array:
        """Units to order now."""
        return self.reasons.order_now

    @property
    def explanation(self) -> list[str]:
        """Why, a sentence per item."""
        told = self.reasons.sentences()
        return [told.get(place, "") for place in range(len(self.verdict))]


def replenish(
    inventory: Inventory,
    simulation: Simulation,
    timeline: Timeline,
    *,
    seed: int,
    progress: Callable[[int], None] | None = None,
    judged_items: int | None = None,
) -> InventoryOutcome:
    """Optimise, judge and explain every item; ``progress`` hears how many are done.

    ``judged_items``: how many items are judged in all, where these are but some of them.
    """
    outcome, done = _blank(len(inventory.names)), 0
    together: list[tuple[Part, Solved]] = []
    for number, part in enumerate(parts_of(inventory)):
        answer = _answer(part, outcome, len(inventory.period_names))
        if answer.plays is not None:
            judged = (_judge_each if answer.one_by_one else _judge)(part, answer, simulation, seed + number)
            _note_judged(part, judged, outcome, judged_items or len(inventory.names))
        together.append((part, answer))
        if inventory.order_budget is None:
            explain(together, calendar_of(timeline), outcome.reasons)
            together = []
        done += len(part.positions)
        if progress is not None:
            progress(done)
    if together:
        explain(together, calendar_of(timeline), outcome.reasons)
    return outcome


def decide(inventory: Inventory, timeline: Timeline, *, at_once: int = ITEMS_AT_ONCE) -> InventoryOutcome:
    """Optimise and explain every item without judging, ``at_once`` items in one call."""
    outcome = _blank(len(inventory.names))
    for part in parts_of(inventory, at_once=at_once):
        explain([(part, _answer(part, outcome, 0))], calendar_of(timeline), outcome.reasons)
    return outcome


def _blank(count: int) -> InventoryOutcome:
    values = {name: np.full(count, np.nan) for name in (*LEVELS, *PROMISED, *JUDGED)}
    return InventoryOutcome(values, ["no_target"] * count, no_reasons(count))


def _answer(part: Part, outcome: InventoryOutcome, periods: int) -> Solved:
    answer = solved(part)
    _note_answer(part, answer, outcome, periods)
    return answer


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


def _note_judged(part: Part, judged: Any, outcome: InventoryOutcome, judged_items: int) -> None:
    at = part.positions
    outcome.values["judged_fill_rate"][at] = judged.fill_rate.value
    outcome.values["judged_low"][at] = judged.fill_rate.low
    outcome.values["judged_high"][at] = judged.fill_rate.high
    outcome.values["judged_cost"][at] = judged.cost.value
    if part.target == "stockout_cost":
        return
    low, high = _together(getattr(judged, MEASURE[part.target]), judged_items)
    for place, wanted, least, most in zip(at.tolist(), part.wanted, low, high):
        outcome.verdict[place] = "not_kept" if most < wanted - SLACK else "above" if least > wanted + SLACK else "kept"


def _together(estimate: Estimate, items: int) -> tuple[Array, Array]:
    """The interval widened so that the level holds for all items at once (Bonferroni): with a thousand items some
    would otherwise seem to break their promise by chance."""
    freedom, wrong = estimate.replications - 1, (1.0 - estimate.level) / 2
    wider = special.stdtrit(freedom, 1.0 - wrong / items) / special.stdtrit(freedom, 1.0 - wrong)
    value, low, high = (np.atleast_1d(each) for each in (estimate.value, estimate.low, estimate.high))
    return value - wider * (value - low), value + wider * (high - value)


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
    if inventory.aside:
        tables["inventory_set_aside"] = aside_table(inventory)
    if outcome.totals:
        judged, mean = outcome.values["judged_fill_rate"], inventory.demand.mean
        totals = outcome.totals | {"judged_fill_rate": float(np.sum(judged * mean) / np.sum(mean))}
        tables["inventory_totals"] = Table({"measure": list(totals), "value": np.array(list(totals.values()))})
    return tables


def aside_table(inventory: Inventory) -> Table:
    """A row per fault of the items that are not planned."""
    told = inventory.aside
    return Table(
        {
            "item": [row.item for row in told],
            "location": [row.location for row in told],
            "code": [row.fault.code for row in told],
            "place": [row.fault.place for row in told],
            "value": [row.fault.value for row in told],
            "message": [row.fault.rule for row in told],
            "fix": [row.fault.fix for row in told],
        }
    )


def _items_table(inventory: Inventory, outcome: InventoryOutcome) -> Table:
    return Table(
        {
            **item_columns(inventory, outcome),
            **{name: outcome.values[name] for name in JUDGED},
            "verdict": outcome.verdict,
            "explanation": outcome.explanation,
        }
    )


def item_columns(inventory: Inventory, outcome: InventoryOutcome, *, every: bool = False) -> dict[str, Any]:
    """A row per item: levels, position, the order now and its reasons, what is promised. Columns that speak of no item
    are left out, unless ``every`` one is wanted."""

    def said(names: Sequence[str]) -> dict[str, Array]:
        found = {name: outcome.values[name] for name in names}
        return {name: values for name, values in found.items() if every or not np.isnan(values).all()}

    reasons = outcome.reasons
    return {
        "item": list(inventory.names),
        "location": list(inventory.locations),
        "policy": list(inventory.policy),
        **said(LEVELS),
        "position": inventory.position,
        "order_now": reasons.order_now,
        **{name: outcome.values[name] for name in ALWAYS},
        **said([name for name in PROMISED if name not in ALWAYS]),
        **{name: reasons.values[name] for name in NUMBERS},
        "rounding": reasons.rounding,
        "next_order": reasons.next_order,
    }
