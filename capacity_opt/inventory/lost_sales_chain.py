"""The Markov chain of one item with lost sales under any stationary policy, and its steady state.

Order of events in a period: the order placed ``lead_time`` periods ago arrives; the state is seen (stock on hand and
the orders still to come, oldest first); an order is placed; demand takes what it finds, the rest is lost; costs.
Only states that the policy can reach from a full shelf are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capacity_opt.demand.protocol import Demand
from capacity_opt.errors import ArgumentError, LimitError

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
Rule = Callable[[IntArray], IntArray]  # states (m, max(lead_time, 1)) -> orders (m,)

DEMAND_TAIL = 1e-13
MOST_STATES = 1_000_000
LONGEST_LEAD_TIME = 30  # a state needs some bits per period of lead time, and there are 63
MOST_STEPS = 100_000
LAZINESS = 0.05  # a small chance to stay put makes every chain aperiodic and leaves its steady state as it is
SETTLED = 1e-12


@dataclass(frozen=True)
class DemandTable:
    """One item's demand per period: ``mass[d]`` = P(D = d), the last entry P(D >= d)."""

    mean: float
    mass: Array
    demand: Demand

    def loss(self, stock: IntArray) -> Array:
        """E[max(D - stock, 0)], from the distribution itself, not from the table."""
        return np.asarray(self.demand.loss(stock.astype(np.float64)))

    def no_shortage(self, stock: IntArray) -> Array:
        """P(D <= stock)."""
        return np.asarray(self.demand.cdf(stock.astype(np.float64)))

    def leftover(self, most: int) -> Array:
        """``[x, y]`` = P(max(x - D, 0) = y) for x and y from 0 to ``most``."""
        stock, left = np.arange(most + 1)[:, None], np.arange(most + 1)
        sold = stock - left
        inside = (sold >= 0) & (sold < len(self.mass)) & (left > 0)
        matrix = np.where(inside, self.mass[np.clip(sold, 0, len(self.mass) - 1)], 0.0)
        matrix[:, 0] = 1.0 - matrix.sum(axis=1)
        return matrix

    def quantile_over(self, periods: int, level: float) -> int:
        """The smallest whole x with P(demand over so many periods <= x) >= level."""
        total = self.mass
        for _ in range(periods - 1):
            total = np.convolve(total, self.mass)
        return int(np.searchsorted(np.cumsum(total) / total.sum(), level))


@dataclass(frozen=True)
class SteadyState:
    """Probabilities of the stock on hand after arrivals and before demand: 0, 1, ..., and the mean order."""

    on_hand: Array
    mean_order: float


def demand_table(demand: Demand) -> DemandTable:
    """The table of one item's discrete demand, cut where less than 1e-13 is left."""
    if not demand.discrete:
        raise ArgumentError(
            f"lost sales need discrete demand, got {type(demand).__name__}. Use Poisson, NegativeBinomial or a Pmf."
        )
    top = int(np.max(demand.quantile(1.0 - DEMAND_TAIL)))
    below = np.asarray(demand.cdf(np.arange(top, dtype=np.float64)), dtype=np.float64)
    mass = np.diff(below, prepend=0.0, append=1.0)
    return DemandTable(float(np.max(demand.mean)), np.maximum(mass, 0.0), demand)


def steady_state(table: DemandTable, rule: Rule, lead_time: int, start: int) -> SteadyState:
    """Explore from ``start`` on hand and nothing on order, then iterate to the steady state."""
    if lead_time == 0:
        return _immediate(table, rule, start)
    states, orders, rows, columns, chances = _explore(table, rule, lead_time, start)
    from scipy import sparse

    forward = sparse.csr_array((chances, (columns, rows)), shape=(len(states), len(states)))
    share = np.zeros(len(states))
    share[0] = 1.0
    for _ in range(MOST_STEPS):
        moved = forward @ share
        moved = (1.0 - LAZINESS) * moved + LAZINESS * share
        change = float(np.abs(moved - share).sum())
        share = moved / moved.sum()
        if change < SETTLED:
            return SteadyState(_shares(states[:, 0], share), float(share @ orders))
    raise LimitError(f"the lost-sales chain of {len(states)} states did not settle in {MOST_STEPS} steps")


