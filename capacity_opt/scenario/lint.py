"""Remarks and faults that need the whole problem: promises that no plan can keep, targets that cost nothing to miss."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import ArgumentError
from capacity_opt.fleet.outcomes import sampled
from capacity_opt.problem.fleet import DemandPaths, FleetProblem
from capacity_opt.scenario.fleet_tables import FleetTables
from capacity_opt.scenario.load import FILE
from capacity_opt.scenario.problems import Problems
from capacity_opt.scenario.spec import Spec

Array = NDArray[np.float64]
Paths = DemandPaths

LOOKED_AT = 20


def block_share(spec: Spec) -> Array:
    """(B,) share of each block in a period."""
    hours = np.array([block.hours for block in spec.time.blocks] or [1.0])
    return np.asarray(hours / hours.sum())


def lint_fleet(problem: FleetProblem, tables: FleetTables, problems: Problems) -> None:
    """Note classes that nothing serves, penalties of nothing, and demand above anything that can be built."""
    _usage(problem, tables, problems)
    _nothing_serves(problem, tables, problems)
    _costless_shortage(problem, tables, problems)
    _sampling(problem, problems)
    if not problems.failed:
        _cannot_be_built(problem, tables, problems)


def _sampling(problem: FleetProblem, problems: Problems) -> None:
    try:
        sampled(problem)
    except ArgumentError:
        problems.error(
            "E240",
            FILE,
            "demand is a list of samples: there is nothing to draw",
            column="fleet.sampling",
            value=str(problem.sampling),
            fix="Leave sampling out, or give quantiles or parameters",
        )


def _usage(problem: FleetProblem, tables: FleetTables, problems: Problems) -> None:
    for c, name in enumerate(tables.class_names):
        used = np.array([tables.classes.numbers[r][c] for r in problem.resources])
        if not used.any():
            problems.error(
                "E215",
                tables.classes.file,
                f"class {name} uses no resource",
                row=tables.classes.rows[c],
                fix=f"Add what one unit of demand uses: {', '.join(problem.resources)}",
            )
    for k, name in enumerate(tables.type_names):
        if not problem.server_types.capacity[k].any():
            problems.error(
                "E215",
                tables.types.file,
                f"server type {name} offers no resource",
                row=tables.types.rows[k],
                fix=f"Add what one server offers: {', '.join(problem.resources)}",
            )


def _nothing_serves(problem: FleetProblem, tables: FleetTables, problems: Problems) -> None:
    needs = problem.groups.usage > 0
    can = (~needs[:, None, :] | (problem.server_types.capacity > 0)[None]).all(axis=2) & problem.groups.compatible
    for c in sorted(set(problem.groups.group_class[~can.any(axis=1)].tolist())):
        problems.error(
            "E208",
            tables.classes.file,
            f"no compatible server type offers all that class {tables.class_names[c]} uses",
            row=tables.classes.rows[c],
            fix="Check server_types and the resource columns",
        )


def _costless_shortage(problem: FleetProblem, tables: FleetTables, problems: Problems) -> None:
    service = problem.service
    for c, name in enumerate(tables.class_names):
        of_class = problem.groups.group_class == c
        promised = not all(
            np.isnan(values[c])
            for values in (service.fill_rate, service.no_shortage_probability, service.shortage_cvar_limit)
        )
        if (
            promised
            or not of_class.any()
            or service.penalty[of_class].any()
            or not service.shortage_allowed[of_class].all()
        ):
            continue
        problems.warning(
            "W243",
            tables.classes.file,
            f"class {name} has no penalty and no promise: the plan will buy nothing for it",
            row=tables.classes.rows[c],
            column="penalty",
        )


def _cannot_be_built(problem: FleetProblem, tables: FleetTables, problems: Problems) -> None:
    """Demand that must be met, against all that power, rack units and order limits allow to be in service."""
    must = ~problem.service.shortage_allowed
    if not must.any():
        return
    values, _ = problem.demand.draw(LOOKED_AT, seed=0)
    least = values[:, must].min(axis=0).max(axis=2)
    usage = (
        problem.groups.usage[must]
        / np.max(problem.groups.performance[must], axis=1)[:, None]
        / problem.groups.overcommit[must]
    )
    needed = np.einsum("jt,jr->tr", least, usage)
    built, limits = _most_capacity(problem)
    for t, r in np.argwhere(needed > built * (1 + 1e-9) + 1e-9)[:1]:
        problems.error(
            "E242",
            tables.classes.file,
            f"infeasible before solving: period {problem.periods[t]} needs at least "
            f"{needed[t, r]:g} {problem.resources[r]}, at most {built[t, r]:g} can ever be in service ({limits[t][r]})",
            fix="Raise that limit, or allow shortage",
        )


def _most_capacity(problem: FleetProblem) -> tuple[Array, list[list[str]]]:
    """(T, R) an upper bound of what can be in service or bought, however soon orders come; and what sets it."""
    supply, sites, types = problem.supply, problem.sites, problem.server_types
    _, zones, periods = supply.initial.shape
    arrived = np.cumsum(supply.placed + supply.order_limit, axis=2)
    servers = supply.initial + arrived * types.lot[:, None, None]
    capacity = np.zeros((zones, periods, len(problem.resources)))
    limits: list[list[set[str]]] = [[set() for _ in problem.resources] for _ in range(periods)]
    for r in range(len(problem.resources)):
        offered = types.capacity[:, r]
        useful = offered > 0
        by_count = np.where(offered[:, None, None] > 0, servers * offered[:, None, None], 0.0).sum(axis=0)
        bounds = {"order limits": by_count}
        for name, limit, each in (
            ("power limits", sites.power_limit, types.power_kw),
            ("rack-unit limits", sites.rack_unit_limit, types.rack_units),
        ):
            if useful.any() and (each[useful] > 0).all():
                bounds[name] = limit * np.max(offered[useful] / each[useful])
        stacked = np.stack(list(bounds.values()))
        capacity[..., r] = stacked.min(axis=0)
        for z, t in np.argwhere(np.isfinite(capacity[..., r])):
            limits[t][r].add(list(bounds)[int(stacked[:, z, t].argmin())])
    total: Array = capacity.sum(axis=0)
    for m, k in enumerate(problem.options.server_type.tolist()):
        with np.errstate(invalid="ignore"):
            total += np.nan_to_num(problem.options.limit[m][:, None] * types.capacity[k][None], nan=0.0, posinf=np.inf)
    return total, [[", ".join(sorted(each)) for each in row] for row in limits]
