"""``capacity-opt forecast init``."""

from __future__ import annotations

from pathlib import Path

import click

from capacity_opt.cli.forecast_options import DUPLICATES, ENGINE, LEVELS, PERIOD, STATE, columns
from capacity_opt.cli.output import Output, common


@click.command("init", short_help="Start a state of streaming forecasts from history.")
@STATE
@click.option("--history", type=click.Path(path_type=Path), required=True, help="Table of unique_id, ds, y.")
@PERIOD
@click.option("--time-zone", default="UTC", show_default=True, help="Zone of the calendar, where ds has times.")
@click.option("--season", type=click.IntRange(min=1), default=1, show_default=True, help="Periods of a season.")
@LEVELS
@columns
@DUPLICATES
@click.option("--horizon", type=click.IntRange(min=1, max=512), default=28, show_default=True,
              help="Periods ahead for which errors are studied.")  # fmt: skip
@click.option("--negative", is_flag=True, help="Values may be below 0 (quantiles are not cut off there).")
@click.option("--keep", type=click.IntRange(min=0), default=1, show_default=True, help="Earlier versions kept.")
@ENGINE
@common
def command(
    state: Path,
    history: Path,
    period: str,
    time_zone: str,
    season: int,
    levels: tuple[float, ...] | None,
    columns: dict[str, str],
    duplicates: str,
    horizon: int,
    negative: bool,
    keep: int,
    engine: str,
    as_json: bool,
    quiet: bool,
    verbose: int,
) -> int:
    """Read a history and write the folder STATE: 64 bytes per series from which quantiles are computed when asked.

    \b
    Examples:
      capacity-opt forecast init state --history history.parquet --period day --season 7
      capacity-opt forecast init state --history sales.csv --column series=sku --column value=sold --levels 0.5,0.95
    """
    from capacity_opt.forecast.stream.layout import DEFAULT_LEVELS, StreamSettings
    from capacity_opt.scenario.stream_files import start_stream

    output = Output(as_json, quiet, verbose)
    settings = StreamSettings(levels=levels or DEFAULT_LEVELS, season_length=season, non_negative=not negative)
    with output.progress() as tell:
        tell(f"reading {history}")
        store, warnings = start_stream(
            history, state, settings, period=period, time_zone=time_zone, columns=columns, duplicates=duplicates,
            horizon=horizon, keep=keep, engine=engine,
        )  # fmt: skip
    output.warn(warnings)
    size = store.count * store.version.settings.width * 4
    if output.as_json:
        output.json({"state": str(state), "series": store.count, "period": store.version.period, "bytes": size})
    else:
        output.result(f"{state}: {store.count:,} series up to period {store.version.period}, {size:,} bytes of state")
    return 0
