"""The tables that people read, defined once for the terminal, the page and the workbook.

A :class:`Table` keeps the values of the run folder as they are; each output words them by the column's kind.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from capacity_opt.report.contents import RunContents
from capacity_opt.report.wording import MISSING, Kind, as_number, clean, word


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the run folder's table, its heading and how its values are worded."""

    name: str
    label: str
    kind: Kind = "text"

    @property
    def numeric(self) -> bool:
        """Whether the column is set flush right."""
        return self.kind not in {"text", "flag", "id"}


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table: ``frame`` has at least the columns named in ``columns``. On a page, columns named in ``beneath`` are
    set as a line under their row; with these or ``cards`` the rows stand as cards on a small screen."""

    key: str
    title: str
    columns: tuple[Column, ...]
    frame: pd.DataFrame
    note: str = ""
    beneath: tuple[str, ...] = ()
    cards: bool = False

    def __len__(self) -> int:
        return len(self.frame)

    def places(self, *, beneath: bool = False) -> list[int]:
        """Positions of the columns beside each other, or of those beneath their row."""
        return [place for place, column in enumerate(self.columns) if (column.name in self.beneath) == beneath]

    def line(self, row: list[str]) -> list[tuple[str, str]]:
        """What stands beneath a worded row: headings with what they have to say."""
        told = [(self.columns[place].label, row[place]) for place in self.places(beneath=True)]
        return [(label, value) for label, value in told if value != MISSING]

    def words(self, limit: int | None = None) -> Iterator[list[str]]:
        """Rows as worded cells, at most ``limit`` of them."""
        frame = self.frame if limit is None else self.frame.head(limit)
        columns = [[word(value, c.kind) for value in frame[c.name].tolist()] for c in self.columns]
        return (list(row) for row in zip(*columns, strict=True))

    def values(self) -> Iterator[list[str | float | None]]:
        """Rows as numbers, text and ``None``, for a workbook."""
        columns = [
            [as_number(v) if c.numeric else word(v, c.kind) for v in self.frame[c.name].tolist()] for c in self.columns
        ]
        return (list(row) for row in zip(*columns, strict=True))


def _table(run: RunContents, key: str, title: str, columns: list[Column], note: str = "") -> Table:
    """A table of the run folder with the columns it has; a money column says its currency."""
    frame = run.table(key)
    present = tuple(
        Column(c.name, f"{c.label}, {run.currency}" if c.kind == "money" and run.currency else c.label, c.kind)
        for c in columns
        if c.name in frame
    )
    return Table(key=key, title=title, columns=present, frame=frame, note=note)


def orders(run: RunContents) -> Table:
    """The order book."""
    columns = [
        Column("server_type", "Server type"),
        Column("zone", "Zone"),
        Column("order_period", "Order in"),
        Column("arrival_period", "Serves from"),
        Column("racks", "Racks", "count"),
        Column("servers", "Servers", "count"),
        Column("EffectiveCost", "Cost", "money"),
        Column("reason", "Why"),
    ]
    return _table(run, "orders", "Order book", columns)


def _says(name: str, values: pd.Series[Any]) -> bool:
    """Whether a column tells anything: verdicts do where some item has a target."""
    return name != "verdict" or bool((values != "no_target").any())


def inventory(run: RunContents) -> Table:
    """One row per stocked item, those due for an order first."""
    columns = [
        Column("item", "Item"),
        Column("location", "Location"),
        Column("policy", "Policy"),
        Column("reorder_point", "Reorder point", "count"),
        Column("base_stock_level", "Order up to", "count"),
        Column("order_up_to_level", "Order up to", "count"),
        Column("order_quantity", "Order quantity", "count"),
        Column("position", "Position now", "count"),
        Column("order_now", "Order now", "count"),
        Column("expected_cost", "Cost per period", "money"),
        Column("fill_rate", "Fill rate promised", "availability"),
        Column("judged_fill_rate", "Fill rate judged", "availability"),
        Column("verdict", "Verdict"),
        Column("explanation", "Why"),
    ]
    table = _table(run, "inventory", "Inventory", columns)
    frame = table.frame
    if frame.empty:
        return table
    used = tuple(c for c in table.columns if not frame[c.name].isna().all() and _says(c.name, frame[c.name]))
    due = (frame["order_now"].fillna(0) > 0) if "order_now" in frame else pd.Series(False, index=frame.index)
    frame = frame.iloc[(~due).to_numpy().argsort(kind="stable")].reset_index(drop=True)
    return replace(table, columns=used, frame=frame.assign(verdict=frame["verdict"].map(spoken)))


def cost_by_component(run: RunContents) -> Table:
    """Present value and cash by component over all periods, with the total in the last row."""
    cost = run.table("cost")
    frame = pd.DataFrame({"component": [], "EffectiveCost": [], "BilledCost": []})
    if len(cost):
        frame = cost.groupby("component", sort=False)[["EffectiveCost", "BilledCost"]].sum().reset_index()
        frame["component"] = [spoken(name) for name in frame["component"]]
        total = {"component": "Total", **frame[["EffectiveCost", "BilledCost"]].sum().to_dict()}
        frame = pd.concat([frame, pd.DataFrame([total])], ignore_index=True)
    money = f", {run.currency}" if run.currency else ""
    columns = (
        Column("component", "Component"),
        Column("EffectiveCost", f"Present value{money}", "money"),
        Column("BilledCost", f"Cash{money}", "money"),
    )
    return Table(key="cost", title="Cost by component", columns=columns, frame=frame)


def cost_by_period(run: RunContents) -> Table:
    """Rows of the cost table as they are."""
    columns = [
        Column("period", "Period"),
        Column("component", "Component"),
        Column("EffectiveCost", "Present value", "money"),
        Column("BilledCost", "Cash", "money"),
    ]
    return _table(run, "cost", "Cost by period", columns)


def availability(run: RunContents, *, measure: str | None = None) -> Table:
    """Promised against judged, per class and measure (one ``measure`` alone if named)."""
    columns = [
        Column("class", "Class"),
        Column("measure", "Measure"),
        Column("target", "Target", "availability"),
        Column("promised", "Promised", "availability"),
        Column("judged", "Judged", "availability"),
        Column("judged_low", "from", "availability"),
        Column("judged_high", "to", "availability"),
        Column("replications", "Samples", "count"),
        Column("verdict", "Verdict"),
    ]
    table = _table(run, "availability", "Availability, promised and judged", columns)
    if table.frame.empty:
        return table
    frame = table.frame if measure is None else table.frame[table.frame["measure"] == measure]
    frame = frame.assign(measure=frame["measure"].map(spoken), verdict=frame["verdict"].map(spoken))
    return replace(table, frame=frame.reset_index(drop=True))


def utilization(run: RunContents) -> Table:
    """The four numbers, each with and without what it needs to be understood."""
    columns = [Column("measure", "Measure"), Column("resource", "Resource"), Column("value", "Value", "percent")]
    table = _table(run, "utilization", "Utilization", columns)
    if table.frame.empty:
        return table
    frame = table.frame[table.frame["value"].notna()]
    frame = frame.assign(measure=frame["measure"].map(spoken)).reset_index(drop=True)
    return replace(table, frame=frame)


def frontier(run: RunContents) -> Table:
    """What each target costs, what one more point costs, and what the judge measured."""
    over = str(run.table("frontier")["over"].iloc[0]) if run.has("frontier") else "fill_rate"
    step = "One more point costs" if over in SHARES else "One more unit costs"
    columns = [
        Column("target", "Target" if over == "fill_rate" else f"Target, {spoken(over)}", SHARES.get(over, "number")),
        Column("cost", "Cost", "money"),
        Column("marginal_cost", step, "money"),
        Column("promised", "Promised", "availability"),
        Column("judged", "Judged", "availability"),
        Column("judged_low", "from", "availability"),
        Column("judged_high", "to", "availability"),
        Column("status", "Status"),
        Column("mark", "Remark"),
    ]
    frame = run.table("frontier")
    if len(frame):
        frame = frame.assign(mark=[_mark(row) for row in frame.to_dict("records")])
    marked = RunContents(folder=run.folder, manifest=run.manifest, tables={**run.tables, "frontier": frame})
    note = "One more point = what raising the target by 0.01 costs, from the neighbouring easier target."
    note = note if over in SHARES else "One more unit = what moving the target by 1 costs, from the easier target."
    return _table(marked, "frontier", "What availability costs", columns, note)


SHARES: dict[str, Kind] = {
    "fill_rate": "availability",
    "no_shortage_probability": "availability",
    "utilization": "percent",
}


def _mark(row: Mapping[Hashable, object]) -> str:
    names = {"knee": "knee", "current": "this plan", "dominated": "dominated"}
    return ", ".join(text for name, text in names.items() if row.get(name))


KINDS = {
    "local": "Saves (racks as they are)",
    "relaxed": "Saves (racks divisible)",
    "difference": "Saves (solved again)",
}


def prices(run: RunContents) -> Table:
    """What one more unit of each scarce thing is worth, dearest first, a column for each way it is known."""
    columns = [Column("name", "One more unit of"), Column("unit", "Unit")]
    frame = run.table("prices")
    if len(frame):
        frame = frame.assign(name=[price_name(name) for name in frame["name"]])
        wide = frame.pivot_table(index=["name", "unit"], columns="kind", values="value", aggfunc="max", sort=False)
        order = wide.max(axis=1).sort_values(ascending=False, kind="stable").index
        frame = wide.loc[order].reset_index()
        columns += [Column(kind, label, "money") for kind, label in KINDS.items() if kind in frame]
    priced = RunContents(folder=run.folder, manifest=run.manifest, tables={**run.tables, "prices": frame})
    return _table(priced, "prices", "Prices of what is scarce", columns)


def price_name(name: object) -> str:
    """The name of a price in words.

    >>> price_name("fill_rate_point[preemptible]"), price_name("power[z1]")
    ('fill rate point: preemptible', 'power: z1')
    """
    what, _, who = clean(name).partition("[")
    return f"{spoken(what)}: {who.removesuffix(']').replace(',', ', ')}" if who else spoken(what)


def checks(run: RunContents) -> Table:
    """What was recomputed from the inputs, and whether it held."""
    columns = [
        Column("check", "Check"),
        Column("value", "Value", "number"),
        Column("tolerance", "Allowed", "number"),
        Column("passed", "Passed"),
    ]
    table = _table(run, "checks", "Verification", columns)
    if table.frame.empty:
        return table
    held = table.frame.assign(passed=["yes" if passed else "NO" for passed in table.frame["passed"]])
    return replace(table, frame=held)


def warnings(run: RunContents) -> Table:
    """Remarks on the data."""
    columns = [Column("code", "Code"), Column("place", "Place"), Column("message", "Remark")]
    return _table(run, "warnings", "Warnings about the data", columns)


def placement(run: RunContents) -> Table:
    """What stands in each row and what is left of it."""
    columns = [
        Column("zone", "Zone"),
        Column("row", "Row"),
        Column("racks", "Racks", "count"),
        Column("rack_types", "Which"),
        Column("servers", "Servers", "count"),
        Column("free_positions", "Positions left", "count"),
        Column("used_kw", "Power used, kW", "number"),
        Column("free_kw", "Power left, kW", "number"),
        Column("stranded_kw", "Stranded power, kW", "number"),
        Column("stranded_positions", "Stranded positions", "count"),
    ]
    note = "Stranded power: no further rack could draw it. Stranded positions: the row has no power left for them."
    return _table(run, "placement_rows", "Where the ordered servers stand", columns, note)


def without_place(run: RunContents) -> Table:
    """Ordered servers that found no rack."""
    columns = [
        Column("zone", "Zone"),
        Column("server_type", "Server type"),
        Column("servers", "Servers", "count"),
        Column("rack_units", "Rack units", "number"),
        Column("power_kw", "Power, kW", "number"),
    ]
    table = replace(_table(run, "placement", "Ordered servers without a place", columns), key="without_place")
    frame = table.frame
    return replace(table, frame=frame[frame["rack"] == 0] if len(frame) else frame)


SPOKEN = {
    "capital": "servers (capital)",
    "opex_existing": "running cost, servers already there",
    "opex_new": "running cost, new servers",
    "stability": "changing the last plan",
    "substitution": "serving on an upgraded type",
    "spill": "serving away from home",
    "penalty": "penalty for unmet demand",
    "fill": "fill rate",
    "no_shortage_per_period": "no shortage in a period",
    "no_shortage_joint": "no shortage in any period",
    "allocation": "allocated of in-service sellable",
    "allocation_without_buffer": "allocated, failover buffer left out",
    "physical": "used of installed",
    "commitment": "used of committed",
    "stranded": "stranded",
    "not_kept": "NOT kept",
    "above": "above target",
    "no_target": "no target",
}


def spoken(name: object) -> str:
    """A code of the run folder in words.

    >>> spoken("no_shortage_joint"), spoken("on_demand")
    ('no shortage in any period', 'on demand')
    """
    return SPOKEN.get(str(name), str(name).replace("_", " "))
