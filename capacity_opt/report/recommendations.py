"""Recommendations and large customers on the page and in the workbook."""

from __future__ import annotations

from typing import Any

from capacity_opt.report.contents import RunContents
from capacity_opt.report.tables import Column, Table
from capacity_opt.report.wording import clean, short_money

KINDS = {"commit": "commit", "right_size": "right-size", "steer": "steer"}


def recommended(run: RunContents) -> Table:
    """A row per recommendation, the largest saving first."""
    money = f", {run.currency}" if run.currency else ""
    columns = (
        Column("rank", "Rank", "count"), Column("kind", "Kind"), Column("subject", "Subject"), Column("action", "Do"),
        Column("saving", f"Saves a month{money}", "money"), Column("saving_low", f"from{money}", "money"),
        Column("saving_high", f"to{money}", "money"), Column("risk", "Risk", "percent"),
        Column("reversible", "Can be undone"), Column("who", "Who"), Column("reason", "Why"),
    )  # fmt: skip
    frame = run.table("recommendations")
    if len(frame):
        frame = frame.assign(kind=frame["kind"].map(KINDS))
    return Table(key="recommendations", title="Recommendations", columns=columns if len(frame) else (), frame=frame)


def customers(run: RunContents) -> Table:
    """A row per large customer and pool, the call worth most first."""
    money = f", {run.currency}" if run.currency else ""
    columns = (
        Column("customer", "Customer"), Column("kind", "Kind"), Column("pool", "Pool"), Column("period", "Heaviest in"),
        Column("chance", "Chance", "percent"), Column("size", "Size", "number"),
        Column("expected", "Expected", "number"), Column("share_of_pool", "Share of pool", "percent"),
        Column("value_of_knowing", f"Knowing is worth{money}", "money"),
        Column("cost_if_absent", f"Costs if absent{money}", "money"),
        Column("cost_if_doubled", f"Costs if doubled{money}", "money"),
    )  # fmt: skip
    frame = run.table("customers")
    note = "Money per period at the customer's heaviest moment; absent and doubled: more than planned, at this plan."
    return Table(
        key="customers", title="Large customers", columns=columns if len(frame) else (), frame=frame, note=note
    )


def parts(run: RunContents) -> list[dict[str, Any]]:
    """The sections of the page that the run has: what to do beside the plan, and who weighs much in it."""
    made: list[dict[str, Any]] = []
    table = recommended(run)
    if len(table):
        total, best = float(table.frame["saving"].sum()), table.frame.iloc[0]
        lead = (
            f"{len(table)} things to do, together worth {short_money(total, run.currency)} a month. First: "
            f"{clean(best['subject'])}, {clean(best['action'][:1].lower() + best['action'][1:])}."
        )
        made.append({"key": "recommendations", "title": table.title, "lead": lead, "tables": [table]})
    table = customers(run)
    if len(table):
        first = table.frame.iloc[0]
        worth = float(first["value_of_knowing"])
        lead = "No customer's outcome is worth waiting for."
        if worth > 0:
            lead = (
                f"Call about {clean(first['customer'])} first: to know its outcome before ordering is worth "
                f"{short_money(worth, run.currency)} a period."
            )
        made.append({"key": "customers", "title": table.title, "lead": lead, "tables": [table]})
    return made
