"""A table of history, its last periods held out: how good the batch forecasts of them would have been."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from capacity_opt.errors import Problem
from capacity_opt.forecast.batch import LEVELS, forecast_quantiles
from capacity_opt.forecast.evaluate import score_forecast
from capacity_opt.scenario.calendar_periods import calendar_of
from capacity_opt.scenario.observations import read_observations
from capacity_opt.scenario.problems import Problems

Tell = Callable[[str], None]
_WORST = 5


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
    tell: Tell = lambda _: None,
) -> tuple[dict[str, object], tuple[Problem, ...]]:
    """Scores by name, and the remarks on the file; raises :class:`~capacity_opt.ScenarioError` with every fault."""
    problems = Problems()
    found = read_observations(history, calendar_of(period, time_zone), problems, columns=columns)
    problems.raise_if_any()
    assert found is not None
    whole = found.history(problems, duplicates=duplicates)
    short = np.flatnonzero(whole.lengths <= horizon)
    if len(short) == whole.count:
        problems.error("E245", str(history), f"no series is longer than the horizon of {horizon} periods")
    elif len(short):
        told = ", ".join(whole.ids[short[:_WORST]])
        problems.warning("W245", str(history), f"{len(short)} series left out: not longer than the horizon ({told})")
    problems.raise_if_any()
    kept, held = whole.take(np.flatnonzero(whole.lengths > horizon)).hold_out(horizon)
    observed = [i for i in range(kept.count) if not np.isnan(kept.series(i)).all()]
    kept, held = kept.take(observed), held[observed]
    tell(f"forecasting {kept.count:,} series")
    forecast = forecast_quantiles(kept, horizon, levels=levels or LEVELS, season=season, cumulative=cumulative)
    came = np.cumsum(held, axis=1) if cumulative else held
    score = score_forecast(forecast, came, history=kept)
    numbers: dict[str, object] = {
        "series": kept.count,
        "horizon": horizon,
        **{name: value for name in ("wql", "crps", "mase", "msis", "smape", "bias")
           if math.isfinite(value := float(f"{getattr(score, name):.6g}"))},
    }  # fmt: skip
    for width, share in score.coverage.items():
        numbers[f"coverage_{100 * width:g}"] = round(share, 4)
    numbers["worst_series"] = [str(kept.ids[i]) for i in score.worst[:_WORST]]
    return numbers | {key: str(value) for key, value in forecast.provenance.items()}, problems.warnings
