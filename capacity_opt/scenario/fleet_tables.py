"""The fleet's tables to the arrays of a :class:`~capacity_opt.FleetProblem`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capacity_opt.problem.fleet import DemandGroups, Finance, ServerTypes, ServiceTargets, Sites
from capacity_opt.scenario import schema
from capacity_opt.scenario.fleet_demand import Groups
from capacity_opt.scenario.load import FILE, Source
from capacity_opt.scenario.problems import did_you_mean, shown
from capacity_opt.scenario.schema import TableSchema, resource_columns
from capacity_opt.scenario.spec import Fleet
from capacity_opt.scenario.timeline import Timeline, whole_periods
from capacity_opt.scenario.typed import ALL, Context, TypedTable, one_or_all, typed

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class FleetTables:
    """Every table of the fleet that the scenario has, typed; the names of the sets in order."""

    spec: Fleet
    context: Context
    types: TypedTable
    zones: TypedTable
    classes: TypedTable
    optional: dict[str, TypedTable]
    type_names: tuple[str, ...]
    zone_names: tuple[str, ...]
    region_names: tuple[str, ...]
    class_names: tuple[str, ...]
    zone_region: IntArray

    @property
    def timeline(self) -> Timeline:
        """The scenario's periods."""
        return self.context.timeline

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Server types, zones, periods."""
        return len(self.type_names), len(self.zone_names), self.timeline.count


def read_fleet_tables(source: Source, context: Context) -> FleetTables | None:
    """Read all tables but the demand; ``context.ids`` is filled with their ids. ``None`` where one is unusable."""
    fleet = source.spec.fleet
    assert fleet is not None
    ids: dict[str, dict[str, int]] = context.ids  # type: ignore[assignment]  # filled here, read-only elsewhere
    ids["blocks"] = {block.name: i for i, block in enumerate(source.spec.time.blocks)}
    if len(set(fleet.resources)) < len(fleet.resources):
        line, told = source.toml.line(("fleet", "resources")), ", ".join(fleet.resources)
        context.problems.error("E210", FILE, "[fleet] resources names one twice", value=told, row=line, fix="Keep one")
        return None
    capacity = resource_columns(fleet.resources, meaning="{} that one server offers", default=0.0)
    usage = resource_columns(fleet.resources, meaning="{} that one unit of demand uses", default=0.0)
    sold = resource_columns(
        fleet.resources, prefix="overcommit_", meaning="{} sold per physical unit", default=schema.NAN
    )
    types = _named(source, schema.SERVER_TYPES.plus(capacity), fleet.server_types, context, ids)
    zones = _named(source, schema.ZONES, fleet.zones, context, ids)
    if zones is not None:
        ids["regions"] = _ids(zones.texts["region"])
    classes = _named(source, schema.CLASSES.plus([*usage, *sold]), fleet.classes, context, ids)
    if types is None or zones is None or classes is None:
        return None
    order = np.argsort(_priority(classes), kind="stable")
    class_names = tuple(classes.texts["class"][i] for i in order)
    ids["classes"] = {name: i for i, name in enumerate(class_names)}
    optional = _optional(source, fleet, context, ids)
    regions = ids["regions"]
    return FleetTables(
        fleet,
        context,
        types,
        zones,
        _reordered(classes, order),
        optional,
        tuple(types.texts["server_type"]),
        tuple(zones.texts["zone"]),
        tuple(regions),
        class_names,
        np.array([regions[name] for name in zones.texts["region"]], dtype=np.int64),
    )


def _ids(names: Sequence[str]) -> dict[str, int]:
    return {name: i for i, name in enumerate(dict.fromkeys(names))}


def _named(
    source: Source, table: TableSchema, file: str, context: Context, ids: dict[str, dict[str, int]]
) -> TypedTable | None:
    text = source.table(file, [column.name for column in table.columns], table.name)
    if text is None:
        return None
    own = table.columns[0]
    ids[table.name] = _ids([cell for cell in text.columns.get(own.name, []) if cell.strip()])
    result = typed(text, table, context)
    _note_odd_ids(result, own.name, context)
    return result


def _note_odd_ids(table: TypedTable, column: str, context: Context) -> None:
    folded: dict[str, str] = {}
    for row, name in zip(table.rows, table.texts[column]):
        first = folded.setdefault(name.strip().casefold(), name)
        if first != name:
            context.problems.error(
                "E209",
                table.file,
                f"differs only by case or space from {shown(first)}",
                value=shown(name),
                row=row,
                column=column,
                fix=f"Write {first}, or another id",
            )
        elif name.lstrip()[:1] in "=+@" or "<" in name or not name.isprintable():
            context.problems.warning(
                "W244", table.file, "is taken as text and shown harmless", value=shown(name), row=row, column=column
            )


def _priority(classes: TypedTable) -> Array:
    given = classes.numbers["priority"]
    return np.where(np.isnan(given), np.arange(1, len(given) + 1), given)


def _reordered(table: TypedTable, order: NDArray[np.intp]) -> TypedTable:
    pick = order.tolist()
    return TypedTable(
        table.file,
        [table.rows[i] for i in pick],
        {name: cells[order] for name, cells in table.numbers.items()},
        {name: [cells[i] for i in pick] for name, cells in table.texts.items()},
        {name: cells[order] for name, cells in table.positions.items()},
        {name: [cells[i] for i in pick] for name, cells in table.lists.items()},
        {name: [cells[i] for i in pick] for name, cells in table.flags.items()},
        table.present,
    )


def _optional(source: Source, fleet: Fleet, context: Context, ids: dict[str, dict[str, int]]) -> dict[str, TypedTable]:
    found: dict[str, TypedTable] = {}
    for table in schema.FLEET_TABLES[3:]:
        file = getattr(fleet, table.name)
        text = None if file is None else source.table(file, [column.name for column in table.columns], table.name)
        if text is None:
            continue
        if table.name == "options":
            ids["options"] = _ids(text.columns.get("option", []))
        found[table.name] = typed(text, table, context)
    return found


def server_types(tables: FleetTables) -> ServerTypes:
    """(K,) and (K, R) arrays of the server types."""
    numbers, count = tables.types.numbers, len(tables.type_names)
    life = np.array([np.inf if np.isinf(v) else whole_periods(v) for v in numbers["life"]])
    yearly, own = numbers["annual_failure_rate"], numbers["failure_rate"]
    space = numbers["space_m2"]
    return ServerTypes(
        names=tables.type_names,
        capacity=np.stack([numbers[name] for name in tables.spec.resources], axis=1).reshape(count, -1),
        lot=numbers["lot"].astype(np.int64),
        power_kw=numbers["power_kw"],
        rack_units=numbers["rack_units"],
        life=life,
        failure_rate=np.where(np.isnan(own), 1.0 - (1.0 - yearly) ** (1.0 / tables.timeline.per_year), own),
        space=space if space.any() else None,
    )


def sites(tables: FleetTables) -> Sites:
    """Regions, zones and their limits by period."""
    periods = tables.timeline.count
    limits: dict[str, Array] = {}
    for name in ("power_limit_kw", "rack_unit_limit", "space_limit_m2"):
        limits[name] = np.repeat(tables.zones.numbers[name][:, None], periods, axis=1)
    patch = tables.optional.get("limits")
    if patch is not None:
        for row in range(len(patch)):
            z, t = picked(patch, "zone", row), picked(patch, "period", row)
            for name, values in limits.items():
                if not np.isnan(patch.numbers[name][row]):
                    values[z, t] = patch.numbers[name][row]
    space = limits["space_limit_m2"]
    return Sites(
        regions=tables.region_names,
        zones=tables.zone_names,
        zone_region=tables.zone_region,
        power_limit=limits["power_limit_kw"],
        rack_unit_limit=limits["rack_unit_limit"],
        space_limit=None if np.isinf(space).all() else space,
    )


def picked(table: TypedTable, column: str, row: int) -> slice:
    """The positions that a row's id or period speaks for: one, or all where blank."""
    return one_or_all(int(table.positions[column][row]))


