"""Batch models of well-kept libraries for chosen series: statsforecast's, and LightGBM quantiles through mlforecast.

They come with the extra ``[forecast]`` and are slow beside the batch engine (a Python call and a fit per series): ask
for them by name where they have been shown to be better. A model whose package is absent is refused; nothing else ever
forecasts under its name.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from importlib import metadata
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError, Problem, ScenarioError
from capacity_opt.forecast.batch import LEVELS
from capacity_opt.forecast.history import History
from capacity_opt.forecast.paths import JointForecast
from capacity_opt.forecast.prepare import fill_gaps
from capacity_opt.forecast.quantile_forecast import QuantileForecast
from capacity_opt.scenario.problems import did_you_mean
from capacity_opt.scenario.spec_forecast import LibraryModel

Array = NDArray[np.float64]
STATSFORECAST = ("AutoETS", "AutoARIMA", "AutoTheta", "AutoCES")
LIGHTGBM = "LightGBM"
LIBRARY_MODELS = (*STATSFORECAST, LIGHTGBM)
_TREES = 120
_LAGS = 6
_FEWEST = 4


def library_forecast(
    history: History,
    horizon: int,
    *,
    model: str,
    levels: ArrayLike = LEVELS,
    season: int | Sequence[int] | None = None,
    place: str = "model",
) -> QuantileForecast:
    """Quantiles of the next ``horizon`` periods by ``AutoETS``, ``AutoARIMA``, ``AutoTheta``, ``AutoCES``
    (statsforecast, a fit per series) or ``LightGBM`` (mlforecast: trees per level and horizon over all series).

    Raises :class:`~capacity_opt.ScenarioError` (exit 3) where the package is not installed, naming the extra.

    >>> library_forecast(History([[1.0, 2.0]]), 1, model="Prophet")
    Traceback (most recent call last):
    ...
    capacity_opt.errors.ArgumentError: model must be one of AutoETS, AutoARIMA, AutoTheta, AutoCES, LightGBM, ...
    """
    if model not in LIBRARY_MODELS:
        raise ArgumentError(f"model must be one of {', '.join(LIBRARY_MODELS)}, got {model!r}")
    asked = _checks.increasing("levels", _checks.fraction("levels", levels))
    ahead = int(_checks.whole("horizon", horizon, at_least=1))
    require(model, place)
    lengths = _seasons(history, season)
    short = np.flatnonzero(history.lengths < _FEWEST)
    if len(short):
        told = ", ".join(history.ids[short[:10]])
        raise ArgumentError(f"model {model} needs {_FEWEST} periods of each series, too short are: {told}")
    filled, _ = fill_gaps(history)
    if model == LIGHTGBM:
        values = _lightgbm(history, filled, ahead, asked, lengths)
    else:
        values = _statsforecast(history, filled, ahead, asked, model, lengths)
    floor = np.minimum.reduceat(filled, history.offsets[:-1]) >= 0
    package = "mlforecast" if model == LIGHTGBM else "statsforecast"
    return QuantileForecast(
        asked,
        np.sort(np.where(floor[:, None, None], np.maximum(values, 0.0), values), axis=2),
        ids=history.ids,
        origin=history.last,
        calendar=history.calendar,
        provenance={
            "model": model,
            "library": f"{package} {metadata.version(package)}",
            "season": ", ".join(map(str, lengths)) or "none",
        },
    )


def require(model: str, place: str = "model") -> None:
    """Refuse a model whose package is not installed."""
    for package in ("mlforecast", "lightgbm") if model == LIGHTGBM else ("statsforecast",):
        if find_spec(package) is None:
            fix = "Install it: pip install 'capacity-opt[forecast]', or take the built-in model \"combination\""
            raise ScenarioError([Problem("E248", place, f"model {model} needs the package {package}", model, fix)])


def _seasons(history: History, season: int | Sequence[int] | None) -> list[int]:
    told = history.calendar.natural_seasons if season is None else np.atleast_1d(season).tolist()
    return sorted({int(each) for each in told if each > 1})


def _statsforecast(
    history: History, filled: Array, horizon: int, levels: Array, model: str, seasons: Sequence[int]
) -> Array:
    from statsforecast import models

    made = getattr(models, model)(season_length=seasons[0] if seasons else 1)
    widths = [round(abs(2.0 * level - 1.0) * 100.0, 6) for level in levels.tolist()]
    widths = [int(width) if width == int(width) else width for width in widths]
    asked = sorted({width for width in widths if width > 0})
    out = np.empty((history.count, horizon, len(levels)))
    for i in range(history.count):
        series = filled[history.offsets[i] : history.offsets[i + 1]]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                told = made.forecast(y=series, h=horizon, level=asked)
        except Exception as error:  # whatever the library raises, it is about this series
            reason = f"{type(error).__name__}: {str(error).splitlines()[0][:120] if str(error) else ''}"
            raise ArgumentError(f"model {model} cannot forecast series {history.ids[i]!r} ({reason})") from error
        for k, (level, width) in enumerate(zip(levels.tolist(), widths)):
            out[i, :, k] = told["mean" if not width else f"{'lo' if level < 0.5 else 'hi'}-{width}"]
    return out


def _lightgbm(history: History, filled: Array, horizon: int, levels: Array, seasons: Sequence[int]) -> Array:
    import lightgbm
    import pandas as pd
    from mlforecast import MLForecast
    from mlforecast.target_transforms import LocalStandardScaler

    shortest = int(history.lengths.min())
    lags = [lag for lag in sorted({*range(1, _LAGS + 1), *seasons}) if lag < shortest - horizon]
    if not lags:
        raise ArgumentError(
            f"model {LIGHTGBM} needs series longer than the horizon of {horizon} by two periods at least; "
            f"the shortest has {shortest}"
        )
    frame = pd.DataFrame(
        {
            "unique_id": np.repeat(np.arange(history.count), history.lengths),
            "ds": np.arange(len(filled)) - np.repeat(history.offsets[:-1], history.lengths),
            "y": filled,
        }
    )
    options: dict[str, Any] = {"n_estimators": _TREES, "num_leaves": 15, "learning_rate": 0.05, "verbosity": -1,
                               "num_threads": 1, "deterministic": True, "force_row_wise": True, "seed": 0}  # fmt: skip
    models = {f"q{k}": lightgbm.LGBMRegressor(objective="quantile", alpha=level, **options)
              for k, level in enumerate(levels.tolist())}  # fmt: skip
    engine = MLForecast(models, freq=1, lags=lags, num_threads=1, target_transforms=[LocalStandardScaler()])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        engine.fit(frame, max_horizon=horizon, static_features=[])
        told = engine.predict(horizon).sort_values(["unique_id", "ds"])
    values = told[[f"q{k}" for k in range(len(levels))]].to_numpy(dtype=np.float64)
    return np.asarray(values.reshape(history.count, horizon, len(levels)), dtype=np.float64)


def with_models(
    joint: JointForecast, history: History, chosen: Sequence[LibraryModel], season: int | Sequence[int] | None
) -> JointForecast:
    """``joint`` with the periods of chosen series by library models (``*``: of all); a later entry wins.

    Their totals move with their medians, and are as much wider or narrower than the engine's as their periods are.
    """
    period, totals = joint.period.values.copy(), joint.totals.values.copy()
    names, told = [str(name) for name in history.ids], dict(joint.period.provenance)
    for entry in chosen:
        places = _places(entry, names)
        made = library_forecast(
            history.take(places), joint.period.horizon, model=entry.model, levels=joint.period.levels, season=season,
            place="scenario.toml forecast.models",
        )  # fmt: skip
        totals[places] = _moved(joint.period.levels, period[places], made.values, totals[places])
        period[places] = made.values
        told[f"series_by_{entry.model}"] = str(len(places))
    return replace(
        joint,
        period=_with_values(joint.period, period, told),
        totals=_with_values(joint.totals, totals, dict(joint.totals.provenance)),
    )


def _places(entry: LibraryModel, names: Sequence[str]) -> list[int]:
    if "*" in entry.series:
        return list(range(len(names)))
    unknown = [name for name in entry.series if name not in names]
    if unknown:
        fix = did_you_mean(unknown[0], names[:1000])
        raise ScenarioError(
            [Problem("E209", "scenario.toml forecast.models", f"no such series: {', '.join(unknown[:10])}", "", fix)]
        )
    return [names.index(name) for name in entry.series]


def _moved(levels: Array, old: Array, new: Array, totals: Array) -> Array:
    """(n, H, m) the totals around the new medians' sums, their spread scaled like the periods'."""

    def median(values: Array) -> Array:
        return np.asarray([[np.interp(0.5, levels, row) for row in each] for each in values])

    wide = [(values[..., -1] - values[..., 0]).cumsum(axis=1) for values in (old, new)]
    ratio = np.where(wide[0] > 0, wide[1] / np.where(wide[0] > 0, wide[0], 1.0), 1.0)[:, :, None]
    shift = (median(new) - median(old)).cumsum(axis=1)[:, :, None]
    middle = median(totals)[:, :, None]
    return np.asarray(np.maximum(middle + shift + (totals - middle) * ratio, 0.0))


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
