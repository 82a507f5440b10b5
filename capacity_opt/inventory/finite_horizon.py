"""Policies over a finite horizon with demand that changes from period to period: (s_t, S_t) by dynamic programming.

Period t: order (it arrives at once), demand, then holding is charged on the stock left, stock-outs on the backorders.
With v_T the terminal cost, v_t(x) = min over y >= x of K [y > x] + c (y - x) + G_t(y) + discount E v_{t+1}(y - D_t).
Ordering up to S_t whenever x <= s_t is optimal (Scarf 1960). Solved on a grid, exact for whole-unit demand; the grid is
extended until no level lies at its edge, and left of it v is a straight line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from capacity_opt import _checks
from capacity_opt.demand.protocol import Demand
from capacity_opt.errors import ArgumentError
from capacity_opt.inventory.law import row
from capacity_opt.inventory.ss_lattice import lattice_masses, lattice_width
from capacity_opt.problem.policies import TimeVaryingOrderUpTo

Array = NDArray[np.float64]
MOST_POINTS = 1 << 16
STEPS_PER_DEVIATION = 16
EXTENSIONS = 6


@dataclass(frozen=True, kw_only=True)
class FiniteHorizonResult(TimeVaryingOrderUpTo):
    """Levels per period, (periods,) or (periods, n), and the expected discounted cost from the initial stock.

    ``grid_step`` is the step the levels were computed on: 1 for whole-unit demand. A reorder point at the grid's lower
    edge means that no stock, however low, is worth ordering for in that period.
    """

    expected_cost: Array
    grid_step: Array


@dataclass(frozen=True, kw_only=True)
class _Horizon:
    """The problem over items: prices (items, 1), masses per period (items, width), demands per period."""

    demands: Sequence[Demand]
    masses: list[Array]
    step: Array
    shape: tuple[int, ...]
    prices: dict[str, Array]
    start: Array


def optimize_finite_horizon(
    demands: Sequence[Demand],
    *,
    holding_cost: ArrayLike,
    stockout_cost: ArrayLike,
    fixed_cost: ArrayLike = 0.0,
    unit_cost: ArrayLike = 0.0,
    discount: ArrayLike = 1.0,
    terminal_holding_cost: ArrayLike = 0.0,
    terminal_stockout_cost: ArrayLike = 0.0,
    initial_stock: ArrayLike = 0.0,
    grid_step: float | None = None,
) -> FiniteHorizonResult:
    """The reorder point and order-up-to level of every period that cost least in expectation.

    ``demands``: one per period, each of shape () or (n,); demands of different periods are independent. Costs are
    scalars or (n,): per unit and period, per order, per unit ordered; ``discount`` in (0, 1] per period; the terminal
    costs are paid per unit in stock (negative: salvage) or short after the last period. ``grid_step`` is the grid for
    continuous demand, by default a sixteenth of the least standard deviation.

    Raises :class:`~capacity_opt.ArgumentError` for faulty inputs, a salvage value that makes buying stock pay by
    itself, or a grid of more than 65,536 points.

    >>> from capacity_opt.demand.counts import Poisson
    >>> best = optimize_finite_horizon([Poisson(mean=20.0), Poisson(mean=40.0), Poisson(mean=60.0),
    ...                                 Poisson(mean=40.0)], holding_cost=1, stockout_cost=10, fixed_cost=100)
    >>> best.reorder_point, best.order_up_to_level, round(float(best.expected_cost), 2)
    (array([15., 28., 55., 28.]), array([ 67.,  49., 109.,  49.]), 332.18)
    """
    problem = _problem(
        demands, holding_cost, stockout_cost, fixed_cost, unit_cost, discount, terminal_holding_cost,
        terminal_stockout_cost, initial_stock, grid_step,
    )  # fmt: skip
    low, high = _reach(problem)
    for _ in range(EXTENSIONS):
        grid = _grid(low, high, problem)
        reorder, up_to, cost = _backward(problem, grid, None)
        stuck = np.any(reorder <= grid[:, 0] + 0.5 * problem.step, axis=0)
        if not np.any(stuck):
            break
        low = np.where(stuck, 2.0 * low - np.maximum(high, problem.step), low)
    if np.any(up_to >= grid[:, -1] - 0.5 * problem.step):
        raise ArgumentError(
            "terminal_holding_cost pays more for stock than it costs: no order-up-to level is best. Raise it (salvage "
            "below unit_cost) or lower discount"
        )
    return _result(problem, grid, reorder, up_to, cost)


def evaluate_finite_horizon(
    policy: TimeVaryingOrderUpTo,
    demands: Sequence[Demand],
    *,
    holding_cost: ArrayLike,
    stockout_cost: ArrayLike,
    fixed_cost: ArrayLike = 0.0,
    unit_cost: ArrayLike = 0.0,
    discount: ArrayLike = 1.0,
    terminal_holding_cost: ArrayLike = 0.0,
    terminal_stockout_cost: ArrayLike = 0.0,
    initial_stock: ArrayLike = 0.0,
    grid_step: float | None = None,
) -> FiniteHorizonResult:
    """The expected discounted cost of given levels; arguments as in :func:`optimize_finite_horizon`.

    >>> from capacity_opt import TimeVaryingOrderUpTo
    >>> from capacity_opt.demand.counts import Poisson
    >>> policy = TimeVaryingOrderUpTo(reorder_point=[1, 3], order_up_to_level=[10, 8])
    >>> found = evaluate_finite_horizon(policy, [Poisson(mean=3.0), Poisson(mean=6.0)], holding_cost=1,
    ...                                 stockout_cost=5, fixed_cost=10)
    >>> round(float(found.expected_cost), 4)
    22.5066
    """
    problem = _problem(
        demands, holding_cost, stockout_cost, fixed_cost, unit_cost, discount, terminal_holding_cost,
        terminal_stockout_cost, initial_stock, grid_step,
    )  # fmt: skip
    items, periods = len(problem.start), len(problem.demands)
    levels = [np.asarray(level) for level in (policy.reorder_point, policy.order_up_to_level)]
    if len(levels[0]) != periods:
        raise ArgumentError(f"policy must have one row per period, {periods}, got {len(levels[0])}")
    reorder, up_to = (level.reshape(periods, -1) + np.zeros((periods, items)) for level in levels)
    low, high = _reach(problem)
    low = np.minimum(low, reorder.min(axis=0) - problem.step)
    grid = _grid(low, np.maximum(high, up_to.max(axis=0) + problem.step), problem)
    _, _, cost = _backward(problem, grid, (reorder, up_to))
    return _result(problem, grid, reorder, up_to, cost)


def _problem(
    demands: Sequence[Demand],
    holding_cost: ArrayLike,
    stockout_cost: ArrayLike,
    fixed_cost: ArrayLike,
    unit_cost: ArrayLike,
    discount: ArrayLike,
    terminal_holding_cost: ArrayLike,
    terminal_stockout_cost: ArrayLike,
    initial_stock: ArrayLike,
    grid_step: float | None,
) -> _Horizon:
    if len(demands) == 0:
        raise ArgumentError("demands must hold one demand per period, got none")
    shares = _checks.between("discount", discount, 0.0, 1.0)
    _checks.positive("discount", shares)
    shape, given = _checks.broadcast(
        holding=_checks.positive("holding_cost", holding_cost),
        stockout=_checks.positive("stockout_cost", stockout_cost),
        fixed=_checks.non_negative("fixed_cost", fixed_cost),
        unit=_checks.non_negative("unit_cost", unit_cost),
        discount=shares,
        terminal_holding=_checks.finite("terminal_holding_cost", terminal_holding_cost),
        terminal_stockout=_checks.non_negative("terminal_stockout_cost", terminal_stockout_cost),
        start=_checks.finite("initial_stock", initial_stock),
        items=np.zeros(np.broadcast_shapes(*(demand.shape for demand in demands))),
    )
    items = int(np.prod(shape, dtype=np.int64))
    step = _step(demands, items, grid_step)
    if all(demand.discrete for demand in demands):
        _checks.whole("initial_stock (demand is whole units)", given["start"], at_least=-(1 << 52))
    masses = [lattice_masses(demand, step, lattice_width(demand, step), whole=demand.discrete) for demand in demands]
    return _Horizon(
        demands=demands,
        masses=masses,
        step=step,
        shape=shape,
        prices={name: row(value, items)[:, None] for name, value in given.items() if name not in ("start", "items")},
        start=row(given["start"], items),
    )


def _step(demands: Sequence[Demand], items: int, given: float | None) -> Array:
    if all(demand.discrete for demand in demands):
        return np.ones(items)
    if given is not None:
        return row(_checks.positive("grid_step", given), items)
    least = np.min([np.sqrt(row(demand.variance, items)) for demand in demands], axis=0)
    mean = np.max([row(demand.mean, items) for demand in demands], axis=0)
    return np.where(least > 0, least / STEPS_PER_DEVIATION, np.where(mean > 0, mean, 1.0))


def _reach(problem: _Horizon) -> tuple[Array, Array]:
    """Between which stocks levels are looked for at first: one period's demand below 0, all demand above."""
    items = len(problem.start)
    means = np.stack([row(demand.mean, items) for demand in problem.demands])
    spreads = np.sqrt(np.stack([row(demand.variance, items) for demand in problem.demands]))
    high = means.sum(axis=0) + 8.0 * np.sqrt((spreads**2).sum(axis=0)) + 8.0 * problem.step
    low = -np.max(means + 4.0 * spreads, axis=0) - 8.0 * problem.step
    return np.minimum(low, problem.start), np.maximum(high, problem.start)


