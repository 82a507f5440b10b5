"""Two runs side by side: what changed in cost, availability, utilization and orders, and a waterfall of the cost."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from capacity_opt.errors import ArgumentError
from capacity_opt.scenario.past_runs import PastRun

BAR = 32


@dataclass(frozen=True)
class Delta:
    """One line of a comparison: ``name`` before and after (``None``: not there in that run)."""

    group: str
    name: str
    before: float | None
    after: float | None

    @property
    def change(self) -> float:
        """After - before; a missing value counts as 0."""
        return (self.after or 0.0) - (self.before or 0.0)

    @property
    def relative(self) -> float:
        """Change as a share of before; NaN where there is nothing to compare with."""
        return self.change / abs(self.before) if self.before else math.nan


@dataclass(frozen=True)
class Comparison:
    """Run ``before`` against run ``after``: the deltas by group, and the cost waterfall.

    ``waterfall``: (label, amount) from the first run's cost over each component's change to the second run's, in whole
    hundredths; the amounts between the totals sum exactly to their difference.
    """

    before: str
    after: str
    currency: str
    deltas: tuple[Delta, ...]
    waterfall: tuple[tuple[str, float], ...]
    inputs_changed: tuple[str, ...]

    def group(self, name: str) -> tuple[Delta, ...]:
        """The deltas of one group: cost, total, availability, utilization, orders, inventory."""
        return tuple(delta for delta in self.deltas if delta.group == name)

    def value(self, name: str) -> Delta:
        """The delta of that name; raises ``ArgumentError`` naming those that are there."""
        for delta in self.deltas:
            if name in (delta.name, f"{delta.group} {delta.name}"):
                return delta
        known = ", ".join(dict.fromkeys(f"{delta.group} {delta.name}" for delta in self.deltas))
        raise ArgumentError(f"nothing named {name!r} to compare. Have {known}")


def compare_runs(before: PastRun, after: PastRun) -> Comparison:
    """Compare two finished runs."""
    currencies = {run.manifest.get("currency") for run in (before, after)}
    if len(currencies) > 1:
        raise ArgumentError(f"the runs are in different currencies: {' and '.join(sorted(map(str, currencies)))}")
    costs = _paired("cost", _costs(before), _costs(after))
    total = Delta("total", "cost", _total(before), _total(after))
    return Comparison(
        before=before.folder.name,
        after=after.folder.name,
        currency=str(before.manifest.get("currency", "")),
        deltas=(
            total,
            *costs,
            *_paired("availability", _availability(before), _availability(after)),
            *_paired("utilization", _utilization(before), _utilization(after)),
            *_paired("orders", _orders(before), _orders(after)),
            *_paired("inventory", _inventory(before), _inventory(after)),
        ),
        waterfall=_waterfall(total, costs),
        inputs_changed=_inputs_changed(before.manifest, after.manifest),
    )


def _paired(group: str, before: Mapping[str, float], after: Mapping[str, float]) -> tuple[Delta, ...]:
    return tuple(Delta(group, name, before.get(name), after.get(name)) for name in dict.fromkeys([*before, *after]))


def _summed(rows: Iterable[Mapping[str, Any]], name: str, value: str) -> dict[str, float]:
    parts: dict[str, list[float]] = {}
    for row in rows:
        parts.setdefault(str(row[name]), []).append(float(row[value]))
    return {key: math.fsum(values) for key, values in parts.items()}


def _costs(run: PastRun) -> dict[str, float]:
    return _summed(run.rows("cost"), "component", "EffectiveCost")


def _total(run: PastRun) -> float | None:
    rows = run.rows("cost")
    return math.fsum(float(row["EffectiveCost"]) for row in rows) if rows else None


def _availability(run: PastRun) -> dict[str, float]:
    found: dict[str, float] = {}
    for row in run.rows("availability"):
        for kind in ("promised", "judged"):
            if row[kind] is not None and row[kind] == row[kind]:
                found[f"{row['class']} {row['measure']} {kind}"] = float(row[kind])
    return found


def _utilization(run: PastRun) -> dict[str, float]:
    rows = [row for row in run.rows("utilization") if row["value"] is not None and row["value"] == row["value"]]
    return {f"{row['measure']} {row['resource']}".strip(): float(row["value"]) for row in rows}


def _orders(run: PastRun) -> dict[str, float]:
    rows = [
        {**row, "line": f"{row['server_type']} {row['zone']} {row['order_period']} racks"} for row in run.rows("orders")
    ]
    return _summed(rows, "line", "racks")


def _inventory(run: PastRun) -> dict[str, float]:
    table = run.table("inventory")
    if not table:
        return {}
    return {
        "expected cost per period": math.fsum(value for value in table["expected_cost"] if value is not None),
        "units to order now": math.fsum(table["order_now"]),
    }


def _waterfall(total: Delta, costs: tuple[Delta, ...]) -> tuple[tuple[str, float], ...]:
    """From total to total in whole hundredths; what rounding leaves over goes into the largest part."""
    if total.before is None or total.after is None:
        return ()
    begin, end = round(100 * total.before), round(100 * total.after)
    changes = {delta.name: round(100 * delta.change) for delta in costs if delta.change}
    rest = end - begin - sum(changes.values())
    if rest:
        largest = max(changes, key=lambda name: abs(changes[name]), default="rounding")
        changes[largest] = changes.get(largest, 0) + rest
    steps = [(name, change / 100) for name, change in sorted(changes.items(), key=lambda item: -abs(item[1])) if change]
    return (("before", begin / 100), *steps, ("after", end / 100))


def _inputs_changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Input files and options that differ."""
    old, new = before.get("inputs", {}), after.get("inputs", {})
    files = [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]
    old_options, new_options = before.get("options", {}), after.get("options", {})
    options = [
        f"{name}: {old_options.get(name)} -> {new_options.get(name)}"
        for name in sorted({*old_options, *new_options})
        if old_options.get(name) != new_options.get(name)
    ]
    if before.get("seed") != after.get("seed"):
        options.append(f"seed: {before.get('seed')} -> {after.get('seed')}")
    return (*files, *options)


