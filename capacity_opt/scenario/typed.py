"""A text table and its schema to typed columns: numbers, flags, periods and ids, every fault noted."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from capacity_opt.scenario import cells
from capacity_opt.scenario.many_numbers import many_numbers
from capacity_opt.scenario.problems import Problems, did_you_mean, shown
from capacity_opt.scenario.schema import DURATION_UNITS, Column, TableSchema
from capacity_opt.scenario.tables import TextTable
from capacity_opt.scenario.timeline import PeriodError, Timeline

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

ALL = -1
# Columns longer than this are tried as a whole first; only where a cell is odd are they read one by one.
LARGE = 5000
# No duration is longer than the longest horizon.
LONGEST = 20_000


def one_or_all(position: int) -> slice:
    """The positions that an id or period speaks for: one, or all where blank."""
    return slice(None) if position == ALL else slice(int(position), int(position) + 1)


@dataclass
class TypedTable:
    """Columns by kind, each with a value per row. ``positions`` of ids and periods are -1 where blank (all)."""

    file: str
    rows: list[int]
    numbers: dict[str, Array] = field(default_factory=dict)
    texts: dict[str, list[str]] = field(default_factory=dict)
    positions: dict[str, IntArray] = field(default_factory=dict)
    lists: dict[str, list[list[int]]] = field(default_factory=dict)
    flags: dict[str, list[bool | None]] = field(default_factory=dict)
    present: set[str] = field(default_factory=set)

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class Context:
    """What a table's cells may refer to: known ids by table, the timeline, the currency."""

    timeline: Timeline
    currency: str
    ids: Mapping[str, dict[str, int]]
    problems: Problems


def typed(table: TextTable, schema: TableSchema, context: Context) -> TypedTable:
    """Convert every declared column; unknown and missing columns and bad cells are noted in ``context.problems``."""
    result = TypedTable(table.file, table.rows)
    used: set[str] = set()
    for column in schema.columns:
        name = _find(column, table, context)
        if name is not None:
            used.add(name)
            result.present.add(column.name)
        elif column.required:
            _missing(table, column, context.problems)
        _convert(column, name, table, result, context)
    _note_unknown(table, schema, used, context)
    if schema.key:
        _note_duplicates(table, schema, result, context.problems)
    return result


def _find(column: Column, table: TextTable, context: Context) -> str | None:
    """The name under which a column stands in the file."""
    there = [name for name in possible_names(column, context) if name in table.columns]
    if len(there) > 1:
        context.problems.error("E233", table.file, f"{' and '.join(there)} say the same thing", fix="Keep one")
    return there[0] if there else None


def possible_names(column: Column, context: Context) -> list[str]:
    """How a column may be headed: plainly, with a unit, or with the currency."""
    if column.kind == "duration":
        return [f"{column.name}_{unit}" for unit in DURATION_UNITS] + ([column.name] if column.bare else [])
    return [column.name, *([f"{column.name}_{context.currency.lower()}"] if column.kind == "money" else [])]


def unit_of(column: Column, name: str) -> str:
    """The unit that a duration's header ends in, ``""`` where it is in periods."""
    return name.removeprefix(column.name).strip("_").removesuffix("s") if column.kind == "duration" else ""


def _missing(table: TextTable, column: Column, problems: Problems) -> None:
    suffix = " (with a unit, for example _days)" if column.kind == "duration" else ""
    problems.error(
        "E234",
        table.file,
        f"column {shown(column.name)}{suffix} is missing",
        row=1,
        fix=f"Add it: {column.meaning}. Have {', '.join(list(table.columns)[:12])}",
    )


