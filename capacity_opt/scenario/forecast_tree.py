"""A table of history with the keys of a hierarchy to quantiles of every node, and to sample paths that add up."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import ArgumentError, Problem, RunFolderError
from capacity_opt.forecast.batch import LEVELS
from capacity_opt.forecast.hierarchy import Hierarchy, HierarchyForecast, Method, forecast_hierarchy
from capacity_opt.scenario.calendar_periods import calendar_of, period_starts
from capacity_opt.scenario.observations import FIRST_ROW, MOST_SHOWN, NAMES, read_arrow, read_observations
from capacity_opt.scenario.problems import Problems, shown
from capacity_opt.scenario.spec_forecast import LibraryModel
from capacity_opt.scenario.stream_files import write_forecasts

Tell = Callable[[str], None]
IntArray = NDArray[np.int64]


def forecast_tree(
    history: Path,
    by: Sequence[str],
    horizon: int,
    *,
    out: Path,
    paths: Path | None = None,
    count: int = 1000,
    seed: int = 0,
    method: Method = "mint",
    named: float | Sequence[str] = 0.8,
    models: Sequence[LibraryModel] = (),
    levels: Sequence[float] | None = None,
    season: Sequence[int] | None = None,
    cumulative: bool = False,
    period: str = "step",
    time_zone: str = "UTC",
    columns: dict[str, str] | None = None,
    duplicates: str = "error",
    tell: Tell = lambda _: None,
) -> tuple[dict[str, Any], tuple[Problem, ...]]:
    """Forecast the long table ``history`` whose columns ``by`` (coarse to fine) say what adds up to what.

    Writes quantiles of every node to ``out`` and, if asked, ``count`` paths of the series to ``paths`` (``unique_id,
    ds, sample, value``). ``models`` forecast chosen nodes by a library's model. Returns what to tell, and the remarks
    on the file.
    """
    problems = Problems()
    found = read_observations(history, calendar_of(period, time_zone), problems, columns=columns)
    labels = _labels(history, by, columns or {}, problems)
    problems.raise_if_any()
    assert found is not None
    assert labels is not None
    series = found.history(problems, duplicates=duplicates)
    problems.raise_if_any()
    tree = Hierarchy.of(series.ids, {key: [labels[str(name)][k] for name in series.ids] for k, key in enumerate(by)})
    tell(f"forecasting {len(tree.names):,} nodes")
    asked = levels or LEVELS
    forecaster = None
    if models:
        from capacity_opt.scenario.library_joint import library_forecaster

        forecaster = library_forecaster(models, horizon, levels=asked, season=season, place="--model")
    made = forecast_hierarchy(
        series, horizon, tree, method=method, named=named, levels=asked, season=season, forecaster=forecaster
    )
    told = made.quantiles(asked, count=count, seed=seed, cumulative=cumulative)
    rows = write_forecasts([told], out, tell)
    if paths is not None:
        _write_paths(made, series.ids, paths, count, seed)
    about: dict[str, Any] = {"nodes": len(tree.names), "series": series.count, "rows": rows, "method": method}
    about |= {"library": made.library} if made.library else {}
    about |= {key: told for key, told in made.base.period.provenance.items() if key.startswith("series_by_")}
    return about, problems.warnings


def _labels(path: Path, by: Sequence[str], columns: dict[str, str], problems: Problems) -> dict[str, list[str]] | None:
    """The keys of every series; a series with two labels of one key is a fault with its row."""
    table = read_arrow(path, Problems())
    if table is None:
        return None
    wanted = (columns["series"],) if "series" in columns else NAMES["series"]
    series = next((name for name in wanted if name in table.column_names), None)
    missing = [name for name in by if name not in table.column_names]
    for name in missing:
        problems.error("E234", path.name, f"has no column {name} of the hierarchy", row=1,
                       fix=f"Have {', '.join(table.column_names[:12])}")  # fmt: skip
    if missing or series is None:
        return None
    if not _all_told(table, by, path.name, problems):
        return None
    frame = table.select([series, *by]).to_pandas(ignore_metadata=True).astype(str)
    first = frame.drop_duplicates(series).set_index(series)
    for name in by:
        other = np.flatnonzero(frame[name].to_numpy() != first[name].reindex(frame[series]).to_numpy())
        if len(other):
            row = int(other[0])
            problems.error("E210", path.name, f"series {shown(frame[series][row])} has two labels of {name}: "
                           f"{shown(first[name][frame[series][row]])} before",
                           value=shown(frame[name][row]), row=row + FIRST_ROW, column=name,
                           fix="A series belongs to one node of each level: give its parts their own ids")  # fmt: skip
    return {name: list(labels) for name, labels in zip(first.index, first.itertuples(index=False))}


def _all_told(table: Any, by: Sequence[str], file: str, problems: Problems) -> bool:
    """Whether no key is blank; faults are noted."""
    for name in by:
        blank = np.flatnonzero(table[name].is_null().to_numpy())
        for row in blank[:MOST_SHOWN]:
            problems.error("E215", file, f"is blank ({len(blank)} such rows)", row=int(row) + FIRST_ROW,
                           column=name, fix=f"Write the {name} that the series belongs to")  # fmt: skip
    return not any(table[name].null_count for name in by)


def _write_paths(made: HierarchyForecast, ids: NDArray[np.str_], out: Path, count: int, seed: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    paths = made.sample(count, seed=seed)
    horizon = paths.shape[2]
    if out.suffix.lower() != ".parquet":
        raise ArgumentError(f"paths are written as Parquet, got {out.name}. Name it {out.stem}.parquet")
    moments = period_starts(made.base.period.origin.max() + np.arange(1, horizon + 1), made.base.calendar)
    cells = len(ids) * horizon
    names = pa.DictionaryArray.from_arrays(
        np.tile(np.repeat(np.arange(len(ids), dtype=np.int32), horizon), count), pa.array(ids, type=pa.string())
    )
    table = pa.table(
        {
            "unique_id": names.cast(pa.string()),
            "ds": pa.array(np.tile(moments, count * len(ids))),
            "sample": pa.array(np.repeat(np.arange(count, dtype=np.int32), cells)),
            "value": pa.array(paths.ravel()),
        }
    )
    partial = out.with_name(f".partial-{out.name}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, partial, compression="zstd")
        os.replace(partial, out)
    except OSError as error:
        raise RunFolderError(f"{out}: {error.strerror or error}. Nothing was changed") from error
    finally:
        partial.unlink(missing_ok=True)