def _grid(low: Array, high: Array, problem: _Horizon) -> Array:
    first = np.floor(low / problem.step) - 1.0
    count = int(np.max(np.ceil(high / problem.step) - first)) + 2
    if count > MOST_POINTS:
        raise ArgumentError(
            f"the grid of stock levels needs {count} points, more than {MOST_POINTS}: count stock in larger units, or "
            "give a continuous demand with a wider grid_step"
        )
    grid: Array = (first[:, None] + np.arange(count)) * problem.step[:, None]
    return grid


def _backward(problem: _Horizon, grid: Array, policy: tuple[Array, Array] | None) -> tuple[Array, Array, Array]:
    """Levels (periods, items) and the cost from every stock (items, points); follows ``policy`` where one is given."""
    price = problem.prices
    value = price["terminal_holding"] * np.maximum(grid, 0.0) + price["terminal_stockout"] * np.maximum(-grid, 0.0)
    reorder, up_to = np.empty((2, len(problem.demands), len(grid)))
    for period in range(len(problem.demands) - 1, -1, -1):
        demand = problem.demands[period]
        stage = (price["holding"] * (grid - row(demand.mean, len(grid))[:, None])) + (
            price["holding"] + price["stockout"]
        ) * demand.loss(grid.T).T
        kept = stage + price["discount"] * _expected_next(value, problem.masses[period])
        total = price["unit"] * grid + kept
        if policy is None:
            reorder[period], up_to[period] = _levels(grid, total, price["fixed"], problem.step)
        else:
            reorder[period], up_to[period] = policy[0][period], policy[1][period]
        slack = 0.5 * problem.step
        at = np.rint((up_to[period] - grid[:, 0]) / problem.step).astype(np.int64)[:, None]
        ordered = price["fixed"] + np.take_along_axis(total, at, axis=1) - price["unit"] * grid
        below = grid <= (reorder[period] + (0.0 if policy is None else 1e-9 * slack))[:, None]
        value = np.where(below, ordered, kept)
    return reorder, up_to, value


