"""What every solver offers: say whether it can take a program, and solve it under common settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError
from capacity_opt.solvers.linear_program import LinearProgram
from capacity_opt.solvers.solution import Solution

Array = NDArray[np.float64]

Progress = Callable[[float, float, float, float], None]
"""Called with (elapsed seconds, incumbent, bound, gap); ``nan`` where a value is not known yet."""

DEFAULT_TIME_LIMIT = 300.0


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings every solver understands, and one escape hatch.

    ``gap``: relative gap (objective - bound) / |objective| at which an integer program counts as solved (linear
    programs are solved to 1e-6 or better whatever it says); ``time_limit`` seconds, always finite;
    ``threads`` ``None`` leaves the choice to the solver; ``start``: a point (columns,) an integer search may start
    from, NaN where a value is not known; ``options``: the solver's own options by the solver's own names.
    """

    gap: float = 1e-4
    time_limit: float = DEFAULT_TIME_LIMIT
    seed: int = 0
    threads: int | None = None
    progress: Progress | None = None
    start: Array | None = None
    options: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check every value."""
        _checks.non_negative("gap", self.gap)
        _checks.positive("time_limit", self.time_limit)
        _checks.whole("seed", self.seed)
        if self.threads is not None:
            _checks.whole("threads", self.threads, at_least=1)


class Backend(Protocol):
    """One solver. Ask ``supports`` first: it says why a program cannot be taken, ``None`` when it can."""

    name: str

    def supports(self, lp: LinearProgram) -> str | None:
        """Why this solver cannot take the program, with what to use instead; ``None`` when it can."""
        ...

    def solve(self, lp: LinearProgram, settings: Settings) -> Solution:
        """The outcome as data; raises only for arguments, never for what the solver answered."""
        ...


def without_solving(lp: LinearProgram, solver: str) -> Solution | None:
    """The outcome of a program that needs no solver (crossed bounds, or no columns at all); ``None`` otherwise.

    Raises :class:`~capacity_opt.errors.ArgumentError` where a number is missing (NaN) or a cost is infinite.
    """
    _refuse_missing_numbers(lp)
    for kind, lower, upper in (
        ("row", lp.row_lower, lp.row_upper),
        ("column", lp.column_lower, lp.column_upper),
    ):
        crossed = np.flatnonzero((lower > upper) | (lower == np.inf) | (upper == -np.inf))
        if crossed.size:
            i = int(crossed[0])
            told = f"{kind} {i} cannot be met: lower bound {lower[i]:g}, upper bound {upper[i]:g}"
            return Solution(reason="infeasible", solver=solver, message=told)
    if lp.columns:
        return None
    broken = np.flatnonzero((lp.row_lower > 0) | (lp.row_upper < 0))
    if broken.size:
        told = f"row {int(broken[0])} cannot be met: the program has no columns"
        return Solution(reason="infeasible", solver=solver, message=told)
    nothing = np.zeros(0)
    return Solution(
        reason="optimal",
        objective=lp.offset,
        bound=lp.offset,
        gap=0.0,
        x=nothing,
        row_duals=np.zeros(lp.rows),
        reduced_costs=nothing,
        solver=solver,
    )


def relative_gap(objective: float, bound: float) -> float:
    """(objective - bound) / max(|objective|, 1e-9), never below 0; ``nan`` without a point.

    >>> relative_gap(100.0, 99.0)
    0.01
    """
    if np.isnan(objective):
        return float("nan")
    return max(objective - bound, 0.0) / max(abs(objective), 1e-9)


def _refuse_missing_numbers(lp: LinearProgram) -> None:
    for name in ("cost", "row_lower", "row_upper", "column_lower", "column_upper"):
        if np.isnan(getattr(lp, name)).any():
            where = np.flatnonzero(np.isnan(getattr(lp, name)))
            raise ArgumentError(f"{name} must not hold NaN, got {where.size} of them, the first at position {where[0]}")
    if not np.isfinite(lp.cost).all() or not np.isfinite(lp.matrix.data).all() or not np.isfinite(lp.offset):
        raise ArgumentError("cost, matrix and offset must be finite; forbid a column by its upper bound, not by cost")
