"""A whole-number answer when Ctrl-C comes before one was found: the relaxation's, rounded up."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from capacity_opt.solvers.rounding import row_violation
from capacity_opt.solvers.stochastic.fixed import Settled, settle
from capacity_opt.solvers.stochastic.inner import KEPT

if TYPE_CHECKING:
    from capacity_opt.solvers.stochastic.search import Search, TwoStageSolution

FRACTION = 1e-6
SECONDS = 0.3
KEPT_ROWS = 1e-7


def rounded(search: Search, relaxed: TwoStageSolution) -> TwoStageSolution:
    """The outcome of a search that was interrupted after ``relaxed``: its whole numbers rounded up, everything else at
    its best beside them, evaluated exactly; without a point where that breaks a limit."""
    settled = _rounded_up(search, relaxed)
    if settled is None:
        return replace(
            relaxed, reason="no_solution", limit="interrupted", x=None, settled=None, objective=np.nan, gap=np.nan
        )
    gap = (settled.objective - relaxed.bound) / max(abs(settled.objective), 1e-9)
    return replace(
        relaxed,
        reason="feasible",
        limit="interrupted",
        objective=settled.objective,
        gap=max(gap, 0.0),
        x=settled.x,
        group_values=settled.group_cost,
        settled=settled,
        relaxed_objective=relaxed.objective,
        relaxed=relaxed,
        duals=None,
    )


def _rounded_up(search: Search, relaxed: TwoStageSolution) -> Settled | None:
    if relaxed.x is None or relaxed.settled is None:
        return None
    first, master = search.program.first, search.master
    whole = np.clip(np.ceil(relaxed.x - FRACTION), first.column_lower, first.column_upper)
    master.set_integer(False)
    master.set_bounds(
        np.where(first.integer, whole, first.column_lower), np.where(first.integer, whole, first.column_upper)
    )
    point = master.solve(time_limit=SECONDS)
    master.set_bounds(first.column_lower, first.column_upper)
    if point.reason != "optimal" or float(row_violation(first, point.x).max(initial=0.0)) > KEPT_ROWS:
        return None
    settled = settle(search, point.x, [relaxed.settled.prices], goal=np.inf, rounds=3)
    return settled if settled is not None and settled.violation <= KEPT else None
