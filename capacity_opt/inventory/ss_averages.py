"""What the stationary positions of an (s, S) policy average to: S - j with probability m(j) / M(S - s)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from capacity_opt._compiled import compiled
from capacity_opt.demand.protocol import Demand
from capacity_opt.inventory import panjer, position_kernel, rq_kernel, ss_kernel
from capacity_opt.inventory.exposure import Exposure
from capacity_opt.inventory.law import by_width, of_items, panjer_law, row
from capacity_opt.inventory.ss_lattice import lattice_cycle, lattice_masses, lattice_width, renewal_masses
from capacity_opt.inventory.stationary import Averages, averages_over

Array = NDArray[np.float64]


def ss_averages_of(exposed: Exposure, reorder: Array, up_to: Array, step: Array) -> Averages:
    """Averages over the positions of the policies, (items,) each; ``step`` is about the lattice step to use."""
    items = len(reorder)
    gap, width = lattice_cycle(np.maximum(up_to - reorder, 0.0), step, whole=exposed.discrete)
    late, position, orders = _over_positions(exposed, exposed.late, up_to, gap, width)
    early = late[5] if len(late) > 5 else _over_positions(exposed, exposed.early, up_to, gap, width)[0][0]
    last = late if exposed.last is exposed.late else _over_positions(exposed, exposed.last, up_to, gap, width)[0]
    beyond, shortage = late[3], late[4]
    if exposed.last is not exposed.late or not np.all(np.isfinite(beyond)):
        beyond, shortage = exposed.last.survival(reorder), exposed.last.loss(reorder)
    return Averages(
        position=position,
        loss=late[0],
        above=late[1],
        reach=late[2],
        unmet=np.maximum(last[0] - early, 0.0) / row(exposed.review_period, items),
        orders=orders / row(exposed.review_period, items),
        cycle_service=1.0 - row(beyond, items),
        shortage=row(shortage, items),
        mean=row(exposed.late.mean, items),
        rate=row(exposed.mean, items),
    )


def _over_positions(
    exposed: Exposure, demand: Demand, up_to: Array, gap: NDArray[np.int64], width: Array
) -> tuple[list[Array], Array, Array]:
    """Loss, P(D > y), P(D >= y), P(D > s), loss at s (then the early demand's loss); mean position; order rate."""
    items = len(up_to)
    law, early, review = (panjer_law(each, items) for each in (demand, exposed.early, exposed.review))
    kernel = compiled(
        position_kernel.ss_averages,
        panjer.first_point,
        panjer.fill_table,
        rq_kernel.reach_at,
        ss_kernel.extend_renewal,
        position_kernel.loss_at,
        position_kernel.table_cut,
        position_kernel.add_positions,
    )
    if kernel and law is not None and early is not None and review is not None and np.all(width == 1.0):
        out = np.empty((items, 8))
        kernel(law, early, review, np.stack([up_to - gap, up_to], axis=1), out)
        return [out[:, k] for k in (0, 1, 2, 3, 4, 7)], out[:, 6], 1.0 / out[:, 5]
    parts = np.full((5, items), np.nan)
    position, orders = np.empty(items), np.empty(items)
    for group in by_width(gap):
        asked = of_items(exposed.review, group)
        masses = lattice_masses(asked, width[group], lattice_width(asked, width[group]), whole=exposed.discrete)
        still = masses[:, 0] >= 1.0
        masses[still] = np.eye(1, masses.shape[1], 1)
        visits = renewal_masses(masses, gap[group])
        total = np.cumsum(visits, axis=1)[:, -1:]
        weights = visits / total
        weights[still] = np.eye(1, weights.shape[1])
        parts[:3, group] = averages_over(of_items(demand, group), up_to[group], weights, gap[group], width[group])
        used = np.cumsum(weights * np.arange(weights.shape[1]), axis=1)[:, -1]
        position[group] = up_to[group] - width[group] * used
        orders[group] = np.where(still, 0.0, 1.0 / total[:, 0])
    return list(parts), position, orders
