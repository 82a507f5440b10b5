"""Limits on the fleet: power, rack units, space, budgets, order minimums, stability, utilization.

Rows ``power[z,t]``, ``rack_units[z,t]``, ``space[z,t]``, ``capex_budget[t]``, ``cumulative_budget[t]``,
``opex_budget[t]``, ``commitment_limit[m,t]``, ``order_minimum[k,z,t]``, ``order_maximum[k,z,t]``, ``change[k,z,t]``,
``change_least[k,z,t]``, ``change_most[k,z,t]``, ``utilization[r]``; columns ``ordered[k,z,t]`` (0 or 1),
``more[k,z,t]``, ``fewer[k,z,t]``, ``goes_up[k,z,t]``, ``goes_down[k,z,t]`` (0 or 1).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from capacity_opt.fleet.arrays import ModelBuilder
from capacity_opt.fleet.frame import Frame
from capacity_opt.fleet.recourse import RecourseColumns, serving_cost
from capacity_opt.fleet.supply import SupplyColumns, rack_limit

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


def add_limits(builder: ModelBuilder, frame: Frame, supply: SupplyColumns, normal: RecourseColumns) -> None:
    """Write every limit that the problem gives."""
    _zone_limits(builder, frame, supply)
    _capex_budgets(builder, frame, supply)
    _opex_budget(builder, frame, supply, normal)
    _commitment_limit(builder, frame, supply)
    _order_minimum(builder, frame, supply)
    _stability(builder, frame, supply)
    _utilization(builder, frame, supply, normal)


def _zone_limits(builder: ModelBuilder, frame: Frame, supply: SupplyColumns) -> None:
    types, sites = frame.problem.server_types, frame.problem.sites
    for name, each, limit in (
        ("power", types.power_kw, sites.power_limit),
        ("rack_units", types.rack_units, sites.rack_unit_limit),
        ("space", types.space, sites.space_limit),
    ):
        if each is None or limit is None or not np.isfinite(limit).any():
            continue
        labels = [sites.zones, frame.problem.periods, frame.world_labels]
        rows = builder.rows(name, labels, upper=limit[..., None], where=np.isfinite(limit)[..., None])
        builder.add(np.moveaxis(rows, -1, 0)[:, None], supply.stock, each[:, None, None])


def cash_per_rack(frame: Frame) -> Array:
    """Money paid when a rack is ordered, undiscounted, (K, Z, T)."""
    cash: Array = frame.problem.supply.price * frame.problem.server_types.lot[:, None, None]
    return cash


def _capex_budgets(builder: ModelBuilder, frame: Frame, supply: SupplyColumns) -> None:
    finance, t = frame.problem.finance, np.arange(frame.problem.sizes["T"])
    cash = cash_per_rack(frame)
    already = np.einsum("kzt,kzt->t", frame.problem.supply.placed, cash)
    for name, limit, within in (
        ("capex_budget", finance.capex_budget, t[:, None] == t[None, :]),
        ("cumulative_budget", finance.cumulative_budget, t[:, None] >= t[None, :]),
    ):
        if not np.isfinite(limit).any():
            continue
        left = limit - within.astype(np.float64) @ already
        labels = [frame.problem.periods, frame.world_labels]
        rows = builder.rows(name, labels, upper=left[:, None], where=np.isfinite(limit)[:, None])
        # Columns (W, K, Z, 1, T ordered in) against rows (W, 1, 1, T, 1).
        columns = supply.racks[:, :, :, None, :]
        builder.add(rows.T[:, None, None, :, None], columns, np.where(within, cash[:, :, None, :], 0.0))


def _opex_budget(builder: ModelBuilder, frame: Frame, supply: SupplyColumns, normal: RecourseColumns) -> None:
    """Expected running cost per period, undiscounted: servers, retirements, commitments, purchases, serving."""
    problem, limit = frame.problem, frame.problem.finance.opex_budget
    if not np.isfinite(limit).any():
        return
    rows = builder.rows("opex_budget", [problem.periods], upper=limit, where=np.isfinite(limit))
    opex = problem.supply.opex[None] * frame.world_probability[:, None, None, None]
    builder.add(rows[None, None, None, :], supply.stock, opex)
    builder.add(rows[None, None, :], supply.retired, problem.supply.retirement_cost[:, None, None])
    t = np.arange(problem.sizes["T"])
    age = (t[None, :] - t[:, None])[None]
    in_force = (age >= 0) & (age < problem.options.term[:, None, None])
    builder.add(rows[None, None, :], supply.committed[:, :, None], in_force * frame.option_price[:, :, None])
    share = problem.block_share[:, None] * frame.outcomes.probability
    lanes = frame.option_lanes
    price = np.where(frame.is_commitment[lanes.option][:, None], 0.0, frame.option_price[lanes.option])
    price = price * lanes.weight[:, None]
    builder.add(rows[None, :, None, None], normal.bought, price[:, :, None, None] * share)
    serving = serving_cost(frame, normal.lanes)[:, None, None, None]
    builder.add(rows[None, :, None, None], normal.served, serving * share)


def _commitment_limit(builder: ModelBuilder, frame: Frame, supply: SupplyColumns) -> None:
    """Commitments in force within their limit."""
    problem, limit = frame.problem, frame.option_limit
    long = problem.options.term > 1
    where = (frame.is_commitment & long)[:, None] & np.isfinite(limit)
    if not where.any():
        return
    rows = builder.rows("commitment_limit", [problem.options.names, problem.periods], upper=limit, where=where)
    t = np.arange(problem.sizes["T"])
    age = (t[None, :] - t[:, None])[None]
    in_force = (age >= 0) & (age < problem.options.term[:, None, None])
    builder.add(rows[:, None, :], supply.committed[:, :, None], 1.0 * in_force)


def _order_minimum(builder: ModelBuilder, frame: Frame, supply: SupplyColumns) -> None:
    """An order is 0, or at least its minimum (orders decided knowing the sample are free of it)."""
    problem, least = frame.problem, frame.problem.supply.order_minimum
    first = supply.racks[0]
    needed = frame.orderable & (least > (1.0 if problem.integer else 0.0)) & ~frame.late
    if not needed.any():
        return
    labels = [problem.server_types.names, problem.sites.zones, problem.periods]
    ordered = builder.columns("ordered", labels, upper=1.0, integer=True, where=needed)
    low = builder.rows("order_minimum", labels, lower=0.0, where=needed)
    high = builder.rows("order_maximum", labels, upper=0.0, where=needed)
    builder.add(low, first, 1.0)
    builder.add(low, ordered, -least)
    builder.add(high, first, 1.0)
    builder.add(high, ordered, -rack_limit(frame))


def _stability(builder: ModelBuilder, frame: Frame, supply: SupplyColumns) -> None:
    """What changing the last plan costs, and how small a change may be; of the orders decided now."""
    problem, stability = frame.problem, frame.problem.stability
    if stability is None:
        return
    labels = [problem.server_types.names, problem.sites.zones, problem.periods]
    here, last = supply.racks[0], stability.last
    money = stability.change_cost[:, None, None]
    kept = (here >= 0) & ~frame.late
    more = builder.columns("more", labels, cost=money, where=kept)
    fewer = builder.columns("fewer", labels, cost=money, upper=last, where=kept)
    rows = builder.rows("change", labels, lower=last, upper=last, where=kept)
    for columns, sign in ((here, 1.0), (more, -1.0), (fewer, 1.0)):
        builder.add(rows, columns, sign)
    needed = kept & (last > 0) & (stability.minimum_change > 0)
    if needed.any():
        _least_change(builder, frame, needed, more, fewer)


def _least_change(
    builder: ModelBuilder, frame: Frame, needed: NDArray[np.bool_], more: IntArray, fewer: IntArray
) -> None:
    """A change in either direction is 0 or at least the minimum share of the last order."""
    problem, stability = frame.problem, frame.problem.stability
    assert stability is not None
    labels = [problem.server_types.names, problem.sites.zones, problem.periods]
    least = stability.minimum_change * stability.last
    either = builder.rows("change_either", labels, upper=1.0, where=needed)
    for name, columns, most in (("up", more, rack_limit(frame)), ("down", fewer, stability.last)):
        goes = builder.columns(f"goes_{name}", labels, upper=1.0, integer=True, where=needed)
        low = builder.rows(f"change_least_{name}", labels, lower=0.0, where=needed)
        high = builder.rows(f"change_most_{name}", labels, upper=0.0, where=needed)
        builder.add(low, columns, 1.0)
        builder.add(low, goes, -least)
        builder.add(high, columns, 1.0)
        builder.add(high, goes, -most)
        builder.add(either, goes, 1.0)


def _utilization(builder: ModelBuilder, frame: Frame, supply: SupplyColumns, normal: RecourseColumns) -> None:
    """Expected use of owned servers is at least the floor's share of their capacity, over all periods."""
    problem, floor = frame.problem, frame.problem.utilization_floor
    if floor is None or np.isnan(floor).all():
        return
    rows = builder.rows("utilization", [problem.resources], lower=0.0, where=~np.isnan(floor))
    wanted = np.nan_to_num(floor)
    share = problem.block_share[:, None] * frame.outcomes.probability
    load = normal.lanes.load.T[:, :, None, None, None]
    builder.add(rows[:, None, None, None, None], normal.served[None], load * share)
    lanes, capacity = frame.option_lanes, problem.server_types.capacity
    size = capacity[lanes.server_type].T[:, :, None, None, None]
    builder.add(rows[:, None, None, None, None], normal.bought[None], -size * share)
    owned = capacity.T[:, None, :, None, None] * frame.world_probability[None, :, None, None, None]
    builder.add(rows[:, None, None, None, None], supply.stock[None], -wanted[:, None, None, None, None] * owned)
