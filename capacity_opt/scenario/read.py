"""A scenario's folder to the objects that every other layer works on."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from capacity_opt.demand.protocol import Demand
from capacity_opt.errors import ArgumentError, Problem
from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.problem.item import Item
from capacity_opt.problem.placement import Room
from capacity_opt.scenario import fleet_supply, fleet_tables, lint, schema
from capacity_opt.scenario.backtest_tables import BacktestProblem, read_backtest
from capacity_opt.scenario.customer_tables import (
    CUSTOMER_TABLES,
    ClosedDeals,
    CustomerDemand,
    read_closed_deals,
    read_customers,
)
from capacity_opt.scenario.demand_rows import read_demand
from capacity_opt.scenario.disruptions import Paths, with_disruptions
from capacity_opt.scenario.fleet_demand import Axes, Groups, fleet_demand, groups_of
from capacity_opt.scenario.inventory_aside import read_items
from capacity_opt.scenario.inventory_tables import Inventory
from capacity_opt.scenario.item_stream import ItemStream, read_stream, streams
from capacity_opt.scenario.load import FILE, Source, load
from capacity_opt.scenario.overrides import Patch
from capacity_opt.scenario.placement import lint_room, read_room
from capacity_opt.scenario.plan_lint import lint_plan
from capacity_opt.scenario.problems import Problems
from capacity_opt.scenario.recommend_tables import RECOMMEND_TABLES, RecommendInput, read_recommend
from capacity_opt.scenario.requests import REQUESTS, Request, read_requests
from capacity_opt.scenario.spec import Frontier, Spec
from capacity_opt.scenario.spec_judge import Simulation
from capacity_opt.scenario.timeline import Timeline
from capacity_opt.scenario.typed import Context

if TYPE_CHECKING:
    from capacity_opt.scenario.inventory_network import NetworkProblem


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One planning case, read and checked.

    ``fleet`` the problem for :func:`~capacity_opt.size_fleet`; ``inventory`` the items with their demand and targets
    (or ``items_stream`` where a Parquet file has too many to hold, or ``network`` the stages in their place);
    ``backtest`` the history with the forecasts to be weighed;
    ``room`` where ordered servers stand; ``requests`` who asks on the day; ``frontier``, ``simulation`` the sections;
    ``spec`` every key; ``warnings`` remarks about the data; ``files`` what was read, by the name in the scenario;
    ``fetched`` the files that stand in for queries of a database; ``forecasts`` how each table of history was forecast.
    What the scenario has no section for is ``None``.
    """

    name: str
    folder: Path
    spec: Spec
    timeline: Timeline
    fleet: FleetProblem | None = None
    room: Room | None = None
    customers: CustomerDemand | None = None
    closed_deals: ClosedDeals | None = None
    recommend: RecommendInput | None = None
    requests: tuple[Request, ...] = ()
    inventory: Inventory | None = None
    items_stream: ItemStream | None = None
    network: NetworkProblem | None = None
    backtest: BacktestProblem | None = None
    variant: str | None = None
    settings: tuple[str, ...] = ()
    patches: tuple[Patch, ...] = ()
    warnings: tuple[Problem, ...] = ()
    files: dict[str, Path] = field(default_factory=dict)
    fetched: dict[str, str] = field(default_factory=dict)
    forecasts: dict[str, dict[str, object]] = field(default_factory=dict)

    @property
    def seed(self) -> int:
        """The seed of every random draw."""
        return self.spec.seed

    @property
    def item_count(self) -> int:
        """How many items there are to replenish."""
        if self.items_stream is not None:
            return self.items_stream.count
        return 0 if self.inventory is None else len(self.inventory.names)

    @property
    def items(self) -> Item | None:
        """Costs and delays of the items, arrays (n,)."""
        return None if self.inventory is None else self.inventory.item

    @property
    def demand(self) -> Demand | None:
        """Demand of the items per period (one family's object where one describes all of them)."""
        if self.inventory is None:
            return None
        parts = self.inventory.demand.parts
        return parts[0][1] if len(parts) == 1 else self.inventory.demand

    @property
    def frontier(self) -> Frontier | None:
        """The ``[frontier]`` section."""
        return self.spec.frontier

    @property
    def simulation(self) -> Simulation | None:
        """The ``[simulation]`` section."""
        return self.spec.simulation

    @property
    def currency(self) -> str:
        """ISO code."""
        return self.spec.money.currency


