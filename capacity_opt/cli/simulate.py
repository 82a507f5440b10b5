"""``capacity-opt simulate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from capacity_opt.cli.options import OUT
from capacity_opt.cli.output import Output, common
from capacity_opt.cli.run import NOT_KEPT

if TYPE_CHECKING:
    from capacity_opt.simulation.fleet import Dispatch
    from capacity_opt.simulation.judgement import FleetJudgement


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
@common
def command(
    run: str, out: Path, samples: int, seed: int, dispatch: str, as_json: bool, quiet: bool, verbose: int
) -> int:
    """Play the fleet plan of a finished RUN on fresh demand and say which promises it keeps (exit 10 where not all).

    \b
    Examples:
      capacity-opt simulate latest --samples 20000 --seed 5
    """
    from capacity_opt.scenario.past_runs import find_run
    from capacity_opt.scenario.replay import judge_again

    output = Output(as_json, quiet, verbose)
    with output.progress() as tell:
        tell(f"judging on {samples:,} fresh samples")
        judged = judge_again(find_run(run, out), samples=samples, seed=seed, dispatch=cast("Dispatch", dispatch))
    if as_json:
        output.json(_json(judged))
    else:
        for verdict in judged.verdicts:
            output.result(verdict.sentence)
        total = judged.total_cost
        output.result(f"Cost {total.value:,.0f} (interval {total.low:,.0f} to {total.high:,.0f}).")
    return 0 if judged.kept else NOT_KEPT


def _json(judged: FleetJudgement) -> dict[str, object]:
    names = ("subject", "measure", "target", "promised", "value", "low", "high", "outcome", "sentence")
    return {
        "samples": judged.samples,
        "seed": judged.seed,
        "kept": judged.kept,
        "verdicts": [{name: getattr(verdict, name) for name in names} for verdict in judged.verdicts],
        "cost": {"value": judged.total_cost.value, "low": judged.total_cost.low, "high": judged.total_cost.high},
    }
