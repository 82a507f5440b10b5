"""``capacity-opt run``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from capacity_opt.cli.options import OUT, SCENARIO, changes, solving
from capacity_opt.cli.output import Output, common
from capacity_opt.cli.smps import SUFFIXES, describe_smps, do_run_smps
from capacity_opt.cli.stop import NOTHING_YET, SIGNALLED, Stop

if TYPE_CHECKING:
    from capacity_opt.scenario.run import RunResult

LIMIT_REACHED = 6
NOT_KEPT = 10


@click.command("run", short_help="Plan, judge and report a scenario.")
@SCENARIO
@OUT
@changes
@solving
@click.option(
    "--executor", type=click.Choice(["serial", "processes", "dask", "ray"]), default="serial", show_default=True,
    help="Where independent regions are planned; processes also share the samples of large recourse problems.",
)  # fmt: skip
@click.option("--workers", type=click.IntRange(min=0), default=0, help="Parallel workers; 0: one per processor.")
@click.option("--dry-run", is_flag=True, help="Read and build only: sizes, number of variables, memory.")
@common
def command(
    scenario: Path,
    out: Path,
    settings: tuple[str, ...],
    variant: str | None,
    seed: int | None,
    solver: str | None,
    time_limit: float | None,
    gap: float | None,
    executor: str,
    workers: int,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
    verbose: int,
) -> int:
    """Plan, judge and report the scenario in folder SCENARIO; the run goes to a folder of its own under --out.

    SCENARIO may also be a stochastic program in SMPS form: its core file (.cor, with .tim and .sto beside it), or a
    .smps file that lists the three. --set time=FILE, stoch=FILE and samples=N choose among files and sample outcomes.

    \b
    Examples:
      capacity-opt run scenarios/quickstart
      capacity-opt run my-plan --set fleet.gap=1% --set 'server_types[server_type=gen9].price=8000'
      capacity-opt run my-plan --variant late_racks --time-limit 5m --json
      capacity-opt run my-plan --executor processes
      capacity-opt run storm.cor --set samples=1000
    """
    output = Output(as_json, quiet, verbose)
    if dry_run and scenario.suffix.lower() in SUFFIXES:
        return describe_smps(scenario, settings, output)
    if dry_run:
        from capacity_opt.cli.dry_run import describe

        return describe(scenario, settings, variant, output)
    options = {
        "set": settings,
        "variant": variant,
        "seed": seed,
        "solver": solver,
        "time_limit": time_limit,
        "gap": gap,
        "executor": executor,
        "workers": workers,
    }
    return do_run(scenario, out, options, output)


def do_run(scenario: Path, out: Path, options: dict[str, Any], output: Output) -> int:
    """Run, print and return the exit code."""
    if scenario.suffix.lower() in SUFFIXES:
        return do_run_smps(scenario, out, options, output)
    from capacity_opt.report.publish import run_scenario

    with Stop() as stop:
        try:
            with output.progress() as tell:
                result = run_scenario(scenario, out=out, progress=tell, stopped=lambda: stop.asked, **options)
        except NOTHING_YET:
            if not stop.asked:
                raise
            return stop.empty_handed(output)
        code = stop.code if stop.asked else exit_code(result)
    print_result(result, code, output)
    return code


def exit_code(result: RunResult) -> int:
    """0 solved, verified and kept; 6 stopped at a limit; 10 a promise was found not kept."""
    if result.status != "optimal":
        return LIMIT_REACHED
    return NOT_KEPT if result.kept is False else 0


def print_result(result: RunResult, code: int, output: Output) -> None:
    """Tables and the next command, or one JSON object."""
    if output.as_json:
        output.json({"folder": str(result.folder), "exit_code": code, "manifest": result.manifest})
        return
    from capacity_opt.report.terminal import print_run

    print_run(result.folder, output.console())
    if code > SIGNALLED:
        output.note("Interrupted: what was found by then was verified and saved; what follows it was left out.")
