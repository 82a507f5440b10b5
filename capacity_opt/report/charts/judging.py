"""Charts of the judge's own studies."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from capacity_opt.report.charts.chart import INK, MOST_PANELS, WIDTH, Chart, Spec, axis, period_axis, specification
from capacity_opt.report.contents import RunContents
from capacity_opt.report.tables import Column, Table
from capacity_opt.report.wording import as_number, clean


def backtest(run: RunContents, table: Table) -> Chart | None:
    """Realised cost per forecast model, split into what was left over and what was short."""
    frame = run.table("backtest")
    if frame.empty:
        return None
    rows = [
        {"model": f"{clean(row['model'])}{' (tuned)' if row['rule'] == 'tuned' else ''}", "part": part}
        | {"money": row[name]}
        for row in frame.to_dict("records")
        for name, part in (("holding", "left over"), ("stockout", "short"), ("ordering", "orders"))
        if row[name]
    ]
    description = "Cost per period of deciding with each forecast, on a history it had not seen; the cheapest first."
    encoding = {
        "y": axis("model", "", "nominal", sort=None, axis={"labelLimit": 220}),
        "x": axis("money", f"Cost per period, {run.currency}", axis={"format": ",~r", "tickCount": 6}),
        "color": {"field": "part", "type": "nominal", "title": None},
    }
    spec = specification(rows, description, width=WIDTH - 120, height={"step": 26}, mark={"type": "bar"})
    return Chart(
        key="backtest",
        title="What deciding with each forecast would have cost",
        description=description,
        spec=spec | {"encoding": encoding},
        table=table,
    )


def coverage(run: RunContents) -> Chart | None:
    """Share of outcomes at or below each quantile, against its level: on the diagonal where forecasts are honest."""
    frame = run.table("coverage")
    if frame.empty or frame["covered"].isna().all():
        return None
    rows = [{"model": clean(r["model"]), "x": r["level"], "y": r["covered"]} for r in frame.to_dict("records")]
    description = "Share of outcomes at or below each forecast quantile. Honest forecasts lie on the diagonal."
    x = axis("x", "Quantile level", scale={"domain": [0, 1]}, axis={"format": "%"})
    y = axis("y", "Outcomes at or below", scale={"domain": [0, 1]}, axis={"format": "%"})
    names = list(dict.fromkeys(row["model"] for row in rows))
    colour = {"field": "model", "type": "nominal", "title": None, "scale": {"domain": names}}
    ends = {"values": [{"x": 0, "y": 0}, {"x": 1, "y": 1}]}
    layers = [
        {"data": ends, "mark": {"type": "line", "color": INK, "strokeDash": [2, 4]}, "encoding": {"x": x, "y": y}},
        {"mark": {"type": "line"}, "encoding": {"x": x, "y": y, "color": colour, "shape": colour}},
        {"mark": {"type": "point"}, "encoding": {"x": x, "y": y, "color": colour, "shape": colour}},
    ]
    columns = (
        Column("model", "Forecast"),
        Column("level", "Level", "number"),
        Column("covered", "Covered", "percent"),
    )
    return Chart(
        key="coverage",
        title="Calibration of the forecasts",
        description=description,
        spec=specification(rows, description, width=360, height=300, layer=layers),
        table=Table(key="coverage", title="Calibration of the forecasts", columns=columns, frame=frame),
    )


def calibration(run: RunContents) -> Chart | None:
    """Judged against promised fill rate: of the points of the frontier, and of the rounds of calibration."""
    rows = []
    if run.has("frontier"):
        frame = run.table("frontier")
        if str(frame["over"].iloc[0]) in {"fill_rate", "no_shortage_probability"}:
            rows += [_point("points of the cost curve", row, "promised") for row in frame.to_dict("records")]
    if run.has("calibration"):
        rows += [
            _point(f"calibration, {clean(row['class'])}", row, "asked")
            for row in run.table("calibration").to_dict("records")
        ]
    rows = [row for row in rows if row["x"] is not None and row["y"] is not None]
    if not rows:
        return None
    description = "What was judged on fresh samples against what the optimiser promised, with its 95 % interval."
    names = list(dict.fromkeys(str(row["series"]) for row in rows))
    span = {"zero": False, "padding": 14}
    x = axis("x", "Promised on its own samples", scale=span, axis={"format": ".3~%"})
    y = axis("y", "Judged on fresh samples", scale=span, axis={"format": ".3~%"})
    colour = {"field": "series", "type": "nominal", "title": None, "scale": {"domain": names}}
    low, high = (pick(float(str(row["x"])) for row in rows) for pick in (min, max))
    ends = {"values": [{"x": low, "y": low}, {"x": high, "y": high}]}
    layers = [
        {"data": ends, "mark": {"type": "line", "color": INK, "strokeDash": [2, 4]}, "encoding": {"x": x, "y": y}},
        {
            "mark": {"type": "rule"},
            "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}, "color": colour},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 70},
            "encoding": {"x": x, "y": y, "color": colour, "shape": colour},
        },
    ]
    columns = (
        Column("series", "Of"),
        Column("x", "Promised", "availability"),
        Column("y", "Judged", "availability"),
        Column("low", "from", "availability"),
        Column("high", "to", "availability"),
    )
    return Chart(
        key="calibration",
        title="Promised against judged",
        description=description,
        spec=specification(rows, description, width=460, height=320, layer=layers),
        table=Table(
            key="calibration_curve", title="Promised against judged", columns=columns, frame=pd.DataFrame(rows)
        ),
    )


def _point(series: str, row: Mapping[Hashable, Any], promised: str) -> dict[str, object]:
    x, y = as_number(row[promised]), as_number(row["judged"])
    return {
        "series": series,
        "x": x,
        "y": y,
        "low": as_number(row["judged_low"]),
        "high": as_number(row["judged_high"]),
    }


def bad_paths(run: RunContents) -> list[Chart]:
    """Per region and resource: demand of the worst judged paths against what is in service."""
    frame = run.table("bad_paths")
    if frame.empty:
        return []
    parts = list(frame.groupby(["region", "resource"], sort=False))[:MOST_PANELS]
    return [_bad(f"bad_paths_{i}", str(where[0]), str(where[1]), part) for i, (where, part) in enumerate(parts)]


def _bad(key: str, region: str, resource: str, part: pd.DataFrame) -> Chart:
    rows = [
        {"period": row["period"], "path": "median path" if row["path"] == 0 else f"bad path {row['path']}"}
        | {"asked": row["asked"], "held": row["in_service"]}
        for row in part.to_dict("records")
    ]
    names = list(dict.fromkeys(row["path"] for row in rows))
    description = (
        f"{clean(resource)} asked for at home in {clean(region)} on the judge's worst paths and on a median one, and "
        "what is in service there (green steps)."
    )
    x = period_axis(part["period"])
    colour: Spec = {"field": "path", "type": "nominal", "title": None, "sort": None}
    colour["scale"] = {
        "domain": names,
        "range": [INK, *("#D55E00", "#E69F00", "#CC79A7", "#56B4E9", "#0072B2")][: len(names)],
    }
    y = axis("asked", clean(resource), scale={"zero": False}, axis={"format": "~s"})
    layers = [
        {"mark": {"type": "line"}, "encoding": {"x": x, "y": y, "color": colour}},
        {
            "mark": {"type": "line", "interpolate": "step", "color": "#009E73", "strokeWidth": 3},
            "encoding": {"x": x, "y": {**y, "field": "held", "aggregate": "min"}},
        },
    ]
    columns = (
        Column("path", "Path", "count"),
        Column("period", "Period"),
        Column("asked", "Asked", "number"),
        Column("in_service", "In service", "number"),
        Column("unmet_share", "Unmet, all regions", "percent"),
    )
    title = f"{clean(resource)}, {clean(region)}: bad paths"
    return Chart(
        key=key,
        title=title,
        description=description,
        spec=specification(rows, description, width=WIDTH, height=240, layer=layers),
        table=Table(key="bad_paths", title=title, columns=columns, frame=part),
    )
