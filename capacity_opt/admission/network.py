"""Requests that hold units of several pools at once: exact by enumeration, or the reduced-load approximation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from capacity_opt import _checks
from capacity_opt.admission.erlang_kernel import blocking_of
from capacity_opt.admission.multirate_kernel import occupancy_of
from capacity_opt.errors import ArgumentError, LimitError

Array = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class NetworkLoss:
    """Blocking in a network of pools. ``method`` says how it was found: only ``"exact"`` is a fact about the network.

    ``blocking``: share of requests lost, (classes,); ``mean_used``: units in use, (pools,); ``states``: combinations
    enumerated (0 for approximations); ``pool_blocking``: the approximation's own shares, (pools,) for ``"kelly"`` and
    (pools, classes) for ``"knapsack"``, empty where exact; ``residual``: the largest change in its last round.
    """

    method: Literal["exact", "kelly", "knapsack"]
    blocking: Array
    mean_used: Array
    states: int = 0
    pool_blocking: Array
    residual: float = 0.0

    @property
    def approximate(self) -> bool:
        """Whether the figures are an approximation (which can be three times off)."""
        return self.method != "exact"


def network_loss(
    usage: ArrayLike, *, capacity: ArrayLike, load: ArrayLike, most_states: int = 5_000_000
) -> NetworkLoss:
    """Exact blocking, first come first served, by summing the product form over every state.

    ``usage`` (pools, classes): whole units of each pool that a request holds; ``capacity`` (pools,); ``load``
    (classes,), in requests. Exact for any holding times. Raises :class:`~capacity_opt.LimitError` above ``most_states``
    states: use :func:`~capacity_opt.simulate_admission`.

    >>> network_loss([[1, 0], [1, 2]], capacity=[4, 5], load=[1, 1]).blocking.round(6)
    array([0.111111, 0.267974])
    """
    take, room, offered = network_arguments(usage, capacity, load)
    used = np.zeros((1, len(room)), dtype=np.int64)
    weight = np.zeros(1)
    for k, one in enumerate(take.T):
        most = int(np.min(room[one > 0] // one[one > 0])) if np.any(one > 0) else 0
        if offered[k] == 0 or most == 0:
            continue
        used, weight = _add_class(used, weight, one, room, most, float(offered[k]), most_states)
    share = np.exp(weight - weight.max())
    share /= share.sum()
    fits = [np.all(used + one <= room, axis=1) for one in take.T]
    blocked = np.array([share[~fit].sum() for fit in fits])
    return NetworkLoss(
        method="exact", blocking=blocked, mean_used=share @ used, states=len(used), pool_blocking=np.empty(0)
    )


def approximate_network_loss(
    usage: ArrayLike,
    *,
    capacity: ArrayLike,
    load: ArrayLike,
    method: Literal["knapsack", "kelly"] = "knapsack",
    tolerance: float = 1e-12,
    most_rounds: int = 20_000,
) -> NetworkLoss:
    """The reduced-load fixed point: every pool on its own, offered what the other pools let through.

    ``"knapsack"`` uses the multi-rate recursion in each pool, ``"kelly"`` thins single units by Erlang B (F. P. Kelly,
    Annals of Applied Probability 1, 1991). **An approximation**: pools are taken as independent. On four equal pools in
    series it says 0.108 where the truth is 0.037; with requests that cannot fit, ``"kelly"`` says 0.32 where all are
    lost. Use :func:`network_loss` or :func:`~capacity_opt.simulate_admission` for figures to rely on.

    >>> told = approximate_network_loss([[1, 0], [1, 2]], capacity=[4, 5], load=[1, 1])
    >>> told.blocking.round(4), told.approximate
    (array([0.1148, 0.2678]), True)
    """
    take, room, offered = network_arguments(usage, capacity, load)
    _checks.positive("tolerance", tolerance)
    if method == "knapsack":
        shape: tuple[int, ...] = take.shape
        update: Callable[[Array], Array] = lambda b: _knapsack_round(b, take, room, offered)  # noqa: E731
    elif method == "kelly":
        shape = room.shape
        update = lambda b: _kelly_round(b, take, room, offered)  # noqa: E731
    else:
        raise ArgumentError(f"method must be 'knapsack' or 'kelly', got {method!r}")
    passed, residual = _settle(np.zeros(shape), update, tolerance, most_rounds)
    lost = passed if method == "knapsack" else 1.0 - (1.0 - passed[:, None]) ** take
    blocking = 1.0 - np.prod(1.0 - lost, axis=0)
    return NetworkLoss(
        method=method,
        blocking=blocking,
        mean_used=take @ (offered * (1.0 - blocking)),
        pool_blocking=passed,
        residual=residual,
    )


def network_arguments(usage: ArrayLike, capacity: ArrayLike, load: ArrayLike) -> tuple[Whole, Whole, Array]:
    """The three arguments checked: usage (pools, classes), capacity (pools,), load (classes,)."""
    take = _checks.whole("usage", usage)
    if take.ndim != 2 or take.size == 0:
        raise ArgumentError(f"usage must have shape (pools, classes), got {take.shape}")
    room = _checks.whole("capacity", _checks.shape("capacity", capacity, take.shape[:1], "pools"))
    offered = _checks.non_negative("load", _checks.shape("load", load, take.shape[1:], "classes"))
    return take, room, offered


def _add_class(
    used: Whole, weight: Array, one: Whole, room: Whole, most: int, load: float, most_states: int
) -> tuple[Whole, Array]:
    """Every state so far with 0, 1, 2, ... requests of one more class, as long as they fit."""
    states, weights, count = [used], [weight], len(used)
    held, own = used, weight
    for n in range(1, most + 1):
        held = held + one
        fit = np.all(held <= room, axis=1)
        held, own = held[fit], own[fit]
        if not len(held):
            break
        count += len(held)
        if count > most_states:
            raise LimitError(
                f"the network has more than {most_states} states (most_states): use simulate_admission, "
                "or approximate_network_loss for a rough figure"
            )
        states.append(held)
        weights.append(own + n * np.log(load) - special.gammaln(n + 1.0))
    return np.concatenate(states), np.concatenate(weights)


def _settle(start: Array, update: Callable[[Array], Array], tolerance: float, most_rounds: int) -> tuple[Array, float]:
    """Repeat ``update``, half a step at a time where whole steps swing, until nothing moves."""
    now, step, last = start, 1.0, np.inf
    change = np.inf
    for _ in range(most_rounds):
        new = update(now)
        change = float(np.max(np.abs(new - now), initial=0.0))
        if change <= tolerance:
            return new, change
        if change > 0.95 * last:
            step = max(0.5 * step, 0.05)
        last = change
        now = now + step * (new - now)
    return now, change


def _knapsack_round(lost: Array, take: Whole, room: Whole, offered: Array) -> Array:
    new = np.zeros_like(lost)
    for pool in range(len(room)):
        others = np.delete(lost, pool, axis=0)
        load = offered * np.prod(1.0 - others, axis=0)
        here = take[pool] > 0
        if np.any(here):
            size = take[pool, here]
            q = occupancy_of(int(room[pool]), load[here][None], size, np.zeros((1, size.size), dtype=np.int64))
            tail = np.append(np.cumsum(q[0, ::-1]), 1.0)
            new[pool, here] = np.where(size > room[pool], 1.0, tail[np.minimum(size, room[pool] + 1) - 1])
    return new


def _kelly_round(lost: Array, take: Whole, room: Whole, offered: Array) -> Array:
    kept = 1.0 - lost
    through = offered * np.prod(kept[:, None] ** take, axis=0)
    thinned = (take @ through) / np.maximum(kept, 1e-300)
    return blocking_of(thinned, room.astype(np.float64))
