"""Ways of planning a fleet, to be compared over the same paths: what planners do by hand, and what the models do.

``newsvendor``     each group's demand at its own quantile, period by period, as if it were certain
``safety_factor``  mean demand times a factor, as if it were certain
``two_stage``      expected cost over samples, with every promise
``cvar``           the same with part of the weight on the worst outcomes

Where a promise cannot be kept any more (demand came higher than any order can still meet), the plan goes on without it
at the price of a shortage; somebody who plans has to order something.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from capacity_opt import _checks
from capacity_opt.demand.paths import FixedDemand
from capacity_opt.errors import ArgumentError, InfeasibleError
from capacity_opt.fleet.size import size_fleet
from capacity_opt.fleet.warm import WarmStart
from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.problem.plan import FleetPlan

Array = NDArray[np.float64]

POLICIES = ("newsvendor", "safety_factor", "two_stage", "cvar")
LEARNED_FROM = 1000
USUAL_LEVEL = 0.95
DEAREST = 10.0
"""A broken promise is planned for at this multiple of what a unit of demand costs at most."""


@dataclass(frozen=True, kw_only=True)
class FleetPlanner:
    """A way of planning: called with a problem it gives a plan, as :func:`~capacity_opt.roll_fleet` asks for.

    ``policy``: see the module. ``safety_factor`` multiplies mean demand; ``level`` is the newsvendor's quantile (each
    group's own where not given: its promise, or its critical ratio); ``risk_weight`` of ``cvar`` where the problem has
    none. ``samples``, ``seed``, ``gap``, ``time_limit`` as in :func:`~capacity_opt.size_fleet`. With ``warm`` a plan
    begins at the last one made for an earlier period (the plan before, shifted): same cost, found sooner.

    >>> from capacity_opt.fleet.example import example_problem
    >>> planner = FleetPlanner(policy="safety_factor", safety_factor=1.5)
    >>> planner(example_problem()).racks.sum() > FleetPlanner(policy="safety_factor")(example_problem()).racks.sum()
    np.True_
    """

    policy: str
    samples: int | None = None
    safety_factor: float = 1.0
    level: float | None = None
    risk_weight: float = 0.5
    seed: int = 7
    gap: float = 1e-3
    time_limit: float = 60.0
    warm: bool = True
    _memory: dict[int, WarmStart] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the policy's name and numbers."""
        if self.policy not in POLICIES:
            raise ArgumentError(f"policy must be one of {', '.join(POLICIES)}, got {self.policy!r}")
        _checks.positive("safety_factor", self.safety_factor)
        _checks.share("risk_weight", self.risk_weight)

    def __call__(self, problem: FleetProblem) -> FleetPlan:
        """The plan for ``problem`` as it stands."""
        posed, formulation = self._posed(problem)
        warm = self._begun(problem.supply.first_order) if self.warm else None
        try:
            return self._solved(posed, formulation, warm)
        except InfeasibleError:
            return self._solved(without_promises(posed), formulation, warm)

    def _begun(self, now: int) -> WarmStart:
        """A memory for the plan of period ``now`` that begins at the last plan of an earlier one. It is kept by period:
        a path that begins anew finds the plan that all paths share, not the end of the path before."""
        earlier = [period for period in self._memory if period < now]
        warm = self._memory[max(earlier)].copy() if earlier else WarmStart()
        self._memory[now] = warm
        return warm

    def _solved(self, problem: FleetProblem, formulation: str, warm: WarmStart | None) -> FleetPlan:
        return size_fleet(
            problem,
            formulation=formulation,
            samples=self.samples,
            seed=self.seed,
            gap=self.gap,
            time_limit=self.time_limit,
            warm=warm,
        ).uninterrupted()

    def _posed(self, problem: FleetProblem) -> tuple[FleetProblem, str]:
        if self.policy == "two_stage":
            return problem, "two_stage"
        if self.policy == "cvar":
            weight = problem.finance.risk_weight or self.risk_weight
            return replace(problem, finance=replace(problem.finance, risk_weight=weight)), "cvar"
        values, probability = problem.demand.draw(LEARNED_FROM, seed=self.seed)
        if self.policy == "safety_factor":
            demand = np.tensordot(probability, values, 1) * self.safety_factor
        else:
            levels = newsvendor_levels(problem) if self.level is None else np.full(values.shape[1], self.level)
            demand = np.stack([_quantile(values[:, j], probability, level) for j, level in enumerate(levels)])
        return replace(problem, demand=FixedDemand(demand)), "deterministic"


