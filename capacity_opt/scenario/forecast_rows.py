"""Forecasts of other tools, in whatever shape they write them, as rows with a column per level."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from capacity_opt.scenario.forecast_cells import ROW, ids_of, levels_of, numbers_of, period_starts_of
from capacity_opt.scenario.observations import FIRST_ROW, read_arrow
from capacity_opt.scenario.problems import Problems, shown
from capacity_opt.scenario.quantile_columns import level_of, model_of

SERIES = ("unique_id", "item_id", "series", "series_id", "id", "item")
MOMENT = ("ds", "timestamp", "period", "date", "time", "start")
ORIGIN = ("cutoff", "origin", "forecast_date")
LEVEL = ("level", "quantile", "quantile_level")
VALUE = ("value", "prediction", "predictions", "forecast", "y_hat")
SAMPLE = ("sample", "sample_id", "path")
MOST_SHOWN = 10
DEFAULT_SAMPLE_LEVELS = (0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975, 0.99)


def read_rows(
    path: Path, problems: Problems, *, model: str | None, sample_levels: Sequence[float] = DEFAULT_SAMPLE_LEVELS
) -> Any:
    """A data frame ``unique_id, ds, [cutoff], _row`` and a float column per level; ``None`` with faults noted.

    Read are: Nixtla (``Model-lo-90``, ``Model-q-10``), AutoGluon and Chronos (``0.1``), ``p10``, long form (``level,
    value``), samples (``sample, value``, or ``sample_0 ...``), and GluonTS / SageMaker JSON lines with ``quantiles`` or
    ``samples``.
    """
    frame = _json_lines(path, problems) if path.suffix.lower() in (".json", ".jsonl", ".ndjson") else None
    if frame is None and not problems.failed:
        table = read_arrow(path, problems)
        frame = None if table is None else table.to_pandas(ignore_metadata=True)
    if frame is None:
        return None
    frame = frame.rename(columns=str)
    there = list(frame.columns)
    if ROW not in frame:
        frame[ROW] = np.arange(len(frame)) + FIRST_ROW
    names = [_named(frame, usual) for usual in (SERIES, MOMENT, ORIGIN)]
    for name, usual, what in ((names[0], SERIES, "the series"), (names[1], MOMENT, "the period forecast")):
        if name is None:
            problems.error("E234", path.name, f"has no column of {what}", row=1,
                           fix=_name_it(usual[0], there))  # fmt: skip
    if problems.failed:
        return None
    keep = {names[0]: "unique_id", names[1]: "ds"} | ({names[2]: "cutoff"} if names[2] else {})
    frame = frame.rename(columns=keep)
    frame = ids_of(frame, path.name, problems)
    return _with_levels(frame, path.name, problems, model, tuple(sample_levels))


def _name_it(usual: str, there: list[str]) -> str:
    if len(there) == 1 and ";" in there[0]:
        return "Its fields are separated by semicolons: write commas, and decimal points"
    return f"Name it {usual}. Have {', '.join(name for name in there[:12] if name != ROW)}"


def _named(frame: Any, usual: Sequence[str]) -> str | None:
    return next((name for name in usual if name in frame.columns), None)


def _with_levels(frame: Any, file: str, problems: Problems, model: str | None, sample_levels: tuple[float, ...]) -> Any:
    keys = [name for name in ("unique_id", "cutoff", "ds") if name in frame.columns]
    level, value, sample = (_named(frame, usual) for usual in (LEVEL, VALUE, SAMPLE))
    draws = [name for name in frame.columns if name.startswith("sample_") and name[7:].isdigit()]
    if level and value:
        frame = numbers_of(levels_of(frame, level, file, problems), [value], file, problems)
        if problems.failed or _given_twice(frame, [*keys, level], file, problems):
            return None
        wide = frame.pivot(index=keys, columns=level, values=value)
        first = frame.groupby(keys, sort=False)[ROW].min()
        return wide.rename(columns=float).assign(**{ROW: first}).reset_index()
    if sample or draws:
        frame = numbers_of(frame, [value] if sample and value else draws, file, problems)
        if frame is not None:
            _whole_samples(frame, [value] if sample and value else draws, file, problems)
        if problems.failed:
            return None
    if sample and value:
        wide = frame.groupby(keys, sort=False)[value].quantile(list(sample_levels)).unstack()
        return wide.assign(**{ROW: frame.groupby(keys, sort=False)[ROW].min()}).reset_index()
    if draws:
        quantiles = np.quantile(frame[draws].to_numpy(float), sample_levels, axis=1).T
        wide = frame[[*keys, ROW]].copy()
        wide[list(sample_levels)] = quantiles
        return wide
    return _quantile_columns(frame, keys, file, problems, model)


def _quantile_columns(frame: Any, keys: list[str], file: str, problems: Problems, model: str | None) -> Any:
    found = {name: level for name in frame.columns if (level := level_of(name)) is not None}
    models = sorted({name for column in found if (name := model_of(column))})
    if model is not None or len(models) > 1:
        if model not in models:
            told = f"has no model {shown(model)}" if model else f"holds forecasts of {len(models)} models"
            problems.error(
                "E233", file, told, row=1, fix=f"Choose one with --model: {', '.join(models) or 'none named'}"
            )
            return None
        found = {column: level for column, level in found.items() if model_of(column) == model}
    by_level: dict[float, str] = {}
    for column, level in found.items():
        if level in by_level:
            told = f"columns {by_level[level]} and {column} are both the {level:g} quantile"
            problems.error("E233", file, told, row=1, fix="Keep one")
        elif not 0 < level < 1:
            problems.error("E201", file, "a quantile's level must be between 0 and 1", row=1, column=column,
                           fix="Write a level such as p99")  # fmt: skip
        by_level[level] = column
    if len(by_level) < 2 and not problems.failed:
        problems.error("E234", file, f"needs at least two quantile columns, has {len(by_level)}", row=1,
                       fix="A point forecast says nothing of the spread: ask the tool for quantiles, "
                       "named p10, 0.1, q10, Model-lo-90 or Model-q-10")  # fmt: skip
    if problems.failed:
        return None
    frame = numbers_of(frame, list(by_level.values()), file, problems)
    if frame is None:
        return None
    told = frame[[*keys, ROW, *by_level.values()]].rename(columns={name: level for level, name in by_level.items()})
    told.attrs["columns"] = by_level
    return told


def _whole_samples(frame: Any, columns: list[str], file: str, problems: Problems) -> None:
    """A sample that is missing or infinite would be left out of the quantiles without a word."""
    bad = ~np.isfinite(frame[columns].to_numpy(dtype=float))
    for place in np.flatnonzero(bad.any(axis=1))[:MOST_SHOWN]:
        which = int(bad[place].argmax())
        problems.error("E205", file, f"samples must be finite ({int(bad.sum())} are not)", column=columns[which],
                       value=str(frame[columns[which]].iloc[place]), row=int(frame[ROW].iloc[place]),
                       fix="Draw the series again, or leave it out")  # fmt: skip


def _given_twice(frame: Any, keys: list[str], file: str, problems: Problems) -> bool:
    twice = frame[frame.duplicated(keys)]
    if len(twice):
        told = " ".join(str(twice.iloc[0][name]) for name in keys)
        problems.error("E210", file, f"{told} is given twice ({len(twice)} such rows)", row=int(twice.iloc[0][ROW]),
                       fix="Keep one")  # fmt: skip
    return bool(len(twice))


def _json_lines(path: Path, problems: Problems) -> Any:
    """GluonTS and SageMaker: a line per series, ``item_id, start, quantiles: {"0.1": [...]}`` or ``samples``."""
    import pandas as pd

    rows: list[dict[str, Any]] = []
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        problems.error("E235", path.name, f"cannot be read: {error}", fix="Write it as UTF-8 JSON lines")
        return None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            rows += _unrolled(json.loads(line), number)
        except (ValueError, KeyError, TypeError) as error:
            problems.error("E235", path.name, f"is no forecast: {str(error).splitlines()[0][:160]}", row=number,
                           fix='Write {"item_id": ..., "start": ..., "quantiles": {"0.1": [...]}}')  # fmt: skip
    if not rows and not problems.failed:
        problems.error("E235", path.name, "has no forecasts", fix="Write one JSON object per line")
    return None if problems.failed else pd.DataFrame(rows)


def _unrolled(body: dict[str, Any], number: int) -> list[dict[str, Any]]:
    """The periods of one series; without ``start`` or ``freq`` they are numbered from 1."""
    if not isinstance(body, dict):
        raise TypeError("a line must be an object")
    name = next((str(body[key]) for key in SERIES if body.get(key) is not None), None)
    if name is None:
        raise ValueError("no item_id")
    if "samples" not in body and "quantiles" not in body:
        raise ValueError(f"series {name!r} has neither quantiles nor samples")
    if "samples" in body:
        draws = np.asarray(body["samples"], dtype=float)
        columns = {f"sample_{k}": draw for k, draw in enumerate(draws)}
    else:
        columns = {level: np.asarray(path, dtype=float) for level, path in body["quantiles"].items()}
    length = len(next(iter(columns.values())))
    if any(len(path) != length for path in columns.values()):
        raise ValueError("paths of unequal length")
    when: Any = np.arange(1, length + 1)
    if "start" in body and "freq" in body:
        when = period_starts_of(str(body["start"]), length, str(body["freq"]))
    return [
        {"unique_id": name, "ds": moment, ROW: number, **{key: path[h] for key, path in columns.items()}}
        for h, moment in enumerate(when)
    ]
