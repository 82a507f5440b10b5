"""Forecasts that look several periods ahead: the best inputs to demand over a lead time.

In order of preference: :class:`PathForecast` (joint sample paths carry every dependence), :class:`CumulativeQuantiles`
(quantiles of the running total, straight from the forecaster), :class:`DemandByPeriod` (one distribution per future
period, independent). Each answers ``over(periods)``; :func:`capacity_opt.lead_time_demand` takes all three.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.demand.counts import Poisson
from capacity_opt.demand.empirical import Empirical
from capacity_opt.demand.lattice import Histogram, Pmf
from capacity_opt.demand.parametric import Normal
from capacity_opt.demand.protocol import Demand
from capacity_opt.demand.quantiles import QuantileDemand
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]
_POINTS = 1024


@runtime_checkable
class Horizon(Protocol):
    """A forecast over the coming periods."""

    def over(self, periods: ArrayLike) -> Demand:
        """Total demand over the next ``periods`` periods, scalar or per item."""
        ...


@dataclass(frozen=True, eq=False, init=False)
class CumulativeQuantiles:
    """Quantiles of the running total: ``values`` (horizons, m) or (n, horizons, m), totals over ``horizons`` periods.

    ``horizons`` (rising, 1, 2, ... unless given). Between two horizons quantiles are interpolated linearly (from 0 at
    none); beyond the last the forecast says nothing and is refused.

    >>> forecast = CumulativeQuantiles([0.1, 0.5, 0.9], [[8, 10, 14], [17, 20, 25]])
    >>> float(forecast.over(2).quantile(0.9))
    25.0
    """

    levels: Array
    values: Array
    horizons: Array
    integer: bool

    def __init__(
        self, levels: ArrayLike, values: ArrayLike, *, horizons: ArrayLike | None = None, integer: bool = False
    ) -> None:
        table = _checks.finite("values", values)
        if table.ndim not in (2, 3):
            raise ArgumentError(f"values must have shape (horizons, m) or (items, horizons, m), got {table.shape}")
        steps = np.arange(1, table.shape[-2] + 1) if horizons is None else horizons
        checked = _checks.increasing("horizons", _checks.positive("horizons", steps))
        if len(checked) != table.shape[-2]:
            raise ArgumentError(f"horizons must name all {table.shape[-2]} rows of values, got {len(checked)}")
        object.__setattr__(self, "levels", _checks.increasing("levels", _checks.fraction("levels", levels)))
        object.__setattr__(self, "values", table)
        object.__setattr__(self, "horizons", checked)
        object.__setattr__(self, "integer", integer)

    def over(self, periods: ArrayLike) -> QuantileDemand:
        """Quantiles of the total over ``periods``, scalar or per item."""
        time = _within(periods, float(self.horizons[-1]))
        known = np.concatenate([[0.0], self.horizons])
        nothing = np.zeros_like(self.values[..., :1, :])
        table = np.concatenate([nothing, self.values], axis=-2)
        right = np.clip(np.searchsorted(known, time, side="left"), 1, len(known) - 1)
        share = ((time - known[right - 1]) / (known[right] - known[right - 1]))[..., None]
        if self.values.ndim == 2:
            low, high = table[right - 1], table[right]
        else:
            item = np.arange(len(table))
            low, high = table[item, right - 1], table[item, right]
        exact = np.where(share >= 1.0, high, low + (high - low) * share)
        return QuantileDemand(self.levels, exact, integer=self.integer)


@dataclass(frozen=True, eq=False, init=False)
class PathForecast:
    """Equally likely sample paths: ``paths`` (count, T) or (n, count, T); totals keep all dependence over time.

    >>> forecast = PathForecast([[1, 5, 2], [3, 3, 3], [0, 9, 1]])
    >>> forecast.over(2).samples
    array([6., 6., 9.])
    """

    paths: Array

    def __init__(self, paths: ArrayLike) -> None:
        table = _checks.finite("paths", paths)
        if table.ndim not in (2, 3) or table.size == 0:
            raise ArgumentError(f"paths must have shape (count, T) or (items, count, T), got {table.shape}")
        object.__setattr__(self, "paths", table)

    def over(self, periods: ArrayLike) -> Empirical:
        """Totals of the first ``periods`` periods (whole), scalar or per item."""
        time = _checks.whole("lead_time + review_period", _within(periods, self.paths.shape[-1]))
        used = np.arange(self.paths.shape[-1]) < time[..., None, None]
        return Empirical(np.where(used, self.paths, 0.0).sum(axis=-1))


@dataclass(frozen=True, eq=False, init=False)
class DemandByPeriod:
    """Demand that changes over time: ``periods[k]`` is the demand of the k-th coming period, all independent.

    Normal and Poisson periods add up in closed form; counts are convolved exactly, others on a grid.

    >>> float(DemandByPeriod([Poisson(4), Poisson(6), Poisson(2)]).over(2).mean)
    10.0
    """

    periods: tuple[Demand, ...]

    def __init__(self, periods: Sequence[Demand]) -> None:
        if len(periods) == 0 or len({period.shape for period in periods}) > 1:
            raise ArgumentError("periods must hold at least one demand, all of the same items")
        object.__setattr__(self, "periods", tuple(periods))

    def over(self, periods: ArrayLike) -> Demand:
        """Total of the first ``periods`` periods (whole, the same for all items)."""
        times = np.unique(_checks.whole("lead_time + review_period", _within(periods, len(self.periods)), at_least=1))
        if len(times) > 1:
            raise ArgumentError("lead_time + review_period must be the same for all items here: split the call")
        return total_demand(self.periods[: int(times[0])])


def total_demand(parts: Sequence[Demand]) -> Demand:
    """The sum of independent demands of the same items.

    >>> float(total_demand([Normal(10, 3), Normal(20, 4)]).variance)
    25.0
    """
    if all(isinstance(part, Normal) for part in parts):
        variance = sum((part.variance for part in parts[1:]), start=parts[0].variance)
        return Normal(sum((part.mean for part in parts[1:]), start=parts[0].mean), np.sqrt(variance))
    if all(isinstance(part, Poisson) for part in parts):
        return Poisson(sum((part.mean for part in parts[1:]), start=parts[0].mean))
    if len(parts) == 1:
        return parts[0]
    return _counted(parts) if all(part.discrete for part in parts) else _gridded(parts)


def _counted(parts: Sequence[Demand]) -> Pmf:
    rows = np.ones((int(np.prod(parts[0].shape, dtype=np.int64)), 1))
    for part in parts:
        top = int(np.max(part.quantile(1 - 1e-14))) + 1
        grid = np.arange(top + 1.0).reshape(-1, *[1] * len(part.shape))
        survival = part.survival(grid).reshape(top + 1, -1)
        rows = _convolved(rows, _steps(survival))
    return Pmf((rows / rows.sum(axis=1, keepdims=True)).reshape(*parts[0].shape, -1))


def _gridded(parts: Sequence[Demand]) -> Histogram:
    shape = parts[0].shape
    top = np.maximum.reduce([np.maximum(part.quantile(1 - 1e-9), 0.0) for part in parts])
    width = np.atleast_1d(np.where(top > 0, top, 1.0) / (_POINTS - 1))
    rows, zero = np.ones((width.size, 1)), np.ones(width.size)
    edges = (np.arange(_POINTS)[:, None] + 0.5) * width
    for part in parts:
        survival = part.survival(edges if shape else edges[:, 0]).reshape(_POINTS, -1)
        survival[-1] = 0.0
        rows = _convolved(rows, _steps(survival))
        zero = zero * np.atleast_1d(1.0 - part.survival(0.0))
    rows /= rows.sum(axis=1, keepdims=True)
    return Histogram(
        rows.reshape(*shape, -1), width=width.reshape(shape), zero_mass=np.minimum(zero, rows[:, 0]).reshape(shape)
    )


def _steps(survival: Array) -> Array:
    before = np.concatenate([np.ones_like(survival[:1]), survival[:-1]])
    return np.maximum(before - survival, 0.0).T


def _convolved(one: Array, other: Array) -> Array:
    """Row by row, sums of positive terms only: relative accuracy in the tail."""
    short, long = (one, other) if one.shape[1] <= other.shape[1] else (other, one)
    out = np.zeros((len(one), one.shape[1] + other.shape[1] - 1))
    for k in range(short.shape[1]):
        out[:, k : k + long.shape[1]] += short[:, k : k + 1] * long
    return out


def _within(periods: ArrayLike, last: float) -> Array:
    time = _checks.non_negative("lead_time + review_period", periods)
    return _checks.between("lead_time + review_period (periods the forecast covers)", time, 0.0, last)
