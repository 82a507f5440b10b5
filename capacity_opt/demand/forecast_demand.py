"""Demand as a forecaster knows it: one period, and totals over coming periods told straight, not made from periods."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.demand.horizon import CumulativeQuantiles
from capacity_opt.demand.protocol import Demand
from capacity_opt.demand.quantiles import QuantileDemand
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]
_MOST_TIED, _LEAST_TIED = 0.98, -0.4


@dataclass(frozen=True, eq=False, init=False)
class ForecastDemand:
    """Demand per ``period`` (n,), with the quantiles of running ``totals`` (n, H, m) that a forecaster gave.

    A policy's demand over lead time and review period is the total itself (:func:`capacity_opt.lead_time_demand`
    takes it so): what a sum of the periods' distributions would miss, errors that last and drift, is in it. Beyond H
    periods the mean grows with time and the spread with its root. ``correlation`` (n,): the AR(1) of successive
    periods' latent normals that gives a total of ``matched`` periods (scalar or (n,), H unless given) its spread; the
    judge draws paths with it. Everything else is the period's.

    >>> period = QuantileDemand([0.1, 0.5, 0.9], [[8.0, 10.0, 12.0]])
    >>> totals = CumulativeQuantiles([0.1, 0.5, 0.9], [[[8.0, 10.0, 12.0], [16.4, 20.0, 23.6]]])
    >>> demand = ForecastDemand(period, totals)
    >>> float(demand.over(2).quantile(0.9)[0]), demand.correlation.round(1)
    (23.6, array([0.6]))
    """

    period: Demand
    totals: CumulativeQuantiles
    correlation: Array

    def __init__(
        self,
        period: Demand,
        totals: CumulativeQuantiles,
        *,
        matched: ArrayLike | None = None,
        correlation: ArrayLike | None = None,
    ) -> None:
        count = len(totals.values)
        if totals.values.ndim != 3 or period.shape != (count,):
            raise ArgumentError(f"period and totals must be of the same items, got {period.shape} and {count}")
        object.__setattr__(self, "period", period)
        object.__setattr__(self, "totals", totals)
        if correlation is None:
            time = totals.horizons[-1] if matched is None else _checks.positive("matched", matched)
            found = matching_correlation(period.variance, self.over(time).variance, np.broadcast_to(time, (count,)))
        else:
            found = np.broadcast_to(_checks.between("correlation", correlation, -1.0, 1.0), (count,))
        object.__setattr__(self, "correlation", found)

    @classmethod
    def of_horizon(
        cls, levels: ArrayLike, periods: Array, totals: Array, *, span: ArrayLike, integer: bool = False
    ) -> ForecastDemand:
        """From quantiles of each coming period and of running totals, both (n, H, m).

        The period is the mean of those of the next ``span`` periods, scalar or (n,), moved so that as many of them come
        to the total's mean on average.
        """
        count, horizon, _ = periods.shape
        steps = np.broadcast_to(np.clip(np.rint(np.asarray(span, dtype=np.float64)), 1, horizon), (count,))
        used = (np.arange(horizon) < steps[:, None])[:, :, None]
        mean = np.where(used, periods, 0.0).sum(axis=1) / steps[:, None]
        told = CumulativeQuantiles(levels, totals, integer=integer)
        wanted = np.asarray(told.over(steps).mean) / steps
        if integer:
            mean = _moved(told.levels, mean, wanted)
        else:
            one = np.asarray(QuantileDemand(told.levels, mean).mean)
            factor = np.clip(np.where(one > 0, wanted / np.where(one > 0, one, 1.0), 1.0), 0.5, 2.0)
            mean = mean * np.where(steps > 1, factor, 1.0)[:, None]
        return cls(QuantileDemand(told.levels, mean, integer=integer), told, matched=steps)

    def over(self, periods: ArrayLike) -> QuantileDemand:
        """The total over ``periods``, scalar or per item."""
        time = np.broadcast_to(_checks.non_negative("periods", periods), (len(self.totals.values),))
        last = float(self.totals.horizons[-1])
        known = self.totals.over(np.minimum(time, last))
        longer = np.maximum(time / last, 1.0)[:, None]
        if np.all(longer == 1.0):
            return known
        middle = np.asarray(known.mean)[:, None]
        values = np.maximum(middle * longer + (known.values - middle) * np.sqrt(longer), 0.0)
        return QuantileDemand(self.totals.levels, values, integer=self.totals.integer)

    def sample_paths(self, replications: int, periods: int, *, rng: np.random.Generator) -> Array:
        """(replications, n, periods) paths: the period's distribution, successive periods tied."""
        from scipy import special

        latent = np.empty((periods, replications, len(self.correlation)))
        noise = rng.standard_normal(latent.shape)
        fresh = np.sqrt(1.0 - self.correlation**2)
        latent[0] = noise[0]
        for t in range(1, periods):
            latent[t] = self.correlation * latent[t - 1] + fresh * noise[t]
        level = np.clip(special.ndtr(latent), 2.0**-54, 1 - 2.0**-53).reshape(periods * replications, -1)
        return np.moveaxis(self.period.quantile(level).reshape(latent.shape), 0, 2)

    def take(self, items: NDArray[np.intp]) -> ForecastDemand:
        """The chosen items only, by position."""
        totals = self.totals
        kept = CumulativeQuantiles(
            totals.levels, totals.values[items], horizons=totals.horizons, integer=totals.integer
        )
        return ForecastDemand(self.period.take(items), kept, correlation=self.correlation[items])

    @property
    def shape(self) -> tuple[int, ...]:
        """``(n,)``."""
        return self.period.shape

    @property
    def discrete(self) -> bool:
        """Whether demand is counted in whole units."""
        return self.period.discrete

    @property
    def mean(self) -> Array:
        """E[D] of a period."""
        return self.period.mean

    @property
    def variance(self) -> Array:
        """Var[D] of a period."""
        return self.period.variance

    def cdf(self, x: ArrayLike) -> Array:
        """P(D <= x) of a period."""
        return self.period.cdf(x)

    def survival(self, x: ArrayLike) -> Array:
        """P(D > x) of a period."""
        return self.period.survival(x)

    def quantile(self, level: ArrayLike) -> Array:
        """The smallest x with P(D <= x) >= level, of a period."""
        return self.period.quantile(level)

    def loss(self, x: ArrayLike) -> Array:
        """E[max(D - x, 0)] of a period."""
        return self.period.loss(x)

    def sample(self, count: int, *, rng: np.random.Generator) -> Array:
        """``count`` independent periods, shape ``(count, n)``."""
        return self.period.sample(count, rng=rng)


