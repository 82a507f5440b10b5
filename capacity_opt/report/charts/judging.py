"""Charts of the judge's own studies."""

from __future__ import annotations

from capacity_opt.report.charts.chart import INK, WIDTH, Chart, axis, specification
from capacity_opt.report.contents import RunContents
from capacity_opt.report.tables import Column, Table
from capacity_opt.report.wording import clean


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
