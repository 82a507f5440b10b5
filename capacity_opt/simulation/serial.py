"""Plays echelon base-stock levels on a serial line, stock by stock and shipment by shipment.

Order of events in a period: every stage receives what is due and passes on what the next stage down is owed; customers
are served at the first stage; from the source downwards, every stage orders what lifts its echelon position back to its
level and ships as far as stock allows (a lead time of 0 arrives at once); costs are charged: echelon holding cost on
every stage's echelon stock (here, downstream and in transit between, less backorders), and the stockout cost plus all
echelon holding costs on backorders. What is on its way into a stage is not charged to it. So when costs are charged a
stage's echelon stock is what its position was a lead time earlier less exactly that lead time's demand, which is the
model of ``capacity_opt.optimize_serial`` as it stands: the system judged is the system solved.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError
from capacity_opt.problem.network import SerialSystem
from capacity_opt.problem.policies import EchelonBaseStock
from capacity_opt.simulation.asked import Asked, Given
from capacity_opt.simulation.result import SimulationResult, Sums, result_of

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(kw_only=True)
class _Line:
    """Where everything is, per replication: ``stock`` (J, S), ``owed`` (J, S) orders of the stage below not yet
    shipped, ``transit`` (J, slots, S) arriving at stage j by slot, ``position`` (J, S) echelon positions,
    ``backorders`` (S,)."""

    stock: Array
    owed: Array
    transit: Array
    position: Array
    backorders: Array


def play_serial(
    policy: EchelonBaseStock,
    source: Asked | Given,
    system: SerialSystem,
    *,
    periods: int,
    replications: int,
    seed: int,
    warm_up: int | None,
    level: float,
) -> SimulationResult:
    """See :func:`capacity_opt.simulate`; service and stock are those of the first stage, orders those to the source."""
    levels = np.asarray(policy.echelon_base_stock_level)
    lead = _checks.whole("lead_time (in periods)", system.lead_time)
    if source.shape != () or len(levels) != len(lead):
        raise ArgumentError(
            f"a serial line needs one demand and a level per stage: {len(lead)} stages, {len(levels)} levels, "
            f"demand of shape {source.shape}"
        )
    warm = 20 + 10 * int(lead.sum()) if warm_up is None else int(_checks.whole("warm_up", warm_up))
    totals, holding = np.zeros((8, replications)), np.zeros(replications)
    drawn = source.chunks(items=1, periods=periods + warm, replications=replications, seed=seed)
    for rows, _, values in drawn:
        totals[:, rows], holding[rows] = _play(
            levels, lead, np.asarray(system.echelon_holding_cost), values[:, 0], warm
        )
    names = ("demand", "filled", "on_hand", "backorders", "short", "ready", "orders", "ordered")
    sums = dict(zip(names, totals))
    count = np.full(replications, float(periods))
    result = Sums(**sums, cycles=count, good_cycles=count - sums["short"], time=float(periods))
    penalty = float(system.stockout_cost) + float(np.sum(system.echelon_holding_cost))
    money = {
        "holding": holding / periods,
        "stockout": penalty * sums["backorders"] / periods,
        "ordering": np.zeros(replications),
    }
    return result_of(result, money, lost_sales=False, level=level, warm_up=warm, seed=seed)


def _play(levels: Array, lead: IntArray, holding: Array, demand: Array, warm_up: int) -> tuple[Array, Array]:
    stages, samples = len(levels), len(demand)
    local = np.maximum(np.diff(levels, prepend=0.0), 0.0)
    line = _Line(
        stock=np.repeat(local[:, None], samples, axis=1),
        owed=np.zeros((stages, samples)),
        transit=np.zeros((stages, int(lead.max()) + 1, samples)),
        position=np.repeat(np.cumsum(local)[:, None], samples, axis=1),
        backorders=np.zeros(samples),
    )
    totals, charged = np.zeros((8, samples)), np.zeros(samples)
    for t in range(demand.shape[1]):
        _ship(line, np.zeros((stages, samples)), lead, t)
        asked = demand[:, t]
        filled = np.minimum(line.stock[0], asked)  # whoever waits was served first, when the shipment came
        line.stock[0] -= filled
        line.backorders += asked - filled
        line.position -= asked
        short = line.backorders > 0
        orders = np.maximum(levels[:, None] - line.position, 0.0)
        line.position += orders
        _ship(line, orders, lead, t)
        if t >= warm_up:
            left, ordered = line.stock[0] > 0, orders[-1]
            totals += [asked, filled, line.stock[0], line.backorders, short, left, ordered > 0, ordered]
            charged += holding @ _echelon_stock(line)
    return totals, charged


def _ship(line: _Line, orders: Array, lead: IntArray, t: int) -> None:
    """From the source downwards: ship ``orders`` (J, S) and what is owed, receive, and serve the waiting customers."""
    stages, slots = line.transit.shape[:2]
    for j in range(stages - 1, -1, -1):
        if j == stages - 1:
            shipped = orders[j]
        else:
            line.owed[j + 1] += orders[j]
            shipped = np.minimum(line.stock[j + 1], line.owed[j + 1])
            line.stock[j + 1] -= shipped
            line.owed[j + 1] -= shipped
        line.transit[j, (t + lead[j]) % slots] += shipped
        line.stock[j] += line.transit[j, t % slots]
        line.transit[j, t % slots] = 0.0
    served = np.minimum(line.stock[0], line.backorders)
    line.stock[0] -= served
    line.backorders -= served


def _echelon_stock(line: _Line) -> Array:
    """Stock here, downstream and in transit between, less backorders, (J, S)."""
    below: Array = np.cumsum(line.stock, axis=0) - line.backorders
    on_the_way: Array = line.transit.sum(axis=1)
    below[1:] += np.cumsum(on_the_way[:-1], axis=0)
    return below
