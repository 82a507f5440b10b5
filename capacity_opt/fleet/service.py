"""Service levels: how much, how often and how badly a class may go short.

Rows ``fill_rate[c]``, ``short[c,t,b,j,s]`` ..., see each function; columns ``shortage_happens[c,t,s]`` (0 or 1),
``shortage_var[c]``, ``shortage_tail[c,s]``, ``unprotected_without_z[s]`` (0 or 1).

Under the cumulative rule a class's promise counts the unmet demand of all classes at least as critical, which is what
strict priority delivers; under ``per_class`` its own only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from capacity_opt.fleet.arrays import ABSENT, ModelBuilder
from capacity_opt.fleet.frame import Frame
from capacity_opt.fleet.recourse import (
    RecourseColumns,
    add_failure_recourse,
    protected_share,
    suffix_of,
)
from capacity_opt.fleet.supply import SupplyColumns

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


def counted_groups(frame: Frame) -> BoolArray:
    """Whose unmet demand counts against class c, (C, J)."""
    classes = np.arange(frame.problem.sizes["C"])[:, None]
    group_class = frame.problem.groups.group_class[None, :]
    if frame.problem.service.fill_rule == "per_class":
        own: BoolArray = group_class == classes
        return own
    result: BoolArray = group_class <= classes
    return result


def class_mean_demand(frame: Frame) -> Array:
    """E[demand] per class over all periods, (C,)."""
    return np.bincount(
        frame.problem.groups.group_class, weights=frame.mean_demand, minlength=frame.problem.sizes["C"]
    ).astype(np.float64)


def allowed_unmet(frame: Frame) -> Array:
    """Expected unmet demand that the fill-rate promise leaves, (C,); NaN without promise."""
    left: Array = (1.0 - frame.problem.service.fill_rate) * class_mean_demand(frame)
    return left


def add_fill_rate(builder: ModelBuilder, frame: Frame, normal: RecourseColumns) -> None:
    """``fill_rate[c]``: expected unmet demand within what the promise leaves."""
    allowed = allowed_unmet(frame)
    rows = builder.rows("fill_rate", [frame.problem.groups.classes], upper=allowed, where=~np.isnan(allowed))
    share = frame.problem.block_share[:, None] * frame.outcomes.probability
    counted = counted_groups(frame)[:, :, None, None, None]
    builder.add(rows[:, None, None, None, None], normal.unmet[None], counted * share)


def add_chance(builder: ModelBuilder, frame: Frame, normal: RecourseColumns, supply: SupplyColumns) -> None:
    """``chance[c,t]`` (or ``chance[c]`` where joint): the probability of shortage is within 1 - its promise.

    ``shortage_happens[c,t,s]`` must be 1 before anything counted may go unmet: ``unmet_only_if[c,j,t,b,s]`` with the
    sample's own demand as the tightest big-M.
    """
    problem, promise = frame.problem, frame.problem.service.no_shortage_probability
    asked = ~np.isnan(promise)
    if not asked.any():
        return
    joint = problem.service.no_shortage_scope == "joint"
    spans = ["horizon"] if joint else list(problem.periods)
    classes = problem.groups.classes
    happens = builder.columns(
        "shortage_happens",
        [classes, spans, frame.sample_labels],
        upper=1.0,
        integer=True,
        where=asked[:, None, None],
        sample=np.arange(frame.outcomes.count),
    )
    rows = builder.rows("chance", [classes, spans], upper=(1.0 - promise)[:, None] + 1e-12, where=asked[:, None])
    builder.add(rows[..., None], happens, frame.outcomes.probability)
    demand = np.moveaxis(frame.outcomes.values, 0, -1)
    where = (counted_groups(frame) & asked[:, None])[:, :, None, None, None] & (normal.unmet >= 0)[None]
    labels = [classes, problem.groups.names, problem.periods, problem.blocks, frame.sample_labels]
    only_if = builder.rows("unmet_only_if", labels, upper=0.0, where=where)
    builder.add(only_if, normal.unmet[None], 1.0)
    per_period = np.broadcast_to(happens, (len(classes), problem.sizes["T"], frame.outcomes.count))
    builder.add(only_if, per_period[:, None, :, None, :], -demand[None])
    _mixing(builder, frame, supply, per_period)


def _mixing(builder: ModelBuilder, frame: Frame, supply: SupplyColumns, happens: IntArray) -> None:
    """``chance_quantile[c,r,t,b,s]``: valid rows that tighten the chance promise where only owned servers serve.

    If at most a share e of the samples may go short, capacity must carry the (1 - e)-quantile q of the load that has to
    be served; hence capacity + (load[s] - q) x happens[s] >= load[s] for every sample whose load exceeds q.
    """
    problem = frame.problem
    if problem.sizes["M"] or frame.worlds > 1 or frame.outcomes.random_zones:
        return
    promise = problem.service.no_shortage_probability
    least = _least_load(frame)
    load = np.einsum("cj,jr,sjtb->crtbs", counted_groups(frame), least, frame.outcomes.values)
    order = np.argsort(load, axis=-1)
    ranked = np.take_along_axis(load, order, -1)
    reached = np.cumsum(frame.outcomes.probability[order], axis=-1)
    first = np.argmax(reached >= np.nan_to_num(promise)[:, None, None, None, None] - 1e-12, axis=-1)[..., None]
    quantile = np.take_along_axis(ranked, first, -1)
    where = (load >= quantile) & (load > 0) & ~np.isnan(promise)[:, None, None, None, None]
    labels = [
        problem.groups.classes,
        problem.resources,
        problem.periods,
        problem.blocks,
        frame.sample_labels,
    ]
    rows = builder.rows("chance_quantile", labels, lower=load, where=where)
    builder.add(rows, happens[:, None, :, None, :], load - quantile)
    for k in range(problem.sizes["K"]):
        stock = supply.stock[0, k].T[None, None, :, None, None, :]
        size = problem.server_types.capacity[k][None, :, None, None, None, None]
        builder.add(rows[..., None], stock, size)


def _least_load(frame: Frame) -> Array:
    """The least physical resource one unit of a group can take on any type, (J, R)."""
    lanes, sizes = frame.lanes(), frame.problem.sizes
    least = np.full((sizes["J"], sizes["R"]), np.inf)
    np.minimum.at(least, lanes.group, lanes.load)
    return np.where(np.isinf(least), 0.0, least)


def add_shortage_cvar(builder: ModelBuilder, frame: Frame, normal: RecourseColumns) -> None:
    """``shortage_cvar[c]``: the mean of the worst 1 - level share of outcomes of the horizon's total shortage (demand
    units x periods) is within its limit; ``shortage_tail[c,s]`` is the shortage beyond ``shortage_var[c]``."""
    problem, service = frame.problem, frame.problem.service
    asked = ~np.isnan(service.shortage_cvar_limit)
    if not asked.any():
        return
    classes, samples = problem.groups.classes, frame.sample_labels
    var = builder.columns("shortage_var", [classes], where=asked)
    tail = builder.columns(
        "shortage_tail", [classes, samples], where=asked[:, None], sample=np.arange(frame.outcomes.count)
    )
    rows = builder.rows("shortage_cvar", [classes], upper=service.shortage_cvar_limit, where=asked)
    builder.add(rows, var, 1.0)
    level = np.where(asked, service.shortage_cvar_level, 0.0)
    builder.add(rows[:, None], tail, frame.outcomes.probability / (1.0 - level)[:, None])
    above = builder.rows("shortage_above", [classes, samples], lower=0.0, where=asked[:, None])
    builder.add(above, tail, 1.0)
    builder.add(above, var[:, None], 1.0)
    counted = counted_groups(frame)[:, :, None, None, None]
    share = problem.block_share[:, None]
    builder.add(above[:, None, None, None, :], normal.unmet[None], -1.0 * counted * share)


def add_failures(builder: ModelBuilder, frame: Frame, supply: SupplyColumns) -> list[RecourseColumns]:
    """Exact recourse for the loss of each zone that some class is protected against.

    ``protection[z]``: where ``protected_quantile`` is below 1, the samples (whole paths) in which the loss of z is not
    covered have at most 1 - protected_quantile probability together.
    """
    problem, states = frame.problem, []
    quantile = problem.service.protected_quantile
    for zone in range(problem.sizes["Z"]):
        if not np.any(protected_share(frame, zone) > 0):
            continue
        unprotected = np.full(frame.outcomes.count, ABSENT, dtype=np.int64)
        if quantile < 1.0:
            suffix = suffix_of(frame, zone)
            unprotected = builder.columns(
                f"unprotected{suffix}",
                [frame.sample_labels],
                upper=1.0,
                integer=True,
                sample=np.arange(frame.outcomes.count),
            )
            row = builder.rows(f"protection{suffix}", [[""]], upper=1.0 - quantile + 1e-12)
            builder.add(row, unprotected, frame.outcomes.probability)
        states.append(add_failure_recourse(builder, frame, supply, zone, unprotected))
    return states


def add_pooled_failures(builder: ModelBuilder, frame: Frame, supply: SupplyColumns) -> None:
    """``pooled_without_z[r,t,b,s]``: the protected load fits the total capacity that is left, whatever runs where.

    Valid where only owned servers serve, and weak: it ignores which class fits which type and how resources strand.
    The exact recourse implies it, so it is written only for comparison, and as a cut where recourse is decomposed.
    """
    problem, zones = frame.problem, np.arange(frame.problem.sizes["Z"])
    if problem.sizes["M"] or frame.worlds > 1:
        return
    there = np.moveaxis(frame.outcomes.available, 0, -1)
    for lost in zones:
        share = protected_share(frame, int(lost))
        if not np.any(share > 0):
            continue
        load = np.einsum("j,jr,sjtb->rtbs", share, _least_load(frame), frame.outcomes.values)
        labels = [problem.resources, problem.periods, problem.blocks, frame.sample_labels]
        rows = builder.rows(f"pooled{suffix_of(frame, int(lost))}", labels, lower=load, where=load > 0)
        for k, z in np.ndindex(problem.sizes["K"], problem.sizes["Z"]):
            if z != lost:
                size = problem.server_types.capacity[k][:, None, None, None] * there[z][None, :, None, :]
                builder.add(rows, supply.stock[0, k, z][None, :, None, None], size)
