"""Long tables of observations, ``unique_id, ds, y`` as forecasting tools write them, read as whole columns.

Ids become integers at once and nothing is done per series, so that a hundred million rows are read at the speed of the
file. Faults still name file, row and column.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capacity_opt.forecast.history import History, PeriodCalendar
from capacity_opt.scenario.calendar_periods import floor_to_period, period_numbers
from capacity_opt.scenario.problems import Problems, shown

IntArray = NDArray[np.int64]
Array = NDArray[np.float64]
FIRST_ROW = 2
NAMES = {
    "series": ("unique_id", "series", "item_id", "item", "id", "series_id"),
    "period": ("ds", "period", "timestamp", "date", "time", "start"),
    "value": ("y", "value", "demand", "target", "sales", "quantity"),
    "in_stock": ("in_stock",),
}
MOST_SHOWN = 10
ROOM, SPREAD_OUT = 10_000_000, 1000
"""More cells than the first and than so many a row: whoever wrote the periods did not number them."""


@dataclass(frozen=True)
class Observations:
    """Rows of a long table: ``codes`` into ``ids``, ``periods`` on ``calendar``, ``values`` (NaN: none), ``in_stock``.

    ``file`` and the order of rows are those of the file (row ``i`` stands in line ``i + 2`` of a CSV)."""

    file: str
    ids: NDArray[np.str_]
    codes: IntArray
    periods: IntArray
    values: Array
    in_stock: NDArray[np.bool_] | None
    calendar: PeriodCalendar

    def history(self, problems: Problems, *, duplicates: str = "error") -> History:
        """The same by series and time, gaps as NaN. Rows of one series and period are a fault, or with ``duplicates``
        ``"sum"``, ``"mean"`` or ``"last"`` become one."""
        present, first, offsets = self._spans()
        if offsets[-1] > max(ROOM, SPREAD_OUT * len(self.codes)):
            self._tell_far_apart(first, offsets, problems)
        cells = (offsets[:-1] - first)[self.codes] + self.periods
        flat, mask = np.full(int(offsets[-1]), np.nan), None
        taken = np.zeros(len(flat), dtype=np.bool_)
        taken[cells] = True
        values, stock = self.values, self.in_stock
        if not taken.all():
            self._tell_gaps(taken, offsets, problems)
        if np.count_nonzero(taken) < len(cells):
            cells, values, stock = self._merged(cells, duplicates, problems)
        flat[cells] = values
        if stock is not None:
            mask = np.ones(len(flat), dtype=np.bool_)
            mask[cells] = stock
        ends = np.append(offsets[:-1][present], offsets[-1])
        return History(flat, ends, ids=self.ids[present], first=first[present], in_stock=mask, calendar=self.calendar)

    def _spans(self) -> tuple[NDArray[np.bool_], IntArray, IntArray]:
        """Which ids have rows, their first period, and where each series' cells begin and end."""
        first = np.full(len(self.ids), np.iinfo(np.int64).max)
        last = np.full(len(self.ids), -1, dtype=np.int64)
        np.minimum.at(first, self.codes, self.periods)
        np.maximum.at(last, self.codes, self.periods)
        present = last >= 0
        first[~present] = 0
        return present, first, np.concatenate([[0], np.cumsum(last - first + 1)]).astype(np.int64)

    def _merged(
        self, cells: IntArray, duplicates: str, problems: Problems
    ) -> tuple[IntArray, Array, NDArray[np.bool_] | None]:
        """One observation per cell where some have several."""
        order = np.argsort(cells, kind="stable")
        cells, values = cells[order], self.values[order]
        again = np.concatenate([[False], cells[1:] == cells[:-1]])
        if duplicates == "error":
            self._tell_twice(order, np.flatnonzero(again), problems)
        groups = np.flatnonzero(~again)
        size = np.diff(np.append(groups, len(cells)))
        if duplicates == "last":
            values = values[groups + size - 1]
        else:
            values = np.add.reduceat(values, groups) / (size if duplicates == "mean" else 1)
        stock = None if self.in_stock is None else np.logical_and.reduceat(self.in_stock[order], groups)
        return cells[groups], values, stock

    def _one_of_two(self) -> str:
        keep = "Keep one, or choose --duplicates sum, mean or last"
        clock = self.calendar.unit in ("second", "minute", "hour") and self.calendar.time_zone != "UTC"
        return f"{keep}; clocks that are set back have an hour twice: count in UTC" if clock else keep

    def _tell_gaps(self, taken: NDArray[np.bool_], offsets: IntArray, problems: Problems) -> None:
        """Periods without a row: not observed, which is not the same as nothing asked."""
        empty = np.diff(np.concatenate([[0], np.cumsum(~taken)])[offsets])
        worst = int(empty.argmax())
        problems.warning(
            "W227", self.file, f"{int(empty.sum()):,} periods within {np.count_nonzero(empty)} series have no row and "
            "count as not observed", value=f"{int(empty[worst])} of {shown(str(self.ids[worst]))}",
            fix="Write 0 where nothing was asked",
        )  # fmt: skip

    def _tell_far_apart(self, first: IntArray, offsets: IntArray, problems: Problems) -> None:
        longest = int(np.diff(offsets).argmax())
        name, span = shown(str(self.ids[longest])), int(np.diff(offsets)[longest])
        rows = int(np.count_nonzero(self.codes == longest))
        problems.error(
            "E228", self.file, f"the {rows} rows of series {name} reach over {span:,} periods",
            value=f"{first[longest]} to {first[longest] + span - 1}",
            fix="Number periods 0, 1, 2, ...; seconds since 1970 and dates written as numbers are no periods",
        )  # fmt: skip
        problems.raise_if_any()

    def _tell_twice(self, order: IntArray, twice: IntArray, problems: Problems) -> None:
        for place in twice[:MOST_SHOWN]:
            first, second = sorted((int(order[place - 1]), int(order[place])))
            name = shown(str(self.ids[self.codes[order[place]]]))
            problems.error(
                "E210", self.file, f"rows {first + FIRST_ROW} and {second + FIRST_ROW} are both of series {name} and "
                f"one period ({len(twice)} such rows in all)", row=second + FIRST_ROW,
                fix=self._one_of_two(),
            )  # fmt: skip


