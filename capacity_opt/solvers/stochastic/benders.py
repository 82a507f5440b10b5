"""Multi-cut Benders decomposition with in-out stabilisation, over shared recourse bases.

Each iteration solves the master (first stage, an expected cost per sample group, and what each group adds to the
coupling rows), steps halfway from the best mixture of evaluated points towards the master's point, in the first stage
and in the prices of the coupling rows alike, evaluates every group's expected recourse there exactly (one walk over the
shared basis graph per sample) and adds one cut per group. Coupling rows keep their budget in the master and their
multiplier in the recourse: a cut taken at any prices is valid, and mixtures of evaluated points give upper bounds.

Sources: Van Slyke & Wets (1969); Birge & Louveaux (1988) for many cuts; Ben-Ameur & Neto (2007) for in-out; Dantzig &
Wolfe (1960) for the mixtures.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from capacity_opt.solvers.stochastic.fixed import Settled, better, forbid, settle
from capacity_opt.solvers.stochastic.inner import KEPT, Mixture, best_mixture
from capacity_opt.solvers.stochastic.integer import close_integer_gap
from capacity_opt.solvers.stochastic.interrupted import rounded
from capacity_opt.solvers.stochastic.master import Master, MasterDuals, MasterPoint, master_of
from capacity_opt.solvers.stochastic.oracle import Evaluation, Graphs, Oracle
from capacity_opt.solvers.stochastic.program import TwoStageProgram
from capacity_opt.solvers.stoppable import STOP_SECONDS, is_interrupt

Array = NDArray[np.float64]

Progress = Callable[[float, int, float, float], None]
"""Called as progress(seconds, iteration, incumbent, bound)."""

BOX = 1e7
MOST_POINTS = 150
DEARER, DEAREST = 4.0, 1e9
"""While no mixture keeps the coupling rows, leaving them becomes dearer by this factor, up to this multiple."""

PATIENCE = 3
"""Iterations without a mixture that keeps the coupling rows, after which points that cannot keep them are cut off."""

FREE = 1e-9
"""Below this share of the dearest price a coupling row costs nothing."""

STEPS = ((0.5, 0.5), (1.0, 1.0), (1.0, 0.0), (0.0, 0.0))
"""How far to go towards the master's (point, prices): halfway, and further where halfway brings nothing new."""


@dataclass(frozen=True, kw_only=True)
class TwoStageSolution:
    """The outcome of a decomposition: ``x`` first stage; bound <= optimum <= objective, both recomputed from evaluated
    recourse; ``group_values`` expected recourse per group at ``x``; ``bases`` how many recourse bases were met;
    ``settled`` the recourse at ``x``; ``relaxed`` the linear relaxation's own solution where there are whole numbers;
    ``duals`` of the program (with its whole numbers fixed); ``proven`` the relaxation's bound, from its duals;
    ``limit`` is ``"interrupted"`` where Ctrl-C ended the search: what was known by then is here."""

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
    settled: Settled | None = field(default=None, repr=False)
    relaxed: TwoStageSolution | None = field(default=None, repr=False)
    duals: MasterDuals | None = field(default=None, repr=False)
    proven: float = float("nan")


