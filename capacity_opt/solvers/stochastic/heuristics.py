"""Good whole-number first stages before anything is proven: a dive, then searches of small neighbourhoods.

A dive rounds the master's linear optimum a share at a time and lets the decomposition settle in between, so the cuts
know the ground where it lands. Each search then frees a random part of the whole numbers around the best point known,
lets the master choose among them, and evaluates what it proposes exactly. Sources: Danna, Rothberg & Le Pape (2005) on
neighbourhoods of incumbents; Shaw (1998) on large neighbourhood search.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from capacity_opt.solvers.stochastic.master import MasterPoint

if TYPE_CHECKING:
    from capacity_opt.solvers.stochastic.search import Search

Array = NDArray[np.float64]

Evaluate = Callable[[MasterPoint], bool]
"""Evaluates a proposal exactly and keeps it if it is the best; whether it was new."""

FRACTION = 1e-6
ROUNDED_SHARE = 0.15
SETTLING_ROUNDS = 4
SETTLED = 2e-4
FREED_SHARE = 0.35
REACH = 1.0
SEARCH_SECONDS = 3.0
MOST_FAILURES = 12


def dive(search: Search, prices: Array, evaluate: Evaluate, until: float) -> None:
    """Round the linear optimum step by step, the nearly whole ones first; evaluate where it ends."""
    first, master = search.program.first, search.master
    lower, upper = first.column_lower.copy(), first.column_upper.copy()
    fixed = ~first.integer
    point = _settled_point(search, prices, until)
    while point is not None and time.perf_counter() < until:
        away = np.abs(point.x - np.rint(point.x))
        chosen = _next_to_round(away, fixed)
        if not np.any(away[~fixed] > FRACTION):
            evaluate(point)
            break
        fixed[chosen] = True
        for rounding in (np.rint, np.floor, np.ceil):
            value = rounding(np.where(away > FRACTION, point.x, np.rint(point.x)))[chosen]
            lower[chosen] = upper[chosen] = np.clip(value, first.column_lower[chosen], first.column_upper[chosen])
            master.set_bounds(lower, upper)
            found = _settled_point(search, prices, until)
            if found is not None:
                break
        point = found
    master.set_bounds(first.column_lower, first.column_upper)


def _next_to_round(away: Array, fixed: NDArray[np.bool_]) -> NDArray[np.intp]:
    """All that are whole already, and a share of the others, the nearest to whole first."""
    opened = np.flatnonzero(~fixed)
    order = opened[np.argsort(away[opened], kind="stable")]
    whole = int(np.sum(away[opened] <= FRACTION))
    return order[: whole + max(1, int(np.ceil(ROUNDED_SHARE * (len(opened) - whole))))]


def _settled_point(search: Search, prices: Array, until: float) -> MasterPoint | None:
    """The master's linear optimum after a few rounds of cuts at its own points; ``None`` where there is none."""
    for _ in range(SETTLING_ROUNDS):
        point = search.master.solve(time_limit=until - time.perf_counter())
        if point.reason != "optimal":
            return None
        evaluation = search.oracle.evaluate(point.x, prices)
        search.master.add_cuts(search.oracle.cuts(evaluation))
        weights = search.oracle.weights
        value = np.array([each.value for each in evaluation.values])
        reached = point.theta + point.added[:, : len(prices)] @ prices / np.where(weights > 0, weights, 1.0)
        short = float(weights @ np.maximum(np.where(np.isfinite(value), value - reached, 0.0), 0.0))
        if evaluation.feasible and short <= SETTLED * abs(point.objective):
            break
    return point


def search_neighbourhoods(
    search: Search,
    incumbent: Callable[[], tuple[Array, Array] | None],
    evaluate: Evaluate,
    *,
    gap: float,
    until: float,
    enough: Callable[[], bool],
) -> None:
    """Free a random part of the whole numbers by ``REACH`` around the best point and let the master choose; again and
    again until ``enough``, or nothing better was found for a while. ``incumbent``: the best point, and the same as a
    start for the master."""
    first, master, rng, failures = search.program.first, search.master, np.random.default_rng(0), 0
    whole = np.flatnonzero(first.integer)
    share = FREED_SHARE
    while failures < MOST_FAILURES and time.perf_counter() < until and not enough():
        known = incumbent()
        if known is None:
            return
        x, start = known
        freed = rng.random(len(whole)) < share
        lower = np.where(first.integer, x, first.column_lower)
        upper = np.where(first.integer, x, first.column_upper)
        free = whole[freed]
        lower[free] = np.maximum(x[free] - REACH, first.column_lower[free])
        upper[free] = np.minimum(x[free] + REACH, first.column_upper[free])
        master.set_bounds(lower, upper)
        limit = min(SEARCH_SECONDS, until - time.perf_counter())
        point = master.solve(time_limit=limit, gap=gap, start=start)
        if np.isnan(point.objective) or not evaluate(point):
            share = min(1.0, share * 1.1) if point.reason == "optimal" else max(0.05, share * 0.8)
        better = incumbent()
        failures = 0 if better is not None and not np.array_equal(better[0], x) else failures + 1
    master.set_bounds(first.column_lower, first.column_upper)
