"""A fleet plan and its judgement as the tidy tables of a run folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capacity_opt.frontier import Frontier
from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.problem.plan import FleetPlan, Utilization
from capacity_opt.scenario.run_folder import Table, table_of
from capacity_opt.simulation.judgement import FleetJudgement

Array = NDArray[np.float64]

FAN = {"p5": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95}
MEASURES = ("fill", "no_shortage_per_period", "no_shortage_joint")


def fleet_tables(
    problem: FleetProblem, plan: FleetPlan, judged: FleetJudgement, draws: Array, chance: Array
) -> dict[str, Table]:
    """Every table of the fleet step; ``draws`` (S, J, T, B) with chances are what the fan is made of."""
    return {
        "orders": orders(problem, plan),
        "stock": stock(problem, plan),
        "commitments": commitments(problem, plan),
        "supply": supply(problem, plan),
        "demand_fan": demand_fan(problem, draws, chance),
        "cost": cost(problem, plan),
        "availability": availability(problem, plan, judged),
        "utilization": utilization(plan.utilization),
        "prices": table_of(
            [{"name": p.name, "value": p.value, "unit": p.unit, "kind": p.kind} for p in plan.prices],
            ("name", "value", "unit", "kind"),
        ),
        "checks": table_of(
            [{"check": c.name, "value": c.value, "tolerance": c.tolerance, "passed": c.passed} for c in plan.checks],
            ("check", "value", "tolerance", "passed"),
        ),
    }


def orders(problem: FleetProblem, plan: FleetPlan) -> Table:
    """The order book."""
    sites = problem.sites
    region = {zone: sites.regions[g] for zone, g in zip(sites.zones, sites.zone_region)}
    rows = [
        {
            "server_type": line.server_type,
            "zone": line.zone,
            "region": region[line.zone],
            "order_period": line.order_period,
            "arrival_period": line.arrival_period,
            "racks": float(line.racks),
            "servers": float(line.servers),
            "EffectiveCost": float(line.cost),
            "reason": line.reason,
        }
        for line in plan.orders
    ]
    columns = (
        "server_type",
        "zone",
        "region",
        "order_period",
        "arrival_period",
        "racks",
        "servers",
        "EffectiveCost",
        "reason",
    )
    return table_of(rows, columns)


def stock(problem: FleetProblem, plan: FleetPlan) -> Table:
    """Servers in service per type, zone and period, with what arrives and what is retired early."""
    arriving = _arriving(problem, plan)
    sites, rows = problem.sites, []
    for k, name in enumerate(problem.server_types.names):
        for z, zone in enumerate(sites.zones):
            if not (plan.stock[k, z].any() or arriving[k, z].any()):
                continue
            rows += [
                {
                    "server_type": name,
                    "zone": zone,
                    "region": sites.regions[sites.zone_region[z]],
                    "period": period,
                    "servers": float(plan.stock[k, z, t]),
                    "arriving": float(arriving[k, z, t]),
                    "retired": float(plan.retired[k, z, t]),
                }
                for t, period in enumerate(problem.periods)
            ]
    return table_of(rows, ("server_type", "zone", "region", "period", "servers", "arriving", "retired"))


def commitments(problem: FleetProblem, plan: FleetPlan) -> Table:
    """Servers committed to, by the period in which the commitment begins."""
    options = problem.options
    rows = [
        {
            "option": name,
            "server_type": problem.server_types.names[options.server_type[m]],
            "region": problem.sites.regions[options.region[m]],
            "period": problem.periods[t],
            "servers": float(plan.committed[m, t]),
        }
        for m, name in enumerate(options.names)
        for t in range(len(problem.periods))
        if plan.committed[m, t] > 0
    ]
    return table_of(rows, ("option", "server_type", "region", "period", "servers"))


def _arriving(problem: FleetProblem, plan: FleetPlan) -> Array:
    """(K, Z, T) servers of this horizon's orders (new and placed) that come into service."""
    supply = problem.supply
    racks = plan.racks + supply.placed
    arriving = np.zeros_like(racks)
    for k, z in np.ndindex(supply.lead_time.shape):
        lead = int(supply.lead_time[k, z])
        if lead < racks.shape[2]:
            arriving[k, z, lead:] = racks[k, z, : racks.shape[2] - lead]
    return np.asarray(arriving * problem.server_types.lot[:, None, None])


def supply(problem: FleetProblem, plan: FleetPlan) -> Table:
    """What is in service per region, resource and period, and what would be left without the largest zone."""
    by_zone = np.einsum("kzt,kr->zrt", plan.stock, problem.server_types.capacity)
    rows = []
    for g, region in enumerate(problem.sites.regions):
        of_region = by_zone[problem.sites.zone_region == g]
        total = of_region.sum(axis=0)
        left = total - of_region.max(axis=0, initial=0.0)
        for r, resource in enumerate(problem.resources):
            rows += [
                {
                    "region": region,
                    "resource": resource,
                    "period": period,
                    "in_service": float(total[r, t]),
                    "worst_zone_loss": float(left[r, t]),
                }
                for t, period in enumerate(problem.periods)
            ]
    return table_of(rows, ("region", "resource", "period", "in_service", "worst_zone_loss"))


