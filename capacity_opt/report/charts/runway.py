"""When each pool of capacity runs out."""

from __future__ import annotations

from capacity_opt.report import study_tables
from capacity_opt.report.charts.chart import ALARM, BLUE, WIDTH, Chart, Spec, axis, period_axis, specification
from capacity_opt.report.contents import RunContents

MOST_POOLS = 16
BEYOND = "later"


def runway(run: RunContents) -> Chart | None:
    """Per pool the period of its first breach: colour and size tell the supply, the shape the demand."""
    if not run.has("runway") or not run.has("supply"):
        return None
    frame = run.table("runway")
    worst = frame.groupby(study_tables.POOL, sort=False)["periods_left"].sum().sort_values(kind="stable")
    shown = {pool: place for place, pool in enumerate(list(worst.index)[:MOST_POOLS])}
    rows = []
    for told in frame.to_dict("records"):
        pool = tuple(told[name] for name in study_tables.POOL)
        if pool in shown:
            rows.append(
                {"pool": study_tables.pool_name({str(k): v for k, v in told.items()}), "place": shown[pool]}
                | {"period": told["breach_period"] or BEYOND, "demand": told["demand"].upper()}
                | {"supply": study_tables.SUPPLIES[told["supply"]]}
            )
    periods = [*run.table("supply")["period"].unique(), BEYOND]
    description = (
        "The period in which each pool first breaches its target, at median (P50) and high (P90) demand, with the plan "
        f"and without new orders; '{BEYOND}' is beyond the horizon."
        + (
            f" The {MOST_POOLS} pools that run out first are drawn; the table has all."
            if len(worst) > MOST_POOLS
            else ""
        )
    )
    spec = specification(rows, description, width=WIDTH - 240, height={"step": 34, "for": "position"})
    return Chart(
        key="runway",
        title="Runway",
        description=description,
        spec=spec | _marks([str(period) for period in periods]),
        table=study_tables.runway(run),
    )


def _marks(periods: list[str]) -> Spec:
    supplies = list(study_tables.SUPPLIES.values())
    label = f"datum.label == '{BEYOND}' ? datum.label : slice(datum.label, 0, 7)"
    x = period_axis(periods[:-1])
    text = x["axis"]["labelExpr"] if len(periods) > 13 else label
    ticks = {**x["axis"], "labelExpr": text, "labelAngle": -45, "grid": True}
    series = {"field": "supply", "type": "nominal", "title": None}
    encoding = {
        "x": {**x, "sort": None, "scale": {"domain": periods}, "axis": ticks},
        "y": axis("pool", "", "nominal", sort={"field": "place"}, axis={"labelLimit": 330, "grid": True}),
        "yOffset": {"field": "demand", "scale": {"domain": ["P50", "P90"]}},
        "color": {**series, "scale": {"domain": supplies, "range": [BLUE, ALARM]}},
        "shape": {
            "field": "demand",
            "type": "nominal",
            "title": "demand",
            "scale": {"domain": ["P50", "P90"], "range": ["circle", "triangle-right"]},
        },
        "size": {**series, "scale": {"domain": supplies, "range": [150, 40]}},
    }
    return {"mark": {"type": "point", "strokeWidth": 2.2, "opacity": 1}, "encoding": encoding}
