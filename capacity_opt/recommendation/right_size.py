"""The cheapest instance or server type that a workload fits on, from its own usage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
MONTH = 30


@dataclass(frozen=True, kw_only=True)
class RightSizing:
    """Per workload (n,): ``option`` chosen (-1: none fits), its ``price``, the share of time in which some resource is
    short on it (``throttle``) with the upper end of its interval (``throttle_high``), the chance that a month of days
    like those seen is short for more than the tolerance (``overrun``), and which resource binds (``binding``, position;
    the one with the least room). ``throttle_by_option`` (n, m): the price-performance curve."""

    option: IntArray
    price: Array
    throttle: Array
    throttle_high: Array
    overrun: Array
    binding: IntArray
    throttle_by_option: Array

    def curve(self, workload: int, price: ArrayLike) -> IntArray:
        """Options of one workload that no other beats in both price and throttling, cheapest first."""
        money = np.asarray(price, dtype=np.float64)
        order = np.lexsort((self.throttle_by_option[workload], money))
        kept, best = [], np.inf
        for option in order.tolist():
            if self.throttle_by_option[workload, option] < best - 1e-15:
                kept.append(option)
                best = self.throttle_by_option[workload, option]
        return np.array(kept, dtype=np.int64)


def right_size(
    usage: ArrayLike,
    capacity: ArrayLike,
    price: ArrayLike,
    *,
    tolerance: float = 0.01,
    per_day: int = 24,
    confidence: float = 0.95,
) -> RightSizing:
    """Choose for every workload the cheapest option with P(throttle) <= ``tolerance``.

    ``usage`` (n, hours, R) or (n, hours): what the workload took of each resource; ``capacity`` (m, R) or (m,): what
    each option gives of it (already times its performance); ``price`` (m,). P(throttle) is the share of hours in which
    usage exceeds capacity in some resource. Its upper end is a Wilson bound that counts ``per_day`` observations as
    one, since hours of a day resemble each other. Usage that was itself capped looks smaller than what was wanted: then
    this is a lower bound, and says so only if the caller knows.

    >>> told = right_size([[1, 2, 3, 4]], [2, 4, 8], [10, 20, 40], tolerance=0.3)
    >>> told.option.tolist(), told.throttle.tolist()
    ([1], [0.0])
    """
    used, room, money = _given(usage, capacity, price)
    allowed = float(_checks.between("tolerance", tolerance, 0.0, 1.0))
    days = max(1.0, used.shape[1] / float(_checks.positive("per_day", per_day)))
    short = np.stack([np.any(used > option + 1e-12, axis=2).mean(axis=1) for option in room], axis=1)
    order = np.argsort(money, kind="stable")
    fits = short[:, order] <= allowed + 1e-12
    chosen = np.where(fits.any(axis=1), order[np.argmax(fits, axis=1)], -1)
    there = np.maximum(chosen, 0)
    throttle = np.where(chosen >= 0, short[np.arange(len(used)), there], np.nan)
    peak = np.quantile(used, 1.0 - allowed, axis=1, method="higher") if allowed < 1 else used.max(axis=1)
    return RightSizing(
        option=chosen.astype(np.int64),
        price=np.where(chosen >= 0, money[there], np.nan),
        throttle=throttle,
        overrun=_overrun(np.any(used > room[there][:, None, :] + 1e-12, axis=2), chosen >= 0, allowed, int(per_day)),
        throttle_high=_upper(throttle, days, float(_checks.fraction("confidence", confidence))),
        binding=np.argmax(peak / room[there], axis=1).astype(np.int64),
        throttle_by_option=short,
    )


def _overrun(short: NDArray[np.bool_], fits: NDArray[np.bool_], allowed: float, per_day: int) -> Array:
    """(n,) P(a month of days redrawn from those seen is short in more than the allowed share of it), exact: the sum of
    30 independent days. ``short`` (n, hours)."""
    from scipy import fft

    hours = short.shape[1]
    size = min(per_day, hours)
    days = short[:, hours - hours // size * size :].reshape(len(short), -1, size).sum(axis=2)
    chance = np.full(len(short), np.nan)
    length = MONTH * size + 1
    for row in np.flatnonzero(fits):
        law = np.bincount(days[row], minlength=size + 1) / days.shape[1]
        total = fft.irfft(fft.rfft(law, 2 * length) ** MONTH, 2 * length)[:length]
        beyond = total[np.arange(length) > allowed * MONTH * size + 1e-9].sum()
        chance[row] = min(max(beyond, 0.0), 1.0) if beyond > 1e-12 else 0.0
    return chance


def _given(usage: ArrayLike, capacity: ArrayLike, price: ArrayLike) -> tuple[Array, Array, Array]:
    used, room = _checks.non_negative("usage", usage), _checks.positive("capacity", capacity)
    used = used[:, :, None] if used.ndim == 2 else used
    room = room[:, None] if room.ndim == 1 else room
    if used.ndim != 3 or room.ndim != 2 or used.shape[2] != room.shape[1] or not used.size:
        raise ArgumentError(
            f"usage must have shape (workloads, hours, resources) and capacity (options, resources), "
            f"got {used.shape} and {room.shape}"
        )
    return used, room, _checks.shape("price", _checks.positive("price", price), (len(room),), "options")


def _upper(share: Array, count: float, confidence: float) -> Array:
    z = float(special.ndtri(0.5 + confidence / 2))
    centre = share + z * z / (2 * count)
    reach = z * np.sqrt(np.maximum(share * (1 - share), 0.0) / count + z * z / (4 * count * count))
    return np.minimum((centre + reach) / (1 + z * z / count), 1.0)