def demand_fan(problem: FleetProblem, draws: Array, chance: Array) -> Table:
    """Quantiles of demand in resource units (physical: overcommit taken off), at each period's highest block."""
    groups, rows = problem.groups, []
    need = np.einsum("sjt,jr->sjtr", draws.max(axis=3), groups.usage / groups.overcommit)
    classes = np.array(groups.group_class)
    for j, group in enumerate(groups.names):
        region = problem.sites.regions[groups.home_region[j]]
        name = groups.classes[classes[j]]
        # The class "all" is the total of a region; a class that is called so itself must not be taken for it.
        rows += _fan_rows(problem, need[:, j], chance, name if name != "all" else "class all", region, group)
    for g, region in enumerate(problem.sites.regions):
        at_home = groups.home_region == g
        if at_home.any():
            rows += _fan_rows(problem, need[:, at_home].sum(axis=1), chance, "all", region, "all")
    return table_of(rows, ("class", "region", "group", "resource", "period", "mean", *FAN))


def _fan_rows(
    problem: FleetProblem, need: Array, chance: Array, name: str, region: str, group: str
) -> list[dict[str, Any]]:
    mean = np.tensordot(chance, need, 1)
    found = {label: weighted_quantile(need, chance, level) for label, level in FAN.items()}
    return [
        {
            "class": name,
            "region": region,
            "group": group,
            "resource": resource,
            "period": period,
            "mean": float(mean[t, r]),
        }
        | {label: float(values[t, r]) for label, values in found.items()}
        for r, resource in enumerate(problem.resources)
        for t, period in enumerate(problem.periods)
    ]


def weighted_quantile(values: Array, chance: Array, level: float) -> Array:
    """The smallest value along axis 0 with at least ``level`` of the probability at or below it."""
    order = np.argsort(values, axis=0, kind="stable")
    below = np.cumsum(chance[order], axis=0)
    first = np.argmax(below >= level - 1e-12, axis=0)
    return np.asarray(np.take_along_axis(np.take_along_axis(values, order, 0), first[None], 0)[0])


def cost(problem: FleetProblem, plan: FleetPlan) -> Table:
    """Present value and cash per component and period."""
    zero = np.zeros(len(problem.periods))
    rows = []
    for name in dict.fromkeys([*plan.cost_by_period, *plan.cash_by_period]):
        value, cash = plan.cost_by_period.get(name, zero), plan.cash_by_period.get(name, zero)
        rows += [
            {
                "component": name,
                "period": period,
                "EffectiveCost": float(value[t]),
                "BilledCost": float(cash[t]),
                "BillingCurrency": problem.finance.currency,
            }
            for t, period in enumerate(problem.periods)
        ]
    return table_of(rows, ("component", "period", "EffectiveCost", "BilledCost", "BillingCurrency"))


def availability(problem: FleetProblem, plan: FleetPlan, judged: FleetJudgement) -> Table:
    """Per class and measure: target, promise, and what the judge measured."""
    service, rows = problem.service, []
    outcomes = {(v.subject, v.measure): v.outcome for v in judged.verdicts}
    joint = service.no_shortage_scope == "joint"
    targets: Mapping[str, Array] = {
        "fill": service.fill_rate,
        "no_shortage_per_period": np.full(len(judged.classes), np.nan) if joint else service.no_shortage_probability,
        "no_shortage_joint": service.no_shortage_probability if joint else np.full(len(judged.classes), np.nan),
    }
    for c, name in enumerate(judged.classes):
        for measure in MEASURES:
            estimate = getattr(judged, measure)
            rows.append(
                {
                    "class": name,
                    "measure": measure,
                    "target": float(targets[measure][c]),
                    "promised": float(getattr(plan.availability, measure)[c]),
                    "judged": float(np.asarray(estimate.value)[c]),
                    "judged_low": float(np.asarray(estimate.low)[c]),
                    "judged_high": float(np.asarray(estimate.high)[c]),
                    "replications": int(estimate.replications),
                    "verdict": outcomes.get((name, measure), "no_target"),
                }
            )
    return table_of(rows, tuple(rows[0]) if rows else ("class",))


def availability_by_period(problem: FleetProblem, judged: FleetJudgement, promised: Array) -> Table:
    """Fill per class and period: ``promised`` (C, T), and as judged."""
    fill = judged.fill_by_period
    value, low, high = (np.asarray(each) for each in (fill.value, fill.low, fill.high))
    columns = ("class", "period", "promised_fill", "judged_fill", "judged_low", "judged_high")
    rows = [
        dict(
            zip(
                columns,
                (name, period, float(promised[c, t]), float(value[c, t]), float(low[c, t]), float(high[c, t])),
                strict=True,
            )
        )
        for c, name in enumerate(judged.classes)
        for t, period in enumerate(problem.periods)
    ]
    return table_of(rows, columns)


def utilization(found: Utilization) -> Table:
    """The four numbers per resource."""
    rows: list[dict[str, object]] = []
    for measure in ("allocation", "allocation_without_buffer", "physical", "stranded"):
        values: Sequence[float] = getattr(found, measure).tolist()
        rows += [{"measure": measure, "resource": r, "value": float(v)} for r, v in zip(found.resources, values)]
    rows.append({"measure": "commitment", "resource": "", "value": float(found.commitment)})
    return table_of(rows, ("measure", "resource", "value"))


def frontier_table(curve: Frontier) -> Table:
    """A row per point of the cost curve."""
    points, judged = curve.points, curve.judged
    return Table(
        {
            "over": [curve.over] * len(points),
            "target": [float(point.target) for point in points],
            "cost": [float(point.cost) for point in points],
            "marginal_cost": [float(point.marginal_cost) for point in points],
            "promised": [float(point.promised) for point in points],
            "judged": judged[:, 0],
            "judged_low": judged[:, 1],
            "judged_high": judged[:, 2],
            "status": [point.status for point in points],
            "gap": [float(point.gap) for point in points],
            "dominated": [bool(point.dominated) for point in points],
            "knee": [bool(point.knee) for point in points],
            "current": [bool(point.current) for point in points],
        }
    )