def demand_groups(tables: FleetTables, groups: Groups) -> DemandGroups:
    """What each group uses, where it may be served and at which cost."""
    classes, of = tables.classes, groups.group_class
    names = tables.spec.resources
    compatible, performance, serve_cost = _pairs(tables)
    sold = np.stack(
        [
            np.where(
                np.isnan(given := classes.numbers[f"overcommit_{name}"]), tables.spec.overcommit.get(name, 1.0), given
            )
            for name in names
        ],
        axis=1,
    )
    allowed, spill_cost = _spill(tables, groups)
    return DemandGroups(
        names=groups.names,
        classes=tables.class_names,
        group_class=of,
        home_region=groups.home_region,
        home_zone=groups.home_zone,
        usage=np.stack([classes.numbers[name] for name in names], axis=1)[of],
        performance=performance[of],
        compatible=compatible[of],
        serve_cost=serve_cost[of],
        allowed_region=allowed,
        spill_cost=spill_cost,
        overcommit=sold[of],
    )


def _spill(tables: FleetTables, groups: Groups) -> tuple[BoolArray, Array]:
    """(J, G) where each group may be served, and at which cost: classes.csv, then spill.csv."""
    classes, of, home = tables.classes, groups.group_class, groups.home_region
    allowed = np.zeros((len(of), len(tables.region_names)), dtype=bool)
    for j, c in enumerate(of.tolist()):
        allowed[j, classes.lists["allowed_regions"][c]] = True
        allowed[j, home[j]] = True
    away = np.arange(len(tables.region_names))[None, :] != home[:, None]
    cost = np.where(away, classes.numbers["spill_cost"][of][:, None], 0.0)
    patch = tables.optional.get("spill")
    for row in range(len(patch) if patch is not None else 0):
        assert patch is not None
        named = [patch.positions[name][row] for name in ("class", "home_region")]
        meant = np.logical_and.reduce([(at == ALL) | (own == at) for at, own in zip(named, (of, home), strict=True)])
        to = patch.positions["region"][row]
        allowed[meant, to] = patch.flags["allowed"][row] is not False
        if not np.isnan(patch.numbers["spill_cost"][row]):
            cost[meant, to] = patch.numbers["spill_cost"][row]
    return allowed, np.where(away, cost, 0.0)


