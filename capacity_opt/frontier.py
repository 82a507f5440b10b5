"""The trade: what every further step of one target costs, promised by the optimiser and judged by the simulation."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError
from capacity_opt.fleet.refining import next_target, uncertainty
from capacity_opt.fleet.sweep import TARGETS, SweptPlan, strictest_first, sweep, swept_classes
from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.problem.plan import FleetPlan
from capacity_opt.simulation.estimate import Estimate
from capacity_opt.simulation.fleet import simulate_fleet

Array = NDArray[np.float64]

Judge = Callable[[FleetPlan, FleetProblem], Estimate]
"""Measures a plan on fresh samples: per class, in the measure that the frontier promises."""

CONVEX = ("fill_rate", "shortage_cvar", "budget", "power")
"""Targets that are right-hand sides: the cost of continuous plans is convex in them."""

POINT = 0.01
"""Availability and utilization are priced per percentage point, money and power per unit."""


@dataclass(frozen=True, kw_only=True)
class FrontierPoint:
    """One target and its cheapest plan.

    ``cost`` expected present value (NaN without a plan); ``marginal_cost`` what one more percentage point (fill rate,
    no-shortage probability, utilization) or unit (CVaR limit, budget, power) costs from the neighbouring easier target,
    NaN at the first; ``promised`` the availability in the optimiser's own samples of the swept class that has least of
    it, ``judged`` the same on fresh samples with its interval; ``status`` and ``gap`` of the solve; ``dominated``:
    another point promises no less for no more; ``knee``: beyond it cost rises fastest; ``current``: today's target.
    """

    target: float
    cost: float
    marginal_cost: float
    promised: float
    judged: Estimate | None
    status: str
    gap: float
    plan: FleetPlan | None
    dominated: bool = False
    knee: bool = False
    current: bool = False


@dataclass(frozen=True, kw_only=True)
class Frontier:
    """A cost curve over one target: ``points`` from the easiest target to the most demanding. ``uncertainty``: the most
    by which the cost between neighbouring points can be other than a line between them (for whole racks: than theirs),
    as a share of the least cost; NaN with fewer than two plans."""

    over: str
    measure: str
    points: tuple[FrontierPoint, ...]
    uncertainty: float = float("nan")

    @property
    def target(self) -> Array:
        """Targets, (points,)."""
        return np.array([point.target for point in self.points])

    @property
    def cost(self) -> Array:
        """Cost of every point, (points,); NaN where there is no plan."""
        return np.array([point.cost for point in self.points])

    @property
    def marginal_cost(self) -> Array:
        """Cost of one more point or unit from the point before, (points,)."""
        return np.array([point.marginal_cost for point in self.points])

    @property
    def availability(self) -> Array:
        """Promised availability, (points,)."""
        return np.array([point.promised for point in self.points])

    @property
    def judged(self) -> Array:
        """Judged availability with its interval, (points, 3): value, low, high; NaN where not judged."""
        rows = [
            (np.nan,) * 3 if p.judged is None else (p.judged.value, p.judged.low, p.judged.high) for p in self.points
        ]
        return np.array(rows, dtype=np.float64)


def frontier(
    problem: FleetProblem,
    over: str = "fill_rate",
    values: Sequence[float] = (0.9, 0.95, 0.99, 0.999),
    *,
    formulation: str = "two_stage",
    classes: Sequence[str] | None = None,
    samples: int | None = None,
    judge_samples: int = 2000,
    judge: Judge | None = None,
    current: float | None = None,
    seed: int = 7,
    gap: float = 1e-4,
    time_limit: float = 300.0,
    tolerance: float | None = None,
    most_points: int = 60,
) -> Frontier:
    """The cheapest plan at every one of ``values`` of a target, with what the next step costs.

    ``over``: ``fill_rate``, ``no_shortage_probability``, ``shortage_cvar`` (the limit, demand units) for ``classes``
    (default: those that have such a target, else all); ``budget`` (capital over the horizon), ``power`` (factor on
    every zone's limit), ``utilization`` (floor, as a share). ``judge_samples`` fresh outcomes measure every plan, 0 for
    none; ``judge`` replaces the simulation. ``current``: today's value of the target (default: the problem's own).
    ``time_limit`` in seconds per point. ``tolerance``: ask for more targets between ``values``, where the curve is
    known least, until its ``uncertainty`` is within this share of its cost or there are ``most_points``. A target that
    no plan keeps is a point with status ``"infeasible"``.

    Marginal costs are finite differences between plans, exact also for whole racks; they rise along the curve for
    continuous plans but need not for whole racks.

    >>> from capacity_opt.fleet.example import example_problem
    >>> curve = frontier(example_problem(), over="fill_rate", values=[0.9, 0.95, 0.97], judge_samples=0)
    >>> curve.cost.tolist(), curve.points[2].status
    ([1680.0, 1880.0, nan], 'infeasible')
    """
    _check(over, values)
    if tolerance is not None:
        _checks.between("tolerance", tolerance, 0.0, 1.0)
    swept = swept_classes(problem, over, classes)
    measure = "no_shortage" if over == "no_shortage_probability" else "fill"
    judged_by = judge if judge is not None else _simulation(judge_samples, seed, measure)
    convex = not problem.integer and over in CONVEX
    done: list[SweptPlan] = []
    found = sweep(
        problem,
        over,
        values,
        formulation=formulation,
        samples=samples,
        seed=seed,
        gap=gap,
        time_limit=time_limit,
        classes=classes,
        more=partial(_more, done, tolerance, most_points, convex),
    )
    points = [_point(problem, each, swept, measure, judged_by) for each in _kept(found, done)]
    points = [points[i] for i in strictest_first(over, [point.target for point in points])]
    today = _today(problem, over, swept) if current is None else current
    known = uncertainty(*_curve(done), convex=convex)
    return Frontier(over=over, measure=measure, points=_marked(points[::-1], over, today), uncertainty=known)


def _kept(found: Iterable[SweptPlan], done: list[SweptPlan]) -> Iterator[SweptPlan]:
    """Each plan as it is found, noted first: the next target depends on it."""
    for each in found:
        done.append(each)
        yield each


def _more(done: Sequence[SweptPlan], tolerance: float | None, most: int, convex: bool) -> float | None:
    """The next target to ask for; None where the curve is known well enough or has points enough."""
    if tolerance is None or len(done) >= most:
        return None
    return next_target(*_curve(done), tolerance, convex=convex)


def _curve(done: Sequence[SweptPlan]) -> tuple[Array, Array]:
    """Targets and costs so far."""
    costs = [np.nan if each.plan is None else each.plan.objective for each in done]
    return np.array([each.value for each in done]), np.array(costs)


def _check(over: str, values: Sequence[float]) -> None:
    if over not in TARGETS:
        raise ArgumentError(f"over must be one of {', '.join(TARGETS)}, got {over!r}")
    if len(values) == 0:
        raise ArgumentError("values must hold at least one target")
    if over in ("fill_rate", "no_shortage_probability", "utilization"):
        _checks.share("values", values)
    else:
        _checks.non_negative("values", values)


def _simulation(samples: int, seed: int, measure: str) -> Judge | None:
    """The judge plays fresh samples: its seed is never the optimiser's."""
    if samples == 0:
        return None

    def judge(plan: FleetPlan, problem: FleetProblem) -> Estimate:
        judged = simulate_fleet(plan, problem, samples=samples, seed=seed + 1_000_003)
        if measure == "fill":
            return judged.fill
        joint = problem.service.no_shortage_scope == "joint"
        return judged.no_shortage_joint if joint else judged.no_shortage_per_period

    return judge


