"""Demand history as quantiles of the coming periods: ``[demand] kind = "history"`` with a ``[forecast]`` section.

The rows that come out are those of a quantile table with a row per series and period, so that everything after reading
is the same as for a forecast made elsewhere.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import ArgumentError
from capacity_opt.forecast.history import History, PeriodCalendar
from capacity_opt.scenario.demand_rows import DemandRows
from capacity_opt.scenario.forecast_joint import HistoryForecast, forecast_history
from capacity_opt.scenario.problems import Problems, shown
from capacity_opt.scenario.schema import Column
from capacity_opt.scenario.spec_forecast import Forecast
from capacity_opt.scenario.timeline import Timeline
from capacity_opt.scenario.typed import Context, TypedTable

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
_MOST_AHEAD = 1000
_DEMAND_KEYS = ("class", "region", "zone", "block", "item", "location")


def forecast_rows(
    rows: DemandRows, keys: Sequence[Column], section: Forecast, context: Context, ahead: int = 0
) -> DemandRows | None:
    """Forecast every series of the table over the scenario's periods, or ``ahead`` where that is longer; ``None`` where
    it cannot be (noted)."""
    problems, table = context.problems, rows.table
    places = _places(table, context.timeline, problems)
    if problems.failed or places is None or not len(table):
        return None
    names = [column.name for column in keys if column.name != "period" and column.name in table.texts]
    of_row, first = _series(table, names)
    if _doubled(table, of_row, places, names, problems):
        return None
    high = int(places.max())
    panel, stock = _panel(table, of_row, places, len(first), problems)
    labels = {name: [table.texts[name][i] for i in first] for name in names}
    ids = ["/".join(filter(None, parts)) for parts in zip(*labels.values())]
    demand_keys = [name for name in names if name in _DEMAND_KEYS]
    row, first_of_row = _targets([labels[name] for name in demand_keys])
    try:
        made = forecast_history(
            History(panel, ids=ids, in_stock=stock, calendar=PeriodCalendar(context.timeline.unit)),
            max(context.timeline.count, ahead) - 1 - high,
            section,
            rows.section,
            keys=_levels_above(section.hierarchy, labels),
            row=row,
            skipped=-1 - high,
        )
    except ArgumentError as error:
        problems.error("E243", table.file, str(error), fix="Check the history and the [forecast] section")
        return None
    return _as_quantiles(rows, first[first_of_row], made, context.timeline)


def _panel(
    table: TypedTable, of_row: IntArray, places: IntArray, count: int, problems: Problems
) -> tuple[Array, NDArray[np.bool_] | None]:
    """(series, periods) of the history, NaN where nothing was recorded, and where there was stock to sell."""
    low = int(places.min())
    panel = np.full((count, int(places.max()) - low + 1), np.nan)
    panel[of_row, places - low] = table.numbers["value"]
    stock = None
    if "in_stock" in table.present:
        stock = np.ones(panel.shape, dtype=np.bool_)
        stock[of_row, places - low] = [flag is not False for flag in table.flags["in_stock"]]
    ended = int(np.isnan(panel[:, -1]).sum())
    if ended:
        problems.warning(
            "W243", table.file, f"{ended} series end before the last period of the history: read as 0 since"
        )
        panel = _zero_since(panel)
    gaps = np.isnan(panel) & np.logical_or.accumulate(~np.isnan(panel), axis=1)
    if gaps.any():
        problems.warning(
            "W227", table.file, f"{int(gaps.sum()):,} periods within {int(gaps.any(axis=1).sum())} series have no row "
            "and count as not observed", fix="Write 0 where nothing was asked",
        )  # fmt: skip
    return panel, stock


def _targets(columns: Sequence[Sequence[str]]) -> tuple[IntArray, IntArray]:
    """The row of demand each series belongs to (series told apart only by keys of the hierarchy share one), and the
    first series of each row."""
    order: dict[tuple[str, ...], int] = {}
    row = np.array([order.setdefault(key, len(order)) for key in zip(*columns)], dtype=np.int64)
    return row, np.unique(row, return_index=True)[1].astype(np.int64)


def _levels_above(hierarchy: Sequence[str], labels: dict[str, list[str]]) -> dict[str, list[str]] | None:
    """The keys of the levels above the series; the finest is left out where it tells every series apart by itself."""
    if not hierarchy:
        return None
    keys = {name: labels[name] for name in hierarchy}
    paths = list(zip(*keys.values()))
    if len(set(paths)) == len(paths):
        keys.popitem()
    return keys


def _places(table: TypedTable, timeline: Timeline, problems: Problems) -> IntArray | None:
    """The period of each row, counted from the horizon's first (so that all are below 0)."""
    found = [_place(text, timeline) for text in table.texts["period"]]
    for row, (place, text) in enumerate(zip(found, table.texts["period"])):
        if place is None:
            problems.error(
                "E228",
                table.file,
                "is not a period of the history",
                value=shown(text),
                row=table.rows[row],
                column="period",
                fix=f"Write the {timeline.unit} it begins as YYYY-MM-DD, or number the periods"
                if timeline.start
                else "Number the periods 1, 2, 3, ..., or give [time] start and write dates",
            )
    if problems.failed:
        return None
    places = np.array(found, dtype=np.int64)
    if not _dated(table.texts["period"][0] if len(table) else ""):
        return np.asarray(places - places.max() - 1)
    if len(places) and places.max() >= 0:
        row = int(places.argmax())
        problems.error(
            "E244",
            table.file,
            "history must end before [time] start",
            value=shown(table.texts["period"][row]),
            row=table.rows[row],
            column="period",
            fix="Leave out the rows of the horizon, or start it later",
        )
    elif len(places) and -1 - places.max() > _MOST_AHEAD:
        problems.error("E244", table.file, f"history ends {-1 - places.max()} periods before [time] start")
    return places


