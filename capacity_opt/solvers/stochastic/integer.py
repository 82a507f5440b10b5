"""Whole-number first stages: the linear phase's cuts, a floor/ceil neighbourhood, then masters until the gap closes.

The master with integrality and all cuts gives a true lower bound, also when it is stopped early; every integer point it
proposes is evaluated exactly and gives a true upper bound and a cut per group. Neither phase ever needs the other's
tolerance: the returned gap is between an evaluated plan and a proven bound.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capacity_opt.solvers.stochastic.master import Master, MasterPoint
from capacity_opt.solvers.stochastic.oracle import Oracle
from capacity_opt.solvers.stochastic.program import TwoStageProgram

Array = NDArray[np.float64]

NEIGHBOURHOOD_ROUNDS = 12
NEIGHBOURHOOD_SHARE = 0.3


@dataclass
class Incumbent:
    """The best whole-number point evaluated so far, and the best proven bound."""

    objective: float
    bound: float
    x: Array | None = None
    group_values: Array | None = None
    rounds: int = 0

    def gap(self) -> float:
        """(objective - bound) / |objective|."""
        return (self.objective - self.bound) / max(abs(self.objective), 1e-9) if self.x is not None else np.inf


def close_integer_gap(
    program: TwoStageProgram,
    oracle: Oracle,
    master: Master,
    *,
    relaxed: Array,
    bound: float,
    gap: float,
    deadline: float,
) -> tuple[Incumbent, str]:
    """From the relaxation's optimum ``relaxed`` and ``bound``, find whole numbers within ``gap``.

    ``deadline`` is a ``time.perf_counter()`` value. Returns the incumbent and ``"optimal"``, ``"limit"`` or
    ``"infeasible"``.
    """
    first, best = program.first, Incumbent(objective=np.inf, bound=bound)
    master.set_integer(True)
    whole = first.integer
    lower = np.where(whole, np.maximum(np.floor(relaxed + 1e-6), first.column_lower), first.column_lower)
    upper = np.where(whole, np.minimum(np.ceil(relaxed - 1e-6), first.column_upper), first.column_upper)
    master.set_bounds(lower, np.maximum(lower, upper))
    until = time.perf_counter() + NEIGHBOURHOOD_SHARE * (deadline - time.perf_counter())
    for _ in range(NEIGHBOURHOOD_ROUNDS):
        point = _propose(master, best, gap / 2, until)
        if point is None or not _evaluate(program, oracle, master, point, best) or best.gap() <= gap:
            break
        if point.objective >= best.objective * (1 - np.sign(best.objective) * gap / 4) or _over(until):
            break
    master.set_bounds(first.column_lower, first.column_upper)
    return best, _prove(program, oracle, master, best, gap, deadline)


def _prove(
    program: TwoStageProgram, oracle: Oracle, master: Master, best: Incumbent, gap: float, deadline: float
) -> str:
    """Repeated masters over the whole region; a point without recourse is cut off and does not count."""
    while best.gap() > gap:
        if _over(deadline):
            return "limit"
        point = master.solve(time_limit=deadline - time.perf_counter(), gap=gap / 3, start=_start(best))
        if point.reason == "infeasible":
            return "infeasible" if best.x is None else "optimal"
        best.bound = max(best.bound, min(point.bound, best.objective))
        if np.isnan(point.objective):
            return "limit"
        if best.gap() > gap:
            _evaluate(program, oracle, master, point, best)
    return "optimal"


def _propose(master: Master, best: Incumbent, gap: float, until: float) -> MasterPoint | None:
    point = master.solve(time_limit=until - time.perf_counter(), gap=gap, start=_start(best))
    return None if np.isnan(point.objective) else point


def _start(best: Incumbent) -> Array | None:
    return None if best.x is None or best.group_values is None else np.concatenate([best.x, best.group_values])


def _evaluate(program: TwoStageProgram, oracle: Oracle, master: Master, point: MasterPoint, best: Incumbent) -> bool:
    """Evaluate the proposal with its integers rounded, add its cuts, keep it if better; whether it was new."""
    first = program.first
    x = np.where(first.integer, np.rint(point.x), point.x)
    if best.x is not None and np.array_equal(x, best.x):
        return False
    best.rounds += 1
    values = oracle.evaluate(x)
    slopes, levels, groups = oracle.cuts(values, x)
    master.add_cuts(slopes, levels, groups)
    if groups[0] < 0:
        return True
    expected = np.array([value.value for value in values])
    objective = float(first.cost @ x + first.offset + oracle.weights @ expected)
    if objective < best.objective:
        best.objective, best.x, best.group_values = objective, x, expected
    return True


def _over(deadline: float) -> bool:
    return time.perf_counter() >= deadline
