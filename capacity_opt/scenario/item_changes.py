"""Items whose level or cost differs between two runs, and which of their inputs does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from capacity_opt.errors import CapacityError
from capacity_opt.scenario.past_runs import PastRun
from capacity_opt.scenario.replay import scenario_of

LEVELS = ("base_stock_level", "order_up_to_level", "reorder_point", "order_quantity")
INPUTS = ("unit_cost", "lot", "minimum_order", "maximum_level")
CENT = 0.005

Key = tuple[str, str]


@dataclass(frozen=True)
class ItemChange:
    """An item that differs: its level and its expected cost per period in both runs, and why, in words."""

    item: str
    location: str
    level_before: float | None
    level_after: float | None
    cost_before: float | None
    cost_after: float | None
    why: str

    @property
    def name(self) -> str:
        """The item, with its location where it has one."""
        return f"{self.item}@{self.location}" if self.location else self.item


def item_changes(before: PastRun, after: PastRun) -> tuple[ItemChange, ...]:
    """Items that differ, the largest change of cost first."""
    old, new = _lines(before), _lines(after)
    found = []
    for key in dict.fromkeys([*old, *new]):
        one, other = old.get(key, {}), new.get(key, {})
        level, then = _level(one), _level(other)
        cost, cost_then = one.get("expected_cost"), other.get("expected_cost")
        if level != then or _differs(cost, cost_then):
            found.append((key, level, then, cost, cost_then))
    if not found:
        return ()
    inputs = _inputs(before), _inputs(after)
    told = [ItemChange(*key, level, then, a, b, _why(key, *inputs)) for key, level, then, a, b in found]
    return tuple(sorted(told, key=lambda each: -abs((each.cost_after or 0.0) - (each.cost_before or 0.0))))


def _lines(run: PastRun) -> dict[Key, dict[str, Any]]:
    return {(str(row["item"]), str(row["location"] or "")): row for row in run.rows("inventory")}


def _level(row: Mapping[str, Any]) -> float | None:
    for name in LEVELS:
        value = row.get(name)
        if value is not None and value == value:
            return float(value)
    return None


def _differs(one: float | None, other: float | None) -> bool:
    if one is None or other is None or one != one or other != other:
        return (one is None or one != one) != (other is None or other != other)
    return abs(one - other) >= CENT


def _inputs(run: PastRun) -> dict[Key, dict[str, float]]:
    """What each item was planned with: costs, delays, targets and mean demand."""
    try:
        inventory = scenario_of(run).inventory
    except CapacityError:
        return {}
    if inventory is None:
        return {}
    columns: dict[str, Any] = {field.name: getattr(inventory.item, field.name) for field in fields(inventory.item)}
    # The cost of a shortage is a target too, and NaN there where the item has another one.
    columns |= inventory.targets | {name: getattr(inventory, name) for name in INPUTS}
    columns["mean demand"] = inventory.demand.mean
    count = len(inventory.names)
    arrays = {name: np.broadcast_to(np.asarray(value, dtype=float), (count,)) for name, value in columns.items()}
    keys = zip(inventory.names, inventory.locations, strict=True)
    return {key: {name: float(values[i]) for name, values in arrays.items()} for i, key in enumerate(keys)}


def _why(key: Key, before: Mapping[Key, Mapping[str, float]], after: Mapping[Key, Mapping[str, float]]) -> str:
    if key not in before or key not in after:
        return "not in A" if key in after else "not in the other run" if key in before else ""
    old, new = before[key], after[key]
    changed = [
        f"{name} {_word(old[name])} -> {_word(new[name])}"
        for name in old
        if name in new and not np.isclose(old[name], new[name], rtol=1e-9, atol=0, equal_nan=True)
    ]
    return ", ".join(changed) or "demand, policy or limits over all items"


def _word(value: float) -> str:
    return "none" if value != value or np.isinf(value) else f"{value:g}"
