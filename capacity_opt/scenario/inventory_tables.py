"""The items' tables to arrays: costs, delays, targets, stock and demand of every item."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import Problem
from capacity_opt.problem.item import Item
from capacity_opt.scenario import schema
from capacity_opt.scenario.demand_rows import DemandRows, first_period, read_demand
from capacity_opt.scenario.families import Marginals
from capacity_opt.scenario.inventory_demand import demand_by_period, demand_of_items, demand_rows
from capacity_opt.scenario.inventory_lead_times import Chances, lead_time_chances
from capacity_opt.scenario.item_customers import ItemCustomers, read_item_customers, with_customers
from capacity_opt.scenario.load import FILE, Source
from capacity_opt.scenario.problems import Problems, did_you_mean, shown
from capacity_opt.scenario.spec import Inventory as InventorySection
from capacity_opt.scenario.spec import PolicyName
from capacity_opt.scenario.typed import Context, TypedTable, typed

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

POLICIES: tuple[str, ...] = get_args(PolicyName)
MOST_AHEAD = 512  # periods that a forecast covers; beyond, its totals are extended
BY_PERIOD = ("wagner_whitin", "finite_horizon")
TARGETS = ("stockout_cost", "fill_rate", "cycle_service_level", "ready_rate", "no_stockout", "gamma")
DIVISIBLE = ("normal", "gamma", "poisson", "negative_binomial", "deterministic")


@dataclass(frozen=True)
class Aside:
    """An item that is not planned, and a fault that is why; without a ``location``, it is so at every one."""

    item: str
    location: str
    fault: Problem

    @property
    def name(self) -> str:
        """Item and location, as a sentence tells them."""
        return " ".join(filter(None, ("item", self.item, self.location)))


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """The items to replenish, arrays (n,) in the order of items.csv.

    ``item`` costs and delays in periods; ``targets`` by name, NaN where the item has another target; ``policy`` per
    item; ``demand`` per period (of the first, where ``demand_by_period`` tells them apart); ``correlation`` between
    periods; ``lead_kind`` per item which of ``lead_chances`` its lead time follows (-1: fixed); ``disruption`` the
    supplier's rates by name; limits over all items, ``None`` where there is none; ``aside``
    what is not planned; the rest is stock now and what an order must be.
    """

    names: tuple[str, ...]
    locations: tuple[str, ...]
    policy: tuple[str, ...]
    item: Item
    targets: dict[str, Array]
    demand: Marginals
    correlation: float
    unit: str
    unit_cost: Array
    order_quantity: Array
    on_hand: Array
    on_order: Array
    backorders: Array
    lot: Array
    minimum_order: Array
    maximum_level: Array
    order_capacity: Array
    disruption: dict[str, Array]
    lead_kind: tuple[int, ...]
    lead_chances: tuple[Chances, ...]
    demand_by_period: tuple[Marginals, ...]
    period_names: tuple[str, ...]
    budget: float | None = None
    aggregate_fill_rate: float | None = None
    order_budget: float | None = None
    aside: tuple[Aside, ...] = ()
    customers: ItemCustomers | None = None

    @property
    def shared(self) -> bool:
        """Whether one limit binds all items together."""
        return self.budget is not None or self.aggregate_fill_rate is not None

    @property
    def position(self) -> Array:
        """Inventory position now: on hand + on order - backorders."""
        return self.on_hand + self.on_order - self.backorders

    def take(self, items: NDArray[np.intp]) -> Inventory:
        """The chosen items only, by position."""
        given: dict[str, Any] = {}
        for name, value in vars(self).items():
            if isinstance(value, np.ndarray):
                given[name] = value[items]
            elif name in ("names", "locations", "policy", "lead_kind"):
                given[name] = tuple(value[i] for i in items.tolist())
        given["item"] = Item(
            **{field.name: np.asarray(getattr(self.item, field.name))[items] for field in fields(self.item)}
        )
        given["targets"] = {name: value[items] for name, value in self.targets.items()}
        given["disruption"] = {name: value[items] for name, value in self.disruption.items()}
        given["demand_by_period"] = tuple(each.take(items) for each in self.demand_by_period)
        return replace(self, demand=self.demand.take(items), **given)


def read_inventory(source: Source, context: Context) -> Inventory | None:
    """Read items and their demand; ``None`` where one is unusable (noted)."""
    section = source.spec.inventory
    assert section is not None
    problems = context.problems
    demand_section = section.demand or source.spec.demand
    text = source.table(section.items, [column.name for column in schema.ITEMS.columns], "items")
    if text is None:
        return None
    ids: dict[str, dict[str, int]] = context.ids  # type: ignore[assignment]  # filled here, read-only elsewhere
    ids["items"] = {name: i for i, name in enumerate(dict.fromkeys(text.columns.get("item", []))) if name.strip()}
    items = typed(text, schema.ITEMS, context)
    if demand_section is None:
        problems.error("E240", FILE, "[inventory] needs demand", fix="Add [inventory.demand] with kind and file")
        return None
    by_period = section.policy in BY_PERIOD
    keys = schema.ITEM_DEMAND_KEYS if by_period or demand_section.kind == "history" else schema.ITEM_DEMAND_KEYS[:2]
    rows = read_demand(source, demand_section, keys, "item_demand", context, _ahead(items, section.review_period))
    if rows is None or "item" not in items.texts or problems.failed:
        return None
    if demand_section.kind == "history" and rows.section.kind == "quantiles" and not by_period:
        rows = first_period(rows)
    coming = demand_by_period(rows, items, context) if by_period else ()
    demand = coming[0] if coming else None if by_period else demand_of_items(rows, items, problems)
    if demand is None:
        return None
    of_item = demand_rows(rows, items)
    if rows.forecast is not None and not by_period:
        demand = _forecast_demand(rows, of_item, items, section)
        rows = replace(rows, section=rows.section.model_copy(update={"autocorrelation": 0.0}))  # it is in the totals
    customers = read_item_customers(source, context, items)
    if customers is not None and coming:
        problems.error("E240", FILE, f"[customers] names items, which {section.policy} cannot plan for",
                       fix="Choose a policy that does not plan by period, or leave their rows out")  # fmt: skip
    elif customers is not None:
        span = _spans(items, section)
        rho, integer = rows.section.autocorrelation, rows.section.integer
        demand, customers = with_customers(demand, customers, span, correlation=rho, integer=integer)
    made = inventory_of(source, items, demand, rows, of_item, context, coming)
    return replace(made, customers=customers)


def _ahead(items: TypedTable, review: float) -> int:
    """Periods that a forecast must cover: the longest lead time and review period."""
    span = _protection(items, review)
    return int(np.clip(np.ceil(span.max(initial=1.0) - 1e-9), 1, MOST_AHEAD))


def _protection(items: TypedTable, review: float) -> Array:
    lead = np.nan_to_num(items.numbers["lead_time"]) + 2.0 * np.nan_to_num(items.numbers["lead_time_sd"])
    return np.asarray(lead + _filled(items.numbers["review_period"], review))


def _spans(items: TypedTable, section: InventorySection) -> Array:
    """(n,) periods that an item's stock must last; a newsvendor's is the next period alone."""
    policy = np.array([name.strip() or section.policy for name in items.texts["policy"]])
    return np.where(policy == "newsvendor", 1.0, _protection(items, section.review_period))


def _forecast_demand(rows: DemandRows, of_item: IntArray, items: TypedTable, section: InventorySection) -> Marginals:
    """Each item's period and its lead-time totals, forecast directly; a newsvendor's is the next period alone."""
    assert rows.forecast is not None
    span = _spans(items, section)
    demand = rows.forecast.demand_of(of_item, np.ceil(span - 1e-9), integer=rows.section.integer)
    return Marginals(len(of_item), ((np.arange(len(of_item)), demand),))


def inventory_of(
    source: Source,
    items: TypedTable,
    demand: Marginals,
    rows: DemandRows,
    of_item: IntArray,
    context: Context,
    coming: tuple[Marginals, ...] = (),
) -> Inventory:
    """The items of a typed table; ``of_item`` says which of the demand's ``rows`` speaks for each."""
    problems, section = context.problems, source.spec.inventory
    assert section is not None
    numbers = items.numbers
    targets = _targets(source, items, problems)
    review = _filled(numbers["review_period"], source.spec.inventory.review_period if source.spec.inventory else 1.0)
    lead = _whole_protection(numbers["lead_time"], review, rows, of_item, items, problems)
    policy = _policies(source, items, problems)
    items.texts["policy"] = list(policy)
    kinds, chances = lead_time_chances(source, items, lead, context)
    item = Item(
        holding_cost=_holding(source, items, problems),
        stockout_cost=np.nan_to_num(targets["stockout_cost"]),
        fixed_cost=numbers["fixed_cost"],
        lead_time=lead,
        review_period=review,
    )
    return Inventory(
        names=tuple(items.texts["item"]),
        locations=tuple(items.texts["location"]),
        policy=policy,
        item=item,
        targets=targets,
        demand=demand,
        correlation=rows.section.autocorrelation,
        unit=rows.section.unit,
        disruption={name: numbers[name] for name in ("disruption_rate", "recovery_rate")},
        lead_kind=kinds,
        lead_chances=chances,
        demand_by_period=coming,
        period_names=context.timeline.labels,
        budget=section.budget,
        aggregate_fill_rate=section.aggregate_fill_rate,
        order_budget=section.order_budget,
        unit_cost=numbers["unit_cost"],
        order_quantity=numbers["order_quantity"],
        on_hand=numbers["on_hand"],
        on_order=numbers["on_order"],
        backorders=numbers["backorders"],
        lot=numbers["lot"],
        minimum_order=numbers["minimum_order"],
        maximum_level=numbers["maximum_level"],
        order_capacity=numbers["order_capacity"],
    )


