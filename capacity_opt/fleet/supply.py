"""First stage: racks ordered, servers retired, commitments begun, and the stock that follows from them.

Blocks: ``racks[k,z,t]``, ``recourse_racks[k,z,t,s]``, ``retired[k,z,t]``, ``stock[k,z,t]``, ``committed[m,t]``;
rows ``stock_balance[k,z,t]``, ``retirable[k,z,t]``, ``never_shrink[k,z,t]``, ``never_grow[k,z,t]``. Where orders or
deliveries differ between samples, stock and its rows carry a last label s.

Retirement takes servers of the past in proportion: of those retired in u, the share initial[t] / initial[u] would have
been there in t.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capacity_opt.fleet.arrays import FIRST_STAGE, ModelBuilder
from capacity_opt.fleet.capital import capital_per_server, commitment_cost
from capacity_opt.fleet.frame import Frame

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class SupplyColumns:
    """Column numbers: ``racks`` (W, K, Z, T), ``retired`` (K, Z, T), ``stock`` (W, K, Z, T), ``committed`` (M, T);
    -1 where absent."""

    racks: IntArray
    retired: IntArray
    stock: IntArray
    committed: IntArray


def add_supply(builder: ModelBuilder, frame: Frame) -> SupplyColumns:
    """Write the columns of supply and the rows that tie stock to orders."""
    columns = SupplyColumns(
        racks=_racks(builder, frame),
        retired=_retired(builder, frame),
        stock=_stock(builder, frame),
        committed=_committed(builder, frame),
    )
    _balance(builder, frame, columns)
    _retirable(builder, frame, columns)
    _monotone(builder, frame, columns)
    return columns


def _kzt(frame: Frame) -> list[tuple[str, ...]]:
    problem = frame.problem
    return [problem.server_types.names, problem.sites.zones, problem.periods]


def rack_limit(frame: Frame) -> Array:
    """Most racks an order can sensibly have, (K, Z, T): the given limit, or what could carry twice all demand alone.

    Only orders that need a binary (a minimum, a stability rule) use it as their big-M."""
    problem, types = frame.problem, frame.problem.server_types
    load = np.einsum("sjtb,jkr->stbkr", frame.outcomes.values, frame.need)
    servers = (load / np.where(types.capacity > 0, types.capacity, np.inf)).max(axis=(0, 1, 2, 4), initial=0.0)
    old = 1.0 - types.failure_rate
    left = np.maximum(old ** problem.sizes["T"], 0.1)
    most = np.ceil(2.0 * servers / (left * types.lot)) + 1.0
    most = np.maximum(most[:, None, None], problem.supply.order_minimum)
    return np.asarray(np.minimum(problem.supply.order_limit, most), dtype=np.float64)


def _racks(builder: ModelBuilder, frame: Frame) -> IntArray:
    problem, supply = frame.problem, frame.problem.supply
    late = frame.late
    cost = capital_per_server(frame) * problem.server_types.lot[:, None, None]
    first = builder.columns(
        "racks",
        _kzt(frame),
        cost=cost,
        upper=supply.order_limit,
        integer=problem.integer,
        where=frame.orderable & ~late,
    )
    racks = np.broadcast_to(first, (frame.worlds, *first.shape)).copy()
    if late.any():
        racks_late = builder.columns(
            "recourse_racks",
            [*_kzt(frame), frame.sample_labels],
            cost=cost[..., None] * frame.world_probability,
            upper=supply.order_limit[..., None],
            integer=problem.integer,
            where=(frame.orderable & late)[..., None],
            sample=np.arange(frame.worlds),
        )
        racks = np.where(late, np.moveaxis(racks_late, -1, 0), racks)
    return racks


def _retired(builder: ModelBuilder, frame: Frame) -> IntArray:
    problem, supply = frame.problem, frame.problem.supply
    money = (supply.retirement_cost - supply.salvage)[:, None, None] * frame.discount[:-1]
    t = np.arange(problem.sizes["T"])
    where = supply.retirable[:, :, None] & (supply.initial > 0) & (t >= supply.first_order)
    return builder.columns(
        "retired", _kzt(frame), cost=money, upper=supply.initial, integer=problem.integer, where=where
    )


def _stock(builder: ModelBuilder, frame: Frame) -> IntArray:
    cost = frame.problem.supply.opex * frame.discount[:-1]
    weighted = cost[..., None] * frame.world_probability
    sample = np.arange(frame.worlds) if frame.worlds > 1 else FIRST_STAGE
    stock = builder.columns("stock", [*_kzt(frame), frame.world_labels], cost=weighted, sample=sample)
    return np.moveaxis(stock, -1, 0)


def _committed(builder: ModelBuilder, frame: Frame) -> IntArray:
    return builder.columns(
        "committed",
        [frame.problem.options.names, frame.problem.periods],
        upper=frame.option_limit,
        cost=commitment_cost(frame),
        where=frame.is_commitment[:, None] & (frame.option_limit > 0),
    )


def kept_share(initial: Array) -> Array:
    """Share of the servers of the past in service in u that are still there in t, (K, Z, U, T); 0 for t < u."""
    periods = initial.shape[-1]
    before = np.where(initial > 0, initial, np.inf)[..., :, None]
    ratio = np.minimum(initial[..., None, :] / before, 1.0)
    t = np.arange(periods)
    return np.where(t[None, :] >= t[:, None], ratio, 0.0)


def owned_before(frame: Frame) -> Array:
    """Servers in service without any new decision: of the past and already on order, (W, K, Z, T)."""
    supply, lot = frame.problem.supply, frame.problem.server_types.lot
    placed = supply.placed * lot[:, None, None]
    owned: Array = supply.initial + np.einsum("kzu,wkzut->wkzt", placed, frame.survival)
    return owned


def _balance(builder: ModelBuilder, frame: Frame, columns: SupplyColumns) -> None:
    given = np.moveaxis(owned_before(frame), 0, -1)
    rows = builder.rows("stock_balance", [*_kzt(frame), frame.world_labels], lower=given, upper=given)
    rows = np.moveaxis(rows, -1, 0)
    lot = frame.problem.server_types.lot[:, None, None, None]
    builder.add(rows, columns.stock, 1.0)
    builder.add(rows[:, :, :, None, :], columns.racks[..., None], -lot * frame.survival)
    builder.add(
        rows[:, :, :, None, :], columns.retired[None, ..., None], kept_share(frame.problem.supply.initial)[None]
    )


def _retirable(builder: ModelBuilder, frame: Frame, columns: SupplyColumns) -> None:
    initial = frame.problem.supply.initial
    where = np.any(columns.retired >= 0, axis=2, keepdims=True)
    rows = builder.rows("retirable", _kzt(frame), upper=initial, where=where)
    builder.add(rows[:, :, None, :], columns.retired[..., None], kept_share(initial))


def _monotone(builder: ModelBuilder, frame: Frame, columns: SupplyColumns) -> None:
    """The flags never_shrink and never_grow: one row per consecutive pair of periods, named after the later one."""
    supply = frame.problem.supply
    for name, flag, bound in (
        ("never_shrink", supply.never_shrink, {"lower": 0.0}),
        ("never_grow", supply.never_grow, {"upper": 0.0}),
    ):
        if flag is None or not flag.any():
            continue
        later = np.arange(frame.problem.sizes["T"]) > 0
        where = (flag[:, :, None] & later)[..., None]
        rows = np.moveaxis(builder.rows(name, [*_kzt(frame), frame.world_labels], where=where, **bound), -1, 0)
        builder.add(rows[..., 1:], columns.stock[..., 1:], 1.0)
        builder.add(rows[..., 1:], columns.stock[..., :-1], -1.0)
