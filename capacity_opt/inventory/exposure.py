"""The demands that a replenishment policy is exposed to, from per-period demand and its delays.

An order placed now arrives after the lead time L; the next one can arrive a review period R later. Stock at the end of
a period R' after an arrival is the position at the order less the demand over L + R', so costs depend on ``late``: the
demand over L + R', R' = 1, ..., R in equal shares (L + R alone where R <= 1 or costs count at the review's end only).
``early`` (over L) is what remains to be met when an order arrives, ``last`` (over L + R) what it must cover, and
``review`` (over R) what drives the position from review to review. Under continuous review ``late`` is over L.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.demand.counts import Poisson
from capacity_opt.demand.customers import Customers, customers_of, with_one_customer
from capacity_opt.demand.lead_time import RandomLeadTime, lead_time_demand
from capacity_opt.demand.mixture import Mixture
from capacity_opt.demand.protocol import Demand
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """Demands a policy is exposed to; ``shape`` is () or (n,), each demand is of that shape or of shape ().

    ``mean`` is the mean demand per period; ``continuous`` tells whether the position is watched all the time;
    ``single`` whether it then falls by one unit at a time (Poisson demand); ``jumping`` whether it falls by what
    customers want: then ``review`` is one customer's demand, ``review_period`` the mean time between customers and
    ``last`` the demand over the lead time and one customer more.
    """

    shape: tuple[int, ...]
    mean: Array
    early: Demand
    late: Demand
    last: Demand
    review: Demand
    review_period: Array
    continuous: bool
    single: bool
    jumping: bool = False

    @property
    def by_lot(self) -> bool:
        """Whether every lot is ordered, and paid for, by itself: the position never jumps over one."""
        return self.continuous and not self.jumping

    @property
    def discrete(self) -> bool:
        """Whether demand is counted in whole units."""
        return self.late.discrete and self.review.discrete


def exposure(
    demand: Demand,
    *,
    lead_time: ArrayLike | RandomLeadTime,
    review_period: ArrayLike,
    count_at_review_end: bool,
    shape: tuple[int, ...],
    correlation: ArrayLike = 0.0,
) -> Exposure:
    """The demands behind a policy; ``shape`` is that of the costs. Review is continuous where the period is 0.

    Raises :class:`~capacity_opt.ArgumentError` where shapes do not fit, or where some items are reviewed
    continuously and others are not. ``correlation`` as in :func:`~capacity_opt.lead_time_demand`.
    """
    period = _checks.non_negative("review_period", review_period)
    continuous = bool(np.all(period == 0))
    if not continuous and np.any(period == 0):
        raise ArgumentError("review_period must be 0 for all items (continuous review) or for none: split the call")
    single = continuous and isinstance(demand, Poisson)
    customers = customers_of(demand) if continuous else None
    early = lead_time_demand(demand, lead_time, 0.0, correlation)
    # Watched all the time, counts that are not made of customers come as one lump a period.
    step = np.ones_like(period) if continuous else period
    if customers is not None:
        step = 1.0 / np.maximum(customers.rate, 1e-300)
        last = with_one_customer(early, customers)
    elif single or (continuous and not demand.discrete):
        last = early
    else:
        last = lead_time_demand(demand, lead_time, step, correlation)
    late = early if continuous else last
    if not continuous and not count_at_review_end:
        late = _period_ends(demand, lead_time, period, last, correlation)
    review = _between_reviews(demand, step, correlation, customers)
    shape = _common(demand=demand.shape, costs=shape, review_period=period.shape, lead_time=early.shape)
    return Exposure(
        shape=shape,
        mean=np.broadcast_to(demand.mean, shape),
        early=early,
        late=late,
        last=last,
        review=review,
        review_period=np.broadcast_to(step, shape),
        continuous=continuous,
        single=single,
        jumping=customers is not None,
    )


def of_exposure(exposed: Exposure, items: NDArray[np.intp]) -> Exposure:
    """What the chosen items are exposed to; demands that are one object stay one."""
    made: dict[int, Demand] = {}

    def taken(demand: Demand) -> Demand:
        return made.setdefault(id(demand), demand if demand.shape == () else demand.take(items))

    count = int(np.prod(exposed.shape, dtype=np.int64))
    mean, period = (np.broadcast_to(value, (count,))[items] for value in (exposed.mean, exposed.review_period))
    return replace(
        exposed,
        shape=(len(items),),
        mean=mean,
        review_period=period,
        early=taken(exposed.early),
        late=taken(exposed.late),
        last=taken(exposed.last),
        review=taken(exposed.review),
    )


def _between_reviews(demand: Demand, step: Array, correlation: ArrayLike, customers: Customers | None) -> Demand:
    if customers is not None:
        return customers.size
    return demand if np.all(step == 1.0) else lead_time_demand(demand, 0.0, step, correlation)


def _common(**shapes: tuple[int, ...]) -> tuple[int, ...]:
    try:
        common = np.broadcast_shapes(*shapes.values())
    except ValueError:
        told = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ArgumentError(f"these do not broadcast together over items: {told}") from None
    if len(common) > 1:
        raise ArgumentError(f"items must form one axis, got shape {common}")
    return common


def _period_ends(
    demand: Demand, lead_time: ArrayLike | RandomLeadTime, period: Array, last: Demand, correlation: ArrayLike = 0.0
) -> Demand:
    """The demand up to the end of a period drawn evenly from those between two arrivals."""
    if np.all(period <= 1.0) or np.any(period != np.rint(period)):
        return last
    ends = int(np.max(period))
    parts = [lead_time_demand(demand, lead_time, np.minimum(end, period), correlation) for end in range(1, ends + 1)]
    share = (np.arange(1, ends + 1) <= period[..., None]) / period[..., None]
    if len({part.shape for part in parts}) > 1:
        raise ArgumentError("demand must have the items' shape where review_period differs between items")
    return Mixture(parts, share)
