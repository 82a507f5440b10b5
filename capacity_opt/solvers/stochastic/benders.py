"""Multi-cut Benders decomposition with in-out stabilisation, over shared recourse bases.

Each iteration solves the master (first stage plus one column per sample group), steps from the best point known
towards the master's point, evaluates every group's expected recourse there exactly (one walk over the shared basis
graph per sample) and adds one cut per group. The point between is feasible, so every evaluation is also an upper bound.

Sources: Van Slyke & Wets (1969); Birge & Louveaux (1988) for many cuts; Ben-Ameur & Neto (2007) for in-out.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import SolverError
from capacity_opt.solvers.stochastic.graph import GroupValue, RecourseGraph
from capacity_opt.solvers.stochastic.master import Master, MasterPoint
from capacity_opt.solvers.stochastic.program import RecourseFamily, SampleGroup, TwoStageProgram
from capacity_opt.solvers.stochastic.sequence import RecourseSequence, recourse_model

Array = NDArray[np.float64]
IndexArray = NDArray[np.int32]

Progress = Callable[[float, int, float, float], None]
"""Called as progress(seconds, iteration, incumbent, bound)."""

IN_OUT = 0.5
BOX = 1e7
LARGEST_GRAPH_ROWS = 24


@dataclass(frozen=True, kw_only=True)
class TwoStageSolution:
    """The outcome of a decomposition: ``x`` first stage; bound <= optimum <= objective, both recomputed from evaluated
    recourse; ``group_values`` expected recourse per group at ``x``; ``bases`` how many recourse bases were met."""

    reason: str
    limit: str = "none"
    objective: float = float("nan")
    bound: float = float("-inf")
    gap: float = float("nan")
    x: Array | None = None
    group_values: Array | None = None
    iterations: int = 0
    bases: int = 0
    seconds: float = 0.0
    seconds_master: float = 0.0
    history: tuple[tuple[int, float, float], ...] = field(default=(), repr=False)


class Oracle:
    """Evaluates the expected recourse of every group, each sample starting from where it ended last."""

    def __init__(self, program: TwoStageProgram) -> None:
        """Find a dual-feasible first basis per family."""
        self.program = program
        self.groups = [(family, group) for family in program.families for group in family.groups]
        self.weights = np.array([group.weight for _, group in self.groups])
        graphs = [_recourse(family) for family in program.families]
        self.graphs = [graph for graph, family in zip(graphs, program.families) for _ in family.groups]
        self._distinct = graphs
        self._basis = [np.zeros(len(group.values), dtype=np.int32) for _, group in self.groups]

    @property
    def bases(self) -> int:
        """How many bases have been met so far."""
        return sum(graph.count for graph in self._distinct)

    def evaluate(self, point: Array) -> list[GroupValue]:
        """The expected recourse of every group at ``point``."""
        triples = zip(self.graphs, self.groups, self._basis)
        return [graph.evaluate(group, point, basis) for graph, (_, group), basis in triples]

    def cuts(self, values: list[GroupValue], point: Array) -> tuple[Array, Array, NDArray[np.int64]]:
        """Slopes (rows, first-stage columns), levels and group of each cut; feasibility cuts where a group has none."""
        infeasible = [i for i, value in enumerate(values) if value.ray is not None]
        chosen = infeasible or list(range(len(values)))
        slopes, levels = np.empty((len(chosen), len(point))), np.empty(len(chosen))
        for row, i in enumerate(chosen):
            slopes[row], levels[row] = _cut(self.groups[i], values[i], point)
        return slopes, levels, np.where(len(infeasible) > 0, -1, np.array(chosen, dtype=np.int64))


def _cut(of: tuple[RecourseFamily, SampleGroup], value: GroupValue, point: Array) -> tuple[Array, float]:
    family, group = of
    if value.ray is None:
        slope = -(group.technology.T @ value.slope)
        return slope, value.value - float(slope @ point)
    rhs = group.base.copy()
    rhs[family.random_rows] += group.values[value.ray_sample]
    return group.technology.T @ value.ray, value.ray_level - float(value.ray @ rhs)


def _recourse(family: RecourseFamily) -> RecourseGraph | RecourseSequence:
    """Small recourse problems share a basis graph; in large ones samples rarely meet, so each is solved warm."""
    if len(family.matrix) <= LARGEST_GRAPH_ROWS:
        return RecourseGraph(family, dual_feasible_basis(family))
    return RecourseSequence(family)


def dual_feasible_basis(family: RecourseFamily) -> NDArray[np.int64]:
    """A basis (columns of [matrix, identity]) that is dual feasible for every right-hand side.

    It is optimal for the first group's mean right-hand side with the first stage at 0, or where that has no recourse,
    for a right-hand side that is feasible by construction. A typical one is worth the trouble: samples then start their
    walks close to where they end.
    """
    group = family.groups[0]
    typical = group.base.copy()
    typical[family.random_rows] += group.probability @ group.values
    basis = _optimal_basis(family, typical)
    if basis is None:
        basis = _optimal_basis(family, family.matrix @ np.clip(0.0, family.lower, family.upper))
    if basis is None:
        raise SolverError("the recourse problem has no optimum: its cost falls without limit for any right-hand side")
    return basis


def _optimal_basis(family: RecourseFamily, rhs: Array) -> NDArray[np.int64] | None:
    import highspy

    highs = recourse_model(family, rhs)
    highs.run()
    if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    basis = highs.getBasis()
    basic, columns = highspy.HighsBasisStatus.kBasic, len(family.cost)
    found = [j for j, status in enumerate(basis.col_status) if status == basic]
    return np.array(
        found + [columns + i for i, status in enumerate(basis.row_status) if status == basic], dtype=np.int64
    )


@dataclass
class _State:
    """What a decomposition knows so far."""

    best: float = np.inf
    x: Array | None = None
    group_values: Array | None = None
    bound: float = -np.inf
    iteration: int = 0
    step: float = IN_OUT
    history: list[tuple[int, float, float]] = field(default_factory=list)

    def gap(self) -> float:
        return (self.best - self.bound) / max(abs(self.best), 1e-9) if np.isfinite(self.best) else np.inf


def solve_two_stage(
    program: TwoStageProgram,
    *,
    gap: float = 1e-6,
    time_limit: float = 300.0,
    seed: int = 0,
    progress: Progress | None = None,
) -> TwoStageSolution:
    """Solve the linear relaxation of ``program`` to a relative ``gap``.

    Returns a :class:`TwoStageSolution` whose reason is ``"optimal"``, ``"feasible"`` (limit reached), ``"infeasible"``,
    ``"unbounded"`` or ``"no_solution"``. Raises :class:`~capacity_opt.errors.SolverError` where the recourse is
    unbounded.
    """
    started = time.perf_counter()
    oracle = Oracle(program)
    master = Master(program.first, oracle.weights, seed=seed)
    state, spent, freed, boxed = _State(), 0.0, False, False
    while True:
        left = time_limit - (time.perf_counter() - started)
        before = time.perf_counter()
        outer = master.solve(time_limit=left)
        spent += time.perf_counter() - before
        if outer.reason == "unbounded" and not boxed:
            master.box(BOX)
            boxed = True
            continue
        if boxed and state.gap() <= gap and _at_the_box(program, state):
            outer = replace(outer, reason="unbounded")
        if outer.reason != "optimal":
            return _stopped(outer, state, oracle, started, spent)
        if freed:
            state.bound = max(state.bound, outer.bound)
        state.history.append((state.iteration, state.best, state.bound))
        if progress is not None:
            progress(time.perf_counter() - started, state.iteration, state.best, state.bound)
        if state.gap() <= gap or left <= 0:
            return _finished(state, oracle, started, spent, gap)
        feasible = _improve(state, program, oracle, master, outer)
        if feasible and not freed:
            master.free_recourse()
            freed = True


def _at_the_box(program: TwoStageProgram, state: _State) -> bool:
    first = program.first
    free = ~np.isfinite(first.column_lower) | ~np.isfinite(first.column_upper)
    return state.x is not None and bool(np.any(np.abs(state.x[free]) >= BOX * (1.0 - 1e-6)))


def _improve(state: _State, program: TwoStageProgram, oracle: Oracle, master: Master, outer: MasterPoint) -> bool:
    """One evaluation and its cuts; whether every sample had a feasible recourse there."""
    state.iteration += 1
    point = outer.x if state.x is None else state.step * outer.x + (1.0 - state.step) * state.x
    values = oracle.evaluate(point)
    slopes, levels, groups = oracle.cuts(values, point)
    master.add_cuts(slopes, levels, groups)
    if groups[0] < 0:
        state.step = 1.0 if state.x is None else IN_OUT
        return False
    expected = np.array([value.value for value in values])
    objective = float(program.first.cost @ point + program.first.offset + oracle.weights @ expected)
    lifted = float(oracle.weights @ np.maximum(levels + slopes @ outer.x - outer.theta, 0.0))
    improved = objective < state.best - 1e-12 * abs(objective)
    if improved:
        state.best, state.x, state.group_values = objective, point, expected
    moved = improved or lifted > 1e-9 * max(abs(objective), 1.0)
    state.step = IN_OUT if moved else 1.0
    return True


def _finished(state: _State, oracle: Oracle, started: float, spent: float, gap: float) -> TwoStageSolution:
    done = state.gap() <= gap
    reason = "optimal" if done else ("feasible" if state.x is not None else "no_solution")
    return TwoStageSolution(
        reason=reason,
        limit="none" if done else "time",
        objective=state.best,
        bound=min(state.bound, state.best),
        gap=max(state.gap(), 0.0),
        x=state.x,
        group_values=state.group_values,
        iterations=state.iteration,
        bases=oracle.bases,
        seconds=time.perf_counter() - started,
        seconds_master=spent,
        history=tuple(state.history),
    )


def _stopped(outer: MasterPoint, state: _State, oracle: Oracle, started: float, spent: float) -> TwoStageSolution:
    if outer.reason == "limit":
        return _finished(state, oracle, started, spent, gap=-1.0)
    return TwoStageSolution(
        reason=outer.reason, iterations=state.iteration, bases=oracle.bases, seconds=time.perf_counter() - started
    )
