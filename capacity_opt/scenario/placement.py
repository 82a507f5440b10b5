"""``[fleet.placement]``: its tables to a :class:`~capacity_opt.Room`, and a placement to the tables of a run."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.problem.placement import PlacedRack, Placement, RackTypes, Room, Rows
from capacity_opt.scenario import schema
from capacity_opt.scenario.fleet_tables import FleetTables
from capacity_opt.scenario.load import Source
from capacity_opt.scenario.problems import Problems
from capacity_opt.scenario.run_folder import Table, table_of
from capacity_opt.scenario.schema import TableSchema
from capacity_opt.scenario.typed import Context, TypedTable, typed

_SLACK = 1e-9


def read_room(source: Source, context: Context) -> Room | None:
    """The room that ``[fleet.placement]`` describes; ``None`` without one, or with faults (which are noted)."""
    section = None if source.spec.fleet is None else source.spec.fleet.placement
    if section is None:
        return None
    racks, rows = (
        _table(source, table, file, context)
        for table, file in zip(schema.PLACEMENT_TABLES, (section.rack_types, section.rows))
    )
    if racks is None or rows is None or context.problems.failed:
        return None
    return Room(
        rack_types=RackTypes(
            names=tuple(racks.texts["rack_type"]),
            rack_units=racks.numbers["rack_units"],
            power_kw=racks.numbers["power_kw"],
            price=racks.numbers["price"],
        ),
        rows=Rows(
            names=tuple(rows.texts["row"]),
            zone=rows.positions["zone"],
            positions=rows.numbers["positions"].astype(np.int64),
            power_kw=rows.numbers["power_kw"],
        ),
        whole_racks=section.whole_racks,
        largest_row_share=section.largest_row_share,
    )


def _table(source: Source, table: TableSchema, file: str, context: Context) -> TypedTable | None:
    text = source.table(file, [column.name for column in table.columns], table.name)
    return None if text is None else typed(text, table, context)


def lint_room(room: Room, problem: FleetProblem, tables: FleetTables, problems: Problems) -> None:
    """Note server types that may be ordered and no rack holds, and zones without a row."""
    types, file = problem.server_types, tables.types.file
    each = types.lot if room.whole_racks else np.ones_like(types.lot)
    for k in np.flatnonzero((problem.supply.order_limit > 0).any(axis=(1, 2))):
        name, row = types.names[k], tables.types.rows[k]
        units, power = types.rack_units[k] * each[k], types.power_kw[k] * each[k]
        if not room.whole_racks and units <= 0:
            problems.error(
                "E246",
                file,
                f"{name} has no height, so it cannot be racked one by one",
                row=row,
                column="rack_units",
                fix="Give rack_units, or set whole_racks = true",
            )
        elif not _fits(room, float(units), float(power)):
            problems.error(
                "E246",
                file,
                f"{'a lot' if room.whole_racks else 'a server'} of {name} takes {units:g} U and {power:g} kW, "
                "more than any rack type has",
                row=row,
                fix="A larger rack type, a smaller lot, or whole_racks = false",
            )
    for z in sorted(set(range(len(problem.sites.zones))) - set(room.rows.zone.tolist())):
        rule = f"zone {problem.sites.zones[z]} has no row: nothing can be placed there"
        problems.warning("W245", tables.zones.file, rule, row=tables.zones.rows[z])


def _fits(room: Room, units: float, power: float) -> bool:
    racks = room.rack_types
    return bool(np.any((racks.rack_units + _SLACK >= units) & (racks.power_kw + _SLACK >= power)))


RACK_COLUMNS = ("zone", "row", "rack", "rack_type", "server_type", "servers", "rack_units", "power_kw")
ROW_COLUMNS = (
    "zone", "row", "racks", "rack_types", "servers", "free_positions", "used_kw", "free_kw", "stranded_kw",
    "stranded_positions",
)  # fmt: skip


def placement_tables(placement: Placement, problem: FleetProblem) -> dict[str, Table]:
    """``placement``: a row per rack and server type in it, then what found no place; ``placement_rows``: per row."""
    numbered = _numbered(placement)
    types = problem.server_types
    each = {name: (types.rack_units[k], types.power_kw[k]) for k, name in enumerate(types.names)}
    racks: list[dict[str, Any]] = [
        {
            "zone": rack.zone,
            "row": rack.row,
            "rack": number,
            "rack_type": rack.rack_type,
            "server_type": name,
            "servers": servers,
            "rack_units": float(servers * each[name][0]),
            "power_kw": float(servers * each[name][1]),
        }
        for number, rack in numbered
        for name, servers in rack.servers
    ]
    for k, z in np.argwhere(placement.unplaced > 0):
        name, servers = types.names[k], int(placement.unplaced[k, z])
        racks.append(
            dict(zip(RACK_COLUMNS, (problem.sites.zones[z], "", 0, "", name, servers), strict=False))
            | {"rack_units": float(servers * each[name][0]), "power_kw": float(servers * each[name][1])}
        )
    rows = [_row(placement, index, numbered) for index in range(len(placement.rows))]
    return {"placement": table_of(racks, RACK_COLUMNS), "placement_rows": table_of(rows, ROW_COLUMNS)}


def _numbered(placement: Placement) -> list[tuple[int, PlacedRack]]:
    """Racks with their number within their row, from 1."""
    last: dict[tuple[str, str], int] = {}
    found = []
    for rack in placement.racks:
        last[rack.zone, rack.row] = number = last.get((rack.zone, rack.row), 0) + 1
        found.append((number, rack))
    return found


def _row(placement: Placement, index: int, numbered: list[tuple[int, PlacedRack]]) -> dict[str, Any]:
    row = placement.rows[index]
    inside = [rack for _, rack in numbered if (rack.zone, rack.row) == (row.zone, row.row)]
    kinds = {
        kind: sum(rack.rack_type == kind for rack in inside) for kind in dict.fromkeys(r.rack_type for r in inside)
    }
    facts = {name: getattr(row, name) for name in ROW_COLUMNS if name not in ("rack_types", "servers")}
    return facts | {
        "rack_types": ", ".join(f"{count} {kind}" for kind, count in kinds.items()),
        "servers": sum(servers for rack in inside for _, servers in rack.servers),
    }


def placement_facts(placement: Placement) -> dict[str, Any]:
    """What the manifest says of the placement."""
    return {
        "status": placement.status,
        "mixing": placement.mixing,
        "racks": len(placement.racks),
        "rack_price": placement.rack_price,
        "unplaced_servers": int(placement.unplaced.sum()),
        "stranded_kw": placement.stranded_kw,
        "solver": placement.solver,
    }


def placement_answer(placement: Placement) -> str:
    """The sentence for servers that fit nowhere."""
    left: NDArray[np.int64] = placement.unplaced
    count = int(left.sum())
    return f"{count:,} of the ordered servers find{'s' if count == 1 else ''} no place in the rows"
