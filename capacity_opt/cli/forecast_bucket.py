"""``capacity-opt forecast bucket``."""

from __future__ import annotations

from pathlib import Path

import click

from capacity_opt.cli.output import Output, common


@click.command("bucket", short_help="Split a large table into files by a hash of its ids.")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="New folder of buckets.")
@click.option("--buckets", type=click.IntRange(1, 4096), default=64, show_default=True, help="How many files.")
@click.option("--key", default="unique_id", show_default=True, help="Column of ids.")
@common
def command(source: Path, out: Path, buckets: int, key: str, as_json: bool, quiet: bool, verbose: int) -> int:
    """Split the Parquet file or folder SOURCE so that each file holds whole series; a million rows in memory at a time.

    \b
    Examples:
      capacity-opt forecast bucket history.parquet --out buckets --buckets 64
      capacity-opt forecast bucket s3_export/ --out buckets --key sku
    """
    import json

    from capacity_opt.scenario.partitions import ABOUT, write_buckets

    output = Output(as_json, quiet, verbose)
    with output.progress() as tell:
        folder = write_buckets(source, out, buckets, key=key, tell=tell)
    about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    if output.as_json:
        output.json({"folder": str(folder), **about})
    else:
        output.result(f"{folder}: {about['rows']:,} rows in {about['buckets']} buckets by {key}")
    return 0
