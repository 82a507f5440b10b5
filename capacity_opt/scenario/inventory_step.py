"""Replenishment: the policy of every item, what it promises, what the judge measured, and what to order now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from capacity_opt.demand.protocol import Demand
from capacity_opt.errors import ArgumentError
from capacity_opt.inventory.explain import Calendar, explain_line, explain_orders
from capacity_opt.inventory.rounding import RoundingRules
from capacity_opt.problem.item import Item
from capacity_opt.problem.policies import BaseStock
from capacity_opt.scenario.inventory_tables import TARGETS, Inventory
from capacity_opt.scenario.run_folder import Table
from capacity_opt.scenario.spec import Simulation
from capacity_opt.scenario.timeline import Timeline
from capacity_opt.simulation.estimate import Estimate
from capacity_opt.simulation.inventory import simulate
from capacity_opt.simulation.verdict import SLACK

Array = NDArray[np.float64]

# Items solved and judged together: what bounds the memory of a run.
ITEMS_AT_ONCE = 2048
LEVELS = ("base_stock_level", "reorder_point", "order_quantity", "order_up_to_level")
PROMISED = ("expected_cost", "fill_rate", "cycle_service_level")
JUDGED = ("judged_fill_rate", "judged_low", "judged_high", "judged_cost")
# A target of a class of service is judged by the measure that the target is about.
MEASURE = {"fill_rate": "fill_rate", "cycle_service_level": "cycle_service_level", "stockout_cost": "fill_rate"}


@dataclass(frozen=True)
class Part:
    """Items that are solved together: one policy, one kind of target, one family of demand."""

    positions: NDArray[np.intp]
    policy: str
    target: str
    demand: Demand


@dataclass
class InventoryOutcome:
    """Arrays (n,) in the order of the items; ``verdict`` per item; ``position`` and ``order_now`` units."""

    values: dict[str, Array]
    verdict: list[str]
    explanation: list[str]

    @property
    def kept(self) -> bool:
        """Whether the judge found every promise kept."""
        return "not_kept" not in self.verdict


def parts_of(inventory: Inventory) -> Iterator[Part]:
    """The items split so that each part is one array problem of bounded size."""
    policy = np.array(inventory.policy)
    target = np.full(len(policy), "", dtype=object)
    for name in TARGETS:
        target[~np.isnan(inventory.targets[name])] = name
    for positions, demand in inventory.demand.parts:
        keys = [f"{policy[i]}/{target[i]}" for i in positions.tolist()]
        for key in dict.fromkeys(keys):
            kind, aim = key.split("/")
            alike = np.flatnonzero(np.array(keys) == key)
            for begin in range(0, len(alike), ITEMS_AT_ONCE):
                chosen = alike[begin : begin + ITEMS_AT_ONCE]
                yield Part(positions[chosen], kind, aim, demand.take(chosen))


def replenish(inventory: Inventory, simulation: Simulation, timeline: Timeline, *, seed: int) -> InventoryOutcome:
    """Optimise, judge and explain every item."""
    count = len(inventory.names)
    names = (*LEVELS, *PROMISED, *JUDGED, "order_now")
    outcome = InventoryOutcome({name: np.full(count, np.nan) for name in names}, [""] * count, [""] * count)
    for number, part in enumerate(parts_of(inventory)):
        item = _items(inventory.item, part.positions)
        policy = _optimised(part, item, inventory)
        _note_levels(part, policy, outcome)
        judged = _judge(part, policy, item, simulation, seed + number)
        _note_judged(part, judged, inventory, outcome)
        _explain(part, policy, item, inventory, _calendar(timeline), outcome)
    return outcome


def _items(item: Item, at: NDArray[np.intp]) -> Item:
    names = ("holding_cost", "stockout_cost", "fixed_cost", "lead_time", "review_period")
    return Item(**{name: np.asarray(getattr(item, name))[at] for name in names})


def _optimised(part: Part, item: Item, inventory: Inventory) -> Any:
    """The policy of least cost that keeps the part's target."""
    at, demand = part.positions, part.demand
    aim: dict[str, Any] = {part.target: inventory.targets[part.target][at]}
    times: dict[str, Any] = {"lead_time": item.lead_time, "review_period": item.review_period}
    rho = inventory.correlation
    if part.policy == "newsvendor":
        from capacity_opt.inventory.newsvendor import optimize_newsvendor

        return optimize_newsvendor(
            demand, holding_cost=item.holding_cost, stockout_cost=_newsvendor_cost(part, item, inventory)
        )
    if part.policy == "base_stock":
        from capacity_opt.inventory.base_stock import optimize_base_stock

        return optimize_base_stock(demand, holding_cost=item.holding_cost, correlation=rho, **aim, **times)
    if rho:
        raise ArgumentError(
            "policies rq and ss take demand that is independent between periods: set autocorrelation = 0"
        )
    if part.policy == "rq":
        from capacity_opt.inventory.rq import optimize_rq

        given = inventory.order_quantity[at]
        quantity: dict[str, Any] = {} if np.isnan(given).all() else {"order_quantity": given}
        if np.isnan(given).any() and quantity:
            raise ArgumentError("order_quantity must be given for all rq items of one family of demand, or for none")
        return optimize_rq(
            demand, holding_cost=item.holding_cost, fixed_cost=item.fixed_cost, **aim, **times, **quantity
        )
    from capacity_opt.inventory.ss import optimize_ss

    if part.target != "stockout_cost":
        raise ArgumentError("policy ss needs a stockout_cost; for a service target use base_stock or rq")
    return optimize_ss(demand, holding_cost=item.holding_cost, fixed_cost=item.fixed_cost, **aim, **times)