def _point(problem: FleetProblem, each: SweptPlan, swept: Array, measure: str, judge: Judge | None) -> FrontierPoint:
    nothing = float("nan")
    if each.plan is None:
        return FrontierPoint(
            target=each.value,
            cost=nothing,
            marginal_cost=nothing,
            promised=nothing,
            judged=None,
            status=each.status,
            gap=nothing,
            plan=None,
        )
    availability = each.plan.availability
    joint = problem.service.no_shortage_scope == "joint"
    none = availability.no_shortage_joint if joint else availability.no_shortage_per_period
    own = np.flatnonzero(swept)
    promised = (availability.fill if measure == "fill" else none)[own]
    least = int(np.argmin(promised))
    return FrontierPoint(
        target=each.value,
        cost=each.plan.objective,
        marginal_cost=nothing,
        promised=float(promised[least]),
        judged=None if judge is None else _of_class(judge(each.plan, each.problem), int(own[least])),
        status=each.status,
        gap=each.plan.gap,
        plan=each.plan,
    )


def _of_class(estimate: Estimate, own: int) -> Estimate:
    if np.ndim(estimate.value) == 0:
        return estimate
    value, low, high = (float(np.asarray(each)[own]) for each in (estimate.value, estimate.low, estimate.high))
    return replace(estimate, value=value, low=low, high=high)


