"""Recommendations and large customers on the page and in the workbook."""

from __future__ import annotations

from typing import Any

from capacity_opt.report.charts.reliability import reliability
from capacity_opt.report.contents import RunContents
from capacity_opt.report.tables import Column, Table
from capacity_opt.report.wording import clean, short_money
from capacity_opt.scenario.steer_words import steering_told

OUTCOMES = {
    "offered": "offer it", "another": "another offer", "no_room": "no room", "saves_nothing": "saves nothing",
}  # fmt: skip
KINDS = {"commit": "commit", "right_size": "right-size", "steer": "steer"}


def recommended(run: RunContents) -> Table:
    """A row per recommendation, the largest saving first."""
    money = f", {run.currency}" if run.currency else ""
    columns = (
        Column("rank", "Rank", "count"), Column("kind", "Kind"), Column("subject", "Subject"), Column("action", "Do"),
        Column("saving", f"Saves a month{money}", "money"), Column("saving_low", f"from{money}", "money"),
        Column("saving_high", f"to{money}", "money"), Column("risk", "Does not pay", "percent"),
        Column("who", "Who"), Column("reversible", "Can be undone"), Column("reason", "Why"),
    )  # fmt: skip
    frame = run.table("recommendations")
    if len(frame):
        frame = frame.assign(kind=frame["kind"].map(KINDS))
    note = (
        "From, to: where the saving lies in nine cases of ten (commitments: over all outcomes of growth). Does not "
        "pay: the chance that it costs more than it saves, or has to be undone."
    )
    beneath = ("who", "reversible", "reason")
    shown = columns if len(frame) else ()
    return Table(key="recommendations", title="Recommendations", columns=shown, frame=frame, note=note, beneath=beneath)


def steering(run: RunContents) -> Table:
    """Every offer that was tried, and what became of it."""
    money = f", {run.currency}" if run.currency else ""
    columns = (
        Column("customer", "Customer"), Column("offer", "Offer"), Column("units", "Units", "count"),
        Column("affinity", "Takes it", "percent"), Column("price_home", f"Priced now{money}", "money"),
        Column("price_there", f"Priced there{money}", "money"), Column("idle", "Idle there", "count"),
        Column("saving_if_taken", f"Saves if taken{money}", "money"), Column("outcome", "Outcome"),
        Column("reason", "Why"),
    )  # fmt: skip
    frame = run.table("recommended_steering")
    if len(frame):
        frame = frame.assign(outcome=frame["outcome"].map(OUTCOMES))
    note = (
        "Prices are money per unit and period by the plan's duals: they rank the offers, playing the plan decides. "
        "Savings are money a month."
    )
    shown = columns if len(frame) else ()
    return Table(
        key="recommended_steering", title="Steering", columns=shown, frame=frame, note=note, beneath=("reason",)
    )


def commitments(run: RunContents) -> Table:
    """What is committed per pool, and how the rule did on hours that were kept back."""
    columns = (
        Column("pool", "Pool"), Column("three_year_units", "Three years, units", "count"),
        Column("one_year_units", "One year, units", "count"), Column("coverage", "Coverage", "percent"),
        Column("utilization", "Utilization", "percent"), Column("effective_savings_rate", "Saves", "percent"),
        Column("break_even_three_years", "Pays above (3 years)", "percent"),
        Column("break_even_one_year", "Pays above (1 year)", "percent"),
        Column("tried_cost", "Tried: ours", "number"), Column("lookback_cost", "30-day look-back", "number"),
        Column("hindsight_cost", "Best in hindsight", "number"),
    )  # fmt: skip
    frame = run.table("recommended_commitments")
    note = (
        "Tried: cost of an hour, in on-demand prices of a unit, in the hours kept back, at the one-year rate: decided "
        "without them by our rule, by the look-back rule, and with them."
    )
    shown = columns if len(frame) else ()
    return Table(
        key="recommended_commitments", title="Commitments to make", columns=shown, frame=frame, note=note, cards=True
    )


def sizes(run: RunContents) -> Table:
    """The price-performance curve of every workload: what it runs on, may run on, and should."""
    money = f", {run.currency}" if run.currency else ""
    columns = (
        Column("workload", "Workload"), Column("instance", "Runs on"), Column("option", "May run on"),
        Column("price", f"An hour{money}", "number"), Column("throttle", "Throttled", "percent"),
        Column("chosen", "Cheapest that fits", "flag"),
    )  # fmt: skip
    frame = run.table("recommended_sizes")
    if len(frame):
        frame = frame[frame["on_curve"].astype(bool)]
    note = "Only options that no other beats in both price and share of hours throttled."
    shown = columns if len(frame) else ()
    return Table(
        key="recommended_sizes", title="Prices and throttling", columns=shown, frame=frame, note=note, cards=True
    )


