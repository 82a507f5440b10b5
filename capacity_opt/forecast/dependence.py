"""How series rise and fall together, and how long a surprise lasts: what joint sample paths are drawn with.

Across series: one-step surprises of every series (what a simple smoother did not see coming), brought to one scale,
have a few shared factors. How many is told by the edge of pure noise (Marchenko and Pastur 1967), and their loadings
are shrunk by what noise adds to the largest eigenvalues (Donoho, Gavish and Johnstone 2018), so that independent series
stay independent. Over time: the AR(1) that gives the sum of the coming periods the spread which totals really had in
the backtest; it is half each series' own and half the panel's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capacity_opt.demand.forecast_demand import matching_correlation
from capacity_opt.demand.quantiles import QuantileDemand
from capacity_opt.forecast.history import History
from capacity_opt.forecast.quantile_forecast import QuantileForecast

Array = NDArray[np.float64]
MOST_FACTORS = 5
_LONGEST = 520
_MEMORY = 0.2
_FEWEST = 12
_OUTERMOST = 4.0
_MOST_SHARED = 0.96
_OWN = 0.5


@dataclass(frozen=True, eq=False)
class Dependence:
    """``serial`` (n,): AR(1) of successive periods; ``loadings`` (n, k): how much of a series each shared factor moves.

    The correlation of two series is the product of their rows of ``loadings``; a row's squares sum to less than 1, the
    rest is the series' own.
    """

    serial: Array
    loadings: Array

    def correlation(self) -> Array:
        """(n, n) between the series of one period."""
        table = self.loadings @ self.loadings.T
        np.fill_diagonal(table, 1.0)
        return np.asarray(table)

    def take(self, series: NDArray[np.intp]) -> Dependence:
        """The chosen series only."""
        return Dependence(self.serial[series], self.loadings[series])

    def latent(self, count: int, periods: int, *, rng: np.random.Generator) -> Array:
        """(count, n, periods) normals with these correlations."""
        n, k = self.loadings.shape
        own = np.sqrt(np.maximum(1.0 - (self.loadings**2).sum(axis=1), 0.0))
        fresh = np.sqrt(1.0 - self.serial**2)
        out = np.empty((count, n, periods))
        for t in range(periods):
            noise = own * rng.standard_normal((count, n))
            if k:
                noise += rng.standard_normal((count, k)) @ self.loadings.T
            out[:, :, t] = noise if t == 0 else self.serial * out[:, :, t - 1] + fresh * noise
        return out


def shared_loadings(history: History, season: int = 0) -> Array:
    """(n, k) loadings of the factors that the series' surprises share; k = 0 where they share none.

    >>> rng = np.random.default_rng(0)
    >>> common = rng.normal(size=(1, 200))
    >>> together = History(20 + common + 0.5 * rng.normal(size=(6, 200)))
    >>> table = shared_loadings(together)
    >>> bool((table @ table.T)[0, 1] > 0.6), shared_loadings(History(rng.normal(size=(6, 200)))).shape
    (True, (6, 0))
    """
    surprise = _unit(surprises(history, season))
    known = ~np.isnan(surprise)
    times = int(known.any(axis=0).sum())
    count = len(surprise)
    if count < 2 or times < _FEWEST:
        return np.zeros((count, 0))
    filled = np.where(known, surprise, 0.0)
    table = filled @ filled.T if count <= times else filled.T @ filled
    values, vectors = np.linalg.eigh(table / times)
    gamma = count / times
    chosen = [j for j in np.argsort(-values)[:MOST_FACTORS] if values[j] > 1.15 * (1.0 + np.sqrt(gamma)) ** 2]
    if not chosen:
        return np.zeros((count, 0))
    directions = vectors[:, chosen]
    if count > times:
        directions = filled @ directions / np.sqrt(values[chosen] * times)
    loadings = directions * np.sqrt([_shrunk(float(values[j]), gamma) for j in chosen])
    communality = (loadings**2).sum(axis=1, keepdims=True)
    return np.asarray(loadings * np.sqrt(np.minimum(1.0, _MOST_SHARED / np.maximum(communality, 1e-300))))


def _shrunk(value: float, gamma: float) -> float:
    """What of an eigenvalue is signal: the population's spike times how far its direction is to be trusted."""
    inner = value + 1.0 - gamma
    spike = 0.5 * (inner + np.sqrt(max(inner**2 - 4.0 * value, 0.0)))
    if spike <= 1.0:
        return 0.0
    trusted = (1.0 - gamma / (spike - 1.0) ** 2) / (1.0 + gamma / (spike - 1.0))
    return float(max((spike - 1.0) * trusted, 0.0))


def surprises(history: History, season: int) -> Array:
    """(n, T) one-step errors of an exponentially weighted mean without the season, on the calendar; NaN for none."""
    table = on_calendar(history)
    if season > 1 and table.shape[1] >= 2 * season:
        for phase in range(season):
            table[:, phase::season] -= _mean(table[:, phase::season])[:, None]
    level = np.where(np.isnan(table[:, 0]), 0.0, table[:, 0])
    begun = ~np.isnan(table[:, 0])
    out = np.full(table.shape, np.nan)
    for t in range(1, table.shape[1]):
        here = ~np.isnan(table[:, t])
        both = here & begun
        out[both, t] = table[both, t] - level[both]
        level = np.where(both, level + _MEMORY * (table[:, t] - level), np.where(here, table[:, t], level))
        begun |= here
    return out


def _unit(errors: Array) -> Array:
    """Around 0, of variance 1, the outermost cut off."""
    centred = errors - _mean(errors)[:, None]
    size = np.sqrt(_mean(centred**2))
    unit = np.clip(centred / np.where(size > 0, size, np.inf)[:, None], -_OUTERMOST, _OUTERMOST)
    again = np.sqrt(_mean(unit**2))
    return np.asarray(unit / np.where(again > 0, again, np.inf)[:, None])


def on_calendar(history: History) -> Array:
    """(n, T) the last periods of all series, each in its own period of the shared calendar."""
    last = int(history.last.max())
    width = min(_LONGEST, last - int(history.first.min()) + 1)
    table = np.full((history.count, width), np.nan)
    owner = np.repeat(np.arange(history.count), history.lengths)
    within = np.arange(len(history.values)) - np.repeat(history.offsets[:-1], history.lengths)
    place = np.repeat(history.first, history.lengths) + within - (last - width + 1)
    kept = place >= 0
    table[owner[kept], place[kept]] = history.values[kept]
    return table


def _mean(table: Array) -> Array:
    known = ~np.isnan(table)
    return np.asarray(np.where(known, table, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1))


def serial_correlation(period: QuantileForecast, totals: QuantileForecast) -> Array:
    """(n,) the AR(1) with which paths of ``period``'s distributions have totals as wide as ``totals`` (cumulative)."""
    if period.horizon == 1:
        return np.zeros(period.count)
    one = np.stack([_variance(period, h) for h in range(period.horizon)]).mean(axis=0)
    found = matching_correlation(one, _variance(totals, totals.horizon - 1), period.horizon)
    some = one > 0
    pool = float(np.median(found[some])) if some.any() else 0.0
    return np.asarray(np.where(some, _OWN * found + (1.0 - _OWN) * pool, pool))


def _variance(forecast: QuantileForecast, step: int) -> Array:
    return np.asarray(QuantileDemand(forecast.levels, np.maximum(forecast.values[:, step], 0.0)).variance)
