"""Forecast tables of a backtest to arrays: who forecast what, when, for which item, at which quantile levels.

A row is one item at one origin (the period of the decision: the first period forecast), of the whole interval that the
decision needs, or (column ``horizon`` or ``period``) of one period of it. Models are told apart by the column
``model``, by the column names (``AutoETS-q-10``, ``Theta-lo-90``), or by the file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from capacity_opt.demand.quantiles import QuantileDemand
from capacity_opt.scenario.problems import Problems, shown
from capacity_opt.scenario.quantile_columns import level_of, point_forecasts
from capacity_opt.scenario.schema import NAN, NOTE, Column, TableSchema
from capacity_opt.scenario.tables import TextTable
from capacity_opt.scenario.typed import Context, TypedTable, typed

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

ITEM = Column("item", "text", "item")
LOCATION = Column("location", "text", "where it is stocked", default="")
KEYS = (
    Column("model", "text", "model; default: from the column names, or the file's name", default=""),
    ITEM,
    LOCATION,
    Column("origin", "text", "period of the decision, the first period forecast", default=""),
    Column("cutoff", "text", "in the place of origin: the last period that was known", default=""),
    Column("horizon", "number", "how many periods from the origin, 1 = the origin's own; blank: the whole interval",
           default=NAN, rule="positive"),
    Column("period", "text", "in the place of horizon: the period forecast", default=""),
)  # fmt: skip
SCHEMA = TableSchema("forecasts", "quantile forecasts issued in the past ([backtest]); quantile columns as in demand",
                     (), (*KEYS, NOTE))  # fmt: skip
_MODEL = re.compile(r"(.+)-(?:q|lo|hi)-\d+(?:\.\d+)?")
DRAWS = 512


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where forecasts go: positions by name of ``items`` (item, location) and ``periods``; ``first`` period of
    decisions; ``span`` periods summed, beginning ``ahead`` periods after the origin; ``autocorrelation`` of the sum."""

    items: Mapping[tuple[str, str], int]
    periods: Mapping[str, int]
    ahead: int
    span: int
    review: int
    autocorrelation: float


@dataclass(frozen=True, kw_only=True)
class Issued:
    """One model: ``levels`` (L,); ``values`` (n, T, L), NaN where nothing was issued."""

    levels: Array
    values: Array


def read_forecasts(text: TextTable, layout: Layout, context: Context) -> dict[str, Issued]:
    """The models of one table; faults are noted in the context."""
    problems = context.problems
    for name in point_forecasts(text.columns) - {column.name for column in KEYS}:
        del text.columns[name]
    found: dict[str, dict[float, str]] = {}
    for name in text.columns:
        level = level_of(name)
        if level is not None:
            model = _MODEL.fullmatch(name)
            found.setdefault(model[1] if model else "", {})[level] = name
    columns = [Column(name, "number", "quantile", rule="any") for group in found.values() for name in group.values()]
    table = typed(text, TableSchema("forecasts", "forecasts", (), (*KEYS, *columns, NOTE)), context)
    if not found or any(len(group) < 2 or not all(0 < level < 1 for level in group) for group in found.values()):
        told = "needs at least two quantile columns of each model, with levels between 0 and 1"
        problems.error("E234", text.file, told, row=1, fix="Name them p10, p50, p90 or MODEL-q-10")
    places = _places(table, layout, problems)
    if places is None:
        return {}
    models: dict[str, Issued] = {}
    for prefix, group in found.items():
        levels = np.array(sorted(group))
        values = np.column_stack([table.numbers[group[level]] for level in levels])
        for name, chosen in _by_model(table, prefix).items():
            issued = _gathered(table, places, np.sort(values, axis=1), chosen, (layout, levels, name), problems)
            models[name] = Issued(levels=levels, values=issued)
    return models


def _by_model(table: TypedTable, prefix: str) -> dict[str, NDArray[np.intp]]:
    named = [name.strip() for name in table.texts["model"]]
    stem = Path(table.file.partition("#")[0]).stem
    full = np.array(["/".join(filter(None, (name, prefix))) or stem for name in named])
    return {str(name): np.flatnonzero(full == name) for name in dict.fromkeys(full.tolist())}


@dataclass(frozen=True)
class _Places:
    """Per row: item, origin (index of a period), step (horizon - 1; -1: the whole interval)."""

    item: IntArray
    origin: IntArray
    step: IntArray


