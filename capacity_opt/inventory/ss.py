"""(s, S) policies, exact: at each review, when the position is at or below s, order up to S.

Order of events as in :func:`~capacity_opt.simulate`: review and order, arrivals, demand, costs at the end of each
period; unmet demand waits. Solved by Zheng & Federgruen (1991) on the whole units where affordable, else on a coarser
lattice; ``method`` and ``lattice_step`` of the result say which, per item. Only where demand is so large and so even
that no lattice can hold it is the revised power approximation used, and said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.demand.lead_time import RandomLeadTime
from capacity_opt.demand.protocol import Demand
from capacity_opt.errors import ArgumentError
from capacity_opt.inventory.exposure import Exposure, exposure, of_exposure
from capacity_opt.inventory.law import of_items, row
from capacity_opt.inventory.rq_service import MEASURES, RQTarget
from capacity_opt.inventory.ss_approximate import power_levels
from capacity_opt.inventory.ss_averages import ss_averages_of
from capacity_opt.inventory.ss_lattice import STEPS_PER_DEVIATION, lattice_steps
from capacity_opt.inventory.ss_search import find_ss
from capacity_opt.inventory.ss_service import Aimed, find_ss_for_service
from capacity_opt.inventory.stationary import StockMeasures, measures, methods
from capacity_opt.problem.policies import ReorderPointOrderUpTo

Array = NDArray[np.float64]
METHODS = np.array(["exact", "lattice", "power approximation"])


@dataclass(frozen=True, kw_only=True)
class SSResult(ReorderPointOrderUpTo, StockMeasures):
    """An (s, S) policy with its cost and service; fields as in :class:`ReorderPointOrderUpTo` and the measures of
    :class:`~capacity_opt.inventory.stationary.StockMeasures`.

    ``method``: ``exact`` (whole units), ``lattice`` (computed in steps of ``lattice_step``, demand rounded to them
    with its mean kept) or ``power approximation``. ``lattice_step`` is what costs were computed on.
    """

    lattice_step: Array


def optimize_ss(
    demand: Demand,
    *,
    holding_cost: ArrayLike,
    stockout_cost: ArrayLike | None = None,
    fixed_cost: ArrayLike,
    lead_time: ArrayLike | RandomLeadTime = 0.0,
    review_period: ArrayLike = 1.0,
    count_at_review_end: bool = False,
    fill_rate: ArrayLike | None = None,
    cycle_service_level: ArrayLike | None = None,
    ready_rate: ArrayLike | None = None,
    no_stockout: ArrayLike | None = None,
    gamma: ArrayLike | None = None,
) -> SSResult:
    """The (s, S) policy of least expected cost per period.

    Scalars or arrays over items. ``holding_cost`` and ``stockout_cost`` per unit and period, ``fixed_cost`` per order,
    ``lead_time`` and ``review_period`` in periods; the lead time may be random as in
    :func:`~capacity_opt.lead_time_demand`. Demand is independent from period to period. ``count_at_review_end``
    counts stock only at the end of each review interval, where it is lowest, instead of every period.

    In place of ``stockout_cost`` one target may be given: ``fill_rate``, ``cycle_service_level``, ``ready_rate``,
    ``no_stockout`` or ``gamma``, as in :func:`~capacity_opt.optimize_rq`; ordering and holding costs are then least,
    and ``expected_cost`` has no more than these. For each S - s the least s that keeps the target is exact; the
    best S - s is searched for (:mod:`capacity_opt.inventory.ss_service`).

    Whole-unit demand gives whole levels. An item without demand keeps nothing (s = -1, S = 0). Raises
    :class:`~capacity_opt.ArgumentError` naming the items at fault.

    >>> from capacity_opt.demand.counts import Poisson
    >>> best = optimize_ss(Poisson(mean=6.0), holding_cost=1, stockout_cost=4, fixed_cost=5)
    >>> float(best.reorder_point), float(best.order_up_to_level), round(float(best.expected_cost), 3), best.method
    (4.0, 10.0, 8.034, 'exact')
    >>> best = optimize_ss(Poisson(mean=6.0), holding_cost=1, fill_rate=0.95, fixed_cost=5)
    >>> float(best.reorder_point), float(best.order_up_to_level), round(float(best.fill_rate), 3)
    (5.0, 9.0, 0.96)
    """
    targets = zip(MEASURES, (fill_rate, cycle_service_level, ready_rate, no_stockout, gamma), strict=True)
    asked = {name: value for name, value in targets if value is not None}
    if asked or stockout_cost is None:
        setting = Setting(holding_cost, fixed_cost, lead_time, review_period, count_at_review_end)
        return _for_service(demand, setting, _aim(stockout_cost, asked))
    exposed, holding, stockout, fixed = _problem(
        demand, holding_cost, stockout_cost, fixed_cost, lead_time, review_period, count_at_review_end
    )
    _checks.positive("stockout_cost", stockout.reshape(exposed.shape))
    per_review = fixed / row(exposed.review_period, len(fixed))
    step, rough = lattice_steps(exposed, holding, stockout, per_review)
    found = find_ss(exposed, holding, stockout, per_review, step, ~rough)
    if np.any(rough):
        found[rough] = _approximate(exposed, holding, stockout, per_review, np.flatnonzero(rough))
        step = np.where(rough, _evaluation_step(exposed, found[:, 0], found[:, 1]), step)
    kind = np.where(rough, 2, np.where(exposed.discrete & (step == 1.0), 0, 1))
    return _result(exposed, holding, stockout, fixed, found, step, kind)


def evaluate_ss(
    policy: ReorderPointOrderUpTo,
    demand: Demand,
    *,
    holding_cost: ArrayLike,
    stockout_cost: ArrayLike = 0.0,
    fixed_cost: ArrayLike = 0.0,
    lead_time: ArrayLike | RandomLeadTime = 0.0,
    review_period: ArrayLike = 1.0,
    count_at_review_end: bool = False,
) -> SSResult:
    """Cost and every service measure of a given (s, S) policy; arguments as in :func:`optimize_ss`.

    Whole-unit demand needs whole levels.

    >>> from capacity_opt import ReorderPointOrderUpTo
    >>> from capacity_opt.demand.counts import Poisson
    >>> judged = evaluate_ss(ReorderPointOrderUpTo(reorder_point=4, order_up_to_level=10), Poisson(mean=6.0),
    ...                      holding_cost=1, stockout_cost=4, fixed_cost=5)
    >>> round(float(judged.expected_cost), 3), round(float(judged.fill_rate), 3)
    (8.034, 0.938)
    """
    exposed, holding, stockout, fixed = _problem(
        demand, holding_cost, stockout_cost, fixed_cost, lead_time, review_period, count_at_review_end,
        np.shape(policy.reorder_point),
    )  # fmt: skip
    if exposed.discrete:
        _checks.whole("reorder_point (demand is whole units)", policy.reorder_point, at_least=-(1 << 52))
        _checks.whole("order_up_to_level (demand is whole units)", policy.order_up_to_level, at_least=-(1 << 52))
    count = len(holding)
    levels = np.stack([row(policy.reorder_point, count), row(policy.order_up_to_level, count)], axis=1)
    step = _evaluation_step(exposed, levels[:, 0], levels[:, 1])
    return _result(exposed, holding, stockout, fixed, levels, step, np.where(exposed.discrete & (step == 1.0), 0, 1))


def _problem(
    demand: Demand,
    holding_cost: ArrayLike,
    stockout_cost: ArrayLike,
    fixed_cost: ArrayLike,
    lead_time: ArrayLike | RandomLeadTime,
    review_period: ArrayLike,
    count_at_review_end: bool,
    shape: tuple[int, ...] = (),
) -> tuple[Exposure, Array, Array, Array]:
    holding = _checks.positive("holding_cost", holding_cost)
    stockout = _checks.non_negative("stockout_cost", stockout_cost)
    fixed = _checks.non_negative("fixed_cost", fixed_cost)
    exposed = exposure(
        demand,
        lead_time=lead_time,
        review_period=_checks.positive("review_period (optimize_rq reviews continuously)", review_period),
        count_at_review_end=count_at_review_end,
        shape=np.broadcast_shapes(holding.shape, stockout.shape, fixed.shape, shape),
    )
    _checks.non_negative("mean demand", exposed.mean)
    count = int(np.prod(exposed.shape, dtype=np.int64))
    return exposed, row(holding, count), row(stockout, count), row(fixed, count)


@dataclass(frozen=True)
class Setting:
    """Costs and delays of a policy made for a target; arguments of :func:`optimize_ss`."""

    holding_cost: ArrayLike
    fixed_cost: ArrayLike
    lead_time: ArrayLike | RandomLeadTime
    review_period: ArrayLike
    count_at_review_end: bool


def _aim(stockout_cost: ArrayLike | None, asked: Mapping[str, ArrayLike]) -> tuple[str, Array]:
    """The one target."""
    told = [*([] if stockout_cost is None else ["stockout_cost"]), *asked]
    if len(told) != 1 or told[0] not in MEASURES:
        raise ArgumentError(f"give one of stockout_cost, {', '.join(MEASURES)}, got {', '.join(told) or 'none'}")
    return told[0], _checks.fraction(told[0], asked[told[0]])


def _for_service(demand: Demand, setting: Setting, aim: tuple[str, Array]) -> SSResult:
    name, wanted = aim
    holding_cost = _checks.positive("holding_cost", setting.holding_cost)
    stands_for = holding_cost * wanted / (1.0 - wanted)
    exposed, holding, _, fixed = _problem(
        demand, holding_cost, stands_for, setting.fixed_cost, setting.lead_time, setting.review_period,
        setting.count_at_review_end,
    )  # fmt: skip
    first = optimize_ss(
        demand,
        holding_cost=np.broadcast_to(holding_cost, exposed.shape),
        stockout_cost=np.broadcast_to(stands_for, exposed.shape),
        fixed_cost=setting.fixed_cost,
        lead_time=setting.lead_time,
        review_period=setting.review_period,
        count_at_review_end=setting.count_at_review_end,
    )
    count = len(holding)
    levels = np.stack([row(first.reorder_point, count), row(first.order_up_to_level, count), np.zeros(count)], axis=1)
    step = row(first.lattice_step, count)
    moving = np.flatnonzero(row(exposed.mean, count) > 0)
    if len(moving):
        aimed = Aimed(
            exposed=of_exposure(exposed, moving),
            target=RQTarget(measure=name, wanted=row(wanted, count)[moving]),
            holding=holding[moving],
            fixed=fixed[moving],
            step=step[moving],
            width=np.sqrt(row(exposed.late.variance, count))[moving] + row(exposed.mean, count)[moving],
        )
        reorder, gap = find_ss_for_service(aimed, levels[moving, 0], (levels[:, 1] - levels[:, 0])[moving])
        levels[moving, 0], levels[moving, 1] = reorder, reorder + gap
    kinds = np.argmax(np.ravel(np.broadcast_to(first.method, exposed.shape))[:, None] == METHODS, axis=1)
    return _result(exposed, holding, np.zeros(count), fixed, levels, step, kinds)


def _evaluation_step(exposed: Exposure, reorder: Array, up_to: Array) -> Array:
    """A step fine enough for the spread of demand and for the distance between the levels."""
    span = np.maximum(up_to - reorder, 0.0)
    deviation = np.sqrt(row(exposed.review.variance, len(span)))
    wanted = np.maximum(deviation / STEPS_PER_DEVIATION, span / 1e5)
    if exposed.discrete:
        return np.where(span <= 8192.0, 1.0, np.maximum(np.ceil(wanted), 1.0))
    mean = row(exposed.review.mean, len(span))
    fine = np.where(span > 0, np.minimum(wanted, span / 256.0), wanted)
    return np.where(fine > 0, fine, np.where(mean > 0, mean, 1.0))


def _approximate(
    exposed: Exposure, holding: Array, stockout: Array, per_review: Array, items: NDArray[np.intp]
) -> Array:
    review, last = of_items(exposed.review, items), of_items(exposed.last, items)
    count = len(items)
    _, _, reorder, up_to = power_levels(
        row(review.mean, count),
        row(last.mean, count),
        row(last.variance, count),
        holding[items],
        stockout[items],
        np.maximum(per_review[items], 1e-12 * holding[items]),
    )
    if exposed.discrete:
        reorder, up_to = np.rint(reorder), np.maximum(np.rint(up_to), np.rint(reorder) + 1.0)
    return np.stack([reorder, up_to, np.full(count, np.nan)], axis=1)


def _result(
    exposed: Exposure,
    holding: Array,
    stockout: Array,
    fixed: Array,
    levels: Array,
    step: Array,
    kind: NDArray[np.intp],
) -> SSResult:
    shape = exposed.shape
    averages = ss_averages_of(exposed, levels[:, 0], levels[:, 1], step)
    found = measures(averages, holding, stockout, np.zeros(len(fixed)), fixed, shape)
    same = len(kind) > 0 and bool(np.all(kind == kind[0]))
    return SSResult(
        reorder_point=levels[:, 0].reshape(shape),
        order_up_to_level=levels[:, 1].reshape(shape),
        method=methods(str(METHODS[kind[0]]), shape) if same else METHODS[kind].reshape(shape),
        lattice_step=step.reshape(shape)[()],
        **found,
    )