def _newsvendor_cost(part: Part, item: Item, inventory: Inventory) -> Array:
    """The stockout cost whose critical ratio is the wanted cycle service level."""
    target = inventory.targets[part.target][part.positions]
    if part.target == "stockout_cost":
        return target
    if part.target == "cycle_service_level":
        return np.asarray(np.asarray(item.holding_cost) * target / (1.0 - target))
    raise ArgumentError("policy newsvendor takes stockout_cost or cycle_service_level, not fill_rate; use base_stock")


def _note_levels(part: Part, policy: Any, outcome: InventoryOutcome) -> None:
    for name in (*LEVELS, *PROMISED):
        value = getattr(policy, name, None)
        if value is not None:
            outcome.values[name][part.positions] = np.asarray(value, dtype=np.float64)


def _judge(part: Part, policy: Any, item: Item, simulation: Simulation, seed: int) -> Any:
    """Play the policy on demand the optimiser has not seen. A newsvendor is a base stock with nothing carried over."""
    if part.policy == "newsvendor":
        return _judge_newsvendor(part, policy, item, simulation, seed)
    return simulate(
        policy,
        part.demand,
        item,
        periods=simulation.periods,
        replications=simulation.replications,
        warm_up=simulation.warm_up,
        seed=seed,
        level=simulation.level,
    )


def _judge_newsvendor(part: Part, policy: Any, item: Item, simulation: Simulation, seed: int) -> Any:
    single = Item(holding_cost=item.holding_cost, stockout_cost=item.stockout_cost, lead_time=0.0, review_period=1.0)
    return simulate(
        BaseStock(base_stock_level=policy.order_quantity),
        part.demand,
        single,
        periods=simulation.periods,
        replications=simulation.replications,
        warm_up=0,
        seed=seed,
        lost_sales=True,
        level=simulation.level,
    )


def _note_judged(part: Part, judged: Any, inventory: Inventory, outcome: InventoryOutcome) -> None:
    at = part.positions
    outcome.values["judged_fill_rate"][at] = judged.fill_rate.value
    outcome.values["judged_low"][at] = judged.fill_rate.low
    outcome.values["judged_high"][at] = judged.fill_rate.high
    outcome.values["judged_cost"][at] = judged.cost.value
    estimate = getattr(judged, MEASURE[part.target])
    promised = outcome.values[MEASURE[part.target]][at]
    target = promised if part.target == "stockout_cost" else inventory.targets[part.target][at]
    low, high = _together(estimate, len(outcome.verdict))
    for place, wanted, least, most in zip(at.tolist(), target, low, high):
        if part.target == "stockout_cost" or np.isnan(wanted):
            outcome.verdict[place] = "no_target"
        else:
            outcome.verdict[place] = (
                "not_kept" if most < wanted - SLACK else "above" if least > wanted + SLACK else "kept"
            )


def _together(estimate: Estimate, items: int) -> tuple[Array, Array]:
    """The interval widened so that the level holds for all items at once (Bonferroni): with a thousand items some
    would otherwise seem to break their promise by chance."""
    freedom, wrong = estimate.replications - 1, (1.0 - estimate.level) / 2
    wider = special.stdtrit(freedom, 1.0 - wrong / items) / special.stdtrit(freedom, 1.0 - wrong)
    value, low, high = (np.atleast_1d(each) for each in (estimate.value, estimate.low, estimate.high))
    return value - wider * (value - low), value + wider * (high - value)


def _explain(
    part: Part, policy: Any, item: Item, inventory: Inventory, calendar: Calendar | None, outcome: InventoryOutcome
) -> None:
    at = part.positions
    position = inventory.position[at]
    played = BaseStock(base_stock_level=policy.order_quantity) if part.policy == "newsvendor" else policy
    room = np.maximum(inventory.maximum_level[at] - position, 0.0)
    rules = RoundingRules(
        whole=part.demand.discrete,
        minimum_order=inventory.minimum_order[at],
        lot=np.nan_to_num(inventory.lot[at]),
        maximum_order=room,
    )
    lines = explain_orders(
        played,
        on_hand=inventory.on_hand[at],
        on_order=inventory.on_order[at],
        backorders=inventory.backorders[at],
        demand_mean=part.demand.mean,
        lead_time=item.lead_time,
        review_period=item.review_period,
        quantile=policy.cycle_service_level if part.policy == "base_stock" else np.full(len(at), np.nan),
        rules=rules,
        calendar=calendar,
    )
    outcome.values["order_now"][at] = lines.order_quantity
    for line, place in enumerate(at.tolist()):
        outcome.explanation[place] = explain_line(lines, line, item=inventory.names[place])


def _calendar(timeline: Timeline) -> Calendar | None:
    begins = timeline.begins(0)
    return None if begins is None else Calendar(today=begins.date().isoformat(), period_days=365.25 / timeline.per_year)


def inventory_table(inventory: Inventory, outcome: InventoryOutcome) -> Table:
    """The ``inventory`` table of the run folder; levels that no item has are left out."""
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
