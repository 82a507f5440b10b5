"""Runs side by side: what changed in cost, availability, utilization and orders, and what moved the cost."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from capacity_opt.errors import ArgumentError
from capacity_opt.scenario.drivers import Drivers, drivers, order_causes
from capacity_opt.scenario.item_changes import ItemChange, item_changes
from capacity_opt.scenario.past_runs import PastRun

Tell = Callable[[str], None]
Line = tuple[str, str, str]

BAR = 32
# The words of the causes, in every output.
CAUSES = {
    "samples": "samples (seed or number)",
    "volume": "volume: demand",
    "usage": "what demand needs and where it may run",
    "service": "service targets and penalties",
    "failover": "zone failover and outages",
    "servers": "what a server holds and how long it lives",
    "lead_time": "lead times",
    "stock": "stock and orders already there",
    "limits": "limits and budgets",
    "options": "purchase options",
    "price": "prices",
    "running_cost": "running cost",
    "discounting": "discounting and depreciation",
    "other": "other inputs",
    "formulation": "how uncertainty is treated",
    "lots": "whole racks and the solver's gap",
}


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
class OrderChange:
    """An order that differs: racks before and after, the ``driver`` that moved it most, and the ``cause`` in words."""

    server_type: str
    zone: str
    period: str
    before: float
    after: float
    driver: str
    cause: str


@dataclass(frozen=True)
class Comparison:
    """Run ``before`` against run ``after``: the deltas by group, and the cost waterfalls.

    ``waterfall``: (label, amount) from the first run's cost over each component's change to the second run's, in whole
    hundredths; the amounts between the totals sum exactly to their difference. ``drivers``: the same over causes
    (demand, price, targets, ...; see :mod:`~capacity_opt.scenario.drivers`), empty where ``why_no_drivers`` says why.
    """

    before: str
    after: str
    currency: str
    deltas: tuple[Delta, ...]
    waterfall: tuple[tuple[str, float], ...]
    inputs_changed: tuple[str, ...]
    drivers: tuple[tuple[str, float], ...] = ()
    why_no_drivers: str = ""
    orders: tuple[OrderChange, ...] = ()
    items: tuple[ItemChange, ...] = ()

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


def compare_runs(before: PastRun, after: PastRun, *, solve: bool = False, tell: Tell = lambda _: None) -> Comparison:
    """Compare two finished runs; ``solve`` finds the causes of the difference by solving again."""
    currencies = {run.manifest.get("currency") for run in (before, after)}
    if len(currencies) > 1:
        raise ArgumentError(f"the runs are in different currencies: {' and '.join(sorted(map(str, currencies)))}")
    costs = _paired("cost", _costs(before), _costs(after))
    total = Delta("total", "cost", _total(before), _total(after))
    found = Drivers()
    if solve and total.before is not None and total.after is not None:
        found = drivers(before, after, tell)
    return Comparison(
        before=before.folder.name,
        after=after.folder.name,
        currency=str(before.manifest.get("currency", "")),
        deltas=(
            *([] if total.before is None and total.after is None else [total]),
            *costs,
            *_paired("availability", _availability(before), _availability(after)),
            *_paired("utilization", _utilization(before), _utilization(after)),
            *_paired("orders", _orders(before), _orders(after)),
            *_paired("inventory", _inventory(before), _inventory(after)),
        ),
        waterfall=_waterfall(total, [(delta.name, delta.change) for delta in costs]),
        inputs_changed=_inputs_changed(before.manifest, after.manifest),
        drivers=_waterfall(total, found.steps, ordered=True) if found.steps else (),
        why_no_drivers=found.why_not,
        orders=_order_changes(before, after, order_causes(found)),
        items=item_changes(before, after),
    )


def _order_changes(before: PastRun, after: PastRun, causes: Mapping[Line, str]) -> tuple[OrderChange, ...]:
    """Order lines that differ, by period, with why: the driver that moved them, what binds in the run with more."""
    old, new = _order_lines(before), _order_lines(after)
    found = []
    for line in sorted({*old, *new}, key=lambda line: (line[2], line[0], line[1])):
        (racks, reason), (then, reason_then) = old.get(line, (0.0, "")), new.get(line, (0.0, ""))
        if racks == then:
            continue
        driver = causes.get(line, "lots") if causes else ""
        binds = f"needed for {reason_then}" if then > racks else f"was needed for {reason}"
        words = f"{CAUSES[driver]}; {binds}" if driver else binds
        found.append(OrderChange(*line, racks, then, driver, words))
    return tuple(found)


def _order_lines(run: PastRun) -> dict[Line, tuple[float, str]]:
    lines: dict[Line, tuple[float, str]] = {}
    for row in run.rows("orders"):
        line = str(row["server_type"]), str(row["zone"]), str(row["order_period"])
        lines[line] = lines.get(line, (0.0, ""))[0] + float(row["racks"]), str(row["reason"])
    return lines


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
    told = {str(row["measure"]): float(row["value"]) for row in run.rows("inventory_totals")}
    if "units_ordered" in told:
        names = {"expected cost per period": "expected_cost", "units to order now": "units_ordered"}
        return {name: told[key] for name, key in names.items()}
    table = run.table("inventory")
    if not table:
        return {}
    return {
        "expected cost per period": math.fsum(value for value in table["expected_cost"] if value is not None),
        "units to order now": math.fsum(table["order_now"]),
    }


def _waterfall(
    total: Delta, parts: Iterable[tuple[str, float]], *, ordered: bool = False
) -> tuple[tuple[str, float], ...]:
    """From total to total in whole hundredths; what rounding leaves over goes into the largest part (the last one where
    the parts are ``ordered``)."""
    if total.before is None or total.after is None:
        return ()
    begin, end = round(100 * total.before), round(100 * total.after)
    changes = {name: round(100 * change) for name, change in parts}
    rest = end - begin - sum(changes.values())
    if rest:
        last = next(reversed(changes), "rounding")
        most = last if ordered else max(changes, key=lambda name: abs(changes[name]), default="rounding")
        changes[most] = changes.get(most, 0) + rest
    found = changes.items() if ordered else sorted(changes.items(), key=lambda item: -abs(item[1]))
    steps = [(name, change / 100) for name, change in found if change]
    return (("before", begin / 100), *steps, ("after", end / 100))


def _inputs_changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Input files and options that differ."""
    old, new = before.get("inputs", {}), after.get("inputs", {})
    files = [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]
    old_options, new_options = before.get("options", {}), after.get("options", {})
    options = [
        f"{name}: {_told(old_options.get(name))} -> {_told(new_options.get(name))}"
        for name in sorted({*old_options, *new_options})
        if old_options.get(name) != new_options.get(name)
    ]
    if before.get("seed") != after.get("seed"):
        options.append(f"seed: {before.get('seed')} -> {after.get('seed')}")
    return (*files, *options)


def _told(value: object) -> str:
    """An option in words: a list as its entries, nothing as none.

    >>> _told(["fleet.gap=1%", "seed=2"]), _told([]), _told(None)
    ('fleet.gap=1%, seed=2', 'none', 'none')
    """
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)


def waterfall_text(steps: Sequence[tuple[str, float]]) -> list[str]:
    """A waterfall as lines of text with bars; the amounts sum to the last figure shown."""
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
