"""A fleet problem as files in SMPS form, for any solver of two-stage programs."""

from __future__ import annotations

from pathlib import Path

from capacity_opt.errors import ArgumentError
from capacity_opt.fleet.decomposition.fit import why_not_expected
from capacity_opt.fleet.decomposition.structure import pieces_of
from capacity_opt.fleet.outcomes import draw_outcomes
from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.solvers.stochastic.smps_writer import write_smps

LISTING = ".smps"


def export_smps(problem: FleetProblem, path: str | Path, *, samples: int | None = None, seed: int = 7) -> Path:
    """Write ``path`` with its suffix replaced by ``.cor``, ``.tim`` and ``.sto``, and the list of the three at
    ``path`` (``.smps``), which ``capacity-opt run`` takes. Returns the list's path.

    Raises :class:`~capacity_opt.ArgumentError` where samples differ in more than demand, or promises are made in
    expectation (fill rates), which SMPS cannot say: those go into an ``.mps`` file of the extensive form.
    """
    outcomes = draw_outcomes(problem, samples=samples, seed=seed)
    against = why_not_expected(problem, outcomes)
    if against is not None:
        raise ArgumentError(f"this fleet cannot be written in SMPS form: {against}. Write its extensive form (.mps)")
    path = Path(path)
    files = write_smps(pieces_of(problem, outcomes).program, path.with_suffix(""))
    listing = path.with_suffix(LISTING)
    listing.write_text("".join(f"{file.name}\n" for file in files), encoding="utf-8")
    return listing
