"""Plays a fleet plan on fresh samples under strict priority and reports the service really given.

Order of events in a period: zones fail or recover, racks whose lead time (and delay) ends arrive, servers at the end of
life leave; then in every block demand is met, most critical class first, by the rules of
:mod:`capacity_opt.simulation.arena`; what is not met is lost. Nothing here comes from the optimiser but its decisions:
stock, service, utilization and every cost are recomputed.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError
from capacity_opt.problem.fleet import DisruptionPaths, FleetProblem
from capacity_opt.problem.plan import ClassAvailability, FleetPlan
from capacity_opt.simulation.admission import Admission, admitted
from capacity_opt.simulation.arena import build_arena
from capacity_opt.simulation.dispatch import Means, Served
from capacity_opt.simulation.estimate import Estimate
from capacity_opt.simulation.judgement import FleetJudgement
from capacity_opt.simulation.ledger import ledger
from capacity_opt.simulation.measures import Weights, by_class, fill_while_zone_lost, shortage_cvar, utilization
from capacity_opt.simulation.stage import Dispatch, dispatched, means_of
from capacity_opt.simulation.supplied import servers_in_service
from capacity_opt.simulation.verdict import Verdict, judge
from capacity_opt.simulation.world import World, draw_world

Array = NDArray[np.float64]


def simulate_fleet(
    plan: FleetPlan,
    problem: FleetProblem,
    *,
    samples: int = 2000,
    seed: int,
    dispatch: Dispatch = "optimal",
    disruptions: DisruptionPaths | None = None,
    shortage_worth: ArrayLike | None = None,
    admission: Admission | None = None,
    level: float = 0.95,
) -> FleetJudgement:
    """Judge ``plan`` on ``samples`` fresh outcomes of ``problem``; see :class:`FleetJudgement` for what is measured.

    ``dispatch``: ``"optimal"`` places as a scheduler that re-optimises every period (the cheapest under strict
    priority; in large linked fleets, above 40 rows a cell, it falls back to the rules); ``"greedy"`` follows simple
    rules of operations; ``"exact"`` serves as much as strict priority allows at all, at any price, by a linear program
    wherever the rules left demand unmet. ``disruptions`` replaces those of the problem (lost zones, late deliveries).
    ``shortage_worth`` (J,): the highest price per unit and period that operations pay to avoid a shortage (default: the
    plan's own; without one the penalty, or any price where a promise stands). ``admission``: who is let in before
    demand is served (:mod:`capacity_opt.simulation.admission`; default: everybody); whoever is turned away is unmet.
    ``level``: confidence of the intervals.

    Raises ``ArgumentError`` where plan and problem do not fit.
    """
    _check_plan(plan, problem)
    world = draw_world(problem, samples=samples, seed=seed, disruptions=disruptions)
    shortage_worth = plan.shortage_worth if shortage_worth is None else shortage_worth
    worth = None if shortage_worth is None else _infinite_allowed(shortage_worth, problem)
    arena = build_arena(problem, worth)
    service = servers_in_service(plan, problem, world.delay)
    means = means_of(plan, arena, world, service)
    let_in = admitted(admission, problem, world.demand, service * world.available[:, None])
    served = dispatched(arena, let_in, means, dispatch)
    turned_away = world.demand - let_in
    served.unmet[:] += turned_away
    weights = Weights(probability=world.probability, level=level)
    money = ledger(plan, problem, served, service, world.delay)
    return _judgement(plan, problem, world, (served, means, service, turned_away), money, weights, (seed, dispatch))


def _infinite_allowed(worth: ArrayLike, problem: FleetProblem) -> Array:
    """``worth`` per group (J,), at least 0; infinity stands for "at any price"."""
    array = np.broadcast_to(_checks.numbers("shortage_worth", worth), (problem.sizes["J"],)).copy()
    _checks.non_negative("shortage_worth", np.where(np.isinf(array), np.sign(array), array))
    return array


def _judgement(
    plan: FleetPlan,
    problem: FleetProblem,
    world: World,
    played: tuple[Served, Means, Array, Array],
    money: Mapping[str, Array],
    weights: Weights,
    how: tuple[int, str],
) -> FleetJudgement:
    (served, means, service, turned_away), samples = played, len(world.demand)
    happened = by_class(problem, world.demand, served.unmet)
    total: Array = np.sum(list(money.values()), axis=0)
    units, asked = happened.served.sum(axis=2), happened.asked.sum(axis=2)
    fill = weights.share(units, asked)
    ones = np.ones(units.shape)
    calm: Array = 1.0 - np.asarray(happened.short.mean(axis=2))
    per_period = weights.share(calm, ones)
    joint = weights.share(1.0 - np.any(happened.short, axis=2), ones)
    return FleetJudgement(
        classes=problem.groups.classes,
        periods=problem.periods,
        fill=fill,
        fill_by_period=weights.share(happened.served, happened.asked),
        no_shortage_per_period=per_period,
        no_shortage_joint=joint,
        unmet=weights.mean(asked - units),
        turned_away=weights.mean(by_class(problem, world.demand, turned_away).lacking.sum(axis=2)),
        shortage_cvar=shortage_cvar(problem, happened, weights),
        fill_while_zone_lost=fill_while_zone_lost(happened, world.available, weights),
        utilization=utilization(problem, served, means, service, world, weights),
        cost={name: weights.mean(values) for name, values in money.items()},
        total_cost=weights.mean(total),
        verdicts=_verdicts(problem, plan.availability, fill, per_period, joint),
        samples=samples,
        seed=how[0],
        dispatch=how[1],
        complete=world.probability is not None,
        cost_by_sample=total,
        served_by_sample=units,
        asked_by_sample=asked,
        unmet_by_sample=happened.asked - happened.served,
        probability=np.full(samples, 1.0 / samples) if world.probability is None else world.probability,
    )


def _verdicts(
    problem: FleetProblem, promised: ClassAvailability, fill: Estimate, per_period: Estimate, joint: Estimate
) -> tuple[Verdict, ...]:
    """One verdict per class and measure; the shortage target concerns the scope that the problem names."""
    service = problem.service
    none = np.full(len(problem.groups.classes), np.nan)
    periodic = service.no_shortage_scope == "period"
    measures = (
        ("fill", service.fill_rate, promised.fill, fill),
        (
            "no_shortage_per_period",
            service.no_shortage_probability if periodic else none,
            promised.no_shortage_per_period,
            per_period,
        ),
        (
            "no_shortage_joint",
            none if periodic else service.no_shortage_probability,
            promised.no_shortage_joint,
            joint,
        ),
    )
    return tuple(
        judge(float(target[c]), _one(judged, c), subject=name, measure=measure, promised=float(claimed[c]))
        for measure, target, claimed, judged in measures
        for c, name in enumerate(problem.groups.classes)
    )


def _one(estimate: Estimate, c: int) -> Estimate:
    value, low, high = (float(np.asarray(number)[c]) for number in (estimate.value, estimate.low, estimate.high))
    return Estimate(value=value, low=low, high=high, replications=estimate.replications, level=estimate.level)


def _check_plan(plan: FleetPlan, problem: FleetProblem) -> None:
    sizes = problem.sizes
    for name, array, axes in (
        ("racks", plan.racks, "KZT"),
        ("retired", plan.retired, "KZT"),
        ("committed", plan.committed, "MT"),
    ):
        expected = tuple(sizes[axis] for axis in axes)
        if array.shape != expected:
            raise ArgumentError(f"plan.{name} must have shape {expected} ({', '.join(axes)}), got {array.shape}")
