"""Place ordered servers into racks and rows under rack units and power, with CP-SAT.

Per zone, in this order: leave as few servers out as possible (by power), then put up the cheapest racks, then strand
the least power. Everything is in whole numbers: watts and hundredths of a rack unit, rounded against us.

Do not use this to decide how many servers to buy: the fleet model knows the zone's power and rack units already. It
shows where they stand and whether the rows' own limits, which the fleet model does not see, are kept.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError, LimitError
from capacity_opt.fleet.arrays import ModelBuilder
from capacity_opt.fleet.rack_mixes import fullest_mixes
from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.problem.placement import PlacedRack, PlacedRow, Placement, Room
from capacity_opt.problem.plan import FleetPlan
from capacity_opt.solvers.linear_program import LinearProgram
from capacity_opt.solvers.solution import Solution
from capacity_opt.solvers.solve import solve
from capacity_opt.solvers.verify import verify

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

WATTS, PARTS = 1000, 100
ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True)
class _Things:
    """What is placed in one zone: units (lots or single servers) of each type. ``servers`` per unit, ``parts`` of a
    rack unit, ``watts``, ``count`` (K,); ``mixes`` (P, K) units in a rack of type ``frame`` (P,)."""

    servers: IntArray
    parts: IntArray
    watts: IntArray
    count: IntArray
    mixes: IntArray
    frame: IntArray
    mixing: str


@dataclass(frozen=True, kw_only=True)
class _Packing:
    """One zone's program and its columns: ``racks`` (P, W), ``held`` (K, W), ``left`` (K,), ``stranded`` (W,)."""

    lp: LinearProgram
    racks: IntArray
    held: IntArray
    left: IntArray
    stranded: IntArray


def place_plan(plan: FleetPlan, problem: FleetProblem, room: Room, *, time_limit: float = 60.0) -> Placement:
    """Place everything that ``plan`` orders over its horizon; see :func:`place_servers`."""
    ordered = np.ceil(plan.racks.sum(axis=2) - 1e-6).astype(np.int64) * problem.server_types.lot[:, None]
    return place_servers(ordered, problem, room, time_limit=time_limit)


def place_servers(servers: IntArray, problem: FleetProblem, room: Room, *, time_limit: float = 60.0) -> Placement:
    """Where ``servers`` (K, Z) stand in ``room``: racks, rows, what is left out and what is stranded.

    With ``room.whole_racks`` servers come in lots, so counts are rounded up to whole lots. Raises ``ArgumentError``
    where a type fits no rack at all, ``LimitError`` where the time limit leaves nothing.

    >>> from capacity_opt.fleet.example import example_problem
    >>> from capacity_opt.problem.placement import RackTypes, Rows
    >>> room = Room(
    ...     rack_types=RackTypes(names=("42U",), rack_units=np.array([42.0]), power_kw=np.array([12.0]),
    ...                          price=np.array([900.0])),
    ...     rows=Rows(names=("row 1",), zone=np.array([0]), positions=np.array([4]), power_kw=np.array([20.0])),
    ... )
    >>> placed = place_servers(np.array([[8]]), example_problem(), room)
    >>> [(rack.row, rack.servers) for rack in placed.racks], placed.rack_price
    ([('row 1', (('standard', 4),)), ('row 1', (('standard', 4),))], 1800.0)
    """
    started = time.monotonic()
    counts = _counts(servers, problem)
    placed = [_place_zone(z, counts[:, z], problem, room, time_limit / counts.shape[1]) for z in range(counts.shape[1])]
    racks = tuple(rack for zone in placed for rack in zone.racks)
    prices = dict(zip(room.rack_types.names, room.rack_types.price.tolist(), strict=True))
    return Placement(
        racks=racks,
        rows=tuple(row for zone in placed for row in zone.rows),
        unplaced=np.stack([zone.unplaced[:, 0] for zone in placed], axis=1),
        status="optimal" if all(zone.status == "optimal" for zone in placed) else "feasible",
        mixing="pairs" if any(zone.mixing == "pairs" for zone in placed) else placed[0].mixing,
        rack_price=float(sum(prices[rack.rack_type] for rack in racks)),
        seconds=time.monotonic() - started,
        solver=next((zone.solver for zone in placed if zone.solver), ""),
    )


def _counts(servers: IntArray, problem: FleetProblem) -> IntArray:
    counts = _checks.whole("servers", servers)
    expected = (problem.sizes["K"], problem.sizes["Z"])
    if counts.shape != expected:
        raise ArgumentError(f"servers must have shape {expected} (K, Z), got {counts.shape}")
    return counts


