"""Joint sample paths of many series over the coming periods: what a fleet, or a pool of items, may meet together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from capacity_opt import _checks
from capacity_opt.demand.horizon import PathForecast
from capacity_opt.demand.quantiles import QuantileDemand
from capacity_opt.errors import ArgumentError
from capacity_opt.forecast.batch import LEVELS, forecast_quantiles
from capacity_opt.forecast.dependence import Dependence, serial_correlation, shared_loadings
from capacity_opt.forecast.history import History, PeriodCalendar
from capacity_opt.forecast.quantile_forecast import QuantileForecast
from capacity_opt.forecast.totals import forecast_totals

Array = NDArray[np.float64]
_MEMORY = 400e6


@dataclass(frozen=True, eq=False)
class JointForecast:
    """Sample paths on demand: ``period`` quantiles of each period, ``totals`` of the running totals, ``dependence``.

    Every path has the periods' distributions, tied over time and across series by a Gaussian copula; each series' paths
    are then stretched so that their totals over the whole horizon are spread as ``totals`` says (conformal on the
    total; a path without demand stays so). Equal seeds give equal bits. It is a
    :class:`~capacity_opt.problem.fleet.DemandPaths` with a group per series.
    """

    period: QuantileForecast
    totals: QuantileForecast
    dependence: Dependence
    integer: bool = False

    @property
    def ids(self) -> NDArray[np.str_]:
        """(n,) the series."""
        return self.period.ids

    @property
    def calendar(self) -> PeriodCalendar:
        """What a period is."""
        return self.period.calendar

    def sample(self, count: int, *, seed: int) -> Array:
        """(count, n, H) equally likely joint paths."""
        number = int(_checks.whole("count", count, at_least=1))
        size = number * self.period.count * self.period.horizon * 8
        if size > 8 * _MEMORY:
            raise ArgumentError(
                f"{number} paths of {self.period.count} series over {self.period.horizon} periods take "
                f"{size / 1e9:.1f} GB. Draw fewer, or take() some of the series at a time"
            )
        rng = np.random.default_rng(seed)
        level = special.ndtr(self.dependence.latent(number, self.period.horizon, rng=rng))
        np.clip(level, 2.0**-54, 1 - 2.0**-53, out=level)
        levels = self.period.levels
        demand = QuantileDemand(levels, np.maximum(self.period.values, 0.0).reshape(-1, len(levels)))
        paths = demand.quantile(level.reshape(number, -1)).reshape(level.shape)
        paths *= self._stretch(paths.sum(axis=2))[:, :, None]
        return _whole(paths) if self.integer else paths

    def draw(self, count: int, *, seed: int) -> tuple[Array, Array]:
        """``count`` paths (count, n, H, 1) and their probabilities, as a fleet takes them."""
        return self.sample(count, seed=seed)[..., None], np.full(count, 1.0 / count)

    def quantiles(self, levels: ArrayLike, *, count: int = 2000, seed: int, cumulative: bool = False) -> Array:
        """(n, H, m) of the drawn paths, or of their running totals."""
        paths = self.sample(count, seed=seed)
        told = np.cumsum(paths, axis=2) if cumulative else paths
        return np.asarray(np.moveaxis(np.quantile(told, _checks.fraction("levels", levels), axis=0), 0, 2))

    def over_lead_time(self, count: int = 2000, *, seed: int) -> PathForecast:
        """The paths as :func:`~capacity_opt.lead_time_demand` takes them, one item per series."""
        return PathForecast(np.moveaxis(self.sample(count, seed=seed), 0, 1))

    def take(self, series: ArrayLike) -> JointForecast:
        """The chosen series only."""
        chosen = np.arange(self.period.count)[np.asarray(series)]
        return JointForecast(
            self.period.take(chosen), self.totals.take(chosen), self.dependence.take(chosen), self.integer
        )

    def _stretch(self, sums: Array) -> Array:
        """(count, n) by how much each path's total must change to have the rank's quantile of ``totals``."""
        count = len(sums)
        last = np.maximum(self.totals.values[:, -1], 0.0)
        order = np.argsort(np.argsort(sums, axis=0, kind="stable"), axis=0, kind="stable")
        wanted = QuantileDemand(self.totals.levels, last).quantile((order + 0.5) / count)
        return np.asarray(np.where(sums > 0, wanted / np.where(sums > 0, sums, 1.0), 1.0))


def _whole(paths: Array) -> Array:
    """Whole units, a path's total kept to within one half: what is cut off one period goes on to the next."""
    return np.diff(np.floor(np.cumsum(paths, axis=2) + 0.5), axis=2, prepend=0.0)


def forecast_paths(
    history: History,
    horizon: int,
    *,
    levels: ArrayLike = LEVELS,
    season: int | Sequence[int] | None = None,
    integer: bool | None = None,
    shared: bool = True,
) -> JointForecast:
    """Joint sample paths of all series over the next ``horizon`` periods.

    ``shared=False`` leaves out the factors that move series together. ``integer``: whole units; by default where all of
    the history is whole. Demand is at least 0.

    >>> rng = np.random.default_rng(1)
    >>> common = np.cumsum(rng.normal(0, 1, 80))
    >>> joint = forecast_paths(History(100 + common + rng.normal(0, 1, (5, 80))), 3, levels=[0.1, 0.5, 0.9], season=0)
    >>> joint.sample(200, seed=7).shape
    (200, 5, 3)
    """
    period = forecast_quantiles(history, horizon, levels=levels, season=season)
    totals = forecast_totals(history, horizon, levels=levels, season=season)
    told = period.provenance.get("season", "none").split(", ")[-1]
    loadings = shared_loadings(history, 0 if told == "none" else int(told)) if shared else np.zeros((history.count, 0))
    dependence = Dependence(serial_correlation(period, totals), loadings)
    known = history.values[~np.isnan(history.values)]
    whole = bool(np.all(known == np.rint(known))) if integer is None else integer
    return JointForecast(period, totals, dependence, whole)
