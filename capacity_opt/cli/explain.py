"""``capacity-opt explain``."""

from __future__ import annotations

from pathlib import Path

import click

from capacity_opt.cli.options import OUT
from capacity_opt.cli.output import Output, clean, common


@click.command("explain", short_help="Say why a number of a run is what it is.")
@click.argument("run", metavar="RUN")
@click.argument("what", metavar="ITEM|POOL")
@OUT
@common
def command(run: str, what: str, out: Path, as_json: bool, quiet: bool, verbose: int) -> int:
    """Say in words, with the numbers, why a RUN orders, holds or promises what it does.

    ITEM is a stocked item (item@location for one place); POOL is a region, zone, server type, demand class, resource
    or purchase option.

    \b
    Examples:
      capacity-opt explain latest dimm-32@z1
      capacity-opt explain latest eu-west
    """
    from capacity_opt.scenario.explain import explain
    from capacity_opt.scenario.past_runs import find_run

    output = Output(as_json, quiet, verbose)
    past = find_run(run, out)
    found = explain(past, what)
    if as_json:
        told = [{"kind": each.kind, "name": each.name, "sentences": list(each.sentences)} for each in found]
        output.json({"folder": str(past.folder), "explanations": told})
        return 0
    for each in found:
        output.result(clean(f"{each.name} ({each.kind})"))
        for sentence in each.sentences:
            output.result(clean(f"  {sentence}"))
    return 0
