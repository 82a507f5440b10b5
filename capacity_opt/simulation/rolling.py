"""Plan, freeze, observe, plan again: how a planning method does over time rather than on paper.

On every actual path of demand, at every ``freeze`` periods: the planner is given the problem as it then stands (what
was ordered is on order, earlier periods are closed, the forecast is refreshed by what was seen) and its orders and
retirements of the next ``freeze`` periods are carried out. At the end all of them are played on the path.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError
from capacity_opt.problem.fleet import DemandPaths, FleetProblem, OptionKind, PurchaseOptions
from capacity_opt.problem.plan import FleetPlan
from capacity_opt.simulation.arena import default_worth
from capacity_opt.simulation.estimate import Estimate, estimate_mean, estimate_share
from capacity_opt.simulation.fleet import simulate_fleet
from capacity_opt.simulation.paired import estimate_difference
from capacity_opt.simulation.supplied import in_force, retired_effect

Array = NDArray[np.float64]

ROUNDING = 1e-9

Planner = Callable[[FleetProblem], FleetPlan]
Refresh = Callable[[FleetProblem, int, Array], DemandPaths]


@dataclass(frozen=True)
class ActualPath:
    """One path that came true, (1, J, T, B)."""

    values: Array

    def draw(self, count: int, *, seed: int) -> tuple[Array, Array]:
        """The path itself, whatever is asked."""
        del count, seed
        return self.values, np.ones(1)


@dataclass(frozen=True)
class ComingDemand:
    """``demand`` from period ``now`` on; nothing is asked any more in the periods before."""

    demand: DemandPaths
    now: int

    def draw(self, count: int, *, seed: int) -> tuple[Array, Array]:
        """Paths (count, J, T, B) with their probabilities."""
        values, probability = self.demand.draw(count, seed=seed)
        values = values.copy()
        values[:, :, : self.now] = 0.0
        return values, probability


@dataclass(frozen=True, kw_only=True)
class RollingResult:
    """One method over the actual paths: ``cost`` (S,) present value, ``served`` and ``asked`` (S, C) units, ``churn``
    (S,) racks by which consecutive plans differ over the periods still open in both, ``racks`` (S, K, Z, T) carried
    out, ``plans`` made per path, ``unmet_by_period`` (S, C, T) units."""

    cost: Array
    served: Array
    asked: Array
    churn: Array
    racks: Array
    plans: int
    unmet_by_period: Array

    @property
    def mean_cost(self) -> Estimate:
        """E[cost] over the paths."""
        return estimate_mean(self.cost)

    @property
    def fill(self) -> Estimate:
        """Fill per class, (C,)."""
        return estimate_share(self.served, self.asked)

    def dearer_than(self, other: RollingResult) -> Estimate:
        """Cost less that of ``other`` on the same paths, with its paired interval."""
        if not np.array_equal(self.asked, other.asked):
            raise ArgumentError("rolling results can be paired only over the same actual paths")
        return estimate_difference(other.cost, self.cost)


def roll_fleet(
    problem: FleetProblem,
    planner: Planner,
    paths: Array,
    *,
    freeze: int = 1,
    refresh: Refresh | None = None,
    seed: int = 7,
) -> RollingResult:
    """Roll ``planner`` over the actual demand ``paths`` (S, J, T, B).

    ``refresh(problem, now, seen)`` gives the demand that is then foreseen, from what was seen (J, now, B); without it
    the problem's own demand is kept. What is past is closed: nothing is asked in it, and every promise is for the
    periods still to come. ``planner`` may keep a warm start between its calls (as :class:`~capacity_opt.FleetPlanner`
    does); it is called once per path and ``freeze`` periods. A commitment begun in a frozen period binds for its
    term: later problems have it as an option that is free up to what is in force. All planners are judged by
    the same operations: a shortage is worth what :func:`~capacity_opt.simulation.arena.default_worth` says, whatever a
    plan thinks.
    """
    sizes = problem.sizes
    expected = (sizes["J"], sizes["T"], sizes["B"])
    if paths.ndim != 4 or paths.shape[1:] != expected or len(paths) < 2:
        raise ArgumentError(f"paths must have shape (at least 2, {', '.join(map(str, expected))}), got {paths.shape}")
    freeze = int(_checks.whole("freeze", freeze, at_least=1))
    runs = [_roll_one(problem, planner, path, freeze, refresh, seed) for path in paths]
    return RollingResult(
        cost=np.array([run[0] for run in runs]),
        served=np.stack([run[1] for run in runs]),
        asked=np.stack([run[2] for run in runs]),
        churn=np.array([run[3] for run in runs]),
        racks=np.stack([run[4] for run in runs]),
        unmet_by_period=np.stack([run[5] for run in runs]),
        plans=-(-sizes["T"] // freeze),
    )


def _roll_one(
    problem: FleetProblem, planner: Planner, path: Array, freeze: int, refresh: Refresh | None, seed: int
) -> tuple[float, Array, Array, float, Array, Array]:
    done = _Done.nothing(problem)
    before: Array | None = None
    churn = 0.0
    for now in range(0, problem.sizes["T"], freeze):
        standing = _as_it_stands(problem, done, now)
        if refresh is not None:
            standing = replace(standing, demand=refresh(standing, now, path[:, :now]))
        if now:
            standing = replace(standing, demand=ComingDemand(standing.demand, now))
        plan = planner(standing)
        done.carry_out(plan, slice(now, now + freeze))
        if before is not None:
            churn += float(np.abs(plan.racks[:, :, now:] - before[:, :, now:]).sum())
        before = plan.racks
    carried_out = replace(plan, racks=done.racks, retired=done.retired, committed=done.committed)
    actual = replace(problem, demand=ActualPath(path[None]))
    judged = simulate_fleet(carried_out, actual, samples=2, seed=seed, shortage_worth=default_worth(problem))
    cost = float(judged.cost_by_sample.mean())
    unmet = judged.unmet_by_sample.mean(axis=0)
    return cost, judged.served_by_sample.mean(axis=0), judged.asked_by_sample[0], churn, done.racks, unmet


@dataclass(frozen=True)
class _Done:
    """What was carried out so far, changed in place: ``racks``, ``retired`` (K, Z, T), ``committed`` (M, T)."""

    racks: Array
    retired: Array
    committed: Array

    @classmethod
    def nothing(cls, problem: FleetProblem) -> _Done:
        shape = problem.supply.placed.shape
        return cls(np.zeros(shape), np.zeros(shape), np.zeros((problem.sizes["M"], problem.sizes["T"])))

    def carry_out(self, plan: FleetPlan, window: slice) -> None:
        self.racks[:, :, window] = _clean(plan.racks[:, :, window])
        self.retired[:, :, window] = _clean(plan.retired[:, :, window])
        self.committed[:, window] = _clean(plan.committed[: len(self.committed), window])


def _clean(decided: Array) -> Array:
    """Without what is left of a solver's rounding."""
    return np.where(decided > ROUNDING, decided, 0.0)


