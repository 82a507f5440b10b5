"""Cost against availability, and what each further point costs."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from capacity_opt.report import tables
from capacity_opt.report.charts.chart import ALARM, BLUE, INK, WIDTH, Chart, Spec, axis, specification
from capacity_opt.report.contents import RunContents
from capacity_opt.report.wording import as_number


def frontier(run: RunContents) -> Chart | None:
    """Cost against availability: the optimiser's promise and the judge's measure with its interval."""
    if not run.has("frontier"):
        return None
    frame, table = run.table("frontier"), tables.frontier(run)
    over = tables.spoken(frame["over"].iloc[0])
    rows = [
        {"series": series, "x": place_of(row[field]), "low": place_of(row[low]), "high": place_of(row[high])}
        | {"cost": row["cost"], "mark": table.frame["mark"].iloc[index]}
        for series, field, low, high in (
            ("promised (own samples)", "promised", "promised", "promised"),
            ("judged (fresh samples)", "judged", "judged_low", "judged_high"),
        )
        for index, row in enumerate(frame.to_dict("records"))
    ]
    own = _this_plan(run, frame)
    rows += own
    description = (
        f"Cost of the cheapest plan at {len(frame)} targets of {over}, against the availability it promises and the "
        "availability judged on samples it never saw. The axis stretches as the nines grow."
        + (" The diamond is this plan, whose targets differ by class." if own else "")
    )
    return Chart(
        key="frontier",
        title="What availability costs",
        description=description,
        spec=specification(rows, description, width=WIDTH, height=300, layer=_frontier_layers(frame, run.currency)),
        table=table,
    )


def _this_plan(run: RunContents, frame: pd.DataFrame) -> list[dict[str, object]]:
    """The plan itself, where its targets differ by class and so are no point of the curve: at the class served least,
    as the curve's points are."""
    if str(frame["over"].iloc[0]) != "fill_rate" or frame["current"].any():
        return []
    if not (run.has("availability") and run.has("cost")):
        return []
    fill = run.table("availability")
    fill = fill[(fill["measure"] == "fill") & fill["target"].notna()]
    if fill.empty:
        return []
    cost = float(run.table("cost")["EffectiveCost"].sum())
    return [{"plan": "this plan", "x": place_of(fill["promised"].min()), "cost": cost}]


SMALLEST_SHORTFALL = 1e-6


def place_of(value: object) -> float | None:
    """Where an availability stands on the axis of nines: its shortfall, at least one in a million."""
    level = as_number(value)
    return None if level is None else max(SMALLEST_SHORTFALL, 1 - level)


def nines(frame: pd.DataFrame, title: str) -> Spec:
    """The axis of nines: logarithmic in the shortfall, reversed, labelled in availability."""
    shares = "over" not in frame or frame["over"].iloc[0] in {"fill_rate", "no_shortage_probability"}
    levels = _numbers(frame["target" if shares else "promised"])
    labels: Spec = {"labelExpr": f"datum.value <= {2 * SMALLEST_SHORTFALL} ? '100%' : format(1 - datum.value, '.6~%')"}
    if max([*_numbers(frame["promised"]), *_numbers(frame["judged"])], default=0.0) >= 1 - SMALLEST_SHORTFALL:
        levels.append(1.0)
    ticks = sorted({round(max(SMALLEST_SHORTFALL, 1 - level), 9) for level in levels})
    if len(ticks) <= 10:
        labels["values"] = ticks
    return axis("x", title, scale={"type": "log", "reverse": True, "nice": False, "padding": 16}, axis=labels)


def _numbers(values: Iterable[object]) -> list[float]:
    return [number for number in map(as_number, values) if number is not None]


def _frontier_layers(frame: pd.DataFrame, currency: str) -> list[Spec]:
    money = f"Cost, present value{', ' + currency if currency else ''}"
    x = nines(frame, "Availability")
    y = axis("cost", money, scale={"zero": False, "padding": 14}, axis={"format": "~s"})
    names = ["promised (own samples)", "judged (fresh samples)"]
    colour = {"field": "series", "type": "nominal", "title": None, "scale": {"domain": names, "range": [BLUE, ALARM]}}
    dash = {"field": "series", "type": "nominal", "title": None, "scale": {"domain": names, "range": [[1, 0], [6, 4]]}}
    shape = {"field": "series", "type": "nominal", "title": None, "scale": {"domain": names}}
    line = {"x": x, "y": y, "color": colour, "order": {"field": "cost", "type": "quantitative"}}
    curve, own = [{"filter": "isValid(datum.series)"}], [{"filter": "isValid(datum.plan)"}]
    marked = [{"filter": "datum.mark && datum.series == 'promised (own samples)'"}]
    return [
        {"transform": curve, "mark": {"type": "line", "strokeWidth": 2}, "encoding": {**line, "strokeDash": dash}},
        {
            "transform": curve,
            "mark": {"type": "point", "filled": True, "size": 60, "opacity": 1},
            "encoding": {**line, "shape": shape},
        },
        {
            "transform": own,
            "mark": {"type": "point", "size": 200, "color": INK, "strokeWidth": 2, "shape": "diamond"},
            "encoding": {"x": x, "y": y},
        },
        {
            "transform": own,
            "mark": {"type": "text", "align": "left", "dx": 14, "dy": 12, "fontSize": 12},
            "encoding": {"x": x, "y": y, "text": {"field": "plan"}},
        },
        {
            "transform": [{"filter": "datum.low != datum.high"}],
            "mark": {"type": "rule", "color": ALARM, "strokeWidth": 1.5},
            "encoding": {"x": {**x, "field": "low"}, "x2": {"field": "high"}, "y": y},
        },
        {
            "transform": marked,
            "mark": {"type": "point", "size": 260, "color": INK, "strokeWidth": 2, "shape": "circle"},
            "encoding": {"x": x, "y": y},
        },
        {
            "transform": marked,
            "mark": {"type": "text", "align": "right", "dx": -14, "dy": -8, "fontSize": 12},
            "encoding": {"x": x, "y": y, "text": {"field": "mark"}},
        },
    ]


def marginal_cost(run: RunContents) -> Chart | None:
    """What each further point of availability costs, step by step."""
    frame = run.table("frontier")
    if frame.empty or frame["marginal_cost"].notna().sum() < 2:
        return None
    table = tables.frontier(run)
    worded = [row[0] for row in table.words()]
    rows = [
        {"step": f"{worded[i - 1]} → {worded[i]}", "value": frame["marginal_cost"].iloc[i]}
        for i in range(1, len(frame))
        if as_number(frame["marginal_cost"].iloc[i]) is not None
    ]
    shares = str(frame["over"].iloc[0]) in tables.SHARES
    unit = "percentage point" if shares else "unit of the target"
    description = f"Cost of one more {unit} on each step between neighbouring targets."
    encoding = {
        "y": axis("step", "", "nominal", sort=None, axis={"labelLimit": 220}),
        "x": axis("value", f"{run.currency} per {unit}".strip(), axis={"format": "~s"}),
    }
    spec = specification(rows, description, width=WIDTH - 120, height={"step": 26}, mark={"type": "bar", "color": BLUE})
    return Chart(
        key="marginal_cost",
        title=f"What one more {unit} costs",
        description=description,
        spec=spec | {"encoding": encoding},
        table=table,
    )
