"""Regions planned apart: a part of the problem each, here or in processes, and one plan made of theirs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import PartError
from capacity_opt.executor import Executor, SerialExecutor, executor_named, processors
from capacity_opt.fleet.costing import cost_of
from capacity_opt.fleet.decode import Decision
from capacity_opt.fleet.decomposition.sizing import Sizing
from capacity_opt.fleet.frame import Frame
from capacity_opt.fleet.measures import availability_of, utilization_of
from capacity_opt.fleet.outcomes import Outcomes
from capacity_opt.fleet.splitting import Members, Split, members_of, part_of
from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.problem.plan import FleetPlan, Order, PlanCheck
from capacity_opt.solvers.backend import relative_gap

Array = NDArray[np.float64]

SUMMED = ("rows", "columns", "nonzeros", "iterations", "expected_cost", "relaxed_objective", "lot_premium")
AGREED = 1e-6


@dataclass(frozen=True, kw_only=True)
class RegionTask:
    """One part, to be solved wherever there is room; ``name`` lists its regions."""

    name: str
    problem: FleetProblem
    outcomes: Outcomes
    formulation: str
    how: Sizing
    solver: str


Solve = Callable[[RegionTask], tuple[FleetPlan, Decision]]


def plan_by_regions(
    problem: FleetProblem,
    outcomes: Outcomes,
    split: Split,
    solve: Solve,
    *,
    formulation: str,
    how: Sizing,
    solver: str,
    executor: str | Executor,
    workers: int,
) -> FleetPlan:
    """The plan of all parts together, each solved by ``solve`` (a function at the top of a module). The time limit is
    shared by those that wait for each other. Raises what the first part in order that fails raises."""
    run = executor_named(executor, workers) if isinstance(executor, str) else executor
    turns = math.ceil(split.count / _at_once(run, workers))
    everyone = [members_of(problem, split, number) for number in range(split.count)]
    tasks = []
    for members in everyone:
        own, seen = part_of(problem, outcomes, members)
        name = ", ".join(own.sites.regions)
        warm = how.warm.part(name) if how.warm is not None and isinstance(run, SerialExecutor) else None
        limited = replace(how, time_limit=how.time_limit / turns, progress=None, warm=warm)
        tasks.append(
            RegionTask(
                name=name, problem=own, outcomes=seen, formulation=formulation, how=limited,
                solver=solver,
            )
        )  # fmt: skip
    try:
        found = list(run.map(solve, tasks, label=_named))
    except PartError as error:
        raise error.error from error
    return _together(Frame(problem, outcomes), everyone, tasks, found)


def _named(task: RegionTask) -> str:
    return task.name


def _at_once(run: Executor, workers: int) -> int:
    return 1 if isinstance(run, SerialExecutor) else workers or processors()


def _together(
    frame: Frame,
    everyone: Sequence[Members],
    tasks: Sequence[RegionTask],
    found: Sequence[tuple[FleetPlan, Decision]],
) -> FleetPlan:
    plans = [plan for plan, _ in found]
    decision = _merged(frame, everyone, tasks, [each for _, each in found])
    cost, average = cost_of(frame, decision), frame.world_probability
    objective, bound = sum(plan.objective for plan in plans), sum(plan.bound for plan in plans)
    off = abs(cost.expected - objective) / max(1.0, abs(objective))
    paths = "; ".join(dict.fromkeys(remark for plan in plans for remark in plan.remarks if remark.startswith("path:")))
    limits = [plan.limit for plan in plans if plan.limit != "none"]
    return FleetPlan(
        formulation=plans[0].formulation,
        status="optimal" if all(plan.status == "optimal" for plan in plans) else "feasible",
        objective=objective,
        bound=bound,
        gap=relative_gap(objective, bound),
        racks=np.tensordot(average, decision.racks, 1),
        retired=decision.retired,
        stock=np.tensordot(average, decision.stock, 1),
        committed=decision.committed,
        orders=_in_order(frame.problem, plans),
        cost=cost.total,
        availability=availability_of(frame, decision),
        utilization=utilization_of(frame, decision),
        prices=tuple(price for plan in plans for price in plan.prices),
        facts=_facts(plans),
        solver=", ".join(dict.fromkeys(plan.solver for plan in plans)),
        limit=limits[0] if limits else "none",
        cost_by_period={name: value for name, value in cost.present.items() if name in cost.total},
        cash_by_period={name: value for name, value in cost.cash.items() if np.any(value != 0)},
        checks=(
            *_checks(tasks, plans),
            PlanCheck(name="cost of all parts from the inputs", value=off, tolerance=AGREED),
        ),
        remarks=(f"regions: {len(plans)} independent parts, each planned by itself ({_of(paths)})",),
        shortage_worth=_spread([plan.shortage_worth for plan in plans], [m.groups for m in everyone], 0),
        capacity_worth=_spread([plan.capacity_worth for plan in plans], [m.regions for m in everyone], 1),
    )


def _of(paths: str) -> str:
    return paths.replace("path: ", "")


def _merged(
    frame: Frame, everyone: Sequence[Members], tasks: Sequence[RegionTask], decisions: Sequence[Decision]
) -> Decision:
    """The decision of all regions from those of the parts, every member in its place."""
    sizes, samples, worlds = frame.problem.sizes, frame.outcomes.count, frame.worlds
    held = (sizes["K"], sizes["Z"], sizes["T"])
    tail = (sizes["T"], sizes["B"], samples)
    lanes, bought = frame.lanes(), frame.option_lanes
    racks, stock, retired = np.zeros((worlds, *held)), np.zeros((worlds, *held)), np.zeros(held)
    committed, unmet = np.zeros((sizes["M"], sizes["T"])), np.zeros((sizes["J"], *tail))
    served, used = np.zeros((len(lanes.group), *tail)), np.zeros((len(bought.option), *tail))
    for members, task, one in zip(everyone, tasks, decisions, strict=True):
        own = Frame(task.problem, task.outcomes)
        racks[:, :, members.zones], stock[:, :, members.zones] = one.racks, one.stock
        retired[:, members.zones], committed[members.options] = one.retired, one.committed
        unmet[members.groups] = one.unmet
        pools = _pools(frame, own, members)
        mine = own.lanes()
        keys = (members.groups[mine.group], mine.server_type, pools[mine.pool])
        served[_places((lanes.group, lanes.server_type, lanes.pool), keys)] = one.served
        other = own.option_lanes
        keys = (members.options[other.option], other.server_type, pools[other.pool])
        used[_places((bought.option, bought.server_type, bought.pool), keys)] = one.bought
    return Decision(
        racks=racks, retired=retired, stock=stock, committed=committed, served=served, unmet=unmet, bought=used
    )


def _pools(frame: Frame, own: Frame, members: Members) -> NDArray[np.int64]:
    """The number in the whole of every pool of a part."""
    number = {pool: p for p, pool in enumerate(frame.pools)}
    at = [number[int(members.regions[g]), -1 if z < 0 else int(members.zones[z])] for g, z in own.pools]
    return np.array(at, dtype=np.int64)


def _places(whole: tuple[NDArray[np.int64], ...], part: tuple[NDArray[np.int64], ...]) -> NDArray[np.int64]:
    number = {key: i for i, key in enumerate(zip(*(each.tolist() for each in whole), strict=True))}
    return np.array([number[key] for key in zip(*(each.tolist() for each in part), strict=True)], dtype=np.int64)


def _in_order(problem: FleetProblem, plans: Sequence[FleetPlan]) -> tuple[Order, ...]:
    """All orders by period, zone and type, as in the order book of one plan."""
    names = (problem.periods, problem.sites.zones, problem.server_types.names)
    period, zone, kind = ({name: i for i, name in enumerate(each)} for each in names)
    orders = [order for plan in plans for order in plan.orders]
    return tuple(sorted(orders, key=lambda one: (period[one.order_period], zone[one.zone], kind[one.server_type])))


def _facts(plans: Sequence[FleetPlan]) -> dict[str, float]:
    facts = {"samples": plans[0].facts["samples"], "parts": float(len(plans))}
    for name in SUMMED:
        if all(name in plan.facts for plan in plans):
            facts[name] = sum(plan.facts[name] for plan in plans)
    return facts


def _checks(tasks: Sequence[RegionTask], plans: Sequence[FleetPlan]) -> tuple[PlanCheck, ...]:
    return tuple(
        replace(check, name=f"{check.name} ({task.name})")
        for task, plan in zip(tasks, plans, strict=True)
        for check in plan.checks
    )


def _spread(parts: Sequence[Array | None], places: Sequence[NDArray[np.int64]], axis: int) -> Array | None:
    """Arrays of the parts put in their places along an axis; ``None`` where a part has none."""
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    joined = np.concatenate(known, axis=axis)
    return np.take(joined, np.argsort(np.concatenate(places)), axis=axis)
