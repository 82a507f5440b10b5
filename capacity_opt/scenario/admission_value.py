"""What a pool earns on the day, given back to the fleet model: the concave envelope of revenue over capacity.

The fleet model counts demand of a period as one amount; on the day requests come and go around it, so the last units of
capacity earn less than the mean demand says and units beyond it still earn something. Revenue under critical levels,
as a function of capacity, is replaced by its concave envelope: a penalty per class (the envelope's slope over the
stretch of capacity that serves it, dearest requests first) and further demand without any promise, the headroom, in
steps of one standard deviation of the use, each at its slope. Slopes are means over periods.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from capacity_opt.admission.multirate import multirate_loss
from capacity_opt.problem.fleet import DemandPaths, FleetProblem
from capacity_opt.problem.plan import FleetPlan
from capacity_opt.scenario.admission_levels import chosen_levels
from capacity_opt.scenario.admission_pools import AdmissionPool, admission_pools
from capacity_opt.scenario.requests import Request
from capacity_opt.scenario.spec_admission import Admission

Array = NDArray[np.float64]
Item = TypeVar("Item", bound=np.generic)

HEADROOM = "headroom"
DEVIATIONS = (1.0, 2.0, 3.0)


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """Revenue of one pool over capacity at one moment: ``capacity`` and ``revenue`` (points,) with ``hull``, the
    concave envelope there; ``slope`` (points - 1,) money per step; the first points are the ends of each kind of
    request in ``order``, dearest first, then the headroom."""

    order: NDArray[np.intp]
    capacity: Array
    revenue: Array
    hull: Array

    @property
    def slope(self) -> Array:
        """Money per step of capacity between neighbouring points, falling."""
        width = np.diff(self.capacity)
        slope: Array = np.divide(np.diff(self.hull), width, out=np.zeros_like(width), where=width > 0)
        return slope


def envelope(pool: AdmissionPool, load: Array) -> Envelope:
    """The envelope at mean ``load`` (n,); levels are tuned where capacity equals the load and kept along the curve.

    Points are whole steps; revenue is the better of these levels and first come.
    """
    order = np.argsort(-pool.price, kind="stable")
    served = np.cumsum((load * pool.size)[order])
    spread = float(np.sqrt((load * pool.size**2).sum()))
    points = np.concatenate([[0.0], served, served[-1] + spread * np.array(DEVIATIONS)])
    level = chosen_levels(pool, int(served[-1]), load, load[None])
    revenue = np.zeros(len(points))
    for i, point in enumerate(points):
        whole, part = int(point), point - int(point)
        low, high = (_revenue(pool, units, load, level) for units in (whole, whole + 1))
        revenue[i] = low + part * (high - low)
    return Envelope(order=order, capacity=points, revenue=revenue, hull=concave(points, revenue))


def _revenue(pool: AdmissionPool, units: int, load: Array, level: NDArray[np.int64]) -> float:
    tried = np.stack([np.zeros_like(level), np.minimum(level, units)])
    return float(np.max(multirate_loss(units, load=load, size=pool.size, reservation=tried).revenue(pool.price)))


def concave(x: Array, y: Array) -> Array:
    """The least concave function above the points, at the points; ``x`` rises weakly.

    >>> concave(np.array([0.0, 1.0, 2.0, 3.0]), np.array([0.0, 1.0, 4.0, 5.0]))
    array([0., 2., 4., 5.])
    """
    corners: list[int] = []
    for i in range(len(x)):
        while len(corners) >= 2:
            a, b = corners[-2:]
            if (y[b] - y[a]) * (x[i] - x[a]) > (y[i] - y[a]) * (x[b] - x[a]):
                break
            corners.pop()
        corners.append(i)
    hull: Array = np.interp(x, x[corners], y[corners])
    return np.maximum(hull, y)


@dataclass(frozen=True)
class _WithHeadroom:
    """Demand paths with constant demand of further groups, (H, T, B)."""

    given: DemandPaths
    headroom: Array

    def draw(self, count: int, *, seed: int) -> tuple[Array, Array]:
        values, chance = self.given.draw(count, seed=seed)
        more = np.broadcast_to(self.headroom, (len(values), *self.headroom.shape))
        return np.concatenate([values, more], axis=1), chance


def valued_problem(
    problem: FleetProblem, requests: Sequence[Request], section: Admission, *, seed: int
) -> FleetProblem:
    """The problem with penalties and headroom from the envelope of every pool; its promises stay as they are."""
    asked = problem.demand.draw(problem.samples, seed=seed)
    there = problem.supply.initial
    servers = there if there.any() else np.ones_like(there)
    pools = admission_pools(problem, requests, section, *asked, servers)
    penalty, like, demand, worth = problem.service.penalty.copy(), [], [], []
    for pool in pools:
        mean = np.einsum("s,stbn->tbn", pool.chance, pool.load)
        every = [[envelope(pool, mean[t, b]) for b in range(mean.shape[1])] for t in range(mean.shape[0])]
        slope = np.mean([[one.slope for one in row] for row in every], axis=(0, 1))
        width = np.array([[np.diff(one.capacity) for one in row] for row in every])
        _value_classes(problem, pool, slope, width.mean(axis=(0, 1)), penalty)
        j = int(np.flatnonzero(pool.groups)[0])
        step = _per_unit(problem, pool, j)
        for i in range(len(DEVIATIONS)):
            like.append(j)
            demand.append(width[:, :, len(pool.requests) + i] / step)
            worth.append(float(slope[len(pool.requests) + i]) * step)
    return _extended(problem, penalty, like, np.array(demand), np.array(worth)) if like else problem


def _per_unit(problem: FleetProblem, pool: AdmissionPool, j: int) -> float:
    """Steps of the pool that one demand unit of group j holds."""
    kinds = [k for k, r in enumerate(pool.requests) if r.of_class == problem.groups.group_class[j]]
    k = kinds[0] if kinds else 0
    return float(pool.need[k] / pool.requests[k].demand_units / pool.unit)


def _value_classes(problem: FleetProblem, pool: AdmissionPool, slope: Array, width: Array, penalty: Array) -> None:
    """Each class's penalty: the mean slope over the stretches of its requests."""
    order = np.argsort(-pool.price, kind="stable")
    for j in np.flatnonzero(pool.groups):
        places = [i for i, k in enumerate(order) if pool.requests[k].of_class == problem.groups.group_class[j]]
        if places and width[places].sum() > 0:
            penalty[j] = float(slope[places] @ width[places] / width[places].sum()) * _per_unit(problem, pool, int(j))


