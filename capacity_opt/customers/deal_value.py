"""What each large customer means for the capacity decision: the value of knowing, and the cost of a shock.

One period of a newsvendor: capacity ``q`` costs ``holding_cost`` per idle unit and ``stockout_cost`` per unit short.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capacity_opt import _checks
from capacity_opt.demand.lattice import Histogram
from capacity_opt.demand.lumps import Lumps
from capacity_opt.demand.lumpy import Spectrum, lump_outcomes, spectrum
from capacity_opt.demand.protocol import Demand

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class DealValue:
    """Per lump (L,), and for all: expected cost of the best capacity decided now (``cost``, at ``order_quantity``);
    ``value_of_knowing`` (L,): how much less it is if the lump's course is known before the order; ``all_known``: if
    every lump is; ``first``: positions, the call worth most first."""

    order_quantity: float
    cost: float
    value_of_knowing: Array
    all_known: float

    @property
    def first(self) -> NDArray[np.int64]:
        """Positions of the lumps from the most valuable to know down."""
        return np.argsort(-self.value_of_knowing, kind="stable").astype(np.int64)


@dataclass(frozen=True, kw_only=True)
class AccountShock:
    """Per lump (L,): expected cost at the capacity planned now if it is certainly absent (``leaves``) or there twice
    (``doubles``), and what the best capacity for that would have cost (``leaves_planned``, ``doubles_planned``)."""

    cost: float
    leaves: Array
    leaves_planned: Array
    doubles: Array
    doubles_planned: Array


def value_of_knowing(
    base: Demand,
    lumps: Lumps,
    *,
    stockout_cost: float,
    holding_cost: float,
    group: int = 0,
    period: int = 0,
    points: int = 8192,
) -> DealValue:
    """Which deal's outcome is worth knowing before the order date: the expected cost saved by knowing it.

    >>> from capacity_opt.demand.parametric import Normal
    >>> told = value_of_knowing(Normal(1000, 50), Lumps.deals([400, 50], [0.5, 0.5]), stockout_cost=9, holding_cost=1)
    >>> told.first.tolist(), bool(told.value_of_knowing[0] > 5 * told.value_of_knowing[1])
    ([0, 1], True)
    """
    h, p = _costs(holding_cost, stockout_cost)
    made = spectrum(base, lumps, group=group, period=period, points=points)
    quantity, cost = _best(made.demand(made.total()), h, p)
    value = np.zeros(len(lumps.names))
    for lump, others in enumerate(made.others()):
        outcomes = lump_outcomes(lumps, lump, group, period, made.width, made.points)
        informed = sum(chance * _best(made.demand(others * made.transform(row)), h, p)[1] for chance, row in outcomes)
        value[lump] = max(0.0, cost - informed)
    # whatever is known adds a constant: what remains is the base's own uncertainty
    alone = _best(made.demand(made.base), h, p)[1]
    return DealValue(order_quantity=quantity, cost=cost, value_of_knowing=value, all_known=max(0.0, cost - alone))


def account_shock(
    base: Demand,
    lumps: Lumps,
    *,
    stockout_cost: float,
    holding_cost: float,
    order_quantity: float | None = None,
    group: int = 0,
    period: int = 0,
    points: int = 8192,
) -> AccountShock:
    """What it costs if one account leaves or doubles while capacity stays at ``order_quantity`` (default: the best).

    >>> from capacity_opt.demand.parametric import Normal
    >>> told = account_shock(Normal(1000, 50), Lumps.accounts([400]), stockout_cost=9, holding_cost=1)
    >>> bool(told.doubles[0] > told.leaves[0] > told.cost)
    True
    """
    h, p = _costs(holding_cost, stockout_cost)
    twice = Lumps(
        names=lumps.names, size=2 * lumps.size, spread=lumps.spread, chance=lumps.chance, profile=lumps.profile
    )
    wide = spectrum(base, Lumps.joined([lumps, twice]), group=group, period=period, points=points)
    count = len(lumps.names)
    made = Spectrum(wide.base, wide.lumps[:count], wide.width, wide.points, wide.zero)
    law = made.demand(made.total())
    quantity = (
        _best(law, h, p)[0] if order_quantity is None else float(_checks.non_negative("order_quantity", order_quantity))
    )
    absent = [made.demand(others) for others in made.others()]
    doubled = [made.demand(others * row) for others, row in zip(made.others(), wide.lumps[count:])]
    return AccountShock(
        cost=_cost(law, quantity, h, p),
        leaves=np.array([_cost(each, quantity, h, p) for each in absent]),
        leaves_planned=np.array([_best(each, h, p)[1] for each in absent]),
        doubles=np.array([_cost(each, quantity, h, p) for each in doubled]),
        doubles_planned=np.array([_best(each, h, p)[1] for each in doubled]),
    )


def _costs(holding_cost: float, stockout_cost: float) -> tuple[float, float]:
    return float(_checks.positive("holding_cost", holding_cost)), float(
        _checks.positive("stockout_cost", stockout_cost)
    )


def _best(law: Histogram, h: float, p: float) -> tuple[float, float]:
    quantity = float(law.quantile(p / (p + h)))
    return quantity, _cost(law, quantity, h, p)


def _cost(law: Histogram, quantity: float, h: float, p: float) -> float:
    short = float(law.loss(quantity))
    return h * (quantity - float(law.mean) + short) + p * short
