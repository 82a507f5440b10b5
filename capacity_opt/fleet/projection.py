"""Whole racks under a chance promise: search the first stage alone, and teach it what recourse needs by rays.

The rows that hold only first-stage columns and ``shortage_happens`` make a small program whose optimum bounds the whole
one from below, for nothing that was dropped can cost less than 0. Its plan is tried: where a sample that may not go
short does, the dual ray of that shortage says which combination of resources and types was too small, and because
samples differ in demand only, the same combination must suffice for every sample: quantile rows for it are added and
the small program is solved again (Luedtke 2014). Where the plan holds and its cost meets the bound, it is proven.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from capacity_opt.fleet.arrays import FIRST_STAGE
from capacity_opt.fleet.decode import taken
from capacity_opt.fleet.formulation import FleetModel
from capacity_opt.fleet.service import counted_groups
from capacity_opt.fleet.shortage import shortage_rays
from capacity_opt.solvers.backend import relative_gap
from capacity_opt.solvers.linear_program import LinearProgram
from capacity_opt.solvers.solution import Solution
from capacity_opt.solvers.solve import solve

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

ROUNDS = 40


@dataclass(frozen=True, kw_only=True)
class Ray:
    """One combination that must suffice: ``demand`` (J,) weights of demand, ``capacity`` (K, Z) of servers."""

    demand: Array
    capacity: Array


def solve_projected(model: FleetModel, *, gap: float, time_limit: float, seed: int) -> Solution | None:
    """A solution whose bound comes from the first stage, or ``None`` where that does not apply or finds no plan.

    ``reason`` is ``"optimal"`` only where cost and bound are within ``gap``; otherwise the point is a start for more.
    """
    if not _applies(model):
        return None
    deadline = time.monotonic() + time_limit
    small, columns = first_stage_program(model)
    bound = -np.inf
    for _ in range(ROUNDS):
        left = 0.7 * (deadline - time.monotonic())
        if left < 0.1:
            return None
        found = solve(small, gap=gap / 2, time_limit=left, seed=seed)
        bound = max(bound, found.bound)
        if found.x is None:
            return None
        rays = _rays(model, columns, found.x)
        if not rays:
            return _around(model, columns, found, bound, gap, deadline, seed)
        before, small = small.rows, _with_rays(model, small, columns, rays)
        if small.rows == before:
            return None
    return None


def _applies(model: FleetModel) -> bool:
    """Quantile rows exist (so only owned servers serve), and what would be dropped can only cost more."""
    if "chance_quantile" not in model.row_blocks or not model.lp.integer.any():
        return False
    later = model.column_sample != FIRST_STAGE
    return bool(np.all(model.lp.cost[later] >= 0) and np.all(model.lp.column_lower[later] >= 0))


def first_stage_program(model: FleetModel) -> tuple[LinearProgram, IntArray]:
    """The program of the first stage and ``shortage_happens`` alone, and the columns (n,) it keeps."""
    lp, happens = model.lp, model.column_blocks["shortage_happens"].index
    kept = model.column_sample == FIRST_STAGE
    kept[happens[happens >= 0]] = True
    rows = np.asarray(abs(lp.matrix[:, np.flatnonzero(~kept)]).sum(axis=1)).ravel() == 0
    columns = np.flatnonzero(kept)
    small = replace(
        lp,
        cost=lp.cost[columns],
        matrix=sparse.csr_array(lp.matrix[np.flatnonzero(rows)][:, columns]),
        row_lower=lp.row_lower[rows],
        row_upper=lp.row_upper[rows],
        column_lower=lp.column_lower[columns],
        column_upper=lp.column_upper[columns],
        integer=lp.integer[columns],
    )
    return small, columns


def _rays(model: FleetModel, columns: IntArray, x: Array) -> list[Ray]:
    """Combinations that were too small for a sample that may not go short at ``x``."""
    frame, service = model.frame, model.frame.problem.service
    whole = np.zeros(model.lp.columns)
    whole[columns] = x
    happens = np.rint(taken(whole, model.column_blocks["shortage_happens"].index))
    promised = ~np.isnan(service.no_shortage_probability)
    firm = counted_groups(frame)[:, :, None, None] & promised[:, None, None, None] & (happens[:, None] < 0.5)
    must = firm.any(axis=0) | ~service.shortage_allowed[:, None, None]
    must = np.broadcast_to(must, (frame.problem.sizes["J"], frame.problem.sizes["T"], frame.outcomes.count))
    return [Ray(demand=d, capacity=c) for d, c in shortage_rays(frame, taken(whole, model.supply.stock)[0], must)]


def _with_rays(model: FleetModel, small: LinearProgram, columns: IntArray, rays: list[Ray]) -> LinearProgram:
    """The small program with the quantile rows of every ray, for every class whose promise covers it."""
    place = np.full(model.lp.columns, -1, dtype=np.int64)
    place[columns] = np.arange(len(columns))
    parts, lower = [small.matrix], [small.row_lower]
    for ray in rays:
        matrix, least = _quantile_rows(model, ray, place, len(columns))
        parts.append(matrix)
        lower.append(least)
    added = sum(len(each) for each in lower[1:])
    return replace(
        small,
        matrix=sparse.csr_array(sparse.vstack(parts, format="csr")),
        row_lower=np.concatenate(lower),
        row_upper=np.concatenate([small.row_upper, np.full(added, np.inf)]),
    )


def _quantile_rows(model: FleetModel, ray: Ray, place: IntArray, width: int) -> tuple[sparse.csr_array, Array]:
    """The rows of one ray in every period and block, for every class that it speaks of."""
    frame, service = model.frame, model.frame.problem.service
    load = np.einsum("j,sjtb->tbs", ray.demand, frame.outcomes.values)
    always, needed = ~service.shortage_allowed, np.flatnonzero(ray.demand > 0)
    covers = (counted_groups(frame) | always)[:, needed].all(axis=1)
    happens = model.column_blocks["shortage_happens"].index
    rows: list[sparse.csr_array] = []
    least: list[Array] = []
    for c in np.flatnonzero(covers & ~np.isnan(service.no_shortage_probability)):
        promise = 1.0 if always[needed].all() else float(service.no_shortage_probability[c])
        for t, b in np.ndindex(load.shape[:2]):
            capacity = np.zeros(width)
            np.add.at(capacity, place[model.supply.stock[0, :, :, t].ravel()], ray.capacity.ravel())
            own = place[happens[c, min(t, happens.shape[1] - 1)]]
            matrix, bound = _of_cell(load[t, b], frame.outcomes.probability, promise, own, capacity)
            rows.append(matrix)
            least.append(bound)
    if not rows:
        return sparse.csr_array((0, width)), np.zeros(0)
    return sparse.csr_array(sparse.vstack(rows, format="csr")), np.concatenate(least)


def _of_cell(
    load: Array, probability: Array, promise: float, happens: IntArray, capacity: Array
) -> tuple[sparse.csr_array, Array]:
    """capacity + (load[s] - q) x happens[s] >= load[s] for every sample whose load exceeds the quantile q, and
    capacity >= q; with a promise of 1, q is the largest load."""
    order = np.argsort(load)
    reached = np.cumsum(probability[order])
    quantile = load[order][np.argmax(reached >= promise - 1e-12)] if promise < 1.0 else load.max()
    above = np.flatnonzero(load > quantile)
    count, width = len(above), len(capacity)
    give = sparse.csr_array((load[above] - quantile, (1 + np.arange(count), happens[above])), shape=(count + 1, width))
    filled = np.flatnonzero(capacity)
    times = (np.repeat(np.arange(count + 1), len(filled)), np.tile(filled, count + 1))
    held = sparse.csr_array((np.tile(capacity[filled], count + 1), times), shape=(count + 1, width))
    return sparse.csr_array(give + held), np.concatenate([[quantile], load[above]])


def _around(
    model: FleetModel, columns: IntArray, found: Solution, bound: float, gap: float, deadline: float, seed: int
) -> Solution | None:
    """The small program's whole numbers with everything else solved around them."""
    assert found.x is not None
    lp, kept = model.lp, model.lp.integer[columns]
    lower, upper = lp.column_lower.copy(), lp.column_upper.copy()
    lower[columns[kept]] = upper[columns[kept]] = np.rint(found.x[kept])
    started = time.monotonic()
    program = replace(lp, column_lower=lower, column_upper=upper)
    around = solve(program, gap=gap / 2, time_limit=max(0.1, deadline - started), seed=seed)
    if around.x is None:
        return None
    bound = min(bound, around.objective)
    distance = relative_gap(around.objective, bound)
    return replace(
        around,
        reason="optimal" if distance <= gap else "feasible",
        limit="none",
        bound=bound,
        gap=distance,
        seconds=found.seconds + time.monotonic() - started,
        row_duals=None,
        reduced_costs=None,
    )
