"""What was decided for a fleet and what it promises: the value every optimiser returns and the judge plays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """One line of the order book; ``reason`` names the constraint that makes it worth its cost."""

    server_type: str
    zone: str
    order_period: str
    arrival_period: str
    racks: float
    servers: float
    cost: float
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Utilization:
    """The four numbers, over all periods and samples (means of used and of held capacity), per resource where named.

    ``allocation`` (R,) used / sellable in service; ``physical`` (R,) used / installed (before overcommit);
    ``commitment`` used / committed, NaN without commitments; ``stranded`` (R,) share of in-service capacity that is
    idle while another resource of the same servers is exhausted. ``allocation_without_buffer`` (R,) leaves the
    capacity held for the loss of a zone out of the denominator.
    """

    resources: tuple[str, ...]
    allocation: Array
    physical: Array
    stranded: Array
    allocation_without_buffer: Array
    commitment: float = float("nan")


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassAvailability:
    """The promise per class, arrays (C,): ``fill`` = 1 - E[unmet]/E[demand], ``no_shortage_per_period`` the mean over
    periods of P(no unmet demand in the period), ``no_shortage_joint`` P(no unmet demand in any period);
    ``fill_by_period`` (C, T) the fill within each period (NaN: nothing asked)."""

    classes: tuple[str, ...]
    fill: Array
    no_shortage_per_period: Array
    no_shortage_joint: Array
    fill_by_period: Array | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Price:
    """What one more natural unit of something is worth: ``value`` money per ``unit`` (>= 0: saved per unit gained).
    ``kind``: ``"local"`` (duals with the integers fixed), ``"relaxed"`` (duals of the LP relaxation) or
    ``"difference"`` (from re-solving)."""

    name: str
    value: float
    unit: str
    kind: str = "local"


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanCheck:
    """One thing recomputed after solving: ``value`` must not exceed ``tolerance``."""

    name: str
    value: float
    tolerance: float

    @property
    def passed(self) -> bool:
        """Whether the value keeps its tolerance (NaN never does)."""
        return bool(self.value <= self.tolerance)


@dataclass(frozen=True, kw_only=True)
class FleetPlan:
    """A fleet decision with its promise.

    ``racks`` (K, Z, T) new orders; ``retired`` (K, Z, T) servers; ``stock`` (K, Z, T) servers in service;
    ``committed`` (M, T) servers under commitment, starting in t; ``cost`` present value by component, summing to
    ``objective`` when the objective is expected cost. ``objective``, ``bound`` and ``gap`` are the optimiser's;
    ``status`` is ``"optimal"`` or ``"feasible"`` (stopped early by ``limit``: ``"time"``, ``"interrupted"``, ...).
    ``availability`` and ``utilization`` are promises: in the optimiser's own samples.
    ``cost_by_period`` the same components as ``cost`` by the period in which they fall (T,), present value;
    ``cash_by_period`` (T,) what is paid in the period, undiscounted (orders when they are placed).
    ``checks``: what was recomputed from the inputs after solving. ``shortage_worth`` (J,): part of the plan: the
    highest price per unit and period at which operations should buy to avoid a shortage; the judge follows it.
    ``capacity_worth`` (K, G, R, T, B): what one more unit of a resource of a type in a region and block saves in all,
    present value (NaN: no such capacity): prices that rank, with whole racks as they are where they tell anything.
    ``remarks``: what is odd about the problem, and how it was solved. ``facts``: named numbers beside the plan
    (``relaxed_objective``: without whole racks; ``expected_cost``, ...).
    """

    formulation: str
    status: str
    objective: float
    bound: float
    gap: float
    racks: Array
    retired: Array
    stock: Array
    committed: Array
    orders: tuple[Order, ...]
    cost: Mapping[str, float]
    availability: ClassAvailability
    utilization: Utilization
    prices: tuple[Price, ...] = ()
    facts: Mapping[str, float] = field(default_factory=dict)
    cost_by_period: Mapping[str, Array] = field(default_factory=dict)
    cash_by_period: Mapping[str, Array] = field(default_factory=dict)
    checks: tuple[PlanCheck, ...] = ()
    remarks: tuple[str, ...] = ()
    shortage_worth: Array | None = None
    capacity_worth: Array | None = None
    solver: str = ""
    seconds: float = 0.0
    limit: str = "none"

    def uninterrupted(self) -> FleetPlan:
        """The plan itself; raises ``KeyboardInterrupt`` where Ctrl-C ended its search. For those who solve many: the
        solver has taken the Ctrl-C for itself, and the next solve is not wanted."""
        if self.limit == "interrupted":
            raise KeyboardInterrupt
        return self
