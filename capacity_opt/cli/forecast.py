"""``capacity-opt forecast``: from history to quantiles; each subcommand has its module."""

from __future__ import annotations

import click

from capacity_opt.cli.lazy import LazyCommands

# name -> summary; the command of name x is ``command`` in cli/forecast_x.py
COMMANDS: dict[str, str] = {}


@click.group(
    "forecast",
    cls=LazyCommands,
    summaries=COMMANDS,
    prefix="forecast_",
    context_settings={"help_option_names": ["-h", "--help"]},
    short_help="Demand history to quantiles, at once or as it comes.",
)
def command() -> None:
    """Turn demand history into calibrated quantiles, and keep them up to date as observations come in.

    \b
    Examples:
      capacity-opt forecast --help
    """
