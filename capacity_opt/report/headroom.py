"""How much capacity is left over demand: today, at the tightest, after the plan, and with the worst zone lost."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace

import pandas as pd

from capacity_opt.report.contents import RunContents
from capacity_opt.report.tables import Column, Table


def headroom(run: RunContents) -> Table:
    """Per region and resource: capacity left over mean demand at the start, at the tightest period and at the end."""
    columns = (
        Column("region", "Region"),
        Column("resource", "Resource"),
        Column("first", "Today", "percent"),
        Column("least", "Tightest", "percent"),
        Column("when", "Tightest in"),
        Column("last", "After the plan", "percent"),
        Column("worst", "Worst zone lost, all demand", "percent"),
        Column("kept", "Worst zone lost, what is protected", "percent"),
    )
    note = (
        "Headroom = capacity in service / mean demand of all classes - 1. Below 0 the mean alone exceeds capacity. "
        "Today: the first period; after the plan: the last; worst zone lost: the tightest, against all demand and "
        "against the shares that must then be served."
    )
    empty = Table(
        key="headroom",
        title="Headroom",
        columns=columns,
        frame=pd.DataFrame(columns=[c.name for c in columns]),
        note=note,
    )
    if not (run.has("supply") and run.has("demand_fan")):
        return empty
    keys = ["region", "resource", "period"]
    fan = run.table("demand_fan")
    mean = fan[fan["class"] != "all"].groupby(keys)["mean"].sum().rename("demand").reset_index()
    joined = run.table("supply").merge(mean, on=keys).merge(_protected(run), on=keys, how="left")
    joined = joined[joined["demand"] > 0]
    if joined.empty:
        return empty
    groups = joined.groupby(["region", "resource"], sort=False)
    return replace(empty, frame=pd.DataFrame([_headroom(name, group) for name, group in groups]))


def _protected(run: RunContents) -> pd.DataFrame:
    """Mean demand that must be served while a zone is lost, per region, resource and period."""
    keys = ["region", "resource", "period"]
    ways = run.table("runway")
    if ways.empty:
        return pd.DataFrame({**{key: pd.Series(dtype=object) for key in keys}, "protected": pd.Series(dtype=float)})
    lost = ways[(ways["case"] == "zone_lost") & (ways["class"] != "all")]
    shares = lost[["region", "resource", "class", "target"]].drop_duplicates(["region", "resource", "class"])
    fan = run.table("demand_fan")
    means = fan.groupby(["class", *keys], sort=False)["mean"].sum().reset_index()
    both = means.merge(shares, on=["region", "resource", "class"])
    both["protected"] = both["mean"] * both["target"]
    return both.groupby(keys, sort=False)["protected"].sum().reset_index()


def _headroom(name: Hashable, group: pd.DataFrame) -> dict[str, object]:
    left = (group["in_service"] / group["demand"] - 1).tolist()
    lost = (group["worst_zone_loss"] / group["demand"] - 1).tolist()
    least = min(left)
    region, resource = name if isinstance(name, tuple) else (name, "")
    kept = (group["worst_zone_loss"] / group["protected"] - 1).min()
    facts = {"first": left[0], "least": least, "last": left[-1], "worst": min(lost), "kept": kept}
    return {"region": region, "resource": resource, "when": group["period"].iloc[left.index(least)], **facts}
