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

from capacity_opt.solvers.stochastic.integer import close_integer_gap
from capacity_opt.solvers.stochastic.master import Master, MasterPoint
from capacity_opt.solvers.stochastic.oracle import Oracle
from capacity_opt.solvers.stochastic.program import TwoStageProgram

Array = NDArray[np.float64]
IndexArray = NDArray[np.int32]

Progress = Callable[[float, int, float, float], None]
"""Called as progress(seconds, iteration, incumbent, bound)."""

IN_OUT = 0.5
BOX = 1e7


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
    relaxed_objective: float = float("nan")
    iterations: int = 0
    bases: int = 0
    seconds: float = 0.0
    seconds_master: float = 0.0
    history: tuple[tuple[int, float, float], ...] = field(default=(), repr=False)


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
    """Solve ``program`` to a relative ``gap``: its linear relaxation first, then whole numbers where it asks for them.

    Returns a :class:`TwoStageSolution` whose reason is ``"optimal"``, ``"feasible"`` (limit reached), ``"infeasible"``,
    ``"unbounded"`` or ``"no_solution"``. Raises :class:`~capacity_opt.errors.SolverError` where the recourse is
    unbounded.
    """
    started = time.perf_counter()
    oracle = Oracle(program)
    master = Master(program.first, oracle.weights, seed=seed)
    whole = bool(program.first.integer.any())
    relaxed_gap = min(gap, max(gap / 10, 1e-6)) if whole else gap
    relaxed = _solve_relaxed(program, oracle, master, relaxed_gap, started, time_limit, progress)
    if not whole or relaxed.reason != "optimal" or relaxed.x is None:
        return relaxed if not whole else _without_point(relaxed)
    best, reason = close_integer_gap(
        program, oracle, master, relaxed=relaxed.x, bound=relaxed.bound, gap=gap, deadline=started + time_limit
    )
    if reason == "limit":
        reason = "feasible" if best.x is not None else "no_solution"
    return TwoStageSolution(
        reason=reason,
        limit="none" if reason in ("optimal", "infeasible") else "time",
        objective=best.objective if best.x is not None else float("nan"),
        bound=best.bound,
        gap=max(best.gap(), 0.0),
        x=best.x,
        group_values=best.group_values,
        iterations=relaxed.iterations + best.rounds,
        bases=oracle.bases,
        seconds=time.perf_counter() - started,
        relaxed_objective=relaxed.objective,
        history=relaxed.history,
    )


def _without_point(relaxed: TwoStageSolution) -> TwoStageSolution:
    """A relaxation stopped before its optimum has a bound but no whole-number point."""
    reason = "no_solution" if relaxed.reason == "feasible" else relaxed.reason
    return replace(relaxed, reason=reason, x=None, objective=float("nan"), gap=float("nan"), group_values=None)


def _solve_relaxed(
    program: TwoStageProgram,
    oracle: Oracle,
    master: Master,
    gap: float,
    started: float,
    time_limit: float,
    progress: Progress | None,
) -> TwoStageSolution:
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
