"""What is given, read by names: ``data.price[k, z, t]``; and the small facts that follow from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, wraps
from itertools import product
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from capacity_opt.fleet.outcomes import Outcomes
from capacity_opt.problem.fleet import FleetProblem

Names = Sequence[str]


Method = TypeVar("Method", bound=Callable[..., Any])


def _remembered(method: Method) -> Method:
    """Keep each answer in the object itself, so that it goes when the object goes."""

    @wraps(method)
    def answer(self: Any, *names: Any) -> Any:
        known = self.__dict__.setdefault(f"_{method.__name__}", {})
        if names not in known:
            known[names] = method(self, *names)
        return known[names]

    return cast(Method, answer)


class Table:
    """An array whose axes are read by names."""

    def __init__(self, values: NDArray[np.generic], *axes: Names) -> None:
        self._values = np.asarray(values, dtype=np.float64).reshape([len(axis) for axis in axes])
        self._places = [{name: i for i, name in enumerate(axis)} for axis in axes]

    def __getitem__(self, names: str | tuple[str, ...]) -> float:
        key = names if isinstance(names, tuple) else (names,)
        place = tuple(axis[name] for axis, name in zip(self._places, key, strict=True))
        return float(self._values[place])


class Lane(NamedTuple):
    """A demand group, a server type and a pool that may meet."""

    group: str
    server_type: str
    pool: str


class OptionLane(NamedTuple):
    """A purchase option, a server type it covers and a pool it can be used in."""

    option: str
    server_type: str
    pool: str


World = tuple[str, ...]
"""``()`` where all samples share one supply, ``(s,)`` where each has its own."""


class Data:
    """A problem with its samples. Sets are tuples of names, parameters are tables."""

    def __init__(self, problem: FleetProblem, outcomes: Outcomes) -> None:
        self.problem = problem
        self._sets(problem, outcomes)
        self._supply_tables(problem)
        self._demand_tables(problem)
        self._sample_tables(outcomes)

    def _sets(self, problem: FleetProblem, outcomes: Outcomes) -> None:
        self.types, self.zones, self.regions = problem.server_types.names, problem.sites.zones, problem.sites.regions
        self.periods, self.blocks, self.resources = problem.periods, problem.blocks, problem.resources
        self.groups, self.classes, self.options = problem.groups.names, problem.groups.classes, problem.options.names
        self.samples = tuple(f"s{s}" for s in range(outcomes.count))
        self.when = {t: i for i, t in enumerate(self.periods)}
        late = problem.supply.recourse_from
        self.late_from = len(self.periods) if late is None else late
        alone = outcomes.count > 1 and (bool(np.any(outcomes.delay != 0)) or self.late_from < len(self.periods))
        self.own_supply = alone
        self.worlds: tuple[World, ...] = tuple((s,) for s in self.samples) if alone else ((),)

    def _supply_tables(self, problem: FleetProblem) -> None:
        types, sites, supply, options = problem.server_types, problem.sites, problem.supply, problem.options
        k, z, t = self.types, self.zones, self.periods
        self.capacity = Table(types.capacity, k, self.resources)
        self.lot, self.life, self.failure_rate = (
            Table(values, k) for values in (types.lot, types.life, types.failure_rate)
        )
        self.price, self.opex, self.order_limit, self.order_minimum, self.placed, self.initial = (
            Table(values, k, z, t)
            for values in (
                supply.price,
                supply.opex,
                supply.order_limit,
                supply.order_minimum,
                supply.placed,
                supply.initial,
            )
        )
        self.lead_time, self.retirable = Table(supply.lead_time, k, z), Table(supply.retirable, k, z)
        self.retirement_cost, self.salvage = Table(supply.retirement_cost, k), Table(supply.salvage, k)
        self.region_of = {zone: self.regions[g] for zone, g in zip(z, sites.zone_region.tolist())}
        self.option_price, self.option_limit = (
            Table(options.price, self.options, t),
            Table(options.limit, self.options, t),
        )
        self.option_kind = dict(zip(self.options, options.kind))
        self.option_region = {m: self.regions[g] for m, g in zip(self.options, options.region.tolist())}
        self.term = Table(options.term, self.options)
        own = np.zeros((len(self.options), len(k)))
        own[np.arange(len(self.options)), options.server_type] = 1.0
        self.covers = Table(own if options.covers is None else options.covers, self.options, k)

    def _demand_tables(self, problem: FleetProblem) -> None:
        groups, service = problem.groups, problem.service
        j, k = self.groups, self.types
        self.class_of = {name: self.classes[c] for name, c in zip(j, groups.group_class.tolist())}
        self.home_region = {name: self.regions[g] for name, g in zip(j, groups.home_region.tolist())}
        self.home_zone = {name: self.zones[z] if z >= 0 else None for name, z in zip(j, groups.home_zone.tolist())}
        self.usage, self.overcommit = (
            Table(groups.usage, j, self.resources),
            Table(groups.overcommit, j, self.resources),
        )
        self.performance, self.compatible = Table(groups.performance, j, k), Table(groups.compatible, j, k)
        self.serve_cost = Table(groups.serve_cost, j, k)
        self.allowed_region = Table(groups.allowed_region, j, self.regions)
        self.spill_cost = Table(groups.spill_cost, j, self.regions)
        self.penalty, self.shortage_allowed = Table(service.penalty, j), Table(service.shortage_allowed, j)
        self.fill_rate = Table(service.fill_rate, self.classes)
        self.no_shortage_probability = Table(service.no_shortage_probability, self.classes)
        self.cvar_level = Table(service.shortage_cvar_level, self.classes)
        self.cvar_limit = Table(service.shortage_cvar_limit, self.classes)
        self.protected_share = Table(service.protected_share, self.classes, self.zones)

    def _sample_tables(self, outcomes: Outcomes) -> None:
        s, t = self.samples, self.periods
        self.demand = Table(outcomes.values, s, self.groups, t, self.blocks)
        self.probability = Table(outcomes.probability, s)
        self.available = Table(outcomes.available, s, self.zones, t)
        self.delay = Table(outcomes.delay, s, self.types, self.zones)
        self.option_there = Table(outcomes.bought, s, self.options, t)
        self.share = Table(self.problem.block_share, self.blocks)

    # Time and money

    def discount(self, t: int | str) -> float:
        """Present value of one unit of money paid in period t (or at its number)."""
        number = self.when[t] if isinstance(t, str) else t
        return float((1.0 + self.problem.finance.discount_rate) ** -number)

    def weight(self, t: str, b: str, s: str) -> float:
        """Present value times probability of money per period spent in block b of period t in sample s."""
        return self.discount(t) * self.share[b] * self.probability[s]

    def world_probability(self, w: World) -> float:
        """Probability of a supply world."""
        return self.probability[w[0]] if w else 1.0

    def world_of(self, s: str) -> World:
        """The supply world that sample s lives in."""
        return (s,) if self.own_supply else ()

    # Orders

    def is_late(self, t: str) -> bool:
        """Whether orders of t are decided knowing the sample."""
        return self.own_supply and self.when[t] >= self.late_from

    def orderable(self, k: str, z: str, t: str) -> bool:
        """Whether this plan may order in t and the order arrives inside the horizon."""
        arrives = self.when[t] + self.lead_time[k, z] < len(self.periods)
        return arrives and self.when[t] >= self.problem.supply.first_order and self.order_limit[k, z, t] > 0

    @_remembered
    def arrival(self, k: str, z: str, u: str, w: World) -> int:
        """Number of the period from which an order of u serves; may lie beyond the horizon."""
        return int(self.when[u] + self.lead_time[k, z] + self.delay[w[0] if w else self.samples[0], k, z])

    @_remembered
    def survival(self, k: str, z: str, u: str, t: str, w: World) -> float:
        """Share of the servers ordered in u that is in service in t."""
        age = self.when[t] - self.arrival(k, z, u, w)
        return (1.0 - self.failure_rate[k]) ** age if 0 <= age < self.life[k] else 0.0

    @_remembered
    def kept_share(self, k: str, z: str, u: str, t: str) -> float:
        """Share of the servers of the past in service in u that would still be there in t."""
        if self.when[t] < self.when[u] or self.initial[k, z, u] <= 0:
            return 0.0
        return min(self.initial[k, z, t] / self.initial[k, z, u], 1.0)

    def owned_before(self, k: str, z: str, t: str, w: World) -> float:
        """Servers in service without any new decision: of the past and already on order."""
        coming = sum(self.placed[k, z, u] * self.lot[k] * self.survival(k, z, u, t, w) for u in self.periods)
        return self.initial[k, z, t] + coming

    # Who can be served by what, where

    @cached_property
    def pools(self) -> dict[str, tuple[str, tuple[str, ...]]]:
        """Pool name -> its region and zones. A region is one pool; a region in which some demand is pinned to a zone is
        one pool per zone."""
        pinned = {self.region_of[zone] for zone in self.home_zone.values() if zone is not None}
        found: dict[str, tuple[str, tuple[str, ...]]] = {}
        for g in self.regions:
            zones = tuple(z for z in self.zones if self.region_of[z] == g)
            if g in pinned:
                found.update({z: (g, (z,)) for z in zones})
            else:
                found[g] = (g, zones)
        return found

    @_remembered
    def need(self, j: str, k: str, r: str) -> float:
        """Physical resource that one demand unit takes on a server type."""
        performance = self.performance[j, k]
        return self.usage[j, r] / (self.overcommit[j, r] * performance) if performance > 0 else 0.0

    @_remembered
    def lanes(self, lost: str | None = None) -> tuple[Lane, ...]:
        """Who can be served by what and where, in normal operation or while zone ``lost`` is lost."""
        return tuple(
            Lane(j, k, p)
            for j, k, p in product(self.groups, self.types, self.pools)
            if self._fits(j, k) and self._reaches(j, p, lost)
        )

    def _fits(self, j: str, k: str) -> bool:
        lacking = any(self.need(j, k, r) > 0 and self.capacity[k, r] <= 0 for r in self.resources)
        return bool(self.compatible[j, k]) and self.performance[j, k] > 0 and not lacking

    def _reaches(self, j: str, p: str, lost: str | None) -> bool:
        """Pinned demand is served in its zone; while that is lost (also in a sample), anywhere in its region."""
        region, zones = self.pools[p]
        if not self.allowed_region[j, region]:
            return False
        home = self.home_zone[j]
        if home is None:
            return True
        if home == lost:
            return bool(region == self.home_region[j])
        moves = lost is None and region == self.home_region[j] and self._ever_lost(home)
        return zones == (home,) or moves

    def _ever_lost(self, zone: str) -> bool:
        return any(self.available[s, zone, t] <= 0 for s, t in product(self.samples, self.periods))

    def open(self, lane: Lane, t: str, s: str) -> bool:
        """Whether normal operation may use a lane: away from the zone of pinned demand only while that is lost."""
        home = self.home_zone[lane.group]
        return home is None or self.pools[lane.pool][1] == (home,) or bool(self.available[s, home, t] <= 0)

    @cached_property
    def option_lanes(self) -> tuple[OptionLane, ...]:
        """Where each purchase option can be used."""
        return tuple(
            OptionLane(m, k, p)
            for m, k, p in product(self.options, self.types, self.pools)
            if self.covers[m, k] > 0 and self.pools[p][0] == self.option_region[m]
        )

    @cached_property
    def option_places(self) -> dict[str, int]:
        """In how many lanes each option can be used."""
        return {m: sum(lane.option == m for lane in self.option_lanes) for m in self.options}

    def option_capacity(self, m: str, t: str, s: str) -> float:
        """Units of an option that are there in a sample."""
        there = self.option_there[s, m, t]
        if there == 0:
            return 0.0
        return self.option_limit[m, t] if self.option_limit[m, t] == np.inf else self.option_limit[m, t] * there

    def in_force(self, m: str, u: str, t: str) -> bool:
        """Whether a commitment begun in u still runs in t."""
        return 0 <= self.when[t] - self.when[u] < self.term[m]

    def is_commitment(self, m: str) -> bool:
        """Paid for whether used or not."""
        return self.option_kind[m] == "commitment"

    def times(self) -> Iterator[tuple[str, str, str]]:
        """Every (t, b, s)."""
        return product(self.periods, self.blocks, self.samples)
