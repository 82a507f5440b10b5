"""The items' tables to arrays: costs, delays, targets, stock and demand of every item."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capacity_opt.problem.item import Item
from capacity_opt.scenario import schema
from capacity_opt.scenario.demand_rows import DemandRows, read_demand
from capacity_opt.scenario.families import Marginals, marginals_of
from capacity_opt.scenario.fleet_demand import sample_probabilities
from capacity_opt.scenario.load import FILE, Source
from capacity_opt.scenario.problems import Problems, did_you_mean, shown
from capacity_opt.scenario.typed import Context, TypedTable, typed

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

POLICIES = ("base_stock", "newsvendor", "rq", "ss")
TARGETS = ("stockout_cost", "fill_rate", "cycle_service_level")
DIVISIBLE = ("normal", "gamma", "poisson", "negative_binomial", "deterministic")


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """The items to replenish, arrays (n,) in the order of items.csv.

    ``item`` costs and delays in periods; ``targets`` by name, NaN where the item has another target; ``policy`` per
    item; ``demand`` per period; ``correlation`` between periods; the rest is stock now and what an order must be.
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
            elif isinstance(value, tuple):
                given[name] = tuple(value[i] for i in items.tolist())
        given["item"] = Item(
            **{field.name: np.asarray(getattr(self.item, field.name))[items] for field in fields(self.item)}
        )
        given["targets"] = {name: value[items] for name, value in self.targets.items()}
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
    keys = schema.ITEM_DEMAND_KEYS if demand_section.kind == "history" else schema.ITEM_DEMAND_KEYS[:2]
    rows = read_demand(source, demand_section, keys, "item_demand", context)
    if rows is None or "item" not in items.texts or problems.failed:
        return None
    demand = _demand(rows, items, problems)
    if demand is None:
        return None
    return _inventory(source, items, demand, rows, problems)


def _inventory(source: Source, items: TypedTable, demand: Marginals, rows: DemandRows, problems: Problems) -> Inventory:
    numbers = items.numbers
    targets = _targets(source, items, problems)
    review = _filled(numbers["review_period"], source.spec.inventory.review_period if source.spec.inventory else 1.0)
    lead = _whole_protection(numbers["lead_time"], review, demand, rows, items, problems)
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
        policy=_policies(source, items, problems),
        item=item,
        targets=targets,
        demand=demand,
        correlation=rows.section.autocorrelation,
        unit=rows.section.unit,
        **{
            name: numbers[name]
            for name in (
                "unit_cost",
                "order_quantity",
                "on_hand",
                "on_order",
                "backorders",
                "lot",
                "minimum_order",
                "maximum_level",
            )
        },
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
    for position in np.flatnonzero(values["stockout_cost"] == 0)[:1]:
        problems.warning(
            "W243",
            items.file,
            "stockout_cost = 0: the plan will buy nothing",
            row=items.rows[position],
            column="stockout_cost",
        )
    return values


def _whole_protection(
    lead: Array, review: Array, demand: Marginals, rows: DemandRows, items: TypedTable, problems: Problems
) -> Array:
    """Lead times such that lead time + review period is whole where the demand cannot be divided."""
    if rows.section.kind == "parametric" and rows.section.autocorrelation == 0:
        by_item = np.array(rows.table.texts["distribution"])[demand_rows(rows, items)]
        fractional = ~np.isin(by_item, DIVISIBLE)
    else:
        fractional = np.ones(demand.count, dtype=bool)
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


def demand_rows(rows: DemandRows, items: TypedTable) -> IntArray:
    """The row of the demand table that speaks for each item."""
    first = {key: row for row, key in reversed(list(enumerate(_keys(rows.table))))}
    any_location = {name: row for row, (name, place) in reversed(list(enumerate(_keys(rows.table)))) if not place}
    found = [first.get(key, any_location.get(key[0], -1)) for key in _keys(items)]
    return np.array(found, dtype=np.int64)


def _keys(table: TypedTable) -> list[tuple[str, str]]:
    return list(zip(table.texts["item"], table.texts["location"]))


def _demand(rows: DemandRows, items: TypedTable, problems: Problems) -> Marginals | None:
    of_item = demand_rows(rows, items)
    for position in np.flatnonzero(of_item < 0):
        told = " ".join(filter(None, (items.texts["item"][position], items.texts["location"][position])))
        problems.error(
            "E227",
            rows.table.file,
            f"no demand for item {shown(told)}",
            fix=f"It is in {items.file}:{items.rows[position]}",
        )
    _note_strangers(rows, items, problems)
    if problems.failed:
        return None
    if rows.section.kind in ("history", "samples"):
        return _empirical(rows, items, problems)
    _note_doubled(rows, problems)
    return None if problems.failed else marginals_of(rows, of_item, problems)


def _note_strangers(rows: DemandRows, items: TypedTable, problems: Problems) -> None:
    known = set(_keys(items))
    for row, key in enumerate(_keys(rows.table)):
        if key[1] and key not in known:
            problems.error(
                "E208",
                rows.table.file,
                f"item {shown(key[0])} is not stocked there in {items.file}",
                value=shown(key[1]),
                row=rows.table.rows[row],
                column="location",
                fix="Add the item's row, or delete this one",
            )


def _note_doubled(rows: DemandRows, problems: Problems) -> None:
    seen: dict[tuple[str, str], int] = {}
    for row, key in enumerate(_keys(rows.table)):
        first = seen.setdefault(key, row)
        if first != row:
            told = ", location=".join(filter(None, key))
            problems.error(
                "E210",
                rows.table.file,
                f"rows {rows.table.rows[first]} and {rows.table.rows[row]} both define item={told}",
                row=rows.table.rows[row],
                fix="Keep one",
            )


def _empirical(rows: DemandRows, items: TypedTable, problems: Problems) -> Marginals | None:
    """Past values, or equally likely samples, as each item's distribution of a period."""
    from capacity_opt.demand.empirical import Empirical

    if rows.section.kind == "samples":
        names = list(dict.fromkeys(rows.table.texts["sample"]))
        of_row = np.array([names.index(name) for name in rows.table.texts["sample"]])
        chances = sample_probabilities(rows, names, of_row, problems)
        if chances is None or np.ptp(chances) > 1e-9:
            problems.error(
                "E237", rows.table.file, "samples of items must be equally likely", fix="Leave probability out"
            )
            return None
    values: dict[tuple[str, str], list[float]] = {}
    for key, value in zip(_keys(rows.table), rows.table.numbers["value"].tolist()):
        values.setdefault(key, []).append(value)
    of_item = [values.get(key) or values[(key[0], "")] for key in _keys(items)]
    lengths = np.array([len(found) for found in of_item])
    parts = []
    for length in np.unique(lengths):
        positions = np.flatnonzero(lengths == length)
        parts.append((positions, Empirical([of_item[i] for i in positions])))
    return Marginals(len(of_item), tuple(parts))