def _today(problem: FleetProblem, over: str, swept: Array) -> float:
    """The problem's own target where all swept classes share it; NaN otherwise."""
    given = {
        "fill_rate": problem.service.fill_rate[swept],
        "no_shortage_probability": problem.service.no_shortage_probability[swept],
        "shortage_cvar": problem.service.shortage_cvar_limit[swept],
        "budget": problem.finance.cumulative_budget[-1:],
        "power": np.ones(1),
        "utilization": np.full(1, np.nan) if problem.utilization_floor is None else problem.utilization_floor,
    }[over]
    known = np.unique(given[np.isfinite(given)])
    return float(known[0]) if len(known) == 1 else float("nan")


def _marked(points: list[FrontierPoint], over: str, today: float) -> tuple[FrontierPoint, ...]:
    """Marginal costs and marks; ``points`` run from the easiest target to the most demanding."""
    target, cost = np.array([p.target for p in points]), np.array([p.cost for p in points])
    promised = np.array([p.promised for p in points])
    unit = POINT if over in ("fill_rate", "no_shortage_probability", "utilization") else 1.0
    steps = np.abs(np.diff(target)) / unit
    marginal = np.concatenate([[np.nan], np.diff(cost) / np.where(steps > 0, steps, np.nan)])
    small = 1e-9 * np.nanmax(np.abs(cost), initial=1.0)
    no_dearer = cost[None, :] <= cost[:, None] + small
    no_worse = promised[None, :] >= promised[:, None] - 1e-12
    better = (cost[None, :] < cost[:, None] - small) | (promised[None, :] > promised[:, None] + 1e-9)
    dominated = (no_dearer & no_worse & better).any(axis=1)
    knee = _knee(target, cost)
    current = int(np.argmin(np.abs(target - today))) if np.isfinite(today) and len(target) else -1
    exact = current >= 0 and bool(np.isclose(target[current], today, rtol=0, atol=1e-9))
    return tuple(
        replace(
            point,
            marginal_cost=float(marginal[i]),
            dominated=bool(dominated[i]),
            knee=i == knee,
            current=exact and i == current,
        )
        for i, point in enumerate(points)
    )


def _knee(target: Array, cost: Array) -> int:
    """The point furthest below the chord of the curve: up to it a point costs less than on average, beyond it more;
    -1 with fewer than three plans or a straight curve."""
    solved = np.flatnonzero(np.isfinite(cost))
    if len(solved) < 3:
        return -1
    x, y = target[solved], cost[solved]
    span = (x[-1] - x[0], y[-1] - y[0])
    if span[0] == 0 or span[1] == 0:
        return -1
    below = (x - x[0]) / span[0] - (y - y[0]) / span[1]
    below = -below if span[1] < 0 else below
    best = int(np.argmax(below))
    return int(solved[best]) if below[best] > 1e-9 else -1


class _CallableModule(ModuleType):
    """``capacity_opt.frontier`` is the function's public name, yet importing this module puts the module there: so the
    module answers calls as the function does, whichever was imported first."""

    def __call__(self, *arguments: Any, **options: Any) -> Frontier:
        return frontier(*arguments, **options)


sys.modules[__name__].__class__ = _CallableModule
