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
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from capacity_opt.solvers.stochastic.checkpoint import saving_of
from capacity_opt.solvers.stochastic.fixed import Settled, better, forbid, settle
from capacity_opt.solvers.stochastic.inner import KEPT, Mixture
from capacity_opt.solvers.stochastic.integer import Incumbent, close_integer_gap
from capacity_opt.solvers.stochastic.interrupted import rounded
from capacity_opt.solvers.stochastic.master import MasterPoint
from capacity_opt.solvers.stochastic.mixing import Columns, Mixed, know_risk, mix
from capacity_opt.solvers.stochastic.oracle import Cuts, Evaluation
from capacity_opt.solvers.stochastic.program import TwoStageProgram
from capacity_opt.solvers.stochastic.search import Search as Search
from capacity_opt.solvers.stochastic.search import TwoStageSolution as TwoStageSolution
from capacity_opt.solvers.stochastic.search import start_search as start_search
from capacity_opt.solvers.stoppable import STOP_SECONDS, is_interrupt

Array = NDArray[np.float64]

Progress = Callable[[float, int, float, float], None]
"""Called as progress(seconds, iteration, incumbent, bound)."""

BOX = 1e7
DEARER, DEAREST = 4.0, 1e9
"""While no mixture keeps the coupling rows, leaving them becomes dearer by this factor, up to this multiple."""

PATIENCE = 3
"""Iterations without a mixture that keeps the coupling rows, after which points that cannot keep them are cut off."""

LATE = 2.0
"""Seconds past the time limit that may go into the recourse of what was found by then."""

ROW_SHARE = 0.1
"""A row of a risk is added where the risk costs more than this share of what is open between incumbent and bound."""

FREE = 1e-9
"""Below this share of the dearest price a coupling row costs nothing."""

SLOW, SLOW_SHARE = 8, 0.8
"""Progress is slow where more than this share of the gap is left after so many iterations."""

LIFTED = 1e-9
"""A cut that moves the bound by less than this share says nothing new."""

STEPS = ((0.5, 0.5), (1.0, 1.0), (1.0, 0.0), (0.0, 0.0))
"""How far to go towards the master's (point, prices): halfway, and further where halfway brings nothing new."""


def solve_two_stage(
    program: TwoStageProgram,
    *,
    gap: float = 1e-6,
    time_limit: float = 300.0,
    seed: int = 0,
    progress: Progress | None = None,
    workers: int = 0,
) -> TwoStageSolution:
    """Solve ``program`` to a relative ``gap``: its linear relaxation first, then whole numbers where it asks for them.

    Returns a :class:`TwoStageSolution` whose reason is ``"optimal"``, ``"feasible"`` (limit reached), ``"infeasible"``,
    ``"unbounded"`` or ``"no_solution"``. Raises :class:`~capacity_opt.errors.SolverError` where the recourse is
    unbounded. ``workers`` processes (0, 1: none) share the samples of recourse problems of more than 40 rows.
    """
    return continue_search(
        start_search(program, seed=seed, workers=workers), gap=gap, time_limit=time_limit, progress=progress
    )


