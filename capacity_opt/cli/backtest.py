"""``capacity-opt backtest``."""

from __future__ import annotations

from pathlib import Path

import click

from capacity_opt.cli.options import OUT, SCENARIO, changes
from capacity_opt.cli.output import Output, common
from capacity_opt.cli.run import do_run


@click.command("backtest", short_help="Rank forecasts by what deciding with them would have cost.")
@SCENARIO
@OUT
@changes
@common
def command(
    scenario: Path, out: Path, settings: tuple[str, ...], variant: str | None, as_json: bool, quiet: bool, verbose: int
) -> int:
    """Do the [backtest] of SCENARIO only: every forecast model decides on a history it had not seen, and is ranked by
    what that cost, next to its pinball loss, coverage and bias. The run goes to a folder of its own under --out.

    \b
    Examples:
      capacity-opt backtest my-history
      capacity-opt backtest my-history --set backtest.tune=26 --json
    """
    options = {"set": settings, "variant": variant, "only": "backtest"}
    return do_run(scenario, out, options, Output(as_json, quiet, verbose))
