"""``[admission]``: its table of kinds of request, read and checked against the fleet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.scenario.load import FILE, Source
from capacity_opt.scenario.problems import Problems, shown
from capacity_opt.scenario.schema import CLASS, NAN, NOTE, Column, TableSchema
from capacity_opt.scenario.typed import ALL, Context, TypedTable, typed

REQUESTS = TableSchema("requests", "kinds of request that ask for a class's capacity ([admission])",
    ("request", "region"), (
    Column("request", "id", "kind of request, for example by size", example="standard, large"),
    CLASS,
    Column("region", "id", "region; blank: all", default="", of="regions"),
    Column("demand_units", "number", "demand units that one request holds", rule="positive", unit="demand units"),
    Column("share", "number", "share of the class's demand that comes in such requests", default=1.0, rule="share"),
    Column("holding_time", "duration", "mean time held", rule="positive", bare=False, example="6"),
    Column("holding_cv", "number", "standard deviation / mean of the time held; the judge also plays 1 (exponential)",
           default=2.0),
    Column("price", "money", "earned while held; blank: the class's penalty", default=NAN,
           unit="per demand unit and period"),
    Column("max_blocking", "number", "promise: largest share of requests turned away; blank: none", default=NAN,
           rule="share"),
    Column("min_admitted", "number", "least share of requests admitted, however cheap", default=0.0, rule="share"),
    Column("spot", "flag", "fills what is idle and is evicted first: outside the levels", default=False),
    NOTE,
))  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Request:
    """A kind of request of class ``of_class`` (in ``region``, -1: everywhere): ``demand_units`` held for
    ``holding_time`` periods on average, ``price`` per demand unit and period (NaN: the penalty of its class)."""

    name: str
    of_class: int
    region: int
    demand_units: float
    share: float
    holding_time: float
    holding_cv: float
    price: float
    max_blocking: float
    min_admitted: float
    spot: bool


def read_requests(source: Source, context: Context, problem: FleetProblem) -> tuple[Request, ...]:
    """The kinds of request of ``[admission]``; empty without it, or with faults (which are noted)."""
    section, problems = source.spec.admission, context.problems
    _check_levers(source, problem)
    if section is None:
        return ()
    if section.resource is not None and section.resource not in problem.resources:
        line = source.toml.line(("admission", "resource"))
        fix = f"One of {', '.join(problem.resources)}"
        problems.error(
            "E250", FILE, "[admission] resource is unknown", value=shown(section.resource), row=line, fix=fix
        )
    text = source.table(section.requests, [column.name for column in REQUESTS.columns], REQUESTS.name)
    if text is None:
        return ()
    ids = {
        "classes": {name: c for c, name in enumerate(problem.groups.classes)},
        "regions": {name: g for g, name in enumerate(problem.sites.regions)},
    }
    table = typed(text, REQUESTS, Context(context.timeline, context.currency, ids, problems))
    if problems.failed:
        return ()
    found = tuple(_request(table, row) for row in range(len(table)))
    _check_shares(found, table, problem, problems)
    return found


def _check_levers(source: Source, problem: FleetProblem) -> None:
    """Note resources of ``[levers] overcommit`` that the fleet does not have, and factors below 1."""
    section = source.spec.levers
    for name, sold in () if section is None else section.overcommit.items():
        line, fix = source.toml.line(("levers", "overcommit")), f"One of {', '.join(problem.resources)}"
        if name not in problem.resources:
            rule = "[levers] overcommit names a resource that is not there"
            source.problems.error("E250", FILE, rule, value=shown(name), row=line, fix=fix)
        elif sold < 1.0:
            rule = f"[levers] overcommit of {name} must be at least 1"
            source.problems.error("E250", FILE, rule, value=f"{sold:g}", row=line, fix="Write 1.1 for 10 % more")


def _request(table: TypedTable, row: int) -> Request:
    numbers = {name: float(values[row]) for name, values in table.numbers.items()}
    return Request(
        name=table.texts["request"][row],
        of_class=int(table.positions["class"][row]),
        region=int(table.positions["region"][row]),
        spot=bool(table.flags["spot"][row]),
        **numbers,
    )


def _check_shares(found: tuple[Request, ...], table: TypedTable, problem: FleetProblem, problems: Problems) -> None:
    """In every region the shares of a class that asks there must sum to 1."""
    groups = problem.groups
    asks = sorted({(int(c), int(g)) for c, g in zip(groups.group_class, groups.home_region)})
    for c, g in asks:
        total = sum(request.share for request in found if request.of_class == c and request.region in (ALL, g))
        if np.isclose(total, 1.0, atol=1e-6):
            continue
        rows = [row for row, request in zip(table.rows, found) if request.of_class == c]
        problems.error(
            "E251",
            table.file,
            f"the shares of class {groups.classes[c]} in {problem.sites.regions[g]} must sum to 1",
            value=f"{total:g}",
            row=rows[-1] if rows else None,
            column="share",
            fix="Scale the shares" if total else f"Add a row for {groups.classes[c]}",
        )
