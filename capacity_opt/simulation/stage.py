"""A fleet plan set up once, to be played on one demand after the other: what changes if this customer moves, or leaves?

Every play uses the same samples, so that two of them differ by what was changed and by nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import ArgumentError
from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.problem.plan import FleetPlan
from capacity_opt.simulation.arena import Arena, build_arena
from capacity_opt.simulation.dispatch import Means, Served, serve
from capacity_opt.simulation.ledger import ledger
from capacity_opt.simulation.optimal_dispatch import fits, serve_optimally
from capacity_opt.simulation.supplied import committed_units, servers_in_service
from capacity_opt.simulation.world import World, draw_world

Array = NDArray[np.float64]

Dispatch = Literal["optimal", "greedy", "exact"]


@dataclass(frozen=True, kw_only=True)
class Stage:
    """``plan`` in ``problem`` on the samples of ``world``; ``service`` (S or 1, K, Z, T) servers in service."""

    plan: FleetPlan
    problem: FleetProblem
    arena: Arena
    world: World
    service: Array
    means: Means

    @classmethod
    def of(cls, plan: FleetPlan, problem: FleetProblem, *, samples: int, seed: int) -> Self:
        """Set up on ``samples`` fresh outcomes."""
        world = draw_world(problem, samples=samples, seed=seed)
        arena = build_arena(problem, plan.shortage_worth)
        service = servers_in_service(plan, problem, world.delay)
        means = means_of(plan, arena, world, service)
        return cls(plan=plan, problem=problem, arena=arena, world=world, service=service, means=means)

    @property
    def chance(self) -> Array:
        """(S,) the probability of each sample."""
        count = len(self.world.demand)
        return np.full(count, 1.0 / count) if self.world.probability is None else self.world.probability

    def play(self, demand: Array, *, free: bool = False) -> Served:
        """Serve ``demand`` (S, J, T, B); ``free``: with what is left of every stack."""
        return dispatched(self.arena, np.ascontiguousarray(demand), self.means, "optimal", free=free)

    def cost(self, served: Served) -> Array:
        """(S,) the whole cost of a play, present value."""
        money = ledger(self.plan, self.problem, served, self.service, self.world.delay)
        total: Array = np.sum(list(money.values()), axis=0)
        return total


def dispatched(arena: Arena, demand: Array, means: Means, dispatch: Dispatch, *, free: bool = False) -> Served:
    """Serve ``demand`` (S, J, T, B) in the way that ``dispatch`` names; see ``simulate_fleet``."""
    if dispatch == "optimal" and fits(arena):
        return serve_optimally(arena, demand, means, free=free)
    served = serve(arena, demand, means, free=free)
    if dispatch in ("greedy", "optimal"):
        return served
    if dispatch == "exact":
        from capacity_opt.simulation.exact_dispatch import improve

        return improve(arena, demand, means, served)
    raise ArgumentError(f"dispatch must be 'optimal', 'greedy' or 'exact', got {dispatch!r}")


def means_of(plan: FleetPlan, arena: Arena, world: World, service: Array) -> Means:
    """What every sample has to serve with."""
    problem = arena.problem
    there = service * world.available[:, None]
    servers = np.einsum("skzt,zp->stkp", there, arena.member.astype(np.float64))
    options, periods = problem.options, len(problem.periods)
    limit = options.limit.reshape(len(options.names), periods)
    committed = np.array([kind == "commitment" for kind in options.kind], dtype=bool)[:, None]
    budget = np.where(committed, committed_units(plan, problem), limit).T
    return Means(
        servers=np.ascontiguousarray(servers.reshape(*servers.shape[:2], -1)),
        budget=np.where(world.spot > 0, budget * np.where(world.spot > 0, world.spot, 1.0), 0.0),
        lost=np.ascontiguousarray(np.moveaxis(world.available <= 0, 1, 2)),
    )
