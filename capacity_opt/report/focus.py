"""The charges of a plan as finance knows them: the columns of FinOps FOCUS, under their own names."""

from __future__ import annotations

from capacity_opt.report.contents import RunContents
from capacity_opt.report.tables import Column, Table
from capacity_opt.scenario.charges import COLUMNS, WORDS


def charges(run: RunContents) -> Table:
    """One row per period, server type or option, and zone or region; names are not translated, so that it can be
    loaded where FOCUS is read."""
    frame = run.table("charges")
    columns = tuple(
        Column(name, name, "money" if name.endswith("Cost") or name == "x_PresentValue" else "id")
        for name in COLUMNS
        if name in frame
    )
    return Table(key="charges", title="Charges", columns=columns, frame=frame)


def billed(run: RunContents) -> tuple[float, float]:
    """Present value and cash of what somebody bills, from the cost table: penalties are no charges."""
    cost = run.table("cost")
    own = cost[cost["component"].isin(WORDS)]
    return float(own["EffectiveCost"].sum()), float(own["BilledCost"].sum())
