"""Batch models of well-kept libraries for chosen series: statsforecast's, and LightGBM quantiles through mlforecast.

They come with the extra ``[forecast]`` and are slow beside the batch engine (a Python call and a fit per series): ask
for them by name where they have been shown to be better. A model whose package is absent is refused; nothing else ever
forecasts under its name.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError, Problem, ScenarioError
from capacity_opt.forecast.batch import LEVELS
from capacity_opt.forecast.history import History
from capacity_opt.forecast.library_names import LIBRARY_MODELS
from capacity_opt.forecast.prepare import fill_gaps
from capacity_opt.forecast.quantile_forecast import QuantileForecast

Array = NDArray[np.float64]
LIGHTGBM = "LightGBM"
_TREES = 120
_LAGS = 6
FEWEST = 4
_PATHS = 1000
_SEED = 0


@dataclass(frozen=True)
class Fitted:
    """What a library said: ``period`` (n, H, m) quantiles of each period; ``totals`` likewise of running totals, from
    the model's own simulated paths, ``None`` where it was not asked or cannot simulate."""

    period: Array
    totals: Array | None


def library_forecast(
    history: History,
    horizon: int,
    *,
    model: str,
    levels: ArrayLike = LEVELS,
    season: int | Sequence[int] | None = None,
    cumulative: bool = False,
    place: str = "model",
) -> QuantileForecast:
    """Quantiles of the next ``horizon`` periods by ``AutoETS``, ``AutoARIMA``, ``AutoTheta``, ``AutoCES``
    (statsforecast, a fit per series) or ``LightGBM`` (mlforecast: trees per level and horizon over all series).

    ``cumulative``: of the running totals instead, see :mod:`~capacity_opt.scenario.library_totals`. Raises
    :class:`~capacity_opt.ScenarioError` (exit 3) where the package is not installed, naming the extra.

    >>> library_forecast(History([[1.0, 2.0]]), 1, model="Prophet")
    Traceback (most recent call last):
    ...
    capacity_opt.errors.ArgumentError: model must be one of AutoETS, AutoARIMA, AutoTheta, AutoCES, LightGBM, ...
    """
    asked, lengths = checked(history, horizon, model, levels, season, place)
    if cumulative:
        from capacity_opt.scenario.library_totals import library_period_and_totals

        return library_period_and_totals(history, horizon, model=model, levels=asked, season=season, place=place)[1]
    return told(history, fit(history, horizon, model, asked, lengths).period, asked, model, lengths)


def checked(
    history: History, horizon: int, model: str, levels: ArrayLike, season: int | Sequence[int] | None, place: str
) -> tuple[Array, list[int]]:
    """Levels and season lengths, where the model can be asked at all."""
    if model not in LIBRARY_MODELS:
        raise ArgumentError(f"model must be one of {', '.join(LIBRARY_MODELS)}, got {model!r}")
    asked = _checks.increasing("levels", _checks.fraction("levels", levels))
    _checks.whole("horizon", horizon, at_least=1)
    require(model, place)
    short = np.flatnonzero(history.lengths < FEWEST)
    if len(short):
        told = ", ".join(history.ids[short[:10]])
        raise ArgumentError(f"model {model} needs {FEWEST} periods of each series, too short are: {told}")
    return asked, _seasons(history, season)


def fit(
    history: History, horizon: int, model: str, levels: Array, seasons: Sequence[int], *, totals: bool = False
) -> Fitted:
    """The model's quantiles, sorted, and at least 0 where the past never was below."""
    filled, _ = fill_gaps(history)
    if model == LIGHTGBM:
        period, summed = _lightgbm(history, filled, horizon, levels, seasons), None
    else:
        period, summed = _statsforecast(history, filled, horizon, levels, model, seasons, _PATHS if totals else 0)
    floor = (np.minimum.reduceat(filled, history.offsets[:-1]) >= 0)[:, None, None]

    def tidy(values: Array) -> Array:
        return np.asarray(np.sort(np.where(floor, np.maximum(values, 0.0), values), axis=2))

    return Fitted(tidy(period), None if summed is None else tidy(summed))


def told(
    history: History,
    values: Array,
    levels: Array,
    model: str,
    seasons: Sequence[int],
    *,
    cumulative: bool = False,
    how: Mapping[str, str] = MappingProxyType({}),
) -> QuantileForecast:
    """``values`` with where they came from."""
    package = "mlforecast" if model == LIGHTGBM else "statsforecast"
    return QuantileForecast(
        levels,
        values,
        ids=history.ids,
        origin=history.last,
        cumulative=cumulative,
        calendar=history.calendar,
        provenance={
            "model": model,
            "library": f"{package} {metadata.version(package)}",
            "season": ", ".join(map(str, seasons)) or "none",
            **how,
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
    history: History, filled: Array, horizon: int, levels: Array, model: str, seasons: Sequence[int], paths: int
) -> tuple[Array, Array | None]:
    """(n, H, m) quantiles of each period, and of running totals along ``paths`` that the model simulates."""
    from statsforecast import models

    made = getattr(models, model)(season_length=seasons[0] if seasons else 1)
    period = np.empty((history.count, horizon, len(levels)))
    totals = np.empty_like(period) if paths else None
    for i in range(history.count):
        series = filled[history.offsets[i] : history.offsets[i + 1]]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                one = made.new().fit(series)
                period[i] = _intervals(one, horizon, levels)
                if totals is not None:
                    drawn = np.asarray(one.simulate(horizon, paths, seed=_SEED), dtype=np.float64)
                    least = 0.0 if series.min() >= 0 else -np.inf
                    totals[i] = np.quantile(np.cumsum(np.maximum(drawn, least), axis=1), levels, axis=0).T
        except Exception as error:  # whatever the library raises, it is about this series
            reason = f"{type(error).__name__}: {str(error).splitlines()[0][:120] if str(error) else ''}"
            raise ArgumentError(f"model {model} cannot forecast series {history.ids[i]!r} ({reason})") from error
    return period, totals


def _intervals(fitted: Any, horizon: int, levels: Array) -> Array:
    """(H, m) quantiles from the library's central intervals."""
    widths = [round(abs(2.0 * level - 1.0) * 100.0, 6) for level in levels.tolist()]
    widths = [int(width) if width == int(width) else width for width in widths]
    told = fitted.predict(h=horizon, level=sorted({width for width in widths if width > 0}))
    sides = ("lo" if level < 0.5 else "hi" for level in levels.tolist())
    columns = ["mean" if not width else f"{side}-{width}" for side, width in zip(sides, widths)]
    return np.stack([np.asarray(told[column], dtype=np.float64) for column in columns], axis=1)


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
