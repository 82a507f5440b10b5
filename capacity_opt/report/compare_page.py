"""``compare.html``: runs side by side for a budget meeting; same page rules as the report.

The first run is A, the others B, C, ...; each of them is compared with A.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from capacity_opt.report import tables
from capacity_opt.report.charts.chart import WIDTH, Chart, axis, specification
from capacity_opt.report.charts.frontier import nines, place_of
from capacity_opt.report.charts.waterfall import waterfall_spec
from capacity_opt.report.contents import RunContents, read_run
from capacity_opt.report.html import render_page
from capacity_opt.report.sections import Section
from capacity_opt.report.tables import Column, Table
from capacity_opt.report.wording import Kind, clean, money, short_money
from capacity_opt.scenario.compare import CAUSES, Comparison

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
GROUPS: tuple[tuple[str, str, Kind], ...] = (
    ("cost", "Cost by component", "money"),
    ("availability", "Availability", "availability"),
    ("utilization", "Utilization", "percent"),
    ("inventory", "Inventory", "number"),
)


def write_comparison(comparisons: Sequence[Comparison], folders: Sequence[str | Path], path: str | Path) -> Path:
    """A page at ``path`` that compares the run folders; ``comparisons`` has each of the later ones against the first.

    Raises :class:`~capacity_opt.errors.RunFolderError` where a folder is not a run.
    """
    runs = [read_run(folder) for folder in folders]
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(render_comparison(comparisons, runs), encoding="utf-8", newline="\n")
    return target


def render_comparison(comparisons: Sequence[Comparison], runs: Sequence[RunContents]) -> str:
    """The page as text."""
    names = [comparisons[0].before, *(each.after for each in comparisons)]
    name = clean(runs[0].manifest.get("name", "run"))
    sections = [section for i, each in enumerate(comparisons, 1) for section in _pair(each, LETTERS[i])]
    page = {
        "title": f"{name}: {len(runs)} runs compared",
        "answers": [comparison_answer(each, LETTERS[i]) for i, each in enumerate(comparisons, 1)],
        "runs": [(LETTERS[i], clean(name)) for i, name in enumerate(names)],
        "changed": [
            (LETTERS[i], [clean(text) for text in each.inputs_changed]) for i, each in enumerate(comparisons, 1)
        ],
        "sections": [*sections, *_frontiers(runs), *_groups(comparisons)],
    }
    return render_page("compare.html.j2", page)


def comparison_answer(comparison: Comparison, letter: str = "B") -> str:
    """The difference in one sentence.

    >>> from capacity_opt.scenario.compare import Delta
    >>> total = Delta("total", "cost", 100.0, 90.0)
    >>> comparison_answer(Comparison("a", "b", "USD", (total,), (("before", 100.0), ("after", 90.0)), ()))
    'B costs 10 USD less than A (-10.0 %).'
    """
    total = next((delta for delta in comparison.deltas if delta.group == "total"), None)
    if total is None or total.before is None or total.after is None:
        return f"A or {letter} has no cost: only what both have is compared."
    if round(total.change, 2) == 0:
        return f"{letter} costs the same as A."
    size = short_money(abs(total.change), comparison.currency)
    share = f" ({100 * total.relative:+.1f} %)" if total.before else ""
    steps = [(CAUSES.get(name, name), amount) for name, amount in comparison.drivers[1:-1]] or [
        (tables.spoken(delta.name), delta.change) for delta in comparison.group("cost")
    ]
    steps = sorted(steps, key=lambda step: -abs(step[1]))
    most = f"; the largest part is {steps[0][0]}" if len(steps) > 1 and steps[0][1] else ""
    return f"{letter} costs {size} {'more' if total.change > 0 else 'less'} than A{share}{most}."


def _pair(comparison: Comparison, letter: str) -> list[Section]:
    """What moved the cost, and the orders that changed, of one run against the first."""
    found = []
    for key, steps, title in (
        ("drivers", comparison.drivers, f"What moved the cost from A to {letter}"),
        ("waterfall", comparison.waterfall, f"From A to {letter} by component"),
    ):
        if len(steps) > 2:
            found.append(_waterfall(f"{key}-{letter}", title, steps, letter, comparison.currency))
    if comparison.orders:
        found.append(_orders(comparison, letter))
    if comparison.items:
        found.append(_items(comparison, letter))
    return found


def _items(comparison: Comparison, letter: str) -> Section:
    money = f", {comparison.currency}" if comparison.currency else ""
    columns = (
        Column("name", "Item"),
        Column("level_before", "Level, A", "count"),
        Column("level_after", f"Level, {letter}", "count"),
        Column("cost_before", f"Cost per period, A{money}", "money"),
        Column("cost_after", f"Cost per period, {letter}{money}", "money"),
        Column("why", "Why"),
    )
    title = f"Items that changed from A to {letter}"
    frame = pd.DataFrame([{**vars(item), "name": item.name} for item in comparison.items])
    table = Table(key=f"items-{letter}", title=title, columns=columns, frame=frame)
    return Section(key=f"items-{letter}", title=title, tables=[table], searchable=len(frame) > 10)


def _orders(comparison: Comparison, letter: str) -> Section:
    columns = (
        Column("server_type", "Server type"),
        Column("zone", "Zone"),
        Column("period", "Order in"),
        Column("before", "Racks, A", "count"),
        Column("after", f"Racks, {letter}", "count"),
        Column("cause", "Why"),
    )
    title = f"Orders that changed from A to {letter}"
    frame = pd.DataFrame([vars(order) for order in comparison.orders])
    table = Table(key=f"orders-{letter}", title=title, columns=columns, frame=frame)
    more = sum(order.after - order.before for order in comparison.orders)
    lines = len(comparison.orders)
    differ = "1 order line differs" if lines == 1 else f"{lines} order lines differ"
    lead = f"{differ}, {more:+g} {'rack' if abs(more) == 1 else 'racks'} in all."
    return Section(key=f"orders-{letter}", title=title, lead=lead, tables=[table])


def _groups(comparisons: Sequence[Comparison]) -> list[Section]:
    found = []
    for group, title, kind in GROUPS:
        if any(each.group(group) for each in comparisons):
            table = _delta_table(group, title, kind, comparisons)
            found.append(Section(key=group, title=title, tables=[table]))
    return found


def _delta_table(key: str, title: str, kind: Kind, comparisons: Sequence[Comparison]) -> Table:
    """A row per compared thing: its value in A, then its value and its change in each other run."""
    currency = comparisons[0].currency
    unit = f", {currency}" if kind == "money" and currency else ""
    points = kind in {"availability", "percent"}
    rows: dict[str, dict[str, Any]] = {}
    columns = [Column("name", "What"), Column("A", f"A{unit}", kind)]
    for letter, each in zip(LETTERS[1:], comparisons, strict=False):
        columns.append(Column(letter, f"{letter}{unit}", kind))
        columns.append(
            Column(f"change {letter}", "Change" + (", points" if points else unit), "number" if points else kind)
        )
        for delta in each.group(key):
            name = tables.spoken(delta.name) if key == "cost" else _named(delta.name)
            row = rows.setdefault(delta.name, {"name": name})
            row |= {"A": delta.before, letter: delta.after}
            row[f"change {letter}"] = (100.0 if points else 1.0) * delta.change
    frame = pd.DataFrame(list(rows.values()), columns=[column.name for column in columns])
    return Table(key=key, title=title, columns=tuple(columns), frame=frame)


def _named(name: str) -> str:
    """A compared name with its codes in words."""
    return " ".join(tables.SPOKEN.get(part, part) for part in clean(name).split(" "))


def _waterfall(key: str, title: str, steps: Sequence[tuple[str, float]], letter: str, currency: str) -> Section:
    rows, level = [], 0.0
    for place, (name, amount) in enumerate(steps):
        ends = place in (0, len(steps) - 1)
        low, high = (0.0, amount) if ends else (level, level + amount)
        level = high
        kind = "total" if ends else "more" if amount > 0 else "less"
        label = (letter if place else "A") if ends else CAUSES.get(name) or tables.spoken(name)
        rows.append({"step": label, "place": place, "amount": amount, "low": low, "high": high, "kind": kind})
    between = money(sum(amount for _, amount in steps[1:-1]))
    description = f"From the cost of A to that of {letter}, step by step; the steps sum to {between}."
    if key.startswith("drivers"):
        description += " One cause after the other is changed and the plan solved again."
    description += " The grey totals are cut off below where the axis does not begin at 0."
    columns = (Column("step", "Step"), Column("amount", f"Amount, {currency}", "money"))
    chart = Chart(
        key=key,
        title=title,
        description=description,
        spec=waterfall_spec(rows, description, currency),
        table=Table(key=key, title=title, columns=columns, frame=pd.DataFrame(rows)),
    )
    return Section(key=key, title=title, charts=[chart])


def _frontiers(runs: Sequence[RunContents]) -> list[Section]:
    """The cost curves of all runs in one chart, where at least two have one over the same target."""
    drawn = [(LETTERS[i], run) for i, run in enumerate(runs) if run.has("frontier")]
    if len(drawn) < 2:
        return []
    every = pd.concat([run.table("frontier").assign(run=letter) for letter, run in drawn])
    rows = [{"run": r["run"], "x": place_of(r["promised"]), "cost": r["cost"]} for r in every.to_dict("records")]
    description = "Cost against promised availability in each run; the axis stretches as the nines grow."
    names = {"domain": [letter for letter, _ in drawn]}
    series = {"field": "run", "type": "nominal", "title": "run", "scale": names}
    currency = drawn[0][1].currency
    encoding = {
        "x": nines(every, "Availability promised"),
        "y": axis("cost", f"Cost, {currency}", scale={"zero": False}, axis={"format": "~s"}),
        "color": series,
        "strokeDash": series,
        "shape": series,
    }
    spec = specification(rows, description, width=WIDTH, height=280, mark={"type": "line", "point": True})
    columns = (
        Column("run", "Run"),
        Column("target", "Target", "availability"),
        Column("cost", f"Cost, {currency}", "money"),
        Column("promised", "Promised", "availability"),
        Column("judged", "Judged", "availability"),
    )
    title = "What availability costs in each"
    table = Table(key="frontiers", title=title, columns=columns, frame=every)
    chart = Chart(
        key="frontiers", title=title, description=description, spec=spec | {"encoding": encoding}, table=table
    )
    return [Section(key="frontiers", title=title, charts=[chart])]
