"""``capacity-opt simulate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from capacity_opt.cli.options import OUT
from capacity_opt.cli.output import Output, common
from capacity_opt.cli.run import NOT_KEPT
from capacity_opt.errors import RunFolderError

if TYPE_CHECKING:
    from capacity_opt.scenario.replay import Replay


@click.command("simulate", short_help="Judge a plan again.")
@click.argument("run", metavar="RUN")
@OUT
@click.option("--samples", type=click.IntRange(min=2), default=2000, show_default=True, help="Fresh demand paths.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Of the fresh paths.")
@click.option(
    "--dispatch",
    type=click.Choice(["optimal", "greedy", "exact"]),
    default="optimal",
    show_default=True,
    help="How demand is served.",
)
@click.option("--save/--no-save", default=True, show_default=True, help="Keep the tables in the run's folder.")
@common
def command(run: str, out: Path, save: bool, as_json: bool, quiet: bool, verbose: int, **how: Any) -> int:
    """Play the fleet plan of a finished RUN on fresh demand and say which promises it keeps (exit 10 where not all).

    What was found is kept as tables in the run's folder: simulations/<seed>-<samples>/.

    \b
    Examples:
      capacity-opt simulate latest --samples 20000 --seed 5
    """
    from capacity_opt.scenario.past_runs import find_run
    from capacity_opt.scenario.replay import judge_again
    from capacity_opt.scenario.simulation_folder import judgement_json

    output = Output(as_json, quiet, verbose)
    with output.progress() as tell:
        tell(f"judging on {how['samples']:,} fresh samples")
        replay = judge_again(find_run(run, out), **how)
        folder = _saved(replay) if save else None
    judged = replay.found
    if as_json:
        output.json({**judgement_json(judged), "folder": folder})
        return 0 if judged.kept else NOT_KEPT
    for verdict in judged.verdicts:
        output.result(verdict.sentence)
    total = judged.total_cost
    output.result(f"Cost {total.value:,.0f} (interval {total.low:,.0f} to {total.high:,.0f}).")
    if folder is not None:
        output.note(f"Tables in {folder}")
    return 0 if judged.kept else NOT_KEPT


def _saved(replay: Replay) -> Path:
    from capacity_opt.scenario.simulation_folder import write_simulation

    try:
        return write_simulation(replay)
    except RunFolderError as error:
        raise RunFolderError(f"{error}, or only print with --no-save") from error
