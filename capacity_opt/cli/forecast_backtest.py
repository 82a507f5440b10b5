"""``capacity-opt forecast backtest``."""

from __future__ import annotations

from pathlib import Path

import click

from capacity_opt.cli.forecast_options import LEVELS, columns
from capacity_opt.cli.output import Output, common


@click.command("backtest", short_help="Hold out the last periods of a history and score the forecasts of them.")
@click.argument("history", type=click.Path(path_type=Path))
@click.option("--horizon", type=click.IntRange(min=1, max=512), required=True, help="Periods held out.")
@click.option("--period", default="step", show_default=True, metavar="PERIOD",
              help="Length of a period: hour, day, week, month, 5min ...; step where ds is a number.")  # fmt: skip
@click.option("--time-zone", default="UTC", show_default=True, help="Zone of the calendar, where ds has times.")
@click.option("--season", type=click.IntRange(min=0), multiple=True,
              help="Periods of a season, at most two; 0: none; default: by the period.")  # fmt: skip
@LEVELS
@columns
@click.option("--duplicates", type=click.Choice(["error", "sum", "mean", "last"]), default="error", show_default=True,
              help="Several rows of one series and period.")  # fmt: skip
@click.option("--total", is_flag=True, help="Of the running total over periods 1 to h, not of each period.")
@common
def command(
    history: Path,
    horizon: int,
    period: str,
    time_zone: str,
    season: tuple[int, ...],
    levels: tuple[float, ...] | None,
    columns: dict[str, str],
    duplicates: str,
    total: bool,
    as_json: bool,
    quiet: bool,
    verbose: int,
) -> int:
    """Forecast the last HORIZON periods of the table HISTORY from those before, and say how good the quantiles were.

    \b
    Examples:
      capacity-opt forecast backtest history.parquet --horizon 12 --period month
      capacity-opt forecast backtest sales.csv --horizon 4 --total --column series=sku --json
    """
    from capacity_opt.scenario.forecast_backtest import backtest_history

    output = Output(as_json, quiet, verbose)
    with output.progress() as tell:
        tell(f"reading {history}")
        told, warnings = backtest_history(
            history, horizon, levels=levels, season=season or None, cumulative=total, period=period,
            time_zone=time_zone, columns=columns, duplicates=duplicates, tell=tell,
        )  # fmt: skip
    output.warn(warnings)
    if output.as_json:
        output.json(told)
    else:
        width = max(len(name) for name in told)
        for name, value in told.items():
            shown = ", ".join(map(str, value)) if isinstance(value, list) else f"{value}"
            output.result(f"{name.replace('_', ' '):{width}}  {shown}")
    return 0
