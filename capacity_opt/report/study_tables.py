"""Tables of what was studied beside the plan: runway dates, cost waterfall, tornado, rejected alternatives."""

from __future__ import annotations

import pandas as pd

from capacity_opt.report.contents import RunContents
from capacity_opt.report.tables import Column, Table
from capacity_opt.report.wording import clean, percent

HORIZON = "not within the horizon"
CASES = {"all_zones": "all zones in service", "zone_lost": "any zone lost"}
SUPPLIES = {"plan": "with the plan", "no_new_orders": "without new orders"}
POOL = ["region", "resource", "class", "case"]


def runway(run: RunContents) -> Table:
    """A row per pool: when it breaches its target at P50 and P90, with the plan and without new orders."""
    frame = run.table("runway")
    columns = [
        Column("region", "Region"),
        Column("resource", "Resource"),
        Column("class", "Class and more critical ones"),
        Column("case", "Case"),
        Column("target", "Must be served", "availability"),
    ]
    rows = []
    for pool, group in frame.groupby(POOL, sort=False) if len(frame) else ():
        row = dict(zip(POOL, pool, strict=True)) | {"target": group["target"].iloc[0]}
        row["case"] = CASES.get(str(row["case"]), row["case"])
        row["class"] = "all, in full" if row["class"] == "all" else row["class"]
        for told in group.to_dict("records"):
            row[f"{told['supply']} {told['demand']}"] = told["breach_period"] or HORIZON
            row[f"by {told['supply']} {told['demand']}"] = told["order_by"]
        rows.append(row | {"left": group["periods_left"].min()})
    columns += [
        Column(f"{supply} {demand}", f"{demand.upper()} {words}")
        for supply, words in SUPPLIES.items()
        for demand in ("p50", "p90")
    ]
    columns.append(Column("by no_new_orders p90", "Order for P90 by"))
    return Table(
        key="runway",
        title="When each pool breaches its target",
        columns=tuple(columns),
        frame=pd.DataFrame(rows),
        note="Owned servers and commitments in force, before on-demand and spot. 'Order by' is the last period "
        "in which an order for the fastest server type still arrives in time; past: it cannot any more.",
    )


def pool_name(row: dict[str, object]) -> str:
    """A pool in words.

    >>> pool_name({"region": "east", "resource": "vcpu", "class": "all", "case": "all_zones", "target": 1.0})
    'vcpu, east, all classes'
    """
    who = "all classes" if row["class"] == "all" else clean(row["class"])
    lost = f", {percent(float(str(row['target'])))} with a zone lost" if row["case"] == "zone_lost" else ""
    return f"{clean(row['resource'])}, {clean(row['region'])}, {who}{lost}"