def _places(table: TypedTable, layout: Layout, problems: Problems) -> _Places | None:
    item = np.full(len(table), -1, dtype=np.int64)
    origin = np.full(len(table), -1, dtype=np.int64)
    step = np.where(np.isnan(table.numbers["horizon"]), 0, table.numbers["horizon"]).astype(np.int64) - 1
    after = np.array([bool(cell.strip()) for cell in table.texts["cutoff"]])
    periods = dict(layout.periods)
    for row in range(len(table)):
        key = table.texts["item"][row].strip(), table.texts["location"][row].strip()
        item[row] = layout.items.get(key, -1)
        if item[row] < 0:
            _unknown(table, row, "item", table.texts["item"][row], problems)
        cell = "cutoff" if after[row] else "origin"
        text = table.texts[cell][row].strip()
        if text not in periods:
            _unknown(table, row, cell, text, problems)
            continue
        origin[row] = periods[text] + int(after[row])
        target = table.texts["period"][row].strip()
        if target and step[row] < 0:
            step[row] = periods.get(target, len(periods) + layout.span) - origin[row]
    return None if problems.failed else _Places(item, origin, step)


def _unknown(table: TypedTable, row: int, column: str, value: str, problems: Problems) -> None:
    rule = "is blank" if not value else f"is no {'item' if column == 'item' else 'period'} of the history"
    fix = "Write the first period forecast (origin) or the last known (cutoff)" if column != "item" else "Check the id"
    problems.error("E208", table.file, rule, value=shown(value), row=table.rows[row], column=column, fix=fix)


def _gathered(
    table: TypedTable,
    places: _Places,
    values: Array,
    chosen: NDArray[np.intp],
    what: tuple[Layout, Array, str],
    problems: Problems,
) -> Array:
    """(n, T, L) quantiles of one model over the interval, NaN where it issued none."""
    layout, levels, _ = what
    shape = len(layout.items), len(layout.periods), len(levels)
    chosen = chosen[places.origin[chosen] < shape[1]]
    step = places.step[chosen]
    if np.all(step < 0):
        whole = np.full(shape, np.nan)
        _note_doubled(table, places, chosen, problems)
        whole[places.item[chosen], places.origin[chosen]] = values[chosen]
        return whole
    steps = np.full((layout.span, *shape), np.nan)
    inside = (step >= layout.ahead) & (step < layout.ahead + layout.span)
    rows = chosen[inside]
    _note_doubled(table, places, rows, problems)
    steps[step[inside] - layout.ahead, places.item[rows], places.origin[rows]] = values[rows]
    return summed_quantiles(steps, levels, layout.autocorrelation)


def _note_doubled(table: TypedTable, places: _Places, rows: NDArray[np.intp], problems: Problems) -> None:
    keys = np.stack([places.item[rows], places.origin[rows], places.step[rows]])
    _, first, counts = np.unique(keys, axis=1, return_index=True, return_counts=True)
    if np.any(counts > 1):
        at = int(rows[first[int(np.argmax(counts > 1))]])
        told = f"{int((counts > 1).sum())} forecasts are given more than once, first that of row {table.rows[at]}"
        problems.error("E210", table.file, told, row=table.rows[at], fix="Keep one per model, item, origin and horizon")


def summed_quantiles(steps: Array, levels: Array, autocorrelation: float) -> Array:
    """Quantiles of the sum of the periods ``steps`` (H, ..., L), tied by an AR(1) Gaussian copula: the sum of quantiles
    is not the quantile of the sum. NaN where a period is missing.

    >>> two = np.array([[[8.0, 10, 12]], [[8.0, 10, 12]]])
    >>> summed_quantiles(two, np.array([0.1, 0.5, 0.9]), 1.0).round(1)
    array([[16., 20., 24.]])
    >>> summed_quantiles(two, np.array([0.1, 0.5, 0.9]), 0.0).round(0)
    array([[17., 20., 23.]])
    """
    if len(steps) == 1:
        return np.asarray(steps[0])
    chances = _stratified(len(steps), autocorrelation)
    shape, count = steps.shape[1:], len(levels)
    rows = steps.reshape(len(steps), -1, count)
    there = ~np.isnan(rows).any(axis=(0, 2))
    found = np.full((rows.shape[1], count), np.nan)
    wanted = np.flatnonzero(there)
    for start in range(0, len(wanted), 20_000):
        some = wanted[start : start + 20_000]
        total = np.zeros((DRAWS, len(some)))
        for step, row in enumerate(rows):
            demand = QuantileDemand(levels, row[some])
            for draw in range(DRAWS):
                total[draw] += demand.quantile(chances[draw, step])
        found[some] = np.quantile(total, levels, axis=0, method="hazen").T
    return found.reshape(shape)


def _stratified(periods: int, autocorrelation: float) -> Array:
    """(DRAWS, periods) levels whose normals follow an AR(1); each period's levels are evenly spread."""
    rng = np.random.default_rng(20260101)
    normal = rng.standard_normal((DRAWS, periods))
    for t in range(1, periods):
        normal[:, t] = autocorrelation * normal[:, t - 1] + np.sqrt(1 - autocorrelation**2) * normal[:, t]
    rank = np.argsort(np.argsort(normal, axis=0, kind="stable"), axis=0, kind="stable")
    return np.asarray((rank + 0.5) / DRAWS)
