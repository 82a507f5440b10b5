"""The period-by-period loop of the inventory simulation in NumPy, all cells (replication x item) at once.

It is the twin of :mod:`capacity_opt.simulation.period_play_compiled`, does the same arithmetic in the same order, and
serves where numba is absent. Order of events in a period: review and order; what is due arrives (an order with lead
time 0 at once); demand; costs are charged on what is left at the end.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

MEASURES = (
    "demand",
    "filled",
    "on_hand",
    "backorders",
    "short",
    "ready",
    "orders",
    "ordered",
    "cycles",
    "good_cycles",
)
"""What is summed over the counted periods, in the order of the loop's output."""


@dataclass(frozen=True, kw_only=True)
class Play:
    """All that the loop needs. ``demand`` (replications, n, periods); ``lead`` the same, or (replications, n, 1)
    where it never changes; ``trigger``, ``up_to`` (n, cycle);
    ``lot``, ``cap``, ``review`` (n,); ``net`` (replications, n) stock at the start; ``due`` (n, k) what was ordered
    before and arrives in each of the first k periods; the first ``warm_up`` periods are played but not counted."""

    demand: Array
    lead: IntArray
    trigger: Array
    up_to: Array
    lot: Array
    cap: Array
    review: IntArray
    net: Array
    lost_sales: bool
    every_review: bool
    warm_up: int
    due: Array = field(default_factory=lambda: np.zeros((1, 0)))

    @property
    def slots(self) -> int:
        """How many periods ahead an order can be due, plus one: the length of the pipeline's ring."""
        return max(int(self.lead.max(initial=0)) + 1, int(self.due.shape[1]))


def order_quantities(position: Array, trigger: Array, up_to: Array, lot: Array, cap: Array) -> Array:
    """What each cell orders at a review."""
    safe = np.where(lot > 0, lot, 1.0)
    multiple = (np.floor((trigger - position) / safe) + 1.0) * lot
    quantity = np.minimum(np.where(lot > 0, multiple, up_to - position), cap)
    return np.where(position <= trigger, quantity, 0.0)


def play(inputs: Play) -> Array:
    """Sums over the counted periods, shape (measures, replications, n)."""
    shape = inputs.demand.shape[:2]
    sums = np.zeros((len(MEASURES), *shape))
    ring = np.zeros((inputs.slots, *shape))
    marks = np.zeros((inputs.slots, *shape), dtype=bool)
    ring[: inputs.due.shape[1]] = inputs.due.T[:, None]
    marks[:] = ring > 0
    net, position = inputs.net.copy(), inputs.net + ring.sum(axis=0)
    last = np.zeros(shape, dtype=np.int64)
    short_in_cycle = np.zeros(shape, dtype=bool)
    for t in range(inputs.demand.shape[2]):
        counted = t >= inputs.warm_up
        quantity = _review(inputs, t, position, ring, marks, last)
        slot = t % inputs.slots
        arrives = marks[slot].copy()
        if counted:
            sums[6] += quantity > 0
            sums[7] += quantity
            sums[8] += arrives
            sums[9] += arrives & ~short_in_cycle
        net += ring[slot]
        ring[slot], marks[slot] = 0.0, False
        short = _serve(inputs, t, net, position, sums if counted else None)
        short_in_cycle = short | (short_in_cycle & ~arrives)
    return sums


def _review(inputs: Play, t: int, position: Array, ring: Array, marks: NDArray[np.bool_], last: IntArray) -> Array:
    column = t % inputs.trigger.shape[1]
    due_now = np.broadcast_to(t % inputs.review == 0, position.shape)
    trigger, up_to = inputs.trigger[:, column], inputs.up_to[:, column]
    quantity = np.where(due_now, order_quantities(position, trigger, up_to, inputs.lot, inputs.cap), 0.0)
    to_level = (quantity > 0) & (inputs.lot == 0) & (quantity < inputs.cap)
    position[:] = np.where(to_level, up_to, position + quantity)
    placed = due_now & (inputs.every_review | (quantity > 0))
    lead = inputs.lead[:, :, t if inputs.lead.shape[2] > 1 else 0]
    arrival = np.maximum(t + lead, last)
    last[:] = np.where(placed, arrival, last)
    rows, columns = np.nonzero(placed)
    slots = arrival[rows, columns] % inputs.slots
    ring[slots, rows, columns] += quantity[rows, columns]
    marks[slots, rows, columns] = True
    return quantity


def _serve(inputs: Play, t: int, net: Array, position: Array, sums: Array | None) -> NDArray[np.bool_]:
    demand = inputs.demand[:, :, t]
    filled = np.minimum(np.maximum(net, 0.0), demand)
    taken = filled if inputs.lost_sales else demand
    net -= taken
    position -= taken
    short = filled < demand if inputs.lost_sales else net < 0
    if sums is not None:
        sums[0] += demand
        sums[1] += filled
        sums[2] += np.maximum(net, 0.0)
        sums[3] += np.maximum(-net, 0.0)
        sums[4] += short
        sums[5] += net > 0
    return np.asarray(short)
