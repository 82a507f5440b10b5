"""Capacitated lot sizing: known demand, a fixed cost per order, and a largest order per period.

Convention as in :mod:`capacity_opt.inventory.wagner_whitin`. Solved as a mixed-integer program in the facility-location
form (Krarup & Bilde 1977): x[k, t] is what period k's order delivers for period t's demand, y[k] whether k orders, and
x[k, t] <= demand[t] y[k], whose linear relaxation is tight but for the capacity.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from capacity_opt import _checks
from capacity_opt.errors import InfeasibleError, LimitError, SolverError
from capacity_opt.inventory.wagner_whitin import LotSizeResult, evaluate_lot_size
from capacity_opt.solvers.linear_program import LinearProgram
from capacity_opt.solvers.solution import Solution

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class CapacitatedLotSizeResult(LotSizeResult):
    """A plan with a proven lower ``bound`` on the cost and the relative ``gap`` between them (0 when optimal)."""

    bound: float
    gap: float


def optimize_capacitated_lot_size(
    demand: ArrayLike,
    *,
    capacity: ArrayLike,
    fixed_cost: ArrayLike,
    holding_cost: ArrayLike,
    stockout_cost: ArrayLike = np.inf,
    unit_cost: ArrayLike = 0.0,
    initial_stock: float = 0.0,
    solver: str = "highs",
    gap: float = 1e-9,
    time_limit: float = 60.0,
) -> CapacitatedLotSizeResult:
    """The cheapest plan for one item whose order in each period may not exceed ``capacity`` (infinite: no limit).

    ``demand`` (periods,); capacity and costs are scalars or (periods,), in the units of
    :func:`~capacity_opt.optimize_wagner_whitin`. ``gap`` is the relative gap to prove, ``time_limit`` in seconds.

    Raises :class:`~capacity_opt.InfeasibleError` naming the first period that capacity cannot serve, and
    :class:`~capacity_opt.LimitError` when the time limit passes without a plan.

    >>> best = optimize_capacitated_lot_size([10, 20, 30, 40], capacity=30, fixed_cost=40, holding_cost=1, unit_cost=1)
    >>> round(float(best.cost), 6), best.order_quantity
    (280.0, array([10., 30., 30., 30.]))
    """
    need = _checks.non_negative("demand", np.atleast_1d(_checks.numbers("demand", demand)))
    limit = _capacity(capacity, need)
    start = float(_checks.non_negative("initial_stock", initial_stock))
    costs = _costs(need, fixed_cost, holding_cost, stockout_cost, unit_cost)
    net = np.maximum(need - np.diff(np.minimum(np.cumsum(need), start), prepend=0.0), 0.0)
    _require_capacity(net, limit, np.isinf(costs["stockout_cost"]))
    program, pairs = _program(net, limit, costs)
    solution = _solve(program, solver, gap, time_limit)
    orders = _orders(solution, pairs, net)
    plan = evaluate_lot_size(
        orders,
        need,
        fixed_cost=fixed_cost,
        holding_cost=holding_cost,
        stockout_cost=stockout_cost,
        unit_cost=unit_cost,
        initial_stock=start,
    )
    bound = min(float(plan.cost), solution.bound + float(plan.cost) - solution.objective)
    return CapacitatedLotSizeResult(**vars(plan), bound=bound, gap=max(solution.gap, 0.0))


def _capacity(capacity: ArrayLike, need: Array) -> Array:
    array = _checks.numbers("capacity", capacity)
    _checks.non_negative("capacity", np.where(array == np.inf, 0.0, array))
    limit: Array = np.minimum(np.broadcast_to(array, need.shape), need.sum())
    return limit


def _costs(need: Array, fixed: ArrayLike, holding: ArrayLike, stockout: ArrayLike, unit: ArrayLike) -> dict[str, Array]:
    short = _checks.numbers("stockout_cost", stockout)
    _checks.non_negative("stockout_cost", np.where(short == np.inf, 0.0, short))
    named = {
        "fixed_cost": _checks.non_negative("fixed_cost", fixed),
        "holding_cost": _checks.non_negative("holding_cost", holding),
        "stockout_cost": short,
        "unit_cost": _checks.finite("unit_cost", unit),
    }
    return {name: np.array(np.broadcast_to(value, need.shape)) for name, value in named.items()}


def _require_capacity(net: Array, limit: Array, must_be_met: NDArray[np.bool_]) -> None:
    """Demand that may not wait must be reachable by the capacity up to its period; all of it by the end."""
    must = must_be_met.copy()
    must[-1] = True
    behind = np.cumsum(net) - np.cumsum(limit) > 1e-9 * max(1.0, float(net.sum()))
    if np.any(behind & must):
        period = int(np.argmax(behind & must))
        lacking = float(np.cumsum(net)[period] - np.cumsum(limit)[period])
        raise InfeasibleError(
            f"capacity up to period {period} falls {lacking:g} units short of the demand up to then",
            ["raise capacity or initial_stock, or allow backorders with a finite stockout_cost"],
        )


def _program(net: Array, limit: Array, costs: dict[str, Array]) -> tuple[LinearProgram, NDArray[np.intp]]:
    periods = len(net)
    wait = np.where(np.isinf(costs["stockout_cost"]), 0.0, costs["stockout_cost"])
    held, waited = (np.append(0.0, np.cumsum(part)) for part in (costs["holding_cost"], wait))
    forbidden = np.append(0, np.cumsum(np.isinf(costs["stockout_cost"])))
    order, need = np.indices((periods, periods))
    late = order > need
    allowed = (net[need] > 0) & (~late | (forbidden[order] == forbidden[np.minimum(need, order)]))
    pairs = np.argwhere(allowed)
    k, t = pairs[:, 0], pairs[:, 1]
    each = costs["unit_cost"][k] + np.where(k <= t, held[t] - held[k], waited[k] - waited[t])
    flows = len(pairs)
    column = np.arange(flows)
    served = sparse.csr_array((np.ones(flows), (t, column)), shape=(periods, flows + periods))
    lots = sparse.csr_array(
        (np.append(np.ones(flows), -limit), (np.append(k, np.arange(periods)), np.arange(flows + periods))),
        shape=(periods, flows + periods),
    )
    switch = sparse.csr_array(
        (np.append(np.ones(flows), -np.minimum(net[t], limit[k])), (np.tile(column, 2), np.append(column, flows + k))),
        shape=(flows, flows + periods),
    )
    program = LinearProgram(
        cost=np.append(each, costs["fixed_cost"]),
        matrix=sparse.csr_array(sparse.vstack([served, lots, switch])),
        row_lower=np.concatenate([net, np.full(periods + flows, -np.inf)]),
        row_upper=np.concatenate([net, np.zeros(periods + flows)]),
        column_lower=np.zeros(flows + periods),
        column_upper=np.append(net[t], np.ones(periods)),
        integer=np.append(np.zeros(flows, dtype=bool), np.ones(periods, dtype=bool)),
    )
    return program, pairs


def _solve(program: LinearProgram, solver: str, gap: float, time_limit: float) -> Solution:
    from capacity_opt.solvers.solve import solve

    solution = solve(program, solver=solver, gap=gap, time_limit=time_limit)
    if solution.has_point:
        return solution
    if solution.reason == "no_solution":
        raise LimitError(f"no plan was found within the {solution.limit} limit; raise time_limit")
    raise SolverError(
        f"{solution.solver} could not solve the lot sizing program: {solution.reason}. {solution.message}"
    )


def _orders(solution: Solution, pairs: NDArray[np.intp], net: Array) -> Array:
    """Each order's size; deliveries are scaled by the solver's tolerance so that every demand is met in full."""
    assert solution.x is not None
    flows = np.where(solution.x[len(pairs) + pairs[:, 0]] > 0.5, np.maximum(solution.x[: len(pairs)], 0.0), 0.0)
    met = np.bincount(pairs[:, 1], weights=flows, minlength=len(net))
    scale = np.divide(net, met, out=np.ones_like(net), where=met > 0)
    return np.bincount(pairs[:, 0], weights=flows * scale[pairs[:, 1]], minlength=len(net)).astype(np.float64)
