"""The judge as a scenario sets it: admission, what breaks, and the tables of its further findings."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import ArgumentError
from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.problem.plan import FleetPlan
from capacity_opt.scenario.run_folder import Table, table_of
from capacity_opt.scenario.spec_judge import Failures, Simulation
from capacity_opt.simulation.admission import NestedLimits
from capacity_opt.simulation.estimate import Estimate
from capacity_opt.simulation.failures import FailureModel
from capacity_opt.simulation.fleet import simulate_fleet
from capacity_opt.simulation.judgement import FleetJudgement
from capacity_opt.simulation.stage import Dispatch
from capacity_opt.simulation.supplied import servers_in_service

Array = NDArray[np.float64]

BAD_PATHS = 5


def judged(
    plan: FleetPlan,
    problem: FleetProblem,
    simulation: Simulation,
    *,
    seed: int,
    samples: int | None = None,
    dispatch: Dispatch = "optimal",
    failing: bool = False,
) -> FleetJudgement:
    """The plan judged as ``[simulation]`` says; ``failing``: with its ``failures`` in place of the scenario's own."""
    model = failure_model(problem, simulation.failures) if failing and simulation.failures is not None else None
    limits = simulation.booking_limits
    return simulate_fleet(
        plan,
        problem,
        samples=simulation.samples if samples is None else samples,
        seed=seed,
        dispatch=dispatch,
        disruptions=model,
        admission=NestedLimits(share=limits) if limits else None,
        level=simulation.level,
    )


def failure_model(problem: FleetProblem, section: Failures) -> FailureModel:
    """What ``[simulation.failures]`` says may break."""
    try:
        late = {int(periods): chance for periods, chance in section.late.items()}
    except ValueError:
        raise ArgumentError(f"simulation.failures.late needs whole periods as keys, got {list(section.late)}") from None
    on_time = 1.0 - sum(late.values())
    if on_time < -1e-9 or any(chance < 0 for chance in late.values()):
        raise ArgumentError(f"the chances of simulation.failures.late must be in [0, 1] together, got {late}")
    return FailureModel.of(
        problem,
        zone_failure=section.zone_failure,
        outage_periods=section.outage,
        lost_share=section.lost_share,
        server_down=section.server_down,
        delay={0: max(on_time, 0.0), **late},
        spot_outage_periods=section.spot_outage,
    )


def failure_table(found: FleetJudgement) -> Table:
    """A row per class and measure while things break."""
    measures: Mapping[str, Estimate] = {
        "fill": found.fill,
        "fill_while_zone_lost": found.fill_while_zone_lost,
        "no_shortage_per_period": found.no_shortage_per_period,
        "no_shortage_joint": found.no_shortage_joint,
        "shortage_cvar": found.shortage_cvar,
    }
    rows = [
        {"class": name, "measure": measure}
        | {part: float(np.asarray(getattr(estimate, part))[c]) for part in ("value", "low", "high")}
        for c, name in enumerate(found.classes)
        for measure, estimate in measures.items()
    ]
    worst = dict(zip(found.classes, found.worst_period, strict=True))
    rows += [
        {"class": name, "measure": f"worst period: {period}", "value": fill, "low": fill, "high": fill}
        for name, (period, fill) in worst.items()
    ]
    return table_of(rows, ("class", "measure", "value", "low", "high"))


def bad_paths(
    problem: FleetProblem, plan: FleetPlan, found: FleetJudgement, simulation: Simulation, seed: int
) -> Table:
    """The judge's worst paths, by the penalty-weighted shortage: per region, resource and period what was asked, what
    was in service and what share of it went unmet; the median path (0) beside them."""
    from capacity_opt.simulation.world import draw_world

    world = draw_world(problem, samples=simulation.samples, seed=seed)
    weight = 2.0 ** -np.arange(len(found.classes))
    lacking = np.einsum("sct,c->s", found.unmet_by_sample, weight)
    need = problem.groups.usage / problem.groups.overcommit
    asked = np.einsum("sjtb,b,jr,gj->sgrt", world.demand, problem.block_share, need, _home(problem), optimize=True)
    size = asked.sum(axis=(1, 2, 3))
    order = np.lexsort((-size, -lacking))
    median = int(np.argsort(size, kind="stable")[len(size) // 2])
    chosen = {0: median} | {rank + 1: int(s) for rank, s in enumerate(order[:BAD_PATHS])}
    service = servers_in_service(plan, problem, world.delay)
    held = np.einsum("skzt,szt,gz,kr->sgrt", service, world.available, _zones(problem), problem.server_types.capacity)
    rows = [
        {
            "path": path,
            "region": region,
            "resource": resource,
            "period": period,
            "asked": float(asked[s, g, r, t]),
            "in_service": float(held[min(s, len(held) - 1), g, r, t]),
            "unmet_share": float(
                found.unmet_by_sample[s, :, t].sum() / max(_asked(world.demand, problem, s, t), 1e-300)
            ),
        }
        for path, s in chosen.items()
        for g, region in enumerate(problem.sites.regions)
        for r, resource in enumerate(problem.resources)
        for t, period in enumerate(problem.periods)
    ]
    return table_of(rows, ("path", "region", "resource", "period", "asked", "in_service", "unmet_share"))


def _asked(demand: Array, problem: FleetProblem, s: int, t: int) -> float:
    return float((demand[s, :, t] @ problem.block_share).sum())


def _home(problem: FleetProblem) -> Array:
    regions = np.arange(len(problem.sites.regions))
    return np.asarray(problem.groups.home_region[None, :] == regions[:, None], dtype=np.float64)


def _zones(problem: FleetProblem) -> Array:
    regions = np.arange(len(problem.sites.regions))
    return np.asarray(problem.sites.zone_region[None, :] == regions[:, None], dtype=np.float64)
