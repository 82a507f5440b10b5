"""Two-stage programs made from one: with coupling rows priced instead of kept, for the mean sample, for one sample."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from capacity_opt.solvers.stochastic.program import RecourseFamily, SampleGroup, TwoStageProgram

Array = NDArray[np.float64]


def priced(program: TwoStageProgram, prices: Array) -> TwoStageProgram:
    """The program without its coupling rows, which cost ``prices`` (R,) per unit instead (a Lagrangian): its optimum is
    a lower bound on the program's own, and so it is in expectation where rows and prices meet fresh samples."""
    coupling = program.rows_of_expectations
    if not len(coupling.lower):
        return program
    first = program.first
    bound = np.where(prices > 0, coupling.upper, coupling.lower)
    used = prices != 0
    families: dict[tuple[int, bytes], RecourseFamily] = {}
    for at, family in enumerate(program.families):
        for group in family.groups:
            cost = family.cost if group.counted is None else family.cost + prices @ group.counted / group.weight
            key = (at, np.round(cost, 12).tobytes())
            known = families.get(key, replace(family, cost=cost, groups=()))
            families[key] = replace(known, groups=(*known.groups, replace(group, counted=None)))
    return TwoStageProgram(
        first=replace(
            first,
            cost=first.cost + coupling.matrix.T @ prices,
            offset=first.offset - float(prices[used] @ bound[used]),
        ),
        families=tuple(families.values()),
    )


def mean_value(program: TwoStageProgram) -> TwoStageProgram:
    """The program of one sample: the mean of all."""
    families = []
    for family in program.families:
        whole = [group for group in family.groups if group.samples is None]
        split = [group for group in family.groups if group.samples is not None]
        groups = [_mean(group, [group]) for group in whole]
        families.append(replace(family, groups=tuple(groups + ([_mean(split[0], split)] if split else []))))
    return replace(program, families=tuple(families))


def _mean(like: SampleGroup, groups: list[SampleGroup]) -> SampleGroup:
    total = sum(float(group.probability.sum()) for group in groups)
    values = np.sum([group.probability @ group.values for group in groups], axis=0) / total
    return replace(like, values=values[None], probability=np.array([total]), samples=None)


def only_sample(program: TwoStageProgram, s: int) -> TwoStageProgram:
    """The program in which sample ``s`` is certain."""
    families = []
    for family in program.families:
        groups = []
        for group in family.groups:
            at = s if group.samples is None else int(np.searchsorted(group.samples, s))
            if group.samples is not None and (at == len(group.samples) or group.samples[at] != s):
                continue
            groups.append(replace(group, values=group.values[at : at + 1], probability=np.ones(1), samples=None))
        families.append(replace(family, groups=tuple(groups)))
    return replace(program, families=tuple(family for family in families if family.groups))


def sample_costs(program: TwoStageProgram, values: list[Array], x: Array) -> Array:
    """The cost of every sample (S,) at first stage ``x``, from the recourse costs of every group's samples."""
    count = max(
        len(group.values) if group.samples is None else int(group.samples.max()) + 1 for _, group in program.groups
    )
    total = np.full(count, float(program.first.cost @ x) + program.first.offset)
    for (_, group), own in zip(program.groups, values, strict=True):
        total[slice(None) if group.samples is None else group.samples] += group.weight * own
    return total