def customers(run: RunContents) -> Table:
    """A row per large customer and pool, the call worth most first."""
    money = f", {run.currency}" if run.currency else ""
    columns = (
        Column("customer", "Customer"), Column("kind", "Kind"), Column("pool", "Pool"), Column("period", "Heaviest in"),
        Column("chance", "Chance", "percent"), Column("size", "Size", "count"),
        Column("expected", "Expected", "count"), Column("share_of_pool", "Share of pool", "percent"),
        Column("value_of_knowing", f"Knowing is worth{money}", "money"),
        Column("cost_if_absent", f"Costs if absent{money}", "money"),
        Column("cost_if_doubled", f"Costs if doubled{money}", "money"),
    )  # fmt: skip
    frame = run.table("customers")
    note = (
        "Money of one period, the customer's heaviest. Absent, doubled: how much dearer that period becomes than "
        "expected with the capacity of this plan: purchases, shortage, and owned capacity that stands idle (below 0: "
        "cheaper)."
    )
    return Table(
        key="customers",
        title="Large customers",
        columns=columns if len(frame) else (),
        frame=frame,
        note=note,
        cards=True,
    )


def win_probabilities(run: RunContents) -> Table:
    """What was said of past deals beside what became of them, over all and in bins."""
    columns = (
        Column("what", "Stated chance"), Column("deals", "Deals", "count"), Column("stated", "Stated", "percent"),
        Column("won", "Won", "percent"), Column("won_low", "from", "percent"), Column("won_high", "to", "percent"),
        Column("brier", "Brier score", "number"), Column("base_brier", "Of the mean alone", "number"),
    )  # fmt: skip
    frame = run.table("win_probabilities")
    if len(frame):
        frame = frame.assign(what=["all" if each == 0 else f"bin {each}" for each in frame["bin"]])
    note = (
        "From, to: 95 % interval of the share won. Brier score: mean squared error of the stated chances, 0 is "
        "perfect; one above that of the mean alone says that the chances tell nothing."
    )
    shown = columns if len(frame) else ()
    title = "Are the win probabilities true?"
    return Table(key="win_probabilities", title=title, columns=shown, frame=frame, note=note, cards=True)


def parts(run: RunContents) -> list[dict[str, Any]]:
    """The sections of the page that the run has: what to do beside the plan, and who weighs much in it."""
    made: list[dict[str, Any]] = []
    table, tried = recommended(run), steering(run)
    why = why_not_steered(run)
    if len(table) or len(tried):
        more = [each for each in (tried, commitments(run), sizes(run)) if len(each) and each.columns]
        lead = _lead(table, run.currency) + (f" {why}." if why else "")
        made.append({
            "key": "recommendations", "title": table.title, "lead": lead.strip(),
            "tables": [*([table] if len(table) else []), *more],
        })  # fmt: skip
    table, past = customers(run), win_probabilities(run)
    if len(table):
        first = table.frame.iloc[0]
        worth = float(first["value_of_knowing"])
        lead = "No customer's outcome is worth waiting for."
        if worth > 0:
            lead = (
                f"Call about {clean(first['customer'])} first: to know its outcome before ordering is worth "
                f"{short_money(worth, run.currency)} a period."
            )
        tables = [table, *([past] if len(past) else [])]
        charts = [reliability(run, past)] if len(past) else []
        made.append({"key": "customers", "title": table.title, "lead": lead, "tables": tables, "charts": charts})
    return made


def _lead(table: Table, currency: str) -> str:
    if not len(table):
        return ""
    total, best = float(table.frame["saving"].sum()), table.frame.iloc[0]
    return (
        f"{len(table)} things to do, together worth {short_money(total, currency)} a month. First: "
        f"{clean(best['subject'])}, {clean(best['action'][:1].lower() + best['action'][1:])}."
    )


def why_not_steered(run: RunContents) -> str:
    """Why nobody is offered another place, where somebody might have been; else nothing."""
    frame = run.table("recommended_steering")
    why = steering_told({str(name): frame[name].tolist() for name in frame}) if len(frame) else ""
    return clean(why) if why else ""
