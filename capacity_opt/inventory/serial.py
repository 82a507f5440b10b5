"""Serial systems under echelon base-stock levels: exact costs, the best levels, and the newsvendor bounds on them.

Continuous review (or periodic review with costs at the moment after lead-time demand), backorders, an outside source
that never runs out. With position y_j, echelon inventory after a lead time is IN_j = y_j - D_j, D_j the demand over
stage j's lead time, and the position of the next stage downstream is min(S_{j-1}, IN_j). The cost per period is

    sum_j h_j E[IN_j] + (p + sum_j h_j) E[backorders],

h_j the echelon holding costs; units in transit from stage j to stage j - 1 are part of IN_j, units in transit from the
outside source are not charged. The best levels minimise one convex function per stage, downstream first (Clark and
Scarf 1960; Chen and Zheng 1994); their bounds are newsvendors' (Shang and Song 2003).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from capacity_opt import _checks
from capacity_opt.demand.protocol import Demand
from capacity_opt.errors import ArgumentError
from capacity_opt.inventory.grid import GridPmf, convolve, grid_over, one_item
from capacity_opt.problem.network import SerialSystem
from capacity_opt.problem.policies import EchelonBaseStock

Array = NDArray[np.float64]
CELLS_PER_DEVIATION = 200
MOST_CELLS = 200_000


@dataclass(frozen=True, kw_only=True)
class SerialBaseStock(EchelonBaseStock):
    """Echelon base-stock levels (J,), downstream first, and what they give.

    ``expected_cost`` per period; ``expected_backorders`` of the customers; ``ready_rate`` P(stock on hand at the
    stage that meets demand); ``expected_on_hand`` (J,) local stock per stage.
    """

    expected_cost: float
    expected_backorders: float
    ready_rate: float
    expected_on_hand: Array


@dataclass(frozen=True, kw_only=True)
class SerialBounds:
    """Newsvendor bounds ``low`` and ``high`` (J,) on the best echelon levels, and ``middle``, the mean of the two (down
    to a whole number for discrete demand), a good heuristic where no exact solution is wanted."""

    low: Array
    high: Array
    middle: Array


def evaluate_serial(policy: EchelonBaseStock, system: SerialSystem, demand: Demand) -> SerialBaseStock:
    """Cost and service of given levels, exact for discrete demand; ``demand`` is per period, of one item.

    Follows the shortfall of each stage's position behind its level from the source down to the customers.

    >>> from capacity_opt.demand.counts import Poisson
    >>> line = SerialSystem(echelon_holding_cost=[3, 2, 2], lead_time=[1, 1, 2], stockout_cost=37.12)
    >>> given = evaluate_serial(EchelonBaseStock(echelon_base_stock_level=[9, 15, 26]), line, Poisson(5.0))
    >>> round(given.expected_cost, 4)
    72.0467
    """
    level = np.asarray(policy.echelon_base_stock_level, dtype=np.float64)
    if len(level) != system.stages:
        raise ArgumentError(f"echelon_base_stock_level must have {system.stages} stages, got {len(level)}")
    item = one_item(demand)
    if item.discrete:
        _checks.whole("echelon_base_stock_level", level, at_least=-(2**53))
    # A stage never holds more than the stages upstream let through: the least level from here up is what binds.
    effective = np.minimum.accumulate(level[::-1])[::-1]
    return _play(level, effective, system, _lead_time_demands(system, item), whole=item.discrete)


def optimize_serial(system: SerialSystem, demand: Demand) -> SerialBaseStock:
    """The best echelon base-stock levels: exact for discrete demand, to grid accuracy for continuous demand.

    ``demand`` is per period, of one item: Poisson, negative binomial, normal and gamma for any lead times, every
    other demand for whole ones.

    >>> from capacity_opt.demand.counts import Poisson
    >>> line = SerialSystem(echelon_holding_cost=[0.25] * 4, lead_time=[0.25] * 4, stockout_cost=9)
    >>> best = optimize_serial(line, Poisson(16.0))
    >>> best.echelon_base_stock_level, round(best.expected_cost, 3)
    (array([ 8., 13., 18., 22.]), 12.688)
    """
    item = one_item(demand)
    over = _lead_time_demands(system, item)
    level = np.array(_best_levels(system, over, whole=item.discrete))
    return evaluate_serial(EchelonBaseStock(echelon_base_stock_level=level), system, item)


def bound_serial(system: SerialSystem, demand: Demand) -> SerialBounds:
    """Newsvendor bounds on the best levels (Shang and Song 2003), from demand over the lead times downstream.

    >>> from capacity_opt.demand.counts import Poisson
    >>> line = SerialSystem(echelon_holding_cost=[0.25] * 4, lead_time=[0.25] * 4, stockout_cost=9)
    >>> bounds = bound_serial(line, Poisson(16.0))
    >>> bounds.low, bounds.high
    (array([ 8., 13., 17., 21.]), array([ 8., 14., 19., 24.]))
    """
    item = one_item(demand)
    over = _lead_time_demands(system, item)
    low, high = _bounds(system, over)
    width = over[0].width
    middle = 0.5 * (low + high) * width
    return SerialBounds(low=low * width, high=high * width, middle=np.floor(middle) if item.discrete else middle)


def _lead_time_demands(system: SerialSystem, demand: Demand) -> list[GridPmf]:
    times = [float(time) for time in cast(Array, system.lead_time)]
    width = 1.0 if demand.discrete else _width(demand, times)
    return [grid_over(demand, time, width) for time in times]


def _width(demand: Demand, times: list[float]) -> float:
    """Fine against the least spread of any stage, but never more than ``MOST_CELLS`` over them all."""
    deviation = float(np.sqrt(demand.variance))
    positive = [time for time in times if time > 0]
    if deviation == 0 or not positive:
        return max(float(demand.mean), 1.0) * 1e-4
    fine = deviation * np.sqrt(min(positive)) / CELLS_PER_DEVIATION
    coarse = 16.0 * deviation * np.sqrt(sum(positive)) / MOST_CELLS
    return float(max(fine, coarse))


def _bounds(system: SerialSystem, over: list[GridPmf]) -> tuple[Array, Array]:
    holding, penalty = cast(Array, system.echelon_holding_cost), system.stockout_cost
    upstream = np.concatenate([np.cumsum(holding[::-1])[::-1], [0.0]])
    low, high = np.zeros(len(over)), np.zeros(len(over))
    total = GridPmf(0, np.ones(1), over[0].width)
    for stage, own in enumerate(over):
        total = total.plus(own)
        reward = penalty + upstream[stage + 1]
        low[stage] = total.quantile(reward / (penalty + upstream[0]))
        high[stage] = total.quantile(reward / (penalty + upstream[stage]))
    return low, high


def _best_levels(system: SerialSystem, over: list[GridPmf], *, whole: bool) -> list[float]:
    """Clark and Scarf's recursion. Stage j's cost G_j(y) = E[h_j (y - D_j) + C_{j-1}(y - D_j)] is kept from ``low`` up
    to its bound; C_j(x) = G_j(min(S_j, x)) is what a position x below S_j hands on to the stage upstream."""
    holding = cast(Array, system.echelon_holding_cost)
    slope = (system.stockout_cost + float(holding.sum())) * over[0].width
    bound_low, bound_high = _bounds(system, over)
    slack = 2 if whole else CELLS_PER_DEVIATION // 4
    low = int(bound_low[-1]) - slack - sum(own.top for own in over)
    start, handed = low, np.zeros(0)  # C_{j-1} on start, start + 1, ...; constant beyond
    levels: list[float] = []
    for stage, own in enumerate(over):
        low += own.top
        high = max(int(bound_high[stage]) + slack, low)
        below = np.arange(low - own.top, high - own.start + 1)
        cost = _handed_on(start, handed, below) if stage else slope * np.maximum(-below, 0)
        cost = convolve(cost, own.mass)[len(own.mass) - 1 : len(cost)]
        cost = cost + holding[stage] * (np.arange(low, high + 1) * own.width - own.mean)
        best = int(np.argmin(cost))
        kinked = stage == 0 and len(own.mass) == 1  # no lead time: the cost bends at 0, not in between
        levels.append((low + best + (0.0 if whole or kinked else _vertex(cost, best))) * own.width)
        start, handed = low, cost[: best + 1]
    return levels


def _handed_on(start: int, handed: Array, at: NDArray[np.int64]) -> Array:
    taken: Array = handed[np.minimum(at - start, len(handed) - 1)]
    return taken


def _vertex(cost: Array, best: int) -> float:
    """Where between grid points the parabola through the least three lies lowest."""
    if best == 0 or best == len(cost) - 1:
        return 0.0
    before, here, after = cost[best - 1 : best + 2]
    bend = before - 2.0 * here + after
    return float(0.5 * (before - after) / bend) if bend > 0 else 0.0


def _play(level: Array, effective: Array, system: SerialSystem, over: list[GridPmf], *, whole: bool) -> SerialBaseStock:
    holding = cast(Array, system.echelon_holding_cost)
    stages, width = len(over), over[0].width
    after, positions = np.zeros(stages), np.zeros(stages)
    shortfall = GridPmf(0, np.ones(1), width)
    ready = 0.0
    for stage in range(stages - 1, -1, -1):
        behind = shortfall.plus(over[stage])
        after[stage] = effective[stage] - behind.mean
        local = effective[stage] - (effective[stage - 1] if stage else 0.0)
        if stage == 0:
            ready = _share_below(behind, local, whole=whole)
        shortfall = _beyond(behind, local)
        positions[stage] = (effective[stage - 1] if stage else 0.0) - shortfall.mean
    backorders = -positions[0]
    cost = float(holding @ after) + (system.stockout_cost + float(holding.sum())) * backorders
    return SerialBaseStock(
        echelon_base_stock_level=level,
        expected_cost=float(cost),
        expected_backorders=float(backorders),
        ready_rate=ready,
        expected_on_hand=after - positions,
    )


def _share_below(quantity: GridPmf, threshold: float, *, whole: bool) -> float:
    """P(X < threshold), X >= 0; a cell of continuous demand counts by the part of it that lies below."""
    if threshold <= 0:
        return 0.0
    cells = quantity.start + np.arange(len(quantity.mass)) - threshold / quantity.width
    part = cells < -1e-9 if whole else np.clip(0.5 - cells, 0.0, 1.0)
    return float(quantity.mass @ part)


def _beyond(quantity: GridPmf, threshold: float) -> GridPmf:
    """max(X - threshold, 0) on the grid; a threshold between grid points splits each mass so that means are kept."""
    cells = threshold / quantity.width
    whole = int(np.ceil(cells - 1e-9))
    share = max(whole - cells, 0.0)  # X - threshold lies `share` of a cell above a grid point
    first = quantity.start - whole
    mass = np.concatenate([quantity.mass * (1.0 - share), [0.0]])
    mass[1:] += quantity.mass * share
    if first >= 0:
        return GridPmf(first, mass, quantity.width)
    kept = mass[-first:] if -first < len(mass) else np.zeros(1)
    folded = kept.copy()
    folded[0] += mass[:-first].sum()
    return GridPmf(0, folded, quantity.width)
