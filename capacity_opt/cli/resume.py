"""``capacity-opt resume``."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import click

from capacity_opt.cli.options import OUT
from capacity_opt.cli.output import Output, common
from capacity_opt.cli.run import do_run
from capacity_opt.errors import CapacityError

OPTIONS = ("set", "variant", "seed", "solver", "time_limit", "gap", "only")


@click.command("resume", short_help="Finish killed runs.")
@OUT
@click.option("--discard", is_flag=True, help="Remove what killed runs left instead.")
@common
def command(out: Path, discard: bool, as_json: bool, quiet: bool, verbose: int) -> int:
    """Do the runs under --out again that were killed before they ended: same scenario, same options, same results.
    A search that was long under way goes on from the cuts it had saved, and ends within the same gap.

    \b
    Examples:
      capacity-opt resume
      capacity-opt resume --discard
    """
    from capacity_opt.scenario.past_runs import unfinished_runs
    from capacity_opt.scenario.run_folder import CUTS
    from capacity_opt.solvers.stochastic.checkpoint import cuts_left_in

    output = Output(as_json, quiet, verbose)
    left = list(unfinished_runs(out))
    if not left:
        output.note(f"Nothing to resume in {out}.")
    worst = 0
    for run in left:
        if not discard:
            output.note(f"Again: {run.request.get('scenario')}")
            options: dict[str, Any] = {name: run.request[name] for name in OPTIONS if name in run.request}
            try:
                with cuts_left_in(run.folder / CUTS):
                    worst = max(worst, do_run(Path(str(run.request["scenario"])), out, options, output))
            except CapacityError as error:
                output.note(f"Error: {error}")
                worst = max(worst, error.exit_code)
                continue
        shutil.rmtree(run.folder, ignore_errors=True)
    return worst