def _pairs(tables: FleetTables) -> tuple[BoolArray, Array, Array]:
    """(C, K) compatible, performance, serve cost: classes.csv, then compatibility.csv."""
    shape = len(tables.class_names), len(tables.type_names)
    compatible, performance, serve_cost = np.ones(shape, dtype=bool), np.ones(shape), np.zeros(shape)
    for c, listed in enumerate(tables.classes.lists["server_types"]):
        if listed:
            compatible[c] = np.isin(np.arange(shape[1]), listed)
    patch = tables.optional.get("compatibility")
    for row in range(len(patch) if patch is not None else 0):
        assert patch is not None
        pair = patch.positions["class"][row], patch.positions["server_type"][row]
        flag = patch.flags["compatible"][row]
        if flag is not None:
            compatible[pair] = flag
        performance[pair] = patch.numbers["performance"][row]
        serve_cost[pair] = patch.numbers["serve_cost"][row]
    return compatible, performance, serve_cost


def service_targets(tables: FleetTables, groups: Groups) -> ServiceTargets:
    """Penalties per group, promises per class, protection per class and zone."""
    classes, spec, of = tables.classes, tables.spec, groups.group_class
    numbers = classes.numbers
    shortage = np.array([spec.shortage_allowed if flag is None else flag for flag in classes.flags["shortage_allowed"]])
    protected = np.repeat(numbers["protected_share"][:, None], len(tables.zone_names), axis=1)
    patch = tables.optional.get("protection")
    for row in range(len(patch) if patch is not None else 0):
        assert patch is not None
        protected[patch.positions["class"][row], picked(patch, "zone", row)] = patch.numbers["protected_share"][row]
    limit = numbers["shortage_cvar_limit"]
    return ServiceTargets(
        penalty=numbers["penalty"][of],
        shortage_allowed=shortage[of],
        fill_rate=numbers["fill_rate"],
        no_shortage_probability=numbers["no_shortage_probability"],
        shortage_cvar_level=np.where(np.isnan(limit), np.nan, numbers["shortage_cvar_level"]),
        shortage_cvar_limit=limit,
        protected_share=np.where(protected > 0, protected, np.nan),
        fill_rule=spec.fill_rule,
        no_shortage_scope=spec.no_shortage_scope,
        protected_quantile=spec.protected_quantile,
    )


def finance(tables: FleetTables, currency: str, yearly_rate: float) -> Finance:
    """Discounting and budgets by period."""
    spec, periods = tables.spec, tables.timeline.count
    budgets = {
        name: np.full(periods, np.inf if (value := getattr(spec, name)) is None else value)
        for name in ("capex_budget", "cumulative_budget", "opex_budget")
    }
    patch = tables.optional.get("budgets")
    for row in range(len(patch) if patch is not None else 0):
        assert patch is not None
        for name, values in budgets.items():
            if not np.isnan(patch.numbers[name][row]):
                values[picked(patch, "period", row)] = patch.numbers[name][row]
    return Finance(
        currency=currency,
        discount_rate=tables.timeline.rate(yearly_rate),
        capital=spec.capital,
        risk_weight=spec.risk_weight,
        risk_level=spec.risk_level,
        **budgets,
    )


def period_index(value: Any, key: str, source: Source, timeline: Timeline) -> int | None:
    """A period named in scenario.toml, from 0; faults are noted."""
    if value is None:
        return None
    try:
        return timeline.index(str(value))
    except ValueError as error:
        rule, fix = getattr(error, "rule", str(error)), getattr(error, "fix", "")
        source.problems.error(
            "E228", FILE, rule, value=str(value), fix=fix, row=source.toml.line(("fleet", key)), column=key
        )
        return None


def by_resource(given: dict[str, float], key: str, source: Source, resources: Sequence[str]) -> Array | None:
    """(R,) numbers of a table keyed by resource, NaN where none; ``None`` where it is empty."""
    for name in given:
        if name not in resources:
            source.problems.error(
                "E208",
                FILE,
                f"{shown(name)} is no resource",
                row=source.toml.line(("fleet", key, name)),
                column=f"fleet.{key}",
                fix=did_you_mean(name, resources),
            )
    return np.array([given.get(name, np.nan) for name in resources]) if given else None