def read_observations(
    path: Path, calendar: PeriodCalendar, problems: Problems, *, columns: dict[str, str] | None = None
) -> Observations | None:
    """Read a CSV or Parquet file; ``columns`` names its columns where they are none of the usual ones.

    A calendar without start gets the start of the earliest row's period. ``None`` where there are faults.
    """
    table = read_arrow(path, problems)
    if table is None:
        return None
    names = _names(table, path.name, columns or {}, problems)
    if names is None:
        return None
    ids, codes = _codes(table[names["series"]], path.name, names["series"], problems)
    values = _numbers(table[names["value"]], path.name, names["value"], problems)
    stock = _flags(table[names["in_stock"]], path.name, problems) if "in_stock" in names else None
    timed = _periods(table[names["period"]], calendar, path.name, names["period"], problems)
    if values is None or timed is None or problems.failed:
        return None
    periods, calendar = timed
    return Observations(path.name, ids, codes, periods, values, stock, calendar)


def observations_of(
    path: Path, calendar: PeriodCalendar, problems: Problems, *, columns: dict[str, str] | None = None
) -> Observations:
    """As :func:`read_observations`, but faults are raised as :class:`~capacity_opt.ScenarioError`."""
    found = read_observations(path, calendar, problems, columns=columns)
    problems.raise_if_any()
    assert found is not None
    return found


