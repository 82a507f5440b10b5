"""The index sets of one fleet model, worked out once: pools, who can be served where, delays, survival.

A *pool* is the capacity that can stand in for each other: a whole region, or a single zone in a region where some
demand is pinned to a zone (then every group is served from a named zone, which keeps the model exact for several
resources). A *lane* is a group, a server type and a pool that may meet: (j, k, p).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from capacity_opt.fleet.outcomes import Outcomes
from capacity_opt.problem.fleet import FleetProblem

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Lanes:
    """Lanes as parallel arrays (N,): group, server type, pool; ``load`` (N, R) physical resource per unit served."""

    group: IntArray
    server_type: IntArray
    pool: IntArray
    load: Array


@dataclass(frozen=True, kw_only=True)
class OptionLanes:
    """Where options can be used, parallel arrays (O,): option, server type, pool; ``weight`` (O,) units of the option
    per server."""

    option: IntArray
    server_type: IntArray
    pool: IntArray
    weight: Array


@dataclass(frozen=True)
class Frame:
    """A problem and its samples with every derived index set; arrays are cached when first asked for."""

    problem: FleetProblem
    outcomes: Outcomes

    @cached_property
    def worlds(self) -> int:
        """1 where all samples share one supply, S where orders or deliveries differ between samples."""
        recourse = self.problem.supply.recourse_from
        own = self.outcomes.random_supply or (recourse is not None and recourse < self.problem.sizes["T"])
        return self.outcomes.count if own else 1

    @cached_property
    def late(self) -> BoolArray:
        """Whether orders placed in t are decided knowing the sample, (T,)."""
        first = self.problem.supply.recourse_from
        t = np.arange(self.problem.sizes["T"])
        known: BoolArray = (t >= (len(t) if first is None else first)) & (self.worlds > 1)
        return known

    @cached_property
    def world_labels(self) -> list[str]:
        """Labels of the supply worlds: none to tell where there is one."""
        return [""] if self.worlds == 1 else self.sample_labels

    @cached_property
    def sample_labels(self) -> list[str]:
        """``s0``, ``s1``, ..."""
        return [f"s{s}" for s in range(self.outcomes.count)]

    @cached_property
    def world_probability(self) -> Array:
        """Probability of each supply world, (W,)."""
        return np.ones(1) if self.worlds == 1 else self.outcomes.probability

    @cached_property
    def pools(self) -> list[tuple[int, int]]:
        """(region, zone) of every pool; zone is -1 where the pool is the whole region."""
        sites, groups = self.problem.sites, self.problem.groups
        split = set(sites.zone_region[groups.home_zone[groups.home_zone >= 0]].tolist())
        found: list[tuple[int, int]] = []
        for region in range(len(sites.regions)):
            zones = np.flatnonzero(sites.zone_region == region).tolist() if region in split else [-1]
            found += [(region, zone) for zone in zones]
        return found

    @cached_property
    def pool_region(self) -> IntArray:
        """Region of every pool, (P,)."""
        return np.array([region for region, _ in self.pools], dtype=np.int64)

    @cached_property
    def zone_pool(self) -> IntArray:
        """Pool of every zone, (Z,)."""
        own = {zone: p for p, (_, zone) in enumerate(self.pools) if zone >= 0}
        whole = {region: p for p, (region, zone) in enumerate(self.pools) if zone < 0}
        regions = self.problem.sites.zone_region.tolist()
        return np.array([own.get(z, whole.get(g, -1)) for z, g in enumerate(regions)], dtype=np.int64)

    @cached_property
    def pool_names(self) -> list[str]:
        """The region's name, or the zone's where the region is split."""
        sites = self.problem.sites
        return [sites.regions[region] if zone < 0 else sites.zones[zone] for region, zone in self.pools]

    @cached_property
    def need(self) -> Array:
        """Physical resource that one demand unit takes, (J, K, R) = usage / (overcommit x performance)."""
        groups = self.problem.groups
        performance = np.where(groups.performance > 0, groups.performance, np.nan)
        taken: Array = groups.usage[:, None, :] / (groups.overcommit[:, None, :] * performance[:, :, None])
        return np.where(np.isnan(taken), 0.0, taken)

    def lanes(self, lost_zone: int | None = None) -> Lanes:
        """Who can be served by what and where; while ``lost_zone`` is lost, the demand pinned to it may go to the
        other zones of its region. In normal operation those lanes are there too where a sample loses the zone; see
        :meth:`open_lanes`."""
        groups, region = self.problem.groups, self.pool_region
        usable = groups.compatible & (groups.performance > 0)
        usable &= ~np.any((self.need > 0) & (self.problem.server_types.capacity[None] <= 0), axis=2)
        fits = usable[:, :, None] & groups.allowed_region[:, region][:, None, :] & self._pinning(lost_zone)[:, None, :]
        j, k, p = np.nonzero(fits)
        return Lanes(group=j, server_type=k, pool=p, load=self.need[j, k])

    def open_lanes(self, lanes: Lanes) -> BoolArray:
        """When a lane of normal operation may be used, (N, T, 1, S or 1): away from the zone that demand is pinned to
        only while a sample has lost that zone."""
        home = self.problem.groups.home_zone[lanes.group]
        away = (home >= 0) & (lanes.pool != self.zone_pool[np.maximum(home, 0)])
        if not away.any():
            return np.ones((1, 1, 1, 1), dtype=bool)
        lost = np.moveaxis(self.outcomes.available[:, np.maximum(home, 0)] <= 0, 0, -1)
        return np.asarray(~away[:, None, None] | lost)[:, :, None, :]

    def _pinning(self, lost_zone: int | None) -> BoolArray:
        groups = self.problem.groups
        home = groups.home_zone
        free = np.ones((len(home), len(self.pool_region)), dtype=bool)
        own = self.zone_pool[np.maximum(home, 0)][:, None] == np.arange(len(self.pool_region))[None, :]
        moved = groups.home_region[:, None] == self.pool_region[None, :]
        pinned = (home >= 0)[:, None]
        away = pinned & (home[:, None] == (-2 if lost_zone is None else lost_zone))
        if lost_zone is None:
            ever = np.any(self.outcomes.available <= 0, axis=(0, 2))
            own = own | (moved & ever[np.maximum(home, 0)][:, None])
        result: BoolArray = np.where(away, moved, np.where(pinned, own, free))
        return result

    @cached_property
    def option_lanes(self) -> OptionLanes:
        """Where each purchase option can be used."""
        options, sizes = self.problem.options, self.problem.sizes
        covers = options.covers
        if covers is None:
            covers = np.zeros((sizes["M"], sizes["K"]))
            covers[np.arange(sizes["M"]), options.server_type] = 1.0
        inside = options.region[:, None, None] == self.pool_region[None, None, :]
        m, k, p = np.nonzero((covers[:, :, None] > 0) & inside)
        return OptionLanes(option=m, server_type=k, pool=p, weight=covers[m, k])

    @cached_property
    def is_commitment(self) -> BoolArray:
        """(M,)."""
        return np.array([kind == "commitment" for kind in self.problem.options.kind], dtype=bool)

    @cached_property
    def option_price(self) -> Array:
        """(M, T), also without options."""
        return self.problem.options.price.reshape(self.problem.sizes["M"], self.problem.sizes["T"])

    @cached_property
    def option_limit(self) -> Array:
        """(M, T), also without options."""
        return self.problem.options.limit.reshape(self.problem.sizes["M"], self.problem.sizes["T"])

    @cached_property
    def discount(self) -> Array:
        """Present value of one unit of money paid in period t, (T + 1,); the last entry is the end of the horizon."""
        return (1.0 + self.problem.finance.discount_rate) ** -np.arange(self.problem.sizes["T"] + 1.0)

    @cached_property
    def arrival(self) -> IntArray:
        """Period from which an order serves, (W, K, Z, T by order period); may lie at or beyond T."""
        t = np.arange(self.problem.sizes["T"])
        delay = np.zeros((1, *self.problem.supply.lead_time.shape), dtype=np.int64)
        delay = self.outcomes.delay if self.worlds > 1 else delay + self.outcomes.delay[:1]
        return (self.problem.supply.lead_time[None] + delay)[..., None] + t

    @cached_property
    def planned_arrival(self) -> IntArray:
        """The same without delays, (K, Z, T): what is paid follows the plan, whenever servers come."""
        return self.problem.supply.lead_time[..., None] + np.arange(self.problem.sizes["T"])

    @cached_property
    def survival(self) -> Array:
        """Share of the servers ordered in u that is in service in t, (W, K, Z, U, T)."""
        types = self.problem.server_types
        t = np.arange(self.problem.sizes["T"])
        age = t - self.arrival[..., None]
        alive = (age >= 0) & (age < types.life[:, None, None, None])
        share: Array = (1.0 - types.failure_rate)[:, None, None, None] ** np.maximum(age, 0)
        return np.where(alive, share, 0.0)

    @cached_property
    def orderable(self) -> BoolArray:
        """Whether an order placed in t can be made by this plan and arrives inside the horizon, (K, Z, T)."""
        supply, periods = self.problem.supply, self.problem.sizes["T"]
        t = np.arange(periods)
        planned = supply.lead_time[:, :, None] + t < periods
        return planned & (t >= supply.first_order) & (supply.order_limit > 0)

    @cached_property
    def mean_demand(self) -> Array:
        """E[demand] per group over all periods, blocks weighted by their share, (J,)."""
        share = self.problem.block_share
        mean: Array = np.einsum("s,sjtb,b->j", self.outcomes.probability, self.outcomes.values, share)
        return mean
