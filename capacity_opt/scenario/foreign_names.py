"""Columns as forecasting tools name them become ours: ``unique_id, ds, y`` of Nixtla, ``item_id, timestamp`` ...."""

from __future__ import annotations

from collections.abc import Sequence

from capacity_opt.scenario.tables import TextTable

_IDS = ("unique_id", "item_id")
_DATES = ("ds", "timestamp")


def observed_names(text: TextTable, keys: Sequence[str]) -> None:
    """``unique_id, ds, y`` of Nixtla and ``item_id, timestamp, target`` of AutoGluon become our names, where those are
    free."""
    ours: dict[str, str] = {}
    for name, usual in ((keys[0], _IDS), ("period", _DATES), ("value", ("y", "target"))):
        found = next((each for each in usual if each in text.columns), None)
        if found and name not in text.columns and (name == "value" or name in keys):
            ours[found] = name
    text.columns = {ours.get(name, name): cells for name, cells in text.columns.items()}


def forecast_names(text: TextTable, keys: Sequence[str], *, dated: bool) -> None:
    """Keys as forecasting tools name them, and as ``capacity-opt forecast emit`` writes them, become ours: the series,
    and the period by its date, or by how far ahead it is where the scenario's periods are only numbered. Where demand
    is the same in every period, it is that of the next one."""
    names = dict.fromkeys(text.columns)
    ours: dict[str, str] = {}
    series = next((name for name in _IDS if name in names), None)
    if series and keys[0] not in names:
        ours[series] = keys[0]
    if "horizon" in names and "period" not in names and "horizon" not in keys:
        date = next((name for name in _DATES if name in names), None)
        period, unused = (date, "horizon") if dated and date else ("horizon", date)
        if "period" in keys:
            ours[period] = "period"
        else:  # one distribution for every period: that of the next one
            text.keep(i for i, ahead in enumerate(text.columns["horizon"]) if ahead.strip() in ("1", "1.0"))
        for name in (unused, *([] if "period" in keys else [period])):
            text.columns.pop(name or "", None)
    elif (date := next((name for name in _DATES if name in names), None)) and "period" not in names:
        if "period" in keys:
            ours[date] = "period"
        else:
            _first_moment(text, date)
    text.columns = {ours.get(name, name): cells for name, cells in text.columns.items()}


def _first_moment(text: TextTable, date: str) -> None:
    """Keep the rows of the earliest date, which is the next period's where all series are forecast from one origin."""
    cells = text.columns[date]
    if len({len(cell) for cell in cells}) == 1:  # dates written alike sort as they are
        first = min(cells)
        text.keep(i for i, cell in enumerate(cells) if cell == first)
        text.columns.pop(date)
