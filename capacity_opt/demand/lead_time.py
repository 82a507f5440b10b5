"""Demand over the protection interval: lead time + review period.

The sum of quantiles is not the quantile of the sum. Independent periods of a Normal, Gamma, Poisson, negative binomial
or deterministic demand add up in closed form (also over a fraction of a period); every other demand is convolved on a
grid (:mod:`capacity_opt.demand.convolution`). Dependence between periods is an AR(1) Gaussian copula.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.demand.assorted import Assorted
from capacity_opt.demand.compound import CompoundPoisson
from capacity_opt.demand.convolution import one_to_many, sum_of_periods
from capacity_opt.demand.counts import NegativeBinomial, Poisson
from capacity_opt.demand.forecast_demand import ForecastDemand
from capacity_opt.demand.horizon import Horizon
from capacity_opt.demand.lattice import Pmf
from capacity_opt.demand.mixture import Mixture, Scaled
from capacity_opt.demand.parametric import Deterministic, Gamma, Normal
from capacity_opt.demand.protocol import Demand
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]
RandomLeadTime = Mapping[float, float] | Demand

# Grid points per period for a continuous demand without a closed form.
POINTS = 2048


def lead_time_demand(
    demand: Demand | Horizon,
    lead_time: ArrayLike | RandomLeadTime,
    review_period: ArrayLike = 1.0,
    correlation: ArrayLike = 0.0,
    *,
    points: int = POINTS,
) -> Demand:
    """Demand over ``lead_time + review_period`` periods of ``demand``.

    ``lead_time``: periods, scalar or per item; or random, independent of demand and with orders that do not cross: a
    mapping ``{periods: probability}`` or a :class:`~capacity_opt.Pmf` (an exact mixture), or a continuous demand such
    as ``Normal(7, 3)`` or ``Gamma(7, 3)`` (mean and variance are matched: ``E[L+R] s^2 + mean^2 Var[L]``).
    ``correlation``: AR(1) of the latent normals of successive periods, in (-1, 1]; 1 gives the sum of quantiles.
    ``demand`` may also be a forecast over coming periods (:class:`~capacity_opt.demand.horizon.Horizon`: sample paths,
    cumulative quantiles, demand by period), which carries its own dependence, or a
    :class:`~capacity_opt.ForecastDemand`, whose totals are taken as they are told.
    ``points``: grid points per period where a continuous demand must be convolved.

    Raises :class:`~capacity_opt.ArgumentError` for negative times, and for a fraction of a period where the demand
    is not infinitely divisible or periods are correlated.

    >>> from capacity_opt.demand.parametric import Normal
    >>> round(float(lead_time_demand(Normal(100, 30), 3).quantile(0.9)), 3)
    476.893
    >>> from capacity_opt.demand.counts import Poisson
    >>> float(lead_time_demand(Poisson(10), {1: 0.3, 2: 0.5, 4: 0.2}).quantile(0.9))
    50.0
    """
    review = _checks.non_negative("review_period", review_period)
    rho = _checks.between("correlation", correlation, -1.0, 1.0)
    if not isinstance(demand, Demand):
        return _over_horizon(demand, lead_time, review, rho)
    _checks.positive("1 + correlation", 1.0 + rho)
    if isinstance(lead_time, Mapping):
        return _mixture_over(demand, dict(lead_time), review, rho, points)
    if isinstance(lead_time, Pmf):
        return _mixture_over_pmf(demand, lead_time, review, rho, points)
    if isinstance(lead_time, Demand):
        return _matched(demand, lead_time, review, rho)
    periods = _checks.non_negative("lead_time", lead_time) + review
    shape, _ = _checks.broadcast(demand=np.zeros(demand.shape), periods=periods, correlation=rho)
    return _fixed(demand, np.broadcast_to(periods, shape), np.broadcast_to(rho, shape), points)


def _fixed(demand: Demand, periods: Array, rho: Array, points: int) -> Demand:
    """Known periods per item. Each item gets the form that suits it alone, whatever the other items need."""
    if isinstance(demand, ForecastDemand):  # its totals carry their own dependence
        return demand.over(periods)
    if isinstance(demand, Deterministic):
        return Deterministic(demand.value * periods)
    if isinstance(demand, Normal):
        factor = periods if not np.any(rho) else _variance_factor(_whole(periods), rho)
        return Normal(demand.mean * periods, demand.sd * np.sqrt(factor))
    divisible = isinstance(demand, (Poisson, NegativeBinomial, Gamma, CompoundPoisson))
    kinds = np.select([(rho == 0.0) & divisible, periods == 1.0, rho == 1.0], [0, 1, 2], default=3)
    found = np.unique(kinds)
    if len(found) == 1:
        return _of_one_kind(int(found[0]), demand, periods, rho, points)
    parts, where = [], [np.flatnonzero(kinds == kind) for kind in found]
    for kind, items in zip(found, where):
        chosen = demand.take(items) if len(demand.shape) == 1 and demand.shape == periods.shape else demand
        parts.append(_of_one_kind(int(kind), chosen, periods[items], rho[items], points))
    return Assorted(parts, where)


def _of_one_kind(kind: int, demand: Demand, periods: Array, rho: Array, points: int) -> Demand:
    if kind == 0:
        return _divided(demand, periods)
    if kind == 3:
        return sum_of_periods(demand, _whole(periods), rho, points=points)
    whole = demand if demand.shape == periods.shape else one_to_many(demand, len(periods))
    return whole if kind == 1 else Scaled(whole, periods)


def _divided(demand: Demand, periods: Array) -> Demand:
    """Independent periods, whole or not, of a family closed under addition."""
    if isinstance(demand, Poisson):
        return Poisson(demand.mean * periods)
    if isinstance(demand, NegativeBinomial):
        return NegativeBinomial(demand.mean * periods, demand.variance * periods)
    if isinstance(demand, CompoundPoisson):
        return demand.over(periods)
    assert isinstance(demand, Gamma)
    return Gamma(demand.mean * periods, demand.sd * np.sqrt(periods))


def _over_horizon(horizon: Horizon, lead_time: ArrayLike | RandomLeadTime, review: Array, rho: Array) -> Demand:
    """A forecast's own total over the protection interval; a random lead time mixes the totals."""
    if np.any(rho):
        raise ArgumentError("correlation must be 0 for a forecast over several periods: it carries its own dependence")
    if isinstance(lead_time, Mapping):
        weights = _checks.probabilities("the probabilities of lead_time", list(lead_time.values()))
        return Mixture([horizon.over(float(time) + review) for time in lead_time], weights)
    if isinstance(lead_time, Demand):
        raise ArgumentError("lead_time must be fixed or a mapping {periods: probability} for a forecast over periods")
    return horizon.over(_checks.non_negative("lead_time", lead_time) + review)