def _quantile(values: Array, probability: Array, level: float) -> Array:
    """Quantile over samples (axis 0), each cell by itself."""
    order = np.argsort(values, axis=0, kind="stable")
    first = np.argmax(np.cumsum(probability[order], axis=0) >= level - 1e-12, axis=0)
    return np.asarray(np.take_along_axis(np.take_along_axis(values, order, 0), first[None], 0)[0])


def newsvendor_levels(problem: FleetProblem) -> Array:
    """(J,) the quantile each group is planned at: its class's promise, else 1 - cost / penalty of a unit, else 0.95."""
    service, classes = problem.service, problem.groups.group_class
    promise = np.fmax(service.fill_rate, service.no_shortage_probability)[classes]
    cost, penalty = unit_cost(problem), np.nan_to_num(service.penalty)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where((penalty > cost) & np.isfinite(cost), 1.0 - cost / penalty, USUAL_LEVEL)
    return np.clip(np.where(np.isnan(promise), ratio, promise), 0.5, 0.9999)


def unit_cost(problem: FleetProblem) -> Array:
    """(J,) what a unit of demand costs per period on the cheapest server that can serve it: price over its life (or the
    horizon) and running cost; infinite where none can."""
    types, supply, groups = problem.server_types, problem.supply, problem.groups
    periods = float(len(problem.periods))
    life = np.where(np.isfinite(types.life), types.life, periods)
    each = (supply.price.mean(axis=2) / life[:, None] + supply.opex.mean(axis=2)).min(axis=1)
    performance = np.where(groups.performance > 0, groups.performance, np.nan)
    need = groups.usage[:, None, :] / (groups.overcommit[:, None, :] * performance[:, :, None])
    capacity = np.where(types.capacity > 0, types.capacity, np.nan)[None]
    servers = np.max(np.where(need > 0, need / capacity, 0.0), axis=2)
    usable = groups.compatible & np.isfinite(servers)
    return np.asarray(np.min(np.where(usable, servers * each[None, :], np.inf), axis=1))


def without_promises(problem: FleetProblem) -> FleetProblem:
    """The problem with every promise turned into a price of shortage, higher than any way of serving."""
    service, cost = problem.service, unit_cost(problem)
    dearest = float(np.max(cost[np.isfinite(cost)], initial=0.0))
    bought = float(np.max(problem.options.price, initial=0.0)) * float(np.max(_servers(problem), initial=0.0))
    firm = DEAREST * max(dearest, bought, 1e-9)
    classes = problem.groups.group_class
    promised = ~np.isnan(service.fill_rate) | ~np.isnan(service.no_shortage_probability)
    promised |= ~np.isnan(service.shortage_cvar_limit)
    held = promised[classes] | ~service.shortage_allowed
    more_critical = 1.0 + 0.5 * (classes.max(initial=0) - classes)
    none = np.full(len(service.fill_rate), np.nan)
    return replace(
        problem,
        service=replace(
            service,
            fill_rate=none,
            no_shortage_probability=none,
            shortage_cvar_limit=none,
            protected_share=np.full_like(service.protected_share, np.nan),
            shortage_allowed=np.ones_like(service.shortage_allowed),
            penalty=np.where(held, np.maximum(np.nan_to_num(service.penalty), firm * more_critical), service.penalty),
        ),
    )


def _servers(problem: FleetProblem) -> Array:
    """(J, R) servers per unit of demand at most."""
    least = np.where(problem.server_types.capacity > 0, problem.server_types.capacity, np.inf).min(axis=0)
    found: Array = problem.groups.usage / (problem.groups.overcommit * least)
    return found


def fleet_planners(
    names: tuple[str, ...] = POLICIES, **settings: object
) -> dict[str, Callable[[FleetProblem], FleetPlan]]:
    """A planner for each of ``names``, with the same ``settings`` (fields of :class:`FleetPlanner`).

    >>> sorted(fleet_planners(("two_stage", "newsvendor"), samples=20))
    ['newsvendor', 'two_stage']
    """
    return {name: FleetPlanner(policy=name, **settings) for name in names}  # type: ignore[arg-type]
