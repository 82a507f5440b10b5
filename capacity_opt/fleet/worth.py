"""What avoiding a shortage is worth under a plan: the rule by which operations decide what to buy on the day."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from capacity_opt.fleet.formulation import FleetModel
from capacity_opt.fleet.service import counted_groups

Array = NDArray[np.float64]

TIES = 1e-6


def capacity_worth(model: FleetModel, *duals: Array | None) -> Array | None:
    """What one more unit of a resource saves, (K, G, R, T, B), NaN where there is no such capacity: by the first of the
    given ``duals`` (rows,) that price anything at all. In a region split into zones, the zone where it is worth least.
    """
    frame, state = model.frame, model.normal
    if not state.capacity.size:
        return None
    sizes = frame.problem.sizes
    k, p, r = state.capacity_of
    worth = np.full((sizes["K"], sizes["G"], sizes["R"], sizes["T"], sizes["B"]), np.inf)
    known = [np.maximum(-given[state.capacity].sum(axis=3), 0.0) for given in duals if given is not None and len(given)]
    if not known:
        return None
    chosen = next((value for value in known if np.any(value > TIES)), known[0])
    np.minimum.at(worth, (k, frame.pool_region[p], r), chosen)
    return np.where(np.isinf(worth), np.nan, worth)


def shortage_worth(model: FleetModel, duals: Array | None) -> Array:
    """Money per unit and period for each group (J,): the penalty plus the prices of the fill-rate promises that the
    shortage counts against (``duals`` of the program's rows). Infinite where shortage is forbidden, where another kind
    of promise stands, or where the promise has no price because there are no duals. Ties are broken for service.
    """
    service, groups = model.frame.problem.service, model.frame.problem.groups
    other = ~np.isnan(service.no_shortage_probability) | ~np.isnan(service.shortage_cvar_limit)
    firm = ~service.shortage_allowed | other[groups.group_class]
    promised = ~np.isnan(service.fill_rate)
    if duals is None:
        firm = firm | promised[groups.group_class]
        price = np.zeros(len(promised))
    else:
        rows = model.row_blocks["fill_rate"].index
        price = np.where(rows >= 0, np.maximum(-duals[np.maximum(rows, 0)], 0.0) if len(duals) else 0.0, 0.0)
    worth = np.nan_to_num(service.penalty) + price @ counted_groups(model.frame)
    return np.where(firm, np.inf, worth * (1.0 + TIES))
