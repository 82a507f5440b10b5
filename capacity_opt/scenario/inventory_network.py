"""A network of stages in place of items: serial line, guaranteed-service tree, depot and bases; read and solved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt.demand.lead_time import lead_time_demand
from capacity_opt.demand.protocol import Demand
from capacity_opt.errors import ArgumentError
from capacity_opt.inventory.guaranteed_service import optimize_guaranteed_service
from capacity_opt.inventory.serial import optimize_serial
from capacity_opt.inventory.two_echelon import optimize_two_echelon
from capacity_opt.problem.network import DepotAndBases, GuaranteedServiceTree, GuaranteedStage, SerialSystem
from capacity_opt.scenario import schema
from capacity_opt.scenario.demand_rows import read_demand
from capacity_opt.scenario.families import marginals_of
from capacity_opt.scenario.load import FILE, Source
from capacity_opt.scenario.run_folder import Table
from capacity_opt.scenario.spec import Network
from capacity_opt.scenario.spec_judge import Simulation
from capacity_opt.scenario.typed import Context, TypedTable, typed
from capacity_opt.simulation.inventory import simulate

Array = NDArray[np.float64]
MOST_PARTS = 60


@dataclass(frozen=True, kw_only=True)
class NetworkProblem:
    """``stages`` in the order of their table; ``model`` one of the networks; ``demand`` of a serial line's
    customers; ``total_stock`` of a depot and its bases."""

    stages: tuple[str, ...]
    model: SerialSystem | GuaranteedServiceTree | DepotAndBases
    demand: Demand | None = None
    total_stock: int = 0


def read_network(source: Source, context: Context) -> NetworkProblem | None:
    """Read ``[inventory.network]``; ``None`` where it is unusable (noted)."""
    section = source.spec.inventory.network if source.spec.inventory else None
    assert section is not None
    text = source.table(section.file, [column.name for column in schema.NETWORK.columns], "network")
    if text is None:
        return None
    table = typed(text, schema.NETWORK, context)
    if context.problems.failed:
        return None
    try:
        return _BUILD[section.kind](table, section, source, context)
    except ArgumentError as error:
        context.problems.error("E207", table.file, str(error), fix="Mend the stages' rows")
        return None


def _serial(table: TypedTable, section: Network, source: Source, context: Context) -> NetworkProblem | None:
    if section.stockout_cost is None:
        context.problems.error(
            "E240", FILE, "a serial network needs stockout_cost", fix="Set it in [inventory.network]"
        )
        return None
    system = SerialSystem(
        echelon_holding_cost=_needed(table, "holding_cost"),
        lead_time=table.numbers["lead_time"],
        stockout_cost=section.stockout_cost,
    )
    demand = _customers(source, context)
    return None if demand is None else NetworkProblem(stages=_names(table), model=system, demand=demand)


def _customers(source: Source, context: Context) -> Demand | None:
    """The demand that the first stage meets: one row."""
    inventory = source.spec.inventory
    section = (inventory.demand if inventory else None) or source.spec.demand
    if section is None or section.kind not in ("parametric", "quantiles"):
        context.problems.error(
            "E240", FILE, "a serial network needs demand of kind parametric or quantiles", fix="Add [inventory.demand]"
        )
        return None
    stage = schema.Column("stage", "text", "the stage that meets it", default="")
    rows = read_demand(source, section, (stage,), "item_demand", context)
    if rows is None or context.problems.failed:
        return None
    if len(rows.table) != 1:
        context.problems.error(
            "E237", rows.table.file, f"has {len(rows.table)} rows", fix="Keep the customers' one row"
        )
        return None
    found = marginals_of(rows, np.zeros(1, dtype=np.int64), context.problems)
    # A 0-d index takes the one item as a scalar demand, which a line of stages needs.
    return None if found is None else found.parts[0][1].take(np.array(0, dtype=np.intp))


def _guaranteed(table: TypedTable, section: Network, source: Source, context: Context) -> NetworkProblem:
    del section, source, context
    holding, numbers = _needed(table, "holding_cost"), table.numbers
    stages = [
        GuaranteedStage(
            name=name,
            holding_cost=float(holding[line]),
            processing_time=_whole(numbers["lead_time"][line]),
            predecessors=tuple(part.strip() for part in table.texts["supplied_by"][line].split("|") if part.strip()),
            external_inbound_time=_whole(numbers["inbound_time"][line]),
            maximum_service_time=_longest(numbers["maximum_service_time"][line]),
            demand_deviation=_deviation(numbers["demand_deviation"][line]),
            safety_factor=float(numbers["safety_factor"][line]),
        )
        for line, name in enumerate(_names(table))
    ]
    return NetworkProblem(stages=_names(table), model=GuaranteedServiceTree(stages=stages))


def _two_echelon(table: TypedTable, section: Network, source: Source, context: Context) -> NetworkProblem | None:
    del source
    if section.total_stock is None or section.depot_time is None:
        context.problems.error(
            "E240",
            FILE,
            "a two_echelon network needs total_stock and depot_time",
            fix="Set both in [inventory.network]",
        )
        return None
    model = DepotAndBases(
        base_rate=_needed(table, "demand_rate"),
        order_and_ship_time=table.numbers["lead_time"],
        depot_replenishment_time=section.depot_time,
        base_repair_share=table.numbers["repair_share"],
        base_repair_time=table.numbers["repair_time"],
    )
    return NetworkProblem(stages=_names(table), model=model, total_stock=section.total_stock)


_BUILD: dict[str, Callable[[TypedTable, Network, Source, Context], NetworkProblem | None]] = {
    "serial": _serial,
    "guaranteed_service": _guaranteed,
    "two_echelon": _two_echelon,
}


def _names(table: TypedTable) -> tuple[str, ...]:
    return tuple(table.texts["stage"])


def _needed(table: TypedTable, column: str) -> Array:
    value = table.numbers[column]
    missing = np.flatnonzero(np.isnan(value))
    if len(missing):
        raise ArgumentError(f"{column} is missing for stage {table.texts['stage'][int(missing[0])]!r}")
    return value


def _whole(value: float) -> int:
    return int(np.ceil(value - 1e-9))


def _longest(value: float) -> int | None:
    return None if np.isnan(value) else _whole(value)


def _deviation(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def network_tables(problem: NetworkProblem, simulation: Simulation, *, seed: int) -> dict[str, Table]:
    """Solve the network: tables ``network`` (a row per stage) and ``network_totals``."""
    if isinstance(problem.model, SerialSystem):
        columns, totals = _solved_serial(problem, problem.model, simulation, seed)
        stages = list(problem.stages)
    elif isinstance(problem.model, GuaranteedServiceTree):
        plan = optimize_guaranteed_service(problem.model)
        stages = list(problem.stages)
        fields = ("service_time", "inbound_time", "net_replenishment_time", "safety_stock")
        columns = {name: np.array([float(getattr(plan, name)[stage]) for stage in stages]) for name in fields}
        totals = {"expected_cost": float(plan.expected_cost)}
    else:
        best = optimize_two_echelon(problem.model, total_stock=problem.total_stock)
        stages = ["depot", *problem.stages]
        columns = {
            "stock": np.concatenate([[best.depot_stock], np.asarray(best.base_stock, dtype=np.float64)]),
            "expected_backorders": np.concatenate([[best.depot_backorders], best.expected_backorders]),
            "ready_rate": np.concatenate([[best.depot_ready_rate], best.ready_rate]),
        }
        totals = {"total_backorders": float(best.total_backorders)}
    return {
        "network": Table({"stage": stages, **columns}),
        "network_totals": Table({"measure": list(totals), "value": np.array(list(totals.values()))}),
    }


def _solved_serial(
    problem: NetworkProblem, system: SerialSystem, simulation: Simulation, seed: int
) -> tuple[dict[str, Array], dict[str, float]]:
    assert problem.demand is not None
    demand = problem.demand
    best = optimize_serial(system, demand)
    totals = {"expected_cost": float(best.expected_cost)}
    parts = _parts(system.lead_time)
    if parts:  # the judge plays whole periods: cut them until every lead time is whole
        judged = simulate(
            best,
            demand if parts == 1 else lead_time_demand(demand, 1.0 / parts, 0.0),
            _cut(system, parts),
            seed=seed,
            level=simulation.level,
            periods=simulation.periods * parts,
            replications=simulation.replications,
        )
        for name, part in (("judged_cost", "value"), ("judged_cost_low", "low"), ("judged_cost_high", "high")):
            totals[name] = parts * float(np.ravel(getattr(judged.cost, part))[0])
    return {"echelon_base_stock_level": np.asarray(best.echelon_base_stock_level)}, totals | {
        "expected_backorders": float(best.expected_backorders),
        "ready_rate": float(best.ready_rate),
    }


def _parts(lead_time: ArrayLike) -> int:
    """The fewest equal parts of a period in which every lead time is a whole number of them; 0 where there are none."""
    lead = np.asarray(lead_time)
    fitting = (parts for parts in range(1, MOST_PARTS + 1) if np.allclose(lead * parts, np.rint(lead * parts)))
    return next(fitting, 0)


def _cut(system: SerialSystem, parts: int) -> SerialSystem:
    return SerialSystem(
        echelon_holding_cost=np.asarray(system.echelon_holding_cost) / parts,
        lead_time=np.rint(np.asarray(system.lead_time) * parts),
        stockout_cost=system.stockout_cost / parts,
    )
