"""Stages that feed one another: serial systems, trees with guaranteed service times, a depot and its bases.

Values only; the algorithms live in ``capacity_opt.inventory``. Stages of a serial system are listed downstream first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class SerialSystem:
    """Stages in a row, downstream first: stage 1 meets the customers, each is fed by the next, the last by a source
    that never runs out.

    ``echelon_holding_cost`` (J,) money per unit and period, what a unit costs more at a stage than one stage upstream
    (> 0); ``lead_time`` (J,) periods from the stage upstream; ``stockout_cost`` money per unit backordered and period.

    >>> SerialSystem(echelon_holding_cost=[3, 2, 2], lead_time=[1, 1, 2], stockout_cost=37.12).stages
    3
    >>> SerialSystem(echelon_holding_cost=[3, 2, 2], lead_time=[1, 1, 2], stockout_cost=37.12).local_holding_cost
    array([7., 4., 2.])
    """

    echelon_holding_cost: ArrayLike
    lead_time: ArrayLike
    stockout_cost: float

    def __post_init__(self) -> None:
        """Check the fields and store them as float64."""
        holding = np.atleast_1d(_checks.positive("echelon_holding_cost", self.echelon_holding_cost))
        lead = np.atleast_1d(_checks.non_negative("lead_time", self.lead_time))
        _checks.same_length(echelon_holding_cost=holding, lead_time=lead)
        object.__setattr__(self, "echelon_holding_cost", holding)
        object.__setattr__(self, "lead_time", lead)
        penalty = _checks.single("stockout_cost", self.stockout_cost)
        object.__setattr__(self, "stockout_cost", float(_checks.positive("stockout_cost", penalty)))

    @property
    def stages(self) -> int:
        """How many stages there are."""
        return len(cast(Array, self.lead_time))

    @property
    def local_holding_cost(self) -> Array:
        """What a unit costs per period at each stage (J,): the echelon costs of the stage and all upstream of it."""
        total: Array = np.cumsum(cast(Array, self.echelon_holding_cost)[::-1])[::-1]
        return total


@dataclass(frozen=True, kw_only=True)
class GuaranteedStage:
    """One stage of a tree with guaranteed service times (whole periods).

    ``processing_time`` T: from all inputs at hand to the unit finished. ``predecessors``: stages that feed it.
    ``external_inbound_time``: service time quoted by outside suppliers. ``maximum_service_time``: the most this stage
    may quote (what a customer was promised); ``None`` means no limit. ``demand_deviation``: standard deviation of its
    demand per period; ``None`` pools the demand of the stages it feeds (independent demands, one unit per unit).
    ``safety_factor`` k: demand above ``mean * t + k * deviation * sqrt(t)`` is met by other means.
    """

    name: str
    holding_cost: float
    processing_time: int
    predecessors: tuple[str, ...] = ()
    external_inbound_time: int = 0
    maximum_service_time: int | None = None
    demand_deviation: float | None = None
    safety_factor: float = 1.645

    def __post_init__(self) -> None:
        """Check every number; ``predecessors`` becomes a tuple."""
        place = f" of stage {self.name!r}"
        object.__setattr__(self, "predecessors", tuple(self.predecessors))
        for name in ("holding_cost", "safety_factor", "demand_deviation"):
            value = getattr(self, name)
            if value is not None or name != "demand_deviation":
                number = _checks.single(name + place, value)
                object.__setattr__(self, name, float(_checks.non_negative(name + place, number)))
        for name in ("processing_time", "external_inbound_time", "maximum_service_time"):
            value = getattr(self, name)
            if value is not None or name != "maximum_service_time":
                number = _checks.single(name + place, value)
                object.__setattr__(self, name, int(_checks.whole(name + place, number)))


@dataclass(frozen=True, kw_only=True)
class GuaranteedServiceTree:
    """Stages whose links, taken without direction, form a tree (or several separate trees).

    >>> plant = GuaranteedStage(name="plant", holding_cost=1, processing_time=2)
    >>> shop = GuaranteedStage(name="shop", holding_cost=3, processing_time=1, predecessors=("plant",),
    ...                        maximum_service_time=0, demand_deviation=10)
    >>> GuaranteedServiceTree(stages=(plant, shop)).successors["plant"]
    ('shop',)
    """

    stages: Sequence[GuaranteedStage]
    by_name: Mapping[str, GuaranteedStage] = field(init=False, repr=False, compare=False)
    successors: Mapping[str, tuple[str, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the stages; refuse unknown or double names and links that close a ring."""
        stages = tuple(self.stages)
        by_name = {stage.name: stage for stage in stages}
        if len(by_name) < len(stages):
            names = [stage.name for stage in stages]
            double = sorted({name for name in names if names.count(name) > 1})
            raise ArgumentError(f"stages must have different names, got twice: {', '.join(map(repr, double[:10]))}")
        successors: dict[str, tuple[str, ...]] = dict.fromkeys(by_name, ())
        for stage in stages:
            for name in stage.predecessors:
                if name not in by_name:
                    raise ArgumentError(f"stage {stage.name!r} names an unknown predecessor {name!r}. Add the stage?")
                successors[name] = (*successors[name], stage.name)
        _refuse_rings(stages)
        object.__setattr__(self, "stages", stages)
        object.__setattr__(self, "by_name", by_name)
        object.__setattr__(self, "successors", successors)


