"""``capacity-opt forecast``: from history to quantiles; each subcommand has its module."""

from __future__ import annotations

import click

from capacity_opt.cli.lazy import LazyCommands

# name -> summary; the command of name x is ``command`` in cli/forecast_x.py
COMMANDS: dict[str, str] = {
    "init": "Start a state of streaming forecasts from history.",
    "update": "Take up new observations: all series, or some.",
    "bucket": "Split a large table into files by a hash of its ids.",
    "batch": "Forecast every file of a folder, here or on a cluster.",
    "hierarchy": "Customers, services, regions: forecasts and paths that add up.",
    "replenish": "Buckets of history to reorder points, here or on a cluster.",
    "backtest": "Hold out the last periods of a history and score the forecasts of them.",
    "check": "Check a forecast made elsewhere, recalibrate it, write it in one form.",
    "emit": "Write quantiles of the coming periods.",
}


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
      capacity-opt forecast init state --history history.parquet --period day --season 7
      capacity-opt forecast update state --observations today.parquet
      capacity-opt forecast emit state --horizon 28 --out quantiles.parquet
    """
