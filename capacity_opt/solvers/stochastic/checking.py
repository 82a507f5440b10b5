"""The certificate of a decomposition, recomputed in NumPy from the program's arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from capacity_opt.solvers.rounding import column_violation, row_violation
from capacity_opt.solvers.stochastic.fixed import Settled, recourse_of
from capacity_opt.solvers.stochastic.graph import RecourseGraph
from capacity_opt.solvers.stochastic.program import Coupling, RecourseFamily, SampleGroup
from capacity_opt.solvers.stochastic.risk import sample_totals
from capacity_opt.solvers.stochastic.search import Search, TwoStageSolution
from capacity_opt.solvers.verify import Check

Array = NDArray[np.float64]

FEASIBILITY = 1e-6
SMALL_PART = 1e-2
DUALITY = 1e-6


def check_decomposition(
    search: Search, solution: TwoStageSolution, asked: float, recourse: list[Array] | None = None
) -> tuple[Check, ...]:
    """Feasibility, whole numbers, cost and bound, recomputed from the program's arrays and every sample's ``recourse``
    (per group (S, n); recomputed where not given; of large recourse problems, which would have to be solved again, the
    mean over samples)."""
    settled = solution.settled
    if settled is None:
        return ()
    first, x = search.program.first, settled.x
    whole = np.where(first.integer, np.abs(x - np.rint(x)), 0.0)
    broken = beyond = 0.0
    program = search.program
    cost, activity = float(first.cost @ x) + first.offset, program.rows_of_expectations.matrix @ x
    at_risk: list[Array | None] = []
    for g, (family, group) in enumerate(search.oracle.groups):
        own = _recourse(search, settled, g) if recourse is None else recourse[g]
        row, bound = _recourse_kept(family, group, x, own)
        broken, beyond = max(broken, row), max(beyond, bound)
        mean = group.probability @ own if len(own) == len(group.values) else own[0] * group.probability.sum()
        cost += group.weight * float(family.cost @ mean)
        if group.counted is not None:
            activity = activity + group.counted @ mean
        at_risk.append(None if group.at_risk is None else _at_risk(search, settled, g, own))
    objective, tied = cost, max(_coupling_left(search, activity), _risks_left(search, x, at_risk))
    size = max(1.0, abs(objective))
    bound = solution.bound if not first.integer.any() else min(solution.bound, _relaxed_bound(solution))
    graphs = {id(graph): graph for graph in search.oracle.graphs}
    wrong = max((graph.dual_violation() for graph in graphs.values()), default=0.0)
    values = (
        ("rows kept", float(row_violation(first, x).max(initial=0.0)), FEASIBILITY),
        ("column bounds kept", float(column_violation(first, x).max(initial=0.0)), FEASIBILITY),
        ("integers whole", float(whole.max(initial=0.0)), 1e-9),
        ("recourse rows kept in every sample", broken, FEASIBILITY),
        ("recourse bounds kept in every sample", beyond, FEASIBILITY),
        ("rows of expectations kept", tied, FEASIBILITY),
        ("objective as recomputed", abs(objective - solution.objective) / size, 1e-8),
        ("bound not above objective", max(solution.bound - objective, 0.0) / size, 1e-9),
        ("relaxation's bound proven by its prices", max(bound - solution.proven, 0.0) / size, DUALITY),
        ("recourse prices point at bounds that exist", wrong, DUALITY),
        ("gap within the one asked for", solution.gap if solution.reason == "optimal" else 0.0, asked * (1 + 1e-6)),
    )
    return tuple(Check(name=name, value=value, tolerance=tolerance) for name, value, tolerance in values)


def _relaxed_bound(solution: TwoStageSolution) -> float:
    return solution.relaxed.bound if solution.relaxed is not None else solution.bound


def _recourse(search: Search, settled: Settled, g: int) -> Array:
    """The recourse of every sample of a group, or its mean (1, n) where samples do not share bases."""
    if isinstance(search.oracle.graphs[g], RecourseGraph):
        return recourse_of(search, settled, g)
    total = float(search.oracle.groups[g][1].probability.sum())
    parts = [
        share * evaluation.values[g].columns
        for share, evaluation in zip(settled.share[g], settled.evaluations, strict=True)
        if share > 0
    ]
    mean: Array = np.sum(parts, axis=0)[None] / (total or 1.0)
    return mean


def _recourse_kept(family: RecourseFamily, group: SampleGroup, x: Array, own: Array) -> tuple[float, float]:
    """By how much a row, or a bound, of a group's recourse is broken at most, relative to max(1, its size); of a bound
    also relative to a hundredth of the largest right-hand side, in whose size basic values are computed."""
    values = group.values
    if len(own) != len(values):
        values = (group.probability @ values / (group.probability.sum() or 1.0))[None]
    rhs = np.tile(group.base - group.technology @ x, (len(own), 1))
    rhs[:, family.random_rows] += values
    slack, size = rhs - own @ family.matrix.T, np.maximum(1.0, np.abs(rhs))
    outside = np.maximum(family.slack_lower - slack, slack - family.slack_upper) / size
    large = max(1.0, SMALL_PART * float(np.abs(rhs).max(initial=0.0)))
    beyond = np.maximum(family.lower - own, own - family.upper) / np.maximum(large, np.abs(own))
    return float(outside.max(initial=0.0)), float(beyond.max(initial=0.0))


def _at_risk(search: Search, settled: Settled, g: int, own: Array) -> Array:
    """What a group adds to each risk in each sample, from its recourse; where that is known in the mean only, as it was
    measured."""
    group = search.oracle.groups[g][1]
    assert group.at_risk is not None
    if len(own) == len(group.values):
        exact: Array = group.at_risk @ own.T
        return exact
    parts = zip(settled.share[g], settled.evaluations, strict=True)
    measured = [(share, evaluation.at_risk[g]) for share, evaluation in parts]
    total: Array = np.sum([share * told for share, told in measured if told is not None and share > 0], axis=0)
    return total


def _risks_left(search: Search, x: Array, at_risk: list[Array | None]) -> float:
    """By how much a risk is above what the first stage sets aside for it, relative to its size."""
    program, beyond = search.program, 0.0
    if not program.risks:
        return 0.0
    for risk, totals in zip(program.risks, sample_totals(program, at_risk), strict=True):
        found = conditional_value_at_risk(totals, program.sample_probability, risk.level)
        beyond = max(beyond, (found - float(x[risk.column])) / max(1.0, abs(found)))
    return beyond


def conditional_value_at_risk(totals: Array, probability: Array, level: float) -> float:
    """The mean of the worst ``1 - level`` share of outcomes, by its value at risk: v + E[(totals - v)+] / (1 - level).

    >>> conditional_value_at_risk(np.array([1.0, 4.0, 3.0, 2.0]), np.full(4, 0.25), 0.5)
    3.5
    """
    order = np.argsort(totals, kind="stable")
    reached = np.cumsum(probability[order])
    at_risk = totals[order][min(int(np.searchsorted(reached, level * reached[-1])), len(totals) - 1)]
    excess: float = float(probability @ np.maximum(totals - at_risk, 0.0))
    return float(at_risk) + excess / (1.0 - level)


def _coupling_left(search: Search, activity: Array) -> float:
    """How far the rows of expectations are left, relative to their size."""
    kept = len(activity)
    here = search.master.coupling
    coupling = Coupling(matrix=here.matrix[:kept], lower=here.lower[:kept], upper=here.upper[:kept])
    beyond = np.maximum(np.maximum(activity - coupling.upper, coupling.lower - activity), 0.0)
    size = np.maximum(1.0, np.where(np.isfinite(coupling.upper), np.abs(coupling.upper), np.abs(coupling.lower)))
    return float((beyond / size).max(initial=0.0))
