"""Solve a linear or mixed-integer program with a chosen solver: the one door between models and solvers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import ArgumentError, SolverError
from capacity_opt.solvers.backend import DEFAULT_TIME_LIMIT, Backend, Progress, Settings
from capacity_opt.solvers.cp_sat import CpSat
from capacity_opt.solvers.glop import Glop
from capacity_opt.solvers.highs import Highs
from capacity_opt.solvers.linear_program import LinearProgram
from capacity_opt.solvers.pdlp import Pdlp
from capacity_opt.solvers.scip import Scip
from capacity_opt.solvers.solution import Solution

Array = NDArray[np.float64]

BACKENDS: dict[str, Backend] = {backend.name: backend for backend in (Highs(), CpSat(), Glop(), Pdlp(), Scip())}
"""Every solver by the name ``solve`` and the command line know it by."""


def solve(
    lp: LinearProgram,
    *,
    solver: str = "highs",
    gap: float = 1e-4,
    time_limit: float = DEFAULT_TIME_LIMIT,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress | None = None,
    start: Array | None = None,
    options: Mapping[str, object] | None = None,
) -> Solution:
    """Minimise a program and return the outcome as data; see :class:`Solution` for the signs of prices.

    ``solver``: highs (default; certified), cp_sat (exact, small integer programs), glop and scip (second opinions
    on linear and integer programs), pdlp (first order, very large, never certified). The other arguments are those of
    :class:`~capacity_opt.solvers.backend.Settings`. Ctrl-C stops the search within a second and returns the incumbent
    with ``limit == "interrupted"``: a caller that goes on afterwards must look at it.

    Raises ``ArgumentError`` for a bad argument and ``SolverError`` when the solver cannot take this kind of program.

    >>> from scipy import sparse
    >>> lp = LinearProgram(cost=np.array([2.0, 3.0]), matrix=sparse.csr_array([[1.0, 1.0]]),
    ...     row_lower=np.array([2.5]), row_upper=np.array([np.inf]), column_lower=np.zeros(2),
    ...     column_upper=np.array([1.0, 9.0]), integer=np.array([True, False]))
    >>> solution = solve(lp)
    >>> solution.reason, solution.objective, solution.x.tolist(), solution.row_duals.tolist()
    ('optimal', 6.5, [1.0, 1.5], [3.0])
    """
    settings = Settings(
        gap=gap,
        time_limit=time_limit,
        seed=seed,
        threads=threads,
        progress=progress,
        start=start,
        options=options or {},
    )
    backend = _backend(solver)
    reason = backend.supports(lp)
    if reason is not None:
        raise SolverError(f"{solver} cannot take this program: {reason}")
    return backend.solve(lp, settings)


def _backend(name: str) -> Backend:
    if name not in BACKENDS:
        raise ArgumentError(f"solver must be one of {', '.join(sorted(BACKENDS))}, got {name!r}")
    return BACKENDS[name]