def _moved(levels: Array, values: Array, wanted: Array) -> Array:
    """Quantiles (n, m) lowered, by at most one unit, such that whole demand, rounded up, has the mean ``wanted``."""
    low, high = np.zeros(len(values)), np.ones(len(values))
    for _ in range(8):
        shift = 0.5 * (low + high)
        mean = QuantileDemand(levels, np.maximum(values - shift[:, None], 0.0), integer=True).mean
        above = np.asarray(mean) > wanted
        low, high = np.where(above, shift, low), np.where(above, high, shift)
    return np.asarray(np.maximum(values - low[:, None], 0.0))


def matching_correlation(period: ArrayLike, total: ArrayLike, periods: ArrayLike) -> Array:
    """(n,) the AR(1) with which ``periods`` periods of variance ``period`` have a sum of variance ``total``.

    >>> matching_correlation([1.0, 1.0, 1.0], [2.0, 3.0, 4.0], 2).round(2)
    array([-0.  ,  0.5 ,  0.98])
    """
    one, whole, time = np.broadcast_arrays(*(np.asarray(each, dtype=np.float64) for each in (period, total, periods)))
    ratio = np.where(one > 0, whole / np.where(one > 0, one, 1.0), time)
    low, high = np.full(ratio.shape, _LEAST_TIED), np.full(ratio.shape, _MOST_TIED)
    steps = int(np.max(time, initial=1.0))
    for _ in range(40):
        middle = 0.5 * (low + high)
        factor, power = time.copy(), np.ones_like(middle)
        for lag in range(1, steps):
            power = power * middle
            factor = factor + 2.0 * np.maximum(time - lag, 0.0) * power
        below = factor < ratio
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray(np.where((time > 1) & (one > 0), 0.5 * (low + high), 0.0))
