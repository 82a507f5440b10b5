"""``capacity-opt run`` on a stochastic program in SMPS form."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from capacity_opt.cli.output import Output, plain_table
from capacity_opt.cli.stop import NOTHING_YET, SIGNALLED, Stop

if TYPE_CHECKING:
    from capacity_opt.scenario.stochastic_run import StochasticRun

SUFFIXES = (".smps", ".cor", ".core", ".mps")
LIMIT_REACHED = 6
MOST_LINES = 15


def do_run_smps(path: Path, out: Path, options: dict[str, Any], output: Output) -> int:
    """Solve the instance, print its first stage and return the exit code."""
    for name in ("variant", "solver"):
        if options.get(name) is not None:
            raise click.UsageError(f"--{name} has no meaning for a stochastic program")
    executor = options.get("executor", "serial")
    if executor not in ("serial", "processes"):
        raise click.UsageError(f"a stochastic program runs in this process or in local ones, not on {executor}")
    from capacity_opt.executor import processors
    from capacity_opt.scenario.stochastic_run import run_smps

    kept = {name: options.get(name) for name in ("seed", "time_limit", "gap")}
    workers = 0 if executor == "serial" else options.get("workers") or processors()
    with Stop() as stop:
        try:
            with output.progress() as tell:
                tell(f"reading {path.name}")
                result = run_smps(path, out=out, set=options.get("set") or (), workers=workers, progress=tell, **kept)
        except NOTHING_YET:
            if not stop.asked:
                raise
            return stop.empty_handed(output)
        code = stop.code if stop.asked else 0 if result.status == "optimal" else LIMIT_REACHED
    _tell(result, code, output)
    return code


def describe_smps(path: Path, settings: tuple[str, ...], output: Output) -> int:
    """Sizes and the way it would be solved, without solving."""
    from capacity_opt.scenario.stochastic_run import smps_files, way
    from capacity_opt.solvers.stochastic.smps import read_smps

    files = smps_files(path, settings)
    program = read_smps(files.core, time=files.time, stoch=files.stoch)
    taken, why = way(program, files.samples, files.path)
    lp = program.core.lp
    facts = {
        "name": program.name, "stages": list(program.stages), "outcomes": program.outcomes, "rows": lp.rows,
        "columns": lp.columns, "integers": int(lp.integer.sum()), "path": taken, "why": why,
    }  # fmt: skip
    if output.as_json:
        output.json(facts)
        return 0
    for name, value in facts.items():
        output.result(f"  {name:<9} {', '.join(value) if isinstance(value, list) else value}")
    return 0


def _tell(result: StochasticRun, code: int, output: Output) -> None:
    manifest = result.manifest
    if output.as_json:
        body = {"folder": str(result.folder), "exit_code": code, "manifest": manifest}
        output.json(body | {"first_stage": result.first_stage})
        return
    output.result(str(manifest["answer"]))
    output.result(f"Path:      {manifest['path']} ({manifest['why']})")
    for name in ("objective", "bound"):
        output.result(f"{name.capitalize() + ':':<10} {manifest[name]:,.10g}")
    why = "" if code == 0 else " (interrupted)" if code > SIGNALLED else " (a limit was reached)"
    output.result(f"Gap:       {manifest['gap']:.3g}{why}")
    rows = [[name, f"{value:,.10g}"] for name, value in result.first_stage.items() if value != 0]
    for line in plain_table(("first stage", "value"), rows[:MOST_LINES], (1,)):
        output.result(line)
    if len(rows) > MOST_LINES:
        output.result(f"… and {len(rows) - MOST_LINES:,} more in results/first_stage.csv")
    output.result(f"Run folder: {result.folder}")
