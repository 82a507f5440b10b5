"""What is there against what is asked: capacity, demand and its range, stock."""

from __future__ import annotations

import pandas as pd

from capacity_opt.report.charts.chart import (
    ALARM,
    BLUE,
    INK,
    MOST_PANELS,
    WIDTH,
    Chart,
    Spec,
    axis,
    period_axis,
    specification,
)
from capacity_opt.report.contents import RunContents
from capacity_opt.report.tables import Column, Table
from capacity_opt.report.wording import clean


def supply(run: RunContents) -> list[Chart]:
    """Per region and resource: capacity in service and after the worst zone's loss, against demand."""
    if not (run.has("supply") and run.has("demand_fan")):
        return []
    pairs = list(run.table("supply")[["region", "resource"]].drop_duplicates().itertuples(index=False, name=None))
    return [_supply(run, str(region), str(resource)) for region, resource in pairs[:MOST_PANELS]]


def _supply(run: RunContents, region: str, resource: str) -> Chart:
    frame = _only(run.table("supply"), region, resource)
    fan = _only(run.table("demand_fan"), region, resource)
    classes = [str(name) for name in fan["class"].unique() if name != "all"]
    means = fan.groupby(["class", "period"], sort=False)["mean"].sum()
    numbers, columns = frame, [Column("period", "Period"), Column("in_service", "In service", "count")]
    columns.append(Column("worst_zone_loss", "Left if the worst zone is lost", "count"))
    rows = [
        {"line": line, "period": row["period"], "level": row[field]}
        for field, line in zip(("in_service", "worst_zone_loss"), LINES, strict=True)
        for row in frame.to_dict("records")
    ]
    for place, name in enumerate(classes):
        mean = numbers["period"].map(means[name])
        numbers = numbers.assign(**{f"mean_{place}": mean})
        columns.append(Column(f"mean_{place}", f"Mean demand, {clean(name)}", "count"))
        rows += [
            {"class": name, "rank": place, "period": p, "mean": m} for p, m in zip(numbers["period"], mean, strict=True)
        ]
    total = fan[fan["class"] == "all"]
    rows += [{"period": r["period"], "p5": r["p5"], "p95": r["p95"]} for r in total.to_dict("records")]
    description = (
        f"{clean(resource)} in {clean(region)} per period: capacity in service and what is left if the worst zone is "
        "lost, over mean demand stacked by class" + ("; bars with ends show p5 to p95 of all." if len(total) else ".")
    )
    title = f"Supply against demand: {clean(resource)}, {clean(region)}"
    spec = specification(rows, description, width=WIDTH, height=300)
    return Chart(
        key="supply",
        title=title,
        description=description,
        spec=spec | {"layer": _supply_layers(resource, list(frame["period"]), classes, fan=len(total) > 0)},
        table=Table(key="supply", title=title, columns=tuple(columns), frame=numbers),
    )


LINES = ("in service", "left if the worst zone is lost")


def _only(frame: pd.DataFrame, region: str, resource: str) -> pd.DataFrame:
    kept = (frame["region"] == region) & (frame["resource"] == resource)
    return frame[kept].reset_index(drop=True)


def _supply_layers(resource: str, periods: list[str], classes: list[str], *, fan: bool) -> list[Spec]:
    x, title = period_axis(periods), clean(resource)
    stacked = axis("mean", title, stack="zero", axis={"format": "~s"})
    legend = {"field": "line", "type": "nominal", "title": None, "scale": {"domain": LINES, "range": [[1, 0], [6, 4]]}}
    colour = {
        "field": "class",
        "type": "nominal",
        "title": "mean demand",
        "scale": {"domain": [clean(name) for name in classes]},
    }
    layers: list[Spec] = [
        {
            "transform": [{"filter": "isValid(datum.mean)"}],
            "mark": {"type": "bar", "opacity": 0.7},
            "encoding": {"x": x, "y": stacked, "color": colour, "order": {"field": "rank"}},
        },
        {
            "transform": [{"filter": "isValid(datum.level)"}],
            "mark": {"type": "line", "interpolate": "step", "strokeWidth": 2.5, "color": INK},
            "encoding": {"x": x, "y": axis("level", title), "strokeDash": legend},
        },
    ]
    if fan:
        ends = {"x": x, "y": axis("p5", title), "y2": {"field": "p95"}}
        only = [{"filter": "isValid(datum.p95)"}]
        layers.append({"transform": only, "mark": {"type": "rule", "color": ALARM, "strokeWidth": 2}, "encoding": ends})
        for end in ("p5", "p95"):
            tick = {"x": x, "y": axis(end, title)}
            layers.append({"transform": only, "mark": {"type": "tick", "color": ALARM, "width": 12}, "encoding": tick})
    return layers


