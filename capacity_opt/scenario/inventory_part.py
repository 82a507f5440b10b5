"""What a policy family is given (a :class:`Part` of the items) and what it answers (a :class:`Solved`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from capacity_opt.demand.protocol import Demand
from capacity_opt.inventory.explain import Policy
from capacity_opt.problem.item import Item
from capacity_opt.scenario.inventory_tables import TARGETS, Inventory

Array = NDArray[np.float64]
Items = NDArray[np.intp]
# Policy, kind of target, distribution of the lead time.
Key = tuple[str, str, int]

# Items solved and judged together: what bounds the memory of a run.
ITEMS_AT_ONCE = 2048
# A target of a class of service is judged by the measure that the target is about.
MEASURE = {name: "fill_rate" if name == "stockout_cost" else name for name in TARGETS}


@dataclass(frozen=True, kw_only=True)
class Part:
    """Items solved together: one policy, one kind of target, one family of demand, one distribution of lead times.

    ``lead_chances`` ``{periods: probability}`` where the lead time is random, else ``None``.
    """

    inventory: Inventory
    positions: Items
    policy: str
    target: str
    demand: Demand
    item: Item
    lead_chances: Mapping[float, float] | None = None

    @property
    def wanted(self) -> Array:
        """The target's values (n,)."""
        return self.inventory.targets[self.target][self.positions]

    @property
    def lead_time(self) -> Array | Mapping[float, float]:
        """The lead time as the optimisers take it."""
        return np.asarray(self.item.lead_time) if self.lead_chances is None else self.lead_chances

    def column(self, name: str) -> Array:
        """A numeric column of the items' table (n,)."""
        value: Array = getattr(self.inventory, name)[self.positions]
        return value

    def chances(self, name: str) -> Array:
        """A column of the supplier's failures (n,)."""
        return self.inventory.disruption[name][self.positions]


@dataclass(frozen=True, kw_only=True)
class Solved:
    """The answer for a part; arrays (n,) in its order.

    ``values`` levels and what they promise, by name of the result's column. ``plays`` is what the judge plays
    (``None``: nothing to judge), with ``lost_sales``, charged the fixed cost only where
    the policy weighs it (``fixed_cost_counts``), item by item where the judge takes
    but one (``one_by_one``), in one period where ``single_period``, and with ``demands`` by
    period where they change. ``explains`` is the rule that orders now, ``quantile`` and ``cost`` (of the position
    after ordering) what its explanation tells, ``cap`` the most an order may be. A family that knows its orders
    without a rule gives ``order_now`` and ``sentences``. ``plan`` (n, periods) are orders over the horizon.
    """

    values: Mapping[str, Array]
    plays: object | None = None
    explains: Policy | None = None
    quantile: Array | float = np.nan
    cost: Callable[[Array], Array] | None = None
    cap: Array | float = np.inf
    lost_sales: bool = False
    fixed_cost_counts: bool = False
    one_by_one: bool = False
    single_period: bool = False
    demands: tuple[Demand, ...] = ()
    order_now: Array | None = None
    sentences: list[str] = field(default_factory=list)
    plan: Array | None = None
    totals: Mapping[str, float] = field(default_factory=dict)


def parts_of(inventory: Inventory, *, at_once: int = ITEMS_AT_ONCE) -> Iterator[Part]:
    """The items split so that each part is one array problem of bounded size (one problem, under a shared limit)."""
    target = np.full(len(inventory.policy), "", dtype=object)
    for name in TARGETS:
        target[~np.isnan(inventory.targets[name])] = name
    keys = list(zip(inventory.policy, target.tolist(), inventory.lead_kind, strict=True))
    if inventory.shared:
        parts = inventory.demand.parts
        whole = parts[0][1] if len(parts) == 1 else inventory.demand
        every = np.arange(len(keys))
        order = parts[0][0] if len(parts) == 1 else every
        yield _part(inventory, every, keys[0], whole.take(np.argsort(order)) if len(parts) == 1 else whole)
        return
    for positions, demand in inventory.demand.parts:
        groups: dict[Key, list[int]] = {}
        for place, position in enumerate(positions.tolist()):
            groups.setdefault(keys[position], []).append(place)
        for key, places in groups.items():
            for begin in range(0, len(places), at_once):
                chosen = np.array(places[begin : begin + at_once], dtype=np.intp)
                yield _part(inventory, positions[chosen], key, demand.take(chosen))


def _part(inventory: Inventory, positions: Items, key: Key, demand: Demand) -> Part:
    names = ("holding_cost", "stockout_cost", "fixed_cost", "lead_time", "review_period")
    item = Item(**{name: np.asarray(getattr(inventory.item, name))[positions] for name in names})
    policy, target, kind = key
    return Part(
        inventory=inventory,
        positions=positions,
        policy=policy,
        target=target,
        demand=demand,
        item=item,
        lead_chances=None if kind < 0 else inventory.lead_chances[kind],
    )