def _convert(column: Column, name: str | None, table: TextTable, result: TypedTable, context: Context) -> None:
    raw = table.columns[name] if name is not None else [""] * len(table)
    note = _noter(table, column, name, raw, context.problems)
    key = column.name
    if column.kind in ("number", "whole", "money", "duration"):
        result.numbers[key] = _numbers(column, name, raw, note, context)
    elif column.kind == "flag":
        result.flags[key] = _flags(column, raw, note)
    elif column.kind == "period":
        result.positions[key] = _periods(column, name, raw, note, context.timeline)
        result.texts[key] = [cell.strip() for cell in raw]
    elif column.kind == "ids":
        result.lists[key] = _id_lists(column, raw, note, context)
    else:
        result.texts[key] = _texts(column, name, raw, note)
        if column.of:
            result.positions[key] = _positions(column, raw, note, context)


Note = Callable[[int, str, str, str], None]


def _noter(table: TextTable, column: Column, name: str | None, raw: list[str], problems: Problems) -> Note:
    def note(position: int, code: str, rule: str, fix: str) -> None:
        problems.error(
            code,
            table.file,
            rule,
            value=shown(raw[position]),
            fix=fix,
            row=table.rows[position],
            column=name or column.name,
        )

    return note


def _blank(column: Column, name: str | None, position: int, note: Note) -> None:
    if column.required and name is not None:
        note(position, "E215", "is blank", "Write 0 for none, or the value" if column.kind != "id" else "Write the id")


def _numbers(column: Column, name: str | None, raw: list[str], note: Note, context: Context) -> Array:
    default = column.default if isinstance(column.default, float) else math.nan
    if name is None:
        return np.full(len(raw), default)
    read = cells.whole if column.kind == "whole" else cells.number
    unit = unit_of(column, name)
    if (
        len(raw) > LARGE
        and not unit
        and (plain := many_numbers(raw, column.rule, whole=column.kind == "whole")) is not None
    ):
        return plain
    values = np.full(len(raw), default)
    for position, text in enumerate(raw):
        if not text.strip():
            _blank(column, name, position, note)
            continue
        try:
            value = read(text)
            cells.ruled(
                value, column.rule, column.name, duration=column.kind == "duration", money=column.kind == "money"
            )
        except cells.CellError as error:
            note(position, error.code, error.rule, error.fix)
            continue
        values[position] = context.timeline.periods(value, unit or "period") if unit and math.isfinite(value) else value
        if column.kind == "duration" and math.isfinite(value) and values[position] > LONGEST:
            note(position, "E205", f"is {values[position]:,.0f} periods: too long", "Check the digits and the unit")
            values[position] = default
    return values


def _flags(column: Column, raw: list[str], note: Note) -> list[bool | None]:
    default = column.default if isinstance(column.default, bool) else None
    values: list[bool | None] = []
    for position, text in enumerate(raw):
        try:
            values.append(cells.flag(text) if text.strip() else default)
        except cells.CellError as error:
            note(position, error.code, error.rule, error.fix)
            values.append(default)
    return values


def _texts(column: Column, name: str | None, raw: list[str], note: Note) -> list[str]:
    default = column.default if isinstance(column.default, str) else ""
    if name is None:
        return [default] * len(raw)
    if all(map(str.strip, raw)):
        return raw
    for position, text in enumerate(raw):
        if not text.strip():
            _blank(column, name, position, note)
    return [text if text.strip() else default for text in raw]


def _positions(column: Column, raw: list[str], note: Note, context: Context) -> IntArray:
    known = context.ids.get(column.of, {})
    table = (
        f"{column.of}.csv"
        if column.of not in ("regions", "blocks")
        else {"regions": "zones.csv", "blocks": "[time] blocks"}[column.of]
    )
    cache: dict[str, int] = {}
    values = np.full(len(raw), ALL, dtype=np.int64)
    for position, text in enumerate(raw):
        if not text.strip():
            continue
        try:
            if text not in cache:
                cache[text] = cells.known_id(text, known, table)
            values[position] = cache[text]
        except cells.CellError as error:
            note(position, error.code, error.rule, error.fix)
    return values


def _id_lists(column: Column, raw: list[str], note: Note, context: Context) -> list[list[int]]:
    known = context.ids.get(column.of, {})
    table = "zones.csv" if column.of == "regions" else f"{column.of}.csv"
    values: list[list[int]] = []
    for position, text in enumerate(raw):
        found: list[int] = []
        for part in filter(None, (part.strip() for part in text.split("|"))):
            try:
                found.append(cells.known_id(part, known, table))
            except cells.CellError as error:
                note(position, error.code, f"{shown(part)} {error.rule}", error.fix)
        values.append(found)
    return values