def _immediate(table: DemandTable, rule: Rule, start: int) -> SteadyState:
    """Orders arrive before demand: the state before ordering is what the last period left. ``start`` is the most that
    any rule raises the stock to."""
    left = np.arange(start + 1)
    raised = np.minimum(left + rule(left[:, None]), start)
    leftover = table.leftover(start)[raised]
    share = np.zeros(start + 1)
    share[start] = 1.0
    for _ in range(MOST_STEPS):
        moved = (1.0 - LAZINESS) * (share @ leftover) + LAZINESS * share
        change = float(np.abs(moved - share).sum())
        share = moved
        if change < SETTLED:
            return SteadyState(_shares(raised, share), float(share @ (raised - left)))
    raise LimitError(f"the lost-sales chain of {start + 1} states did not settle in {MOST_STEPS} steps")


def _shares(values: IntArray, share: Array) -> Array:
    """The total share of each value 0, 1, ..."""
    total = np.zeros(int(values.max()) + 1)
    np.add.at(total, values, share)
    return total


def _explore(
    table: DemandTable, rule: Rule, lead_time: int, start: int
) -> tuple[IntArray, IntArray, IntArray, IntArray, Array]:
    """Breadth first: states in order of discovery, their orders, and all transitions (from, to, probability)."""
    states = np.zeros((1, lead_time), dtype=np.int64)
    states[0, 0] = start
    frontier, known, found = states, 1, [states]
    orders, rows, nexts, chances = [], [], [], []
    seen = _Seen(states)
    while len(frontier):
        placed = rule(frontier)
        row, after, chance = _step(table, frontier, placed)
        rows.append(row + known - len(frontier))
        orders.append(placed)
        nexts.append(after)
        chances.append(chance)
        frontier = seen.new(after)
        known += len(frontier)
        found.append(frontier)
        if known > MOST_STATES:
            raise ArgumentError(
                f"lost sales with lead_time {lead_time} reach more than {MOST_STATES} states. "
                "Use longer periods or larger units, or judge the policy by simulation."
            )
    columns = seen.index(np.concatenate(nexts))
    return np.concatenate(found), np.concatenate(orders), np.concatenate(rows), columns, np.concatenate(chances)


def _step(table: DemandTable, states: IntArray, placed: IntArray) -> tuple[IntArray, IntArray, Array]:
    """Every sale that a state allows: (position of the state, next state, probability)."""
    on_hand, top = states[:, 0], len(table.mass) - 1
    outcomes = np.minimum(on_hand, top) + 1
    row = np.repeat(np.arange(len(states)), outcomes)
    sold = np.arange(len(row)) - np.repeat(np.cumsum(outcomes) - outcomes, outcomes)
    at_least = np.cumsum(table.mass[::-1])[::-1]
    chance = np.where(sold == on_hand[row], at_least[np.minimum(sold, top)], table.mass[sold])
    possible = chance > 0
    row, sold, chance = row[possible], sold[possible], chance[possible]
    pipeline = np.column_stack([states, placed])[row]
    after = pipeline[:, 1:].copy()
    after[:, 0] += pipeline[:, 0] - sold
    return row, after, chance


class _Seen:
    """Which states are known, and at which position each was found; a state is packed into one integer."""

    def __init__(self, states: IntArray) -> None:
        self._bits = 63 // states.shape[1]
        self._keys = self._pack(states)
        self._positions = np.arange(len(states))

    def new(self, states: IntArray) -> IntArray:
        """The states not known yet, each once; they are known from now on."""
        keys, first = np.unique(self._pack(states), return_index=True)
        place = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        fresh = self._keys[place] != keys
        keys, first = keys[fresh], first[fresh]
        merged = np.concatenate([self._keys, keys])
        positions = np.concatenate([self._positions, len(self._positions) + np.arange(len(keys))])
        order = np.argsort(merged, kind="stable")
        self._keys, self._positions = merged[order], positions[order]
        chosen: IntArray = states[first]
        return chosen

    def index(self, states: IntArray) -> IntArray:
        """The position at which each state was found."""
        found = np.searchsorted(self._keys, self._pack(states))
        return self._positions[found].astype(np.int64)

    def _pack(self, states: IntArray) -> IntArray:
        if self._bits < 63 and int(states.max(initial=0)) >> self._bits:
            raise ArgumentError(
                f"stock of {int(states.max())} units with {states.shape[1]} periods of lead time is too much for an "
                "exact lost-sales chain. Use longer periods or larger units, or judge the policy by simulation."
            )
        key = np.zeros(len(states), dtype=np.int64)
        for column in states.T:
            key = (key << self._bits) | column
        packed: IntArray = key
        return packed
