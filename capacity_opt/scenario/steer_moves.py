"""Moves of a customer's demand from one cell of the plan to another, and how much room there is for them.

Room is counted on the plan as it was played: what every stack of servers has left in every outcome, period and block.
Offers fill it from the front of each group's preference and are never shuffled afterwards, so that what fits here fits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from capacity_opt.problem.fleet import DemandPaths, FleetProblem
from capacity_opt.scenario.steer_tables import Offer, Steerable
from capacity_opt.scenario.typed import ALL
from capacity_opt.simulation.stage import Stage

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
TINY = 1e-6


@dataclass(frozen=True)
class Move:
    """``units`` of group ``origin`` in blocks ``hours`` become ``there`` units of group ``target`` in blocks
    ``hours_there``, in the periods from ``first`` to ``last``."""

    origin: int
    target: int
    hours: tuple[int, ...]
    hours_there: tuple[int, ...]
    first: int
    last: int
    units: float
    there: float

    @property
    def cells(self) -> tuple[object, ...]:
        """Equal for moves from and to the same cells."""
        return (self.origin, self.target, self.hours, self.hours_there, self.first, self.last)

    @property
    def periods(self) -> slice:
        """The periods of the move."""
        return slice(self.first, self.last + 1)

    def applied(self, demand: Array, block_share: Array) -> Array:
        """``demand`` (S, J, T, B) after the move; where less is asked than would move, what there is moves."""
        moved, span = demand.copy(), self.periods
        hours, there = list(self.hours), list(self.hours_there)
        taken = np.minimum(demand[:, self.origin, span][..., hours], self.units)
        moved[:, self.origin, span, hours] -= np.moveaxis(taken, -1, 0)
        if hours == there:
            moved[:, self.target, span, there] += np.moveaxis(taken, -1, 0) * (self.there / self.units)
        else:
            whole = taken @ block_share[hours] / block_share[hours].sum()
            moved[:, self.target, span, there] += whole * (self.there / self.units)
        return moved


@dataclass(frozen=True)
class MovesOf:
    """The moves that a scenario's offers mean. ``problem`` has a group more for every place that no group has yet."""

    problem: FleetProblem
    added: int
    target: IntArray
    given: Steerable

    @classmethod
    def of(cls, given: Steerable, problem: FleetProblem) -> MovesOf:
        """Find, or make, the group of every customer and offer."""
        made: dict[tuple[int, ...], int] = {}
        sources: list[tuple[int, int, int]] = []
        target = np.full((len(given.group), len(given.offers)), -1, dtype=np.int64)
        for i, option in np.argwhere(given.affinity > 0).tolist():
            key = _place(problem, int(given.group[i]), given.offers[option])
            if key not in made:
                found = _existing(problem, key)
                made[key] = len(problem.groups.names) + len(sources) if found < 0 else found
                sources += [] if found >= 0 else [(_model(problem, key, int(given.group[i])), key[1], key[2])]
            target[i, option] = made[key]
        return cls(_with_groups(problem, sources), len(sources), target, given)

    def move(self, i: int, option: int) -> Move:
        """Customer i to an offer."""
        given, share, offer = self.given, self.problem.block_share, self.given.offers[option]
        every = tuple(range(len(share)))
        hours = every if given.block[i] == ALL else (int(given.block[i]),)
        there = hours if offer.block == ALL else (offer.block,)
        stretch = float(share[list(hours)].sum() / share[list(there)].sum())
        return Move(
            origin=int(given.group[i]),
            target=int(self.target[i, option]),
            hours=hours,
            hours_there=there,
            first=int(given.first[i]),
            last=int(given.last[i]),
            units=float(given.units[i]),
            there=float(given.units[i] * given.ratio[i, option] * stretch),
        )

    def kind(self, i: int, option: int) -> tuple[object, ...]:
        """Equal for offers that save the same for each unit: the same cells, ratio and concession."""
        return (*self.move(i, option).cells, self.given.ratio[i, option], self.given.concession[i, option])


def _place(problem: FleetProblem, j: int, offer: Offer) -> tuple[int, int, int]:
    groups = problem.groups
    c = int(groups.group_class[j]) if offer.of_class == ALL else offer.of_class
    return c, int(groups.home_region[j]) if offer.region == ALL else offer.region, offer.server_type


def _existing(problem: FleetProblem, key: tuple[int, int, int]) -> int:
    groups = problem.groups
    found = np.flatnonzero((groups.group_class == key[0]) & (groups.home_region == key[1]) & (groups.home_zone < 0))
    return int(found[0]) if len(found) and key[2] == ALL else -1


def _model(problem: FleetProblem, key: tuple[int, int, int], own: int) -> int:
    """The group whose needs a new one takes: of its class in its region, else of its class anywhere, else its own."""
    groups = problem.groups
    alike = np.flatnonzero(groups.group_class == key[0])
    near = alike[groups.home_region[alike] == key[1]]
    return int(near[0]) if len(near) else int(alike[0]) if len(alike) else own


