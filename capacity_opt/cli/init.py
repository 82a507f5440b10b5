"""``capacity-opt init``."""

from __future__ import annotations

from pathlib import Path

import click

from capacity_opt.cli.output import Output, common
from capacity_opt.errors import ArgumentError, RunFolderError


@click.command("init", short_help="Write a scenario to start from.")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--template",
    type=click.Choice(["both", "fleet", "inventory"]),
    default="both",
    show_default=True,
    help="Its steps.",
)
@common
def command(folder: Path, template: str, as_json: bool, quiet: bool, verbose: int) -> int:
    """Write a small scenario that runs into FOLDER, which must be new or empty; then change its tables.

    \b
    Examples:
      capacity-opt init my-plan
      capacity-opt init spares --template inventory
    """
    from capacity_opt.scenario.templates import write_template

    output = Output(as_json, quiet, verbose)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ArgumentError(f"{folder} is not empty: name a new folder, nothing is overwritten")
    try:
        written = write_template(folder, template)
    except OSError as error:
        raise RunFolderError(f"{folder} cannot be written: {error.strerror}") from error
    if as_json:
        output.json({"folder": str(folder), "written": [path.name for path in written]})
        return 0
    output.result(f"Wrote {len(written)} files to {folder}: {', '.join(path.name for path in written)}.")
    output.note(f"Next: edit them, then capacity-opt validate {folder} and capacity-opt run {folder}")
    return 0
