"""``capacity-opt admission``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from capacity_opt.cli.asked import Asked, about_scenario
from capacity_opt.cli.output import Output, plain_table
from capacity_opt.cli.run import NOT_KEPT
from capacity_opt.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from capacity_opt.scenario.run_folder import Table


@click.command("admission", short_help="Levels that decide who gets in on the day.")
@about_scenario
def command(asked: Asked) -> int:
    """Plan SCENARIO and say how much of each pool to keep free from which requests, what that earns and loses.

    Needs [admission] with its table of requests. The levels are played request by request; exit 10 where a promised
    blocking that they claim to keep is not kept.

    \b
    Examples:
      capacity-opt admission my-plan
      capacity-opt admission my-plan --set 'admission.judge="all"' --json
    """
    from capacity_opt.scenario.admission_step import admission_answer, admission_tables
    from capacity_opt.scenario.steps import Watch, admission_of, plan_of

    read, output = asked.scenario, asked.output
    if read.fleet is None or not read.requests:
        raise ArgumentError("admission needs a scenario with [fleet] and [admission], and a table of requests")
    with output.progress() as tell:
        plan = plan_of(read, tell).uninterrupted()
        outcome = admission_of(read, plan, Watch(tell=tell, ended=tell, stopped=lambda: False))
    tables, answer = admission_tables(outcome, read.fleet), admission_answer(outcome, read.fleet)
    code = NOT_KEPT if outcome.kept is False else 0
    if output.as_json:
        output.json({"answer": answer, "kept": outcome.kept, "tables": {n: t.columns for n, t in tables.items()}})
        return code
    _tell(tables, read.currency, output)
    output.result(answer[:1].upper() + answer[1:] + ".")
    return code


def _tell(tables: Mapping[str, Table], currency: str, output: Output) -> None:
    output.result("Pools")
    _lines(
        tables["admission_pools"],
        (
            ("pool", "pool", ""), ("period", "period", ""), ("block", "block", ""), ("capacity", "capacity", ",.6g"),
            ("resource", "of", ""), ("asked_share", "asked", ".1%"), ("gain", "gain", ".2%"),
            ("marginal_value", f"one more earns, {currency}", ",.4g"),
        ),
        output,
    )  # fmt: skip
    output.result("\nLevels: a request gets in only if so much stays free after it")
    _lines(
        tables["admission_levels"],
        (
            ("pool", "pool", ""), ("period", "period", ""), ("block", "block", ""), ("request", "request", ""),
            ("request_size", "size", ",.6g"), ("keep_free", "keep free", ",.6g"), ("blocking", "lost", ".3%"),
            ("first_come_blocking", "first come", ".3%"), ("placement_score", "score", "d"),
        ),
        output,
    )  # fmt: skip
    if len(tables["admission_judged"]):
        output.result("\nPlayed request by request, 99 % intervals")
        _lines(
            tables["admission_judged"],
            (
                ("pool", "pool", ""), ("period", "period", ""), ("request", "request", ""),
                ("holding_times", "holding times", ""), ("promised", "computed", ".3%"), ("blocking", "played", ".3%"),
                ("blocking_low", "from", ".3%"), ("blocking_high", "to", ".3%"), ("verdict", "verdict", ""),
            ),
            output,
        )  # fmt: skip


def _lines(table: Table, columns: tuple[tuple[str, str, str], ...], output: Output) -> None:
    """The columns of a table as aligned lines; a column that says "all" throughout is left out."""
    shown = [c for c in columns if c[0] != "block" or set(table.columns["block"]) != {"all"}]
    rows = [[_cell(table.columns[name][i], form) for name, _, form in shown] for i in range(len(table))]
    right = [i for i, (_, _, form) in enumerate(shown) if form]
    for line in plain_table([title for _, title, _ in shown], rows, right):
        output.result(line)


def _cell(value: Any, form: str) -> str:
    return format(value, form) if form else str(value).replace("_", " ")
