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
        note="Owned servers and commitments in force in the pool's own region, before on-demand, spot and serving away "
        "from home. 'Order by' is the last period "
        "in which an order for the fastest server type still arrives in time; past: it cannot any more.",
    )


def runway_sentence(frame: pd.DataFrame) -> str:
    """Which pool is the first to serve less than its target, with the plan and without new orders, at P50 and P90."""
    own = frame[frame["class"] != "all"]
    own = own if len(own) else frame
    told = []
    for supply, words in SUPPLIES.items():
        at = [_first_breach(own[(own["supply"] == supply) & (own["demand"] == demand)]) for demand in ("p50", "p90")]
        told.append(f"{words[0].upper()}{words[1:]}: {at[0]} at median demand (P50), {at[1]} at high demand (P90).")
    return "When a pool first serves less than its target. " + " ".join(told)


def _first_breach(rows: pd.DataFrame) -> str:
    out = rows[rows["breach_period"] != ""].sort_values("periods_left", kind="stable")
    if out.empty:
        return HORIZON
    first = {str(key): value for key, value in out.iloc[0].to_dict().items()}
    return f"{clean(first['breach_period'])} ({pool_name(first)})"


def pool_name(row: dict[str, object]) -> str:
    """A pool in words.

    >>> pool_name({"region": "east", "resource": "vcpu", "class": "all", "case": "all_zones", "target": 1.0})
    'vcpu, east, all classes'
    """
    who = "all classes" if row["class"] == "all" else clean(row["class"])
    lost = f", {percent(float(str(row['target'])))} with a zone lost" if row["case"] == "zone_lost" else ""
    return f"{clean(row['resource'])}, {clean(row['region'])}, {who}{lost}"


STEPS = {
    "mean": "mean demand alone",
    "peak": "peaks and growth",
    "uncertainty": "uncertainty buffer",
    "failover": "zone failover",
    "lead_time": "lead times",
    "stranding": "stranding",
    "lots": "whole racks",
    "total": "the plan",
}
MEANINGS = {
    "mean": "demand flat at its mean, servers there at once, resources exchangeable",
    "peak": "the mean of each period and block instead of one mean",
    "uncertainty": "every sample of demand, with the promises",
    "failover": "protected demand while a zone is lost; outages",
    "lead_time": "orders arrive when they do, from the first open period on",
    "stranding": "each resource must fit by itself",
    "lots": "whole racks, least orders; what the solver's gap and calibration leave",
    "total": "the sum of the steps",
}
FACTORS = {
    "demand_growth": "demand growth",
    "server_price": "server prices",
    "lead_time": "lead times",
    "target": "promises",
    "discount_rate": "discount rate",
}


def waterfall(run: RunContents) -> Table:
    """What each cause adds to the cost; the total last."""
    money = f", {run.currency}" if run.currency else ""
    columns = (
        Column("told", "Step"),
        Column("EffectiveCost", f"Adds{money}", "money"),
        Column("cumulative", f"Cost so far{money}", "money"),
        Column("means", "What is put back"),
        Column("status", "Solved"),
    )
    frame = run.table("waterfall")
    if len(frame):
        told, means = (
            frame["step"].map(lambda name, known=known: known.get(name, name)) for known in (STEPS, MEANINGS)
        )
        frame = frame.assign(told=told, means=means)
    return Table(key="waterfall", title="Cost waterfall", columns=columns, frame=frame)


def tornado(run: RunContents) -> Table:
    """How far each assumption moves the cost either way, the widest first."""
    money = f", {run.currency}" if run.currency else ""
    columns = (
        Column("factor", "Assumption"),
        Column("low", "Lower"),
        Column("cost_low", f"Cost then{money}", "money"),
        Column("change_low", f"Change{money}", "money"),
        Column("high", "Higher"),
        Column("cost_high", f"Cost then{money}", "money"),
        Column("change_high", f"Change{money}", "money"),
    )
    frame = run.table("tornado")
    if len(frame):
        low, high = (frame[f"cost_{side}"] - frame["base"] for side in ("low", "high"))
        widest = pd.concat([low.abs(), high.abs()], axis=1).max(axis=1).sort_values(ascending=False, kind="stable")
        named = frame["factor"].map(lambda name: FACTORS.get(name, name))
        frame = frame.assign(change_low=low, change_high=high, factor=named).loc[widest.index].reset_index(drop=True)
    note = "A dash: no plan keeps every promise then, or none was found in time."
    return Table(key="tornado", title="What would move the cost", columns=columns, frame=frame, note=note)


def rejected(run: RunContents) -> Table:
    """Plans that were not chosen, and why."""
    money = f", {run.currency}" if run.currency else ""
    columns = (
        Column("alternative", "Instead"),
        Column("against", "Compared with"),
        Column("EffectiveCost", f"Cost{money}", "money"),
        Column("difference", f"More than the best{money}", "money"),
        Column("why", "Why not"),
    )
    frame = run.table("rejected")
    if len(frame):
        words = {"nearby": "the plan", "without": "the best plan with divisible racks"}
        frame = frame.assign(against=frame["kind"].map(lambda name: words.get(name, name)))
    return Table(key="rejected", title="Rejected alternatives", columns=columns, frame=frame)


UNCERTAIN = {
    "two_stage_cost": "expected cost of the plan",
    "mean_value_cost": "expected cost of a plan made for the mean",
    "wait_and_see_cost": "expected cost with perfect foresight",
    "deterministic_cost": "what the plan for the mean believes it costs",
    "value_of_stochastic_solution": "value of planning for many samples (VSS)",
    "value_of_perfect_information": "most that a perfect forecast could save (EVPI)",
}


def uncertainty(run: RunContents) -> Table:
    """What uncertainty costs."""
    money = f", {run.currency}" if run.currency else ""
    columns = (Column("told", "Measure"), Column("EffectiveCost", f"Present value{money}", "money"))
    frame = run.table("uncertainty")
    if len(frame):
        frame = frame.assign(told=frame["measure"].map(lambda name: UNCERTAIN.get(name, name)))
    return Table(key="uncertainty", title="What uncertainty costs", columns=columns, frame=frame)


def differences(run: RunContents) -> Table:
    """Prices by solving again."""
    money = f", {run.currency}" if run.currency else ""
    columns = (
        Column("name", "One more"),
        Column("unit", "That is"),
        Column("value", f"Saves, or costs for a promise{money}", "money"),
    )
    frame = run.table("differences")
    return Table(key="differences", title="Prices by solving again", columns=columns, frame=frame)


def commitment_use(run: RunContents) -> Table:
    """How well commitments are used."""
    columns = (
        Column("server_type", "Server type"),
        Column("coverage", "Coverage", "percent"),
        Column("utilization", "Utilization", "percent"),
        Column("rate_ratio", "Rate ratio", "percent"),
        Column("effective_savings_rate", "Effective savings rate", "percent"),
    )
    note = "Effective savings rate = coverage x (1 - rate ratio / utilization), against buying the same on demand."
    frame = run.table("commitment_use")
    return Table(key="commitment_use", title="Use of commitments", columns=columns, frame=frame, note=note)