def _filled(values: Array, default: float) -> Array:
    return np.where(np.isnan(values), default, values)


def _policies(source: Source, items: TypedTable, problems: Problems) -> tuple[str, ...]:
    usual = source.spec.inventory.policy if source.spec.inventory else "base_stock"
    named = [name.strip() or usual for name in items.texts["policy"]]
    for row, name in zip(items.rows, named):
        if name not in POLICIES:
            problems.error(
                "E207",
                items.file,
                f"must be one of {', '.join(POLICIES)}",
                value=shown(name),
                row=row,
                column="policy",
                fix=did_you_mean(name, POLICIES),
            )
        elif (name in BY_PERIOD) != (usual in BY_PERIOD):
            problems.error(
                "E207",
                items.file,
                f"{' and '.join(BY_PERIOD)} take demand by period, the others do not: they cannot be mixed",
                value=shown(name),
                row=row,
                column="policy",
                fix=f'Split the scenario, or set [inventory] policy = "{name}"',
            )
    return tuple(named)


def _holding(source: Source, items: TypedTable, problems: Problems) -> Array:
    section, given = source.spec.inventory, items.numbers["holding_cost"]
    rate = None if section is None else section.carrying_rate
    per_period = 0.0 if rate is None else rate / source.spec_periods_per_year
    value = np.where(np.isnan(given), items.numbers["unit_cost"] * per_period if rate is not None else np.nan, given)
    for position in np.flatnonzero(np.isnan(value)):
        problems.error(
            "E215",
            items.file,
            "needs holding_cost, or unit_cost and [inventory] carrying_rate",
            row=items.rows[position],
            column="holding_cost",
            fix="Write the cost of one unit per period",
        )
    for position in np.flatnonzero(value == 0)[:1]:
        problems.warning(
            "W243",
            items.file,
            "holding_cost = 0: stock costs nothing, so the answer is the largest demand",
            row=items.rows[position],
            column="holding_cost",
        )
    return np.nan_to_num(value)


