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
from capacity_opt.problem.fleet import DemandPaths, FleetProblem
from capacity_opt.problem.plan import FleetPlan
from capacity_opt.simulation.estimate import Estimate, estimate_mean, estimate_share
from capacity_opt.simulation.fleet import simulate_fleet
from capacity_opt.simulation.paired import estimate_difference
from capacity_opt.simulation.supplied import retired_effect

Array = NDArray[np.float64]

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


@dataclass(frozen=True, kw_only=True)
class RollingResult:
    """One method over the actual paths: ``cost`` (S,) present value, ``served`` and ``asked`` (S, C) units, ``churn``
    (S,) racks by which consecutive plans differ over the periods still open in both, ``racks`` (S, K, Z, T) carried
    out, ``plans`` made per path."""

    cost: Array
    served: Array
    asked: Array
    churn: Array
    racks: Array
    plans: int

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
    the problem's own demand is kept, its past replaced by nothing. ``planner`` may keep a warm start between its calls;
    it is called once per path and ``freeze`` periods. Commitments begun by a plan are not carried into the next one.
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
        plans=-(-sizes["T"] // freeze),
    )


def _roll_one(
    problem: FleetProblem, planner: Planner, path: Array, freeze: int, refresh: Refresh | None, seed: int
) -> tuple[float, Array, Array, float, Array]:
    racks, retired = np.zeros_like(problem.supply.placed), np.zeros_like(problem.supply.placed)
    before: Array | None = None
    churn = 0.0
    for now in range(0, problem.sizes["T"], freeze):
        standing = _as_it_stands(problem, racks, retired, now)
        if refresh is not None:
            standing = replace(standing, demand=refresh(standing, now, path[:, :now]))
        plan = planner(standing)
        window = slice(now, now + freeze)
        racks[:, :, window], retired[:, :, window] = plan.racks[:, :, window], plan.retired[:, :, window]
        if before is not None:
            churn += float(np.abs(plan.racks[:, :, now:] - before[:, :, now:]).sum())
        before = plan.racks
    carried_out = replace(plan, racks=racks, retired=retired, committed=np.zeros_like(plan.committed))
    actual = replace(problem, demand=ActualPath(path[None]))
    judged = simulate_fleet(carried_out, actual, samples=2, seed=seed)
    cost = float(judged.cost_by_sample.mean())
    return cost, judged.served_by_sample[0], judged.asked_by_sample[0], churn, racks


def _as_it_stands(problem: FleetProblem, racks: Array, retired: Array, now: int) -> FleetProblem:
    """What was ordered is on order, what was retired is gone, and nothing can be ordered in the past."""
    supply = problem.supply
    initial = np.maximum(supply.initial - retired_effect(retired, supply.initial), 0.0)
    first = max(supply.first_order, now)
    return replace(problem, supply=replace(supply, placed=supply.placed + racks, initial=initial, first_order=first))
