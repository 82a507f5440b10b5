"""What a solver answered, as data: why it stopped, which limit, both bounds, the point and its prices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

Reason = Literal["optimal", "feasible", "infeasible", "unbounded", "no_solution", "error"]
"""optimal: proven within the asked gap; feasible: stopped early with a checked point; no_solution: stopped early with
none; error: the solver failed or its statuses contradict each other."""

Limit = Literal["none", "time", "iterations", "nodes", "interrupted"]


@dataclass(frozen=True, kw_only=True)
class Solution:
    """A solver's outcome. Nothing here raises: turning a bad outcome into an error is the caller's step.

    ``objective`` and ``bound`` are for minimisation (bound <= optimum <= objective); ``gap`` is
    (objective - bound) / max(|objective|, 1e-9), ``nan`` without a point. ``x`` has shape (columns,), ``row_duals``
    (rows,), ``reduced_costs`` (columns,): the change of the objective per unit of a right-hand side or of a column's
    active bound. For an integer program the duals are those of the program with the integers fixed (local prices);
    they are ``None`` where the solver gives none.
    """

    reason: Reason
    limit: Limit = "none"
    objective: float = float("nan")
    bound: float = float("-inf")
    gap: float = float("nan")
    x: Array | None = None
    row_duals: Array | None = None
    reduced_costs: Array | None = None
    seconds: float = 0.0
    iterations: int = 0
    solver: str = ""
    version: str = ""
    message: str = ""

    @property
    def has_point(self) -> bool:
        """Whether there is a point to use."""
        return self.x is not None
