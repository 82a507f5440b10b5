"""Admission on the page: levels, what they earn and lose, and what the judge played."""

from __future__ import annotations

import pandas as pd

from capacity_opt.report.charts.chart import BLUE, COLOURS, Chart, axis, specification
from capacity_opt.report.contents import RunContents
from capacity_opt.report.tables import Column, Table
from capacity_opt.report.wording import clean, percent, short_money

POLICIES = {"first_come_blocking": "first come", "blocking": "levels"}


def levels(run: RunContents) -> Table:
    """A row per pool, moment and kind of request."""
    columns = [
        Column("pool", "Pool"), Column("period", "Period"), Column("block", "Block"), Column("request", "Request"),
        Column("class", "Class"), Column("request_size", "Size", "number"), Column("keep_free", "Keep free", "number"),
        Column("resource", "Of"), Column("blocking", "Lost", "percent"),
        Column("first_come_blocking", "Lost, first come", "percent"), Column("max_blocking", "Promised", "percent"),
        Column("placement_score", "Score", "count"),
    ]  # fmt: skip
    note = (
        "A request is admitted only if so much stays free after it. Shares lost are means over the forecast. Score: "
        "the chance of a place, 1 to 10."
    )
    return _table(run, "admission_levels", "Admission levels", columns, note)


def pools(run: RunContents) -> Table:
    """A row per pool and moment."""
    money = f", {run.currency}" if run.currency else ""
    columns = [
        Column("pool", "Pool"), Column("period", "Period"), Column("block", "Block"),
        Column("capacity", "Capacity", "count"), Column("resource", "Of"), Column("asked_share", "Asked", "percent"),
        Column("first_come_revenue", f"First come earns{money}", "money"),
        Column("revenue", f"Levels earn{money}", "money"), Column("upper_bound", f"At most{money}", "money"),
        Column("gain", "Gain", "percent"), Column("marginal_value", f"One more unit earns{money}", "money"),
        Column("spot_capacity", "Spot", "count"), Column("judged_by", "Computed"),
    ]  # fmt: skip
    return _table(run, "admission_pools", "Pools on the day", columns, "Money per period, means over the forecast.")


def judged(run: RunContents) -> Table:
    """A row per play and kind of request."""
    columns = [
        Column("pool", "Pool"), Column("period", "Period"), Column("request", "Request"),
        Column("holding_times", "Holding times"), Column("promised", "Computed", "percent"),
        Column("blocking", "Played", "percent"), Column("blocking_low", "from", "percent"),
        Column("blocking_high", "to", "percent"), Column("first_come_blocking", "First come", "percent"),
        Column("max_blocking", "Promised", "percent"), Column("verdict", "Verdict"),
    ]  # fmt: skip
    table = _table(run, "admission_judged", "Levels played request by request", columns)
    if len(table.frame):
        told = table.frame["verdict"].map(lambda name: str(name).replace("_", " "))
        table = Table(key=table.key, title=table.title, columns=table.columns, frame=table.frame.assign(verdict=told))
    return table


def _table(run: RunContents, key: str, title: str, columns: list[Column], note: str = "") -> Table:
    frame = run.table(key)
    shown = [c for c in columns if c.name in frame and not _empty(frame, c.name)]
    return Table(key=key, title=title, columns=tuple(shown), frame=frame, note=note)


def _empty(frame: pd.DataFrame, name: str) -> bool:
    """Whether a column tells nothing: no blocks, no promises, no spot."""
    if name == "block":
        return bool((frame[name] == "all").all())
    if name == "max_blocking":
        return bool(frame[name].isna().all())
    return name == "spot_capacity" and bool((frame[name] == 0).all())


def lead(run: RunContents) -> str:
    """The sentence under the heading."""
    frame = run.table("admission_pools")
    needed = frame[frame["control_needed"].astype(bool)]
    if needed.empty:
        return "First come, first served is enough: keeping capacity free would earn nothing."
    first, kept = float(frame["first_come_revenue"].sum()), float(frame["revenue"].sum())
    fullest = frame.sort_values("asked_share", ascending=False, kind="stable").iloc[0]
    gain = f"{percent(kept / first - 1)} ({short_money(kept - first, run.currency)})" if first > 0 else "nothing"
    return (
        f"Keeping capacity free earns {gain} more than first come, needed in {len(needed)} of {len(frame)} pools and "
        f"periods. Fullest: {clean(fullest['pool'])} in {clean(fullest['period'])}, asked for "
        f"{percent(float(fullest['asked_share']))} of its capacity."
    )


def failed(run: RunContents) -> bool:
    """Whether the judge found a promised blocking not kept."""
    frame = run.table("admission_judged")
    return not frame.empty and bool((frame["verdict"] == "not_kept").any())


def chart(run: RunContents) -> Chart | None:
    """Shares lost by kind of request in each pool's fullest moment, first come beside the levels."""
    frame = run.table("admission_levels")
    if frame.empty:
        return None
    moments = run.table("admission_pools").sort_values("asked_share", ascending=False, kind="stable")
    full = moments.drop_duplicates("pool")[["pool", "period", "block"]]
    shown = frame.merge(full, on=["pool", "period", "block"])
    rows = [
        {"request": row["request"], "pool": f"{row['pool']}, {row['period']}", "policy": told, "lost": row[name]}
        for row in shown.to_dict("records")
        for name, told in POLICIES.items()
    ]
    description = "Share of requests turned away at each pool's fullest moment, mean over the forecast."
    encoding = {
        "x": axis("request", "", "nominal", sort=None, axis={"labelAngle": -20, "labelLimit": 160}),
        "xOffset": {"field": "policy", "sort": list(POLICIES.values())},
        "y": axis("lost", "Requests turned away", axis={"format": ".3~p"}),
        "color": {
            "field": "policy", "type": "nominal", "title": None,
            "scale": {"domain": list(POLICIES.values()), "range": [COLOURS[-1], BLUE]},
        },
        "facet": {"field": "pool", "type": "nominal", "title": None, "columns": 2, "sort": None},
    }  # fmt: skip
    spec = specification(rows, description, width=380, height=220, mark="bar", encoding=encoding)
    return Chart(
        key="admission_lost", title="Who is turned away", description=description, spec=spec, table=judged(run)
    )