@dataclass(frozen=True, kw_only=True)
class DepotAndBases:
    """One repairable or consumable item at a depot and the bases it resupplies, one for one, first come first served.

    ``base_rate`` (B,) Poisson demands per unit time; ``order_and_ship_time`` (B,) or one for all; and
    ``depot_replenishment_time``, the mean time until the depot has a unit back. A share ``base_repair_share`` of the
    demands is mended at the base in ``base_repair_time`` on average and never troubles the depot.

    >>> pool = DepotAndBases(base_rate=[23.2] * 5, order_and_ship_time=0.01, depot_replenishment_time=0.02528,
    ...                      base_repair_share=0.2, base_repair_time=0.01)
    >>> round(pool.depot_pipeline, 6)  # units in repair at the depot; Sherbrooke, chapter 3
    2.345984
    """

    base_rate: ArrayLike
    order_and_ship_time: ArrayLike
    depot_replenishment_time: float
    base_repair_share: ArrayLike = 0.0
    base_repair_time: ArrayLike = 0.0

    def __post_init__(self) -> None:
        """Check the fields and broadcast those of the bases to (B,)."""
        rate = np.atleast_1d(_checks.positive("base_rate", self.base_rate))
        object.__setattr__(self, "base_rate", rate)
        checked = {
            "order_and_ship_time": _checks.non_negative("order_and_ship_time", self.order_and_ship_time),
            "base_repair_share": _checks.share("base_repair_share", self.base_repair_share),
            "base_repair_time": _checks.non_negative("base_repair_time", self.base_repair_time),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, _checks.shape(name, value, rate.shape, "bases"))
        time = _checks.single("depot_replenishment_time", self.depot_replenishment_time)
        object.__setattr__(
            self, "depot_replenishment_time", float(_checks.non_negative("depot_replenishment_time", time))
        )
        if not np.any(self.depot_rate > 0):
            raise ArgumentError("base_repair_share must be < 1 at some base, otherwise no demand reaches the depot")

    @property
    def depot_rate(self) -> Array:
        """Demands per unit time that each base (B,) passes on to the depot."""
        rate: Array = cast(Array, self.base_rate) * (1.0 - cast(Array, self.base_repair_share))
        return rate

    @property
    def depot_pipeline(self) -> float:
        """Mean number of units on their way back to the depot's stock."""
        return float(self.depot_rate.sum() * self.depot_replenishment_time)

    @property
    def base_pipeline(self) -> Array:
        """Mean number of units (B,) in order-and-ship or in base repair, before any waiting at the depot."""
        shipped = self.depot_rate * cast(Array, self.order_and_ship_time)
        mended: Array = (cast(Array, self.base_rate) - self.depot_rate) * cast(Array, self.base_repair_time)
        total: Array = shipped + mended
        return total


def _refuse_rings(stages: Sequence[GuaranteedStage]) -> None:
    """Join the two ends of every link; a link whose ends are joined already closes a ring."""
    leader = {stage.name: stage.name for stage in stages}

    def find(name: str) -> str:
        while leader[name] != name:
            leader[name] = leader[leader[name]]
            name = leader[name]
        return name

    for stage in stages:
        for name in stage.predecessors:
            one, other = find(stage.name), find(name)
            if one == other:
                raise ArgumentError(
                    f"the stages must form a tree, but the link {name!r} -> {stage.name!r} closes a ring. "
                    "Drop a link or merge the stages between."
                )
            leader[one] = other