def _periods(column: Column, name: str | None, raw: list[str], note: Note, timeline: Timeline) -> IntArray:
    cache: dict[str, int] = {}
    values = np.full(len(raw), ALL, dtype=np.int64)
    for position, text in enumerate(raw):
        if not text.strip():
            _blank(column, name, position, note)
            continue
        try:
            if text not in cache:
                cache[text] = timeline.index(text)
            values[position] = cache[text]
        except PeriodError as error:
            note(position, error.code, error.rule, error.fix)
    return values


_BYTES = {"mb": 1e6, "gb": 1e9, "tb": 1e12, "mib": 2.0**20, "gib": 2.0**30, "tib": 2.0**40}


def _note_unknown(table: TextTable, schema: TableSchema, used: set[str], context: Context) -> None:
    names = [column.name for column in schema.columns]
    for name in table.columns:
        if name in used:
            continue
        code, rule, fix = _why_unknown(name, names, schema, context)
        context.problems.error(code, table.file, rule, fix=fix, row=1, column=name)


def _why_unknown(name: str, names: Iterable[str], schema: TableSchema, context: Context) -> tuple[str, str, str]:
    if not name:
        return "E233", "a column has no name", "Name it, or delete it"
    stem, _, suffix = name.rpartition("_")
    money = [column.name for column in schema.columns if column.kind == "money"]
    if stem in money and re.fullmatch(r"[a-z]{3}", suffix):
        return (
            "E222",
            f"is in {suffix.upper()}, but the scenario's currency is {context.currency}",
            "Convert it to one currency",
        )
    bare = [column for column in schema.columns if column.kind == "duration" and not column.bare]
    if any(column.name == name for column in bare):
        return (
            "E238",
            f"{name}: months or years? The column must carry its unit",
            f"Rename it {name}_months or {name}_years",
        )
    for known in names:
        other_stem, _, other = known.rpartition("_")
        if stem and stem == other_stem and suffix in _BYTES and other in _BYTES:
            factor = _BYTES[suffix] / _BYTES[other]
            return "E206", f"is in {suffix}, but {known} is expected", f"Convert it (1 {suffix} = {factor:.4g} {other})"
    return "E233", f"unknown column {shown(name)}", _renaming(name, names, schema)


def _renaming(name: str, names: Iterable[str], schema: TableSchema) -> str:
    """How a column may be meant: written otherwise, with its unit; a quantile in per cent; or the nearest name."""
    plain = re.sub(r"[\s\-.]+", "_", name.strip().casefold())
    if level := re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", name.strip()):
        return f"A quantile is written p{level[1]}"
    stem, _, unit = plain.rpartition("_")
    units = {column.name for column in schema.columns if column.kind == "duration" and unit in DURATION_UNITS}
    if plain != name and (plain in names or stem in units):
        return f"Write {plain}"
    return did_you_mean(name, names)


def _note_duplicates(table: TextTable, schema: TableSchema, result: TypedTable, problems: Problems) -> None:
    keys = [result.texts[name] for name in schema.key if name in result.texts]
    seen: dict[tuple[str, ...], int] = {}
    for position, key in enumerate(zip(*keys)):
        first = seen.setdefault(key, position)
        if first == position:
            continue
        told = ", ".join(f"{name}={value}" for name, value in zip(schema.key, key) if value)
        differ = [
            f"{name} differs: {column[first]} vs {column[position]}"
            for name, column in table.columns.items()
            if column[first] != column[position]
        ]
        fix = f"Keep one ({differ[0]})" if differ else "Delete one, they are equal"
        problems.error(
            "E210",
            table.file,
            f"rows {table.rows[first]} and {table.rows[position]} both define {told}",
            row=table.rows[position],
            fix=fix,
        )