def _place_zone(zone: int, servers: IntArray, problem: FleetProblem, room: Room, time_limit: float) -> Placement:
    rows = np.flatnonzero(room.rows.zone == zone)
    things = _things(servers, problem, room)
    packing = _packing(things, room, rows)
    solution = _in_order(packing, things, room, time_limit)
    assert solution.x is not None
    held = np.rint(solution.x[packing.held]).astype(np.int64).reshape(len(things.count), len(rows))
    racks = np.rint(solution.x[packing.racks]).astype(np.int64).reshape(len(things.frame), len(rows))
    return Placement(
        racks=tuple(_racks(held, racks, things, problem, room, rows)),
        rows=tuple(_row(held[:, i], racks[:, i], things, problem, room, int(w)) for i, w in enumerate(rows)),
        unplaced=((things.count - held.sum(axis=1)) * things.servers)[:, None],
        status=solution.reason,
        mixing=things.mixing,
        rack_price=0.0,
        seconds=solution.seconds,
        solver=f"{solution.solver} {solution.version}".strip(),
    )


def _things(servers: IntArray, problem: FleetProblem, room: Room) -> _Things:
    types = problem.server_types
    each = types.lot if room.whole_racks else np.ones_like(types.lot)
    count = -(-servers // each)
    if not room.whole_racks and np.any((count > 0) & (types.rack_units <= 0)):
        names = [types.names[k] for k in np.flatnonzero((count > 0) & (types.rack_units <= 0))]
        raise ArgumentError(
            f"rack_units must be > 0 to rack servers one by one, got 0 for {', '.join(names[:10])}. Give the height of "
            "the server, or set whole_racks = true"
        )
    parts = np.ceil(types.rack_units * each * PARTS - ROUNDING).astype(np.int64)
    watts = np.ceil(types.power_kw * each * WATTS - ROUNDING).astype(np.int64)
    space, power = _whole(room.rack_types.rack_units * PARTS), _whole(room.rack_types.power_kw * WATTS)
    mixes, frames, listed = [], [], True
    for f in range(len(space)):
        if room.whole_racks:
            found = [
                tuple(row) for row in np.eye(len(count), dtype=np.int64)[(parts <= space[f]) & (watts <= power[f])]
            ]
        else:
            wanted = np.where(count > 0, parts, space[f] + 1)
            found, complete = fullest_mixes(wanted, watts, int(space[f]), int(power[f]))
            listed &= complete
        mixes += found
        frames += [f] * len(found)
    mixing = "whole" if room.whole_racks else "any" if listed else "pairs"
    table = np.array(mixes, dtype=np.int64).reshape(-1, len(count))
    _refuse_misfits(table, count, problem, each)
    return _Things(
        servers=each, parts=parts, watts=watts, count=count, mixes=table, frame=np.array(frames, int), mixing=mixing
    )


def _refuse_misfits(mixes: IntArray, count: IntArray, problem: FleetProblem, each: IntArray) -> None:
    fits = mixes.sum(axis=0) > 0
    for k in np.flatnonzero((count > 0) & ~fits):
        types, what = problem.server_types, "lot" if each[k] > 1 else "server"
        raise ArgumentError(
            f"a {what} of {types.names[k]!r} needs {types.rack_units[k] * each[k]:g} rack units and "
            f"{types.power_kw[k] * each[k]:g} kW and fits no rack type. Give a larger rack, a smaller lot, or set "
            "whole_racks = false"
        )


def _whole(values: Array) -> IntArray:
    return np.floor(values + ROUNDING).astype(np.int64)


def _packing(things: _Things, room: Room, rows: NDArray[np.intp]) -> _Packing:
    builder, kinds, places = ModelBuilder(), range(len(things.count)), range(len(rows))
    names = [str(i) for i in kinds], [str(w) for w in places], [str(p) for p in range(len(things.frame))]
    positions, power = room.rows.positions[rows], _whole(room.rows.power_kw[rows] * WATTS)
    share = np.ceil(room.largest_row_share * things.count - ROUNDING)
    racks = builder.columns("racks", [names[2], names[1]], upper=positions, integer=True)
    held = builder.columns("held", [names[0], names[1]], upper=share[:, None], integer=True)
    left = builder.columns("left", [names[0]], upper=things.count, integer=True)
    stranded = builder.columns("stranded", [names[1]], upper=power, integer=True)
    inside = builder.rows("inside", [names[0], names[1]], upper=0.0)
    builder.add(inside, held, 1.0)
    builder.add(inside[None], racks[:, None], -things.mixes[:, :, None])
    everything = builder.rows("everything", [names[0]], lower=things.count, upper=things.count)
    builder.add(everything[:, None], held, 1.0)
    builder.add(everything, left, 1.0)
    builder.add(builder.rows("positions", [names[1]], upper=positions)[None], racks, 1.0)
    builder.add(builder.rows("power", [names[1]], upper=power)[None], held, things.watts[:, None])
    most = _most_power(things)
    free = builder.rows("stranded", [names[1]], lower=power - most * positions)
    for columns, factor in ((stranded, 1.0), (held, things.watts[:, None]), (racks, -float(most))):
        builder.add(free if columns is stranded else free[None], columns, factor)
    return _Packing(lp=builder.finish(), racks=racks, held=held, left=left, stranded=stranded)


def _most_power(things: _Things) -> int:
    """The most watts that one more rack could draw."""
    return int((things.mixes @ things.watts).max(initial=0))


def _in_order(packing: _Packing, things: _Things, room: Room, time_limit: float) -> Solution:
    """Solve for each aim in turn, holding what was reached before."""
    prices = np.rint(room.rack_types.price[things.frame] * 100) if len(things.frame) else np.zeros(0)
    aims = []
    for columns, weight in (
        (packing.left, np.maximum(things.watts, 1).astype(np.float64)),
        (packing.racks, np.broadcast_to(np.maximum(prices, 1.0)[:, None], packing.racks.shape)),
        (packing.stranded, np.ones(packing.stranded.shape)),
    ):
        cost = np.zeros(packing.lp.columns)
        cost[columns] = weight
        aims.append(cost)
    lp, reached, best = packing.lp, [], None
    for cost in aims:
        found = solve(replace(lp, cost=cost), solver="cp_sat", gap=0.0, time_limit=time_limit / len(aims), start=best)
        verify(replace(lp, cost=cost), found, gap=0.0).require()
        if found.x is None:
            raise LimitError(f"no placement was found within {time_limit:g} s. Raise time_limit")
        reached.append(found)
        best = found.x
        lp = _held(lp, cost, float(np.rint(found.objective)))
    proven = all(found.reason == "optimal" for found in reached)
    return replace(reached[-1], reason="optimal" if proven else "feasible")


def _held(lp: LinearProgram, cost: Array, most: float) -> LinearProgram:
    """The program with one more row: ``cost`` stays at most at what was reached."""
    if not cost.any():
        return lp
    return replace(
        lp,
        matrix=sparse.csr_array(sparse.vstack([lp.matrix, sparse.csr_array(cost[None])], format="csr")),
        row_lower=np.append(lp.row_lower, -np.inf),
        row_upper=np.append(lp.row_upper, most),
    )


def _racks(
    held: IntArray, racks: IntArray, things: _Things, problem: FleetProblem, room: Room, rows: NDArray[np.intp]
) -> list[PlacedRack]:
    """Fill the racks of each row with what the row holds."""
    types, sites, found = problem.server_types, problem.sites, []
    for i, w in enumerate(rows):
        left = held[:, i].copy()
        for p in np.repeat(np.arange(len(things.frame)), racks[:, i]):
            inside = np.minimum(things.mixes[p], left)
            left -= inside
            servers = inside * things.servers
            found.append(
                PlacedRack(
                    zone=sites.zones[room.rows.zone[w]],
                    row=room.rows.names[w],
                    rack_type=room.rack_types.names[things.frame[p]],
                    servers=tuple((types.names[k], int(servers[k])) for k in np.flatnonzero(servers)),
                    rack_units=float(servers @ types.rack_units),
                    power_kw=float(servers @ types.power_kw),
                )
            )
    return found


def _row(held: IntArray, racks: IntArray, things: _Things, problem: FleetProblem, room: Room, w: int) -> PlacedRow:
    used = float((held * things.servers) @ problem.server_types.power_kw)
    free, empty = float(room.rows.power_kw[w]) - used, int(room.rows.positions[w] - racks.sum())
    smallest = things.watts[things.count > 0].min(initial=np.iinfo(np.int64).max) / WATTS
    usable = min(empty, int((free + ROUNDING) // smallest)) if smallest > 0 else empty
    return PlacedRow(
        zone=problem.sites.zones[room.rows.zone[w]],
        row=room.rows.names[w],
        racks=int(racks.sum()),
        free_positions=empty,
        used_kw=used,
        free_kw=free,
        stranded_kw=max(0.0, free - empty * _most_power(things) / WATTS),
        stranded_positions=empty - usable,
    )
