"""Files to a store of streaming forecasts and back: start it from history, take up observations, write quantiles."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from capacity_opt.errors import Problem, RunFolderError
from capacity_opt.forecast.quantile_forecast import QuantileForecast
from capacity_opt.forecast.stream.layout import LONGEST_GAP, StreamSettings
from capacity_opt.forecast.stream.state import StreamState, StreamUpdate
from capacity_opt.forecast.stream.store import StreamStore
from capacity_opt.scenario.calendar_periods import calendar_of, period_starts
from capacity_opt.scenario.observations import FIRST_ROW, observations_of
from capacity_opt.scenario.problems import Problems, did_you_mean, shown

MOST_UNKNOWN = 10
Tell = Callable[[str], None]


@dataclass(frozen=True)
class StreamTold:
    """What an update did: its counts, ids that were added or left out, and remarks on the file."""

    update: StreamUpdate
    added: int
    left_out: int
    period: int
    series: int
    drifting: int
    warnings: tuple[Problem, ...]


def start_stream(
    history: Path,
    out: Path,
    settings: StreamSettings,
    *,
    period: str = "step",
    time_zone: str = "UTC",
    columns: dict[str, str] | None = None,
    duplicates: str = "error",
    horizon: int = 28,
    keep: int = 1,
    engine: str = "auto",
) -> tuple[StreamStore, tuple[Problem, ...]]:
    """Read a long table of history, make the state and write it into the folder ``out``; with the remarks.

    Raises :class:`~capacity_opt.ScenarioError` with every fault of the table, and
    :class:`~capacity_opt.RunFolderError` where ``out`` cannot be written.
    """
    problems = Problems()
    found = observations_of(history, calendar_of(period, time_zone), problems, columns=columns)
    series = found.history(problems, duplicates=duplicates)
    problems.raise_if_any()
    state = StreamState.from_history(series, settings, horizon=horizon, engine=engine)
    return StreamStore.create(out, state, keep=keep), problems.warnings


def update_stream(
    store: StreamStore,
    observations: Path,
    *,
    new: str = "error",
    columns: dict[str, str] | None = None,
    furthest: int = LONGEST_GAP,
) -> StreamTold:
    """Take up a long table of observations as one version. ``new`` ids: ``"error"``, ``"add"`` or ``"ignore"``.

    A row more than ``furthest`` periods after the last one known is a fault: a mistyped date would move every forecast.
    """
    problems = Problems()
    found = observations_of(observations, store.version.calendar, problems, columns=columns)
    rows = store.positions(found.ids)
    unknown = rows < 0
    limit = store.version.period + furthest
    ahead = np.flatnonzero(found.periods > limit)
    if len(ahead) and store.version.period >= 0:
        first = int(ahead[0])
        problems.error(
            "E228", found.file, f"{len(ahead)} rows are more than {furthest} periods after the last one known",
            value=str(found.periods[first] - store.version.period), row=first + FIRST_ROW,
            fix="Mend the date, or raise --furthest",
        )  # fmt: skip
    if unknown.any() and new == "error":
        _tell_unknown(found.file, found.ids[unknown], found.codes, np.flatnonzero(unknown), store, problems)
    problems.raise_if_any()
    added = int(unknown.sum()) if new == "add" else 0
    if added:
        store.add(found.ids[unknown])
        rows = store.positions(found.ids)
    known = rows[found.codes] >= 0
    stock = None if found.in_stock is None else found.in_stock[known]
    told = store.update(rows[found.codes[known]], found.values[known], period=found.periods[known], in_stock=stock)
    drifting = int(np.count_nonzero(store.drift()))
    return StreamTold(told, added, int((~known).sum()), store.version.period, store.count, drifting, problems.warnings)


def _tell_unknown(file: str, names: Any, codes: Any, numbers: Any, store: StreamStore, problems: Problems) -> None:
    for name, number in list(zip(names, numbers))[:MOST_UNKNOWN]:
        row = int(np.flatnonzero(codes == number)[0]) + FIRST_ROW
        known = [str(other) for other in store.ids[:1000]]
        problems.error(
            "E209", file, f"no such series in the state ({len(names)} unknown ids in all)", value=shown(str(name)),
            row=row, fix=did_you_mean(str(name), known) or "Take new series up with --new add, or leave them out "
            "with --new ignore",
        )  # fmt: skip


def write_stream(
    store: StreamStore,
    out: Path,
    horizon: int,
    *,
    levels: Sequence[float] | None = None,
    cumulative: bool = False,
    ids: Sequence[str] | None = None,
    tell: Tell = lambda _: None,
) -> int:
    """Write quantiles of the coming periods as a wide table (``unique_id, ds, horizon, p10, ...``); the rows written.

    Parquet is written a block of series at a time, under a name of its own that is then changed: a kill leaves the
    file of before.
    """
    if ids is not None:
        parts = iter([store.forecast(horizon, levels=levels, cumulative=cumulative, ids=list(ids))])
    else:
        parts = store.forecasts(horizon, levels=levels, cumulative=cumulative)
    return write_forecasts(parts, out, tell)


def write_forecasts(parts: Any, out: Path, tell: Tell = lambda _: None, *, format: str | None = None) -> int:
    """Forecasts, one after the other, into one Parquet or CSV file (by its suffix, or ``format``); the rows written."""
    import pyarrow.parquet as pq
    from pyarrow import csv

    partial = out.with_name(f".partial-{out.name}")
    writer, rows = None, 0
    try:
        for part in parts:
            table = forecast_table(part)
            if writer is None:
                out.parent.mkdir(parents=True, exist_ok=True)
                if (format or out.suffix.lower().lstrip(".")) == "csv":
                    writer = csv.CSVWriter(partial, table.schema)
                else:
                    writer = pq.ParquetWriter(partial, table.schema, compression="zstd")
            writer.write_table(table)
            rows += table.num_rows
            tell(f"{rows:,} rows written")
        if writer is not None:
            writer.close()
            with open(partial, "rb") as file:
                os.fsync(file.fileno())
            os.replace(partial, out)
    except OSError as error:
        raise RunFolderError(f"{out}: {error.strerror or error}. Nothing was changed") from error
    finally:
        partial.unlink(missing_ok=True)
    return rows


def forecast_table(forecast: QuantileForecast) -> Any:
    """A forecast as an Arrow table: a row per series and period, a column per level, provenance in the metadata."""
    import pyarrow as pa

    count, horizon = forecast.count, forecast.horizon
    ahead = np.tile(np.arange(1, horizon + 1), count)
    periods = np.repeat(forecast.origin, horizon) + ahead
    columns: dict[str, Any] = {
        "unique_id": pa.DictionaryArray.from_arrays(
            np.repeat(np.arange(count, dtype=np.int32), horizon), pa.array(forecast.ids, type=pa.string())
        ).cast(pa.string()),
        "ds": pa.array(period_starts(periods, forecast.calendar)),
        "horizon": pa.array(ahead.astype(np.int32)),
    }
    for k, level in enumerate(forecast.levels):
        columns[f"p{100 * level:.10g}"] = pa.array(forecast.values[:, :, k].ravel())
    told = {"cumulative": str(forecast.cumulative).lower(), **forecast.provenance}
    return pa.table(columns).replace_schema_metadata({f"capacity_opt.{key}": value for key, value in told.items()})