def _targets(source: Source, items: TypedTable, problems: Problems) -> dict[str, Array]:
    """Each item's one target; those without take [inventory]'s."""
    section = source.spec.inventory
    values = {name: items.numbers[name].copy() for name in TARGETS}
    count = sum((~np.isnan(cells)).astype(int) for cells in values.values())
    usual = {name: getattr(section, name) for name in TARGETS if section and getattr(section, name) is not None}
    if section is not None and section.aggregate_fill_rate is not None:
        return {name: np.full(len(items), 0.0 if name == "stockout_cost" else np.nan) for name in TARGETS}
    if len(usual) > 1:
        problems.error("E240", FILE, f"[inventory] gives {' and '.join(usual)}", fix="Keep one")
    for name, value in usual.items():
        values[name] = np.where(np.asarray(count) == 0, value, values[name])
    for position in np.flatnonzero(np.asarray(count) > 1):
        both = " and ".join(name for name in TARGETS if not np.isnan(values[name][position]))
        problems.error(
            "E207", items.file, f"has {both}; an item has one target", row=items.rows[position], fix="Blank one"
        )
    if not usual:
        for position in np.flatnonzero(np.asarray(count) == 0):
            problems.error(
                "E215",
                items.file,
                f"has no target ({', '.join(TARGETS)})",
                row=items.rows[position],
                fix="Write one, or set it for all in [inventory]",
            )
    _lint_costs(items, values["stockout_cost"], problems)
    for position in np.flatnonzero(values["stockout_cost"] == 0)[:1]:
        problems.warning(
            "W243",
            items.file,
            "stockout_cost = 0: the plan will buy nothing",
            row=items.rows[position],
            column="stockout_cost",
        )
    return values


def _lint_costs(items: TypedTable, stockout_cost: Array, problems: Problems) -> None:
    """A shortage that costs less than holding is more often two columns that changed places than a decision."""
    holding = items.numbers["holding_cost"]
    odd = np.flatnonzero((stockout_cost > 0) & (stockout_cost < holding))
    if len(odd):
        problems.warning(
            "W243",
            items.file,
            f"stockout_cost {stockout_cost[odd[0]]:g} is below holding_cost {holding[odd[0]]:g} in {len(odd)} rows: "
            "being short is cheaper than holding. Have the two columns changed places?",
            row=items.rows[odd[0]],
            column="stockout_cost",
        )


def _whole_protection(
    lead: Array, review: Array, rows: DemandRows, of_item: IntArray, items: TypedTable, problems: Problems
) -> Array:
    """Lead times such that lead time + review period is whole where the demand cannot be divided."""
    if rows.section.kind == "parametric" and rows.section.autocorrelation == 0:
        by_item = np.array(rows.table.texts["distribution"])[of_item]
        fractional = ~np.isin(by_item, DIVISIBLE)
    else:
        fractional = np.ones(len(lead), dtype=bool)
    total = lead + review
    rounded = np.ceil(total - 1e-9)
    change = fractional & (np.abs(rounded - total) > 1e-9)
    if change.any():
        first = int(change.argmax())
        problems.warning(
            "W221",
            items.file,
            f"lead time + review period rounded up to whole periods for {int(change.sum())} items "
            f"({items.texts['item'][first]}: {total[first]:g} to {rounded[first]:g})",
            row=items.rows[first],
        )
    return np.where(change, rounded - review, lead)
