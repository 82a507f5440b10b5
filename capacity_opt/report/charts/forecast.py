"""Charts of a forecast's backtest: fans against actuals, calibration, what deciding would have cost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from capacity_opt.report.charts.chart import BLUE, INK, WIDTH, Chart, Spec, axis, specification
from capacity_opt.report.tables import Column, Table
from capacity_opt.report.wording import clean
from capacity_opt.scenario.calendar_periods import period_starts
from capacity_opt.scenario.forecast_backtest import HistoryBacktest

MOST_FANS = 6
_PAST = 4  # horizons of the past drawn before a fan
NUMBERS = {
    "past": "Past",
    "low": "5 %",
    "q1": "25 %",
    "median": "50 %",
    "q3": "75 %",
    "high": "95 %",
    "came": "Came",
}
WAYS = {
    "lead_time_totals": "lead-time totals (ours)",
    "sum_of_quantiles": "sum of quantiles",
    "normal": "normal",
    "bootstrap": "bootstrap",
}


def fans(found: HistoryBacktest, series: list[int], title: str, key: str) -> Chart:
    """The past, the forecast's fan and what came, a panel per series."""
    rows = [row for place in series for row in _fan(found, place)]
    description = (
        "Bands hold half and nine tenths of what may come, the line is the median, the dots are what came. "
        f"Series: {', '.join(clean(str(found.kept.ids[i])) for i in series)}."
    )
    dated = found.kept.calendar.start is not None
    x = axis("x", "", "temporal" if dated else "quantitative", axis={"tickCount": 5}, scale={"zero": False})
    layers: list[Spec] = [
        _layer({"type": "area", "opacity": 0.18}, x, BLUE, "low", "high"),
        _layer({"type": "area", "opacity": 0.3}, x, BLUE, "q1", "q3"),
        _layer({"type": "line"}, x, BLUE, "median"),
        _layer({"type": "line", "strokeWidth": 1}, x, INK, "past"),
        _layer({"type": "point", "filled": True, "size": 28}, x, INK, "came"),
    ]
    panel = {"width": WIDTH // 2 - 90, "height": 170, "layer": layers}
    names = [clean(str(found.kept.ids[i])) for i in series]
    facet = {"field": "series", "type": "nominal", "title": None, "sort": names}
    spec = specification(rows, description, facet=facet, columns=2, spec=panel)
    spec["resolve"] = {"scale": {"x": "independent", "y": "independent"}}
    return Chart(key=key, title=title, description=description, spec=spec, table=_numbers(rows, title, key))


def _layer(mark: Spec, x: Spec, colour: str, y: str, y2: str | None = None) -> Spec:
    encoding = {"x": x, "y": axis(y, ""), "color": {"value": colour}}
    return {"mark": mark, "encoding": encoding | ({} if y2 is None else {"y2": {"field": y2}})}


def _fan(found: HistoryBacktest, place: int) -> list[dict[str, Any]]:
    forecast, horizon = found.forecast, found.forecast.horizon
    name = clean(str(found.kept.ids[place]))
    past = found.kept.series(place)[-_PAST * horizon :] if not forecast.cumulative else np.zeros(0)
    origin = int(forecast.origin[place])
    when = _moments(found, np.arange(origin - len(past) + 1, origin + horizon + 1))
    rows: list[dict[str, Any]] = [
        {"series": name, "x": when[t], "past": float(value)} for t, value in enumerate(past) if not np.isnan(value)
    ]
    values = forecast.values[place]
    at = {key: [float(np.interp(level, forecast.levels, row)) for row in values]
          for key, level in (("low", 0.05), ("q1", 0.25), ("median", 0.5), ("q3", 0.75), ("high", 0.95))}  # fmt: skip
    for h in range(horizon):
        came = found.came[place, h]
        rows.append(
            {"series": name, "x": when[len(past) + h], **{key: told[h] for key, told in at.items()}}
            | ({} if np.isnan(came) else {"came": float(came)})
        )
    return rows


def _moments(found: HistoryBacktest, periods: Any) -> list[Any]:
    starts = period_starts(np.asarray(periods, dtype=np.int64), found.kept.calendar)
    if found.kept.calendar.start is None:
        return [int(each) for each in starts]
    return [str(each) for each in starts]


def _numbers(rows: list[dict[str, Any]], title: str, key: str) -> Table:
    frame = pd.DataFrame(rows)
    frame["x"] = frame["x"].astype(str)
    numbers = [Column(name, label, "number") for name, label in NUMBERS.items() if name in frame]
    columns = (Column("series", "Series"), Column("x", "Period"), *numbers)
    return Table(key=key, title=title, columns=columns, frame=frame)


def calibration(found: HistoryBacktest) -> Chart:
    """Share of what came at or below each quantile, against its level."""
    score = found.score
    covered = np.clip(score.levels, score.below, score.upto)
    rows = [{"x": level, "y": share} for level, share in zip(score.levels.tolist(), covered.tolist())]
    description = (
        "Share of outcomes at or below each quantile; honest forecasts lie on the diagonal. Counts that lie on a "
        "quantile itself are split as calibration would ask."
    )
    x = axis("x", "Quantile level", scale={"domain": [0, 1]}, axis={"format": "%"})
    y = axis("y", "Outcomes at or below", scale={"domain": [0, 1]}, axis={"format": "%"})
    ends = {"values": [{"x": 0, "y": 0}, {"x": 1, "y": 1}]}
    layers = [
        {"data": ends, "mark": {"type": "line", "color": INK, "strokeDash": [2, 4]}, "encoding": {"x": x, "y": y}},
        {"mark": {"type": "line", "color": BLUE, "point": True}, "encoding": {"x": x, "y": y}},
    ]
    columns = (Column("x", "Level", "percent"), Column("y", "At or below", "percent"))
    return Chart(
        key="calibration",
        title="Calibration",
        description=description,
        spec=specification(rows, description, width=340, height=300, layer=layers),
        table=Table(key="calibration", title="Calibration", columns=columns, frame=pd.DataFrame(rows)),
    )


def way_of(row: dict[str, object]) -> str:
    """How a row of costs came to its level."""
    name = WAYS.get(str(row["way"]), clean(str(row["way"])))
    return f"{name}, tuned" if row["rule"] == "tuned" else name


def costs(found: HistoryBacktest, table: Table) -> Chart:
    """Cost per way to the lead-time total, split into what was left over and what was short."""
    rows = [
        {"way": way_of(row), "part": part, "money": row[name]}
        for row in found.costs() for name, part in (("holding", "left over"), ("stockout", "short"))
    ]  # fmt: skip
    description = "Cost per period, all series, of ordering up to each way's quantile of the lead-time total."
    encoding = {
        "y": axis("way", "", "nominal", sort=None, axis={"labelLimit": 220}),
        "x": axis("money", "Cost per period", axis={"format": ",~r", "tickCount": 6}),
        "color": {"field": "part", "type": "nominal", "title": None},
    }
    spec = specification(rows, description, width=WIDTH - 200, height={"step": 30}, mark={"type": "bar"})
    return Chart(
        key="costs", title="What deciding would have cost", description=description, spec=spec | {"encoding": encoding},
        table=table,
    )  # fmt: skip
