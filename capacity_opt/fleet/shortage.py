"""The least shortage a given fleet must leave, and the dual rays that say why."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from capacity_opt.fleet.frame import Frame
from capacity_opt.solvers.linear_program import LinearProgram
from capacity_opt.solvers.solve import solve

Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

NOTICEABLE = 1e-6
MOST_RAYS = 12


def shortage_rays(frame: Frame, stock: Array, must: BoolArray) -> list[tuple[Array, Array]]:
    """Why ``stock`` (K, Z, T) cannot serve what it must (J, T, S): distinct rays, the most telling first.

    A ray is weights of demand (J,) and of servers (K, Z) with ``sum weights x demand <= sum weights x servers`` for
    every fleet that serves the groups with a weight in full. Only owned servers, all zones there.
    """
    lanes, values = frame.lanes(), np.moveaxis(frame.outcomes.values, 0, -1)
    sizes, pools = frame.problem.sizes, len(frame.pools)
    cells = np.flatnonzero((must[:, :, None] & (values > 0)).any(axis=0).ravel())
    shape = values.shape[1:]
    t, _, _ = np.unravel_index(cells, shape)
    need = values.reshape(sizes["J"], -1)[:, cells] * _in_cells(must, shape, cells)
    held = np.einsum("kzt,kr,zp->kprt", stock, frame.problem.server_types.capacity, _pool_of(frame))[..., t]
    matrix = _cell_matrix(frame)
    n_lanes = len(lanes.group)
    count, width, height = len(cells), n_lanes + sizes["J"], matrix.shape[0]
    capacity = held.reshape(-1, count)
    rows_lower = np.vstack([need, np.full_like(capacity, -np.inf)]).T.ravel()
    rows_upper = np.vstack([np.full_like(need, np.inf), capacity]).T.ravel()
    lp = LinearProgram(
        cost=np.tile(np.concatenate([np.zeros(n_lanes), np.ones(sizes["J"])]), count),
        matrix=sparse.csr_array(sparse.kron(sparse.eye_array(count), matrix, format="csr")),
        row_lower=rows_lower,
        row_upper=rows_upper,
        column_lower=np.zeros(count * width),
        column_upper=np.full(count * width, np.inf),
        integer=np.zeros(count * width, dtype=bool),
    )
    found = solve(lp)
    if found.x is None or found.row_duals is None:
        return []
    short = found.x.reshape(count, width)[:, n_lanes:].sum(axis=1) / np.maximum(1.0, need.sum(axis=0))
    duals = found.row_duals.reshape(count, height)
    priced = duals[:, sizes["J"] :].reshape(count, sizes["K"], pools, sizes["R"])
    worth = -np.einsum("nkpr,kr->nkp", priced, frame.problem.server_types.capacity)[:, :, frame.zone_pool]
    return _distinct(short, np.where(need.T > 0, duals[:, : sizes["J"]], 0.0), worth)


def _in_cells(must: BoolArray, shape: tuple[int, ...], cells: NDArray[np.intp]) -> Array:
    """Which groups must be served in each chosen cell, (J, cells)."""
    full = np.broadcast_to(must[:, :, None], (len(must), *shape))
    return full.reshape(len(must), -1)[:, cells].astype(np.float64)


def _pool_of(frame: Frame) -> Array:
    """1 where a zone belongs to a pool, (Z, P)."""
    pool = np.zeros((frame.problem.sizes["Z"], len(frame.pools)))
    pool[np.arange(len(pool)), frame.zone_pool] = 1.0
    return pool


def _cell_matrix(frame: Frame) -> sparse.csr_array:
    """Demand and capacity rows of one cell: columns are lanes, then the shortage of each group."""
    lanes, sizes, pools = frame.lanes(), frame.problem.sizes, len(frame.pools)
    n = len(lanes.group)
    top = np.zeros((sizes["J"], n + sizes["J"]))
    top[lanes.group, np.arange(n)] = 1.0
    top[:, n:] = np.eye(sizes["J"])
    load = np.zeros((sizes["K"], pools, sizes["R"], n + sizes["J"]))
    load[lanes.server_type, lanes.pool, :, np.arange(n)] = lanes.load
    return sparse.csr_array(np.vstack([top, load.reshape(-1, n + sizes["J"])]))


def _distinct(short: Array, demand: Array, worth: Array) -> list[tuple[Array, Array]]:
    """Different rays of cells that go short, those of the largest shortage first."""
    found: dict[bytes, tuple[Array, Array]] = {}
    for cell in np.argsort(-short):
        if short[cell] <= NOTICEABLE or len(found) >= MOST_RAYS:
            break
        ray = (np.maximum(demand[cell], 0.0), np.maximum(worth[cell], 0.0))
        found.setdefault(np.round(np.concatenate([part.ravel() for part in ray]), 7).tobytes(), ray)
    return list(found.values())
