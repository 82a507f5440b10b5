"""Forecast models of our own engine, and of libraries, as competitors in a backtest of decisions.

They forecast when the backtest runs, at every review from what was known by then: ``lead_time_totals``,
``sum_of_quantiles``, ``normal`` and ``bootstrap`` as in ``capacity-opt forecast backtest``, or a library's model by
name (with totals from its own paths, corrected by what they missed before). The engine is loaded only then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import ArgumentError, Problem, ScenarioError
from capacity_opt.forecast.library_names import LIBRARY_MODELS
from capacity_opt.scenario.backtest_forecasts import Layout
from capacity_opt.scenario.load import FILE

if TYPE_CHECKING:
    from capacity_opt.forecast.history import History, PeriodName

Array = NDArray[np.float64]

OURS = ("lead_time_totals", "sum_of_quantiles", "normal", "bootstrap")
MODELS = (*OURS, *LIBRARY_MODELS)
FEWEST = 8


@dataclass(frozen=True, kw_only=True)
class EngineModels:
    """``models`` to be asked at ``reviews`` (whole periods of ``known`` (n, T)) of ``count`` decisions in a row;
    ``season`` as given, else by the ``unit`` of a period."""

    models: tuple[str, ...]
    known: Array
    names: tuple[str, ...]
    first: int
    count: int
    layout: Layout
    levels: Array
    season: int | None
    unit: PeriodName

    def __post_init__(self) -> None:
        """Refuse library models whose package is not there."""
        for name in (each for each in self.models if each in LIBRARY_MODELS):
            from capacity_opt.scenario.forecast_library import require

            require(name, FILE)

    def issued(self, tell: Callable[[str], None]) -> dict[str, Array]:
        """Quantiles of every model (n, count, L); between reviews the last forecast stands."""
        from capacity_opt.forecast.history import History, PeriodCalendar

        calendar = PeriodCalendar(self.unit)
        reviews = range(0, self.count, self.layout.review)
        found = {name: np.empty((len(self.known), self.count, len(self.levels))) for name in self.models}
        for review in reviews:
            now = self.first + review
            past = History(self.known[:, :now], ids=self.names, calendar=calendar)
            for name in self.models:
                made = self._made(name, past)
                found[name][:, review : review + self.layout.review] = made[:, None]
            tell(f"forecasting at review {review // self.layout.review + 1} of {len(reviews)}")
        return found

    def _made(self, name: str, past: History) -> Array:
        try:
            values = self._total(name, past) if self.layout.ahead == 0 else self._period(name, past)
        except ArgumentError as error:
            fix = "Start later (backtest.start), or leave the model out"
            raise ScenarioError([Problem("E243", FILE, f"model {name} cannot forecast: {error}", "", fix)]) from error
        return np.maximum(values, 0.0)

    def _total(self, name: str, past: History) -> Array:
        """Of the sum of the interval's periods."""
        from capacity_opt.forecast.rivals import lead_time_quantiles

        span = self.layout.span
        if name in OURS:
            return lead_time_quantiles(past, span, way=name, levels=self.levels, season=self.season)
        from capacity_opt.scenario.forecast_library import library_forecast

        made = library_forecast(
            past, span, model=name, levels=self.levels, season=self.season, cumulative=True, place=FILE
        )
        return np.asarray(made.values[:, -1])

    def _period(self, name: str, past: History) -> Array:
        """Of the one period that lies ``ahead``."""
        from capacity_opt.forecast.batch import forecast_quantiles
        from capacity_opt.forecast.rivals import lead_time_quantiles
        from capacity_opt.scenario.forecast_library import library_forecast

        ahead = self.layout.ahead + 1
        if name in LIBRARY_MODELS:
            made = library_forecast(past, ahead, model=name, levels=self.levels, season=self.season, place=FILE)
            return np.asarray(made.values[:, -1])
        if name in ("lead_time_totals", "sum_of_quantiles"):
            return np.asarray(forecast_quantiles(past, ahead, levels=self.levels, season=self.season).values[:, -1])
        return lead_time_quantiles(past, 1, way=name, levels=self.levels)