def _levels(grid: Array, total: Array, fixed: Array, step: Array) -> tuple[Array, Array]:
    """s: the highest stock from which ordering saves money (a step below the grid where none does); S."""
    best = np.argmin(total, axis=1)
    cheapest = np.take_along_axis(total, best[:, None], axis=1)
    saves = fixed + cheapest < total - 1e-11 * (1.0 + np.abs(cheapest))
    saves &= np.arange(grid.shape[1]) < best[:, None]
    last = np.where(saves.any(axis=1), grid.shape[1] - 1 - np.argmax(saves[:, ::-1], axis=1), -1)
    rows = np.arange(len(grid))
    return np.where(last >= 0, grid[rows, np.maximum(last, 0)], grid[:, 0] - step), grid[rows, best]


def _expected_next(value: Array, masses: Array) -> Array:
    """E v(y - D) at every grid point; below the grid v goes on as a straight line."""
    width, points = masses.shape[1], value.shape[1]
    slope = value[:, 1:2] - value[:, :1]
    below = value[:, :1] + slope * np.arange(-(width - 1), 0)
    padded = np.concatenate([below, value], axis=1)
    size = fft.next_fast_len(padded.shape[1] + width - 1, real=True)
    product = fft.rfft(padded, size, axis=1) * fft.rfft(masses, size, axis=1)
    expected: Array = fft.irfft(product, size, axis=1)[:, width - 1 : width - 1 + points]
    return expected


def _result(problem: _Horizon, grid: Array, reorder: Array, up_to: Array, cost: Array) -> FiniteHorizonResult:
    place = (problem.start - grid[:, 0]) / problem.step
    left = np.clip(np.floor(place + 1e-9).astype(np.int64), 0, grid.shape[1] - 2)
    rows = np.arange(len(grid))
    share = np.clip(place - left, 0.0, 1.0)
    at_start = (1.0 - share) * cost[rows, left] + share * cost[rows, left + 1]
    periods = len(problem.demands)
    return FiniteHorizonResult(
        reorder_point=reorder.reshape(periods, *problem.shape),
        order_up_to_level=up_to.reshape(periods, *problem.shape),
        expected_cost=at_start.reshape(problem.shape)[()],
        grid_step=problem.step.reshape(problem.shape)[()],
    )