def read_arrow(path: Path, problems: Problems) -> Any:
    """A Parquet or CSV file as an Arrow table, ``None`` (and a fault noted) where it cannot be read."""
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet as pq

    if not path.exists():
        problems.error("E236", path.name, "no such file", fix="Check the path")
        return None
    try:
        columnar = path.suffix.lower() == ".parquet" or path.is_dir()
        table = pq.read_table(path, read_dictionary=NAMES["series"]) if columnar else _read_csv(path)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        told = str(error).splitlines()[0]
        fix = "Save it as UTF-8" if "UTF8" in told or "utf-8" in told else "Write it again"
        problems.error("E235", path.name, f"cannot be read: {told}", fix=fix)
        return None
    if table.num_rows == 0:
        problems.error("E235", path.name, "has no data rows", fix="Write a row per observation under the header")
        return None
    return table


def _read_csv(path: Path) -> Any:
    from pyarrow import csv

    ids = dict.fromkeys(NAMES["series"], "string")
    return csv.read_csv(path, convert_options=csv.ConvertOptions(column_types=ids, strings_can_be_null=True))


def _names(table: Any, file: str, given: dict[str, str], problems: Problems) -> dict[str, str] | None:
    found: dict[str, str] = {}
    for ours, usual in NAMES.items():
        wanted = (given[ours],) if ours in given else usual
        there = [name for name in wanted if name in table.column_names]
        if there:
            found[ours] = there[0]
        elif ours != "in_stock" or ours in given:
            fix = f"Name its {ours} column. Have {', '.join(table.column_names[:12])}"
            if len(table.column_names) == 1 and ";" in table.column_names[0]:
                fix = "Its fields are separated by semicolons: write commas, and decimal points"
            problems.error("E234", file, f"has no column {' or '.join(wanted)}", row=1, fix=fix)
    return None if problems.failed else found


