"""``capacity-opt run``."""

from __future__ import annotations

import signal
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from capacity_opt.cli import INTERRUPTED
from capacity_opt.cli.options import OUT, SCENARIO, changes, solving
from capacity_opt.cli.output import Output, common
from capacity_opt.cli.smps import SUFFIXES, describe_smps, do_run_smps
from capacity_opt.errors import LimitError

if TYPE_CHECKING:
    from capacity_opt.scenario.run import RunResult

LIMIT_REACHED = 6
NOT_KEPT = 10


class Stop:
    """Remembers Ctrl-C: the solver hands over its best plan, which is then saved."""

    def __init__(self) -> None:
        self.asked = False
        self._before: Any = None

    def __enter__(self) -> Stop:
        self._before = signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        signal.default_int_handler(number, frame)


@click.command("run", short_help="Plan, judge and report a scenario.")
@SCENARIO
@OUT
@changes
@solving
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
        except (KeyboardInterrupt, LimitError, SystemError):  # compiled code makes a SystemError of Ctrl-C
            if not stop.asked:
                raise
            output.note("Interrupted before there was a plan; nothing was saved.")
            return INTERRUPTED
        code = exit_code(result, interrupted=stop.asked)
    print_result(result, code, output)
    return code


def exit_code(result: RunResult, *, interrupted: bool = False) -> int:
    """0 solved, verified and kept; 6 stopped at a limit; 10 a promise was found not kept."""
    if interrupted:
        return INTERRUPTED
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
    if code == INTERRUPTED:
        output.note(
            "Interrupted: the best plan found so far was verified and saved; frontier and report were left out."
        )
