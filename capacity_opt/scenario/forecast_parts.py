"""Forecasts of a bucket of series: history in, quantiles out, the task of a distributed run."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from capacity_opt.errors import ArgumentError
from capacity_opt.executor import Executor, executor_named
from capacity_opt.forecast.batch import forecast_quantiles
from capacity_opt.forecast.history import History
from capacity_opt.forecast.quantile_forecast import QuantileForecast
from capacity_opt.forecast.stream.layout import DEFAULT_LEVELS, StreamSettings
from capacity_opt.forecast.stream.state import StreamState
from capacity_opt.forecast.totals import forecast_totals
from capacity_opt.scenario.calendar_periods import calendar_of
from capacity_opt.scenario.observations import observations_of
from capacity_opt.scenario.partitions import PartsDone, Tell, map_partitions
from capacity_opt.scenario.problems import Problems
from capacity_opt.scenario.stream_files import write_forecasts


def _stream(
    history: History, horizon: int, levels: Sequence[float], season: int | None, cumulative: bool
) -> QuantileForecast:
    settings = StreamSettings(levels=levels, season_length=season or 1)
    return StreamState.from_history(history, settings, horizon=horizon).forecast(horizon, cumulative=cumulative)


def _combination(
    history: History, horizon: int, levels: Sequence[float], season: int | None, cumulative: bool
) -> QuantileForecast:
    if cumulative:
        return forecast_totals(history, horizon, levels=levels, season=season)
    return forecast_quantiles(history, horizon, levels=levels, season=season)


def _totals(
    history: History, horizon: int, levels: Sequence[float], season: int | None, cumulative: bool
) -> QuantileForecast:
    if not cumulative:
        raise ArgumentError("model totals forecasts running totals only: ask for them (--total)")
    return forecast_totals(history, horizon, levels=levels, season=season)


MODELS: dict[str, Callable[..., QuantileForecast]] = {
    "combination": _combination,
    "stream": _stream,
    "totals": _totals,
}


def forecast_partitions(
    source: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    horizon: int,
    levels: Sequence[float] = DEFAULT_LEVELS,
    season: int | None = None,
    cumulative: bool = False,
    model: str = "combination",
    period: str = "step",
    duplicates: str = "error",
    executor: Executor | str = "serial",
    workers: int = 0,
    tell: Tell = lambda _: None,
) -> PartsDone:
    """Forecast every series of a folder of buckets (:func:`~capacity_opt.write_buckets`) into parts of the same names.

    ``model``: ``"combination"``, the batch engine of :func:`~capacity_opt.forecast_quantiles`, with ``cumulative`` the
    lead-time totals of :func:`~capacity_opt.forecast_totals` (``"totals"`` asks for those by name), or ``"stream"``,
    the quicker smoothing and quantile trackers of :class:`~capacity_opt.StreamState`. Without ``season`` the first
    looks for one and the last has none. ``executor`` ``serial``, ``processes``, ``dask``, ``ray``, or one of your own;
    the answer does not depend on it. Started again,
    it goes on where it was.
    """
    if model not in MODELS:
        raise ArgumentError(f"model must be one of {', '.join(MODELS)}, got {model!r}")
    calendar_of(period)
    options = {"horizon": horizon, "levels": list(levels), "season": season, "cumulative": cumulative, "model": model,
               "period": period, "duplicates": duplicates}  # fmt: skip
    where = executor_named(executor, workers) if isinstance(executor, str) else executor
    return map_partitions(forecast_part, source, out, executor=where, options=options, tell=tell)


def forecast_part(
    source: Path,
    target: Path,
    *,
    horizon: int,
    levels: Sequence[float],
    season: int | None,
    cumulative: bool,
    model: str,
    period: str,
    duplicates: str,
) -> dict[str, Any]:
    """The task: one file of history to one file of quantiles."""
    problems = Problems()
    found = observations_of(source, calendar_of(period), problems)
    history = found.history(problems, duplicates=duplicates)
    problems.raise_if_any()
    made = MODELS[model](history, horizon, levels, season, cumulative)
    rows = write_forecasts([made], target, format="parquet")
    return {"series": history.count, "observations": len(found.values), "rows": rows}
