"""``compare.html``: two runs side by side for a budget meeting; same page rules as the report."""

from __future__ import annotations

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
from capacity_opt.scenario.compare import Comparison, Delta, compare_runs
from capacity_opt.scenario.past_runs import PastRun

GROUPS: tuple[tuple[str, str, Kind], ...] = (
    ("cost", "Cost by component", "money"),
    ("availability", "Availability", "availability"),
    ("utilization", "Utilization", "percent"),
    ("orders", "Orders that changed", "count"),
    ("inventory", "Inventory", "number"),
)


def write_comparison(before: str | Path, after: str | Path, path: str | Path) -> Path:
    """Compare two run folders on a page written to ``path``.

    Raises :class:`~capacity_opt.errors.RunFolderError` where a folder is not a run and
    :class:`~capacity_opt.errors.ArgumentError` where the runs are in different currencies.
    """
    runs = read_run(before), read_run(after)
    comparison = compare_runs(PastRun(Path(before)), PastRun(Path(after)))
    target = Path(path)
    target.write_text(render_comparison(comparison, *runs), encoding="utf-8", newline="\n")
    return target


def render_comparison(comparison: Comparison, before: RunContents, after: RunContents) -> str:
    """The page as text."""
    page = {
        "title": f"{clean(after.manifest.get('name', 'run'))}: two runs compared",
        "answer": comparison_answer(comparison),
        "before": clean(comparison.before),
        "after": clean(comparison.after),
        "changed": [clean(text) for text in comparison.inputs_changed],
        "sections": [*_waterfall(comparison), *_frontiers(comparison, before, after), *_groups(comparison)],
    }
    return render_page("compare.html.j2", page)


def comparison_answer(comparison: Comparison) -> str:
    """The difference in one sentence.

    >>> total = Delta("total", "cost", 100.0, 90.0)
    >>> comparison_answer(Comparison("a", "b", "USD", (total,), (("before", 100.0), ("after", 90.0)), ()))
    'The second run costs 10 USD less (-10.0 %).'
    """
    total = next((delta for delta in comparison.deltas if delta.group == "total"), None)
    if total is None or total.before is None or total.after is None:
        return "One of the runs has no cost: only what both have is compared."
    if round(total.change, 2) == 0:
        return "Both runs cost the same."
    size = short_money(abs(total.change), comparison.currency)
    share = f" ({100 * total.relative:+.1f} %)" if total.before else ""
    steps = sorted(comparison.group("cost"), key=lambda delta: -abs(delta.change))
    most = f"; the largest part is {tables.spoken(steps[0].name)}" if len(steps) > 1 and steps[0].change else ""
    return f"The second run costs {size} {'more' if total.change > 0 else 'less'}{share}{most}."


def _groups(comparison: Comparison) -> list[Section]:
    found = []
    for group, title, kind in GROUPS:
        deltas = comparison.group(group)
        if group == "orders":
            deltas = tuple(delta for delta in deltas if delta.change)
        if deltas:
            table = _delta_table(group, title, kind, deltas, comparison.currency)
            found.append(Section(key=group, title=title, tables=[table]))
    return found


def _delta_table(key: str, title: str, kind: Kind, deltas: tuple[Delta, ...], currency: str) -> Table:
    unit = f", {currency}" if kind == "money" and currency else ""
    difference: Kind = "number" if kind in {"availability", "percent"} else kind
    points = 100.0 if difference == "number" and kind != "number" else 1.0
    rows: list[dict[str, Any]] = [
        {
            "name": tables.spoken(delta.name) if key == "cost" else _named(delta.name),
            "before": delta.before,
            "after": delta.after,
            "change": points * delta.change,
            "relative": delta.relative,
        }
        for delta in deltas
    ]
    columns = (
        Column("name", "What"),
        Column("before", f"First run{unit}", kind),
        Column("after", f"Second run{unit}", kind),
        Column("change", f"Change{', points' if points > 1 else unit}", difference),
        Column("relative", "Change, share", "percent"),
    )
    return Table(key=key, title=title, columns=columns if points == 1 else columns[:4], frame=pd.DataFrame(rows))


def _named(name: str) -> str:
    """A compared name with its codes in words."""
    return " ".join(tables.SPOKEN.get(part, part) for part in clean(name).split(" "))


def _waterfall(comparison: Comparison) -> list[Section]:
    steps = comparison.waterfall
    if len(steps) <= 2:
        return []
    rows, level = [], 0.0
    for place, (name, amount) in enumerate(steps):
        ends = place in (0, len(steps) - 1)
        low, high = (0.0, amount) if ends else (level, level + amount)
        level = high
        kind = "total" if ends else "more" if amount > 0 else "less"
        spoken = {"before": "first run", "after": "second run"}.get(name) if ends else None
        label = spoken or tables.spoken(name)
        rows.append({"step": label, "place": place, "amount": amount, "low": low, "high": high, "kind": kind})
    between = money(sum(amount for _, amount in steps[1:-1]))
    description = f"From the first run's cost to the second's, step by step; the steps sum to {between}. "
    description += "The grey totals are cut off below where the axis does not begin at 0."
    columns = (Column("step", "Step"), Column("amount", f"Amount, {comparison.currency}", "money"))
    chart = Chart(
        key="waterfall",
        title="What changed the cost",
        description=description,
        spec=waterfall_spec(rows, description, comparison.currency),
        table=Table(key="waterfall", title="What changed the cost", columns=columns, frame=pd.DataFrame(rows)),
    )
    return [Section(key="waterfall", title="From the first to the second", lead=description, charts=[chart])]


def _frontiers(comparison: Comparison, before: RunContents, after: RunContents) -> list[Section]:
    if not (before.has("frontier") and after.has("frontier")):
        return []
    both = pd.concat([run.table("frontier").assign(run=label) for run, label in ((before, "first"), (after, "second"))])
    rows = [{"run": r["run"], "x": place_of(r["promised"]), "cost": r["cost"]} for r in both.to_dict("records")]
    description = "Cost against promised availability in both runs; the axis stretches as the nines grow."
    names = {"domain": ["first", "second"]}
    series = {"field": "run", "type": "nominal", "title": "run", "scale": names}
    money_axis = axis("cost", f"Cost, {comparison.currency}", scale={"zero": False}, axis={"format": "~s"})
    encoding = {
        "x": nines(both, "Availability promised"),
        "y": money_axis,
        "color": series,
        "strokeDash": series,
        "shape": series,
    }
    spec = specification(rows, description, width=WIDTH, height=280, mark={"type": "line", "point": True})
    columns = (
        Column("run", "Run"),
        Column("target", "Target", "availability"),
        Column("cost", f"Cost, {comparison.currency}", "money"),
        Column("promised", "Promised", "availability"),
        Column("judged", "Judged", "availability"),
    )
    title = "What availability costs in both"
    table = Table(key="frontiers", title=title, columns=columns, frame=both)
    chart = Chart(
        key="frontiers", title=title, description=description, spec=spec | {"encoding": encoding}, table=table
    )
    return [Section(key="frontiers", title=title, charts=[chart])]
