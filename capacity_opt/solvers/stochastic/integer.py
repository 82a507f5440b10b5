"""Whole-number first stages: the linear phase's cuts, a dive and neighbourhoods of what it finds, then masters until
the gap closes.

The master with integrality and all cuts gives a true lower bound, also when it is stopped early; every integer point it
proposes is evaluated exactly and gives a true upper bound and a cut per group. Neither phase ever needs the other's
tolerance: the returned gap is between an evaluated plan and a proven bound.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from capacity_opt.solvers.linear_program import LinearProgram
from capacity_opt.solvers.rounding import row_violation
from capacity_opt.solvers.stochastic.blocks import bound_by_blocks
from capacity_opt.solvers.stochastic.fixed import Settled, master_values, settle
from capacity_opt.solvers.stochastic.heuristics import dive, search_neighbourhoods
from capacity_opt.solvers.stochastic.inner import KEPT
from capacity_opt.solvers.stochastic.master import MasterDuals, MasterPoint
from capacity_opt.solvers.stoppable import is_interrupt

if TYPE_CHECKING:
    from capacity_opt.solvers.stochastic.search import Search, TwoStageSolution

Array = NDArray[np.float64]

HEURISTIC_SHARE = 0.1
BLOCK_SHARE, BEFORE_BLOCKS = 0.4, 3.0
PRICES_KEPT = 4
SLACK_SHARE = 0.02
MASTER_SHARE, FIRST_GAP = 0.3, 0.03
MOST_MET, MOST_STALLS = 8, 50
PATIENCE, PATIENCE_SECONDS = 0.15, 0.5
POLISHES, POLISHING_SECONDS = 5, 10.0
EXACT = 1e-9


@dataclass
class Incumbent:
    """The best whole-number point evaluated so far, and the best proven bound."""

    objective: float
    bound: float
    x: Array | None = None
    settled: Settled | None = None
    rounds: int = 0
    prices: list[Array] = field(default_factory=list)
    duals: MasterDuals | None = None
    told: Callable[[Incumbent], None] | None = None

    def tell(self) -> None:
        """Let who waits know how far the search is."""
        if self.told is not None:
            self.told(self)

    def gap(self) -> float:
        """(objective - bound) / |objective|."""
        return (self.objective - self.bound) / max(abs(self.objective), 1e-9) if self.x is not None else np.inf


def close_integer_gap(
    search: Search,
    *,
    relaxed: TwoStageSolution,
    gap: float,
    deadline: float,
    told: Callable[[Incumbent], None] | None = None,
) -> tuple[Incumbent, str]:
    """From the relaxation's solution, find whole numbers within ``gap``.

    ``deadline`` is a ``time.perf_counter()`` value; ``told`` hears of every evaluated point and better bound. Returns
    the incumbent and ``"optimal"``, ``"limit"``, ``"interrupted"`` (by Ctrl-C) or ``"infeasible"``.
    """
    assert relaxed.settled is not None
    best = Incumbent(objective=np.inf, bound=relaxed.bound, prices=[relaxed.settled.prices], told=told)
    try:
        reason = _closed(search, relaxed, best, gap, deadline)
    except (KeyboardInterrupt, SystemError) as error:
        if not is_interrupt(error):
            raise
        reason = "interrupted"
    return best, reason


def _closed(search: Search, relaxed: TwoStageSolution, best: Incumbent, gap: float, deadline: float) -> str:
    """Dive, neighbourhoods, then masters until the gap is closed; how it ended."""
    first, master = search.program.first, search.master
    now = time.perf_counter()
    until = now + HEURISTIC_SHARE * (deadline - now)

    def evaluate(point: MasterPoint) -> bool:
        return _evaluate(search, point, best)

    for start in search.starts:
        _try(search, start, best)
    _forget_slack_cuts(search)
    if best.gap() > gap:
        dive(search, best.prices[0], evaluate, until)
    master.set_integer(True)
    if best.gap() > gap:
        search_neighbourhoods(
            search, lambda: _known(search, best), evaluate, gap=gap / 3, until=until, enough=lambda: best.gap() <= gap
        )
    master.set_bounds(first.column_lower, first.column_upper)
    if best.gap() > gap:
        master.set_integer(False)
        _forget_slack_cuts(search)
        master.set_integer(True)
    reason = _prove(search, best, gap, min(deadline, time.perf_counter() + BEFORE_BLOCKS))
    if reason == "limit" and not _over(deadline):
        _by_blocks(search, relaxed, best, gap, deadline)
        reason = _prove(search, best, gap, deadline)
    master.set_integer(False)
    _polish(search, best, gap)
    master.set_bounds(first.column_lower, first.column_upper)
    return reason


def _by_blocks(search: Search, relaxed: TwoStageSolution, best: Incumbent, gap: float, deadline: float) -> None:
    """A bound, and perhaps a plan, from the parts of the first stage, where a few rows hold it together."""
    now = time.perf_counter()
    if relaxed.duals is None or best.gap() <= gap or now >= deadline:
        return

    def tell(bound: float) -> bool:
        best.bound = max(best.bound, min(bound, best.objective))
        best.tell()
        return best.gap() <= gap

    until = now + BLOCK_SHARE * (deadline - now)
    for x in bound_by_blocks(
        search, -relaxed.duals.first, until=until, tell=tell, upper=lambda: best.objective, gap=gap
    ):
        _evaluate(search, _point_of(search, x), best)


def _point_of(search: Search, x: Array) -> MasterPoint:
    """A first stage as a proposal of which nothing is known."""
    groups, rows = len(search.oracle.weights), len(search.master.coupling.lower)
    return MasterPoint(
        reason="feasible", x=x, theta=np.full(groups, np.nan), added=np.zeros((groups, rows)), prices=np.zeros(rows),
        bound=-np.inf, objective=np.inf,
    )  # fmt: skip


def _polish(search: Search, best: Incumbent, gap: float) -> None:
    """With the whole numbers fixed, the rest is a linear program again: exact rows, local prices, a last small gain."""
    if best.x is None:
        return
    first, master = search.program.first, search.master
    master.set_bounds(
        np.where(first.integer, best.x, first.column_lower), np.where(first.integer, best.x, first.column_upper)
    )
    for _ in range(POLISHES):
        point = master.solve(time_limit=POLISHING_SECONDS)
        if point.reason != "optimal":
            return
        best.duals = master.duals([len(family.matrix) for family, _ in search.oracle.groups])
        settled = settle(search, point.x, [point.prices, *best.prices[-PRICES_KEPT:]], goal=point.objective)
        if settled is None or settled.violation > KEPT:
            continue
        if settled.objective < best.objective or not _exact(first, best.x):
            best.objective, best.x, best.settled = settled.objective, point.x, settled
        if settled.objective - point.objective <= 0.1 * gap * abs(settled.objective):
            return


def _exact(first: LinearProgram, x: Array) -> bool:
    return float(row_violation(first, x).max(initial=0.0)) <= EXACT


def _forget_slack_cuts(search: Search) -> None:
    """Keep the cuts that matter near the linear optimum: the search solves the master thousands of times."""
    point = search.master.solve(time_limit=POLISHING_SECONDS)
    if point.reason == "optimal":
        search.master.drop_slack_cuts(point, SLACK_SHARE * float(np.abs(point.theta).max(initial=0.0)))


def _known(search: Search, best: Incumbent) -> tuple[Array, Array] | None:
    start = _start(search, best)
    return None if best.x is None or start is None else (best.x, start)


def _prove(search: Search, best: Incumbent, gap: float, deadline: float) -> str:
    """Repeated masters over the whole region, each as exact as what is known by then deserves; a point without recourse
    is cut off and does not count. What a master meets on its way is evaluated while it goes on: it is left early where
    the gap is closed, and while little work would be lost, as soon as it has learned something."""
    begun, stalled = time.perf_counter(), 0
    while best.gap() > gap:
        now = time.perf_counter()
        if now >= deadline or stalled > MOST_STALLS:
            return "limit"
        before = (best.bound, best.objective)
        asked = max(gap / 3, MASTER_SHARE * min(best.gap(), FIRST_GAP))
        watch = _Lookout(search, best, gap, now + PATIENCE_SECONDS + PATIENCE * (now - begun))
        live = None if search.oracle.coupled else watch.look
        point = search.master.solve(time_limit=deadline - now, gap=asked, start=_start(search, best), watch=live)
        if point.reason == "infeasible":
            return "infeasible" if best.x is None else "optimal"
        best.bound = max(best.bound, min(point.bound, best.objective))
        if np.isnan(point.objective) and not watch.left:
            return "limit"
        for each in (point, *search.master.met[:MOST_MET]) if live is None else (point,):
            if best.gap() > gap and not _over(deadline) and not np.isnan(each.objective):
                _evaluate(search, each, best)
        stalled = stalled + 1 if before == (best.bound, best.objective) and not watch.learned else 0
    return "optimal"


@dataclass
class _Lookout:
    """Evaluates what a master meets while it searches. ``until``: when its work has become too much to be lost."""

    search: Search
    best: Incumbent
    gap: float
    until: float
    learned: bool = False
    left: bool = False

    def look(self, met: list[MasterPoint], bound: float) -> bool:
        """Whether to leave the search."""
        self.best.bound = max(self.best.bound, min(bound, self.best.objective))
        self.best.tell()
        for point in met[:MOST_MET]:
            self.learned = _evaluate(self.search, point, self.best) or self.learned
        early = self.learned and bool(met) and time.perf_counter() < self.until
        self.left = self.left or early or self.best.gap() <= self.gap
        return self.left


def _start(search: Search, best: Incumbent) -> Array | None:
    return None if best.settled is None else master_values(search, best.settled)


def _evaluate(search: Search, point: MasterPoint, best: Incumbent) -> bool:
    """Evaluate the proposal with its integers rounded, add its cuts (those of the best point too: they may have been
    forgotten), keep it if better; whether it was new."""
    first = search.program.first
    x = np.where(first.integer, np.rint(point.x), point.x)
    known = best.x is not None and np.array_equal(x, best.x)
    _try(search, x, best, goal=point.objective)
    return not known


def _try(search: Search, x: Array, best: Incumbent, goal: float = np.inf) -> None:
    """Evaluate whole numbers exactly and keep them if they are better."""
    best.rounds += 1
    best.tell()
    settled = settle(search, x, best.prices[-PRICES_KEPT:], goal=min(goal, best.objective), rounds=3)
    if settled is None:
        return
    best.prices.append(settled.prices)
    if settled.violation <= KEPT and settled.objective < best.objective:
        best.objective, best.x, best.settled = settled.objective, x, settled
        if search.saving is not None:
            search.saving.keep(search, x)


def _over(deadline: float) -> bool:
    return time.perf_counter() >= deadline
