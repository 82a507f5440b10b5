"""Erlang's loss and waiting formulas, for continuous servers, over any arrays of (load, servers) pairs.

``offered_load`` is arrival rate x mean holding time, in erlangs (units of capacity that would be in use without limit).
Arrivals are Poisson. Blocking does not depend on the law of the holding time beyond its mean; waiting does (Erlang C
assumes exponential service).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from capacity_opt import _checks
from capacity_opt.admission.erlang_kernel import blocking_of
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]


def erlang_b(offered_load: ArrayLike, servers: ArrayLike) -> Array:
    """Share of requests lost when all servers are busy (M/G/c/c), broadcast over both arguments.

    ``servers`` may be fractional (the continuous extension); 0 servers lose all. Relative error about 1e-14 up to
    millions of servers, the constant cost of a few dozen terms a pair. Source: A. K. Erlang, 1917.

    >>> float(erlang_b(2, 6).round(9))
    0.012084592
    >>> erlang_b([0.0, 1e5], [3, 1e5]).round(9)
    array([0.        , 0.00251889])
    """
    load = _checks.non_negative("offered_load", offered_load)
    size = _checks.non_negative("servers", servers)
    shape, both = _checks.broadcast(offered_load=load, servers=size)
    flat = blocking_of(np.ravel(both["offered_load"]), np.ravel(both["servers"]))
    answer: Array = flat.reshape(shape)[()]
    return answer


@dataclass(frozen=True, kw_only=True)
class ErlangC:
    """Waiting in M/M/c: arrays of the broadcast shape of loads and servers.

    ``wait_probability`` is 1 and ``mean_wait`` infinite where the load reaches the servers. ``mean_wait`` counts every
    request, in units of ``holding_time``.
    """

    wait_probability: Array
    mean_wait: Array
    spare: Array
    holding_time: float

    def service_level(self, within: ArrayLike) -> Array:
        """P(wait <= ``within``), in the unit of ``holding_time``.

        >>> round(float(erlang_c(10, 14, holding_time=3).service_level(1 / 3)), 10)
        0.8883500192
        """
        time = _checks.non_negative("within", within)
        late: Array = self.wait_probability * np.exp(-np.maximum(self.spare, 0.0) * time / self.holding_time)
        return 1.0 - late


def erlang_c(offered_load: ArrayLike, servers: ArrayLike, *, holding_time: float = 1.0) -> ErlangC:
    """The share of requests that must wait, and how long, when nobody leaves the queue (M/M/c).

    >>> round(float(erlang_c(90, 100).wait_probability), 10)
    0.2169404809
    """
    hold = float(_checks.positive("holding_time", _checks.single("holding_time", holding_time)))
    blocking = erlang_b(offered_load, servers)
    load, size = np.broadcast_arrays(_checks.numbers("", offered_load), _checks.numbers("", servers))
    spare = size - load
    stable = spare > 0
    room = np.where(stable, spare, 1.0)
    wait = np.where(stable, size * blocking / (room + load * blocking), 1.0)
    mean = np.where(stable, wait * hold / room, np.inf)
    return ErlangC(wait_probability=wait[()], mean_wait=mean[()], spare=spare[()], holding_time=hold)


def servers_for_blocking(offered_load: ArrayLike, blocking: ArrayLike) -> Array:
    """The least whole number of servers that loses at most ``blocking`` of the requests.

    >>> servers_for_blocking([100, 1200], 0.001)
    array([ 128., 1278.])
    """
    load = _checks.non_negative("offered_load", offered_load)
    target = _checks.fraction("blocking", blocking)
    _, both = _checks.broadcast(offered_load=load, blocking=target)
    load, target = both["offered_load"], both["blocking"]
    low = np.full(load.shape, -1.0)
    high = np.ceil(load + 2.0)
    while np.any(late := erlang_b(load, high) > target):
        low, high = np.where(late, high, low), np.where(late, 2.0 * high, high)
    while np.any(high - low > 1):
        middle = np.floor(0.5 * (low + high))
        kept = erlang_b(load, np.maximum(middle, 0.0)) <= target
        low, high = np.where(kept, low, middle), np.where(kept, middle, high)
    return high[()]


def load_for_blocking(servers: ArrayLike, blocking: ArrayLike) -> Array:
    """The load, in erlangs, that ``servers`` carry when exactly ``blocking`` of the requests are lost.

    >>> load_for_blocking(20, [0.01, 0.001]).round(4)
    array([12.0306,  9.4115])
    """
    size = _checks.positive("servers", servers)
    target = _checks.fraction("blocking", blocking)
    _, both = _checks.broadcast(servers=size, blocking=target)
    size, target = both["servers"], both["blocking"]
    high = np.log(size / (1.0 - target))
    low = np.minimum((np.log(target) + special.gammaln(size + 1.0)) / size, high) - 5.0
    x = 0.5 * (low + high)
    for _ in range(200):
        value = np.log(np.maximum(erlang_b(np.exp(x), size), 1e-300))
        over = value > np.log(target)
        low, high = np.where(over, low, x), np.where(over, x, high)
        step = (value - np.log(target)) / np.maximum(size - np.exp(x) * -np.expm1(value), 1e-300)
        guess = x - step
        useful = (guess > low) & (guess < high) & (value > -600.0)
        new = np.where(useful, guess, 0.5 * (low + high))
        done = np.abs(new - x) < 4e-16 * np.maximum(1.0, np.abs(x))
        x = new
        if np.all(done):
            break
    return np.exp(x)[()]


def hayward_blocking(offered_load: ArrayLike, servers: ArrayLike, *, peakedness: ArrayLike) -> Array:
    """Blocking of peaked (bursty) or smooth arrivals: B(load / z, servers / z). An approximation.

    ``peakedness`` z is the variance / mean of the units that would be busy without limit: 1 for Poisson arrivals, above
    1 for bursts. The share is of time-averaged requests. Source: A. A. Fredericks, Bell System Technical Journal 59,
    1980 (after W. S. Hayward).

    >>> round(float(hayward_blocking(10, 14, peakedness=1)), 6) == round(float(erlang_b(10, 14)), 6)
    True
    >>> round(float(hayward_blocking(10, 14, peakedness=2)), 4)
    0.1205
    """
    z = _checks.positive("peakedness", peakedness)
    load = _checks.non_negative("offered_load", offered_load)
    size = _checks.non_negative("servers", servers)
    return erlang_b(load / z, size / z)


def batch_peakedness(mean_size: ArrayLike, second_moment: ArrayLike) -> Array:
    """Peakedness of Poisson batches whose members leave independently after exponential times.

    z = (E[N] + E[N^2]) / (2 E[N]) for batch size N, from its mean and E[N^2]: 1 where every batch is a single request.

    >>> float(batch_peakedness(1, 1)), float(batch_peakedness(4, 16))
    (1.0, 2.5)
    """
    mean = _checks.positive("mean_size", mean_size)
    second = _checks.positive("second_moment", second_moment)
    if np.any(second < mean * mean * (1.0 - 1e-12)) or np.any(second < mean * (1.0 - 1e-12)):
        raise ArgumentError(
            "second_moment must be at least mean_size squared and at least mean_size (sizes are whole numbers >= 1). "
            "Give E[N^2], not the variance"
        )
    answer: Array = ((mean + second) / (2.0 * mean))[()]
    return answer
