"""Tables that are not text: sheets of Excel workbooks, as rows of text.

``file = "book.xlsx#Sheet1"`` (the first sheet without ``#``).
"""

from __future__ import annotations

import datetime as dt
from contextlib import closing
from pathlib import Path
from zipfile import BadZipFile

from capacity_opt.scenario.problems import Problems, did_you_mean, shown

WORKBOOKS = (".xlsx", ".xlsm")

Rows = list[tuple[int, list[str]]]


def workbook_rows(path: Path, name: str, problems: Problems) -> Rows | None:
    """Rows of a sheet with their row numbers, blank rows left out; formulas as last calculated."""
    try:
        from openpyxl import load_workbook  # type: ignore[import-untyped]  # optional, has no types
        from openpyxl.utils.exceptions import InvalidFileException  # type: ignore[import-untyped]
    except ImportError:
        problems.error(
            "E235", name, "needs openpyxl to be read", fix="pip install openpyxl, or save the sheet as CSV UTF-8"
        )
        return None
    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (InvalidFileException, BadZipFile, KeyError, OSError):
        problems.error("E235", name, "is no Excel workbook", fix="Save it again as .xlsx, or as CSV UTF-8")
        return None
    with closing(book):
        wanted = name.partition("#")[2] or book.sheetnames[0]
        if wanted not in book.sheetnames:
            problems.error("E236", name, f"has no sheet {shown(wanted)}", fix=did_you_mean(wanted, book.sheetnames))
            return None
        rows = [
            (n, [as_text(v) for v in row]) for n, row in enumerate(book[wanted].iter_rows(values_only=True), start=1)
        ]
    return [(number, cells) for number, cells in rows if any(map(str.strip, cells))]


def as_text(value: object) -> str:
    """A typed value as the text of a cell: blank for none, dates as ISO, whole floats without a point."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return "" if value != value else repr(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(timespec="minutes")
    return str(value)
