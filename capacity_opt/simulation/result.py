"""What the inventory simulation measured, with its uncertainty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from capacity_opt.problem.item import Item
from capacity_opt.simulation.estimate import Estimate, estimate_mean, estimate_ratio

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class SimulationResult:
    """Every measure is an :class:`~capacity_opt.Estimate` per item over the counted periods of all replications.

    Money per period: ``cost`` = ``holding`` (on hand at the end of the period) + ``stockout`` (backorders at the end;
    units lost where sales are lost) + ``ordering`` (fixed cost of each order).
    ``fill_rate`` (beta): share of demand met from stock in the period it is asked. ``no_stockout`` (alpha): share of
    periods that end without backorders (without a lost sale). ``cycle_service_level``: share of cycles, from one
    arrival to the next, without such a period. ``ready_rate``: share of periods that end with stock on hand.
    ``gamma``: 1 - backorders at the end / demand. Units: ``backorders``, ``on_hand`` at the end of a period,
    ``lost`` and ``ordered`` per period; ``orders`` placed per period.
    ``cost_by_replication``, of shape ``(replications, *items)``, is what paired comparisons are made from.
    """

    cost: Estimate
    holding: Estimate
    stockout: Estimate
    ordering: Estimate
    fill_rate: Estimate
    no_stockout: Estimate
    cycle_service_level: Estimate
    ready_rate: Estimate
    gamma: Estimate
    backorders: Estimate
    on_hand: Estimate
    lost: Estimate
    orders: Estimate
    ordered: Estimate
    periods: int
    warm_up: int
    replications: int
    seed: int
    cost_by_replication: Array = field(repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Sums:
    """Totals over the counted time, each (replications, *items); ``time`` is how long was counted, in periods."""

    demand: Array
    filled: Array
    on_hand: Array
    backorders: Array
    short: Array
    ready: Array
    orders: Array
    ordered: Array
    cycles: Array
    good_cycles: Array
    time: float


def charged(sums: Sums, item: Item, *, lost_sales: bool) -> Mapping[str, Array]:
    """Money per period and replication: holding, stockout, ordering."""
    missed = sums.demand - sums.filled if lost_sales else sums.backorders
    return {
        "holding": np.asarray(item.holding_cost) * sums.on_hand / sums.time,
        "stockout": np.asarray(item.stockout_cost) * missed / sums.time,
        "ordering": np.asarray(item.fixed_cost) * sums.orders / sums.time,
    }


def result_of(
    sums: Sums, money: Mapping[str, Array], *, lost_sales: bool, level: float, warm_up: int, seed: int
) -> SimulationResult:
    """Turn totals and money per replication into estimates."""
    time = sums.time
    lost = (sums.demand - sums.filled) / time if lost_sales else np.zeros_like(sums.demand)
    cost = money["holding"] + money["stockout"] + money["ordering"]

    def mean(values: Array) -> Estimate:
        return estimate_mean(values, level=level)

    def ratio(part: Array, whole: Array) -> Estimate:
        return estimate_ratio(part, whole, level=level)

    return SimulationResult(
        cost=mean(cost),
        **{name: mean(value) for name, value in money.items()},
        fill_rate=ratio(sums.filled, sums.demand),
        no_stockout=mean(1.0 - sums.short / time),
        cycle_service_level=ratio(sums.good_cycles, sums.cycles),
        ready_rate=mean(sums.ready / time),
        gamma=ratio(sums.demand - sums.backorders, sums.demand),
        backorders=mean(sums.backorders / time),
        on_hand=mean(sums.on_hand / time),
        lost=mean(lost),
        orders=mean(sums.orders / time),
        ordered=mean(sums.ordered / time),
        periods=round(time),
        warm_up=warm_up,
        replications=len(cost),
        seed=seed,
        cost_by_replication=cost,
    )
