"""What one more natural unit is worth, from the duals of the linear program.

Duals need not be unique. Among the optimal ones we take those that charge to capacity as little as possible, and to
the loss of a zone only what normal operation does not already justify: the prices of one unit *more* of everything.
They are found by relaxing every capacity row a little (those without a zone more) and solving again, and used only if
they prove the optimum of the unrelaxed program.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from capacity_opt.fleet.formulation import FleetModel
from capacity_opt.fleet.recourse import RecourseColumns
from capacity_opt.fleet.service import class_mean_demand
from capacity_opt.problem.plan import Price
from capacity_opt.solvers.duality import lagrangian_bound
from capacity_opt.solvers.highs_session import HighsSession
from capacity_opt.solvers.solution import Solution

Array = NDArray[np.float64]

MOST_ROWS = 50_000
"""Above this many rows the duals are taken as the solver gave them."""


def settled_duals(model: FleetModel, session: HighsSession, solution: Solution) -> Array | None:
    """The duals of a solved linear program, (rows,), freed from arbitrary choices as far as that is cheap.

    ``session`` holds the program just solved, continuous; it is left as it was found.
    """
    if solution.row_duals is None or model.lp.rows > MOST_ROWS:
        return solution.row_duals
    before = session.lp
    size = max(1.0, float(np.abs(model.frame.outcomes.values).max(initial=1.0)))
    rows, slack = [model.normal.capacity.ravel()], [np.full(model.normal.capacity.size, 1e-5 * size)]
    for state in model.failures:
        rows.append(state.capacity.ravel())
        slack.append(np.full(state.capacity.size, 1e-3 * size))
    index, loosened = np.concatenate(rows), np.concatenate(slack)
    if len(index) == 0:
        return solution.row_duals
    session.set_row_bounds(index, -np.inf, before.row_upper[index] + loosened)
    again = session.solve()
    session.set_row_bounds(index, before.row_lower[index], before.row_upper[index])
    if again.row_duals is None:
        return solution.row_duals
    proven = lagrangian_bound(before, again.row_duals, allowance=1e-6)
    close = abs(proven - solution.objective) <= 1e-7 * max(1.0, abs(solution.objective))
    return again.row_duals if close else solution.row_duals


def prices_from(model: FleetModel, duals: Array, kind: str) -> tuple[Price, ...]:
    """Every price that is not 0: promises, capacity and servers (normal, and without a zone), limits, budgets."""
    found = [*_promises(model, duals), *_servers(model, duals), *_limits(model, duals)]
    worth = (Price(name=name, value=value, unit=unit, kind=kind) for name, value, unit in found)
    return tuple(price for price in worth if abs(price.value) > 1e-9)


def _of_block(model: FleetModel, duals: Array, name: str) -> Array:
    """Duals of a block of rows in its shape, 0 where absent."""
    index = model.row_blocks[name].index
    value: Array = np.where(index >= 0, duals[np.maximum(index, 0)], 0.0) if len(duals) else np.zeros(index.shape)
    return value


def _promises(model: FleetModel, duals: Array) -> Iterator[tuple[str, float, str]]:
    problem = model.frame.problem
    fill = -_of_block(model, duals, "fill_rate")
    point = 0.01 * class_mean_demand(model.frame)
    for name, value, each in zip(problem.groups.classes, fill, point, strict=True):
        yield f"fill_rate[{name}]", float(value), "unit of expected unmet demand"
        yield f"fill_rate_point[{name}]", float(value * each), "percentage point of fill rate"
    if "shortage_cvar" in model.row_blocks:
        for name, value in zip(problem.groups.classes, -_of_block(model, duals, "shortage_cvar"), strict=True):
            yield f"shortage_cvar[{name}]", float(value), "unit of shortage CVaR"
    demand = _of_block(model, duals, "demand").sum(axis=(1, 2, 3))
    for name, value in zip(problem.groups.names, demand, strict=True):
        yield f"demand[{name}]", float(value), "unit of demand, throughout"


def _servers(model: FleetModel, duals: Array) -> Iterator[tuple[str, float, str]]:
    frame = model.frame
    yield from _resources(model, duals)
    for state in (model.normal, *model.failures):
        suffix = "" if state.lost < 0 else f"_without_{frame.problem.sites.zones[state.lost]}"
        worth = _server_worth(model, duals, state)
        for k, p in np.argwhere(worth != 0):
            place = f"{frame.problem.server_types.names[k]},{frame.pool_names[p]}"
            yield f"server{suffix}[{place}]", float(worth[k, p]), "server in service, throughout"


def _server_worth(model: FleetModel, duals: Array, state: RecourseColumns) -> Array:
    """What one more server of type k in pool p saves, in service throughout, (K, P)."""
    frame = model.frame
    value = -duals[state.capacity].sum(axis=(1, 2, 3)) if state.capacity.size else np.zeros(0)
    worth = np.zeros((frame.problem.sizes["K"], len(frame.pools)))
    k, p, r = state.capacity_of
    np.add.at(worth, (k, p), value * frame.problem.server_types.capacity[k, r])
    return worth


def _resources(model: FleetModel, duals: Array) -> Iterator[tuple[str, float, str]]:
    """One more unit of a resource throughout, on a server where it is scarce: the mean over the types that price it."""
    frame, state = model.frame, model.normal
    if not state.capacity.size:
        return
    value = -duals[state.capacity].sum(axis=(1, 2, 3))
    _, p, r = state.capacity_of
    for pool, resource in np.ndindex(len(frame.pools), frame.problem.sizes["R"]):
        here = (p == pool) & (r == resource) & (value > 0)
        if here.any():
            name = f"resource[{frame.pool_names[pool]},{frame.problem.resources[resource]}]"
            yield name, float(value[here].mean()), f"{frame.problem.resources[resource]}, throughout"


LIMIT_UNITS = {
    "power": "kW, throughout",
    "rack_units": "rack unit, throughout",
    "space": "unit of space, throughout",
}


def _limits(model: FleetModel, duals: Array) -> Iterator[tuple[str, float, str]]:
    problem = model.frame.problem
    for name, unit in LIMIT_UNITS.items():
        if name in model.row_blocks:
            value = -_of_block(model, duals, name).sum(axis=(1, 2))
            for zone, each in zip(problem.sites.zones, value, strict=True):
                yield f"{name}[{zone}]", float(each), unit
    by_period: dict[str, Callable[[Array], Array]] = {
        "capex_budget": lambda value: value.sum(axis=1),
        "cumulative_budget": lambda value: value.sum(axis=1),
        "opex_budget": lambda value: value,
    }
    for name, summed in by_period.items():
        if name in model.row_blocks:
            value = -summed(_of_block(model, duals, name))
            for period, each in zip(problem.periods, value, strict=True):
                yield f"{name}[{period}]", float(each), problem.finance.currency
    if "utilization" in model.row_blocks:
        value = 0.01 * _of_block(model, duals, "utilization") * _capacity_scale(model)
        for resource, each in zip(problem.resources, value, strict=True):
            yield f"utilization[{resource}]", float(each), "percentage point of utilization"


def _capacity_scale(model: FleetModel) -> Array:
    """Expected resource asked for over all periods, (R,): a point of utilization is about 1 % of it."""
    groups = model.frame.problem.groups
    asked: Array = np.einsum("j,jr->r", model.frame.mean_demand, groups.usage / groups.overcommit)
    return asked
