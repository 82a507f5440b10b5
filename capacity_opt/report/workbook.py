"""``workbook.xlsx``: the run for people who work in spreadsheets, with live sums checked against our totals.

Text is written as text (nothing a spreadsheet could execute); only the sums on the sheet Checks are formulas, and each
carries its value. Equal run folders give equal bytes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from capacity_opt.report import admission, focus, levers, recommendations, sections, study_tables, tables
from capacity_opt.report.contents import RunContents, read_run
from capacity_opt.report.replenishment import replenished
from capacity_opt.report.tables import Column, Table
from capacity_opt.report.wording import Kind

WORKBOOK_NAME = "workbook.xlsx"
CREATED = dt.datetime(2020, 1, 1)
MOST_ROWS = 1_000_000
FORMATS: dict[Kind, str] = {
    "money": "#,##0.00",
    "count": "#,##0.##",
    "number": "General",
    "percent": "0.0%",
    "availability": "0.0000%",
}


def write_workbook(folder: str | Path) -> Path:
    """Write ``workbook.xlsx`` into a run folder and return its path.

    Raises :class:`~capacity_opt.errors.RunFolderError` where ``folder`` is not a run.
    """
    import xlsxwriter

    run = read_run(folder)
    path = Path(folder) / WORKBOOK_NAME
    safe = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(str(path), {**safe, "nan_inf_to_errors": False}) as book:
        book.set_properties({"created": CREATED, "title": "Capacity plan", "author": "capacity_opt"})
        writer = _Writer(book)
        _summary(writer, run)
        for name, table in _sheets(run):
            writer.sheet(name, table)
        _assumptions(writer, run)
        _checks(writer, run)
    return path


def _sheets(run: RunContents) -> list[tuple[str, Table]]:
    found = [
        ("Order book", tables.orders(run)),
        ("Cost by period", cost_pivot(run)),
        ("Charges", focus.charges(run)),
        ("Waterfall", study_tables.waterfall(run)),
        ("Sensitivity", study_tables.tornado(run)),
        ("Rejected", study_tables.rejected(run)),
        ("Commitments", study_tables.commitment_use(run)),
        ("Uncertainty", study_tables.uncertainty(run)),
        ("Differences", study_tables.differences(run)),
        ("Frontier", tables.frontier(run)),
        ("Runway", study_tables.runway(run)),
        ("Levers", levers.table(run)),
        ("Admission", admission.levels(run)),
        ("Pools", admission.pools(run)),
        ("Recommendations", recommendations.recommended(run)),
        ("Steering", recommendations.steering(run)),
        ("To commit", recommendations.commitments(run)),
        ("Sizes", recommendations.sizes(run)),
        ("Customers", recommendations.customers(run)),
        ("Win probabilities", recommendations.win_probabilities(run)),
        ("Inventory", tables.inventory(run)),
        ("Availability", tables.availability(run)),
    ]
    return [(name, table) for name, table in found if table.columns and len(table)]


def cost_pivot(run: RunContents) -> Table:
    """Components in rows, periods in columns: present value, then cash."""
    cost = run.table("cost")
    if cost.empty:
        return Table(key="cost", title="Cost by period", columns=(), frame=cost)
    parts = []
    for basis, label in (("EffectiveCost", "present value"), ("BilledCost", "cash")):
        wide = cost.pivot_table(index="component", columns="period", values=basis, aggfunc="sum", sort=False)
        parts.append(wide.reset_index().assign(basis=label))
    frame = pd.concat(parts, ignore_index=True)
    periods = list(dict.fromkeys(cost["period"]))
    frame["component"] = frame["component"].map(tables.spoken)
    columns = (Column("component", "Component"), Column("basis", f"Basis, {run.currency}"))
    return Table(
        key="cost",
        title="Cost by period",
        columns=columns + tuple(Column(period, str(period), "money") for period in periods),
        frame=frame,
    )


@dataclass
class _Writer:
    """The workbook being written and where each table's columns went, for the formulas that sum them."""

    book: Any

    def __post_init__(self) -> None:
        self.head = self.book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        self.bold = self.book.add_format({"bold": True})
        self.kinds = {kind: self.book.add_format({"num_format": text}) for kind, text in FORMATS.items()}
        self.places: dict[str, tuple[str, Table]] = {}

    def sheet(self, name: str, table: Table) -> None:
        """One sheet with a table: frozen header, filter, number formats, fitting widths."""
        page = self.book.add_worksheet(name)
        rows = [row for _, row in zip(range(MOST_ROWS), table.values(), strict=False)]
        for place, column in enumerate(table.columns):
            values = [row[place] for row in rows]
            self._column(page, place, column, values)
        page.freeze_panes(1, 0)
        page.autofilter(0, 0, len(rows), len(table.columns) - 1)
        self.places[table.key] = (name, table)

    def _column(self, page: Any, place: int, column: Column, values: Sequence[str | float | None]) -> None:
        page.write_string(0, place, column.label, self.head)
        style = self.kinds.get(column.kind)
        for line, value in enumerate(values, start=1):
            if isinstance(value, str):
                if value:
                    page.write_string(line, place, value)
            elif value is not None:
                page.write_number(line, place, value, style)
        longest = max([12, *(min(60, len(str(value)) + 2) for value in values[:200] if isinstance(value, str))])
        page.set_column(place, place, 16 if column.numeric else longest)

    def pairs(self, name: str, pairs: Sequence[tuple[str, str]], *, top: str = "") -> Any:
        """A sheet of names and values under an optional heading."""
        page = self.book.add_worksheet(name)
        page.set_column(0, 0, 34)
        page.set_column(1, 1, 90)
        start = 0
        if top:
            page.write_string(0, 0, top, self.bold)
            start = 2
        for line, (label, value) in enumerate(pairs, start=start):
            page.write_string(line, 0, label)
            page.write_string(line, 1, value)
        return page