def read_scenario(
    path: str | os.PathLike[str],
    *,
    set: Sequence[str] = (),
    variant: str | None = None,
    tell: Callable[[str], None] | None = None,
) -> Scenario:
    """Read the scenario folder at ``path`` (or its ``scenario.toml``), with a named ``variant`` and ``set`` settings.

    ``tell`` hears how far the reading of a large table is.

    Raises :class:`~capacity_opt.ScenarioError` with every problem found: file, row, column, rule, value and fix.

    >>> import tempfile, pathlib
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "scenario.toml").write_text('schema_version = 1\\nnmae = "x"\\n[time]\\nperiods = 1\\n')
    >>> read_scenario(folder)
    Traceback (most recent call last):
        ...
    capacity_opt.errors.ScenarioError: 2 problems found
    E240 scenario.toml: key 'name' is missing. Add it: short name; names the run folder
    E239 scenario.toml:2:nmae: key 'nmae' unknown. Did you mean 'name'?
    """
    problems = Problems()
    source = load(Path(path), set, variant, problems)
    problems.raise_if_any()
    assert source is not None
    context = Context(_timeline(source), source.spec.money.currency, {}, problems)
    parts = _parts(source, context, tell)
    _check_sections(source)
    source.note_unused_patches([*_tables_read(source.spec), *source.read_files])
    problems.raise_if_any()
    return Scenario(
        name=source.spec.name,
        folder=source.folders[0],
        spec=source.spec,
        timeline=context.timeline,
        **parts,
        variant=variant,
        settings=tuple(set),
        patches=tuple(source.patches),
        warnings=problems.warnings,
        files={FILE: source.folders[0] / FILE, **source.read_files},
        fetched=source.fetched,
        forecasts=source.forecasts,
    )


def _parts(source: Source, context: Context, tell: Callable[[str], None] | None) -> dict[str, Any]:
    """What each section of the scenario is about, by the names of :class:`Scenario`."""
    spec = source.spec
    fleet, room, customers = _fleet(source, context) if spec.fleet is not None else (None, None, None)
    requests = () if fleet is None else read_requests(source, context, fleet)
    inventory, stream, network = _inventory(source, context, tell)
    return {
        "fleet": fleet,
        "room": room,
        "requests": requests,
        "customers": customers,
        "closed_deals": None if context.problems.failed else read_closed_deals(source, context),
        "recommend": read_recommend(source, context, fleet),
        "inventory": inventory,
        "items_stream": stream,
        "network": network,
        "backtest": read_backtest(source, context, inventory) if spec.backtest is not None else None,
    }


def _inventory(
    source: Source, context: Context, tell: Callable[[str], None] | None
) -> tuple[Inventory | None, ItemStream | None, NetworkProblem | None]:
    """What ``[inventory]`` is about: items read whole, items read in parts, or a network of stages."""
    section = source.spec.inventory
    if section is not None and section.network is not None:
        from capacity_opt.scenario.inventory_network import read_network

        return None, None, read_network(source, context)
    if streams(source):
        if source.spec.customers is not None and source.spec.fleet is None:
            context.problems.error("E240", FILE, "[customers] needs items that are read whole",
                                   fix="Leave chunk_items out, or give the items as CSV")  # fmt: skip
        return None, read_stream(source, context, tell), None
    return (None if section is None else read_items(source, context)), None, None


def _timeline(source: Source) -> Timeline:
    spec = source.spec
    start = spec.time.start
    if start is not None and not isinstance(start, dt.datetime):
        start = dt.datetime.combine(start, dt.time())
    timeline = Timeline(
        spec.time.period,
        spec.time.periods,
        None if start is None else start.replace(tzinfo=None),
        spec.time.time_zone,
    )
    try:
        timeline.begins(timeline.count)
    except (ValueError, OverflowError):
        line = source.toml.line(("time", "periods"))
        source.problems.error("E240", FILE, "the horizon runs past the year 9999", row=line, fix="Fewer periods")
        source.problems.raise_if_any()
    return timeline


def _tables_read(spec: Spec) -> list[str]:
    names = [] if spec.inventory is None else ["items", "item_demand", "lead_times", "network"]
    names += [] if spec.backtest is None else ["history", "forecasts"]
    names += [] if spec.recommend is None else [table.name for table in RECOMMEND_TABLES]
    names += [] if spec.customers is None else [table.name for table in CUSTOMER_TABLES]
    if spec.fleet is None:
        return names
    if spec.admission is not None:
        names.append(REQUESTS.name)
    if spec.fleet.placement is not None:
        names += [table.name for table in schema.PLACEMENT_TABLES]
    return [*names, "demand", *(table.name for table in schema.FLEET_TABLES if getattr(spec.fleet, table.name))]


