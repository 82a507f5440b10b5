"""Setting bad items aside: solve the rest, and say which were left out and why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]
Items = NDArray[np.intp]
Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class Fault:
    """Items (by position) left out for one reason, in the words of the error."""

    items: Items
    message: str


@dataclass(frozen=True, eq=False)
class SetAside(Generic[Result]):
    """``result`` for the ``items`` that were kept (positions, rising), and the ``faults`` of the others."""

    result: Result
    items: Items
    faults: tuple[Fault, ...]
    count: int

    @property
    def left_out(self) -> Items:
        """Positions of all items set aside, rising."""
        return np.setdiff1d(np.arange(self.count), self.items)

    def full(self, values: Array, missing: float = float("nan")) -> Array:
        """``values`` of the kept items over all items, ``missing`` where an item was set aside."""
        spread = np.full((self.count, *np.shape(values)[1:]), missing)
        spread[self.items] = values
        return spread


def set_aside(work: Callable[[Items], Result], count: int) -> SetAside[Result]:
    """Run ``work(items)`` on all ``count`` items; where it refuses some by name, leave those out and run the rest.

    ``work`` gets the positions of the items to use, and picks from its own arrays. An error that does not name items
    (a wrong option, levels out of order) is raised as it is, and so is one that leaves no item.

    >>> from capacity_opt import Poisson, optimize_newsvendor
    >>> mean, cost = np.array([5.0, -1.0, 20.0]), np.array([9.0, 9.0, 4.0])
    >>> done = set_aside(
    ...     lambda items: optimize_newsvendor(Poisson(mean[items]), stockout_cost=cost[items], holding_cost=1), 3)
    >>> done.full(done.result.order_quantity)
    array([ 8., nan, 24.])
    >>> done.faults[0].items, done.faults[0].message
    (array([1]), 'mean must be >= 0, got -1 at position 1')
    """
    total = int(_checks.whole("count", count, at_least=1))
    items: Items = np.arange(total)
    faults: list[Fault] = []
    while True:
        try:
            return SetAside(work(items), items, tuple(faults), total)
        except ArgumentError as error:
            bad = np.asarray(error.positions, dtype=np.intp)
            if len(bad) == 0 or error.length != len(items) or len(bad) == len(items):
                raise
            faults.append(Fault(items[bad], str(error)))
            items = np.delete(items, bad)
