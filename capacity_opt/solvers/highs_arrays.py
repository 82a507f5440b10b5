"""Between :class:`LinearProgram` and HiGHS: arrays in, status and arrays out, and the scaling of costs.

HiGHS's dual tolerance is absolute (1e-7). Costs that are small, such as probability times price in an extensive form,
can then be left unpaid: a public instance came back "optimal" 1e-4 off. So costs are multiplied by a power of two
(exact) that lifts the small ones to about 1, and every price and bound is divided by it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import ArgumentError
from capacity_opt.solvers.linear_program import LinearProgram
from capacity_opt.solvers.solution import Limit, Reason

Array = NDArray[np.float64]

SMALL_SHARE = 0.05
LARGEST_SCALED_COST = 2.0**27
MOST_ENTRIES = 2**31 - 1

_OUTCOMES: dict[str, tuple[Reason, Limit]] = {
    "kOptimal": ("optimal", "none"),
    "kInfeasible": ("infeasible", "none"),
    "kUnbounded": ("unbounded", "none"),
    "kTimeLimit": ("no_solution", "time"),
    "kIterationLimit": ("no_solution", "iterations"),
    "kSolutionLimit": ("no_solution", "nodes"),
    "kObjectiveBound": ("no_solution", "iterations"),
    "kObjectiveTarget": ("no_solution", "iterations"),
    "kInterrupt": ("no_solution", "interrupted"),
    "kHighsInterrupt": ("no_solution", "interrupted"),
    "kMemoryLimit": ("no_solution", "iterations"),
}


def outcome(model_status: Any) -> tuple[Reason, Limit]:
    """HiGHS's model status in our words; anything unknown is an error, never a success."""
    return _OUTCOMES.get(model_status.name, ("error", "none"))


def cost_scale(cost: Array) -> float:
    """The power of two that brings the small costs to about 1 without lifting the largest above 2^27."""
    sizes = np.abs(cost[cost != 0])
    if not sizes.size:
        return 1.0
    small = float(np.quantile(sizes, SMALL_SHARE))
    scale = min(1.0 / small, LARGEST_SCALED_COST / float(sizes.max()))
    return float(2.0 ** np.round(np.log2(scale)))


def pass_program(engine: Any, lp: LinearProgram, scale: float) -> bool:
    """Load the program; ``False`` when HiGHS refuses it."""
    import highspy

    matrix = lp.matrix
    status = engine.passModel(
        lp.columns,
        lp.rows,
        int(matrix.nnz),
        highspy.MatrixFormat.kRowwise,
        highspy.ObjSense.kMinimize,
        lp.offset * scale,
        lp.cost * scale,
        lp.column_lower,
        lp.column_upper,
        lp.row_lower,
        lp.row_upper,
        matrix.indptr.astype(np.int32),
        matrix.indices.astype(np.int32),
        np.asarray(matrix.data, dtype=np.float64),
        lp.integer.astype(np.int32),
    )
    return bool(status != highspy.HighsStatus.kError)


def set_options(engine: Any, options: Mapping[str, object]) -> None:
    """Set options by HiGHS's own names; an unknown name or value is an ArgumentError naming it."""
    import highspy

    for name, value in options.items():
        if name == "solver" and value == "pdlp":
            raise ArgumentError('options["solver"] must be simplex, ipm, hipo or choose; for PDLP use solver="pdlp"')
        try:
            status = engine.setOptionValue(name, value)
        except TypeError:
            status = highspy.HighsStatus.kError
        if status != highspy.HighsStatus.kOk:
            raise ArgumentError(
                f"options[{name!r}] = {value!r} is refused by HiGHS: unknown name, or value out of range"
            )


def point(engine: Any) -> Array | None:
    """The primal point if HiGHS itself calls it feasible."""
    if engine.getInfo().primal_solution_status != _feasible():
        return None
    return np.array(engine.getSolution().col_value, dtype=np.float64)


def prices(engine: Any, scale: float) -> Array | None:
    """The row duals in the caller's money if HiGHS itself calls them feasible."""
    if engine.getInfo().dual_solution_status != _feasible():
        return None
    return np.array(engine.getSolution().row_dual, dtype=np.float64) / scale


def iterations(engine: Any) -> int:
    """Simplex, interior-point and crossover iterations together (0 where HiGHS counts none)."""
    info = engine.getInfo()
    counts = (info.simplex_iteration_count, info.ipm_iteration_count, info.crossover_iteration_count)
    return int(sum(max(count, 0) for count in counts))


def version(engine: Any) -> str:
    """HiGHS's version, such as ``1.16.0``."""
    return str(engine.version())


def _feasible() -> int:
    import highspy

    return int(highspy.kSolutionStatusFeasible)
