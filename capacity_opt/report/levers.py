"""Levers of utilization on the page: the waterfall at equal availability, and availability against utilization."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from capacity_opt.report.charts.chart import BLUE, COLOURS, WIDTH, Chart, axis, specification
from capacity_opt.report.charts.waterfall import waterfall_spec
from capacity_opt.report.contents import RunContents
from capacity_opt.report.tables import Column, Table
from capacity_opt.report.wording import availability, clean, percent, short_money

ENDS = ("today", "total")
EQUAL = 1e-6


def table(run: RunContents) -> Table:
    """A row per lever in the order pulled, today and the total around them."""
    money = f", {run.currency}" if run.currency else ""
    columns = (
        Column("name", "Lever"), Column("what", "What it does"), Column("EffectiveCost", f"Cost{money}", "money"),
        Column("first_in", f"Saves alone{money}", "money"), Column("last_in", f"Saves as the last{money}", "money"),
        Column("avoided_purchases", f"Purchases avoided{money}", "money"),
        Column("recurring_per_year", f"Recurring a year{money}", "money"),
        Column("servers", "Servers freed", "count"), Column("power_kw", "Power, kW", "number"),
        Column("utilization", "Utilization then", "percent"), Column("absorbed_in_days", "Days to absorb", "count"),
    )  # fmt: skip
    frame = run.table("levers")
    if len(frame):
        told = frame["lever"].map(lambda name: str(name).replace("_", " "))
        rounded = {name: frame[name].round(2) for name in ("servers", "power_kw", "absorbed_in_days")}
        frame = frame.assign(name=told, **rounded)
    note = (
        "Cost is present value; each lever's is what it takes off at its place, in order, and they sum to the total. "
        "Alone and last bound what it is worth beside others. A dash in days: demand does not grow, so freed servers "
        "are never absorbed."
    )
    return Table(key="levers", title="Levers at equal availability", columns=columns, frame=frame, note=note)


def brief(run: RunContents) -> Table:
    """The same without what needs a wide screen."""
    whole = table(run)
    return replace(whole, columns=tuple(c for c in whole.columns if c.name not in ("what", "power_kw")), note="")


def curve_table(run: RunContents) -> Table:
    """A row per point of the curve."""
    money = f", {run.currency}" if run.currency else ""
    columns = (
        Column("levers", "Levers pulled"), Column("availability", "Availability, mean of classes", "availability"),
        Column("utilization", "Utilization", "percent"), Column("EffectiveCost", f"Cost{money}", "money"),
        Column("free_cash_flow", f"Free cash flow{money}", "money"), Column("today", "Today", "flag"),
    )  # fmt: skip
    frame = run.table("levers_curve")
    return Table(key="levers_curve", title="Availability, utilization and cash", columns=columns, frame=frame)


def lead(run: RunContents) -> str:
    """The sentence under the heading."""
    frame = run.table("levers")
    start, end = frame.iloc[0], frame.iloc[-1]
    parts = frame[~frame["lever"].isin(ENDS)]
    if parts.empty:
        return "No lever is given that would change anything."
    saved = float(start["EffectiveCost"]) - float(end["EffectiveCost"])
    best = parts.sort_values("EffectiveCost", kind="stable").iloc[0]
    return (
        f"All levers together save {short_money(saved, run.currency)} with every class's availability as it is today "
        f"({_equality(parts)}); utilization goes from {percent(float(start['utilization']))} to "
        f"{percent(float(end['utilization']))}. The largest: {clean(best['what'])}."
    )


def _equality(parts: pd.DataFrame) -> str:
    worst = float(parts["availability_change"].min())
    return "checked: no class falls" if worst >= -EQUAL else f"NOT equal: a class falls by {-worst:.2e}"


def failed(run: RunContents) -> bool:
    """Whether a class falls below today's availability."""
    frame = run.table("levers")
    return not frame.empty and float(frame["availability_change"].min()) < -EQUAL


def waterfall_chart(run: RunContents) -> Chart | None:
    """From today's cost to the cost with all levers pulled."""
    frame = run.table("levers")
    if len(frame) < len(ENDS) + 1:
        return None
    rows, level = [], 0.0
    for place, told in enumerate(frame.to_dict("records")):
        amount, end = float(told["EffectiveCost"]), told["lever"] in ENDS
        low, high = (0.0, amount) if end else (level, level + amount)
        kind = "total" if end else "less" if amount < 0 else "more"
        step = {"total": "all levers"}.get(told["lever"], str(told["lever"]).replace("_", " "))
        rows.append({"step": step, "place": place, "amount": amount, "low": low, "high": high, "kind": kind})
        level = high
    description = "Present value of cost, solved again with one lever after the other at equal availability per class."
    return Chart(
        key="levers",
        title="From today's cost to all levers pulled",
        description=description,
        spec=waterfall_spec(rows, description, run.currency),
        table=table(run),
    )


def curve_chart(run: RunContents) -> Chart | None:
    """Utilization over availability, today's point marked, without and with the levers."""
    frame = run.table("levers_curve")
    if frame.empty:
        return None
    rows = [
        {
            "levers": {"none": "as today", "all": "all levers"}.get(row["levers"], row["levers"]),
            "unmet": 1.0 - float(row["availability"]),
            "told": availability(float(row["availability"])),
            "utilization": row["utilization"],
            "point": "today" if row["today"] else "",
        }
        for row in frame.to_dict("records")
    ]
    order = list(dict.fromkeys(row["told"] for row in sorted(rows, key=lambda row: -row["unmet"])))
    description = "Mean utilization at each availability (mean of the classes); the ring is today's plan."
    names = {"domain": ["as today", "all levers"], "range": [COLOURS[-1], BLUE]}
    encoding = {
        "x": axis("told", "Availability", "ordinal", sort=order, axis={"labelAngle": 0}),
        "y": axis("utilization", "Utilization", scale={"zero": False}, axis={"format": ".3~p"}),
        "color": {"field": "levers", "type": "nominal", "title": None, "scale": names},
    }
    ring = {
        "transform": [{"filter": "datum.point == 'today'"}],
        "mark": {"type": "point", "size": 320, "strokeWidth": 2},
        "encoding": encoding,
    }
    layers = [{"mark": {"type": "line", "point": True}, "encoding": encoding}, ring]
    return Chart(
        key="levers_curve",
        title="Availability against utilization",
        description=description,
        spec=specification(rows, description, width=WIDTH, height=260, layer=layers),
        table=curve_table(run),
    )