def _extended(problem: FleetProblem, penalty: Array, like: Sequence[int], demand: Array, worth: Array) -> FleetProblem:
    """The problem with a least critical class of headroom groups, each served as group ``like`` is at home."""
    groups, service, chosen = problem.groups, problem.service, np.asarray(like)
    count, last = len(chosen), len(groups.classes)
    at_home = np.zeros((count, len(problem.sites.regions)), dtype=bool)
    at_home[np.arange(count), groups.home_region[chosen]] = True

    def more(array: NDArray[Item]) -> NDArray[Item]:
        return np.concatenate([array, array[chosen]])

    def open_class(array: Array, value: float = np.nan) -> Array:
        return np.concatenate([array, np.full((1, *array.shape[1:]), value)])

    copied = ("home_region", "usage", "performance", "compatible", "serve_cost", "spill_cost", "overcommit")
    return replace(
        problem,
        demand=_WithHeadroom(problem.demand, demand),
        groups=replace(
            groups,
            **{name: more(getattr(groups, name)) for name in copied},
            names=(*groups.names, *(f"{HEADROOM} {i + 1} of {groups.names[j]}" for i, j in enumerate(chosen))),
            classes=(*groups.classes, HEADROOM),
            group_class=np.concatenate([groups.group_class, np.full(count, last)]),
            home_zone=np.concatenate([groups.home_zone, np.full(count, -1)]),
            allowed_region=np.concatenate([groups.allowed_region, at_home]),
        ),
        service=replace(
            service,
            penalty=np.concatenate([penalty, worth]),
            shortage_allowed=np.concatenate([service.shortage_allowed, np.ones(count, dtype=bool)]),
            fill_rate=open_class(service.fill_rate),
            no_shortage_probability=open_class(service.no_shortage_probability),
            shortage_cvar_level=open_class(service.shortage_cvar_level, 0.95),
            shortage_cvar_limit=open_class(service.shortage_cvar_limit),
            protected_share=open_class(service.protected_share),
        ),
    )


def fixed(problem: FleetProblem, plan: FleetPlan) -> FleetProblem | None:
    """The problem with the plan's orders as already placed and no others; ``None`` where it decides more than orders.

    It is solved as fast as any plan, where costing given decisions in one program is slow with many samples.
    """
    supply = problem.supply
    if "commitment" in problem.options.kind or supply.retirable.any() or supply.recourse_from is not None:
        return None
    none = np.zeros_like(supply.order_limit)
    ordered = replace(supply, placed=supply.placed + plan.racks, order_limit=none, order_minimum=none)
    return replace(problem, supply=ordered, stability=None)


def costed(valued: FleetPlan, own: FleetPlan) -> FleetPlan:
    """``own`` (what ``valued`` decides, at the scenario's own penalties) with what the solver proved of ``valued``."""
    proved = {"valued_objective": valued.objective, "valued_bound": valued.bound}
    remark = "planned with what each pool earns on the day (the concave envelope of its revenue); costed without it"
    return replace(
        own,
        racks=valued.racks,
        retired=valued.retired,
        orders=valued.orders,
        status=valued.status,
        gap=valued.gap,
        solver=valued.solver,
        facts={**own.facts, **proved},
        remarks=(remark, *valued.remarks),
        seconds=valued.seconds + own.seconds,
    )
