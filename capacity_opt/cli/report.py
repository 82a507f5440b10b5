"""``capacity-opt report``."""

from __future__ import annotations

from pathlib import Path

import click

from capacity_opt.cli.options import OUT
from capacity_opt.cli.output import Output, common


@click.command("report", short_help="Write a run's report again.")
@click.argument("run", metavar="RUN")
@OUT
@click.option("--no-workbook", is_flag=True, help="The page only.")
@common
def command(run: str, out: Path, no_workbook: bool, as_json: bool, quiet: bool, verbose: int) -> int:
    """Write report.html and workbook.xlsx of a finished RUN from its results, as they would be written today.

    \b
    Examples:
      capacity-opt report latest
    """
    from capacity_opt.report.html import write_report
    from capacity_opt.report.workbook import write_workbook
    from capacity_opt.scenario.past_runs import find_run

    output = Output(as_json, quiet, verbose)
    folder = find_run(run, out).folder
    written = [write_report(folder)]
    if not no_workbook:
        written.append(write_workbook(folder))
    if as_json:
        output.json({"folder": str(folder), "written": [str(path) for path in written]})
    else:
        for path in written:
            output.result(str(path))
    return 0
