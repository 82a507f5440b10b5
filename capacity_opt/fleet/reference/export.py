"""The export door: the fleet model as an LP or MPS file for any other solver."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from capacity_opt.errors import ArgumentError
from capacity_opt.fleet.formulation import Failures
from capacity_opt.fleet.reference.model import build_reference
from capacity_opt.problem.fleet import FleetProblem

FORMATS = {".lp": "lp", ".mps": "mps"}


def export_model(
    problem: FleetProblem,
    path: str | Path,
    *,
    formulation: str = "two_stage",
    samples: int | None = None,
    seed: int = 7,
    failures: Failures = "exact",
) -> Path:
    """Write the model that ``size_fleet`` would solve with the same arguments to ``path`` (``.lp`` or ``.mps``).

    Rows and columns keep their names as far as the format's alphabet allows. Returns the path. The file is written
    beside its place and renamed, so an interrupted export leaves nothing torn.
    """
    return write_model(
        build_reference(problem, formulation=formulation, samples=samples, seed=seed, failures=failures), path
    )


def write_model(model: Any, path: str | Path) -> Path:
    """Write a reference model, also one that was added to."""
    target = Path(path)
    if target.suffix.lower() not in FORMATS:
        raise ArgumentError(f"path must end with .lp or .mps, got {target.name!r}")
    partial = target.with_name(f".partial-{target.name}")
    try:
        model.write(str(partial), format=FORMATS[target.suffix.lower()], io_options={"symbolic_solver_labels": True})
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return target
