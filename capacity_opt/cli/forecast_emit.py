"""``capacity-opt forecast emit``."""

from __future__ import annotations

from pathlib import Path

import click

from capacity_opt.cli.forecast_options import ENGINE, LEVELS, STATE
from capacity_opt.cli.output import Output, common


@click.command("emit", short_help="Write quantiles of the coming periods.")
@STATE
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="Parquet or CSV file.")
@click.option("--horizon", type=click.IntRange(min=1, max=512), default=1, show_default=True, help="Periods ahead.")
@LEVELS
@click.option("--total", is_flag=True, help="Of the running total over periods 1 to h, not of each period.")
@click.option("--id", "ids", multiple=True, metavar="ID", help="Only this series; repeatable.")
@ENGINE
@common
def command(
    state: Path,
    out: Path,
    horizon: int,
    levels: tuple[float, ...] | None,
    total: bool,
    ids: tuple[str, ...],
    engine: str,
    as_json: bool,
    quiet: bool,
    verbose: int,
) -> int:
    """Compute quantiles from the folder STATE and write them: unique_id, ds, horizon, p10, p50, ...

    A scenario reads the file with [demand] kind = "quantiles".

    \b
    Examples:
      capacity-opt forecast emit state --horizon 28 --out quantiles.parquet
      capacity-opt forecast emit state --horizon 4 --total --levels 0.5,0.95 --id a100 --out a100.csv
    """
    from capacity_opt.forecast.stream.store import StreamStore
    from capacity_opt.scenario.stream_files import write_stream

    output = Output(as_json, quiet, verbose)
    store = StreamStore(state, engine=engine)
    with output.progress() as tell:
        rows = write_stream(store, out, horizon, levels=levels, cumulative=total, ids=ids or None, tell=tell)
    if output.as_json:
        output.json({"file": str(out), "rows": rows, "period": store.version.period, "horizon": horizon})
    else:
        output.result(f"{out}: {rows:,} rows, periods {store.version.period + 1} to {store.version.period + horizon}")
    return 0
