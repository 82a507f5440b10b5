"""Joint forecasts in which chosen series, or nodes of a hierarchy, are forecast by models of libraries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt.errors import Problem, ScenarioError
from capacity_opt.forecast.batch import LEVELS
from capacity_opt.forecast.dependence import serial_correlation
from capacity_opt.forecast.hierarchy import Forecaster
from capacity_opt.forecast.history import History
from capacity_opt.forecast.paths import JointForecast, forecast_paths
from capacity_opt.forecast.quantile_forecast import QuantileForecast
from capacity_opt.scenario.library_totals import library_period_and_totals
from capacity_opt.scenario.problems import did_you_mean
from capacity_opt.scenario.spec_forecast import LibraryModel

Array = NDArray[np.float64]
PLACE = "scenario.toml forecast.models"


def library_forecaster(
    chosen: Sequence[LibraryModel],
    horizon: int,
    *,
    levels: ArrayLike = LEVELS,
    season: int | Sequence[int] | None = None,
    place: str = PLACE,
) -> Forecaster:
    """What forecasts the nodes of :func:`~capacity_opt.forecast_hierarchy`: chosen ones by a library's model.

    An entry's ``series`` are names of series, of sums (``total``, ``east``, ``east/db``, ``east/rest``), or ``*``.
    """

    def forecast(nodes: History) -> JointForecast:
        joint = forecast_paths(nodes, horizon, levels=levels, season=season)
        return with_models(joint, nodes, chosen, season, place)

    return forecast


def with_models(
    joint: JointForecast,
    history: History,
    chosen: Sequence[LibraryModel],
    season: int | Sequence[int] | None,
    place: str = PLACE,
) -> JointForecast:
    """``joint`` with periods, totals and ties over time of chosen series by library models; a later entry wins."""
    period, totals = joint.period.values.copy(), joint.totals.values.copy()
    serial = joint.dependence.serial.copy()
    sources = dict(joint.period.provenance)
    for entry in chosen:
        places = _places(entry, history.ids, place)
        ours, summed = library_period_and_totals(
            history.take(places), joint.period.horizon, model=entry.model, levels=joint.period.levels, season=season,
            place=place,
        )  # fmt: skip
        period[places], totals[places], serial[places] = ours.values, summed.values, serial_correlation(ours, summed)
        sources[f"series_by_{entry.model}"] = str(len(places))
        sources[f"totals_by_{entry.model}"] = summed.provenance["totals"]
        sources[f"totals_shifted_by_{entry.model}"] = summed.provenance["totals_shifted_by"]
    return replace(
        joint,
        period=_with_values(joint.period, period, sources),
        totals=_with_values(joint.totals, totals, dict(joint.totals.provenance)),
        dependence=replace(joint.dependence, serial=serial),
    )


def _places(entry: LibraryModel, names: NDArray[np.str_], place: str) -> list[int]:
    """Where the entry's series are; a sum may bear the name of its only series: then both are meant."""
    if "*" in entry.series:
        return list(range(len(names)))
    known = set(names.tolist())
    unknown = [name for name in entry.series if name not in known]
    if unknown:
        fix = did_you_mean(unknown[0], names[:1000].tolist())
        raise ScenarioError([Problem("E209", place, f"no such series: {', '.join(unknown[:10])}", "", fix)])
    return np.flatnonzero(np.isin(names, entry.series)).tolist()


def _with_values(forecast: QuantileForecast, values: Array, provenance: dict[str, str]) -> QuantileForecast:
    return QuantileForecast(
        forecast.levels,
        values,
        ids=forecast.ids,
        origin=forecast.origin,
        cumulative=forecast.cumulative,
        calendar=forecast.calendar,
        provenance=provenance,
    )
