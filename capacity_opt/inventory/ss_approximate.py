"""The revised power approximation of (s, S) policies (Ehrhardt & Mosier 1984): a label for comparisons, never a secret.

A regression on 288 exact policies with Poisson and negative binomial demand, from the mean and variance of demand
alone. Where an order is not much larger than one review's demand (D / mean <= 1.5) the regression fails and the levels
are capped by the base-stock level S0: s = min(s, S0), S = min(s + D, S0).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from capacity_opt import _checks
from capacity_opt.demand.lead_time import RandomLeadTime, lead_time_demand
from capacity_opt.demand.protocol import Demand
from capacity_opt.problem.policies import ReorderPointOrderUpTo

Array = NDArray[np.float64]
SMALL_QUANTITY = 1.5


@dataclass(frozen=True, kw_only=True)
class PowerApproximation(ReorderPointOrderUpTo):
    """An approximate (s, S) policy; ``raw_...`` are the levels before the small-quantity rule."""

    raw_reorder_point: Array
    raw_order_up_to_level: Array


def optimize_ss_power_approximation(
    demand: Demand,
    *,
    holding_cost: ArrayLike,
    stockout_cost: ArrayLike,
    fixed_cost: ArrayLike,
    lead_time: ArrayLike | RandomLeadTime = 0.0,
    review_period: ArrayLike = 1.0,
) -> PowerApproximation:
    """Approximate levels, not rounded; arguments as in :func:`~capacity_opt.optimize_ss`, ``fixed_cost`` > 0.

    >>> from capacity_opt.demand.parametric import Normal
    >>> rough = optimize_ss_power_approximation(Normal(50, 8), holding_cost=0.18, stockout_cost=0.7, fixed_cost=2.5)
    >>> round(float(rough.raw_reorder_point), 2), round(float(rough.raw_order_up_to_level), 2)
    (40.19, 74.29)
    >>> round(float(rough.order_up_to_level), 2)  # small orders: capped by the base-stock level
    56.6
    """
    period = _checks.positive("review_period", review_period)
    review = lead_time_demand(demand, 0.0, period)
    last = lead_time_demand(demand, lead_time, period)
    fixed = _checks.positive("fixed_cost", fixed_cost) / period
    levels = power_levels(
        review.mean,
        last.mean,
        last.variance,
        _checks.positive("holding_cost", holding_cost),
        _checks.positive("stockout_cost", stockout_cost),
        fixed,
    )
    raw, raw_up_to, reorder, up_to = (np.asarray(level)[()] for level in levels)
    return PowerApproximation(
        reorder_point=reorder, order_up_to_level=up_to, raw_reorder_point=raw, raw_order_up_to_level=raw_up_to
    )


def power_levels(
    review_mean: Array, mean: Array, variance: Array, holding: Array, stockout: Array, fixed: Array
) -> tuple[Array, Array, Array, Array]:
    """Raw s and S, then s and S; ``mean`` and ``variance`` over the protection interval, ``fixed`` per review."""
    _checks.positive("mean demand", review_mean)
    quantity = (
        1.30 * review_mean**0.494 * (fixed / holding) ** 0.506 * (1.0 + variance / (review_mean * review_mean)) ** 0.116
    )
    deviation = np.sqrt(variance)
    z_deviation = np.sqrt(quantity * deviation * holding / stockout)
    deviation_over_z = np.sqrt(deviation**3 * stockout / (quantity * holding))
    raw = 0.973 * mean + 0.183 * deviation_over_z + 1.063 * deviation - 2.192 * z_deviation
    base = mean + special.ndtri(stockout / (stockout + holding)) * deviation
    large = quantity > SMALL_QUANTITY * review_mean
    reorder = np.where(large, raw, np.minimum(raw, base))
    return raw, raw + quantity, reorder, np.where(large, raw + quantity, np.minimum(raw + quantity, base))
