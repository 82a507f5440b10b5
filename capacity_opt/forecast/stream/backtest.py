"""What looking further ahead does to the errors' quantiles, pooled over series: learned once from history."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from capacity_opt.forecast.history import History
from capacity_opt.forecast.stream.engine import take_some
from capacity_opt.forecast.stream.layout import COUNT, MOST_COUNTED, Floats, StreamSettings
from capacity_opt.forecast.stream.outcomes import counters
from capacity_opt.forecast.stream.outlook import points, spreads

Array = NDArray[np.float64]
SERIES, STEPS, FEWEST = 1000, 150, 200


def horizon_shifts(fresh: Floats, history: History, settings: StreamSettings, horizon: int, engine: str) -> Array:
    """(2, horizon, trackers): the quantiles of the standardised errors of period h, and of the total of h periods,
    less those of the next period. 0 where the history holds too few such errors.

    ``fresh``: records of the series before their history. At most 1,000 series and the last 150 origins are used.
    """
    chosen = np.linspace(0, history.count - 1, min(history.count, SERIES)).astype(int)
    part, f = history.take(chosen), fresh[chosen].copy()
    width = int(part.lengths.max(initial=0))
    panel = part.panel(width).astype(np.float32)
    begin = max(width - STEPS - horizon, 0)
    scores: tuple[list[list[Array]], ...] = tuple([[] for _ in range(horizon)] for _ in range(2))
    for step in range(width):
        if step >= begin:
            _measure(f, panel, step, settings, horizon, scores)
        rows = np.flatnonzero(~np.isnan(panel[:, step]))
        stock = np.zeros(0, dtype=np.bool_)
        take_some(f, rows, panel[rows, step], stock, np.array([step]), settings, counters(), engine)
    return np.stack([_shifts(kind, settings) for kind in scores])


def _measure(
    f: Floats, panel: Floats, step: int, settings: StreamSettings, horizon: int, scores: tuple[list[list[Array]], ...]
) -> None:
    """Errors of the coming periods seen from just before ``step``."""
    warm = (f.view(np.int32)[:, COUNT] & MOST_COUNTED) > 2 * settings.season_length
    if not warm.any():
        return
    actual = panel[warm, step : step + horizon].astype(np.float64)
    reached = actual.shape[1]
    expected = points(f[warm], settings, step - 1, reached)
    for number, (seen, ahead) in enumerate(
        ((actual, expected), (np.cumsum(actual, axis=1), np.cumsum(expected, axis=1)))
    ):
        unit = spreads(f[warm], settings, step - 1, reached, cumulative=number == 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = (seen - ahead) / unit
        for h in range(reached):
            scores[number][h].append(ratio[np.isfinite(ratio[:, h]), h])


def _shifts(scores: list[list[Array]], settings: StreamSettings) -> Array:
    pooled = [np.concatenate(part) if part else np.zeros(0) for part in scores]
    shifts = np.zeros((len(pooled), len(settings.levels)))
    if len(pooled[0]) < FEWEST:
        return shifts
    first = np.quantile(pooled[0], settings.levels)
    for h in range(1, len(pooled)):
        enough = len(pooled[h]) >= FEWEST
        shifts[h] = np.quantile(pooled[h], settings.levels) - first if enough else shifts[h - 1]
    return shifts
