"""Among equally cheap ways to serve, the one that goes short from the least critical class up.

A promise such as a fill rate leaves the optimiser free whom to short and even whether to serve at all within what it
allows. What is reported is the answer on the same optimal face that strict priority would give: columns and rows with
a price are held where they are, and unmet demand is minimised, weighted by how critical it is.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from capacity_opt.fleet.formulation import FleetModel
from capacity_opt.solvers.linear_program import LinearProgram
from capacity_opt.solvers.solution import Solution
from capacity_opt.solvers.solve import solve

Array = NDArray[np.float64]

MOST_COLUMNS = 1_000_000


def by_priority(model: FleetModel, solution: Solution, *, time_limit: float) -> Array:
    """A point (columns,) as cheap as the solution's, decided by priority; the solution's own where that fails."""
    assert solution.x is not None
    if solution.reduced_costs is None or solution.row_duals is None or not _free_to_choose(model):
        return solution.x
    face = optimal_face(model.lp, solution)
    again = solve(replace(face, cost=_priority(model), offset=0.0), time_limit=time_limit)
    if again.reason != "optimal" or again.x is None:
        return solution.x
    dearer = float(model.lp.cost @ (again.x - solution.x))
    return again.x if dearer <= 1e-7 * max(1.0, abs(solution.objective)) else solution.x


def _free_to_choose(model: FleetModel) -> bool:
    """Whether some unmet demand has no price of its own, or a promise says how much of it is allowed."""
    service = model.frame.problem.service
    if model.lp.columns > MOST_COLUMNS or not service.shortage_allowed.any():
        return False
    promised = (service.fill_rate, service.no_shortage_probability, service.shortage_cvar_limit)
    unpriced = bool(np.any(service.shortage_allowed & (service.penalty <= 0)))
    return unpriced or any(bool(np.any(~np.isnan(promise))) for promise in promised)


def optimal_face(lp: LinearProgram, solution: Solution) -> LinearProgram:
    """All points as cheap as the solution's with the same integers: what has a price stays where it is."""
    x, prices, duals = solution.x, solution.reduced_costs, solution.row_duals
    assert x is not None
    assert prices is not None
    assert duals is not None
    small = 1e-9 * max(1e-9, float(np.abs(lp.cost).max(initial=0.0)))
    held = lp.integer | (np.abs(prices) > small)
    activity = lp.matrix @ x
    bound = np.abs(duals) > small
    return replace(
        lp,
        column_lower=np.where(held, x, lp.column_lower),
        column_upper=np.where(held, x, lp.column_upper),
        row_lower=np.where(bound, np.maximum(lp.row_lower, np.minimum(activity, lp.row_upper)), lp.row_lower),
        row_upper=np.where(bound, np.minimum(lp.row_upper, np.maximum(activity, lp.row_lower)), lp.row_upper),
        integer=np.zeros_like(lp.integer),
    )


def _priority(model: FleetModel) -> Array:
    """Weights of unmet demand, (columns,): each class counts up to ten times the next, over a range of a million."""
    frame = model.frame
    step = min(10.0, 10.0 ** (6.0 / max(1, frame.problem.sizes["C"])))
    weight = step ** -frame.problem.groups.group_class.astype(np.float64)
    cost = np.zeros(model.lp.columns)
    unmet = model.normal.unmet
    share = frame.problem.block_share[:, None] * frame.outcomes.probability
    value = np.broadcast_to(weight[:, None, None, None] * share, unmet.shape)
    cost[unmet[unmet >= 0]] = value[unmet >= 0] * frame.outcomes.count
    return cost
