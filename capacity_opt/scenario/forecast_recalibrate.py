"""``[demand] recalibrate``: quantiles of another tool, shifted by what its earlier forecasts missed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from capacity_opt.errors import ArgumentError, ScenarioError
from capacity_opt.forecast.recalibrate import Recalibration
from capacity_opt.scenario.calendar_periods import calendar_of, floor_to_period
from capacity_opt.scenario.demand_rows import DemandRows
from capacity_opt.scenario.external_forecast import learned_from
from capacity_opt.scenario.load import Source
from capacity_opt.scenario.spec import Recalibrate
from capacity_opt.scenario.typed import Context


def recalibrated(rows: DemandRows, asked: Recalibrate, source: Source, context: Context) -> DemandRows | None:
    """The rows with their quantiles shifted; ``None`` where there is nothing to learn from (noted)."""
    problems = context.problems
    files = [_found(source, name) for name in (asked.forecasts, asked.actuals)]
    if files[0] is None or files[1] is None:
        return None
    unit = context.timeline.unit if context.timeline.start is not None else "step"
    calendar = calendar_of(unit, source.spec.time.time_zone)
    if context.timeline.start is not None:
        start = np.datetime64(context.timeline.start.replace(tzinfo=None), "s")
        calendar = replace(calendar, start=floor_to_period(start, calendar))
    try:
        learned = learned_from(files[0], files[1], calendar=calendar, period=unit, model=asked.model)
    except ScenarioError as error:
        problems.found.extend(error.problems)
        return None
    except ArgumentError as error:
        problems.error("E249", asked.forecasts, str(error), fix=f"Give more past forecasts, or later {asked.actuals}")
        return None
    if not np.array_equal(np.round(learned.levels, 9), np.round(rows.levels, 9)):
        told = ", ".join(f"{level:g}" for level in learned.levels)
        wanted = ", ".join(f"{level:g}" for level in rows.levels)
        problems.error("E249", asked.forecasts, f"past forecasts have levels {told}, {rows.table.file} has {wanted}",
                       fix="Forecast the past at the same levels")  # fmt: skip
        return None
    problems.warning("W249", asked.forecasts, _told(learned))
    ahead = np.maximum(rows.table.positions.get("period", np.zeros(len(rows.table), dtype=np.int64)), 0)
    return replace(rows, quantiles=np.maximum(learned.shift(rows.quantiles, ahead), 0.0))


def _found(source: Source, name: str) -> Path | None:
    path = source.locate(name)
    if path is not None:
        source.read_files[name] = path
    return path


def _told(learned: Recalibration) -> str:
    middle = int(np.argmin(np.abs(learned.levels - 0.9)))
    return (
        f"recalibrated on {learned.scores:,} actuals: the {learned.levels[middle]:g} quantile had held "
        f"{100 * learned.coverage[middle]:.1f} % of them"
    )
