"""``capacity-opt forecast batch``."""

from __future__ import annotations

from pathlib import Path

import click

from capacity_opt.cli.forecast_options import LEVELS, PARTS
from capacity_opt.cli.output import Output, common


@click.command("batch", short_help="Forecast every file of a folder, here or on a cluster.")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder of parts.")
@click.option("--horizon", type=click.IntRange(min=1, max=512), default=1, show_default=True, help="Periods ahead.")
@LEVELS
@click.option("--season", type=click.IntRange(min=1),
              help="Periods of a season; default: looked for (combination), none (stream).")  # fmt: skip
@click.option(
    "--total", is_flag=True, help="Of the running total over periods 1 to h (lead-time totals), not of each period."
)
@click.option("--model", type=click.Choice(["combination", "stream", "totals"]), default="combination",
              show_default=True, help="Backtested combination (--total: its totals), or quicker smoother.")  # fmt: skip
@PARTS
@common
def command(
    source: Path,
    out: Path,
    horizon: int,
    levels: tuple[float, ...] | None,
    season: int | None,
    total: bool,
    model: str,
    period: str,
    duplicates: str,
    executor: str,
    workers: int,
    as_json: bool,
    quiet: bool,
    verbose: int,
) -> int:
    """Forecast the buckets in folder SOURCE (or one Parquet file) into parts of the same names in --out.

    A killed run is started again with the same command: parts that are there are not done twice.

    \b
    Examples:
      capacity-opt forecast batch buckets --out quantiles --horizon 28 --period day --season 7 --executor processes
      capacity-opt forecast batch buckets --out quantiles --horizon 4 --executor dask --workers 16
    """
    from capacity_opt.forecast.stream.layout import DEFAULT_LEVELS
    from capacity_opt.scenario.forecast_parts import forecast_partitions

    output = Output(as_json, quiet, verbose)
    with output.progress() as tell:
        done = forecast_partitions(
            source, out, horizon=horizon, levels=levels or DEFAULT_LEVELS, season=season, cumulative=total, model=model,
            period=period, duplicates=duplicates, executor=executor, workers=workers, tell=tell,
        )  # fmt: skip
    if output.as_json:
        output.json({"folder": str(done.folder), "parts": done.parts, "skipped": done.skipped, "totals": done.totals})
        return 0
    told = ", ".join(f"{int(count):,} {name}" for name, count in done.totals.items())
    output.result(f"{done.folder}: {done.parts} parts ({done.skipped} were there){', ' if told else ''}{told}")
    return 0
