"""A sweep on a page: one chart of cost over the first setting, a line per combination of the others, and the table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from capacity_opt.report.charts.chart import WIDTH, Chart, Spec, axis, specification
from capacity_opt.report.html import render_page
from capacity_opt.report.sections import Section
from capacity_opt.report.tables import Column, Table
from capacity_opt.report.wording import as_number, clean, short_money
from capacity_opt.scenario.sweep import SweepPoint


def write_sweep(points: Sequence[SweepPoint], path: str | Path, *, name: str) -> Path:
    """Write the page of a sweep of the scenario ``name`` to ``path``."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(render_sweep(points, name=name), encoding="utf-8", newline="\n")
    return target


def render_sweep(points: Sequence[SweepPoint], *, name: str) -> str:
    """The page as text."""
    settings = [", ".join(f"{path} {value}" for path, value in zip(p.paths, p.values, strict=True)) for p in points]
    page = {
        "title": f"{clean(name)}: {len(points)} runs of a sweep",
        "answers": [sweep_answer(points)],
        "runs": [(clean(told), clean(point.run or point.told)) for told, point in zip(settings, points, strict=True)],
        "changed": [],
        "sections": [_section(points)],
    }
    return render_page("compare.html.j2", page)


def sweep_answer(points: Sequence[SweepPoint]) -> str:
    """The cheapest and the dearest combination in one sentence.

    >>> sweep_answer([SweepPoint(("gap",), ("1",), "", None, "infeasible", 4)])
    'No combination has a plan.'
    """
    solved = [(point.objective, point) for point in points if point.objective is not None]
    if not solved:
        return "No combination has a plan."
    told = []
    for word, (cost, point) in (
        ("cheapest", min(solved, key=lambda pair: pair[0])),
        ("dearest", max(solved, key=lambda pair: pair[0])),
    ):
        settings = ", ".join(f"{path} {value}" for path, value in zip(point.paths, point.values, strict=True))
        told.append(f"{word} with {clean(settings)}: {short_money(cost)}")
    return "; ".join(told).capitalize() + "."


def _section(points: Sequence[SweepPoint]) -> Section:
    paths = points[0].paths
    rows: list[dict[str, Any]] = []
    for point in points:
        others = ", ".join(f"{path} {value}" for path, value in zip(paths[1:], point.values[1:], strict=True))
        rows.append(
            {f"setting {i}": value for i, value in enumerate(point.values)}
            | {"x": point.values[0], "series": others, "cost": point.objective, "told": point.told, "run": point.run}
        )
    columns = (
        *(Column(f"setting {i}", clean(path)) for i, path in enumerate(paths)),
        Column("cost", "Cost", "money"),
        Column("told", "Status"),
        Column("run", "Run"),
    )
    table = Table(key="sweep", title="Every combination", columns=columns, frame=pd.DataFrame(rows))
    description = f"Cost of the plan for each value of {clean(paths[0])}"
    description += "." if len(paths) == 1 else f"; a line per combination of {clean(', '.join(paths[1:]))}."
    spec = specification(rows, description, width=WIDTH, height=300, mark={"type": "line", "point": True})
    chart = Chart(
        key="sweep",
        title="Cost over the settings",
        description=description,
        spec=spec | {"encoding": _encoding(rows, clean(paths[0]), len(paths) > 1)},
        table=table,
    )
    return Section(key="sweep", title="Cost over the settings", charts=[chart], tables=[table])


def _encoding(rows: Sequence[dict[str, Any]], title: str, several: bool) -> Spec:
    """The first setting along, as numbers where all are; cost up; a line per combination of the others."""
    numeric = all(as_number(row["x"]) is not None for row in rows)
    x = axis(
        "x",
        title,
        "quantitative" if numeric else "ordinal",
        **({"scale": {"zero": False}} if numeric else {"sort": None}),
    )
    found: Spec = {"x": x, "y": axis("cost", "Cost", scale={"zero": False}, axis={"format": "~s"})}
    series = {"field": "series", "type": "nominal", "title": None}
    return found | ({"color": series, "strokeDash": series, "shape": series} if several else {})
