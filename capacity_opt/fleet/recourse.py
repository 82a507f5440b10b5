"""Second stage: who is served by what once the sample is known; once for normal operation, once per lost zone.

Blocks in normal operation: columns ``served[j,k,p,t,b,s]``, ``unmet[j,t,b,s]``, ``bought[m,k,p,t,b,s]``; rows
``demand[j,t,b,s]``, ``capacity[k,p,r,t,b,s]``, ``option_limit[m,t,b,s]``. While zone f is lost:
``served_without_f[...]``, ``bought_without_f[...]``, ``protected_without_f[...]`` instead of demand,
``capacity_without_f[...]``, ``option_limit_without_f[...]``; they cost nothing. p is a pool: a region, or a zone where
demand is pinned to zones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capacity_opt.fleet.arrays import ABSENT, ModelBuilder
from capacity_opt.fleet.frame import Frame, Lanes
from capacity_opt.fleet.supply import SupplyColumns

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class RecourseColumns:
    """Numbers of one state's members. Columns ``served`` (N, T, B, S) by lane, ``unmet`` (J, T, B, S), ``bought``
    (O, T, B, S) by option lane; rows ``demand`` (J, T, B, S) and ``capacity`` (N', T, B, S) of the (type, pool,
    resource) triples in ``capacity_of`` (3, N'). ``lost``: the zone that is lost, -1 in normal operation."""

    lost: int
    lanes: Lanes
    served: IntArray
    unmet: IntArray
    bought: IntArray
    demand: IntArray
    capacity: IntArray
    capacity_of: IntArray


def tbs(frame: Frame) -> list[Sequence[str]]:
    """Labels of the axes every recourse block ends with."""
    return [frame.problem.periods, frame.problem.blocks, frame.sample_labels]


def weight(frame: Frame) -> Array:
    """Present value times probability of money per period spent in (t, b, s), (T, B, S)."""
    share = frame.problem.block_share[None, :, None]
    value: Array = frame.discount[:-1, None, None] * share * frame.outcomes.probability
    return value


def serving_cost(frame: Frame, lanes: Lanes) -> Array:
    """Both of :func:`lane_cost` together, (N,)."""
    substitution, spill = lane_cost(frame, lanes)
    return substitution + spill


def lane_cost(frame: Frame, lanes: Lanes) -> tuple[Array, Array]:
    """Money per unit served and period on every lane (N,): for the type (substitution), and away from home (spill)."""
    groups, region = frame.problem.groups, frame.pool_region[lanes.pool]
    spill = groups.spill_cost[lanes.group, region]
    away = region != groups.home_region[lanes.group]
    return groups.serve_cost[lanes.group, lanes.server_type], np.where(away, spill, 0.0)


def add_normal_recourse(builder: ModelBuilder, frame: Frame, supply: SupplyColumns) -> RecourseColumns:
    """Normal operation, at its cost."""
    problem, lanes = frame.problem, frame.lanes()
    money, sample = weight(frame), np.arange(frame.outcomes.count)
    cost = serving_cost(frame, lanes)[:, None, None, None] * money
    served = builder.columns(
        "served", [lane_labels(frame, lanes), *tbs(frame)], cost=cost, where=frame.open_lanes(lanes), sample=sample
    )
    unmet = builder.columns(
        "unmet",
        [problem.groups.names, *tbs(frame)],
        cost=problem.service.penalty[:, None, None, None] * money,
        where=problem.service.shortage_allowed[:, None, None, None],
        sample=sample,
    )
    asked = np.moveaxis(frame.outcomes.values, 0, -1)
    demand = builder.rows("demand", [problem.groups.names, *tbs(frame)], lower=asked, upper=asked)
    builder.add(demand[lanes.group], served, 1.0)
    builder.add(demand, unmet, 1.0)
    return _with_capacity(builder, frame, supply, lanes, served, unmet, demand, lost=-1)


def add_failure_recourse(
    builder: ModelBuilder, frame: Frame, supply: SupplyColumns, lost: int, unprotected: IntArray
) -> RecourseColumns:
    """Operation without zone ``lost``: the protected share of every group the zone can touch is served, except in the
    samples given up by ``unprotected`` (S,; -1: none may be)."""
    problem, suffix, sample = frame.problem, suffix_of(frame, lost), np.arange(frame.outcomes.count)
    promised = protected_share(frame, lost)
    lanes = _kept(frame.lanes(lost), promised > 0)
    served = builder.columns(f"served{suffix}", [lane_labels(frame, lanes), *tbs(frame)], sample=sample)
    asked = promised[:, None, None, None] * np.moveaxis(frame.outcomes.values, 0, -1)
    where = (promised > 0)[:, None, None, None]
    rows = builder.rows(f"protected{suffix}", [problem.groups.names, *tbs(frame)], lower=asked, where=where)
    builder.add(rows[lanes.group], served, 1.0)
    builder.add(rows, unprotected[None, None, None, :], asked)
    none = np.full(rows.shape, ABSENT, dtype=np.int64)
    return _with_capacity(builder, frame, supply, lanes, served, none, rows, lost=lost)


def suffix_of(frame: Frame, lost: int) -> str:
    """What a state's block names end with."""
    return "" if lost < 0 else f"_without_{frame.problem.sites.zones[lost]}"


def lane_labels(frame: Frame, lanes: Lanes) -> list[str]:
    """``group,type,pool`` of every lane."""
    problem, pools = frame.problem, frame.pool_names
    parts = zip(lanes.group, lanes.server_type, lanes.pool, strict=True)
    return [f"{problem.groups.names[j]},{problem.server_types.names[k]},{pools[p]}" for j, k, p in parts]


def protected_share(frame: Frame, lost: int) -> Array:
    """Share of each group's demand that must be served without zone ``lost``, (J,); 0 for groups it cannot touch:
    those that no chain of shared regions links to the zone's region."""
    problem = frame.problem
    lanes = frame.lanes(lost)
    meets = np.zeros((problem.sizes["J"], problem.sizes["G"]), dtype=bool)
    meets[lanes.group, frame.pool_region[lanes.pool]] = True
    regions = np.zeros(problem.sizes["G"], dtype=bool)
    regions[problem.sites.zone_region[lost]] = True
    for _ in range(problem.sizes["G"]):
        regions |= meets[(meets & regions).any(axis=1)].any(axis=0)
    share: Array = np.nan_to_num(problem.service.protected_share[problem.groups.group_class, lost])
    return np.where((meets & regions).any(axis=1), share, 0.0)


def _kept(lanes: Lanes, groups: BoolArray) -> Lanes:
    kept = groups[lanes.group]
    return Lanes(
        group=lanes.group[kept], server_type=lanes.server_type[kept], pool=lanes.pool[kept], load=lanes.load[kept]
    )


def _with_capacity(
    builder: ModelBuilder,
    frame: Frame,
    supply: SupplyColumns,
    lanes: Lanes,
    served: IntArray,
    unmet: IntArray,
    demand: IntArray,
    *,
    lost: int,
) -> RecourseColumns:
    bought = _bought(builder, frame, supply, lost)
    used = np.zeros((frame.problem.sizes["K"], len(frame.pools), frame.problem.sizes["R"]), dtype=bool)
    np.logical_or.at(used, (lanes.server_type, lanes.pool), lanes.load > 0)
    of = np.array(np.nonzero(used))
    labels = [_triple(frame, *triple) for triple in of.T]
    rows = builder.rows(f"capacity{suffix_of(frame, lost)}", [labels, *tbs(frame)], upper=0.0)
    number = np.full(used.shape, ABSENT, dtype=np.int64)
    number[tuple(of)] = np.arange(of.shape[1])
    lane, resource = np.nonzero(lanes.load > 0)
    at = number[lanes.server_type[lane], lanes.pool[lane], resource]
    builder.add(rows[at], served[lane], lanes.load[lane, resource][:, None, None, None])
    _owned(builder, frame, supply, rows, of, lost)
    options, capacity = frame.option_lanes, frame.problem.server_types.capacity
    option, triple = np.nonzero((options.server_type[:, None] == of[0]) & (options.pool[:, None] == of[1]))
    builder.add(rows[triple], bought[option], -capacity[of[0][triple], of[2][triple]][:, None, None, None])
    return RecourseColumns(
        lost=lost, lanes=lanes, served=served, unmet=unmet, bought=bought, demand=demand, capacity=rows, capacity_of=of
    )


def _triple(frame: Frame, k: int, p: int, r: int) -> str:
    return f"{frame.problem.server_types.names[k]},{frame.pool_names[p]},{frame.problem.resources[r]}"


def _owned(builder: ModelBuilder, frame: Frame, supply: SupplyColumns, rows: IntArray, of: IntArray, lost: int) -> None:
    """Servers in service give their capacity, as far as their zone is there."""
    zones = np.arange(frame.problem.sizes["Z"])
    inside = (frame.zone_pool[None, :] == of[1][:, None]) & (zones != lost)
    triple, zone = np.nonzero(inside)
    k, r = of[0][triple], of[2][triple]
    there = np.moveaxis(frame.outcomes.available, 0, -1)[zone][:, :, None, :]
    stock = np.moveaxis(supply.stock, 0, -1)[k, zone][:, :, None, :]
    size = frame.problem.server_types.capacity[k, r][:, None, None, None]
    if not frame.outcomes.random_zones:
        there = np.ones((1, 1, 1, 1))
    builder.add(rows[triple], stock, -size * there)


def _bought(builder: ModelBuilder, frame: Frame, supply: SupplyColumns, lost: int) -> IntArray:
    """Capacity bought or committed, in servers, with the rows that limit it. Spot is not counted on in a failure."""
    problem, options, lanes = frame.problem, frame.problem.options, frame.option_lanes
    kind = np.array([*options.kind, ""])[lanes.option] if len(lanes.option) else np.zeros(0, dtype="<U10")
    usable = (kind != "spot") if lost >= 0 else np.ones(len(kind), dtype=bool)
    paid = np.where((kind != "commitment")[:, None], frame.option_price[lanes.option], 0.0) * lanes.weight[:, None]
    cost = paid[:, :, None, None] * weight(frame) if lost < 0 else 0.0
    parts = zip(lanes.option, lanes.server_type, lanes.pool, strict=True)
    labels = [f"{options.names[m]},{problem.server_types.names[k]},{frame.pool_names[p]}" for m, k, p in parts]
    alone = np.bincount(lanes.option, minlength=problem.sizes["M"])[lanes.option] == 1
    limit = _limit(frame)
    own = np.where((alone & (kind != "commitment"))[:, None, None], limit[lanes.option], np.inf)
    columns = builder.columns(
        f"bought{suffix_of(frame, lost)}",
        [labels, *tbs(frame)],
        cost=cost,
        upper=own[:, :, None, :] / lanes.weight[:, None, None, None],
        where=usable[:, None, None, None],
        sample=np.arange(frame.outcomes.count),
    )
    _option_limit(builder, frame, supply, columns, limit, lost)
    return columns


def _limit(frame: Frame) -> Array:
    """Units of each option that are there, (M, T, S)."""
    there = np.moveaxis(frame.outcomes.bought, 0, -1)
    limit = np.broadcast_to(frame.option_limit[:, :, None], there.shape)
    return np.where(there > 0, limit * np.where(there > 0, there, 1.0), 0.0)


def _option_limit(
    builder: ModelBuilder, frame: Frame, supply: SupplyColumns, bought: IntArray, limit: Array, lost: int
) -> None:
    """Use of a commitment within what is in force; use of other options in several places within their limit."""
    lanes, options = frame.option_lanes, frame.problem.options
    places = np.bincount(lanes.option, minlength=frame.problem.sizes["M"])
    shared = np.isfinite(limit) & (places > 1)[:, None, None]
    where = frame.is_commitment[:, None, None] | shared
    upper = np.where(frame.is_commitment[:, None, None], 0.0, limit)
    rows = builder.rows(
        f"option_limit{suffix_of(frame, lost)}",
        [options.names, *tbs(frame)],
        upper=upper[:, :, None, :],
        where=where[:, :, None, :],
    )
    builder.add(rows[lanes.option], bought, lanes.weight[:, None, None, None])
    t = np.arange(frame.problem.sizes["T"])
    age = t[None, :] - t[:, None]
    in_force = (age >= 0)[None] & (age[None] < options.term[:, None, None])
    builder.add(rows[:, None], supply.committed[:, :, None, None, None], -1.0 * in_force[..., None, None])
