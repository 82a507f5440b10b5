"""``capacity-opt forecast update``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from capacity_opt.cli.forecast_options import ENGINE, STATE, columns
from capacity_opt.cli.output import Output, common


@click.command("update", short_help="Take up new observations: all series, or some.")
@STATE
@click.option("--observations", type=click.Path(path_type=Path), required=True,
              help="Table of unique_id, ds, y and maybe in_stock.")  # fmt: skip
@click.option("--new", type=click.Choice(["error", "add", "ignore"]), default="error", show_default=True,
              help="Series that the state does not know.")  # fmt: skip
@click.option("--furthest", type=click.IntRange(min=1), default=64, show_default=True,
              help="Periods after the last one known that are still believed.")  # fmt: skip
@click.option("--keep", type=click.IntRange(min=0), default=1, show_default=True, help="Earlier versions kept.")
@columns
@ENGINE
@common
def command(
    state: Path,
    observations: Path,
    new: str,
    furthest: int,
    keep: int,
    columns: dict[str, str],
    engine: str,
    as_json: bool,
    quiet: bool,
    verbose: int,
) -> int:
    """Take up a table of observations as the next version of the folder STATE.

    A kill leaves the old version or the new one. The same table may be sent again: what was seen is not counted twice.

    \b
    Examples:
      capacity-opt forecast update state --observations today.parquet
      capacity-opt forecast update state --observations late.csv --new add --json
    """
    from capacity_opt.forecast.stream.store import StreamStore
    from capacity_opt.scenario.stream_files import update_stream

    output = Output(as_json, quiet, verbose)
    store = StreamStore(state, engine=engine, keep=keep)
    with output.progress() as tell:
        tell(f"taking up {observations}")
        told = update_stream(store, observations, new=new, columns=columns, furthest=furthest)
    output.warn(told.warnings)
    counts = asdict(told.update)
    if output.as_json:
        body = {"state": str(state), "period": told.period, "series": told.series, "added": told.added}
        output.json({**body, "left_out": told.left_out, "drifting": told.drifting, "observations": counts})
        return 0
    shown = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items() if count)
    output.result(f"{state}: {shown or 'nothing new'}; {told.series:,} series up to period {told.period}")
    for count, text in ((told.added, "series added"), (told.left_out, "rows of unknown series left out"),
                        (told.drifting, "series drift from their forecast")):  # fmt: skip
        if count:
            output.note(f"{count:,} {text}")
    return 0
