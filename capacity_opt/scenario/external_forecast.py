"""The door for forecasts made elsewhere, foundation models included: read, checked row by row, in canonical form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import Problem
from capacity_opt.forecast.history import PeriodCalendar
from capacity_opt.forecast.quantile_forecast import QuantileForecast
from capacity_opt.forecast.recalibrate import Recalibration, learn_recalibration
from capacity_opt.scenario.calendar_periods import calendar_of, floor_to_period, period_numbers
from capacity_opt.scenario.forecast_cells import ROW, moments_of
from capacity_opt.scenario.forecast_rows import DEFAULT_SAMPLE_LEVELS, read_rows
from capacity_opt.scenario.observations import Observations, read_observations
from capacity_opt.scenario.problems import Problems, did_you_mean, shown

Array = NDArray[np.float64]
MOST_SHOWN = 10
_LONG_AGO = np.datetime64("1900-01-01")
BY_HAND = ("exponential", "linear", "clamp")


@dataclass(frozen=True)
class ExternalForecast:
    """A forecast of another tool: ``forecast`` in canonical form, ``warnings`` with file and row, and what was learned
    for its recalibration, where that was asked for. One row per series, or per series and origin."""

    forecast: QuantileForecast
    warnings: tuple[Problem, ...]
    recalibration: Recalibration | None = None


def read_forecast(
    path: str | Path,
    *,
    period: str = "step",
    time_zone: str = "UTC",
    model: str | None = None,
    ids: Sequence[str] | None = None,
    horizon: int | None = None,
    service_level: float | None = None,
    tail: str | None = None,
    first_demand: str | None = None,
    sample_levels: Sequence[float] = DEFAULT_SAMPLE_LEVELS,
    calendar: PeriodCalendar | None = None,
) -> ExternalForecast:
    """Read and check a forecast file of any usual tool (see :func:`~capacity_opt.scenario.forecast_rows.read_rows`).

    ``period`` the length of a period (``hour``, ``day``, ``5min``; ``step`` where periods are numbers); ``model``
    which of several; ``ids`` the series that must be there, no more, no fewer; ``horizon`` the periods that must be
    there; ``service_level`` the quantile that will be asked: outside the levels it is a fault unless a ``tail`` rule
    (``exponential``, ``linear``, ``clamp``) is named; ``first_demand`` the first period that will be decided on: an
    origin at or after it has seen what it forecasts.

    Raises :class:`~capacity_opt.ScenarioError` with every fault: file, row, rule, value and fix.
    """
    problems, path = Problems(), Path(path)
    frame = read_rows(path, problems, model=model, sample_levels=sample_levels)
    problems.raise_if_any()
    levels = np.array(sorted(name for name in frame.columns if isinstance(name, float)))
    frame, base = numbered_rows(frame, calendar or calendar_of(period, time_zone), path.name, problems)
    problems.raise_if_any()
    _check_values(frame, levels, path.name, problems)
    _check_ids(frame, ids, path.name, problems)
    _check_leakage(frame, first_demand, base, path.name, problems)
    _check_levels(levels, service_level, tail, path.name, problems)
    values, names, origins = _cube(frame, levels, horizon, path.name, problems)
    problems.raise_if_any()
    _remark_shape(values, frame, path.name, problems)
    provenance = {"source": path.name, "model": model or "external", "crossing": "sorted"}
    forecast = QuantileForecast(levels, values, ids=names, origin=origins, calendar=base, provenance=provenance)
    return ExternalForecast(forecast, problems.warnings)


def recalibrate_forecast(
    found: ExternalForecast, past: str | Path, actuals: str | Path, *, period: str = "step", model: str | None = None
) -> ExternalForecast:
    """``found`` shifted by what earlier forecasts of the same tool (file ``past``, with a ``cutoff`` per origin where
    there are several) missed of the ``actuals`` (long table)."""
    learned = learned_from(past, actuals, calendar=found.forecast.calendar, period=period, model=model)
    return replace(found, forecast=learned.apply(found.forecast), recalibration=learned)


def learned_from(
    past: str | Path, actuals: str | Path, *, calendar: PeriodCalendar, period: str, model: str | None = None
) -> Recalibration:
    """What earlier forecasts (file ``past``) missed of the ``actuals``; faults of either file are told with their rows.

    Raises :class:`~capacity_opt.ArgumentError` where fewer than 30 of them came true.
    """
    if calendar.start is not None:  # the past is numbered from long ago, so that nothing is before its first period
        calendar = replace(calendar, start=floor_to_period(_LONG_AGO, calendar))
    earlier = read_forecast(past, period=period, model=model, calendar=calendar)
    problems = Problems()
    seen = read_observations(Path(actuals), earlier.forecast.calendar, problems)
    problems.raise_if_any()
    assert seen is not None
    return learn_recalibration(earlier.forecast, _actual(earlier.forecast, seen))


def _actual(past: QuantileForecast, seen: Observations) -> Array:
    """(n, H) what came, NaN where it is not in the table."""
    known = {str(name): number for number, name in enumerate(seen.ids)}
    width = int(seen.periods.max()) + 2
    lookup: dict[int, float] = dict(zip((seen.codes * width + seen.periods).tolist(), seen.values.tolist()))
    rows = np.array([known.get(str(name), -1) for name in past.ids])
    answer = np.full(past.values.shape[:2], np.nan)
    for h in range(past.horizon):
        keys = rows * width + past.origin + h + 1
        inside = (rows >= 0) & (past.origin + h + 1 < width)
        answer[inside, h] = [lookup.get(int(key), np.nan) for key in keys[inside]]
    return answer


def numbered_rows(frame: Any, calendar: PeriodCalendar, file: str, problems: Problems) -> tuple[Any, PeriodCalendar]:
    """``period`` of every row, ``origin`` from its cutoff or the period before the series' first one."""
    import pandas as pd

    frame = frame.copy()
    if pd.api.types.is_integer_dtype(frame["ds"]):
        frame["period"] = frame["ds"].astype(np.int64)
        cut = frame["cutoff"].astype(np.int64) if "cutoff" in frame else None
    else:
        if calendar.unit == "step":
            row = int(frame[ROW].iloc[0])
            problems.error("E228", file, "holds dates or times, but periods are only numbered", row=row, column="ds",
                           fix="Say how long a period is: hour, day, week, month, 5min ...")  # fmt: skip
            return frame, calendar
        moments = moments_of(frame, "ds", calendar.time_zone, file, problems)
        cuts = moments_of(frame, "cutoff", calendar.time_zone, file, problems) if "cutoff" in frame else None
        if moments is None or problems.failed:
            return frame, calendar
        if calendar.start is None:
            earliest = moments.min() if cuts is None else min(moments.min(), cuts.min())
            calendar = replace(calendar, start=floor_to_period(earliest, calendar))
        frame["period"] = period_numbers(moments, calendar)[0]
        cut = None if cuts is None else period_numbers(cuts, calendar)[0]
    if cut is None:
        frame["origin"] = frame.groupby("unique_id", sort=False)["period"].transform("min") - 1
        frame["told"] = False
    else:
        frame["origin"], frame["told"] = cut, True
    return frame, calendar


