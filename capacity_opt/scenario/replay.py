"""A finished run's plan, read back from its tables and judged again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import RunFolderError
from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.problem.plan import ClassAvailability, FleetPlan, Utilization
from capacity_opt.scenario.judging import judged
from capacity_opt.scenario.past_runs import PastRun
from capacity_opt.scenario.read import Scenario, read_scenario
from capacity_opt.scenario.spec_judge import Simulation
from capacity_opt.simulation.judgement import FleetJudgement
from capacity_opt.simulation.stage import Dispatch

Array = NDArray[np.float64]


def scenario_of(run: PastRun) -> Scenario:
    """The scenario of a run, from the inputs kept in its folder."""
    folder = run.folder / "inputs"
    if not (folder / "scenario.toml").is_file():
        raise RunFolderError(f"{run.folder} has no inputs to read the scenario from. Run the scenario again")
    return read_scenario(folder)


def plan_of_run(run: PastRun, problem: FleetProblem) -> FleetPlan:
    """The decisions of a run (racks, retirements, commitments, stock) with what it promised."""
    types, zones, periods = problem.server_types.names, problem.sites.zones, problem.periods
    shape = len(types), len(zones), len(periods)
    racks, retired, stock = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    committed = np.zeros((len(problem.options.names), len(periods)))
    try:
        for row in run.rows("orders"):
            place = types.index(row["server_type"]), zones.index(row["zone"]), periods.index(row["order_period"])
            racks[place] += row["racks"]
        for row in run.rows("stock"):
            place = types.index(row["server_type"]), zones.index(row["zone"]), periods.index(row["period"])
            retired[place], stock[place] = row["retired"], row["servers"]
        for row in run.rows("commitments"):
            committed[problem.options.names.index(row["option"]), periods.index(row["period"])] += row["servers"]
    except (ValueError, KeyError) as error:
        raise RunFolderError(f"{run.folder}: results and inputs do not belong together ({error}). Run again") from error
    cost: dict[str, float] = {}
    for row in run.rows("cost"):
        cost[row["component"]] = cost.get(row["component"], 0.0) + row["EffectiveCost"]
    return FleetPlan(
        formulation=str(run.manifest["formulation"]),
        status=str(run.manifest["status"]),
        objective=float(run.manifest["objective"]),
        bound=float(run.manifest["bound"]),
        gap=float(run.manifest["gap"]),
        racks=racks,
        retired=retired,
        stock=stock,
        committed=committed,
        orders=(),
        cost=cost,
        availability=_promised(run, problem),
        utilization=_utilization(run, problem),
        shortage_worth=_worth(run, problem),
    )


def told_worth(plan: FleetPlan, problem: FleetProblem | None) -> dict[str, float | None]:
    """What avoiding a shortage is worth under a plan, per group, for the manifest: the rule by which the judge buys on
    the day. ``None`` stands for any price."""
    if plan.shortage_worth is None or problem is None or len(plan.shortage_worth) != len(problem.groups.names):
        return {}
    values = zip(problem.groups.names, plan.shortage_worth.tolist(), strict=True)
    return {name: value if np.isfinite(value) else None for name, value in values}


def _worth(run: PastRun, problem: FleetProblem) -> Array | None:
    """The plan's own rule; ``None`` where an older run does not tell it."""
    told = run.manifest.get("shortage_worth") or {}
    if set(told) != set(problem.groups.names):
        return None
    return np.array([np.inf if told[name] is None else float(told[name]) for name in problem.groups.names])


def _promised(run: PastRun, problem: FleetProblem) -> ClassAvailability:
    found = {(row["class"], row["measure"]): row["promised"] for row in run.rows("availability")}

    def of(measure: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        return np.array([found.get((name, measure), np.nan) for name in problem.groups.classes], dtype=np.float64)

    return ClassAvailability(
        classes=problem.groups.classes,
        fill=of("fill"),
        no_shortage_per_period=of("no_shortage_per_period"),
        no_shortage_joint=of("no_shortage_joint"),
    )


def _utilization(run: PastRun, problem: FleetProblem) -> Utilization:
    found = {(row["measure"], row["resource"]): row["value"] for row in run.rows("utilization")}

    def of(measure: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        return np.array([found.get((measure, name), np.nan) for name in problem.resources], dtype=np.float64)

    return Utilization(
        resources=problem.resources,
        allocation=of("allocation"),
        physical=of("physical"),
        stranded=of("stranded"),
        allocation_without_buffer=of("allocation_without_buffer"),
        commitment=float(found.get(("commitment", ""), np.nan)),
    )


@dataclass(frozen=True)
class Replay:
    """A run's fleet plan judged again: the ``problem`` and ``plan`` read back, and what the judge ``found``."""

    run: PastRun
    problem: FleetProblem
    plan: FleetPlan
    simulation: Simulation
    found: FleetJudgement


def judge_again(run: PastRun, *, samples: int, seed: int, dispatch: Dispatch = "optimal") -> Replay:
    """Play the fleet plan of a run on ``samples`` fresh outcomes drawn with ``seed``."""
    scenario = scenario_of(run)
    if scenario.fleet is None:
        raise RunFolderError(f"{run.folder} has no fleet plan to judge; its items were judged when it was made")
    plan, simulation = plan_of_run(run, scenario.fleet), scenario.simulation or Simulation()
    simulation = simulation.model_copy(update={"samples": samples})
    found = judged(plan, scenario.fleet, simulation, samples=samples, seed=seed, dispatch=dispatch)
    return Replay(run, scenario.fleet, plan, simulation, found)
