"""A part of a Parquet file to typed columns without going through text; whatever is odd takes the road through text.

Plain columns (numbers as numbers, text as text, every rule kept) are converted whole. Where anything is not plain, the
part is typed cell by cell by :mod:`capacity_opt.scenario.typed`, which words the fault with its row and column.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from capacity_opt.scenario.foreign_tables import as_text
from capacity_opt.scenario.many_numbers import keeps
from capacity_opt.scenario.schema import Column, TableSchema
from capacity_opt.scenario.tables import TextTable
from capacity_opt.scenario.typed import Context, TypedTable, possible_names, typed, unit_of

if TYPE_CHECKING:
    import pyarrow as pa

Array = NDArray[np.float64]
NUMBERS = ("number", "whole", "money", "duration")


def typed_arrow(part: pa.Table, schema: TableSchema, file: str, first: int, context: Context) -> TypedTable:
    """``part`` of ``file``, whose first row is number ``first``, typed; faults are noted in ``context.problems``."""
    plain = _plainly(part, schema, file, first, context)
    if plain is not None:
        return plain
    cells = {name: [as_text(value) for value in part[name].to_pylist()] for name in part.column_names}
    rows = list(range(first, first + part.num_rows))
    return typed(TextTable(file, cells, rows), replace(schema, key=()), context)


def _plainly(part: pa.Table, schema: TableSchema, file: str, first: int, context: Context) -> TypedTable | None:
    result = TypedTable(file, list(range(first, first + part.num_rows)))
    used: set[str] = set()
    for column in schema.columns:
        there = [name for name in possible_names(column, context) if name in part.column_names]
        if len(there) > 1 or (column.required and not there):
            return None
        used.update(there)
        result.present.update([column.name] if there else [])
        if not _converted(column, there[0] if there else None, part, result, context):
            return None
    return result if used == set(part.column_names) else None


def _converted(column: Column, name: str | None, part: pa.Table, result: TypedTable, context: Context) -> bool:
    """Put the column into ``result``; ``False`` where it is not plain."""
    if column.kind in NUMBERS:
        default = column.default if isinstance(column.default, float) else math.nan
        values = (
            np.full(part.num_rows, default) if name is None else _numbers(column, name, part[name], default, context)
        )
        if values is None:
            return False
        result.numbers[column.name] = values
        return True
    default_text = column.default if isinstance(column.default, str) else ""
    if column.of or column.kind not in ("id", "text"):
        return False
    texts = [default_text] * part.num_rows if name is None else _texts(column, part[name], default_text)
    if texts is None:
        return False
    result.texts[column.name] = texts
    return True


def _numbers(column: Column, name: str, values: Any, default: float, context: Context) -> Array | None:
    import pyarrow as pa

    if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
        return None
    numbers: Array = np.array(values.cast(pa.float64()).to_numpy())
    blank = np.isnan(numbers)
    given = numbers[~blank] if blank.any() else numbers
    endless = default == math.inf or bool(np.all(np.isfinite(given)))
    whole = column.kind != "whole" or bool(np.all(given == np.floor(given)))
    if (blank.any() and column.required) or not (endless and whole and keeps(given, column.rule)):
        return None
    unit = unit_of(column, name)
    if unit:
        distinct, places = np.unique(numbers, return_inverse=True)
        told = [context.timeline.periods(value, unit) if math.isfinite(value) else value for value in distinct.tolist()]
        numbers = np.array(told)[places]
    numbers[blank] = default
    return numbers


def _texts(column: Column, values: Any, default: str) -> list[str] | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(values.type) or pa.types.is_integer(values.type):
        values = values.cast(pa.string())
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return None
    blank = pc.fill_null(pc.equal(pc.utf8_trim_whitespace(values), ""), True)
    if pc.any(blank).as_py():
        if column.required:
            return None
        values = pc.if_else(blank, default, values)
    listed: list[str] = values.to_pylist()
    return listed
