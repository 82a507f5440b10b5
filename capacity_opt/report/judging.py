"""What the judge's own studies put on the page: ways of planning over time, forecasts weighed in money."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import Any

from capacity_opt.report.charts import judging as charts
from capacity_opt.report.contents import RunContents
from capacity_opt.report.tables import Column, Table, spoken
from capacity_opt.report.wording import Kind, as_number, clean, percent, word

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


def _difference(row: Mapping[Hashable, Any], kind: Kind = "number") -> str:
    """``40 (21 to 59)``: how much more than the best, with the paired interval."""
    value, low, high = (as_number(row[name]) for name in ("dearer", "dearer_low", "dearer_high"))
    if not value:
        return ""
    interval = "" if low is None or high is None else f" ({word(low, kind)} to {word(high, kind)})"
    return word(value, kind) + interval


POLICIES = {
    "newsvendor": "newsvendor by group",
    "safety_factor": "mean with a safety factor",
    "two_stage": "two-stage",
    "cvar": "two-stage with CVaR",
}


def rolling(run: RunContents) -> Table:
    """A row per way of planning, the cheapest first, with the fill rate it gave each class."""
    frame = run.table("rolling")
    money = f", {run.currency}" if run.currency else ""
    columns = [
        Column("policy", "Planned by"),
        Column("cost", f"Cost{money}", "money"),
        Column("told", "Dearer by (interval)"),
        Column("kept", "Keeps fill rates", "flag"),
        Column("churn", "Racks changed", "number"),
        Column("racks", "Racks ordered", "number"),
    ]
    if len(frame):
        frame = frame.assign(told=[_difference(row, "money") for row in frame.to_dict("records")])
        for label, rows in run.table("rolling_availability").groupby("class", sort=False):
            fill = dict(zip(rows["policy"], rows["fill"], strict=True))
            frame = frame.assign(**{f"fill {label}": frame["policy"].map(fill)})
            columns.append(Column(f"fill {label}", f"Fill, {clean(label)}", "availability"))
        frame = frame.assign(policy=frame["policy"].map(POLICIES).fillna(frame["policy"]))
    return Table(key="rolling", title="Ways of planning, over time", columns=tuple(columns), frame=frame)


def calibration(run: RunContents) -> Table:
    """A row per calibration round and promise: what was asked of the optimiser, what was judged, what it cost."""
    money = f", {run.currency}" if run.currency else ""
    columns = (
        Column("round", "Round", "count"),
        Column("class", "Class"),
        Column("told", "Measure"),
        Column("target", "Promise", "availability"),
        Column("asked", "Asked of the optimiser", "availability"),
        Column("judged", "Judged", "availability"),
        Column("judged_low", "at least", "availability"),
        Column("cost", f"Cost{money}", "money"),
        Column("price_of_honesty", f"More than round 1{money}", "money"),
    )
    frame = run.table("calibration")
    if len(frame):
        frame = frame.assign(told=frame["measure"].map(spoken))
    return Table(key="calibration", title="The price of honesty", columns=columns, frame=frame)


def failures(run: RunContents) -> Table:
    """Availability while zones, servers, deliveries and spot fail as ``[simulation.failures]`` says."""
    frame = run.table("failures")
    if len(frame):
        frame = frame.assign(told=[spoken(name) for name in frame["measure"]])
    columns = (
        Column("class", "Class"),
        Column("told", "Measure"),
        Column("value", "Judged", "number"),
        Column("low", "from", "number"),
        Column("high", "to", "number"),
    )
    return Table(key="failures", title="While things break", columns=columns, frame=frame)


def every(run: RunContents) -> list[Table]:
    """The tables that a terminal shows."""
    return [table for table in (calibration(run), failures(run), rolling(run), backtest(run)) if len(table)]


def parts(run: RunContents) -> Iterator[dict[str, Any]]:
    """Fields of the page's sections, for those whose tables are there."""
    bad = charts.bad_paths(run)
    if bad:
        lead = "The worst of the judge's paths, and a median one: what was asked against what was there."
        yield {"key": "bad_paths", "title": "The plan against bad paths", "lead": lead, "charts": bad}
    broken = failures(run)
    if len(broken):
        lead = "Judged once more while zones, servers, deliveries and spot fail as the scenario says."
        yield {"key": "failures", "title": broken.title, "lead": lead, "tables": [broken]}
    curve = charts.calibration(run)
    honest = calibration(run)
    if curve is not None or len(honest):
        yield {
            "key": "calibration",
            "title": "Promise against judgement" if not len(honest) else honest.title,
            "lead": _calibration_lead(run),
            "charts": [curve] if curve is not None else [],
            "tables": [honest] if len(honest) else [],
        }
    rolled = rolling(run)
    if len(rolled):
        yield {"key": "rolling", "title": rolled.title, "lead": _rolling_lead(run), "tables": [rolled]}
    table = backtest(run)
    if len(table):
        yield {
            "key": "backtest",
            "title": table.title,
            "lead": _backtest_lead(run),
            "charts": [chart for chart in (charts.backtest(run, table), charts.coverage(run)) if chart is not None],
            "tables": [table],
        }


def _calibration_lead(run: RunContents) -> str:
    lead = "A promise made on the optimiser's own samples is a little too good; below the diagonal it was not kept."
    if run.has("calibration"):
        frame = run.table("calibration")
        rounds, more = int(frame["round"].max()), float(frame["price_of_honesty"].iloc[-1])
        lead += f" After {rounds} rounds the plan costs {word(more, 'money')} {run.currency} more than the first one."
    return lead


def _rolling_lead(run: RunContents) -> str:
    frame = run.table("rolling")
    paths, plans = int(frame["paths"].iloc[0]), int(frame["plans"].iloc[0])
    best = POLICIES.get(frame["policy"].iloc[0], frame["policy"].iloc[0])
    return (
        f"Each plans, orders what is frozen, sees what comes and plans again: {plans} times on each of {paths} paths, "
        f"the same for all. Least cost: {clean(best)}. Racks changed: by how many racks a plan differs from the one "
        "before it, summed."
    )


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
