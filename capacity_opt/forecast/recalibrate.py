"""Conformal recalibration: shift a forecaster's quantiles by what recent actuals say they miss.

Split conformal prediction for quantiles (Romano, Patterson and Candes 2019), level by level, so that the correction
may be asymmetric: the score of an actual is its distance from the forecast quantile in units of the forecast's own
width, and the shift is the score's quantile at that level with the finite-sample correction ceil((m + 1) level) / m.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError
from capacity_opt.forecast.quantile_forecast import QuantileForecast

Array = NDArray[np.float64]
FEWEST = 30
PER_HORIZON = 300
_SURE = 1e-3


@dataclass(frozen=True, eq=False)
class Recalibration:
    """Shifts (horizons, levels), in widths of the forecast, and what they were learned from.

    ``coverage`` (levels,) the share of actuals at or below each quantile before; ``scores`` how many actuals there
    were. One row of shifts holds for every horizon; more, one each (the last for those beyond). A forecast narrower
    than ``least`` (one that is sure, such as of a series that was always 0) has no width to be shifted by: it is left
    as it is, and nothing was learned from such.
    """

    levels: Array
    shifts: Array
    coverage: Array
    scores: int
    least: float = 0.0

    def apply(self, forecast: QuantileForecast, *, non_negative: bool = True) -> QuantileForecast:
        """The forecast with its quantiles shifted, sorted again and, unless told otherwise, at least 0."""
        if not np.array_equal(forecast.levels, self.levels):
            raise ArgumentError(
                f"levels must be those that were recalibrated ({_listed(self.levels)}), got {_listed(forecast.levels)}"
            )
        values = self.shift(forecast.values, np.arange(forecast.horizon))
        return QuantileForecast(
            forecast.levels,
            np.maximum(values, 0.0) if non_negative else values,
            ids=forecast.ids,
            origin=forecast.origin,
            cumulative=forecast.cumulative,
            calendar=forecast.calendar,
            provenance={**forecast.provenance, "recalibrated_on": f"{self.scores} actuals"},
        )

    def shift(self, values: Array, ahead: NDArray[np.int64]) -> Array:
        """Quantiles (..., k, m) shifted, those of row k for a period ``ahead[k]`` (from 0) periods from the next."""
        rows = np.minimum(ahead, len(self.shifts) - 1)
        widths = _widths(values)
        moved = np.where(widths >= self.least, widths, 0.0)[..., None]
        return np.asarray(np.sort(values + self.shifts[rows] * moved, axis=-1))


def learn_recalibration(past: QuantileForecast, actual: ArrayLike) -> Recalibration:
    """What to shift, from ``past`` forecasts (n, H, m) and what then came, ``actual`` (n, H), NaN where unknown.

    A series forecast from several origins is a row each. Shifts are per horizon where every horizon has at least 300
    actuals, else one for all. Raises :class:`~capacity_opt.ArgumentError` with fewer than 30 actuals.

    >>> rng = np.random.default_rng(0)
    >>> past = QuantileForecast([0.1, 0.5, 0.9], np.tile([9.0, 10.0, 11.0], (200, 1, 1)))  # far too sure of itself
    >>> learned = learn_recalibration(past, rng.normal(10, 4, (200, 1)))
    >>> learned.apply(past).values[0, 0].round()
    array([ 5., 10., 15.])
    """
    seen = _checks.numbers("actual", actual)
    if seen.shape != past.values.shape[:2]:
        raise ArgumentError(f"actual must have shape {past.values.shape[:2]} (forecasts, horizons), got {seen.shape}")
    widths = _widths(past.values)
    least = _SURE * float(np.median(widths[widths > 0])) if (widths > 0).any() else np.inf
    known = ~np.isnan(seen) & (widths >= least)
    if known.sum() < FEWEST:
        raise ArgumentError(
            f"actual must hold at least {FEWEST} known values of forecasts with a width to learn from, "
            f"got {int(known.sum())}"
        )
    scores = (seen[..., None] - past.values) / np.where(widths > 0, widths, 1.0)[..., None]
    if (known.sum(axis=0) >= PER_HORIZON).all():
        shifts = np.stack([_shift(scores[known[:, h], h], past.levels) for h in range(past.horizon)])
    else:
        shifts = _shift(scores[known], past.levels)[None]
    below = (seen[..., None] <= past.values)[known]
    return Recalibration(past.levels, shifts, below.mean(axis=0), int(known.sum()), least)


def _shift(scores: Array, levels: Array) -> Array:
    """(m,) each level's score quantile, on the safe side of both tails."""
    count = len(scores)
    ordered = np.sort(scores, axis=0)
    up = np.ceil((count + 1) * levels).astype(int) - 1
    down = np.floor((count + 1) * levels).astype(int) - 1
    place = np.clip(np.where(levels >= 0.5, up, down), 0, count - 1)
    return np.asarray(ordered[place, np.arange(len(levels))])


def _widths(values: Array) -> Array:
    """(n, H) the unit of a forecast: its outermost quantiles' distance, or a tenth of its middle where they agree;
    0 where that is 0 too."""
    width = values[..., -1] - values[..., 0]
    middle = np.abs(values[..., values.shape[-1] // 2])
    return np.where(width > 0, width, 0.1 * middle)


def _listed(levels: Array) -> str:
    return ", ".join(f"{level:g}" for level in levels)