def _variance_factor(periods: NDArray[np.int64], rho: Array) -> Array:
    """Var of the sum of n AR(1) periods over the variance of one: n + 2 sum over k of (n - k) rho^k."""
    factor = periods + 0.0 * rho
    power = np.ones_like(factor)
    for lag in range(1, int(np.max(periods, initial=0))):
        power = power * rho
        factor = factor + 2.0 * np.maximum(periods - lag, 0) * power
    return factor


def _whole(periods: Array) -> NDArray[np.int64]:
    fractional = periods != np.rint(periods)
    if np.any(fractional):
        worst = float(np.atleast_1d(periods)[np.atleast_1d(fractional)][0])
        raise ArgumentError(
            f"lead_time + review_period must be whole periods for this demand, got {worst:g}. Only independent Normal, "
            "Gamma, Poisson, NegativeBinomial and Deterministic demand can be divided within a period"
        )
    return np.rint(periods).astype(np.int64)


def _mixture_over(demand: Demand, chances: dict[float, float], review: Array, rho: Array, points: int) -> Demand:
    if not chances:
        raise ArgumentError("lead_time must hold at least one {periods: probability} entry, got none")
    weights = _checks.probabilities("the probabilities of lead_time", list(chances.values()))
    parts = [lead_time_demand(demand, float(time), review, rho, points=points) for time in chances]
    return Mixture(parts, weights)


def _mixture_over_pmf(demand: Demand, lead_time: Pmf, review: Array, rho: Array, points: int) -> Demand:
    """One component per possible lead time; items whose pmf excludes it give it weight 0."""
    shape, _ = _checks.broadcast(demand=np.zeros(demand.shape), lead_time=np.zeros(lead_time.shape), review=review)
    first, last = int(np.min(lead_time.start)), int(np.max(lead_time.last))
    times = np.arange(first, last + 1)
    weights = np.stack([np.broadcast_to(lead_time.mass(float(time)), shape) for time in times], axis=-1)
    used = np.flatnonzero(weights.reshape(-1, len(times)).any(axis=0))
    zero = np.zeros(shape)
    parts = [lead_time_demand(demand, times[k] + zero, review, rho, points=points) for k in used]
    return Mixture(parts, weights[..., used])


def _matched(demand: Demand, lead_time: Demand, review: Array, rho: Array) -> Demand:
    """The family of the demand with the mean and variance of demand over a random time."""
    if np.any(rho):
        raise ArgumentError("correlation needs a fixed lead_time or a pmf of lead times; a matched one takes 0 only")
    if lead_time.discrete:
        raise ArgumentError("a discrete random lead_time must be a Pmf or a mapping {periods: probability}")
    periods = lead_time.mean + review
    mean = demand.mean * periods
    variance = periods * demand.variance + demand.mean * demand.mean * lead_time.variance
    if isinstance(demand, Normal):
        return Normal(mean, np.sqrt(variance))
    if demand.discrete:
        # A count cannot have less variance than this family allows; rounding it up errs on the safe side.
        return NegativeBinomial(mean, np.maximum(variance, mean))
    return Gamma(mean, np.sqrt(variance))