def _check_values(frame: Any, levels: Array, file: str, problems: Problems) -> None:
    table = frame[list(levels)].to_numpy(dtype=float, na_value=np.nan)
    bad = ~np.isfinite(table)
    names = frame.attrs.get("columns", {})
    for place in np.flatnonzero(bad.any(axis=1))[:MOST_SHOWN]:
        which, name = int(bad[place].argmax()), shown(frame["unique_id"].iloc[place])
        column = names.get(float(levels[which]), f"{levels[which]:g}")
        problems.error("E205", file, f"quantiles must be finite ({int(bad.sum())} are not)",
                       row=int(frame[ROW].iloc[place]), column=column, value=str(table[place, which]),
                       fix=f"Forecast series {name} again, or leave it out")  # fmt: skip
    crossing = (np.diff(table, axis=1) < 0).any(axis=1)
    if crossing.any():
        place = int(crossing.argmax())
        problems.warning("W212", file, f"{int(crossing.sum())} rows have crossing quantiles, repaired by sorting",
                         row=int(frame[ROW].iloc[place]), value=shown(frame["unique_id"].iloc[place]))  # fmt: skip
    same = (table[:, 0] == table[:, -1]) & (table[:, 0] > 0)
    if same.any():
        place = int(same.argmax())
        problems.warning("W214", file, f"{int(same.sum())} rows have the same value at every level: a point forecast, "
                         "or one that knows the future", row=int(frame[ROW].iloc[place]),
                         value=f"{table[place, 0]:g}")  # fmt: skip


def _check_ids(frame: Any, ids: Sequence[str] | None, file: str, problems: Problems) -> None:
    if ids is None:
        return
    there = dict(zip(frame["unique_id"][::-1], frame[ROW][::-1]))
    wanted = {str(name) for name in ids}
    unknown = [name for name in there if name not in wanted]
    for name in unknown[:MOST_SHOWN]:
        problems.error("E209", file, f"no such series is planned ({len(unknown)} unknown ids in all)",
                       row=int(there[name]), value=shown(name),
                       fix=did_you_mean(name, list(wanted)[:1000]))  # fmt: skip
    missing = sorted(wanted - set(there))
    if missing:
        told = ", ".join(map(shown, missing[:MOST_SHOWN]))
        problems.error("E227", file, f"{len(missing)} series have no forecast: {told}", fix="Forecast them, or leave "
                       "them out of the plan")  # fmt: skip


