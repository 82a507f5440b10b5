"""Tables as text: every cell as it stands in the file, with its row, so that an error can point at it."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from capacity_opt.scenario.databases import DATABASES, database_rows
from capacity_opt.scenario.foreign_tables import WORKBOOKS, as_text, workbook_rows
from capacity_opt.scenario.problems import Problems, shown

_TITLE_ROWS = 10
_SAVE = "Save the sheet as CSV UTF-8"
# What a file begins with (in lower case) that is named .csv and is something else.
_NO_CSV = (
    (b"pk", "an Excel workbook", f"Rename it to .xlsx, or: {_SAVE.lower()}"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls)", _SAVE),
    (b"\xff\xfe", "UTF-16 text", "Save it as 'CSV UTF-8'"),
    (b"\xfe\xff", "UTF-16 text", "Save it as 'CSV UTF-8'"),
    (b"par1", "a Parquet file", "Rename it to .parquet"),
    (b"sqlite format", "an SQLite database", "Rename it to .sqlite and name the table after #"),
    (b"%pdf", "a PDF", "Export the table as CSV"),
    (b"\x1f\x8b", "compressed (gzip)", "Unpack it"),
    (b"<!doctype", "a web page (of a login?)", "Download the table itself"),
    (b"<html", "a web page (of a login?)", "Download the table itself"),
    (b"<?xml", "XML", "Export the table as CSV"),
)
_OTHER_SEPARATORS = {"\t": "tabs", "|": "'|'"}


@dataclass
class TextTable:
    """``columns`` name -> cells; ``rows`` the row number of each (the header of a CSV file is row 1)."""

    file: str
    columns: dict[str, list[str]]
    rows: list[int]

    def __len__(self) -> int:
        return len(self.rows)

    def keep(self, wanted: Iterable[int]) -> None:
        """Drop all rows but those at the given positions."""
        chosen = list(wanted)
        self.columns = {name: [cells[i] for i in chosen] for name, cells in self.columns.items()}
        self.rows = [self.rows[i] for i in chosen]


def read_text_table(path: Path, name: str, known: Iterable[str], problems: Problems) -> TextTable | None:
    """Read ``path`` (shown as ``name``); ``known`` column names help to spot title rows above the header."""
    if not path.is_file():
        near = sorted(other.name for other in path.parent.glob(f"*{path.suffix}")) if path.parent.is_dir() else []
        fix = f"Have {', '.join(near[:10])}" if near else "Put the table beside scenario.toml"
        problems.error("E236", name, "no such file", fix=fix)
        return None
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        return _read_parquet(path, name, problems)
    if suffix in WORKBOOKS or suffix in DATABASES:
        read = workbook_rows if suffix in WORKBOOKS else database_rows
        found = read(path, name, problems)
        return None if found is None else _from_rows(found, name, frozenset(known), problems)
    raw = path.read_bytes()
    for begin, what, fix in _NO_CSV:
        if raw.lstrip(b"\xef\xbb\xbf \r\n")[:15].lower().startswith(begin):
            problems.error("E235", name, f"is {what}, not CSV", fix=fix)
            return None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = raw[: error.start].count(b"\n") + 1
        problems.error("E235", name, "is not UTF-8", fix="Save it as 'CSV UTF-8'", row=row)
        return None
    return _parse_csv(text, name, frozenset(known), problems)


def _parse_csv(text: str, name: str, known: frozenset[str], problems: Problems) -> TextTable | None:
    if "\0" in text:
        problems.error("E235", name, "is not a text file", fix="Save the sheet as CSV UTF-8")
        return None
    numbered = _numbered_rows(text, name, problems)
    return _from_rows(numbered, name, known, problems)


def _from_rows(
    numbered: list[tuple[int, list[str]]], name: str, known: frozenset[str], problems: Problems
) -> TextTable | None:
    if not numbered:
        problems.error("E235", name, "is empty", fix="Write a header row and the data")
        return None
    header_row, header = numbered[0]
    if len(header) == 1 and ";" in header[0]:
        sample = shown(";".join(numbered[1][1])) if len(numbered) > 1 else shown(header[0])
        problems.error(
            "E219",
            name,
            "uses ';' between cells",
            value=sample,
            row=header_row,
            fix="Save it with commas between cells and decimal points",
        )
        return None
    other = next((mark for mark in _OTHER_SEPARATORS if len(header) == 1 and mark in header[0]), "")
    if other and header[0].split(other)[0].strip() in known:
        rule = f"uses {_OTHER_SEPARATORS[other]} between cells"
        problems.error("E219", name, rule, row=header_row, fix="Save it with commas between cells")
        return None
    if not _header_ok(name, header, numbered, known, problems):
        return None
    if len(numbered) == 1:
        problems.error("E235", name, "has no data rows", fix="Write a row per line under the header")
        return None
    return _columns(name, [cell.strip() for cell in header], numbered[1:], problems)


def _numbered_rows(text: str, name: str, problems: Problems) -> list[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    found: list[tuple[int, list[str]]] = []
    before = 0
    try:
        for cells in reader:
            row, before = before + 1, reader.line_num
            if any(map(str.strip, cells)) and not cells[0].startswith("# "):
                found.append((row, cells))
    except csv.Error as error:
        problems.error("E234", name, f"is not valid CSV: {error}", row=reader.line_num, fix="Close every quote")
    return found


def _header_ok(
    name: str, header: list[str], numbered: list[tuple[int, list[str]]], known: frozenset[str], problems: Problems
) -> bool:
    clean = [cell.strip() for cell in header]
    if not known & set(clean):
        for row, cells in numbered[1:_TITLE_ROWS]:
            if len(known & {cell.strip() for cell in cells}) >= 2:
                problems.error(
                    "E232",
                    name,
                    f"the header is in row {row}, not in row {numbered[0][0]}",
                    value=shown(",".join(clean)),
                    fix=f"Delete the rows above row {row}",
                )
                return False
    for column, times in Counter(clean).items():
        if times > 1:
            places = ", ".join(str(i + 1) for i, cell in enumerate(clean) if cell == column)
            told = f"column {shown(column)} appears {'twice' if times == 2 else f'{times} times'} (columns {places})"
            problems.error("E233", name, told, row=numbered[0][0], fix="Keep one")
            return False
    return True


def _header_short(name: str, header: list[str], numbered: list[tuple[int, list[str]]], problems: Problems) -> bool:
    """Whether every row has the same number of cells, and more than the header: a fault of the header, told once."""
    counts = {len(cells) for _, cells in numbered if any(cell.strip() for cell in cells[len(header) :])}
    if len(numbered) < 2 or len(counts) != 1 or any(len(cells) <= len(header) for _, cells in numbered):
        return False
    rule = f"names {len(header)} columns, but every row has {counts.pop()} cells"
    fix = "Is the name of a column missing? Add it; or quote the texts that have commas"
    problems.error("E230", name, rule, row=1, value=shown(",".join(header)), fix=fix)
    return True


def _columns(
    name: str, header: list[str], numbered: list[tuple[int, list[str]]], problems: Problems
) -> TextTable | None:
    wide = len(header)
    if _header_short(name, header, numbered, problems):
        return None
    good = []
    for row, cells in numbered:
        if len(cells) > wide and not any(cell.strip() for cell in cells[wide:]):
            cells = cells[:wide]
        if len(cells) != wide:
            problems.error(
                "E230",
                name,
                f"has {len(cells)} cells, the header has {wide}",
                row=row,
                value=shown(",".join(cells)),
                fix="Is there a comma inside a number or a text? Remove it, or quote the text",
            )
            continue
        good.append((row, cells))
    if not good:
        return None
    kept = [i for i, column in enumerate(header) if column or any(cells[i].strip() for _, cells in good)]
    columns = {header[i]: [cells[i] for _, cells in good] for i in kept}
    return TextTable(name, columns, [row for row, _ in good])


def _read_parquet(path: Path, name: str, problems: Problems) -> TextTable | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        problems.error("E235", name, f"cannot be read as Parquet: {str(error).splitlines()[0]}", fix="Write it again")
        return None
    if table.num_rows == 0:
        problems.error("E235", name, "has no data rows", fix="Write the table again")
        return None
    columns = {column: [as_text(value) for value in table[column].to_pylist()] for column in table.column_names}
    return TextTable(name, columns, list(range(2, table.num_rows + 2)))


def renamed(table: TextTable, names: Mapping[str, str], file: str, problems: Problems) -> None:
    """Apply ``columns = {ours = "theirs"}``; a name that is not there is a fault."""
    for ours, theirs in names.items():
        if theirs in table.columns:
            table.columns = {ours if key == theirs else key: cells for key, cells in table.columns.items()}
        else:
            have = ", ".join(list(table.columns)[:10])
            problems.error("E233", file, f"no column {shown(theirs)} (asked for by columns.{ours})", fix=f"Have {have}")
