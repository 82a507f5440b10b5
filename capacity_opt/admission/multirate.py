"""One pool shared by classes whose requests take different numbers of units: how full it is and who is turned away.

A request of class k takes ``size[k]`` units for a random time; requests are Poisson and a request that does not fit is
lost. With a reservation t a class is admitted only if, with it, at least t units stay free for others (a critical
level, or trunk reservation).

Without reservations the result is exact for any holding times (J. S. Kaufman, IEEE Trans. Communications 29, 1981;
J. W. Roberts, 1981). With equal sizes and holding times and reservations it is exact for exponential holding times;
otherwise reservations make it Roberts' approximation (J. W. Roberts, 1983): compare
:func:`~capacity_opt.simulate_admission`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.admission.multirate_kernel import occupancy_of
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]
Whole = NDArray[np.int64]
Number = TypeVar("Number", np.float64, np.int64)


@dataclass(frozen=True, kw_only=True)
class MultirateLoss:
    """A pool in the long run. Arrays lead with the candidates' axis where loads or reservations had one.

    ``occupancy``: P(j units used), (..., capacity + 1); ``blocking``: share of requests turned away, (..., classes);
    ``mean_used``: units; ``carried``: requests in progress, (..., classes); ``exact``: whether the recursion's
    assumptions hold for exponential holding times of one mean (see the module).
    """

    capacity: int
    load: Array
    size: Whole
    reservation: Whole
    occupancy: Array
    blocking: Array

    @property
    def carried(self) -> Array:
        """Mean requests in progress, per class."""
        return self.load * (1.0 - self.blocking)

    @property
    def mean_used(self) -> Array:
        """Mean units in use."""
        used: Array = (self.carried * self.size).sum(axis=-1)
        return used[()]

    @property
    def utilization(self) -> Array:
        """Mean units in use / capacity."""
        return self.mean_used / max(self.capacity, 1)

    @property
    def exact(self) -> bool:
        """Whether no approximation is involved, for holding times of one exponential law."""
        active = self.size <= self.capacity
        even = bool(np.all(self.reservation[..., active] == self.reservation[..., active][..., :1]))
        return even or bool(np.all(self.size[active] == self.size[active][:1]))

    def revenue(self, price: ArrayLike) -> Array:
        """Money per unit of time; ``price`` per unit of capacity held and unit of time, (classes,)."""
        rate = _checks.shape("price", price, self.size.shape, "one per class")
        earned: Array = (self.carried * self.size * rate).sum(axis=-1)
        return earned[()]

    def marginal_value(self, price: ArrayLike) -> Array:
        """Money per unit of time that one more unit of capacity earns, reservations kept.

        >>> pool = multirate_loss(10, load=[9.0], size=[1])
        >>> round(float(pool.marginal_value(1.0)), 4)
        0.4243
        """
        larger = multirate_loss(self.capacity + 1, load=self.load, size=self.size, reservation=self.reservation)
        return larger.revenue(price) - self.revenue(price)


def multirate_loss(capacity: int, *, load: ArrayLike, size: ArrayLike, reservation: ArrayLike = 0) -> MultirateLoss:
    """Occupancy and blocking per class of a pool of ``capacity`` units.

    ``load`` (classes,) is arrival rate x mean holding time per class, in requests; ``size`` (classes,) whole units per
    request; ``reservation`` whole units that must stay free after admission (0: first come, first served). ``load`` and
    ``reservation`` may be (candidates, classes): all are evaluated in one batch, 10,000 units and 20 classes in
    about 10 ms each. Never NaN: the recursion is rescaled.

    >>> pool = multirate_loss(5, load=[2, 1], size=[1, 2])
    >>> pool.blocking.round(7), round(float(pool.mean_used), 7)
    (array([0.1721854, 0.3818985]), 2.8918322)
    >>> multirate_loss(5, load=[2, 1], size=[1, 2], reservation=[1, 0]).blocking.round(7)
    array([0.3253012, 0.3253012])
    """
    top = int(_checks.whole("capacity", _checks.single("capacity", capacity)))
    units = np.atleast_1d(_checks.whole("size", size, at_least=1))
    if units.ndim != 1:
        raise ArgumentError(f"size must have one value per class, got shape {units.shape}")
    offered = _per_class("load", _checks.non_negative("load", load), units)
    _checks.between("load", offered, 0.0, 1e12)
    kept = _per_class("reservation", _checks.whole("reservation", reservation), units)
    rows = np.broadcast_shapes(offered.shape, kept.shape)
    held = np.broadcast_to(np.minimum(kept, top + 1), rows).reshape(-1, units.size)
    q = occupancy_of(top, np.broadcast_to(offered, rows).reshape(-1, units.size), np.minimum(units, top + 1), held)
    blocking = blocked_share(q, units, held)
    return MultirateLoss(
        capacity=top,
        load=offered,
        size=units,
        reservation=kept,
        occupancy=q.reshape(*rows[:-1], top + 1),
        blocking=blocking.reshape(rows),
    )


def blocked_share(q: Array, size: Whole, reservation: Whole) -> Array:
    """P(used > capacity - size - reservation), per row of ``q`` and class: sums of the tail, from its end."""
    top = q.shape[1] - 1
    tail = np.zeros((q.shape[0], top + 2))
    np.cumsum(q[:, ::-1], axis=1, out=tail[:, 1:])
    states = np.clip(size + reservation, 0, top + 1)
    shares: Array = np.minimum(np.take_along_axis(tail, np.broadcast_to(states, reservation.shape), axis=1), 1.0)
    return shares


def _per_class(name: str, value: NDArray[Number], size: Whole) -> NDArray[Number]:
    try:
        shape = np.broadcast_shapes(value.shape, size.shape)
    except ValueError:
        shape = ()
    if len(shape) not in (1, 2) or shape[-1] != size.size:
        raise ArgumentError(
            f"{name} must have {size.size} values, one per class as in size, or (candidates, {size.size}); "
            f"got shape {value.shape}"
        )
    return np.ascontiguousarray(np.broadcast_to(value, shape))