def _codes(column: Any, file: str, name: str, problems: Problems) -> tuple[NDArray[np.str_], IntArray]:
    """Ids in alphabetical order, and which one each row has."""
    import pyarrow as pa
    import pyarrow.compute as pc

    _no_blanks(column, "the id of the series", file, name, problems)
    text = column if pa.types.is_dictionary(column.type) else pc.dictionary_encode(pc.cast(column, pa.large_string()))
    coded = text.combine_chunks() if hasattr(text, "combine_chunks") else text
    coded = coded.unify_dictionaries() if hasattr(coded, "unify_dictionaries") else coded
    whole = coded.chunk(0) if hasattr(coded, "chunk") and coded.num_chunks else coded
    names = pc.cast(whole.dictionary, pa.large_string()).to_numpy(zero_copy_only=False).astype(np.str_)
    codes = pc.fill_null(whole.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    order = np.argsort(names, kind="stable")
    rank = np.empty(len(names), dtype=np.int64)
    rank[order] = np.arange(len(names))
    return names[order], rank[codes]


def _no_blanks(column: Any, what: str, file: str, name: str, problems: Problems) -> int:
    """How many cells are blank, each a fault."""
    if column.null_count:
        for row in np.flatnonzero(column.is_null().to_numpy())[:MOST_SHOWN]:
            more = f" (one of {column.null_count})" if column.null_count > 1 else ""
            problems.error("E215", file, f"is blank{more}", row=int(row) + FIRST_ROW, column=name, fix=f"Write {what}")
    return int(column.null_count)


def _numbers(column: Any, file: str, name: str, problems: Problems) -> Array | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        cast = pc.cast(column, pa.float64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        row, cell = _first_bad(column, float)
        told = "is not a number" if cell else f"is not a number ({str(error).splitlines()[0]})"
        problems.error("E205", file, told, row=row, column=name, value=cell,
                       fix="Write numbers with a decimal point, blank where nothing was observed")  # fmt: skip
        return None
    values = np.asarray(pc.fill_null(cast, np.nan).to_numpy(), dtype=np.float64)
    wild = np.flatnonzero(np.isinf(values))
    if len(wild):
        problems.error("E205", file, f"is infinite in {len(wild)} rows", row=int(wild[0]) + FIRST_ROW, column=name,
                       fix="Leave the cell blank where nothing was observed")  # fmt: skip
    below = np.flatnonzero(values < 0)
    if len(below):
        problems.error("E204", file, f"is below 0 in {len(below)} rows", value=f"{values[below[0]]:g}",
                       row=int(below[0]) + FIRST_ROW, column=name,
                       fix="Demand cannot be negative: book returns apart")  # fmt: skip
    return values


def _flags(column: Any, file: str, problems: Problems) -> NDArray[np.bool_]:
    cells = column.to_pandas()
    known = {"true": True, "1": True, "1.0": True, "yes": True, "false": False, "0": False, "0.0": False, "no": False}
    read = cells.astype(str).str.lower().map(known)
    bad = np.flatnonzero(read.isna())
    if len(bad):
        problems.error("E207", file, "must be true or false", value=shown(str(cells.iloc[bad[0]])),
                       row=int(bad[0]) + FIRST_ROW, column="in_stock", fix="Write true or false")  # fmt: skip
    return np.asarray(read.fillna(True), dtype=np.bool_)


def _periods(
    column: Any, calendar: PeriodCalendar, file: str, name: str, problems: Problems
) -> tuple[IntArray, PeriodCalendar] | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    if _no_blanks(column, "the period of the observation", file, name, problems):
        return None
    if pa.types.is_integer(column.type):
        return _steps(column.to_numpy().astype(np.int64), calendar, file, name, problems)
    if calendar.unit == "step":
        problems.error("E228", file, "holds dates or times, but periods are only numbered", row=FIRST_ROW, column=name,
                       value=shown(str(column[0].as_py())),
                       fix="Say how long a period is: --period hour, day, week, month, 5min ...")  # fmt: skip
        return None
    try:
        if pa.types.is_timestamp(column.type) and column.type.tz:
            column = pc.local_timestamp(pc.cast(column, pa.timestamp("us", calendar.time_zone)))
        moments = pc.cast(column, pa.timestamp("us")).to_numpy().astype("datetime64[us]")
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        row, cell = _first_bad(column, dt.datetime.fromisoformat)
        told = "is not a date or time" if cell else f"is not a date or time ({str(error).splitlines()[0]})"
        problems.error("E228", file, told, column=name, row=row, value=cell,
                       fix="Write ISO dates: 2027-01-31 or 2027-01-31T13:00")  # fmt: skip
        return None
    if calendar.start is None:
        calendar = replace(calendar, start=floor_to_period(moments.min(), calendar))
    numbers, inside = period_numbers(moments, calendar)
    if inside.any():
        row = int(np.flatnonzero(inside)[0])
        told = f"{int(inside.sum())} rows are not at the start of a period; each counts for the period it falls in"
        problems.warning("W228", file, told, value=str(moments[row]), row=row + FIRST_ROW, column=name)
    return _not_early(numbers, calendar, file, name, problems)


def _steps(
    numbers: IntArray, calendar: PeriodCalendar, file: str, name: str, problems: Problems
) -> tuple[IntArray, PeriodCalendar] | None:
    if calendar.start is not None:
        problems.error("E228", file, f"holds whole numbers, but periods begin at {calendar.start}", row=FIRST_ROW,
                       column=name, value=str(numbers[0]), fix="Write dates")  # fmt: skip
        return None
    return _not_early(numbers, calendar, file, name, problems)


def _not_early(
    numbers: IntArray, calendar: PeriodCalendar, file: str, name: str, problems: Problems
) -> tuple[IntArray, PeriodCalendar] | None:
    early = np.flatnonzero(numbers < 0)
    if len(early):
        problems.error("E228", file, f"{len(early)} rows are before the first period", row=int(early[0]) + FIRST_ROW,
                       column=name, fix="Number periods from 0, or leave these rows out")  # fmt: skip
        return None
    return numbers, calendar


def _first_bad(column: Any, read: Any) -> tuple[int | None, str]:
    """The row of the first cell that cannot be read, and the cell."""
    for position, cell in enumerate(column.to_pylist()):
        try:
            if cell is not None:
                read(cell)
        except (TypeError, ValueError):
            return position + FIRST_ROW, shown(str(cell))
    return None, ""