def fans(run: RunContents) -> list[Chart]:
    """Per class, region and resource: the range of demand over time."""
    if not run.has("demand_fan"):
        return []
    frame = run.table("demand_fan")
    first = frame["resource"].iloc[0]
    keys = frame[frame["resource"] == first][["class", "region"]].drop_duplicates()
    return [
        _fan(run, name, region, first) for name, region in keys.head(MOST_PANELS).itertuples(index=False, name=None)
    ]


def _fan(run: RunContents, name: str, region: str, resource: str) -> Chart:
    frame = _only(run.table("demand_fan"), region, resource)
    frame = frame[frame["class"] == name].reset_index(drop=True)
    fields = ("mean", "p5", "p25", "p50", "p75", "p95")
    rows = frame[["period", *fields]].to_dict("records")
    who = "all classes" if name == "all" else f"class {clean(name)}"
    title = f"Demand of {who}: {clean(resource)}, {clean(region)}"
    description = f"{title}. Median line, mean dashed; darker band p25 to p75, lighter band p5 to p95."
    x, y = period_axis(frame["period"]), clean(resource)
    layers = [_area(x, y, "p5", "p95", 0.25), _area(x, y, "p25", "p75", 0.45)]
    for field, dash in (("p50", [1, 0]), ("mean", [4, 4])):
        line = {"type": "line", "color": INK, "strokeDash": dash}
        layers.append({"mark": line, "encoding": {"x": x, "y": axis(field, y)}})
    columns = (Column("period", "Period"), *(Column(field, field, "count") for field in fields))
    return Chart(
        key="fan",
        title=title,
        description=description,
        spec=specification(rows, description, width=WIDTH, height=180, layer=layers),
        table=Table(key="fan", title=title, columns=columns, frame=frame),
    )


def _area(x: Spec, title: str, low: str, high: str, opacity: float) -> Spec:
    y = axis(low, title, scale={"zero": False}, axis={"format": "~s"})
    mark = {"type": "area", "color": BLUE, "opacity": opacity}
    return {"mark": mark, "encoding": {"x": x, "y": y, "y2": {"field": high}}}


def stock(run: RunContents) -> Chart | None:
    """Servers in service per type over time, all zones together, with the zones in the table."""
    if not run.has("stock"):
        return None
    frame = run.table("stock")
    totals = (
        frame.groupby(["server_type", "period"], sort=False)[["servers", "arriving", "retired"]].sum().reset_index()
    )
    kinds = list(totals["server_type"].unique())
    rows = [{"kind": r["server_type"], "period": r["period"], "n": r["servers"]} for r in totals.to_dict("records")]
    description = "Servers in service per period by server type, all zones together; the table has arrivals too."
    columns = (
        Column("server_type", "Server type"),
        Column("period", "Period"),
        Column("servers", "In service", "count"),
        Column("arriving", "Arriving", "count"),
        Column("retired", "Retired", "count"),
    )
    colour = {
        "field": "kind",
        "type": "nominal",
        "title": "server type",
        "scale": {"domain": [clean(k) for k in kinds]},
    }
    encoding = {"x": period_axis(totals["period"]), "y": axis("n", "servers", stack="zero"), "color": colour}
    spec = specification(rows, description, width=WIDTH, height=220, mark={"type": "bar", "opacity": 0.85})
    return Chart(
        key="stock",
        title="Servers in service",
        description=description,
        spec=spec | {"encoding": encoding},
        table=Table(key="stock", title="Servers in service", columns=columns, frame=totals),
    )
