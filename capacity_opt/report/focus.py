"""The plan's cost as finance knows it: one row per charge with the column names of FinOps FOCUS 1.2.

A plan is a budget, not an invoice: rows are what will be charged if the plan is carried out. ``BilledCost`` is the
cash of the period; ``EffectiveCost`` its present value (capital spread over the periods it serves). Costs that nobody
bills (penalties for unmet demand and the like) are left out. Source: https://focus.finops.org/focus-specification/
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from capacity_opt.errors import RunFolderError
from capacity_opt.report.contents import RunContents, read_run
from capacity_opt.report.tables import spoken

# component -> ChargeCategory, ChargeFrequency, PricingCategory, ServiceName
CHARGES: Mapping[str, tuple[str, str, str, str]] = {
    "capital": ("Purchase", "One-Time", "Standard", "Servers"),
    "opex_existing": ("Usage", "Recurring", "Standard", "Servers"),
    "opex_new": ("Usage", "Recurring", "Standard", "Servers"),
    "retirement": ("Adjustment", "One-Time", "Standard", "Servers"),
    "commitment": ("Purchase", "Recurring", "Committed", "Commitments"),
    "on_demand": ("Usage", "Usage-Based", "Standard", "On-demand capacity"),
    "spot": ("Usage", "Usage-Based", "Dynamic", "Spot capacity"),
}
UNITS: Mapping[str, pd.DateOffset] = {
    "hour": pd.DateOffset(hours=1),
    "day": pd.DateOffset(days=1),
    "week": pd.DateOffset(weeks=1),
    "month": pd.DateOffset(months=1),
    "quarter": pd.DateOffset(months=3),
    "year": pd.DateOffset(years=1),
}


def focus_table(run: RunContents | str | Path) -> pd.DataFrame:
    """Charges of a run, a row per component and period, in FOCUS columns; dates in UTC, ISO 8601.

    Raises :class:`~capacity_opt.errors.RunFolderError` where the run has no cost table or its periods are no dates.
    """
    run = run if isinstance(run, RunContents) else read_run(run)
    if not run.has("cost"):
        raise RunFolderError(f"{run.folder} has no cost table: its scenario sizes no fleet")
    cost = run.table("cost")
    cost = cost[cost["component"].isin(list(CHARGES))].reset_index(drop=True)
    ends = _period_ends(run)
    charge = pd.DataFrame([CHARGES[name] for name in cost["component"]])
    regions = list(run.table("supply")["region"].unique()) if run.has("supply") else []
    region = str(regions[0]) if len(regions) == 1 else None
    starts = [_stamp(pd.Timestamp(period)) for period in cost["period"]]
    columns = {
        "BilledCost": cost["BilledCost"],
        "EffectiveCost": cost["EffectiveCost"],
        "ListCost": cost["BilledCost"],
        "ContractedCost": cost["BilledCost"],
        "BillingCurrency": cost["BillingCurrency"],
        "BillingPeriodStart": starts,
        "BillingPeriodEnd": [ends[period] for period in cost["period"]],
        "ChargePeriodStart": starts,
        "ChargePeriodEnd": [ends[period] for period in cost["period"]],
        "ChargeCategory": charge[0],
        "ChargeClass": None,
        "ChargeDescription": cost["component"].map(spoken),
        "ChargeFrequency": charge[1],
        "PricingCategory": charge[2],
        "RegionId": region,
        "ServiceCategory": "Compute",
        "ServiceName": charge[3],
        "SkuId": cost["component"],
    }
    return pd.DataFrame(columns)


def _period_ends(run: RunContents) -> dict[str, str]:
    """Start label of each period -> when it ends: the next start; the last by the scenario's period."""
    periods = list(dict.fromkeys(run.table("cost")["period"]))
    starts = pd.to_datetime(pd.Series(periods), errors="coerce", format="ISO8601")
    if starts.isna().any() or any(str(period).isdigit() for period in periods):
        raise RunFolderError(
            "charges need dates and the periods of this run are numbers: give [time] start and run again"
        )
    time = tomllib.loads(run.resolved).get("time", {})
    last = starts.iloc[-1] + UNITS[time.get("period", "month")]
    return dict(zip(periods, [_stamp(end) for end in [*starts.iloc[1:], last]], strict=True))


def _stamp(moment: pd.Timestamp) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
