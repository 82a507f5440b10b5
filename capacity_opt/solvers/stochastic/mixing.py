"""Mixtures of what was evaluated, where rows of expectations and risks tie samples together.

A mixture's own risk is measured sample by sample, so its cost is exact; the small program that finds it knows risks by
the rows met so far, and is told of another row where the measured risk is above what it set aside.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from capacity_opt.solvers.stochastic.inner import KEPT, Aside, Mixture, best_mixture
from capacity_opt.solvers.stochastic.program import Coupling

if TYPE_CHECKING:
    from capacity_opt.solvers.stochastic.search import Search

Array = NDArray[np.float64]

ROWS_AT_ONCE = 3
SHRINKS = 4
BEYOND = 1e-10
"""A risk above what was set aside by less than this share is rounding."""


@dataclass(frozen=True, kw_only=True)
class Columns:
    """What is mixed: ``cost`` (C,) without what is set aside for risks, ``block`` (C,), ``base`` (R,) what the rows of
    expectations come to before; ``static`` (R, C) what columns add to them; ``rows``: what they add to the rows of
    risks (K, C), told anew when there are more; ``totals``: what samples add to risks (risks, S) at weights."""

    cost: Array
    block: NDArray[np.int64]
    base: Array
    static: Array
    rows: Callable[[], Array]
    totals: Callable[[Array], Array]


@dataclass(frozen=True, kw_only=True)
class Mixed:
    """``mixture`` as found, its cost and violation by its measured risk; ``aside`` (risks,) that risk; ``unkept``: by
    how much the rows known could not be kept; ``more``: whether rows of risks were added."""

    mixture: Mixture
    aside: Array
    unkept: float
    more: bool


def mix(search: Search, columns: Columns, slack: float = 0.0) -> Mixed:
    """The best mixture; rows of risks are added where the measured risk costs more than ``slack`` above what was set
    aside, or is above its limit."""
    risks, more = search.oracle.risks, False
    for attempt in range(ROWS_AT_ONCE + 1):
        found = _best(search, columns, np.zeros(len(risks.columns)))
        if not len(risks):
            return Mixed(mixture=found, aside=found.aside, unkept=found.violation, more=False)
        worst, density = risks.worst(columns.totals(found.weights))
        short = [i for i in range(len(worst)) if _short(search, i, worst[i], found.aside[i], slack)]
        if not short or attempt == ROWS_AT_ONCE:
            break
        search.add_risk_rows(short, density[short])
        more = True
    told = kept = _told(search, found, worst)
    less = np.zeros(len(worst))
    for _ in range(SHRINKS):
        if kept.violation <= KEPT or found.violation > KEPT:
            break
        upper = search.program.first.column_upper[risks.columns]
        less = less + np.where(kept.aside > upper, 1.01 * (kept.aside - upper), 0.0)
        again = _best(search, columns, less)
        kept = _told(search, again, risks.worst(columns.totals(again.weights))[0])
    best = kept if kept.violation <= KEPT else told
    return Mixed(mixture=replace(best, prices=found.prices), aside=best.aside, unkept=found.violation, more=more)


def know_risk(search: Search, totals: Array, slack: float) -> bool:
    """Add the rows under which a point's risks are the mean of its ``totals`` (risks, S), where the rows known are
    wrong by more than ``slack`` in money; whether there were any."""
    risks, first = search.oracle.risks, search.program.first
    worst, density = risks.worst(totals)
    known = np.full(len(worst), -np.inf)
    np.maximum.at(known, risks.of, risks.activity(totals))
    short = [i for i in range(len(worst)) if first.cost[risks.columns[i]] * (worst[i] - known[i]) > slack]
    if short:
        search.add_risk_rows(short, density[short])
    return bool(short)


def _short(search: Search, i: int, worst: float, aside: float, slack: float) -> bool:
    """Whether a risk is above what was set aside by more than may be."""
    first, column = search.program.first, search.oracle.risks.columns[i]
    size = 1.0 + abs(worst)
    dear = first.cost[column] * (worst - aside) > slack and worst - aside > BEYOND * size
    return bool(dear or worst > first.column_upper[column] + 0.5 * KEPT * size)


def _best(search: Search, columns: Columns, less: Array) -> Mixture:
    """The best mixture by the rows known, with limits of risks lower by ``less`` (risks,)."""
    risks, first, here = search.oracle.risks, search.program.first, search.master.coupling
    static, base = len(columns.base), np.zeros(len(here.lower))
    base[: len(columns.base)] = columns.base
    left = Coupling(matrix=here.matrix, lower=here.lower - base, upper=here.upper - base)
    matrix = np.zeros((len(base), len(risks.columns)))
    matrix[static + np.arange(len(risks)), risks.of] = -1.0
    aside = Aside(
        matrix=matrix,
        cost=first.cost[risks.columns],
        lower=first.column_lower[risks.columns],
        upper=first.column_upper[risks.columns] - less,
    )
    activity = np.vstack([columns.static, columns.rows()])
    return best_mixture(columns.cost, activity, columns.block, left, search.dear, aside)


def _told(search: Search, found: Mixture, worst: Array) -> Mixture:
    """The mixture with the cost and the violation that its measured risks make."""
    first, columns = search.program.first, search.oracle.risks.columns
    upper = first.column_upper[columns]
    beyond = np.maximum(worst - upper, 0.0) / (1.0 + np.where(np.isfinite(upper), np.abs(upper), 0.0))
    return replace(
        found,
        cost=found.cost + float(first.cost[columns] @ (worst - found.aside)),
        violation=max(found.violation, float(beyond.max(initial=0.0))),
        aside=worst,
    )
