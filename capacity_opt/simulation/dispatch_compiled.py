"""The compiled greedy dispatch; it repeats the arithmetic of :mod:`capacity_opt.simulation.dispatch`. Needs numba."""

from __future__ import annotations

from types import FunctionType
from typing import Any, cast

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from capacity_opt.simulation.repack import move_aside, repack, room

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


def _buy(asked: float, weight: float, load: Array, capacity: Array, left: Array, added: Array, budget: float) -> float:
    """Servers bought so that what is left suffices for ``asked``, as far as the budget goes."""
    needed = 0.0
    for r in range(len(load)):
        if load[r] > 0.0:
            needed = max(needed, (asked * load[r] - left[r]) / capacity[r])
    servers = min(needed, budget / weight)
    for r in range(len(load)):
        left[r] += servers * capacity[r]
        added[r] += servers * capacity[r]
    return servers


_buy_compiled = njit(cache=True, nogil=True)(_buy)


def _take(asked: float, load: Array, left: Array) -> float:
    """Units served from what is left, which is reduced."""
    amount = asked
    for r in range(len(load)):
        if load[r] > 0.0:
            amount = min(amount, left[r] / load[r])
    amount = max(amount, 0.0)
    for r in range(len(load)):
        left[r] = max(left[r] - amount * load[r], 0.0)
    return amount


_take_compiled = njit(cache=True, nogil=True)(_take)


def _compiled(function: FunctionType, **called: object) -> Any:
    """Compile plain Python lines that call others: those are given compiled too."""
    rebound = FunctionType(function.__code__, {**function.__globals__, **called}, function.__name__)
    rebound.__qualname__, rebound.__module__ = function.__qualname__, function.__module__
    return njit(cache=True, nogil=True)(rebound)


_room_compiled = njit(cache=True, nogil=True)(room)
_aside_compiled = _compiled(cast(FunctionType, move_aside), room=_room_compiled)
_repack_compiled = _compiled(cast(FunctionType, repack), room=_room_compiled, move_aside=_aside_compiled)


def _account(
    servers: Array, capacity: Array, left: Array, added: Array, share: float, small: float, used: Array, idle: Array
) -> None:
    """Add what owned servers gave, and what they could not give because another resource ran out."""
    for q in range(capacity.shape[0]):
        exhausted = False
        for r in range(capacity.shape[1]):
            exhausted = exhausted or left[q, r] <= small * servers[q] * capacity[q, r]
        for r in range(capacity.shape[1]):
            own = servers[q] * capacity[q, r]
            taken = min(own + added[q, r] - left[q, r], own)
            used[r] += share * taken
            if exhausted:
                idle[r] += share * (own - taken)


_account_compiled = njit(cache=True, nogil=True)(_account)


# fmt: off
def _serve_cell(
    asked: Array, budget: Array, opened: BoolArray, capacity: Array, order: IntArray, preference: IntArray,
    owned: IntArray, stack: IntArray, option: IntArray, weight: Array, load: Array, amounts: Array, left: Array,
    added: Array, spent: Array,
) -> None:
    # fmt: on
    """One block of one sample: ``asked`` (J,) goes down, ``amounts`` (N,) and ``spent`` (M,) go up."""
    for j in order:
        for way in preference[j]:
            if way < 0 or asked[j] <= 0.0:
                break
            if not opened[way]:
                continue
            q, m = stack[way], option[way]
            if m >= 0:
                rest = budget[m] - spent[m]
                servers = _buy_compiled(asked[j], weight[way], load[way], capacity[q], left[q], added[q], rest)
                spent[m] += weight[way] * servers
            amount = _take_compiled(asked[j], load[way], left[q])
            amounts[way] += amount
            asked[j] -= amount
        if asked[j] > 0.0:
            asked[j] -= _repack_compiled(asked[j], j, preference[j], opened, owned, stack, load, amounts, left)


_serve_cell_compiled = njit(cache=True, nogil=True)(_serve_cell)


# fmt: off
def _serve_all(
    unmet: Array, servers: Array, budget: Array, lost: BoolArray, capacity: Array, order: IntArray,
    preference: IntArray, owned: IntArray, stack: IntArray, option: IntArray, weight: Array, lost_zone: IntArray,
    load: Array, substitution: Array, spill: Array, block_share: Array, small: float, used: Array, stranded: Array,
    bought: Array, money: Array,
) -> None:
    # fmt: on
    samples, _, periods, blocks = unmet.shape
    for s in prange(samples):
        own = np.int64(s) * (len(servers) > 1)
        funds = np.int64(s) * (len(budget) > 1)
        state = np.int64(s) * (len(lost) > 1)
        left = np.zeros(capacity.shape)
        added = np.zeros(capacity.shape)
        amounts = np.zeros(len(stack))
        spent = np.zeros(budget.shape[2])
        opened = np.zeros(len(stack), dtype=np.bool_)
        for t in range(periods):
            for way in range(len(stack)):
                opened[way] = lost_zone[way] < 0 or lost[state, t, lost_zone[way]]
            for b in range(blocks):
                for q in range(capacity.shape[0]):
                    for r in range(capacity.shape[1]):
                        left[q, r] = servers[own, t, q] * capacity[q, r]
                added[:] = 0.0
                amounts[:] = 0.0
                spent[:] = 0.0
                _serve_cell_compiled(
                    unmet[s, :, t, b], budget[funds, t], opened, capacity, order, preference[t], owned, stack, option,
                    weight, load, amounts, left, added, spent,
                )  # fmt: skip
                for way in range(len(stack)):
                    money[s, t, 0] += block_share[b] * amounts[way] * substitution[way]
                    money[s, t, 1] += block_share[b] * amounts[way] * spill[way]
                bought[s, t] += block_share[b] * spent
                _account_compiled(
                    servers[own, t], capacity, left, added, block_share[b], small, used[s, t], stranded[s, t]
                )


serve_all = njit(cache=True, nogil=True, parallel=True)(_serve_all)