def _as_it_stands(problem: FleetProblem, done: _Done, now: int) -> FleetProblem:
    """What was ordered is on order, what was retired is gone, what was committed to is paid for and there to be used,
    and nothing can be ordered in the past."""
    supply = problem.supply
    initial = np.maximum(supply.initial - retired_effect(done.retired, supply.initial), 0.0)
    first = max(supply.first_order, now)
    standing = replace(supply, placed=supply.placed + done.racks, initial=initial, first_order=first)
    return replace(problem, supply=standing, options=_with_commitments(problem, done.committed))


def _left(limit: Array, held: NDArray[np.intp], force: Array) -> Array:
    """What may still be committed to."""
    left = limit.copy()
    left[held] = np.maximum(left[held] - force, 0.0)
    return left


def _with_commitments(problem: FleetProblem, committed: Array) -> PurchaseOptions:
    """The options and, for every commitment in force, one more that is free up to what it covers."""
    options, periods = problem.options, len(problem.periods)
    held = np.flatnonzero(committed.sum(axis=1) > 0)
    if not len(held):
        return options
    kind: OptionKind = "on_demand"
    free = tuple(kind for _ in held)
    force = in_force(committed, options.term, periods)[held]
    covers = None if options.covers is None else np.concatenate([options.covers, options.covers[held]])
    return PurchaseOptions(
        names=(*options.names, *(f"{options.names[m]} (in force)" for m in held)),
        kind=(*options.kind, *free),
        server_type=np.concatenate([options.server_type, options.server_type[held]]),
        region=np.concatenate([options.region, options.region[held]]),
        price=np.concatenate([options.price, np.zeros((len(held), periods))]),
        limit=np.concatenate([_left(options.limit, held, force), force]),
        term=np.concatenate([options.term, np.ones(len(held), dtype=options.term.dtype)]),
        availability=np.concatenate([options.availability, np.ones(len(held))]),
        covers=covers,
    )
