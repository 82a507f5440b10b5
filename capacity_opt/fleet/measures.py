"""The promise of a decision in the frame's samples: availability per class and the utilization numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from capacity_opt.fleet.decode import Decision
from capacity_opt.fleet.frame import Frame
from capacity_opt.problem.plan import ClassAvailability, Utilization

Array = NDArray[np.float64]

NOTICEABLE = 1e-6
"""Unmet demand below this share of the demand (or of one unit) is rounding, not shortage."""


def availability_of(frame: Frame, decision: Decision) -> ClassAvailability:
    """Fill and no-shortage probability per class."""
    problem, share = frame.problem, frame.problem.block_share
    demand = np.moveaxis(frame.outcomes.values, 0, -1)
    member = problem.groups.group_class == np.arange(problem.sizes["C"])[:, None]
    p = frame.outcomes.probability
    asked = np.einsum("cj,jtbs,b,s->ct", member.astype(float), demand, share, p)
    unmet = np.einsum("cj,jtbs,b,s->ct", member.astype(float), decision.unmet, share, p)
    short = decision.unmet > NOTICEABLE * np.maximum(demand, 1.0)
    happens = np.einsum("cj,jts->cts", member.astype(float), short.any(axis=2).astype(float)) > 0
    safe = np.where(asked > 0, asked, np.nan)
    total = asked.sum(axis=1)
    return ClassAvailability(
        classes=problem.groups.classes,
        fill=1.0 - unmet.sum(axis=1) / np.where(total > 0, total, 1.0),
        no_shortage_per_period=1.0 - np.einsum("cts,s->ct", happens.astype(float), p).mean(axis=1),
        no_shortage_joint=1.0 - happens.any(axis=1).astype(float) @ p,
        fill_by_period=1.0 - unmet / safe,
    )


def capacity_in_service(frame: Frame, decision: Decision) -> Array:
    """Owned physical capacity that works, (K, P, R, T, S) — broadcast along S where all samples are alike."""
    problem, z = frame.problem, np.arange(frame.problem.sizes["Z"])
    pool = np.zeros((len(z), len(frame.pools)))
    pool[z, frame.zone_pool] = 1.0
    there = np.moveaxis(frame.outcomes.available, 0, -1)
    stock = np.moveaxis(decision.stock, 0, -1)
    servers = np.einsum("kzts,zp->kpts", stock * there, pool)
    capacity = problem.server_types.capacity
    held: Array = servers[:, :, None] * capacity[:, None, :, None, None]
    return held


def utilization_of(frame: Frame, decision: Decision) -> Utilization:
    """The four numbers; means over samples, periods and blocks of what is used, over means of what is held."""
    problem, share, p = frame.problem, frame.problem.block_share, frame.outcomes.probability
    lanes = frame.lanes()
    shape = (problem.sizes["K"], len(frame.pools), problem.sizes["R"], *decision.served.shape[1:])
    load, sold = np.zeros(shape), np.zeros(shape)
    place = (lanes.server_type, lanes.pool)
    usage = problem.groups.usage[lanes.group]
    np.add.at(load, place, lanes.load[:, :, None, None, None] * decision.served[:, None])
    np.add.at(sold, place, usage[:, :, None, None, None] * decision.served[:, None])
    owned = capacity_in_service(frame, decision)[:, :, :, :, None, :]
    used = np.minimum(load, owned)
    part = np.divide(used, load, out=np.ones(shape), where=load > 0)
    held = _total(np.broadcast_to(owned, shape), share, p)
    busiest = _ratio(used, owned).max(axis=2, keepdims=True)
    stranded = (busiest - _ratio(used, owned)) * owned * (owned > 0)
    buffer = _buffer(frame, decision, owned - used)
    return Utilization(
        resources=problem.resources,
        allocation=_share(_total(used, share, p), held),
        physical=_share(_total(sold * part, share, p), held),
        stranded=_share(_total(stranded, share, p), held),
        allocation_without_buffer=_share(_total(used, share, p), held - _total(buffer, share, p)),
        commitment=_commitment_use(frame, decision, load),
    )


def _ratio(used: Array, owned: Array) -> Array:
    shape = np.broadcast_shapes(used.shape, owned.shape)
    ratio: Array = np.divide(used, owned, out=np.zeros(shape), where=np.broadcast_to(owned > 0, shape))
    return ratio


def _total(value: Array, share: Array, p: Array) -> Array:
    """Expected amount per resource, (R,)."""
    total: Array = np.einsum("kprtbs,b,s->r", value, share, p)
    return total


def _share(part: Array, whole: Array) -> Array:
    share: Array = np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 1e-12)
    return share


def _buffer(frame: Frame, decision: Decision, idle: Array) -> Array:
    """Idle capacity that is held for the loss of the worst protected zone, by (K, P, R, T, B, S): at most that zone's
    own capacity, shared over types in proportion to what is idle."""
    problem = frame.problem
    protected = np.nan_to_num(problem.service.protected_share).max(axis=0) > 0
    capacity = problem.server_types.capacity
    there = np.moveaxis(frame.outcomes.available, 0, -1)
    zone = (
        np.einsum("kzts,kr->zrts", np.moveaxis(decision.stock, 0, -1) * there, capacity)
        * protected[:, None, None, None]
    )
    result = np.zeros(idle.shape)
    for region in range(problem.sizes["G"]):
        inside, pools = problem.sites.zone_region == region, frame.pool_region == region
        if not inside.any():
            continue
        worst = zone[inside].max(axis=0)[:, :, None, :]
        free = idle[:, pools].sum(axis=(0, 1))
        kept = np.divide(np.minimum(worst, free), free, out=np.zeros(free.shape), where=free > 0)
        result[:, pools] = idle[:, pools] * kept
    return result


def _commitment_use(frame: Frame, decision: Decision, load: Array) -> float:
    """Units used over units paid for, all commitments together; NaN without any. Being paid for either way, they are
    taken to be used before owned and before bought servers."""
    problem, lanes = frame.problem, frame.option_lanes
    if not frame.is_commitment.any() or not decision.committed.any():
        return float("nan")
    t = np.arange(problem.sizes["T"])
    age = (t[None, :] - t[:, None])[None]
    in_force = (age >= 0) & (age < problem.options.term[:, None, None])
    paid = np.einsum("mu,mut->mt", decision.committed, in_force.astype(float))
    places = np.bincount(lanes.option, minlength=problem.sizes["M"])
    own = np.flatnonzero(frame.is_commitment[lanes.option])
    alone = (places[lanes.option[own]] == 1)[:, None, None, None]
    whole = (paid[lanes.option[own]] / lanes.weight[own][:, None])[:, :, None, None]
    offered = np.where(alone, whole, decision.bought[own])
    capacity = problem.server_types.capacity[:, None, :, None, None, None]
    wanted = np.divide(load, capacity, out=np.zeros(load.shape), where=capacity > 0).max(axis=2)
    total = np.zeros(wanted.shape)
    np.add.at(total, (lanes.server_type[own], lanes.pool[own]), offered)
    part = np.divide(np.minimum(wanted, total), total, out=np.zeros(total.shape), where=total > 0)
    units = offered * part[lanes.server_type[own], lanes.pool[own]] * lanes.weight[own][:, None, None, None]
    used = np.einsum("otbs,b,s->", units, problem.block_share, frame.outcomes.probability)
    return float(used / paid.sum())
