"""What it costs if a large customer is absent or comes twice, while capacity stays as planned: the plan, played."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from capacity_opt.demand.lumpy import LumpyPaths
from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.problem.plan import FleetPlan
from capacity_opt.scenario.customer_tables import CustomerDemand
from capacity_opt.simulation.dispatch import Served
from capacity_opt.simulation.stage import Stage

Array = NDArray[np.float64]
SAMPLES = 400
MOST_PLAYED = 100
# where a class has no penalty: shortage weighs as at a service level of 90 %
WITHOUT_PENALTY = 9.0


def unit_idle_cost(problem: FleetProblem, j: int) -> float:
    """Money per demand unit and period of the cheapest server that can serve group j: price over its life (or the
    horizon, whichever is longer known) and running cost, at the resource that limits it."""
    types, supply, groups = problem.server_types, problem.supply, problem.groups
    home = problem.sites.zone_region == groups.home_region[j]
    life = np.where(np.isfinite(types.life), types.life, max(36, len(problem.periods)))
    per_server = (supply.price.min(axis=2) / life[:, None] + supply.opex.mean(axis=2))[:, home].min(axis=1)
    with np.errstate(divide="ignore"):
        held = np.where(groups.usage[j] > 0, types.capacity * groups.overcommit[j] / groups.usage[j], np.inf)
    units = held.min(axis=1) * groups.performance[j]
    usable = groups.compatible[j] & (units > 0) & (per_server > 0)
    return float((per_server[usable] / units[usable]).min()) if usable.any() else 1.0


def play_shocks(
    problem: FleetProblem,
    customers: CustomerDemand,
    plan: FleetPlan,
    rows: list[dict[str, Any]],
    *,
    idle_cost: float | None,
    seed: int,
) -> None:
    """Write ``cost_if_absent`` and ``cost_if_doubled`` into the rows (of the heaviest, if there are very many): by how
    much the period becomes dearer than expected if the customer is certainly not there, or wants twice as much. Counted
    are purchases, shortage, and owned capacity that is idle (or no longer is)."""
    paths, lumps = problem.demand, customers.lumps
    assert isinstance(paths, LumpyPaths)
    stage = Stage.of(plan, problem, samples=SAMPLES, seed=seed)
    count = len(stage.world.demand)
    demand, chance = paths.draw(count, seed=seed)
    share = paths.contributions(count, seed=seed)
    now = stage.play(demand)
    played = set(np.argsort([-row["expected"] for row in rows], kind="stable")[:MOST_PLAYED].tolist())
    for at, row in enumerate(rows):
        row["cost_if_absent"] = row["cost_if_doubled"] = np.nan
        if at not in played:
            continue
        j, t = problem.groups.names.index(row["pool"]), problem.periods.index(row["period"])
        own = np.zeros(demand.shape)
        lump = lumps.names.index(row["customer"])
        own[:, j] = (share[lump] * lumps.size[lump, j])[..., None]
        cost = _cost_of(problem, j, t, idle_cost)
        before = chance @ cost(now)
        row["cost_if_absent"] = float(chance @ cost(stage.play(np.maximum(demand - own, 0.0))) - before)
        row["cost_if_doubled"] = float(chance @ cost(stage.play(demand + own)) - before)


def _cost_of(problem: FleetProblem, j: int, t: int, idle_cost: float | None) -> Any:
    """Money of period t, per sample, up to a constant: what is bought and short, less the owned capacity in use."""
    groups, options = problem.groups, problem.options
    idle = idle_cost or unit_idle_cost(problem, j)
    need = groups.usage[j] / groups.overcommit[j]
    per_resource = np.where(need > 0, idle / np.where(need > 0, need, 1.0), 0.0) / max(1, np.count_nonzero(need))
    penalty = np.nan_to_num(problem.service.penalty)
    penalty = np.where(penalty > 0, penalty, WITHOUT_PENALTY * idle)
    price = np.array([0.0 if kind == "commitment" else options.price[m, t] for m, kind in enumerate(options.kind)])

    def cost(served: Served) -> Array:
        short = served.unmet[:, :, t] @ problem.block_share @ penalty
        bought = served.bought[:, t] @ price if len(price) else 0.0
        moved = served.substitution[:, t] + served.spill[:, t]
        return np.asarray(short + bought + moved - served.used[:, t] @ per_resource)

    return cost
