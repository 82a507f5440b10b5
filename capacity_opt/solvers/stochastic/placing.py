"""Where the samples of a group stand: in one graph of bases, or, where risks price samples apart, in a few."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from capacity_opt.solvers.stochastic.graph import GroupValue, RecourseGraph
from capacity_opt.solvers.stochastic.program import RecourseFamily, SampleGroup
from capacity_opt.solvers.stochastic.sequence import RecourseSequence

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
IndexArray = NDArray[np.int32]

DIGITS = 12
"""Costs that agree to this many digits are the same cost."""

Recourse = RecourseGraph | RecourseSequence
Made = dict[tuple[int, bytes], tuple[Recourse, IndexArray]]
"""Graphs made at new costs, by the graph they come from and the cost."""


@dataclass(frozen=True)
class Part:
    """Samples ``chosen`` of a group (``None``: all) in one graph, each in its own ``basis``; each counts ``scale``
    times (``None``: once) besides its probability."""

    graph: Recourse
    basis: IndexArray
    chosen: IntArray | None = None
    scale: Array | None = None


Place = tuple[Part, ...]


def evaluate_place(place: Place, group: SampleGroup, point: Array, measures: Array | None) -> GroupValue:
    """Expected recourse of a group whose samples stand at ``place``."""
    if len(place) == 1 and place[0].chosen is None:
        return place[0].graph.evaluate(group, point, place[0].basis, scale=place[0].scale, measures=measures)
    found = []
    for part in place:
        value = part.graph.evaluate(_only(group, part), point, part.basis, scale=part.scale, measures=measures)
        if value.ray is not None and part.chosen is not None:
            return replace(value, ray_sample=int(part.chosen[value.ray_sample]))
        found.append(value)
    return _together(place, found, len(group.values))


def _only(group: SampleGroup, part: Part) -> SampleGroup:
    if part.chosen is None:
        return group
    return replace(group, values=group.values[part.chosen], probability=group.probability[part.chosen])


def _together(place: Place, found: list[GroupValue], samples: int) -> GroupValue:
    values, basis = np.empty(samples), np.zeros(samples, dtype=np.int32)
    measured = np.empty((len(found[0].measured), samples))
    for part, value in zip(place, found, strict=True):
        values[part.chosen], basis[part.chosen] = value.sample_values, value.basis
        measured[:, part.chosen] = value.measured
    return GroupValue(
        value=sum(value.value for value in found),
        slope=np.sum([value.slope for value in found], axis=0),
        sample_values=values,
        basis=basis,
        columns=np.sum([value.columns for value in found], axis=0),
        measured=measured,
    )


def columns_at(place: Place, group: SampleGroup, point: Array, basis: IndexArray) -> Array:
    """The recourse of every sample (S, n) whose walks ended in ``basis`` (S,)."""
    found = np.empty((len(group.values), len(place[0].graph.cost)))
    for part in place:
        mine = slice(None) if part.chosen is None else part.chosen
        found[mine] = part.graph.columns(_only(group, part), point, basis[mine])
    return found


def place_of(family: RecourseFamily, before: Place, costs: Array, kind: IntArray, unit: float, made: Made) -> Place:
    """Where samples stand at new costs: ``costs`` (kinds, n) in money, ``kind`` (S,) which of them a sample pays,
    ``unit`` the money in which the group's value is told. Costs that differ by a factor only share a graph."""
    size = float(np.abs(family.cost).max(initial=0.0)) or 1.0
    factor = np.abs(costs).max(axis=1, initial=0.0) / size
    normed = np.round(np.divide(costs, factor[:, None], out=np.zeros_like(costs), where=factor[:, None] > 0), DIGITS)
    normed[factor == 0] = family.cost
    same = np.abs(normed - family.cost).max(axis=1, initial=0.0) <= 10.0**-DIGITS * 10 * size
    normed[same] = family.cost
    distinct, number = np.unique(normed, axis=0, return_inverse=True)
    of_sample, scale = number.ravel()[kind], factor[kind] / unit
    if len(distinct) == 1:
        return (_part(before, distinct[0], None, scale, made),)
    used = np.unique(of_sample)
    return tuple(
        _part(before, distinct[own], chosen, scale[chosen], made)
        for own in used
        for chosen in (np.flatnonzero(of_sample == own),)
    )


def _part(before: Place, cost: Array, chosen: IntArray | None, scale: Array, made: Made) -> Part:
    """Samples in the graph of ``cost``: where they stood if it is the same, otherwise as near as bases allow."""
    if len(before) == 1 and before[0].chosen is None:
        source, mine = before[0], slice(None) if chosen is None else chosen
        if np.array_equal(source.graph.cost, cost):
            basis = source.basis if chosen is None else source.basis[mine]
            return Part(source.graph, basis, chosen, scale)
        graph, number = moved_graph(source, cost, made)
        return Part(graph, number[np.minimum(source.basis[mine], len(number) - 1)], chosen, scale)
    count = sum(len(part.basis) for part in before)
    wanted = np.zeros(count, dtype=bool)
    wanted[slice(None) if chosen is None else chosen] = True
    there = [int(wanted[part.chosen].sum()) for part in before]
    source = next((p for p in before if np.array_equal(p.graph.cost, cost)), before[int(np.argmax(there))])
    if np.array_equal(source.graph.cost, cost):
        graph, number = source.graph, np.arange(max(source.graph.count, 1), dtype=np.int32)
    else:
        graph, number = moved_graph(source, cost, made)
    usual = int(np.bincount(source.basis).argmax())
    stood = np.full(count, usual, dtype=np.int32)
    stood[source.chosen] = source.basis
    basis = number[np.minimum(stood[wanted], len(number) - 1)]
    return Part(graph, basis, chosen, scale)


def moved_graph(source: Part, cost: Array, made: Made) -> tuple[Recourse, IndexArray]:
    """The graph of a part's bases at another cost, made once for all groups that share it."""
    key = (id(source.graph), cost.tobytes())
    if key not in made:
        made[key] = source.graph.with_cost(cost)
    return made[key]
