"""What a policy does at a review, as numbers the simulation's loop can follow.

Every single-location policy is one rule: when the position is at or below ``trigger``, order; with ``lot`` 0 up to
``up_to``, else the smallest multiple of ``lot`` that lifts the position above ``trigger``; never more than ``cap``.
A new policy joins by registering a function with :func:`rule_of`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatch

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import ArgumentError
from capacity_opt.problem.policies import (
    BaseStock,
    CappedBaseStock,
    ReorderPointOrderQuantity,
    ReorderPointOrderUpTo,
    TimeVaryingOrderUpTo,
)

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """The rule as arrays: ``trigger``, ``up_to`` (cycle, *items), ``lot``, ``cap`` (*items,). ``every_review`` tells
    that each review counts as an order for the cycle service level, as under base stock."""

    trigger: Array
    up_to: Array
    lot: Array
    cap: Array
    every_review: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape over items."""
        return np.broadcast_shapes(self.trigger.shape[1:], self.lot.shape, self.cap.shape)


@singledispatch
def rule_of(policy: object) -> Rule:
    """The rule a policy follows; raises :class:`~capacity_opt.errors.ArgumentError` for an unknown policy."""
    known = ", ".join(kind.__name__ for kind in rule_of.registry if kind is not object)
    raise ArgumentError(f"policy must be one of {known}, got {type(policy).__name__}")


@rule_of.register
def _(policy: BaseStock) -> Rule:
    level = np.asarray(policy.base_stock_level)[None]
    none = np.zeros(level.shape[1:])
    return Rule(trigger=level, up_to=level, lot=none, cap=none + np.inf, every_review=True)


@rule_of.register
def _(policy: CappedBaseStock) -> Rule:
    level = np.asarray(policy.base_stock_level)[None]
    cap = np.asarray(policy.order_cap)
    return Rule(trigger=level, up_to=level, lot=np.zeros_like(cap), cap=cap, every_review=True)


@rule_of.register
def _(policy: ReorderPointOrderUpTo) -> Rule:
    trigger = np.asarray(policy.reorder_point)[None]
    none = np.zeros(trigger.shape[1:])
    up_to = np.asarray(policy.order_up_to_level)[None]
    return Rule(trigger=trigger, up_to=up_to, lot=none, cap=none + np.inf, every_review=False)


@rule_of.register
def _(policy: ReorderPointOrderQuantity) -> Rule:
    trigger, lot = np.asarray(policy.reorder_point)[None], np.asarray(policy.order_quantity)
    return Rule(trigger=trigger, up_to=trigger + lot, lot=lot, cap=np.full_like(lot, np.inf), every_review=False)


@rule_of.register
def _(policy: TimeVaryingOrderUpTo) -> Rule:
    trigger = np.asarray(policy.reorder_point)
    none = np.zeros(trigger.shape[1:])
    up_to = np.asarray(policy.order_up_to_level)
    return Rule(trigger=trigger, up_to=up_to, lot=none, cap=none + np.inf, every_review=False)
