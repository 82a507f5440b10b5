"""What the fleet starts with, what it may order and at which price, and what it may buy as a service."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

from capacity_opt.problem.fleet import OptionKind, PurchaseOptions, ServerTypes, Stability, Supply
from capacity_opt.scenario.fleet_tables import FleetTables, period_index, picked
from capacity_opt.scenario.load import FILE, Source
from capacity_opt.scenario.problems import did_you_mean, shown
from capacity_opt.scenario.timeline import whole_periods
from capacity_opt.scenario.typed import ALL, TypedTable

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

_BY_PERIOD = ("price", "opex", "order_limit", "order_minimum")
_FLAGS = ("retirable", "never_shrink", "never_grow")
KINDS = ("on_demand", "spot", "commitment")


def supply(tables: FleetTables, types: ServerTypes, source: Source) -> Supply:
    """Prices, delays, limits, orders already placed and the servers of the past."""
    by_period, lead, flags = _supply_arrays(tables, source)
    lead_time = np.ceil(lead - 1e-9).astype(np.int64)
    placed, arriving = _placed(tables, types, source)
    first = period_index(tables.spec.first_order, "first_order", source, tables.timeline)
    return Supply(
        **by_period,
        lead_time=lead_time,
        placed=placed,
        initial=_initial(tables, types) + arriving,
        first_order=first or 0,
        retirable=flags["retirable"],
        retirement_cost=tables.types.numbers["retirement_cost"],
        salvage=tables.types.numbers["salvage"],
        recourse_from=period_index(tables.spec.recourse_from, "recourse_from", source, tables.timeline),
        never_shrink=flags["never_shrink"] if flags["never_shrink"].any() else None,
        never_grow=flags["never_grow"] if flags["never_grow"].any() else None,
    )


def _supply_arrays(tables: FleetTables, source: Source) -> tuple[dict[str, Array], Array, dict[str, BoolArray]]:
    kinds, zones, periods = tables.sizes
    numbers = tables.types.numbers
    by_period = {
        name: np.broadcast_to(numbers[name][:, None, None], (kinds, zones, periods)).copy() for name in _BY_PERIOD
    }
    lead = np.repeat(numbers["lead_time"][:, None], zones, axis=1)
    flags = {
        name: np.repeat(np.array([bool(flag) for flag in tables.types.flags[name]])[:, None], zones, axis=1)
        for name in _FLAGS
    }
    patch = tables.optional.get("supply")
    for row in range(len(patch) if patch is not None else 0):
        assert patch is not None
        k, z, t = (picked(patch, name, row) for name in ("server_type", "zone", "period"))
        for name, values in by_period.items():
            if not np.isnan(patch.numbers[name][row]):
                values[k, z, t] = patch.numbers[name][row]
        if not np.isnan(patch.numbers["lead_time"][row]):
            lead[k, z] = patch.numbers["lead_time"][row]
            _not_by_period(patch, "lead_time", row, source)
        for name, allowed in flags.items():
            flag = patch.flags[name][row]
            if flag is not None:
                allowed[k, z] = flag
                _not_by_period(patch, name, row, source)
    return by_period, lead, flags


def _not_by_period(patch: TypedTable, column: str, row: int, source: Source) -> None:
    if patch.positions["period"][row] != ALL:
        source.problems.error(
            "E228",
            patch.file,
            f"{column} may not change by period",
            row=patch.rows[row],
            column="period",
            fix="Leave the period blank",
        )


def _surviving(failure_rate: float, periods: int) -> Array:
    return np.asarray((1.0 - failure_rate) ** np.arange(periods))


def _initial(tables: FleetTables, types: ServerTypes) -> Array:
    """(K, Z, T) servers of the past in service: planned decommissions, life and failures taken off."""
    initial = np.zeros(tables.sizes)
    table = tables.optional.get("initial_stock")
    for row in range(len(table) if table is not None else 0):
        assert table is not None
        k, z = int(table.positions["server_type"][row]), int(table.positions["zone"][row])
        if k == ALL or z == ALL:
            continue
        periods = tables.timeline.count
        leaves = int(table.positions["decommission_period"][row])
        last = periods if leaves == ALL else leaves
        left = types.life[k] - table.numbers["age"][row]
        last = min(last, periods if np.isinf(left) else max(0, whole_periods(float(left))))
        served = table.numbers["servers"][row] * _surviving(float(types.failure_rate[k]), periods)
        initial[k, z, :last] += served[:last]
    return initial


def _placed(tables: FleetTables, types: ServerTypes, source: Source) -> tuple[Array, Array]:
    """Racks ordered inside the horizon (K, Z, T), and servers of earlier orders from their arrival on (K, Z, T)."""
    placed, arriving = np.zeros(tables.sizes), np.zeros(tables.sizes)
    table = tables.optional.get("placed_orders")
    for row in range(len(table) if table is not None else 0):
        assert table is not None
        k, z = int(table.positions["server_type"][row]), int(table.positions["zone"][row])
        ordered, arrives = int(table.positions["order_period"][row]), int(table.positions["arrival_period"][row])
        if (ordered == ALL) == (arrives == ALL):
            source.problems.error(
                "E234",
                table.file,
                "needs order_period or arrival_period, one of them",
                row=table.rows[row],
                fix="order_period: paid in the horizon; arrival_period: paid before it",
            )
        if k == ALL or z == ALL:
            continue
        racks = table.numbers["racks"][row]
        if ordered != ALL:
            placed[k, z, ordered] += racks
        elif arrives != ALL:
            end = (
                tables.timeline.count
                if np.isinf(types.life[k])
                else min(tables.timeline.count, arrives + int(types.life[k]))
            )
            served = racks * types.lot[k] * _surviving(float(types.failure_rate[k]), end - arrives)
            arriving[k, z, arrives:end] += served
    return placed, arriving


def options(tables: FleetTables, source: Source) -> PurchaseOptions:
    """Capacity bought as a service; an option without a region is one in each."""
    table = tables.optional.get("options")
    if table is None:
        return PurchaseOptions()
    rows, regions = _spread(table, len(tables.region_names))
    names = [table.texts["option"][row] for row in rows]
    several = {name for name in names if names.count(name) > 1}
    labels = tuple(f"{name} {tables.region_names[g]}" if name in several else name for name, g in zip(names, regions))
    for row in range(len(table)):
        _check_kind(table, row, source)
    periods = tables.timeline.count
    price = np.repeat(table.numbers["price"][rows][:, None], periods, axis=1)
    limit = np.repeat(table.numbers["limit"][rows][:, None], periods, axis=1)
    _patch_options(tables, rows, price, limit)
    return PurchaseOptions(
        names=labels,
        kind=tuple(cast(OptionKind, table.texts["kind"][row]) for row in rows),
        server_type=table.positions["server_type"][rows],
        region=np.array(regions, dtype=np.int64),
        price=price,
        limit=limit,
        term=np.array([whole_periods(float(v)) for v in table.numbers["term"][rows]], dtype=np.int64),
        availability=table.numbers["availability"][rows],
        covers=_covers(tables, rows),
    )


def option_rows(tables: FleetTables) -> list[int]:
    """(M,) the row of options.csv that each option stands in."""
    table = tables.optional.get("options")
    return [] if table is None else _spread(table, len(tables.region_names))[0]


def _spread(table: TypedTable, regions: int) -> tuple[list[int], list[int]]:
    pairs = [
        (row, g)
        for row, region in enumerate(table.positions["region"].tolist())
        for g in (range(regions) if region == ALL else (region,))
    ]
    return [row for row, _ in pairs], [g for _, g in pairs]


def _check_kind(table: TypedTable, row: int, source: Source) -> None:
    kind = table.texts["kind"][row]
    if kind not in KINDS:
        source.problems.error(
            "E207",
            table.file,
            f"must be one of {', '.join(KINDS)}",
            value=shown(kind),
            row=table.rows[row],
            column="kind",
            fix=did_you_mean(kind, KINDS),
        )
    elif kind == "commitment" and "term" not in table.present:
        source.problems.error(
            "E234",
            table.file,
            "a commitment needs its term",
            row=table.rows[row],
            fix="Add a column term_months or term_years",
        )


def _patch_options(tables: FleetTables, rows: list[int], price: Array, limit: Array) -> None:
    patch = tables.optional.get("option_prices")
    for at in range(len(patch) if patch is not None else 0):
        assert patch is not None
        chosen = [m for m, row in enumerate(rows) if row == patch.positions["option"][at]]
        for values, name in ((price, "price"), (limit, "limit")):
            if not np.isnan(patch.numbers[name][at]):
                values[chosen, picked(patch, "period", at)] = patch.numbers[name][at]


def _covers(tables: FleetTables, rows: list[int]) -> Array | None:
    table = tables.optional.get("coverage")
    if table is None:
        return None
    covers = np.zeros((len(rows), len(tables.type_names)))
    own = tables.optional["options"].positions["server_type"]
    for m, row in enumerate(rows):
        covers[m, own[row]] = 1.0
    for at in range(len(table)):
        chosen = [m for m, row in enumerate(rows) if row == table.positions["option"][at]]
        covers[chosen, table.positions["server_type"][at]] = table.numbers["units"][at]
    return covers


def stability(tables: FleetTables, source: Source) -> Stability | None:
    """How this plan may differ from the last one; ``None`` without last_plan."""
    table = tables.optional.get("last_plan")
    if table is None:
        if tables.spec.minimum_change > 0:
            source.problems.error(
                "E240",
                FILE,
                "minimum_change needs the last plan",
                row=source.toml.line(("fleet", "minimum_change")),
                fix='Add last_plan = "last_plan.csv"',
            )
        return None
    last = np.zeros(tables.sizes)
    for row in range(len(table)):
        place = (
            table.positions["server_type"][row],
            table.positions["zone"][row],
            table.positions["order_period"][row],
        )
        last[place] += table.numbers["racks"][row]
    return Stability(
        last=last, change_cost=tables.types.numbers["change_cost"], minimum_change=tables.spec.minimum_change
    )
