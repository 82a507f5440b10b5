"""What the stationary positions of an (r, Q) policy average to: the position after ordering is uniform over Q."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from capacity_opt._compiled import compiled
from capacity_opt.demand.protocol import Demand
from capacity_opt.inventory import panjer, position_kernel, rq_kernel
from capacity_opt.inventory.exposure import Exposure
from capacity_opt.inventory.law import panjer_law, row
from capacity_opt.inventory.rq_continuous import loss_between, order_rate
from capacity_opt.inventory.rq_service import unmet_between
from capacity_opt.inventory.stationary import Averages, averages_over

Array = NDArray[np.float64]


def rq_averages_of(exposed: Exposure, reorder: Array, quantity: Array) -> Averages:
    """Averages over the positions of the policies, (items,) each."""
    items = len(reorder)
    if exposed.discrete:
        loss, above, reach, beyond, shortage = _over_whole_positions(exposed.late, reorder, quantity)
        unmet = _unmet(exposed, reach, loss, reorder, quantity)
        position = reorder + 0.5 * (quantity + 1.0)
    else:
        low, high = reorder, reorder + quantity
        loss = loss_between(exposed.late, low, high) / quantity
        above = (exposed.late.loss(low) - exposed.late.loss(high)) / quantity
        reach, beyond, shortage = above, exposed.late.survival(reorder), exposed.late.loss(reorder)
        unmet = unmet_between(exposed, low, high) / quantity
        position = reorder + 0.5 * quantity
    if not exposed.continuous and exposed.last is not exposed.late:
        beyond, shortage = exposed.last.survival(reorder), exposed.last.loss(reorder)
    return Averages(
        position=position,
        loss=loss,
        above=above,
        reach=reach,
        unmet=unmet,
        orders=row(order_rate(exposed, quantity), items),
        cycle_service=1.0 - row(beyond, items),
        shortage=row(shortage, items),
        mean=row(exposed.late.mean, items),
        rate=row(exposed.mean, items),
    )


def _over_whole_positions(demand: Demand, reorder: Array, quantity: Array) -> tuple[Array, Array, Array, Array, Array]:
    """Averages of the loss, P(D > y), P(D >= y) over r + 1, ..., r + Q; P(D > r) and the loss at r."""
    items = len(reorder)
    law = panjer_law(demand, items)
    kernel = compiled(
        position_kernel.rq_averages,
        panjer.first_point,
        panjer.fill_table,
        rq_kernel.reach_at,
        position_kernel.loss_at,
        position_kernel.table_cut,
    )
    if kernel is not None and law is not None:
        out = np.empty((items, 5))
        kernel(law, np.stack([reorder, quantity], axis=1), out)
        return out[:, 0], out[:, 1], out[:, 2], out[:, 3], out[:, 4]
    gap = np.rint(quantity).astype(np.int64)
    loss, above, reach = averages_over(demand, reorder + quantity, None, gap, np.ones(items))
    return loss, above, reach, row(demand.survival(reorder), items), row(demand.loss(reorder), items)


def _unmet(exposed: Exposure, reach: Array, loss: Array, reorder: Array, quantity: Array) -> Array:
    """Units short per period: every unit that finds no stock, or the growth of backorders between arrivals."""
    if exposed.single:
        return np.asarray(exposed.mean * reach)
    last = loss if exposed.last is exposed.late else _over_whole_positions(exposed.last, reorder, quantity)[0]
    early = _over_whole_positions(exposed.early, reorder, quantity)[0]
    return np.asarray(np.maximum(last - early, 0.0) / exposed.review_period)