def continue_search(
    search: Search, *, gap: float = 1e-6, time_limit: float = 300.0, progress: Progress | None = None
) -> TwoStageSolution:
    """Solve from what a search already knows."""
    started = time.perf_counter()
    whole = bool(search.program.first.integer.any())
    search.saving = search.saving or saving_of(search)
    relaxed_gap = min(gap, max(gap / 10, 1e-6)) if whole else gap
    relaxed = _Run(search, relaxed_gap, started, time_limit, progress).solve()
    if whole and relaxed.limit == "interrupted":
        return rounded(search, relaxed)
    if not whole or relaxed.reason != "optimal" or relaxed.x is None:
        return relaxed if not whole else _without_point(relaxed)

    def told(best: Incumbent) -> None:
        if progress is not None:
            progress(time.perf_counter() - started, relaxed.iterations + best.rounds, best.objective, best.bound)

    best, reason = close_integer_gap(search, relaxed=relaxed, gap=gap, deadline=started + time_limit, told=told)
    limit = {"limit": "time", "interrupted": "interrupted"}.get(reason, "none")
    if limit == "interrupted" and best.x is None:
        return rounded(search, relaxed)
    if limit != "none":
        reason = "feasible" if best.x is not None else "no_solution"
    above = best.bound - best.objective
    rounding = 0.0 < above <= 1e-9 * max(abs(best.objective), 1.0)
    return TwoStageSolution(
        reason=reason,
        limit=limit,
        objective=best.objective if best.x is not None else float("nan"),
        bound=best.objective if rounding else best.bound,
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


def lift(search: Search, outer: MasterPoint, cuts: Cuts) -> float:
    """By how much money ``cuts`` are broken at the master's point: those of groups at their weight, others at 1."""
    priced = np.sum(cuts.prices[:, : outer.added.shape[1]] * outer.added[cuts.of][:, : cuts.prices.shape[1]], axis=1)
    own = cuts.groups >= 0
    reached = np.where(own, outer.theta[cuts.groups], 0.0) + priced
    short = np.maximum(cuts.levels + cuts.slopes @ outer.x - reached, 0.0)
    return float(np.where(own, search.oracle.weights[cuts.groups], 1.0) @ short)


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
        self.settled: Settled | None = None
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
        self._mix(np.inf)
        while True:
            outer = self._outer()
            if outer is None:
                continue
            if outer.reason != "optimal":
                return self._stopped(outer)
            if search.master.has_bound:
                self.bound = max(self.bound, outer.bound)
            search.history.append((search.iteration, self.best, self.bound))
            if search.saving is not None:
                search.saving.tick(search)
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
        turns = bool(self.search.oracle.coupled) and not self.step and self._slow()
        far, dear = STEPS[self.search.iteration % len(STEPS) if turns else self.step]
        if self.mixture.violation > KEPT and self.step == 0:
            far = 1.0  # what keeps the coupling rows lies beyond, so halfway to it would halve the distance for ever
        point, inner = far * outer.x + (1.0 - far) * self.x, self.mixture.prices
        # halfway to a price of 0 would take an iteration per bit
        priced = np.abs(inner) > FREE * self.search.dear
        return point, np.where(priced | (dear == 1.0), dear * outer.prices + (1.0 - dear) * inner, 0.0)

    def _slow(self) -> bool:
        """Whether the gap hardly closed over the last iterations: halfway steps in point and prices may then chase each
        other, and all steps take turns."""
        told = self.search.history[-SLOW:]
        if len(told) < SLOW or not np.isfinite(told[0][1] - told[0][2]):
            return False
        return told[-1][1] - told[-1][2] > SLOW_SHARE * (told[0][1] - told[0][2])

    def _improve(self, outer: MasterPoint) -> None:
        """One evaluation and its cuts, and what they change."""
        search = self.search
        search.iteration += 1
        point, prices = self._proposal(outer)
        evaluation = search.oracle.evaluate(point, search.coarse(prices))
        cuts = search.oracle.cuts(evaluation)
        search.master.add_cuts(cuts)
        if not evaluation.feasible:
            self.step = 0 if self.step == 0 and self.x is not None else (1 if self.x is None else 0)
            return
        search.add(evaluation)
        before, violation = self.best, np.inf if self.mixture is None else self.mixture.violation
        lifted = lift(search, outer, cuts)
        more = self._know_risks(evaluation, outer) if search.program.risks else False
        more = self._mix(ROW_SHARE * self._open()) or more
        now = np.inf if self.mixture is None else self.mixture.violation
        self.without = self.without + 1 if now > KEPT else 0
        if self.without > PATIENCE and self.mixture is not None:
            forbid(search, point, self.mixture.prices)
        moved = self.best < before - 1e-12 * abs(self.best) or lifted > LIFTED * max(abs(self.best), 1.0)
        self.step = 0 if moved or more or now < violation * (1 - 1e-9) else self.step + 1
        stuck = self.step >= len(STEPS)
        if search.program.risks and (stuck or (self._slow() and search.iteration % SLOW == 0)):
            self.step = 0 if self._look_closely(outer) else self.step

    def _look_closely(self, outer: MasterPoint) -> bool:
        """The exact recourse at the master's point, group by group; whether it taught anything."""
        search, mixture = self.search, self.mixture
        rows, best = len(search.oracle.risks), self.best
        inner = [] if mixture is None else [mixture.prices]
        found = settle(search, outer.x, [outer.prices, *inner], deadline=self.started + self.limit)
        if found is not None and found.violation <= KEPT:
            self.settled = better(self.settled, found)
            self.best = min(self.best, found.objective)
        more = self._mix()
        return more or len(search.oracle.risks) > rows or self.best < best - LIFTED * abs(best)

    def _know_risks(self, evaluation: Evaluation, outer: MasterPoint) -> bool:
        """The rows and cuts of risks that an evaluation gives: of rows that have a price, and of new ones; whether they
        say more than the master knew."""
        search = self.search
        known, static = len(search.oracle.risks), len(search.program.rows_of_expectations.lower)
        more = know_risk(search, search.totals[-1], ROW_SHARE * self._open())
        inner = np.zeros(0) if self.mixture is None else self.mixture.prices
        dear = np.maximum(search.oracle.padded(outer.prices), search.oracle.padded(inner))[static:]
        rows = np.flatnonzero((dear > FREE * search.dear[static:]) | (np.arange(len(dear)) >= known))
        cuts = search.oracle.plain_cuts(evaluation, rows)
        if len(cuts.levels):
            search.master.add_cuts(cuts)
            more = more or lift(search, outer, cuts) > LIFTED * max(abs(self.best), 1.0)
        return more

    def _open(self) -> float:
        """The money between the incumbent and the bound, or what the target allows if that is more."""
        if not np.isfinite(self.best - self.bound):
            return np.inf
        return max(self.best - self.bound, self.target * abs(self.best))

    def _mix(self, slack: float = 0.0) -> bool:
        """The best mixture of what was evaluated; where none keeps the coupling rows, leaving them becomes dearer.
        Whether rows of risks were added."""
        search = self.search
        if not search.points:
            return False
        before = np.inf if self.mixture is None else self.mixture.violation
        mixed = mix(search, self._columns(), slack) if len(search.dear) else None
        if mixed is not None:
            self.mixture = mixed.mixture
        else:
            cost, least = np.array(search.costs), int(np.argmin(search.costs))
            one, none = (np.arange(len(cost)) == least).astype(np.float64), np.zeros(0)
            self.mixture = Mixture(weights=one, cost=float(cost[least]), prices=none, violation=0.0, aside=none)
        self.x = self.mixture.weights @ np.array([point.point for point in search.points])
        self.x[search.oracle.risks.columns] = self.mixture.aside
        if self.mixture.violation <= KEPT:
            self.best = min(self.best, self.mixture.cost)
        elif mixed is not None and self._dearer(mixed, before):
            search.dear, search.dearer = search.dear * DEARER, search.dearer * DEARER
        self.mixture = search.drop_points(self.mixture)
        return mixed is not None and mixed.more

    def _dearer(self, mixed: Mixed, before: float) -> bool:
        """Whether leaving the rows is too cheap: they were left, and hardly less than ``before``."""
        left = mixed.unkept > KEPT and mixed.mixture.violation > before / 2
        return left and float(self.search.dear.max()) < DEAREST

    def _columns(self) -> Columns:
        """The points as what is mixed."""
        search = self.search
        static = len(search.program.rows_of_expectations.lower)
        return Columns(
            cost=np.array(search.costs),
            block=np.zeros(len(search.costs), dtype=np.int64),
            base=np.zeros(static),
            static=np.array(search.activities)[:, :static].T,
            rows=lambda: np.array(search.activities).T[static:],
            totals=lambda weights: np.einsum("c,cis->is", weights, np.array(search.totals)),
        )

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
            late = self.started + self.limit + LATE
            settled = settle(search, self.x, candidates, goal=goal, deadline=late)
            if outer.reason == "optimal":
                settled = better(settled, settle(search, outer.x, candidates, goal=goal, deadline=late))
            settled = better(settled, self.settled)
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
            risk_prices=None if duals is None else search.risk_prices(duals),
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
