"""``capacity-opt recommend``."""

from __future__ import annotations

import click

from capacity_opt.cli.asked import Asked, about_scenario
from capacity_opt.cli.output import plain_table
from capacity_opt.errors import ArgumentError

KINDS = {"commit": "commit", "right_size": "right-size", "steer": "steer"}


@click.command("recommend", short_help="What to commit, right-size and steer.")
@about_scenario
def command(asked: Asked) -> int:
    """What would save money in SCENARIO, the largest saving first: commitments to buy, workloads on the wrong size,
    customers to steer to idle capacity. Needs [recommend]; plans the fleet first where steering needs its prices.

    \b
    Examples:
      capacity-opt recommend my-plan
      capacity-opt recommend my-plan --set recommend.throttle=0.001 --json
    """
    from capacity_opt.scenario.steps import plan_of, recommend_of

    read, output = asked.scenario, asked.output
    if read.recommend is None:
        raise ArgumentError(f"{asked.folder} has no [recommend] section. Add it with the tables to recommend from")
    with output.progress() as tell:
        plan = plan_of(read, tell).uninterrupted() if read.recommend.steerable is not None else None
        outcome = recommend_of(read, plan)
    answer = outcome.answer(read.currency)
    if output.as_json:
        output.json({"answer": answer, "tables": {name: table.columns for name, table in outcome.tables.items()}})
        return 0
    rows = [
        [str(rank), KINDS[each.kind], each.subject, each.action, f"{each.saving:,.2f}", f"{each.low:,.2f}",
         f"{each.high:,.2f}", f"{each.risk:.1%}", each.who]
        for rank, each in enumerate(outcome.recommendations, start=1)
    ]  # fmt: skip
    headers = ("", "kind", "subject", "do", f"saves a month, {read.currency}", "from", "to", "does not pay", "who")
    for line in plain_table(headers, rows, (0, 4, 5, 6, 7)):
        output.result(line)
    output.result(answer[:1].upper() + answer[1:] + ".")
    return 0
