"""The Kaufman-Roberts recursion over many candidates at once, rescaled as it goes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from capacity_opt._compiled import compiled

Array = NDArray[np.float64]
Whole = NDArray[np.int64]
prange = range

LARGE = 1e250
SMALL = 1e-250


def occupancy_of(capacity: int, load: Array, size: Whole, reservation: Whole) -> Array:
    """P(j units used), shape (candidates, capacity + 1).

    ``load`` has shape (candidates or 1, classes), ``reservation`` (candidates, classes), ``size`` (classes,).
    """
    load = np.ascontiguousarray(np.broadcast_to(load, reservation.shape))
    reservation = np.ascontiguousarray(reservation)
    q = np.zeros((len(reservation), capacity + 1))
    kernel = compiled(fill_occupancy)
    if kernel is not None:
        kernel(load, size, reservation, q)
    else:
        _fill_numpy(load, size, reservation, q)
    return q


def fill_occupancy(load: Array, size: Whole, reservation: Whole, q: Array) -> None:
    """j q(j) = sum of load x size x q(j - size) over the classes that may reach j, j <= capacity - reservation."""
    top = q.shape[1] - 1
    for i in prange(q.shape[0]):
        q[i, 0] = 1.0
        for j in range(1, top + 1):
            value = 0.0
            for k in range(size.shape[0]):
                if size[k] <= j <= top - reservation[i, k]:
                    value += load[i, k] * size[k] * q[i, j - size[k]]
            value /= j
            q[i, j] = value
            if value > LARGE:
                for m in range(j + 1):
                    q[i, m] *= SMALL
        total = 0.0
        for j in range(top + 1):
            total += q[i, j]
        for j in range(top + 1):
            q[i, j] /= total


def _fill_numpy(load: Array, size: Whole, reservation: Whole, q: Array) -> None:
    """The same, a vector over candidates and classes at each j; q is held transposed so that a state is one row."""
    top = q.shape[1] - 1
    reach = (top - reservation).T
    weight = np.ascontiguousarray((load * size).T)
    p = np.zeros((top + 1 + int(size.max(initial=1)), len(q)))
    base = p.shape[0] - top - 1
    p[base] = 1.0
    lowest = int(reach.min(initial=top))
    for j in range(1, top + 1):
        terms = weight * p[base + j - size]
        if j > lowest:
            terms = np.where(j <= reach, terms, 0.0)
        value = terms.sum(axis=0) / j
        p[base + j] = value
        if value.max(initial=0.0) > LARGE:
            p[base : base + j + 1] *= np.where(value > LARGE, SMALL, 1.0)
    kept = p[base:]
    q[:] = (kept / kept.sum(axis=0)).T
