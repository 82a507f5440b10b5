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


@dataclass(frozen=True, kw_only=True)
class CappedBaseStock:
    """Order up to ``base_stock_level``, but never more than ``order_cap`` at one review (lost sales: the cap keeps
    orders from following demand too closely).

    >>> CappedBaseStock(base_stock_level=12, order_cap=[5, 7]).order_cap
    array([5., 7.])
    """

    base_stock_level: ArrayLike
    order_cap: ArrayLike

    def __post_init__(self) -> None:
        """Check and broadcast both fields."""
        _, fields = _checks.broadcast(
            base_stock_level=_checks.finite("base_stock_level", self.base_stock_level),
            order_cap=_checks.positive("order_cap", self.order_cap),
        )
        for name, value in fields.items():
            object.__setattr__(self, name, value)


@dataclass(frozen=True, kw_only=True)
class ProjectedInventoryLevel:
    """Order what lifts the *expected* stock on hand when the order arrives to ``projected_level`` (lost sales).

    The expectation is over the demand until then, given what is on hand and in the pipeline (van Jaarsveld and Arts,
    Operations Research 2024).
    """

    projected_level: ArrayLike

    def __post_init__(self) -> None:
        """Store the level as float64."""
        object.__setattr__(self, "projected_level", _checks.finite("projected_level", self.projected_level))


@dataclass(frozen=True, kw_only=True)
class TimeVaryingOrderUpTo:
    """(s_t, S_t): in period t, when the position is at or below ``reorder_point[t]``, order up to
    ``order_up_to_level[t]``. Axis 0 of both is time, shape (periods,) or (periods, n); played beyond its end it starts
    again from the first period, so a seasonal cycle is given once.
    """

    reorder_point: ArrayLike
    order_up_to_level: ArrayLike

    def __post_init__(self) -> None:
        """Check and broadcast both fields; S_t must not lie below s_t."""
        _, fields = _checks.broadcast(
            reorder_point=_checks.finite("reorder_point", self.reorder_point),
            order_up_to_level=_checks.finite("order_up_to_level", self.order_up_to_level),
        )
        if np.any(fields["order_up_to_level"] < fields["reorder_point"]):
            raise ArgumentError("order_up_to_level must be >= reorder_point in every period for every item")
        if fields["reorder_point"].ndim not in (1, 2):
            raise ArgumentError("levels over time must have shape (periods,) or (periods, items)")
        for name, value in fields.items():
            object.__setattr__(self, name, value)


@dataclass(frozen=True, kw_only=True)
class EchelonBaseStock:
    """A serial line run by echelon base-stock levels, shape (stages,), the stage that meets demand first.

    Each period every stage orders from the next one upstream what lifts its echelon position (stock here and
    downstream, in transit and on order, less customers' backorders) to its level; the last stage orders from outside.
    """

    echelon_base_stock_level: ArrayLike

    def __post_init__(self) -> None:
        """Store the levels as a float64 vector."""
        levels = _checks.finite("echelon_base_stock_level", self.echelon_base_stock_level)
        if levels.ndim != 1:
            raise ArgumentError(f"echelon_base_stock_level must have shape (stages,), got {levels.shape}")
        object.__setattr__(self, "echelon_base_stock_level", levels)