def waterfall_text(comparison: Comparison) -> list[str]:
    """The waterfall as lines of text with bars; the amounts sum to the last figure shown."""
    steps = comparison.waterfall
    if not steps:
        return []
    width = max(len(name) for name, _ in steps)
    scale = max(abs(amount) for _, amount in steps) or 1.0
    largest = max((abs(amount) for _, amount in steps[1:-1]), default=1.0) or 1.0
    lines = []
    for index, (name, amount) in enumerate(steps):
        end = index in (0, len(steps) - 1)
        length = round(BAR * abs(amount) / (scale if end else largest))
        bar = ("=" if end else "+" if amount > 0 else "-") * max(1, length)
        told = f"{amount:,.2f}" if end else f"{amount:+,.2f}"
        lines.append(f"{name:<{width}}  {told:>18}  {bar}")
    return lines


_CONDITION = re.compile(r"\s*(?P<name>.+?)\s*(?P<sign>[<>])\s*(?P<limit>[+-]?\d+(?:\.\d+)?)\s*(?P<percent>%?)\s*")


def exceeded(comparison: Comparison, condition: str) -> bool:
    """Whether a condition such as ``cost > +5%`` or ``availability critical fill judged < -0.001`` holds of the change.

    With ``%`` the limit is relative to the first run, otherwise in the value's own unit.
    """
    found = _CONDITION.fullmatch(condition)
    if not found:
        raise ArgumentError(f"a condition is NAME > CHANGE or NAME < CHANGE, such as 'cost > +5%', got {condition!r}")
    delta = comparison.value(found["name"])
    limit = float(found["limit"]) / (100.0 if found["percent"] else 1.0)
    change = delta.relative if found["percent"] else delta.change
    return change > limit if found["sign"] == ">" else change < limit
