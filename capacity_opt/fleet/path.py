"""Which way a model is solved: as one program, or decomposed by sample; chosen from its size, and why."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import ArgumentError
from capacity_opt.fleet.formulation import FleetModel
from capacity_opt.fleet.pieces import solve_around
from capacity_opt.solvers.backend import relative_gap
from capacity_opt.solvers.solution import Solution

if TYPE_CHECKING:
    from capacity_opt.solvers.stochastic.benders import TwoStageSolution
    from capacity_opt.solvers.stochastic.program import TwoStageProgram

Array = NDArray[np.float64]
Progress = Callable[[float, float, float, float], None]

PathName = Literal["auto", "extensive", "decomposition"]
PATHS: tuple[str, ...] = get_args(PathName)

LARGE = 100_000
"""Columns above which a model is decomposed where it can be."""

TIGHT = 5e-7
"""A continuous answer is called optimal only within 1e-6: decomposition is asked for half of it."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The way taken and why; ``program`` where it is decomposition."""

    path: str
    why: str
    program: TwoStageProgram | None = None


def choose_path(model: FleetModel, path: str = "auto") -> Choice:
    """Decomposition for large models whose samples differ in right-hand sides only, the extensive form otherwise.

    Raises ``ArgumentError`` where decomposition is asked for and cannot be.
    """
    if path not in PATHS:
        raise ArgumentError(f"path must be one of {', '.join(PATHS)}, got {path!r}")
    if path == "extensive":
        return Choice(path="extensive", why="asked for")
    if path == "auto" and model.lp.columns <= LARGE:
        return Choice(path="extensive", why=f"{model.lp.columns} columns are few enough for one program")
    from capacity_opt.fleet.decomposed import decomposed

    program = decomposed(model)
    if not isinstance(program, str):
        why = "asked for" if path != "auto" else f"{model.lp.columns} columns; samples differ in right-hand sides only"
        return Choice(path="decomposition", why=why, program=program)
    if path == "decomposition":
        raise ArgumentError(f"this model cannot be decomposed: {program}. Use path = 'auto'")
    return Choice(path="extensive", why=f"cannot be decomposed: {program}")


def solve_decomposed(
    model: FleetModel, program: TwoStageProgram, *, gap: float, time_limit: float, seed: int, progress: Progress | None
) -> tuple[Solution, Array | None]:
    """The first stage by decomposition, then everything else solved around it: a point of the model's own program with
    its cost and the decomposition's bound, and the prices of recourse rows."""
    from capacity_opt.fleet.decomposed import first_columns
    from capacity_opt.solvers.stochastic.benders import solve_two_stage

    started = time.monotonic()
    whole = bool(model.lp.integer.any())
    asked = gap if whole else min(gap, TIGHT) if gap > 0 else TIGHT
    found = solve_two_stage(program, gap=asked, time_limit=time_limit, seed=seed, progress=_told(progress))
    if found.x is None:
        return _without_point(found), None
    columns = first_columns(model)
    x = np.where(program.first.integer, np.rint(found.x), found.x)
    x = np.clip(x, model.lp.column_lower[columns], model.lp.column_upper[columns])
    left = max(1.0, time_limit - (time.monotonic() - started))
    around = solve_around(model.lp, columns, x, time_limit=left)
    if around is None:
        told = "no recourse was found around the decomposition's first stage"
        return Solution(
            reason="no_solution", limit="time", bound=found.bound, solver="decomposition", message=told
        ), None
    objective = float(model.lp.cost @ around.x) + model.lp.offset
    bound = min(found.bound, objective)
    distance = relative_gap(objective, bound)
    return Solution(
        reason="optimal" if distance <= (max(gap, 1e-9) if whole else 1e-6) else "feasible",
        limit=_limit(found),
        objective=objective,
        bound=bound,
        gap=distance,
        x=around.x,
        seconds=time.monotonic() - started,
        iterations=found.iterations,
        solver="decomposition",
        message=f"{found.iterations} iterations, {found.bases} recourse bases",
    ), around.row_duals


def _limit(found: TwoStageSolution) -> Literal["none", "time", "iterations", "nodes", "interrupted"]:
    return "none" if found.limit == "none" else "time"


def _without_point(found: TwoStageSolution) -> Solution:
    reasons = {"infeasible": "infeasible", "unbounded": "unbounded", "no_solution": "no_solution"}
    reason = reasons.get(found.reason, "no_solution")
    limit = _limit(found) if reason == "no_solution" else "none"
    return Solution(reason=reason, limit=limit, bound=found.bound, seconds=found.seconds, solver="decomposition")  # type: ignore[arg-type]


def _told(progress: Progress | None) -> Callable[[float, int, float, float], None] | None:
    """The decomposition tells iteration numbers; callers are told the gap."""
    if progress is None:
        return None

    def tell(seconds: float, iteration: int, incumbent: float, bound: float) -> None:  # noqa: ARG001
        progress(seconds, incumbent, bound, relative_gap(incumbent, bound))

    return tell