def _check_sections(source: Source) -> None:
    spec, problems = source.spec, source.problems
    if spec.fleet is None and spec.inventory is None and spec.backtest is None and spec.recommend is None:
        problems.error("E240", FILE, "has no step to do", fix="Add [inventory], [fleet], [backtest] or [recommend]")
    if spec.customers is not None and (spec.fleet, spec.inventory) == (None, None):
        problems.error("E240", FILE, "[customers] needs [fleet] or [inventory]", fix="Add one of them")
    for name in ("frontier", "admission", "levers"):
        if getattr(spec, name) is not None and spec.fleet is None:
            problems.error("E240", FILE, f"[{name}] needs [fleet]", row=source.toml.line((name,)), fix="Add [fleet]")
    names = [block.name for block in spec.time.blocks]
    if len(set(names)) < len(names):
        problems.error("E210", FILE, "two [time] blocks have the same name", value=", ".join(names), fix="Rename one")


def _fleet(source: Source, context: Context) -> tuple[FleetProblem | None, Room | None, CustomerDemand | None]:
    spec, problems = source.spec, context.problems
    assert spec.fleet is not None
    tables = fleet_tables.read_fleet_tables(source, context)
    room = read_room(source, context)
    section = spec.fleet.demand or spec.demand
    if section is None:
        problems.error("E240", FILE, "[fleet] needs demand", fix="Add [demand] with kind and file")
    if tables is None or section is None:
        return None, None, None
    rows = read_demand(source, section, schema.FLEET_DEMAND_KEYS, "demand", context)
    if rows is None or problems.failed:
        return None, None, None
    labels, blocks = context.timeline.labels, tuple(block.name for block in spec.time.blocks) or ("all",)
    axes = Axes(tables.class_names, tables.region_names, tables.zone_names, tables.zone_region, labels, blocks)
    groups = groups_of(rows, axes, problems)
    demand: Paths | None = None if problems.failed else fleet_demand(rows, groups, axes, problems)
    customers = None if demand is None else read_customers(source, context, axes, groups)
    if customers is not None and demand is not None:
        demand = customers.added_to(demand)
    problem = None if demand is None else _problem(source, tables, axes, groups, demand)
    if problem is not None and demand is not None:
        names = list(dict.fromkeys(filter(None, rows.table.texts.get("sample", []))))
        demand, disruptions = with_disruptions(tables, problem.options, fleet_supply.option_rows(tables), demand, names)
        problem = replace(problem, demand=demand, disruptions=disruptions)
    if problem is not None and room is not None:
        lint_room(room, problem, tables, problems)
    return problem, room, customers


def _problem(
    source: Source, tables: fleet_tables.FleetTables, axes: Axes, groups: Groups, demand: lint.Paths
) -> FleetProblem | None:
    spec, fleet, problems = source.spec, tables.spec, source.problems
    types = fleet_tables.server_types(tables)
    floor = fleet_tables.by_resource(fleet.utilization_floor, "utilization_floor", source, fleet.resources)
    fleet_tables.by_resource(fleet.overcommit, "overcommit", source, fleet.resources)
    try:
        problem = FleetProblem(
            name=spec.name,
            periods=tuple(axes.periods),
            resources=tuple(fleet.resources),
            server_types=types,
            sites=fleet_tables.sites(tables),
            supply=fleet_supply.supply(tables, types, source),
            groups=fleet_tables.demand_groups(tables, groups),
            service=fleet_tables.service_targets(tables, groups),
            finance=fleet_tables.finance(tables, spec.money.currency, spec.money.discount_rate),
            demand=demand,
            options=fleet_supply.options(tables, source),
            blocks=tuple(axes.blocks),
            block_share=lint.block_share(spec),
            integer=fleet.integer,
            samples=fleet.samples,
            reduce_to=fleet.reduce_to,
            sampling=None if fleet.sampling == "random" else fleet.sampling,
            stability=fleet_supply.stability(tables, source),
            utilization_floor=floor,
        )
    except ArgumentError as error:
        problems.error("E240", FILE, str(error), fix="Check the tables of [fleet]")
        return None
    if problems.failed:
        return None
    lint.lint_fleet(problem, tables, problems)
    lint_plan(problem, tables, source)
    return problem
