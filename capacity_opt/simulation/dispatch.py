"""Serves demand with the servers that are there, by operations' rules (see :mod:`capacity_opt.simulation.arena`).

The NumPy path here, over all samples at once, is the twin of :mod:`capacity_opt.simulation.dispatch_compiled`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capacity_opt._compiled import compiling
from capacity_opt.simulation.arena import Arena
from capacity_opt.simulation.repack import repack

Array = NDArray[np.float64]

EXHAUSTED = 1e-9
"""A resource counts as exhausted below this share of what is there."""


@dataclass(frozen=True, kw_only=True)
class Means:
    """What there is to serve with; the first axis is samples, or 1 where all samples share it. ``servers``
    (S, T, Q) by stack; ``budget`` (S, T, M) units of each option; ``lost`` (S, T, Z) whether a zone is lost."""

    servers: Array
    budget: Array
    lost: NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Served:
    """What happened. ``unmet`` (S, J, T, B); averaged over a period's blocks: ``used``, ``stranded`` (S, T, R) resource
    of owned servers, ``bought`` (S, T, M) units of each option, ``substitution``, ``spill`` (S, T) money. ``free``
    (S, T, B, Q, R), where it was asked for: what is left of each resource of the owned servers of each stack."""

    unmet: Array
    used: Array
    stranded: Array
    bought: Array
    substitution: Array
    spill: Array
    free: Array | None = None


@dataclass(frozen=True, kw_only=True)
class _State:
    """One block while it is served, changed in place: ``left``, ``added`` (S, Q, R) resource; ``budget``, ``spent``
    (S, M) units of options; ``amounts`` (S, N) units served by way; ``opened`` (S, N) whether a way is open."""

    left: Array
    added: Array
    budget: Array
    spent: Array
    amounts: Array
    opened: NDArray[np.bool_]


def serve(arena: Arena, demand: Array, means: Means, *, free: bool = False) -> Served:
    """Serve ``demand`` (S, J, T, B) greedily, compiled where numba is present (not where ``free`` is asked for)."""
    if free or not compiling():
        return serve_numpy(arena, demand, means, free=free)
    from capacity_opt.simulation.dispatch_compiled import serve_all

    served, ways = empty(arena, len(demand)), arena.ways
    served.unmet[:] = demand
    money = np.zeros((len(demand), demand.shape[2], 2))
    serve_all(
        served.unmet, means.servers, means.budget, means.lost, arena.capacity, arena.order, arena.preference,
        arena.owned, ways.stack, ways.option, ways.weight, ways.lost_zone, ways.load, ways.substitution, ways.spill,
        arena.problem.block_share, EXHAUSTED, served.used, served.stranded, served.bought, money,
    )  # fmt: skip
    served.substitution[:], served.spill[:] = money[..., 0], money[..., 1]
    return served


def empty(arena: Arena, samples: int, *, free: bool = False) -> Served:
    """Nothing served yet; ``free``: what is left is asked for too."""
    sizes = arena.problem.sizes
    return Served(
        unmet=np.zeros((samples, sizes["J"], sizes["T"], sizes["B"])),
        used=np.zeros((samples, sizes["T"], sizes["R"])),
        stranded=np.zeros((samples, sizes["T"], sizes["R"])),
        bought=np.zeros((samples, sizes["T"], sizes["M"])),
        substitution=np.zeros((samples, sizes["T"])),
        spill=np.zeros((samples, sizes["T"])),
        free=np.zeros((samples, sizes["T"], sizes["B"], *arena.capacity.shape)) if free else None,
    )


def serve_numpy(arena: Arena, demand: Array, means: Means, *, free: bool = False) -> Served:
    """The same in NumPy."""
    served = empty(arena, len(demand), free=free)
    served.unmet[:] = demand
    for t in range(demand.shape[2]):
        for b, share in enumerate(arena.problem.block_share):
            serve_block(arena, means, served, t, b, float(share))
    return served


def serve_block(arena: Arena, means: Means, served: Served, t: int, b: int, share: float) -> None:
    """One block of one period in all samples: served.unmet goes down, the totals go up."""
    samples, ways = len(served.unmet), arena.ways
    own = np.broadcast_to(means.servers[:, t, :, None] * arena.capacity, (samples, *arena.capacity.shape))
    opened = (ways.lost_zone < 0) | means.lost[:, t][:, np.maximum(ways.lost_zone, 0)]
    state = _State(
        left=own.copy(),
        added=np.zeros(own.shape),
        budget=np.broadcast_to(means.budget[:, t], (samples, means.budget.shape[2])).copy(),
        spent=np.zeros((samples, means.budget.shape[2])),
        amounts=np.zeros((samples, len(ways.group))),
        opened=np.broadcast_to(opened, (samples, len(ways.group))),
    )
    for j in arena.order:
        asked = served.unmet[:, j, t, b]
        tried = arena.preference[t, j]
        for way in tried[tried >= 0]:
            _serve_way(arena, state, int(way), asked)
        for s in np.flatnonzero(asked > 0):
            asked[s] -= repack(
                asked[s], int(j), tried, state.opened[s], arena.owned, ways.stack, ways.load,
                state.amounts[s], state.left[s],
            )  # fmt: skip
    used = np.minimum(own + state.added - state.left, own)
    if served.free is not None:
        served.free[:, t, b] = own - used
    exhausted = np.any(state.left <= EXHAUSTED * own, axis=2, keepdims=True)
    served.used[:, t] += share * used.sum(axis=1)
    served.stranded[:, t] += share * np.where(exhausted, own - used, 0.0).sum(axis=1)
    served.bought[:, t] += share * state.spent
    served.substitution[:, t] += share * (state.amounts @ ways.substitution)
    served.spill[:, t] += share * (state.amounts @ ways.spill)


def _serve_way(arena: Arena, state: _State, way: int, asked: Array) -> None:
    """Serve what is still ``asked`` (S,) of the way's group on this way; ``asked`` goes down."""
    ways = arena.ways
    load, stack, option, weight = ways.load[way], ways.stack[way], ways.option[way], ways.weight[way]
    wanted = np.where(state.opened[:, way], asked, 0.0)
    loaded = np.flatnonzero(load > 0)
    if option >= 0 and len(loaded):
        missing = wanted[:, None] * load[loaded] - state.left[:, stack, loaded]
        needed = np.maximum(np.max(missing / arena.capacity[stack, loaded], axis=1), 0.0)
        servers = np.minimum(needed, state.budget[:, option] / weight)
        state.budget[:, option] -= servers * weight
        state.spent[:, option] += servers * weight
        state.left[:, stack] += servers[:, None] * arena.capacity[stack]
        state.added[:, stack] += servers[:, None] * arena.capacity[stack]
    fits = np.min(state.left[:, stack, loaded] / load[loaded], axis=1) if len(loaded) else wanted
    amount = np.maximum(np.minimum(wanted, fits), 0.0)
    state.left[:, stack] = np.maximum(state.left[:, stack] - amount[:, None] * load, 0.0)
    state.amounts[:, way] += amount
    asked -= amount