@dataclass
class Search:
    """A decomposition under way: everything that stays useful when only the coupling rows' bounds move. ``starts``:
    first stages (n,) to be tried first where whole numbers are asked for."""

    program: TwoStageProgram
    oracle: Oracle
    master: Master
    points: list[Evaluation] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)
    activities: list[Array] = field(default_factory=list)
    dear: Array = field(default_factory=lambda: np.zeros(0))
    iteration: int = 0
    seconds_master: float = 0.0
    history: list[tuple[int, float, float]] = field(default_factory=list)
    freed: bool = False
    boxed: bool = False
    starts: list[Array] = field(default_factory=list)

    def add(self, evaluation: Evaluation) -> float:
        """Keep a feasible evaluation as a point of mixtures; its cost."""
        first = self.program.first
        cost = float(first.cost @ evaluation.point + first.offset + self.oracle.weights @ evaluation.cost)
        self.points.append(replace(evaluation, values=[], places=[]))
        self.costs.append(cost)
        self.activities.append(evaluation.activity(self.program))
        return cost

    def drop_points(self, mixture: Mixture) -> None:
        """Keep the points in use and the newest."""
        if len(self.points) > MOST_POINTS:
            keep = sorted(
                {*np.flatnonzero(mixture.weights > 0).tolist(), *range(len(self.points))[-MOST_POINTS // 2 :]}
            )
            self.points = [self.points[i] for i in keep]
            self.costs = [self.costs[i] for i in keep]
            self.activities = [self.activities[i] for i in keep]


def start_search(program: TwoStageProgram, *, seed: int = 0, graphs: Graphs | None = None) -> Search:
    """A search without cuts; ``graphs``: bases known from programs with other samples."""
    oracle = Oracle(program, graphs)
    return Search(program=program, oracle=oracle, master=master_of(program, seed=seed), dear=_dear(program))


def _dear(program: TwoStageProgram) -> Array:
    """A first guess of the dearest that a unit of each coupling row can be worth."""
    size = np.full(len(program.rows_of_expectations.lower), 1e-6)
    for family, group in program.groups:
        if group.counted is not None:
            counted = np.abs(group.counted)
            least = np.where(counted > 0, counted, np.inf).min(axis=1)
            size = np.maximum(size, group.weight * float(np.abs(family.cost).max(initial=0.0)) / least)
    return 2.0 * size


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
    return continue_search(start_search(program, seed=seed), gap=gap, time_limit=time_limit, progress=progress)


def continue_search(
    search: Search, *, gap: float = 1e-6, time_limit: float = 300.0, progress: Progress | None = None
) -> TwoStageSolution:
    """Solve from what a search already knows."""
    started = time.perf_counter()
    whole = bool(search.program.first.integer.any())
    relaxed_gap = min(gap, max(gap / 10, 1e-6)) if whole else gap
    relaxed = _Run(search, relaxed_gap, started, time_limit, progress).solve()
    if whole and relaxed.limit == "interrupted":
        return rounded(search, relaxed)
    if not whole or relaxed.reason != "optimal" or relaxed.x is None:
        return relaxed if not whole else _without_point(relaxed)
    best, reason = close_integer_gap(search, relaxed=relaxed, gap=gap, deadline=started + time_limit)
    limit = {"limit": "time", "interrupted": "interrupted"}.get(reason, "none")
    if limit == "interrupted" and best.x is None:
        return rounded(search, relaxed)
    if limit != "none":
        reason = "feasible" if best.x is not None else "no_solution"
    return TwoStageSolution(
        reason=reason,
        limit=limit,
        objective=best.objective if best.x is not None else float("nan"),
        bound=best.bound,
        gap=max(best.gap(), 0.0),
        x=best.x,
        group_values=best.settled.group_cost if best.settled is not None else None,
        iterations=relaxed.iterations + best.rounds,
        bases=search.oracle.bases,
        seconds=time.perf_counter() - started,
        relaxed_objective=relaxed.objective,
        history=relaxed.history,
        settled=best.settled,
        relaxed=relaxed,
        duals=best.duals,
        proven=relaxed.proven,
    )


def _without_point(relaxed: TwoStageSolution) -> TwoStageSolution:
    """A relaxation stopped before its optimum has a bound but no whole-number point."""
    reason = "no_solution" if relaxed.reason == "feasible" else relaxed.reason
    return replace(relaxed, reason=reason, x=None, objective=float("nan"), gap=float("nan"), group_values=None)


class _Run:
    """One solve of the linear relaxation."""

    def __init__(
        self, search: Search, gap: float, started: float, time_limit: float, progress: Progress | None
    ) -> None:
        self.search, self.target, self.started, self.limit = search, gap, started, time_limit
        self.progress, self.step = progress, 0
        self.best, self.bound = np.inf, -np.inf
        self.mixture: Mixture | None = None
        self.x: Array | None = None
        self.without = 0

    def gap(self) -> float:
        return (self.best - self.bound) / max(abs(self.best), 1e-9) if np.isfinite(self.best) else np.inf

    def left(self) -> float:
        return self.limit - (time.perf_counter() - self.started)

    def solve(self) -> TwoStageSolution:
        try:
            return self._search()
        except (KeyboardInterrupt, SystemError) as error:
            if not is_interrupt(error):
                raise
        return self._interrupted()

    def _interrupted(self) -> TwoStageSolution:
        """What is known when Ctrl-C comes; the bound counts only where the master can still prove it at once."""
        outer = self.search.master.solve(time_limit=STOP_SECONDS)
        found = self._finished(outer)
        if outer.reason != "optimal":
            found = replace(found, bound=-np.inf, gap=np.inf, proven=0.0)
        return replace(found, limit="interrupted")

    def _search(self) -> TwoStageSolution:
        search = self.search
        self._mix()
        while True:
            outer = self._outer()
            if outer is None:
                continue
            if outer.reason != "optimal":
                return self._stopped(outer)
            if search.master.has_bound:
                self.bound = max(self.bound, outer.bound)
            search.history.append((search.iteration, self.best, self.bound))
            if self.progress is not None:
                self.progress(time.perf_counter() - self.started, search.iteration, self.best, self.bound)
            if self.gap() <= self.target:
                return self._finished(outer)
            if self.left() <= 0 or self.step >= len(STEPS):
                return self._finished(outer)
            self._improve(outer)

    def _outer(self) -> MasterPoint | None:
        search, before = self.search, time.perf_counter()
        outer = search.master.solve(time_limit=self.left())
        search.seconds_master += time.perf_counter() - before
        if outer.reason == "unbounded" and not search.boxed:
            search.master.box(BOX)
            search.boxed = True
            return None
        if search.boxed and self.gap() <= self.target and self._at_the_box():
            return replace(outer, reason="unbounded")
        return outer

    def _at_the_box(self) -> bool:
        first = self.search.program.first
        free = ~np.isfinite(first.column_lower) | ~np.isfinite(first.column_upper)
        return self.x is not None and bool(np.any(np.abs(self.x[free]) >= BOX * (1.0 - 1e-6)))

    def _proposal(self, outer: MasterPoint) -> tuple[Array, Array]:
        if self.x is None or self.mixture is None:
            return outer.x, outer.prices
        far, dear = STEPS[self.step]
        if self.mixture.violation > KEPT and self.step == 0:
            far = 1.0  # what keeps the coupling rows lies beyond, so halfway to it would halve the distance for ever
        point, inner = far * outer.x + (1.0 - far) * self.x, self.mixture.prices
        # halfway to a price of 0 would take an iteration per bit
        priced = np.abs(inner) > FREE * self.search.dear
        return point, np.where(priced | (dear == 1.0), dear * outer.prices + (1.0 - dear) * inner, 0.0)

    def _improve(self, outer: MasterPoint) -> None:
        """One evaluation and its cuts, and what they change."""
        search = self.search
        search.iteration += 1
        point, prices = self._proposal(outer)
        evaluation = search.oracle.evaluate(point, prices)
        cuts = search.oracle.cuts(evaluation)
        search.master.add_cuts(cuts)
        if not evaluation.feasible:
            self.step = 0 if self.step == 0 and self.x is not None else (1 if self.x is None else 0)
            return
        search.add(evaluation)
        before, violation = self.best, np.inf if self.mixture is None else self.mixture.violation
        self._mix()
        own = cuts.groups >= 0
        reached = outer.theta[cuts.groups[own]] + np.sum(cuts.prices[own] * outer.added[cuts.groups[own]], axis=1)
        short = np.maximum(cuts.levels[own] + cuts.slopes[own] @ outer.x - reached, 0.0)
        lifted = float(search.oracle.weights[cuts.groups[own]] @ short)
        now = np.inf if self.mixture is None else self.mixture.violation
        self.without = self.without + 1 if now > KEPT else 0
        if self.without > PATIENCE and self.mixture is not None:
            forbid(search, point, self.mixture.prices)
        moved = self.best < before - 1e-12 * abs(self.best) or lifted > 1e-9 * max(abs(self.best), 1.0)
        self.step = 0 if moved or now < violation * (1 - 1e-9) else self.step + 1

    def _mix(self) -> None:
        """The best mixture of what was evaluated; where none keeps the coupling rows, leaving them becomes dearer."""
        search = self.search
        if not search.points:
            return
        coupling, dear = search.program.rows_of_expectations, search.dear
        coupling = search.master.coupling if len(coupling.lower) else coupling
        cost, activity = np.array(search.costs), np.array(search.activities).T
        block = np.zeros(len(cost), dtype=np.int64)
        before = np.inf if self.mixture is None else self.mixture.violation
        if len(dear):
            self.mixture = best_mixture(cost, activity, block, coupling, dear)
        else:
            least = int(np.argmin(cost))
            one = (np.arange(len(cost)) == least).astype(np.float64)
            self.mixture = Mixture(weights=one, cost=float(cost[least]), prices=dear, violation=0.0)
        self.x = self.mixture.weights @ np.array([point.point for point in search.points])
        if self.mixture.violation <= KEPT:
            self.best = min(self.best, self.mixture.cost)
        elif float(dear.max()) < DEAREST and self.mixture.violation > before / 2:
            search.dear = dear * DEARER
        search.drop_points(self.mixture)

    def _finished(self, outer: MasterPoint) -> TwoStageSolution:
        search, settled = self.search, None
        proven, duals = float("nan"), None
        if outer.reason == "optimal":
            proven = search.master.proven_bound(outer)
            duals = search.master.duals([len(family.matrix) for family, _ in search.oracle.groups])
        if self.x is not None and self.mixture is not None:
            active = [search.points[i].prices for i in np.flatnonzero(self.mixture.weights > 1e-9)]
            candidates = [outer.prices, self.mixture.prices, *active]
            goal = self.bound + self.target * abs(self.best)
            settled = settle(search, self.x, candidates, goal=goal)
            if outer.reason == "optimal":
                settled = better(settled, settle(search, outer.x, candidates, goal=goal))
        objective = np.inf if settled is None or settled.violation > KEPT else settled.objective
        bound = min(self.bound, objective)
        gap = (objective - bound) / max(abs(objective), 1e-9) if np.isfinite(objective) else np.nan
        done = bool(gap <= self.target * (1 + 1e-6))
        has = bool(np.isfinite(objective))
        return TwoStageSolution(
            reason="optimal" if done else ("feasible" if has else "no_solution"),
            limit="none" if done else ("time" if self.left() <= 0 else "iterations"),
            objective=objective if has else float("nan"),
            bound=bound,
            gap=gap,
            x=settled.x if settled is not None and has else None,
            group_values=settled.group_cost if settled is not None and has else None,
            iterations=search.iteration,
            bases=search.oracle.bases,
            seconds=time.perf_counter() - self.started,
            seconds_master=search.seconds_master,
            history=tuple(search.history),
            settled=settled,
            duals=duals,
            proven=proven,
        )

    def _stopped(self, outer: MasterPoint) -> TwoStageSolution:
        search = self.search
        if outer.reason == "limit":
            return replace(self._finished(outer), reason="feasible" if self.x is not None else "no_solution")
        return TwoStageSolution(
            reason=outer.reason,
            iterations=search.iteration,
            bases=search.oracle.bases,
            seconds=time.perf_counter() - self.started,
        )
