"""A forecast's backtest on a page: how good, how honest, what deciding by it would have cost, and where it fails."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from capacity_opt.report.charts import forecast as charts
from capacity_opt.report.html import render_page
from capacity_opt.report.sections import Section
from capacity_opt.report.tables import Column, Table
from capacity_opt.report.wording import clean, percent, word
from capacity_opt.scenario.forecast_backtest import HistoryBacktest

WORST = 20
MOST_OTHERS = 3
SCORES = {
    "wql": "Weighted quantile loss",
    "crps": "CRPS, per observation",
    "mase": "MASE of the median",
    "msis": "MSIS, 95 %",
    "smape": "sMAPE, %",
    "bias": "Bias, share of demand",
}


def write_forecast_page(found: HistoryBacktest, path: str | Path) -> Path:
    """Write the page of a backtest to ``path``: one file, offline."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(render_forecast_page(found), encoding="utf-8", newline="\n")
    return target


def render_forecast_page(found: HistoryBacktest) -> str:
    """The page as text."""
    ordered = found.score.worst.tolist()
    middle = ordered[len(ordered) // 2 - 1 : len(ordered) // 2 + 1] if len(ordered) >= 8 else []
    sections = [Section(key="scores", title="How good", tables=[_scores(found)], charts=[charts.calibration(found)])]
    if found.cost is not None:
        table = _costs(found)
        sections.append(
            Section(
                key="costs", title="What deciding would have cost", tables=[table], charts=[charts.costs(found, table)]
            )
        )
    sections.append(_fans(found, ordered, middle))
    page = {
        "title": f"{clean(found.name)}: {found.kept.count:,} series, {found.forecast.horizon} periods held out",
        "answers": _answers(found),
        "facts": [(clean(key), clean(str(value))) for key, value in found.forecast.provenance.items()],
        "sections": sections,
    }
    return render_page("forecast.html.j2", page)


def _answers(found: HistoryBacktest) -> list[str]:
    told = []
    if found.cost is not None:
        best, *others = found.costs()
        name = charts.way_of(best)
        told.append(f"Cheapest to decide by: {name}, {word(best['cost'], 'number')} a period.")
        for row in others[:MOST_OTHERS]:
            surely = float(str(row["dearer_low"])) > 0
            share = float(str(row["dearer"])) / float(str(best["cost"]))
            sure = "surely" if surely else "within what chance does"
            told[0] += f" {charts.way_of(row).capitalize()}: {percent(share)} dearer ({sure})."
    cover = [f"{percent(width)} intervals held {percent(share)}" for width, share in found.score.coverage.items()]
    if cover:
        told.append(f"{'; '.join(cover)} of what came.")
    return told or [f"Weighted quantile loss {found.score.wql:.4f}."]


def _scores(found: HistoryBacktest) -> Table:
    told = found.numbers()
    rows = [{"score": label, "value": told[name]} for name, label in SCORES.items() if name in told]
    rows += [
        {"score": f"Coverage of the {percent(width)} interval", "value": share}
        for width, share in found.score.coverage.items()
    ]
    columns = (Column("score", "Score"), Column("value", "Value", "number"))
    note = f"Forecast: {clean(str(found.forecast.provenance.get('model', '')))}."
    return Table(key="scores", title="Scores", columns=columns, frame=pd.DataFrame(rows), note=note)


def _costs(found: HistoryBacktest) -> Table:
    rows = [row | {"way": charts.way_of(row), "told": _dearer(row)} for row in found.costs()]
    columns = (
        Column("way", "Total over the lead time by"),
        Column("cost", "Cost per period", "number"),
        Column("holding", "Left over", "number"),
        Column("stockout", "Short", "number"),
        Column("told", "Dearer by (95 % interval)"),
        Column("fill_rate", "Fill rate", "availability"),
        Column("level", "Quantile", "percent"),
        Column("covered", "Covered", "percent"),
        Column("pinball", "Pinball loss", "number"),
        Column("bias", "Bias, units", "number"),
    )
    note = "Every way orders on the same days from what was known then; differences are paired over the series."
    return Table(key="costs", title="Cost of deciding", columns=columns, frame=pd.DataFrame(rows), note=note)


def _dearer(row: dict[str, object]) -> str:
    value, low, high = (word(row[name], "number") for name in ("dearer", "dearer_low", "dearer_high"))
    return f"{value} ({low} to {high})" if row["dearer"] else ""


def _fans(found: HistoryBacktest, ordered: list[int], middle: list[int]) -> Section:
    worst = ordered[: max(2, charts.MOST_FANS - len(middle))]
    drawn = [charts.fans(found, worst, "Worst series", "worst")]
    if middle:
        drawn.append(charts.fans(found, middle, "Typical series", "typical"))
    return Section(
        key="series",
        title="Against what came",
        lead="The series with the largest loss first: where the forecast fails, and for comparison typical ones.",
        charts=drawn,
        tables=[_worst(found, ordered[:WORST])],
    )


def _worst(found: HistoryBacktest, places: list[int]) -> Table:
    forecast = found.forecast
    gap = found.came[:, :, None] - forecast.values
    loss = np.nansum(np.maximum(forecast.levels * gap, (forecast.levels - 1.0) * gap), axis=(1, 2))
    total = max(float(loss.sum()), 1e-300)
    rows = [
        {
            "series": clean(str(found.kept.ids[i])),
            "share": float(loss[i]) / total,
            "came": float(np.nanmean(found.came[i])),
            "median": float(np.mean([np.interp(0.5, forecast.levels, row) for row in forecast.values[i]])),
            "known": int(found.kept.lengths[i]),
        }
        for i in places
    ]
    columns = (
        Column("series", "Series"),
        Column("share", "Share of all loss", "percent"),
        Column("came", "Came, mean", "number"),
        Column("median", "Median forecast, mean", "number"),
        Column("known", "Periods known", "count"),
    )
    return Table(key="worst", title="Worst series", columns=columns, frame=pd.DataFrame(rows))
