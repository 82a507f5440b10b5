"""Which way a stochastic program is solved, and why: by what is random and by size, before anything is built."""

from __future__ import annotations

import numpy as np

from capacity_opt.solvers.stochastic.oracle import LARGEST_GRAPH_ROWS
from capacity_opt.solvers.stochastic.smps import StochasticProgram
from capacity_opt.solvers.stochastic.two_stage import why_not_decomposed

DECOMPOSITION, EXTENSIVE = "decomposition", "extensive form"

FEW_COLUMNS, FEW_COLUMNS_LARGE = 20_000, 40_000
"""Up to about so many columns one linear program is solved sooner than it is taken apart; the second where samples do
not share bases (:data:`~capacity_opt.solvers.stochastic.oracle.LARGEST_GRAPH_ROWS`)."""


def extensive_columns(program: StochasticProgram, samples: int | None = None) -> float:
    """About how many columns the extensive form of all outcomes, or of ``samples``, has."""
    last = float(np.sum(program.column_stage == len(program.stages) - 1))
    return (program.outcomes if samples is None else float(samples)) * last


def chosen_way(program: StochasticProgram, samples: int | None = None, path: str = "auto") -> tuple[str, str]:
    """``DECOMPOSITION`` or ``EXTENSIVE``, and the reason in a few words. What cannot be decomposed is solved in
    extensive form whatever ``path`` asks for; ``auto`` leaves small programs to one linear program."""
    against = why_not_decomposed(program)
    if against is not None:
        return EXTENSIVE, against
    if path == "extensive":
        return EXTENSIVE, "asked for"
    told = "only right-hand sides are random and the recourse is continuous"
    if path == "decomposition":
        return DECOMPOSITION, f"asked for; {told}"
    columns, rows = extensive_columns(program, samples), int(np.sum(program.row_stage == 1))
    small = rows <= LARGEST_GRAPH_ROWS
    if columns <= (FEW_COLUMNS if small else FEW_COLUMNS_LARGE):
        return EXTENSIVE, f"about {columns:,.0f} columns are few enough for one program"
    shared = "samples share recourse bases" if small else f"its {rows} rows are solved warm, sample after sample"
    return DECOMPOSITION, f"{told}: {shared}"
