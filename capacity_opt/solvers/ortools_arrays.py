"""Between :class:`LinearProgram` and OR-tools' linear solvers: arrays in, statuses in our words."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from capacity_opt.solvers.linear_program import LinearProgram
from capacity_opt.solvers.solution import Limit, Reason

_OUTCOMES: dict[str, tuple[Reason, Limit]] = {
    "OPTIMAL": ("optimal", "none"),
    "FEASIBLE": ("no_solution", "time"),
    "NOT_SOLVED": ("no_solution", "time"),
    "CANCELLED_BY_USER": ("no_solution", "interrupted"),
    "INFEASIBLE": ("infeasible", "none"),
    "UNBOUNDED": ("unbounded", "none"),
}


def model_of(lp: LinearProgram) -> Any:
    """An OR-tools ``model_builder.Model`` filled from the arrays at once."""
    from ortools.linear_solver.python import model_builder

    model = model_builder.Model()
    helper = model.helper
    helper.fill_model_from_sparse_data(
        lp.column_lower, lp.column_upper, lp.cost, lp.row_lower, lp.row_upper, sparse.csr_matrix(lp.matrix)
    )
    helper.set_objective_offset(lp.offset)
    for column in np.flatnonzero(lp.integer).tolist():
        helper.set_var_integrality(column, True)
    return model


def stopped_by(status: str) -> tuple[Reason, Limit]:
    """OR-tools' status in our words; anything unknown is an error, never a success."""
    return _OUTCOMES.get(status, ("error", "none"))


def version() -> str:
    """OR-tools' version, such as ``9.15.6755``."""
    import ortools

    return str(ortools.__version__)
