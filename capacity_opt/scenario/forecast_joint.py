"""History as joint forecasts of a scenario's demand: paths for a fleet, periods and lead-time totals for items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from capacity_opt.demand.forecast_demand import ForecastDemand
from capacity_opt.forecast.dependence import Dependence
from capacity_opt.forecast.hierarchy import Forecaster, Hierarchy, HierarchyForecast, forecast_hierarchy
from capacity_opt.forecast.history import History
from capacity_opt.forecast.library_reconcile import LIBRARY_METHODS, require_reconciler
from capacity_opt.forecast.paths import JointForecast, forecast_paths
from capacity_opt.scenario.spec import Demand as DemandSection
from capacity_opt.scenario.spec_forecast import Forecast

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
DRAWS = 1000
SEED = 0
MOST_TOLD = 500  # series whose mean correlation is told


@dataclass(frozen=True)
class DrawnGroups:
    """A :class:`~capacity_opt.problem.fleet.DemandPaths`: ``members`` (J * B, n) says which series each group and block
    sums, ``skipped`` how many forecast periods lie before the horizon's first."""

    joint: JointForecast | HierarchyForecast
    members: Array
    shape: tuple[int, int, int]
    skipped: int

    def draw(self, count: int, *, seed: int) -> tuple[Array, Array]:
        """``count`` fresh paths (count, J, T, B), equally likely."""
        groups, periods, blocks = self.shape
        paths = self.joint.sample(count, seed=seed)[:, :, self.skipped : self.skipped + periods]
        summed = np.einsum("kn,snt->skt", self.members, paths, optimize=True)
        values = np.moveaxis(summed.reshape(count, groups, blocks, periods), 2, 3)
        return np.ascontiguousarray(values), np.full(count, 1.0 / count)


@dataclass(frozen=True)
class HistoryForecast:
    """Forecasts of the demand's rows, (rows, H, m) at ``levels``: of each ``period`` and of running ``totals``.

    ``joint`` draws the series behind them from ``skipped`` periods before the horizon on, ``row`` (n,) says which row
    each series belongs to.
    """

    levels: Array
    period: Array
    totals: Array
    joint: JointForecast | HierarchyForecast
    row: IntArray
    skipped: int

    def facts(self) -> dict[str, object]:
        """How it was made, for the run's manifest: models, seasons, how periods and series hang together."""
        base = self.joint if isinstance(self.joint, JointForecast) else self.joint.base
        tied = base.dependence
        shared = tied.loadings[:MOST_TOLD] @ tied.loadings[:MOST_TOLD].T
        pairs = shared[np.triu_indices(len(shared), 1)]
        told: dict[str, object] = {
            **base.period.provenance,
            "series": len(self.row),
            "periods_ahead": base.period.horizon,
            "autocorrelation": round(float(np.median(tied.serial)), 4),
            "shared_factors": int(tied.loadings.shape[1]),
            "cross_correlation": round(float(pairs.mean()), 4) if len(pairs) else 0.0,
        }
        if not isinstance(self.joint, JointForecast):
            told |= {"reconciled": self.joint.method, "nodes": len(self.joint.hierarchy.names)}
            told |= {"reconciled_by": self.joint.library} if self.joint.library else {}
        return told

    def demand_of(self, rows: IntArray, periods: Array, *, integer: bool) -> ForecastDemand:
        """Items' demand: the mean distribution of each one's next ``periods`` periods, and the totals as told."""
        return ForecastDemand.of_horizon(
            self.levels, self.period[rows], self.totals[rows], span=periods, integer=integer
        )


def forecast_history(
    history: History,
    horizon: int,
    section: Forecast,
    demand: DemandSection,
    *,
    keys: Mapping[str, Sequence[str]] | None,
    row: IntArray,
    skipped: int,
) -> HistoryForecast:
    """Forecast every series; with ``keys`` (a label per series for each level above it) so that all sums match."""
    levels = np.asarray(section.levels, dtype=np.float64)
    forecaster = _forecaster(horizon, section, levels)
    if keys is not None:
        if section.reconcile in LIBRARY_METHODS:
            require_reconciler(section.reconcile, "scenario.toml forecast.reconcile")
        tree = Hierarchy.of(history.ids, keys)
        made = forecast_hierarchy(
            history, horizon, tree, method=section.reconcile, named=section.named, levels=levels, season=section.season,
            forecaster=forecaster,
        )  # fmt: skip
        joint: JointForecast | HierarchyForecast = replace(made, base=_tied(made.base, demand))
    elif forecaster is not None:
        joint = _tied(forecaster(history), demand)
    else:
        joint = _tied(forecast_paths(history, horizon, levels=levels, season=section.season), demand)
    rows = int(row.max()) + 1
    if isinstance(joint, JointForecast) and rows == history.count and not skipped:
        period, totals = (np.maximum(each.values[np.argsort(row)], 0.0) for each in (joint.period, joint.totals))
        return HistoryForecast(levels, period, totals, joint, row, skipped)
    period, totals = _drawn(joint, row, rows, levels, skipped)
    return HistoryForecast(levels, period, totals, joint, row, skipped)


def _forecaster(horizon: int, section: Forecast, levels: Array) -> Forecaster | None:
    """What forecasts in place of the engine alone; libraries are imported only where they are asked for."""
    if not section.models:
        return None
    from capacity_opt.scenario.library_joint import library_forecaster

    return library_forecaster(section.models, horizon, levels=levels, season=section.season)


def _drawn(
    joint: JointForecast | HierarchyForecast, row: IntArray, rows: int, levels: Array, skipped: int
) -> tuple[Array, Array]:
    """(rows, H, m) of each period and of running totals, of the sums of series that belong to a row."""
    paths = joint.sample(DRAWS, seed=SEED)[:, :, skipped:]
    members = (np.arange(rows)[:, None] == row).astype(np.float64)
    summed = np.einsum("kn,snt->skt", members, paths, optimize=True)
    told = (np.quantile(each, levels, axis=0) for each in (summed, np.cumsum(summed, axis=2)))
    period, totals = (np.moveaxis(each, 0, 2) for each in told)
    return np.asarray(period), np.asarray(totals)


def _tied(joint: JointForecast, demand: DemandSection) -> JointForecast:
    """``[demand] autocorrelation`` and ``cross_correlation``, where they are written, in place of what was learned."""
    given, learned = demand.model_fields_set, joint.dependence
    serial, loadings = learned.serial, learned.loadings
    if "autocorrelation" in given:
        serial = np.full_like(serial, demand.autocorrelation)
    if "cross_correlation" in given:
        loadings = np.full((len(serial), 1), np.sqrt(demand.cross_correlation))
    return replace(joint, dependence=Dependence(serial, loadings))
