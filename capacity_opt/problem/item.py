"""What one stocked item costs and how long it takes to come: the data of a replenishment problem."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Item:
    """Costs and delays of items; every field is a scalar or an array over items, and they broadcast together.

    Units: money per unit and period for ``holding_cost`` and ``stockout_cost`` (backorders; per lost unit where
    sales are lost), money per order for ``fixed_cost``, periods for ``lead_time`` and ``review_period``.

    >>> Item(holding_cost=1, stockout_cost=[9, 4], lead_time=2).shape
    (2,)
    """

    holding_cost: ArrayLike
    stockout_cost: ArrayLike = 0.0
    fixed_cost: ArrayLike = 0.0
    lead_time: ArrayLike = 0.0
    review_period: ArrayLike = 1.0

    def __post_init__(self) -> None:
        """Check every field and store it as float64 of the common shape."""
        _, fields = _checks.broadcast(
            holding_cost=_checks.non_negative("holding_cost", self.holding_cost),
            stockout_cost=_checks.non_negative("stockout_cost", self.stockout_cost),
            fixed_cost=_checks.non_negative("fixed_cost", self.fixed_cost),
            lead_time=_checks.non_negative("lead_time", self.lead_time),
            review_period=_checks.non_negative("review_period", self.review_period),
        )
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    @property
    def shape(self) -> tuple[int, ...]:
        """``()`` for one item given by scalars, ``(n,)`` for ``n`` items."""
        return np.shape(self.holding_cost)
