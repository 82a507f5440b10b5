"""``capacity-opt doctor``."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click

from capacity_opt.cli.options import OUT
from capacity_opt.cli.output import Output, common

PACKAGES = ("numpy", "scipy", "pandas", "pyarrow", "highspy", "ortools", "pyomo", "numba", "pydantic", "click", "rich",
            "jinja2", "vl-convert-python", "xlsxwriter")  # fmt: skip
SETTINGS = ("CAPACITY_OPT_OUT", "NO_COLOR", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS")
LEAST_FREE = 100_000_000


@click.command("doctor", short_help="Check the installation.")
@OUT
@common
def command(out: Path, as_json: bool, quiet: bool, verbose: int) -> int:
    """Check versions, solve a small problem with every solver, look at the disk, say where settings come from.

    \b
    Examples:
      capacity-opt doctor
    """
    output = Output(as_json, quiet, verbose)
    checks = [*_packages(), *_solvers(), _disk(out)]
    settings = {name: os.environ.get(name, "") for name in SETTINGS}
    if as_json:
        body = [{"check": name, "passed": passed, "told": told} for name, passed, told in checks]
        output.json({"python": platform.python_version(), "checks": body, "settings": settings})
    else:
        output.result(f"python {platform.python_version()} at {sys.executable}")
        for name, passed, told in checks:
            output.result(f"{'ok  ' if passed else 'FAIL'}  {name:<20} {told}")
        for name, value in settings.items():
            output.result(f"      {name:<20} {value or 'not set'} (environment)")
    return 0 if all(passed for _, passed, _ in checks) else 1


def _packages() -> list[tuple[str, bool, str]]:
    found = []
    for name in PACKAGES:
        try:
            found.append((name, True, version(name)))
        except PackageNotFoundError:
            found.append((name, name == "numba", "absent" + ("; slower without" if name == "numba" else "")))
    return found


def _solvers() -> list[tuple[str, bool, str]]:
    """A rack problem whose answer is known: 3 racks at 5, worth 15."""
    import numpy as np
    from scipy import sparse

    from capacity_opt.errors import CapacityError
    from capacity_opt.solvers.linear_program import LinearProgram
    from capacity_opt.solvers.solve import solve
    from capacity_opt.solvers.verify import verify

    found = []
    for solver, integer in (("highs", True), ("highs", False), ("cp_sat", True), ("glop", False), ("pdlp", False)):
        lp = LinearProgram(
            cost=np.array([5.0]),
            matrix=sparse.csr_array(np.array([[4.0]])),
            row_lower=np.array([9.0 if integer else 12.0]),
            row_upper=np.array([np.inf]),
            column_lower=np.array([0.0]),
            column_upper=np.array([100.0]),
            integer=np.array([integer]),
        )
        name = f"{solver} {'MIP' if integer else 'LP'}"
        try:
            answer = solve(lp, solver=solver)
            right = abs(answer.objective - 15.0) <= 1e-3
            verify(lp, answer)
            found.append((name, right, f"{answer.version or answer.solver}, answered {answer.objective:g} of 15"))
        except (CapacityError, ImportError) as error:
            found.append((name, False, str(error)))
    return found


def _disk(out: Path) -> tuple[str, bool, str]:
    folder = out.resolve()
    while not folder.exists():
        folder = folder.parent
    free, writable = shutil.disk_usage(folder).free, os.access(folder, os.W_OK)
    told = f"{folder}: {free / 1e9:.1f} GB free, {'writable' if writable else 'not writable'}"
    return "runs folder", writable and free >= LEAST_FREE, told
