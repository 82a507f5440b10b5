"""``capacity-opt forecast replenish``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from capacity_opt.cli.forecast_options import PARTS
from capacity_opt.cli.output import Output, common


@click.command("replenish", short_help="Buckets of history to reorder points, here or on a cluster.")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder of parts.")
@click.option("--items", type=click.Path(path_type=Path),
              help="Table (or folder of buckets) of unique_id, lead_time, costs, position ...")  # fmt: skip
@click.option("--lead-time", type=click.FloatRange(min=0), default=1.0, show_default=True, help="Periods.")
@click.option("--review-period", type=click.FloatRange(min=0, min_open=True), default=1.0, show_default=True,
              help="Periods between orders.")  # fmt: skip
@click.option("--holding-cost", type=click.FloatRange(min=0, min_open=True), default=1.0, show_default=True,
              help="Per unit and period.")  # fmt: skip
@click.option("--stockout-cost", type=click.FloatRange(min=0, min_open=True), default=9.0, show_default=True,
              help="Per unit and period.")  # fmt: skip
@click.option("--fixed-cost", type=click.FloatRange(min=0), default=0.0, show_default=True,
              help="Per order; above 0 the policy is (r, Q).")  # fmt: skip
@click.option("--service-level", type=click.FloatRange(0, 1, min_open=True, max_open=True),
              help="Chance that stock lasts, in place of the stockout cost.")  # fmt: skip
@click.option("--season", type=click.IntRange(min=0), help="Periods of a season; default: by the period.")
@PARTS
@common
def command(source: Path, out: Path, as_json: bool, quiet: bool, verbose: int, **options: Any) -> int:
    """Forecast the lead-time total of every series in SOURCE and write what to order by, a part per bucket.

    A killed run is started again with the same command: parts that are there are not done twice.

    \b
    Examples:
      capacity-opt forecast bucket history.parquet --out buckets --buckets 64
      capacity-opt forecast replenish buckets --out levels --items items.parquet --period week --executor processes
    """
    from capacity_opt.scenario.replenish_parts import Replenishment, replenish_partitions

    output = Output(as_json, quiet, verbose)
    names = ("lead_time", "review_period", "holding_cost", "stockout_cost", "fixed_cost", "service_level")
    defaults = Replenishment(**{name: options.pop(name) for name in names})
    with output.progress() as tell:
        done = replenish_partitions(source, out, defaults=defaults, tell=tell, **options)
    if output.as_json:
        output.json({"folder": str(done.folder), "parts": done.parts, "skipped": done.skipped, "totals": done.totals})
        return 0
    told = ", ".join(f"{count:,.10g} {name.replace('_', ' ')}" for name, count in done.totals.items())
    output.result(f"{done.folder}: {done.parts} parts ({done.skipped} were there){', ' if told else ''}{told}")
    return 0