def _check_leakage(
    frame: Any, first_demand: str | None, calendar: PeriodCalendar, file: str, problems: Problems
) -> None:
    late = frame[frame["told"] & (frame["origin"] >= frame["period"])]
    if len(late):
        problems.error("E229", file, f"{len(late)} rows have an origin at or after the period they forecast: they have "
                       "seen it", row=int(late[ROW].iloc[0]), column="cutoff",
                       fix="The cutoff must be the last period known when the forecast was made")  # fmt: skip
    if first_demand is None:
        return
    if calendar.start is None:
        limit = int(first_demand)
    else:
        limit = int(period_numbers(np.array([first_demand], dtype="datetime64[us]"), calendar)[0][0])
    first = frame.loc[frame["period"].idxmin()]
    if first["period"] > limit:
        problems.error("E227", file, f"begins {int(first['period'] - limit)} periods after the first demand decided on "
                       f"({first_demand})", row=int(first[ROW]), column="ds", value=shown(str(first["ds"])),
                       fix="Forecast from there on")  # fmt: skip
    leaking = frame[frame["told"] & (frame["origin"] >= limit)]
    if len(leaking):
        problems.error("E229", file, f"{len(leaking)} rows were forecast from an origin at or after the first demand "
                       f"decided on ({first_demand}): leakage", row=int(leaking[ROW].iloc[0]), column="cutoff",
                       fix="Forecast from the last period before it")  # fmt: skip


def _check_levels(levels: Array, asked: float | None, tail: str | None, file: str, problems: Problems) -> None:
    if asked is None or levels[0] <= asked <= levels[-1] or tail in BY_HAND:
        return
    problems.error("E231", file, f"the asked service level {asked:g} is outside the levels {levels[0]:g} to "
                   f"{levels[-1]:g}", row=1, fix="Ask the forecaster for that level, or name a tail rule: "
                   f"{', '.join(BY_HAND)}")  # fmt: skip


def _cube(
    frame: Any, levels: Array, horizon: int | None, file: str, problems: Problems
) -> tuple[Array, NDArray[np.str_], NDArray[np.int64]]:
    """(n, H, m) values, each row's id and origin; gaps and rows given twice are faults."""
    ahead = (frame["period"] - frame["origin"]).to_numpy()
    steps = int(ahead.max()) if horizon is None else horizon
    groups = frame.groupby(["unique_id", "origin"], sort=False).ngroup().to_numpy()
    count = int(groups.max()) + 1
    place = np.full((count, max(steps, 1)), -1)
    inside = (ahead >= 1) & (ahead <= steps)
    place[groups[inside], ahead[inside] - 1] = np.flatnonzero(inside)
    twice = int(inside.sum()) - int((place >= 0).sum())
    if twice:
        keys = frame[inside].duplicated(["unique_id", "origin", "period"])
        row = frame[inside][keys].iloc[0]
        problems.error("E210", file, f"series {shown(row['unique_id'])} has {row['ds']} twice ({twice} such rows)",
                       row=int(row[ROW]), fix="Keep one")  # fmt: skip
    first = np.zeros(count, dtype=int)
    first[groups[::-1]] = np.arange(len(groups))[::-1]
    gaps = np.argwhere(place < 0)
    for group, h in gaps[:MOST_SHOWN]:
        name = frame["unique_id"].iloc[first[group]]
        problems.error("E227", file, f"series {shown(name)} has no forecast {h + 1} periods ahead ({len(gaps)} gaps "
                       "in all)", row=int(frame[ROW].iloc[first[group]]),
                       fix="Forecast every period up to the horizon")  # fmt: skip
    values = frame[list(levels)].to_numpy(dtype=float, na_value=np.nan)[np.maximum(place, 0)]
    return values, frame["unique_id"].to_numpy().astype(np.str_)[first], frame["origin"].to_numpy()[first]


def _remark_shape(values: Array, frame: Any, file: str, problems: Problems) -> None:
    negative = int((values < 0).any(axis=2).sum())
    if negative:
        row = frame[ROW].iloc[0]
        problems.warning("W213", file, f"{negative} rows have quantiles below 0; demand uses 0 there", row=int(row))
    flat = (values == values[:1]).all() and len(values) > 1
    if flat:
        problems.warning("W214", file, f"all {len(values)} series have identical quantiles: was one forecast copied?")
