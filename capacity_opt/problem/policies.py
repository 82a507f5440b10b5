"""Replenishment policies: the rule that says when to order and how much. Values only; optimisers return subclasses
that add what the policy costs, and the simulation plays any of them.

Inventory position = on hand + on order - backorders.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class BaseStock:
    """At each review order up to ``base_stock_level``: order = level - inventory position, where that is positive.

    >>> BaseStock(base_stock_level=[12, 7]).base_stock_level
    array([12.,  7.])
    """

    base_stock_level: ArrayLike

    def __post_init__(self) -> None:
        """Store the level as float64."""
        object.__setattr__(self, "base_stock_level", _checks.finite("base_stock_level", self.base_stock_level))


@dataclass(frozen=True, kw_only=True)
class ReorderPointOrderQuantity:
    """(r, Q): as soon as the position is at or below ``reorder_point``, order ``order_quantity``, or the smallest
    multiple of it that lifts the position above the reorder point ((r, nQ) where demand can jump)."""

    reorder_point: ArrayLike
    order_quantity: ArrayLike

    def __post_init__(self) -> None:
        """Check and broadcast both fields."""
        _, fields = _checks.broadcast(
            reorder_point=_checks.finite("reorder_point", self.reorder_point),
            order_quantity=_checks.positive("order_quantity", self.order_quantity),
        )
        for name, value in fields.items():
            object.__setattr__(self, name, value)


@dataclass(frozen=True, kw_only=True)
class ReorderPointOrderUpTo:
    """(s, S): when the position is at or below ``reorder_point`` (s), order up to ``order_up_to_level`` (S)."""

    reorder_point: ArrayLike
    order_up_to_level: ArrayLike

    def __post_init__(self) -> None:
        """Check and broadcast both fields; S must not lie below s."""
        _, fields = _checks.broadcast(
            reorder_point=_checks.finite("reorder_point", self.reorder_point),
            order_up_to_level=_checks.finite("order_up_to_level", self.order_up_to_level),
        )
        if np.any(fields["order_up_to_level"] < fields["reorder_point"]):
            raise ArgumentError("order_up_to_level must be >= reorder_point for every item")
        for name, value in fields.items():
            object.__setattr__(self, name, value)
