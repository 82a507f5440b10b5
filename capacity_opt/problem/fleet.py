"""The fleet-sizing problem: what is given. Frozen arrays; index letters are the same everywhere.

k server type, z zone, g region, t period, b block inside a period, c class (0 = most critical), j demand group
(a class with a home), r resource, m purchase option, s sample.

Order of events in period t: racks whose lead time ends arrive and retirements leave, then demand is met in every
block; an order placed in period t with lead time L serves from period t + L on. Money leaves when the order is placed.
Quantities of money are per period; a block's share of the period weights everything that happens in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

OptionKind = Literal["on_demand", "spot", "commitment"]


class DemandPaths(Protocol):
    """A joint distribution of demand over groups, periods and blocks, from which sample paths are drawn."""

    def draw(self, count: int, *, seed: int) -> tuple[Array, Array]:
        """``values`` (samples, J, T, B) in demand units and ``probability`` (samples,). A finite list of given samples
        ignores ``count`` and ``seed`` and returns all of them; everything else draws ``count`` fresh paths."""
        ...


class DisruptionPaths(Protocol):
    """A joint distribution of what may happen to supply, independent of demand; sample s goes with demand sample s."""

    def draw(self, count: int, *, seed: int) -> tuple[Array, IntArray]:
        """``available`` (count, Z, T), the share of a zone's servers that work, and ``delay`` (count, K, Z), the whole
        periods by which every order of this plan comes late."""
        ...


@dataclass(frozen=True, kw_only=True)
class ServerTypes:
    """Models of server. ``capacity`` (K, R) sellable resource per server; ``lot`` (K,) servers per rack, the unit
    of an order; ``power_kw`` and ``rack_units`` (K,) per server; ``life`` (K,) periods in service (inf: beyond the
    horizon); ``failure_rate`` (K,) share of the servers in service that is lost for good per period; ``space`` (K,)
    floor space per server (None: takes none)."""

    names: tuple[str, ...]
    capacity: Array
    lot: IntArray
    power_kw: Array
    rack_units: Array
    life: Array
    failure_rate: Array
    space: Array | None = None


@dataclass(frozen=True, kw_only=True)
class Sites:
    """Regions and their zones. ``zone_region`` (Z,) region of each zone; limits (Z, T), inf where none; ``space_limit``
    None where floor space has no limit anywhere."""

    regions: tuple[str, ...]
    zones: tuple[str, ...]
    zone_region: IntArray
    power_limit: Array
    rack_unit_limit: Array
    space_limit: Array | None = None


@dataclass(frozen=True, kw_only=True)
class Supply:
    """What owned servers cost and how they come.

    ``price`` (K, Z, T) per server ordered in t; ``opex`` (K, Z, T) per server in service in t; ``lead_time`` (K, Z)
    periods; ``order_limit`` and ``order_minimum`` racks (K, Z, T), an order being 0 or within them; ``placed``
    (K, Z, T) racks already on order, fixed, by order period like new ones (they cost money and serve from t + L on);
    ``first_order`` the first period in which this plan may order (the frozen window before it); ``initial`` (K, Z, T)
    servers of the past in service in t, after planned retirements, life and failures (orders placed before the horizon
    appear in it when they arrive); ``retirable`` (K, Z) whether these may be retired early; ``retirement_cost`` and
    ``salvage`` (K,) per server. ``recourse_from``: orders from this period on are decided knowing the sample (None:
    never). ``never_shrink``, ``never_grow`` (K, Z): the servers in service may never fall, or rise, from one period to
    the next (None: free).
    """

    price: Array
    opex: Array
    lead_time: IntArray
    order_limit: Array
    order_minimum: Array
    placed: Array
    initial: Array
    first_order: int
    retirable: BoolArray
    retirement_cost: Array
    salvage: Array
    recourse_from: int | None = None
    never_shrink: BoolArray | None = None
    never_grow: BoolArray | None = None


@dataclass(frozen=True, kw_only=True)
class Stability:
    """How this plan may differ from the last one: ``last`` (K, Z, T) racks ordered by it, ``change_cost`` (K,) money
    per rack more or less, ``minimum_change``: an order of the last plan stays as it was or changes by at least this
    share of it."""

    last: Array
    change_cost: Array
    minimum_change: float = 0.0


@dataclass(frozen=True, kw_only=True)
class PurchaseOptions:
    """Capacity bought as a service, counted in servers of a type in a region (a commitment covers that many servers).

    ``price`` (M, T) money per server and period, paid for use (on-demand, spot) or used or not (commitment, at the
    price of its first period for ``term`` (M,) periods); ``limit`` (M, T) servers in use (commitment: in force);
    ``availability`` (M,) chance that spot is there in a period. ``covers`` (M, K): units of the option that one server
    of each type takes, 0 where it does not cover the type (None: its own type only, one for one).
    """

    names: tuple[str, ...] = ()
    kind: tuple[OptionKind, ...] = ()
    server_type: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    region: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    price: Array = field(default_factory=lambda: np.zeros((0, 0)))
    limit: Array = field(default_factory=lambda: np.zeros((0, 0)))
    term: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    availability: Array = field(default_factory=lambda: np.zeros(0))
    covers: Array | None = None


@dataclass(frozen=True, kw_only=True)
class DemandGroups:
    """Who asks for what. ``classes`` most critical first; ``group_class``, ``home_region`` (J,), ``home_zone`` (J,)
    -1 where not pinned to a zone; ``usage`` (J, R) resource per demand unit; ``performance`` (J, K) work of one unit
    of resource of that type relative to nominal; ``compatible`` (J, K); ``serve_cost`` (J, K) money per unit served
    and period (substitution, upgrade); ``allowed_region`` (J, G); ``spill_cost`` (J, G) per unit and period served
    away from home; ``overcommit`` (J, R) sold per physical unit."""

    names: tuple[str, ...]
    classes: tuple[str, ...]
    group_class: IntArray
    home_region: IntArray
    home_zone: IntArray
    usage: Array
    performance: Array
    compatible: BoolArray
    serve_cost: Array
    allowed_region: BoolArray
    spill_cost: Array
    overcommit: Array


@dataclass(frozen=True, kw_only=True)
class ServiceTargets:
    """What is promised. NaN means no promise of that kind.

    ``penalty`` (J,) money per unit and period unmet; ``shortage_allowed`` (J,) False forbids any unmet demand in any
    sample. ``fill_rate`` (C,): E[unmet of the class and of all more critical ones] <= (1 - fill_rate) E[demand of the
    class], over all periods (``fill_rule = "cumulative"``), or of the class alone (``"per_class"``, which lets the
    optimiser choose whom to short and under-delivers under strict priority). ``no_shortage_probability`` (C,) with
    ``no_shortage_scope`` per period or joint over all periods. ``shortage_cvar_limit`` (C,) demand units, of the worst
    1 - ``shortage_cvar_level`` (C,) share of outcomes. ``protected_share`` (C, Z): share of the class's demand that
    must still be served while zone z is lost, in every sample (or in a ``protected_quantile`` share of them).
    """

    penalty: Array
    shortage_allowed: BoolArray
    fill_rate: Array
    no_shortage_probability: Array
    shortage_cvar_level: Array
    shortage_cvar_limit: Array
    protected_share: Array
    fill_rule: Literal["cumulative", "per_class"] = "cumulative"
    no_shortage_scope: Literal["period", "joint"] = "period"
    protected_quantile: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Finance:
    """Money over time. ``discount_rate`` per period; ``capital``: ``"cash"`` charges the price when ordered (less
    salvage), ``"amortised"`` an equal annuity per period of service inside the horizon; budgets (T,), inf where none:
    ``capex_budget`` cash ordered in t, ``cumulative_budget`` up to t, ``opex_budget`` running cost in t.
    ``risk_weight`` w and ``risk_level`` a make the objective (1 - w) E[cost] + w CVaR_a[cost]."""

    currency: str
    discount_rate: float
    capital: Literal["cash", "amortised"]
    capex_budget: Array
    cumulative_budget: Array
    opex_budget: Array
    risk_weight: float = 0.0
    risk_level: float = 0.95


@dataclass(frozen=True, kw_only=True)
class FleetProblem:
    """One fleet-sizing problem. ``periods`` (T,) and ``blocks`` (B,) are labels; ``block_share`` (B,) sums to 1;
    ``samples`` is how many demand paths a stochastic formulation draws unless told otherwise, of which it keeps
    ``reduce_to`` that stand for all (see :func:`~capacity_opt.reduce_samples`); ``sampling`` how it draws them
    (``random``, ``antithetic``, ``sobol``; default: as ``demand`` does). ``utilization_floor`` (R,): the least
    expected share of the owned servers' resource that must be in use (NaN: none)."""

    name: str
    periods: tuple[str, ...]
    resources: tuple[str, ...]
    server_types: ServerTypes
    sites: Sites
    supply: Supply
    groups: DemandGroups
    service: ServiceTargets
    finance: Finance
    demand: DemandPaths
    options: PurchaseOptions = field(default_factory=PurchaseOptions)
    blocks: tuple[str, ...] = ("all",)
    block_share: Array = field(default_factory=lambda: np.ones(1))
    integer: bool = True
    samples: int = 100
    reduce_to: int | None = None
    sampling: str | None = None
    stability: Stability | None = None
    disruptions: DisruptionPaths | None = None
    utilization_floor: Array | None = None

    def __post_init__(self) -> None:
        """Check every shape against the sets."""
        for name, (array, axes) in self._shapes().items():
            expected = tuple(self.sizes[axis] for axis in axes)
            if array is not None and array.shape != expected:
                raise ArgumentError(f"{name} must have shape {expected} ({', '.join(axes)}), got {array.shape}")
        _checks.probabilities("block_share", self.block_share)

    @property
    def sizes(self) -> dict[str, int]:
        """The length of every index set by its letter."""
        return {
            "K": len(self.server_types.names),
            "Z": len(self.sites.zones),
            "G": len(self.sites.regions),
            "T": len(self.periods),
            "B": len(self.blocks),
            "C": len(self.groups.classes),
            "J": len(self.groups.names),
            "R": len(self.resources),
            "M": len(self.options.names),
        }

    def _shapes(self) -> Mapping[str, tuple[NDArray[np.generic] | None, str]]:
        types, sites, supply = self.server_types, self.sites, self.supply
        groups, service, finance = self.groups, self.service, self.finance
        return {
            "capacity": (types.capacity, "KR"),
            "lot": (types.lot, "K"),
            "power_kw": (types.power_kw, "K"),
            "rack_units": (types.rack_units, "K"),
            "life": (types.life, "K"),
            "failure_rate": (types.failure_rate, "K"),
            "zone_region": (sites.zone_region, "Z"),
            "power_limit": (sites.power_limit, "ZT"),
            "rack_unit_limit": (sites.rack_unit_limit, "ZT"),
            "price": (supply.price, "KZT"),
            "opex": (supply.opex, "KZT"),
            "lead_time": (supply.lead_time, "KZ"),
            "order_limit": (supply.order_limit, "KZT"),
            "order_minimum": (supply.order_minimum, "KZT"),
            "placed": (supply.placed, "KZT"),
            "initial": (supply.initial, "KZT"),
            "retirable": (supply.retirable, "KZ"),
            "retirement_cost": (supply.retirement_cost, "K"),
            "salvage": (supply.salvage, "K"),
            "group_class": (groups.group_class, "J"),
            "home_region": (groups.home_region, "J"),
            "home_zone": (groups.home_zone, "J"),
            "usage": (groups.usage, "JR"),
            "performance": (groups.performance, "JK"),
            "compatible": (groups.compatible, "JK"),
            "serve_cost": (groups.serve_cost, "JK"),
            "allowed_region": (groups.allowed_region, "JG"),
            "spill_cost": (groups.spill_cost, "JG"),
            "overcommit": (groups.overcommit, "JR"),
            "penalty": (service.penalty, "J"),
            "shortage_allowed": (service.shortage_allowed, "J"),
            "fill_rate": (service.fill_rate, "C"),
            "no_shortage_probability": (service.no_shortage_probability, "C"),
            "shortage_cvar_level": (service.shortage_cvar_level, "C"),
            "shortage_cvar_limit": (service.shortage_cvar_limit, "C"),
            "protected_share": (service.protected_share, "CZ"),
            "capex_budget": (finance.capex_budget, "T"),
            "cumulative_budget": (finance.cumulative_budget, "T"),
            "opex_budget": (finance.opex_budget, "T"),
            "block_share": (self.block_share, "B"),
            "space": (types.space, "K"),
            "space_limit": (sites.space_limit, "ZT"),
            "never_shrink": (supply.never_shrink, "KZ"),
            "never_grow": (supply.never_grow, "KZ"),
            "last": (None if self.stability is None else self.stability.last, "KZT"),
            "change_cost": (None if self.stability is None else self.stability.change_cost, "K"),
            "covers": (self.options.covers, "MK"),
            "utilization_floor": (self.utilization_floor, "R"),
        }
