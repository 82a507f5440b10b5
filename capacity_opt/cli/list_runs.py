"""``capacity-opt list``."""

from __future__ import annotations

from pathlib import Path

import click

from capacity_opt.cli.options import OUT
from capacity_opt.cli.output import Output, common, plain_table


@click.command("list", short_help="List finished runs.")
@OUT
@common
def command(out: Path, as_json: bool, quiet: bool, verbose: int) -> int:
    """List the finished runs under --out, the oldest first; runs that were killed are named on stderr.

    \b
    Examples:
      capacity-opt list
      capacity-opt list --out plans/runs --json
    """
    from capacity_opt.scenario.past_runs import past_runs, unfinished_runs

    output = Output(as_json, quiet, verbose)
    rows = [
        {
            "run": run.folder.name,
            "scenario": run.manifest.get("name"),
            "variant": run.manifest.get("variant"),
            "status": run.manifest.get("status"),
            "objective": run.manifest.get("objective"),
            "currency": run.manifest.get("currency"),
            "promises_kept": run.manifest.get("promises_kept"),
            "started": run.timing.get("started"),
            "seconds": run.timing.get("seconds"),
        }
        for run in past_runs(out)
    ]
    if as_json:
        output.json({"out": str(out), "runs": rows})
        return 0
    if not rows:
        output.note(f"No runs in {out}. Make one with capacity-opt run SCENARIO.")
    else:
        for line in plain_table(("run", "scenario", "status", "cost", "promises"), [_cells(row) for row in rows], (3,)):
            output.result(line)
    left = list(unfinished_runs(out))
    if left:
        output.note(f"{len(left)} run{'s were' if len(left) > 1 else ' was'} killed: capacity-opt resume --out {out}")
    return 0


def _cells(row: dict[str, object]) -> list[str]:
    cost = row["objective"]
    kept = {True: "kept", False: "not kept", None: ""}[row["promises_kept"]]  # type: ignore[index]  # JSON's three values
    variant = f" ({row['variant']})" if row["variant"] else ""
    told = f"{cost:,.0f} {row['currency']}" if isinstance(cost, int | float) else ""
    return [str(row["run"]), f"{row['scenario']}{variant}", str(row["status"]), told, kept]
