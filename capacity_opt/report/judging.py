"""What the judge's own studies put on the page: forecasts weighed in money."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import Any

from capacity_opt.report.charts import judging as charts
from capacity_opt.report.contents import RunContents
from capacity_opt.report.tables import Column, Table
from capacity_opt.report.wording import as_number, clean, percent, word

RULES = {"given": "as given", "tuned": "tuned"}


def backtest(run: RunContents) -> Table:
    """A row per forecast model and rule, the cheapest first."""
    frame = run.table("backtest")
    if len(frame):
        told = [_difference(row) for row in frame.to_dict("records")]
        frame = frame.assign(rule=frame["rule"].map(RULES).fillna(frame["rule"]), told=told)
    money = f", {run.currency}" if run.currency else ""
    columns = (
        Column("model", "Forecast"),
        Column("rule", "Order level"),
        Column("order_level", "Quantile", "number"),
        Column("cost", f"Cost per period{money}", "number"),
        Column("holding", "Left over", "number"),
        Column("stockout", "Short", "number"),
        Column("fill_rate", "Fill rate", "availability"),
        Column("told", "Dearer by (interval)"),
        Column("pinball", "Pinball loss", "number"),
        Column("bias", "Bias", "number"),
    )
    return Table(key="backtest", title="Forecasts weighed in money", columns=columns, frame=frame)


def _difference(row: Mapping[Hashable, Any]) -> str:
    """``40 (21 to 59)``: how much more than the best, with the paired interval."""
    value, low, high = (as_number(row[name]) for name in ("dearer", "dearer_low", "dearer_high"))
    if not value:
        return ""
    interval = "" if low is None or high is None else f" ({word(low, 'number')} to {word(high, 'number')})"
    return word(value, "number") + interval


def every(run: RunContents) -> list[Table]:
    """The tables that a terminal shows."""
    return [table for table in (backtest(run),) if len(table)]


def parts(run: RunContents) -> Iterator[dict[str, Any]]:
    """Fields of the page's sections, for those whose tables are there."""
    table = backtest(run)
    if len(table):
        yield {
            "key": "backtest",
            "title": table.title,
            "lead": _backtest_lead(run),
            "charts": [chart for chart in (charts.backtest(run, table), charts.coverage(run)) if chart is not None],
            "tables": [table],
        }


def _backtest_lead(run: RunContents) -> str:
    facts = run.manifest.get("backtest", {})
    best, rule = run.table("backtest")["model"].iloc[0], run.table("backtest")["rule"].iloc[0]
    tuned = ", its quantile tuned on the past," if rule == "tuned" else ""
    lead = (
        f"Decisions by {clean(best)}{tuned} would have cost least. Every model decided from what was known at the time."
    )
    if facts.get("censored_share"):
        lead += f" {percent(float(facts['censored_share']))} of the periods ran out of stock: true costs are higher."
    if facts.get("outside_levels"):
        lead += " The quantile asked for lies outside the levels given for some items and was read from a fitted tail."
    return lead
