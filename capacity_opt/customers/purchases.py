"""Histories of repeat purchases, as the models of customer activity need them: frequency, recency, age."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, init=False)
class PurchaseHistory:
    """Per customer (n,): ``repeats`` purchases after the first, ``last`` time of the last one and ``age`` now, both
    since the first purchase; ``weight``: how many customers are like this one.

    Raises :class:`~capacity_opt.ArgumentError` unless 0 <= last <= age, and last = 0 where there are no repeats.

    >>> PurchaseHistory([2, 0], [30.4, 0], [38.9, 38.9]).repeats
    array([2., 0.])
    """

    repeats: Array
    last: Array
    age: Array
    weight: Array

    def __init__(self, repeats: ArrayLike, last: ArrayLike, age: ArrayLike, weight: ArrayLike = 1.0) -> None:
        _, given = _checks.broadcast(repeats=repeats, last=last, age=age, weight=weight)
        for name, value in given.items():
            object.__setattr__(self, name, np.atleast_1d(_checks.non_negative(name, value)).astype(np.float64))
        _checks.whole("repeats", self.repeats)
        if np.any(self.last > self.age + 1e-9):
            worst = int(np.argmax(self.last - self.age))
            raise ArgumentError(
                f"last must be at most age, got {self.last[worst]:g} > {self.age[worst]:g} for customer {worst}. "
                "Are the columns swapped?"
            )
        if np.any((self.repeats == 0) & (self.last > 0)):
            worst = int(np.argmax((self.repeats == 0) & (self.last > 0)))
            raise ArgumentError(
                f"last must be 0 without repeat purchases, got {self.last[worst]:g} for customer {worst}. "
                "repeats counts purchases after the first"
            )

    @classmethod
    def from_purchases(cls, customer: ArrayLike, time: ArrayLike, *, end: float) -> Self:
        """From a log: ``customer`` (m,) ids and ``time`` (m,) of each purchase; what is after ``end`` is left out.
        Purchases of a customer at the same time are one. Customers in the order of their sorted ids.

        >>> PurchaseHistory.from_purchases(["a", "b", "a"], [0, 1, 4], end=10).age
        array([10.,  9.])
        """
        ids, when = np.asarray(customer), _checks.numbers("time", time)
        _checks.same_length(customer=ids, time=when)
        seen = when <= end
        if not seen.any():
            raise ArgumentError(f"no purchase is at or before end = {end:g}")
        _, who = np.unique(ids[seen], return_inverse=True)
        distinct = np.unique(np.column_stack([who.astype(np.float64), when[seen]]), axis=0)
        person = distinct[:, 0].astype(np.int64)
        first = np.full(int(person.max()) + 1, np.inf)
        latest = np.full(len(first), -np.inf)
        np.minimum.at(first, person, distinct[:, 1])
        np.maximum.at(latest, person, distinct[:, 1])
        return cls(np.bincount(person) - 1.0, latest - first, end - first)

    def grouped(self) -> PurchaseHistory:
        """The same history with equal customers in one row, by their weight."""
        rows, which = np.unique(np.column_stack([self.repeats, self.last, self.age]), axis=0, return_inverse=True)
        return PurchaseHistory(rows[:, 0], rows[:, 1], rows[:, 2], np.bincount(np.ravel(which), weights=self.weight))

    def __len__(self) -> int:
        """Rows."""
        return len(self.repeats)
