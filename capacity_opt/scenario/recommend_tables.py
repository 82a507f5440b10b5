"""``[recommend]``: its tables, read and checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.scenario.load import Source
from capacity_opt.scenario.problems import Problems, shown
from capacity_opt.scenario.schema import NOTE, Column, TableSchema, resource_columns
from capacity_opt.scenario.steer_tables import AFFINITY, STEERABLE, Steerable, read_steerable
from capacity_opt.scenario.typed import Context, TypedTable, typed

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

HOURLY_USAGE = TableSchema("hourly_usage", "usage that commitments may cover, a row per pool and hour", (), (
    Column("pool", "text", "what a commitment covers: a family in a region", example="m7a us-east-1"),
    Column("hour", "text", "the hour; rows of a pool are in order of time"),
    Column("usage", "number", "units in use", unit="units"),
    NOTE,
))  # fmt: skip
COMMITMENT_RATES = TableSchema("commitment_rates", "prices of committing by pool", ("pool",), (
    Column("pool", "text", "as in hourly_usage"),
    Column("on_demand_price", "money", "one unit for an hour", rule="positive", unit="per unit and hour"),
    Column("one_year_discount", "number", "share off for committing a year", rule="share"),
    Column("three_year_discount", "number", "share off for committing three years", rule="share"),
    Column("growth", "number", "expected growth of usage per year, 0.2 is 20 %", default=0.0, rule="any"),
    Column("growth_sd", "number", "its standard deviation", default=0.0),
    NOTE,
))  # fmt: skip
TRACES = TableSchema("traces", "usage by workload and hour; a column per resource", (), (
    Column("workload", "text", "workload"),
    Column("hour", "text", "the hour"),
    Column("instance", "text", "what it runs on now (its first row counts)", default=""),
    NOTE,
))  # fmt: skip
INSTANCES = TableSchema("instances", "what a workload may run on; a column per resource", ("instance",), (
    Column("instance", "text", "instance or server type"),
    Column("price", "money", "price for an hour", rule="positive", unit="per hour"),
    Column("performance", "number", "work of one unit of resource, nominal = 1", default=1.0, rule="positive"),
    NOTE,
))  # fmt: skip
RECOMMEND_TABLES = (HOURLY_USAGE, COMMITMENT_RATES, TRACES, INSTANCES, STEERABLE, AFFINITY)


@dataclass(frozen=True, kw_only=True)
class Commitable:
    """A pool whose usage may be committed to: ``usage`` (hours,) so far; rates per unit and hour."""

    pool: str
    usage: Array
    on_demand_price: float
    one_year_discount: float
    three_year_discount: float
    growth: float
    growth_sd: float


@dataclass(frozen=True, kw_only=True)
class Sizable:
    """Workloads and what they may run on: ``usage`` per workload (hours, R); ``instance`` now ("" unknown)."""

    resources: tuple[str, ...]
    workloads: tuple[str, ...]
    usage: tuple[Array, ...]
    instance: tuple[str, ...]
    options: tuple[str, ...]
    price: Array
    capacity: Array


@dataclass(frozen=True, kw_only=True)
class RecommendInput:
    """What ``[recommend]`` has tables for."""

    commitable: tuple[Commitable, ...] = ()
    sizable: Sizable | None = None
    steerable: Steerable | None = None


def read_recommend(source: Source, context: Context, problem: FleetProblem | None) -> RecommendInput | None:
    """The tables of ``[recommend]``; ``None`` without the section. Faults are noted."""
    section, problems = source.spec.recommend, context.problems
    if section is None:
        return None
    if section.hourly_usage is None and section.traces is None and section.steerable is None:
        problems.error("E240", "scenario.toml", "[recommend] names no table",
                       fix="Add hourly_usage, traces or steerable")  # fmt: skip
    reader = _Reader(source, context, problem)
    return RecommendInput(
        commitable=reader.commitable() if section.hourly_usage is not None else (),
        sizable=reader.sizable() if section.traces is not None else None,
        steerable=reader.steerable() if section.steerable is not None else None,
    )


class _Reader:
    """Reads the tables of one scenario."""

    def __init__(self, source: Source, context: Context, problem: FleetProblem | None) -> None:
        assert source.spec.recommend is not None
        self.section, self.source, self.problem = source.spec.recommend, source, problem
        self.problems: Problems = context.problems
        ids = {} if problem is None else {
            "classes": {name: c for c, name in enumerate(problem.groups.classes)},
            "regions": {name: g for g, name in enumerate(problem.sites.regions)},
            "server_types": {name: k for k, name in enumerate(problem.server_types.names)},
            "blocks": {name: b for b, name in enumerate(problem.blocks)},
        }  # fmt: skip
        self.context = replace(context, ids=ids)
        fleet = source.spec.fleet
        self.resources = ("vcpu", "memory_gib") if fleet is None else tuple(fleet.resources)

    def table(self, file: str | None, schema: TableSchema) -> TypedTable | None:
        """A table as its schema types it; ``None`` where it cannot be read (noted)."""
        assert file is not None
        text = self.source.table(file, [column.name for column in schema.columns], schema.name)
        return None if text is None else typed(text, schema, self.context)

    def commitable(self) -> tuple[Commitable, ...]:
        """Pools with their rates."""
        usage = self.table(self.section.hourly_usage, HOURLY_USAGE)
        rates = self.table(self.section.commitment_rates, COMMITMENT_RATES)
        if usage is None or rates is None or self._noted(usage, rates):
            return ()
        pools = list(dict.fromkeys(usage.texts["pool"]))
        known = self._known(rates, "pool", pools, usage.file)
        known &= self._known(usage, "pool", rates.texts["pool"], rates.file)
        if not known:
            return ()
        where = np.array(usage.texts["pool"])
        found = []
        for row, pool in enumerate(rates.texts["pool"]):
            numbers = {name: float(values[row]) for name, values in rates.numbers.items()}
            found.append(Commitable(pool=pool, usage=usage.numbers["usage"][where == pool], **numbers))
        return tuple(found)

    def sizable(self) -> Sizable | None:
        """Workloads and what they may run on."""
        columns = resource_columns(self.resources, meaning="{} used", default=0.0)
        room = resource_columns(self.resources, meaning="{} of it", default=0.0)
        traces = self.table(self.section.traces, TRACES.plus(columns))
        options = self.table(self.section.instances, INSTANCES.plus(room))
        if traces is None or options is None or self._noted(traces, options):
            return None
        used = [name for name in self.resources if name in traces.present and name in options.present]
        if not used:
            self.problems.error("E234", traces.file, "no resource column that instances have too", row=1,
                                fix=f"Add one of {', '.join(self.resources)} to both tables")  # fmt: skip
            return None
        now = [name for name in dict.fromkeys(traces.texts["instance"]) if name]
        if now:
            known = self._known(traces, "instance", options.texts["instance"], options.file, blank=True)
            if not known:
                return None
        where = np.array(traces.texts["workload"])
        names = tuple(dict.fromkeys(traces.texts["workload"]))
        table = np.column_stack([traces.numbers[name] for name in used])
        capacity = np.column_stack([options.numbers[name] for name in used])
        return Sizable(
            resources=tuple(used),
            workloads=names,
            usage=tuple(table[where == name] for name in names),
            instance=tuple(traces.texts["instance"][int(np.argmax(where == name))] for name in names),
            options=tuple(options.texts["instance"]),
            price=options.numbers["price"],
            capacity=np.maximum(capacity * options.numbers["performance"][:, None], 1e-12),
        )

    def steerable(self) -> Steerable | None:
        """Customers with what they may be offered."""
        if self.problem is None:
            self.problems.error("E240", "scenario.toml", "[recommend] steerable needs [fleet]", fix="Add [fleet]")
            return None
        asked = self.table(self.section.steerable, STEERABLE)
        likes = None if self.section.affinity is None else self.table(self.section.affinity, AFFINITY)
        if asked is None or self._noted(asked, *([] if likes is None else [likes])):
            return None
        if likes is not None:
            self._known(likes, "customer", asked.texts["customer"], asked.file, blank=True)
        return read_steerable(asked, likes, self.problem, self.problems)

    def _noted(self, *tables: TypedTable) -> bool:
        """Whether one of these tables has a fault already."""
        files = {table.file for table in tables}
        return any(problem.file in files for problem in self.problems.found)

    def _known(self, table: TypedTable, column: str, known: Sequence[str], where: str, *, blank: bool = False) -> bool:
        """Whether every name is known; the first that is not is noted."""
        for row, name in enumerate(table.texts[column]):
            if name not in known and not (blank and not name):
                told = ", ".join(list(dict.fromkeys(known))[:10])
                self.problems.error(
                    "E208",
                    table.file,
                    f"is not in {where}",
                    value=shown(name),
                    row=table.rows[row],
                    column=column,
                    fix=f"Have {told}",
                )
                return False
        return True
