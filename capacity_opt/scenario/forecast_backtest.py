"""A table of history, its last periods held out: how good forecasts of them were, and what deciding by them cost."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import Problem
from capacity_opt.forecast.batch import LEVELS, forecast_quantiles
from capacity_opt.forecast.evaluate import ForecastScore, score_forecast
from capacity_opt.forecast.history import History
from capacity_opt.forecast.quantile_forecast import QuantileForecast
from capacity_opt.forecast.stream.layout import StreamSettings
from capacity_opt.forecast.stream.state import StreamState
from capacity_opt.scenario.calendar_periods import calendar_of
from capacity_opt.scenario.decision_cost import decision_cost
from capacity_opt.scenario.forecast_library import library_forecast
from capacity_opt.scenario.observations import observations_of
from capacity_opt.scenario.problems import Problems
from capacity_opt.simulation.backtest import Backtest

Tell = Callable[[str], None]
Array = NDArray[np.float64]
_WORST = 5


@dataclass(frozen=True)
class DecisionCosts:
    """What is held and what is short costs, per unit and period, and how long an order takes."""

    stockout: float
    holding: float = 1.0
    lead_time: int = 1
    lost_sales: bool = False
    tune: int = 0


@dataclass(frozen=True, eq=False)
class HistoryBacktest:
    """What was ``kept``, the ``forecast`` from it, what ``came`` (n, H), the ``score``; ``cost`` where asked."""

    name: str
    kept: History
    came: Array
    forecast: QuantileForecast
    score: ForecastScore
    cost: Backtest | None
    warnings: tuple[Problem, ...]

    def numbers(self) -> dict[str, object]:
        """Every figure by name, for a terminal or a program."""
        score = self.score
        told: dict[str, object] = {"series": self.kept.count, "horizon": self.forecast.horizon}
        for name in ("wql", "crps", "mase", "msis", "smape", "bias"):
            value = float(f"{getattr(score, name):.6g}")
            told |= {name: value} if math.isfinite(value) else {}
        for width, share in score.coverage.items():
            told[f"coverage_{100 * width:g}"] = round(share, 4)
        told["worst_series"] = [str(self.kept.ids[i]) for i in score.worst[:_WORST]]
        told |= {key: str(value) for key, value in self.forecast.provenance.items()}
        return told | ({} if self.cost is None else {"decision_cost": self.costs()})

    def costs(self) -> list[dict[str, object]]:
        """A row per way to the lead-time total, the cheapest first; ``dearer`` with its paired interval."""
        return [] if self.cost is None else cost_rows(self.cost)


def cost_rows(found: Backtest) -> list[dict[str, object]]:
    """A row per way and rule: cost per period of all series, dearer than the best (paired), fill rate, accuracy."""
    return [
        {
            "way": score.name,
            "rule": score.rule,
            "cost": score.cost,
            "holding": score.holding,
            "stockout": score.stockout,
            "dearer": float(score.dearer.value),
            "dearer_low": float(score.dearer.low),
            "dearer_high": float(score.dearer.high),
            "fill_rate": score.fill_rate,
            "level": float(np.mean(score.order_level)),
            "covered": float(np.interp(np.mean(score.order_level), found.levels, score.coverage)),
            "pinball": score.pinball,
            "bias": score.bias,
        }
        for score in found.scores
    ]


def backtest_history(
    history: Path,
    horizon: int,
    *,
    levels: Sequence[float] | None = None,
    season: Sequence[int] | None = None,
    cumulative: bool = False,
    period: str = "step",
    time_zone: str = "UTC",
    columns: dict[str, str] | None = None,
    duplicates: str = "error",
    costs: DecisionCosts | None = None,
    model: str = "combination",
    tell: Tell = lambda _: None,
) -> HistoryBacktest:
    """Forecast the last ``horizon`` periods from those before and score it; with ``costs`` also decide in each of them.

    ``model``: ``"combination"`` (the batch engine), ``"stream"`` (as :class:`~capacity_opt.StreamState` would have told
    at the end of what is kept), or one of :func:`~capacity_opt.library_forecast`.

    Raises :class:`~capacity_opt.ScenarioError` with every fault of the table.
    """
    problems = Problems()
    found = observations_of(history, calendar_of(period, time_zone), problems, columns=columns)
    whole = found.history(problems, duplicates=duplicates)
    short = np.flatnonzero(whole.lengths <= horizon)
    if len(short) == whole.count:
        problems.error("E245", str(history), f"no series is longer than the horizon of {horizon} periods")
    elif len(short):
        told = ", ".join(whole.ids[short[:_WORST]])
        problems.warning("W245", str(history), f"{len(short)} series left out: not longer than the horizon ({told})")
    problems.raise_if_any()
    long = whole.take(np.flatnonzero(whole.lengths > horizon))
    kept, held = long.hold_out(horizon)
    observed = [i for i in range(kept.count) if not np.isnan(kept.series(i)).all()]
    kept, held = kept.take(observed), held[observed]
    tell(f"forecasting {kept.count:,} series")
    make = _MODELS.get(model, partial(library_forecast, model=model))
    forecast = make(kept, horizon, levels=levels or LEVELS, season=season, cumulative=cumulative)
    came = np.cumsum(held, axis=1) if cumulative else held
    score = score_forecast(forecast, came, history=kept)
    cost = None if costs is None else _cost(long.take(observed), horizon, season, costs, tell)
    return HistoryBacktest(history.name, kept, came, forecast, score, cost, problems.warnings)


def _stream(
    kept: History, horizon: int, *, levels: Sequence[float], season: Sequence[int] | None, cumulative: bool
) -> QuantileForecast:
    """A stream forecasts every series from one period on, so those that ended earlier are moved to the others' end."""
    seasons = season if season is not None else kept.calendar.natural_seasons[:1]
    settings = StreamSettings(season_length=max(*seasons, 1, 1))
    together = History(kept.values, kept.offsets, ids=kept.ids, first=kept.lengths.max() - kept.lengths,
                       in_stock=kept.in_stock, calendar=kept.calendar)  # fmt: skip
    state = StreamState.from_history(together, settings, horizon=horizon)
    return state.forecast(horizon, levels=levels, cumulative=cumulative)


_MODELS: dict[str, Callable[..., QuantileForecast]] = {"combination": forecast_quantiles, "stream": _stream}


def _cost(history: History, horizon: int, season: Sequence[int] | None, costs: DecisionCosts, tell: Tell) -> Backtest:
    return decision_cost(
        history,
        reviews=horizon,
        lead_time=costs.lead_time,
        holding_cost=costs.holding,
        stockout_cost=costs.stockout,
        lost_sales=costs.lost_sales,
        tune=costs.tune,
        season=season,
        tell=tell,
    )
