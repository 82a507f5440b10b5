"""What the plan costs over time and how well it serves."""

from __future__ import annotations

import pandas as pd

from capacity_opt.report import tables
from capacity_opt.report.charts.chart import ALARM, BLUE, INK, WIDTH, Chart, Spec, axis, period_axis, specification
from capacity_opt.report.charts.frontier import nines, place_of
from capacity_opt.report.contents import RunContents
from capacity_opt.report.tables import Column, Table
from capacity_opt.report.wording import clean


def cost(run: RunContents) -> Chart | None:
    """Present value per period, stacked by component."""
    if not run.has("cost"):
        return None
    frame = run.table("cost")
    names = [tables.spoken(name) for name in frame["component"].unique()]
    rows = [
        {"component": tables.spoken(r["component"]), "period": r["period"], "money": r["EffectiveCost"]}
        for r in frame.to_dict("records")
        if r["EffectiveCost"] != 0
    ]
    description = "Present value of cost per period, stacked by component."
    encoding = {
        "x": period_axis(frame["period"]),
        "y": axis("money", f"Present value, {run.currency}", stack="zero", axis={"format": "~s"}),
        "color": {"field": "component", "type": "nominal", "title": None, "scale": {"domain": names}},
    }
    spec = specification(rows, description, width=WIDTH, height=240, mark={"type": "bar", "opacity": 0.85})
    return Chart(
        key="cost",
        title="Cost by period",
        description=description,
        spec=spec | {"encoding": encoding},
        table=tables.cost_by_period(run),
    )


def promise(run: RunContents) -> Chart | None:
    """Per class the fill rate that was asked for, promised and judged."""
    if not run.has("availability"):
        return None
    frame = run.table("availability")
    frame = frame[frame["measure"] == "fill"]
    if frame.empty:
        return None
    rows = [
        {"class": row["class"], "what": what, "x": place_of(row[what])}
        | {"low": place_of(row["judged_low"]), "high": place_of(row["judged_high"])}
        for row in frame.to_dict("records")
        for what in WHAT
    ]
    description = (
        "Fill rate per class: the target, what the optimiser promises on its own samples, and what the judge measured "
        "on fresh samples, with its 95 % interval. Further right is better; the axis stretches as the nines grow."
    )
    spec = specification(rows, description, width=WIDTH - 120, height={"step": 44}, layer=_promise_layers(frame))
    return Chart(
        key="promise",
        title="Promised and judged",
        description=description,
        spec=spec,
        table=tables.availability(run, measure="fill"),
    )


WHAT = ("target", "promised", "judged")


def _promise_layers(frame: pd.DataFrame) -> list[Spec]:
    x = nines(frame, "Fill rate")
    y = axis("class", "", "nominal", sort=None, axis={"labelLimit": 150})
    scale = {"domain": list(WHAT), "range": [INK, BLUE, ALARM]}
    shapes = {"domain": list(WHAT), "range": ["M0,-1.4L0,1.4", "circle", "diamond"]}
    colour = {"field": "what", "type": "nominal", "title": None, "scale": scale}
    shape = {"field": "what", "type": "nominal", "title": None, "scale": shapes}
    only = [{"filter": "datum.what == 'judged' && isValid(datum.x)"}]
    return [
        {
            "transform": only,
            "mark": {"type": "rule", "color": ALARM, "strokeWidth": 2},
            "encoding": {"x": {**x, "field": "low"}, "x2": {"field": "high"}, "y": y},
        },
        {
            "transform": [{"filter": "isValid(datum.x)"}],
            "mark": {"type": "point", "size": 110, "strokeWidth": 2.5},
            "encoding": {"x": x, "y": y, "color": colour, "shape": shape},
        },
    ]


def over_time(run: RunContents) -> Chart | None:
    """The judged fill rate per period and class."""
    if not run.has("availability_by_period"):
        return None
    frame = run.table("availability_by_period")
    names = [clean(name) for name in frame["class"].unique()]
    rows = [
        {"class": r["class"], "period": r["period"], "y": r["judged_fill"], "low": r["judged_low"]}
        | {"high": r["judged_high"]}
        for r in frame.to_dict("records")
    ]
    description = "Fill rate judged on fresh samples, per period and class, with its 95 % interval as a band."
    x = period_axis(frame["period"])
    colour = {"field": "class", "type": "nominal", "title": None, "scale": {"domain": names}}
    percent: Spec = {"scale": {"zero": False}, "axis": {"format": ".5~%"}}
    layers: list[Spec] = [
        {
            "mark": {"type": "area", "opacity": 0.2},
            "encoding": {
                "x": x,
                "y": axis("low", "Fill rate judged", **percent),
                "y2": {"field": "high"},
                "color": colour,
            },
        },
        {
            "mark": {"type": "line", "point": True},
            "encoding": {
                "x": x,
                "y": axis("y", "Fill rate judged", **percent),
                "color": colour,
                "strokeDash": {**colour, "scale": {"domain": names}},
            },
        },
    ]
    columns = (
        Column("period", "Period"),
        Column("class", "Class"),
        Column("promised_fill", "Promised", "availability"),
        Column("judged_fill", "Judged", "availability"),
        Column("judged_low", "from", "availability"),
        Column("judged_high", "to", "availability"),
    )
    present = tuple(column for column in columns if column.name in frame)
    return Chart(
        key="over_time",
        title="Judged fill rate over time",
        description=description,
        spec=specification(rows, description, width=WIDTH, height=220, layer=layers),
        table=Table(key="over_time", title="Judged fill rate over time", columns=present, frame=frame),
    )


def utilization(run: RunContents) -> Chart | None:
    """The utilization numbers as bars, one per measure and resource."""
    table = tables.utilization(run)
    if len(table) == 0:
        return None
    rows = [
        {"measure": r["measure"], "resource": r["resource"], "value": r["value"]}
        for r in table.frame.to_dict("records")
    ]
    description = "Share of capacity used, per measure and resource, mean over periods and samples."
    encoding = {
        "y": axis("measure", "", "nominal", sort=None, axis={"labelLimit": 220}),
        "yOffset": {"field": "resource", "type": "nominal", "sort": None},
        "x": axis("value", "share", axis={"format": ".0%"}),
        "color": {"field": "resource", "type": "nominal", "sort": None, "title": None},
    }
    spec = specification(rows, description, width=WIDTH - 200, height={"step": 16}, mark={"type": "bar"})
    return Chart(
        key="utilization",
        title="Utilization",
        description=description,
        spec=spec | {"encoding": encoding},
        table=table,
    )
