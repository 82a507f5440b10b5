"""``capacity-opt recommend``."""

from __future__ import annotations

from pathlib import Path

import click

from capacity_opt.cli.options import SCENARIO, changes, solving
from capacity_opt.cli.output import Output, common, plain_table
from capacity_opt.errors import ArgumentError

KINDS = {"commit": "commit", "right_size": "right-size", "steer": "steer"}


@click.command("recommend", short_help="What to commit, right-size and steer.")
@SCENARIO
@changes
@solving
@common
def command(
    scenario: Path,
    settings: tuple[str, ...],
    variant: str | None,
    seed: int | None,
    solver: str | None,
    time_limit: float | None,
    gap: float | None,
    as_json: bool,
    quiet: bool,
    verbose: int,
) -> int:
    """What would save money in SCENARIO, the largest saving first: commitments to buy, workloads on the wrong size,
    customers to steer to idle capacity. Needs [recommend]; plans the fleet first where steering needs its prices.

    \b
    Examples:
      capacity-opt recommend my-plan
      capacity-opt recommend my-plan --set recommend.throttle=0.001 --json
    """
    from capacity_opt.scenario.read import read_scenario
    from capacity_opt.scenario.run import RunOptions, chosen
    from capacity_opt.scenario.steps import plan_of, recommend_of

    output = Output(as_json, quiet, verbose)
    options = RunOptions(seed=seed, solver=solver, time_limit=time_limit, gap=gap)
    read = chosen(read_scenario(scenario, set=settings, variant=variant), options)
    if read.recommend is None:
        raise ArgumentError(f"{scenario} has no [recommend] section. Add it with the tables to recommend from")
    with output.progress() as tell:
        plan = plan_of(read, tell) if read.recommend.steerable is not None else None
        outcome = recommend_of(read, plan)
    answer = outcome.answer(read.currency)
    if as_json:
        output.json({"answer": answer, "tables": {name: table.columns for name, table in outcome.tables.items()}})
        return 0
    rows = [
        [str(rank), KINDS[each.kind], each.subject, each.action, f"{each.saving:,.2f}", f"{each.low:,.2f}",
         f"{each.high:,.2f}", f"{each.risk:.1%}", each.who]
        for rank, each in enumerate(outcome.recommendations, start=1)
    ]  # fmt: skip
    headers = ("", "kind", "subject", "do", f"saves a month, {read.currency}", "from", "to", "risk", "who")
    for line in plain_table(headers, rows, (0, 4, 5, 6, 7)):
        output.result(line)
    output.result(answer[:1].upper() + answer[1:] + ".")
    return 0