def _dated(text: str) -> bool:
    return not text.strip().lstrip("+-").removesuffix(".0").isdigit() or len(text.strip()) == 4


def _place(text: str, timeline: Timeline) -> int | None:
    clean = text.strip()
    if not _dated(clean) and len(clean) < 10:
        return int(float(clean))
    if timeline.start is None:
        return int(clean) if clean.isdigit() else None
    padded = {4: f"{clean}-01-01", 7: f"{clean}-01"}.get(len(clean), clean)
    try:
        moment = dt.datetime.fromisoformat(padded).replace(tzinfo=None)
    except ValueError:
        return None
    start = timeline.start.replace(tzinfo=None)
    if timeline.unit in ("hour", "day", "week"):
        length = dt.timedelta(hours={"hour": 1, "day": 24, "week": 168}[timeline.unit])
        whole, rest = divmod(moment - start, length)
        return int(whole) if not rest else None
    months = (moment.year - start.year) * 12 + moment.month - start.month
    each = {"month": 1, "quarter": 3, "year": 12}[timeline.unit]
    return months // each if months % each == 0 else None


def _series(table: TypedTable, names: Sequence[str]) -> tuple[IntArray, IntArray]:
    """The series of each row, and each series' first row."""
    order: dict[tuple[str, ...], int] = {}
    first: list[int] = []
    of_row = np.empty(len(table), dtype=np.int64)
    for row, key in enumerate(zip(*(table.texts[name] for name in names))):
        of_row[row] = order.setdefault(key, len(order))
        if of_row[row] == len(first):
            first.append(row)
    return of_row, np.array(first, dtype=np.int64)


def _doubled(table: TypedTable, of_row: IntArray, places: IntArray, names: Sequence[str], problems: Problems) -> bool:
    cells = of_row * (int(places.max()) - int(places.min()) + 1) + places - places.min()
    order = np.argsort(cells, kind="stable")
    again = np.flatnonzero(np.diff(cells[order]) == 0)
    if len(again):
        one, other = int(order[again[0]]), int(order[again[0] + 1])
        told = " ".join(filter(None, (table.texts[name][one] for name in names)))
        problems.error(
            "E210",
            table.file,
            f"rows {table.rows[one]} and {table.rows[other]} both give {told} {table.texts['period'][one]}",
            row=table.rows[other],
            fix="Keep one, or add them up",
        )
    return bool(len(again))


def _zero_since(panel: Array) -> Array:
    """Nothing recorded after a series' last row means nothing asked."""
    seen = ~np.isnan(panel)
    last = panel.shape[1] - 1 - seen[:, ::-1].argmax(axis=1)
    return np.where(np.arange(panel.shape[1]) > last[:, None], 0.0, panel)


def _as_quantiles(rows: DemandRows, first: IntArray, made: HistoryForecast, timeline: Timeline) -> DemandRows:
    """The forecast as the rows of a quantile table: series by series, period by period."""
    table, labels = rows.table, timeline.labels
    values = made.period[:, : len(labels)]
    chosen = np.repeat(first, len(labels))
    kept = TypedTable(table.file, [table.rows[i] for i in chosen])
    kept.texts = {name: [cells[i] for i in chosen] for name, cells in table.texts.items()}
    kept.texts["period"] = list(labels) * len(first)
    kept.positions = {name: cells[chosen] for name, cells in table.positions.items()}
    kept.positions["period"] = np.tile(np.arange(len(labels), dtype=np.int64), len(first))
    kept.present = {*table.present, "period"}
    section = rows.section.model_copy(update={"kind": "quantiles"})
    return DemandRows(section, kept, made.levels, values.reshape(-1, len(made.levels)), made)
