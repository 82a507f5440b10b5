"""How much to commit to at a discount when usage varies: the newsvendor of committed use."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.demand.protocol import Demand
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Commitment:
    """Units committed to in every hour, arrays over items for a Demand.

    ``cost``: per hour, in on-demand prices of one unit; ``on_demand_cost``: without commitment (mean usage);
    ``utilization``: share of the commitment that is used; ``coverage``: share of the usage under it.
    """

    units: Array
    cost: Array
    on_demand_cost: Array
    utilization: Array
    coverage: Array

    @property
    def saving(self) -> Array:
        """Per hour, in on-demand prices of one unit."""
        return self.on_demand_cost - self.cost


def optimize_commitment(usage: Demand | ArrayLike, *, discount: ArrayLike) -> Commitment:
    """The commitment of least cost: units that cost 1 - ``discount`` every hour, used or not; usage above costs 1.

    ``usage``: a law of hourly usage per item (a Demand), or observed hours (hours,). The best commitment is the
    smallest usage level not exceeded in a share ``discount`` of the hours: its last unit is used in more than
    1 - ``discount`` of them.

    >>> told = optimize_commitment([10] * 10 + [20] * 10, discount=0.28)
    >>> float(told.units), round(float(told.cost), 6), round(float(told.saving), 6)
    (10.0, 12.2, 2.8)
    """
    share = _checks.fraction("discount", discount)
    if isinstance(usage, Demand):
        units = np.maximum(usage.quantile(share), 0.0)
        above, mean = usage.loss(units), usage.loss(0.0)
    else:
        hours = np.sort(_checks.non_negative("usage", usage))
        if hours.ndim != 1 or not hours.size:
            raise ArgumentError(f"usage must be observed hours of shape (hours,) or a Demand, got shape {hours.shape}")
        units = hours[np.ceil(share * hours.size - 1e-9).astype(np.int64) - 1]
        above = np.maximum(hours - units[..., None], 0.0).mean(axis=-1)
        mean = np.full(np.shape(units), hours.mean())
    covered = mean - above
    return Commitment(
        units=np.asarray(units)[()],
        cost=np.asarray(units * (1.0 - share) + above)[()],
        on_demand_cost=np.asarray(mean)[()],
        utilization=np.where(units > 0, covered / np.where(units > 0, units, 1.0), 1.0)[()],
        coverage=np.where(mean > 0, covered / np.where(mean > 0, mean, 1.0), 1.0)[()],
    )
