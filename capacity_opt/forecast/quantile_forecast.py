"""A forecast as quantiles: [series, horizon, level], with where it came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.demand.horizon import CumulativeQuantiles
from capacity_opt.demand.quantiles import QuantileDemand
from capacity_opt.errors import ArgumentError
from capacity_opt.forecast.history import PeriodCalendar

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False, init=False)
class QuantileForecast:
    """Quantiles of each coming period: ``values`` (n, H, m) at ``levels`` (m,), strictly increasing in (0, 1).

    ``cumulative=True``: of the running total over periods 1..h instead (never the sum of the periods' quantiles).
    ``ids`` (n,) the series; ``origin`` (n,) the period of the last observation used, on ``calendar``, -1 where
    unknown: horizon h (from 1) is period ``origin + h``. Crossing quantiles are sorted; ``crossings`` counts them.
    ``provenance`` says which model, version and settings made it; it travels into the run's manifest.

    >>> forecast = QuantileForecast([0.1, 0.5, 0.9], [[[8, 10, 14], [9, 12, 18]]], provenance={"model": "mine"})
    >>> forecast.at(0.9)
    array([[14., 18.]])
    >>> float(forecast.demand(1).quantile(0.5)[0])
    10.0
    """

    levels: Array
    values: Array
    ids: NDArray[np.str_]
    origin: IntArray
    cumulative: bool
    crossings: int
    calendar: PeriodCalendar
    provenance: Mapping[str, str]

    def __init__(
        self,
        levels: ArrayLike,
        values: ArrayLike,
        *,
        ids: Sequence[str] | NDArray[np.str_] | None = None,
        origin: ArrayLike = -1,
        cumulative: bool = False,
        calendar: PeriodCalendar = PeriodCalendar(),  # noqa: B008 - frozen
        provenance: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        checked = _checks.increasing("levels", _checks.fraction("levels", levels))
        table = _checks.finite("values", values)
        if table.ndim != 3 or table.shape[2] != len(checked):
            raise ArgumentError(f"values must have shape (series, horizon, {len(checked)}), got {table.shape}")
        count = len(table)
        names = np.arange(count).astype(np.str_) if ids is None else np.asarray(ids, dtype=np.str_)
        if names.shape != (count,):
            raise ArgumentError(f"ids must name all {count} series, got {names.shape}")
        crossings = int(np.count_nonzero(table[..., 1:] < table[..., :-1]))
        put = object.__setattr__
        put(self, "levels", checked)
        put(self, "values", np.sort(table, axis=2) if crossings else table)
        put(self, "ids", names)
        put(self, "origin", np.broadcast_to(np.asarray(origin, dtype=np.int64), (count,)).copy())
        put(self, "cumulative", cumulative)
        put(self, "crossings", crossings)
        put(self, "calendar", calendar)
        put(self, "provenance", MappingProxyType({str(key): str(value) for key, value in provenance.items()}))

    @property
    def count(self) -> int:
        """How many series."""
        return len(self.values)

    @property
    def horizon(self) -> int:
        """How many coming periods."""
        return int(self.values.shape[1])

    def at(self, level: float) -> Array:
        """(n, H) the quantiles of one level: a given one, or interpolated between its neighbours."""
        asked = _checks.single("level", _checks.between("level", level, self.levels[0], self.levels[-1]))
        right = min(max(int(np.searchsorted(self.levels, asked)), 1), len(self.levels) - 1)
        if len(self.levels) == 1:
            return self.values[..., 0].copy()
        low, high = self.levels[right - 1], self.levels[right]
        share = (asked - low) / (high - low)
        left = self.values[..., right - 1]
        return np.where(share >= 1.0, self.values[..., right], left + share * (self.values[..., right] - left))

    def take(self, series: ArrayLike) -> QuantileForecast:
        """The chosen series only (positions, or a mask)."""
        chosen = np.arange(self.count)[np.asarray(series)]
        return QuantileForecast(
            self.levels,
            self.values[chosen],
            ids=self.ids[chosen],
            origin=self.origin[chosen],
            cumulative=self.cumulative,
            calendar=self.calendar,
            provenance=self.provenance,
        )

    def demand(self, horizon: int, *, integer: bool = False) -> QuantileDemand:
        """Demand of the period ``horizon`` steps ahead (or of the total up to it), one item per series; 0 at least."""
        step = int(_checks.between("horizon", _checks.whole("horizon", horizon), 1, self.horizon))
        return QuantileDemand(self.levels, self.values[:, step - 1], integer=integer)

    def over_lead_time(self, *, integer: bool = False) -> CumulativeQuantiles:
        """The running totals as :func:`capacity_opt.lead_time_demand` takes them; refused for quantiles of periods."""
        if not self.cumulative:
            raise ArgumentError(
                "over_lead_time needs quantiles of running totals, got quantiles of single periods, whose sum is not "
                "the quantile of the sum. Forecast with lead-time totals, or draw paths"
            )
        return CumulativeQuantiles(self.levels, np.maximum(self.values, 0.0), integer=integer)