def _with_groups(problem: FleetProblem, sources: list[tuple[int, int, int]]) -> FleetProblem:
    """The problem with copies of groups (model, region, server type or -1), served at that region only."""
    if not sources:
        return problem
    groups, service = problem.groups, problem.service
    at = np.concatenate([np.arange(len(groups.names)), [model for model, _, _ in sources]])
    names = tuple(f"{groups.names[model]} moved {number}" for number, (model, _, _) in enumerate(sources, start=1))
    taken = {
        name: getattr(groups, name)[at].copy()
        for name in ("group_class", "home_region", "home_zone", "usage", "performance", "compatible", "serve_cost",
                     "allowed_region", "spill_cost", "overcommit")
    }  # fmt: skip
    for row, (_, region, server_type) in enumerate(sources, start=len(groups.names)):
        taken["home_region"][row], taken["home_zone"][row] = region, -1
        taken["allowed_region"][row] = np.arange(taken["allowed_region"].shape[1]) == region
        if server_type != ALL:
            taken["compatible"][row] = np.arange(taken["compatible"].shape[1]) == server_type
    return replace(
        problem,
        groups=replace(groups, names=(*groups.names, *names), **taken),
        service=replace(service, penalty=service.penalty[at], shortage_allowed=service.shortage_allowed[at]),
        demand=_Padded(problem.demand, len(sources)),
    )


@dataclass(frozen=True)
class _Padded:
    """Demand with groups at the end that ask for nothing."""

    inner: DemandPaths
    count: int

    def draw(self, count: int, *, seed: int) -> tuple[Array, Array]:
        """As the demand inside draws."""
        values, chance = self.inner.draw(count, seed=seed)
        return np.pad(values, ((0, 0), (0, self.count), (0, 0), (0, 0))), chance


class PlayedRoom:
    """What the played plan leaves free, filled by one offer after the other (a ``Room`` of ``recommendation.steer``):
    an offer fits if it does in all of its periods and hours, but for a share ``quantile`` of the outcomes."""

    def __init__(self, stage: Stage, moves: MovesOf, free: Array, quantile: float) -> None:
        self.stage, self.moves, self.quantile = stage, moves, quantile
        self.free = free.copy()
        self._alone: dict[tuple[object, ...], float] = {}
        self._before = free

    @property
    def nearly_all(self) -> str:
        """The share of outcomes in which an offer must fit, in words."""
        return f"{100 * (1 - self.quantile):g}%"

    @cached_property
    def idle(self) -> Array:
        """(m,) the most of every offer that anybody could take, in the units of who asks."""
        given = self.moves.given
        most = np.zeros(len(given.offers))
        for i, option in np.argwhere(given.affinity > 0).tolist():
            most[option] = max(most[option], self.alone(i, option))
        return most

    def alone(self, customer: int, option: int) -> float:
        """Units of the customer that would fit if nobody else were steered, but for a ``quantile`` of outcomes."""
        move = self.moves.move(customer, option)
        key = (*move.cells, move.there / move.units)
        if key not in self._alone:
            fits = self._fits(self._before, move, np.inf)[0].min(axis=(1, 2))
            order = np.argsort(fits)
            reached = np.cumsum(self.stage.chance[order])
            low = float(fits[order][min(np.searchsorted(reached, self.quantile), len(fits) - 1)])
            self._alone[key] = low * move.units / move.there
        return self._alone[key]

    def take(self, customer: int, option: int) -> bool:
        """Whether the offer fits beside those taken before; if so it is taken."""
        move = self.moves.move(customer, option)
        amount, left = self._fits(self.free, move, move.there)
        short = (amount < move.there * (1.0 - TINY)).any(axis=(1, 2))
        if float(self.stage.chance[short].sum()) > self.quantile + 1e-12:
            return False
        for place, hour in enumerate(move.hours_there):
            self.free[:, move.periods, hour] = left[:, :, place]
        return True

    def _fits(self, free: Array, move: Move, wanted: float) -> tuple[Array, Array]:
        """Units of the target that fit in each outcome, period and hour of the move, up to ``wanted``, and what is then
        left there (S, T', B', Q, R)."""
        left = free[:, move.periods][:, :, list(move.hours_there)].copy()
        amount = np.zeros(left.shape[:3])
        ways = self.stage.arena.ways
        for way in self.stage.arena.owned[move.target]:
            if way < 0 or ways.lost_zone[way] >= 0:
                continue
            load, stack = ways.load[way], ways.stack[way]
            loaded = np.flatnonzero(load > 0)
            if not len(loaded):
                amount[:] = wanted
                continue
            here = np.min(left[..., stack, loaded] / load[loaded], axis=-1)
            more = np.clip(np.minimum(here, wanted - amount), 0.0, None)
            amount += more
            left[..., stack, :] -= more[..., None] * load
        return amount, left
