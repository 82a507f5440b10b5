"""The classic approximations of (r, Q) under continuous review: labels for comparison with the exact policy, no more.

They see only the mean m and standard deviation s of the lead-time demand, taken as normal (Snyder & Shen, Fundamentals
of Supply Chain Theory, 2nd ed., section 5.3):

* ``eoq_with_safety_stock``: Q the economic order quantity, r the p / (p + h) quantile;
* ``eoq_with_backorders``: Q the economic order quantity with backorders, r the best one for that Q: G(r) = G(r + Q);
* ``expected_inventory_level`` (Hadley & Whitin 1963): p paid once per unit short, h on the average stock
  r - m + Q / 2, which ignores backorders; Q = sqrt(2 d (K + p n(r)) / h) and F(r) = 1 - Q h / (p d) in turn;
* ``loss_function``: p per unit and period; as the exact policy, but shortages left when an order arrives are ignored:
  Q = sqrt((2 K d + (h + p) E[max(D - r, 0)^2]) / h) and n(r) = h Q / (h + p) in turn.

``n(r)`` is E[max(D - r, 0)], d the demand per period.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from capacity_opt import _checks
from capacity_opt.demand.lead_time import RandomLeadTime, lead_time_demand
from capacity_opt.demand.parametric import Normal
from capacity_opt.demand.protocol import Demand
from capacity_opt.inventory.rq_continuous import bisect, loss_between
from capacity_opt.problem.policies import ReorderPointOrderQuantity

Array = NDArray[np.float64]
ROUNDS = 200


@dataclass(frozen=True, kw_only=True)
class ApproximateRQ:
    """Four approximate policies for the same items; ``expected_inventory_level_cost`` is that method's own estimate."""

    eoq_with_safety_stock: ReorderPointOrderQuantity
    eoq_with_backorders: ReorderPointOrderQuantity
    expected_inventory_level: ReorderPointOrderQuantity
    expected_inventory_level_cost: Array
    loss_function: ReorderPointOrderQuantity


def approximate_rq(
    demand: Demand,
    *,
    holding_cost: ArrayLike,
    stockout_cost: ArrayLike,
    fixed_cost: ArrayLike,
    lead_time: ArrayLike | RandomLeadTime,
) -> ApproximateRQ:
    """The four approximations; arguments as in :func:`~capacity_opt.optimize_rq`, positive costs, mean and spread.

    In ``expected_inventory_level`` the stock-out cost counts once per unit short, in the others per unit and period.
    What a policy really costs, :func:`~capacity_opt.evaluate_rq` tells.

    >>> rough = approximate_rq(Normal(1300, 150), holding_cost=0.225, stockout_cost=7.5, fixed_cost=8, lead_time=1 / 12)
    >>> round(float(rough.eoq_with_safety_stock.reorder_point), 1), round(float(rough.loss_function.reorder_point), 1)
    (190.3, 126.9)
    """
    over = lead_time_demand(demand, lead_time, 0.0)
    _, given = _checks.broadcast(
        rate=_checks.positive("mean demand", demand.mean),
        mean=over.mean,
        deviation=np.sqrt(_checks.positive("variance of demand over the lead time", over.variance)),
        h=_checks.positive("holding_cost", holding_cost),
        p=_checks.positive("stockout_cost", stockout_cost),
        fixed=_checks.positive("fixed_cost", fixed_cost),
    )
    lead = Normal(given["mean"], given["deviation"])
    rate, h, p, fixed = (given[name] for name in ("rate", "h", "p", "fixed"))
    economic = np.sqrt(2.0 * fixed * rate / h)
    critical = lead.quantile(p / (p + h))
    waiting = economic * np.sqrt((h + p) / p)
    level, cost = _expected_inventory_level(lead, rate, h, p, fixed)
    return ApproximateRQ(
        eoq_with_safety_stock=ReorderPointOrderQuantity(reorder_point=critical, order_quantity=economic),
        eoq_with_backorders=ReorderPointOrderQuantity(
            reorder_point=_best_for(lead, h, p, waiting, critical), order_quantity=waiting
        ),
        expected_inventory_level=level,
        expected_inventory_level_cost=cost,
        loss_function=_loss_function(lead, rate, h, p, fixed),
    )


def _best_for(lead: Normal, h: Array, p: Array, quantity: Array, critical: Array) -> Array:
    def cost(y: Array) -> Array:
        return np.asarray(h * (y - lead.mean) + (h + p) * lead.loss(y))

    return bisect(lambda r: cost(r + quantity) >= cost(r), critical - quantity, critical)


def _expected_inventory_level(
    lead: Normal, rate: Array, h: Array, p: Array, fixed: Array
) -> tuple[ReorderPointOrderQuantity, Array]:
    reorder = lead.mean + 0.0 * h
    quantity = np.zeros(np.shape(reorder))
    for _ in range(ROUNDS):
        quantity = np.sqrt(2.0 * rate * (fixed + p * lead.loss(reorder)) / h)
        ratio = quantity * h / (p * rate)
        _checks.between("Q h / (p d), the share of cycles short (raise stockout_cost)", ratio, 0.0, 1.0)
        reorder = lead.mean - lead.sd * special.ndtri(ratio)
    cost = h * (reorder - lead.mean + 0.5 * quantity) + rate * (fixed + p * lead.loss(reorder)) / quantity
    return ReorderPointOrderQuantity(reorder_point=reorder, order_quantity=quantity), np.asarray(cost)[()]


def _loss_function(lead: Normal, rate: Array, h: Array, p: Array, fixed: Array) -> ReorderPointOrderQuantity:
    far = lead.mean + 40.0 * lead.sd
    reorder = lead.mean + 0.0 * h
    quantity = np.sqrt(2.0 * fixed * rate / h)
    for _ in range(ROUNDS):
        quantity = np.sqrt(2.0 * (fixed * rate + (h + p) * loss_between(lead, reorder, far)) / h)
        wanted = h * quantity / (h + p)
        # The loss is at least mean - r, so it reaches what is wanted before mean - wanted.
        low, high = lead.mean - wanted - lead.sd, np.maximum(far, lead.mean - wanted)
        reorder = _loss_reaches(lead, wanted, low, high)
    return ReorderPointOrderQuantity(reorder_point=reorder, order_quantity=quantity)


def _loss_reaches(lead: Normal, wanted: Array, low: Array, high: Array) -> Array:
    return bisect(lambda r: lead.loss(r) <= wanted, low, high, rounds=70)