def _summary(writer: _Writer, run: RunContents) -> None:
    pairs = [(fact.label, f"{fact.value}. {fact.note}") for fact in sections.facts(run)]
    writer.pairs("Summary", pairs, top=sections.answer(run))


def _assumptions(writer: _Writer, run: RunContents) -> None:
    provenance = sections.provenance(run)
    pairs = [*provenance.facts, *((f"input {name}", value) for name, value in provenance.inputs)]
    pairs += [("scenario" if line == 0 else "", text) for line, text in enumerate(run.resolved.splitlines())]
    writer.pairs("Assumptions", pairs)


def _checks(writer: _Writer, run: RunContents) -> None:
    """Live sums against the run's own totals, then the verification table."""
    page = writer.book.add_worksheet("Checks")
    page.set_column(0, 0, 44)
    page.set_column(1, 3, 20)
    for place, text in enumerate(("Total", "Live sum", "Our total", "Difference")):
        page.write_string(0, place, text, writer.head)
    line, number = 1, writer.kinds["money"]
    for label, formula, total in _live_sums(writer, run):
        page.write_string(line, 0, label)
        page.write_formula(line, 1, formula, number, total)
        page.write_number(line, 2, total, number)
        page.write_formula(line, 3, f"=ROUND(B{line + 1}-C{line + 1},2)", number, 0)
        line += 1
    line += 1
    checks = tables.checks(run)
    for place, column in enumerate(checks.columns):
        page.write_string(line, place, column.label, writer.head)
    for row in checks.words():
        line += 1
        for place, text in enumerate(row):
            page.write_string(line, place, text)
    page.freeze_panes(1, 0)


def _live_sums(writer: _Writer, run: RunContents) -> list[tuple[str, str, float]]:
    from xlsxwriter.utility import xl_col_to_name

    wanted: list[tuple[str, str, str, float]] = []
    if "orders" in writer.places:
        for name, label in (("EffectiveCost", "Order book, cost"), ("racks", "Order book, racks")):
            wanted.append(("orders", name, label, float(run.table("orders")[name].sum())))
    stock = replenished(run)
    if "inventory" in writer.places and stock is not None and stock.listed == stock.items:
        total = float(run.table("inventory")["expected_cost"].sum())
        wanted.append(("inventory", "expected_cost", "Inventory, expected cost per period", total))
    found = []
    for key, name, label, total in wanted:
        sheet, table = writer.places[key]
        letter = xl_col_to_name([c.name for c in table.columns].index(name))
        found.append((label, f"=SUM('{sheet}'!{letter}2:{letter}{len(table) + 1})", total))
    if "waterfall" in writer.places:
        sheet, table = writer.places["waterfall"]
        total = float(table.frame["EffectiveCost"].iloc[-1])
        found.append(("Waterfall, sum of the steps", f"=SUM('{sheet}'!B2:B{len(table)})", total))
    if "charges" in writer.places and "cost" in writer.places:
        found += _charge_sums(writer.places["charges"], run)
    if "cost" in writer.places:
        found += _cost_sums(writer.places["cost"], run)
    return found


def _charge_sums(place: tuple[str, Table], run: RunContents) -> list[tuple[str, str, float]]:
    """What is billed, against the same components of the cost table."""
    from xlsxwriter.utility import xl_col_to_name

    (sheet, table), totals = place, focus.billed(run)
    names, found = [column.name for column in table.columns], []
    for name, label, total in zip(("x_PresentValue", "BilledCost"), ("present value", "cash"), totals, strict=True):
        letter = xl_col_to_name(names.index(name))
        found.append((f"Charges, {label}", f"=SUM('{sheet}'!{letter}2:{letter}{len(table) + 1})", total))
    return found


def _cost_sums(place: tuple[str, Table], run: RunContents) -> list[tuple[str, str, float]]:
    from xlsxwriter.utility import xl_col_to_name

    sheet, table = place
    rows, last = len(table), xl_col_to_name(len(table.columns) - 1)
    half = rows // 2
    cost = run.table("cost")
    return [
        ("Cost, present value", f"=SUM('{sheet}'!C2:{last}{half + 1})", float(cost["EffectiveCost"].sum())),
        ("Cost, cash", f"=SUM('{sheet}'!C{half + 2}:{last}{rows + 1})", float(cost["BilledCost"].sum())),
    ]
