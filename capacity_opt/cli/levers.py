"""``capacity-opt levers``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import click

from capacity_opt.cli.asked import Asked, about_scenario
from capacity_opt.cli.output import Output, plain_table
from capacity_opt.errors import ArgumentError

if TYPE_CHECKING:
    from capacity_opt.scenario.run_folder import Table


@click.command("levers", short_help="What would raise utilization, and its worth.")
@about_scenario
def command(asked: Asked) -> int:
    """Solve SCENARIO again with one lever of utilization after the other, at equal availability of every class.

    Each lever: what it takes off the cost at its place, alone, and last of all; purchases avoided once and what recurs;
    how long growth takes to absorb the servers it frees. [levers] says how far each is pulled.

    \b
    Examples:
      capacity-opt levers my-plan
      capacity-opt levers my-plan --set levers.overcommit.vcpu=1.2 --set levers.forecast_error=0.1
    """
    from capacity_opt.scenario.lever_tables import lever_answer, lever_tables
    from capacity_opt.scenario.studies import LIMIT, levers_study

    read, output = asked.scenario, asked.output
    if read.fleet is None:
        raise ArgumentError("levers needs a scenario with [fleet]")
    with output.progress() as tell:
        study = levers_study(read, time_limit=asked.time_limit or LIMIT, tell=tell)
    tables, answer = lever_tables(study, read.fleet), lever_answer(study, read.currency)
    if output.as_json:
        output.json({"answer": answer, "growth": study.growth, "tables": {n: t.columns for n, t in tables.items()}})
        return 0
    _tell(tables["levers"], read.currency, output)
    output.result("")
    _tell_curve(tables["levers_curve"], output)
    output.result("")
    output.result(answer[:1].upper() + answer[1:] + ".")
    return 0


def _tell(table: Table, currency: str, output: Output) -> None:
    headers = (
        "lever", f"cost {currency}", "alone", "last", "once", "a year", "servers freed", "kW", "utilization",
        "absorbed in days", "what it does",
    )  # fmt: skip
    names = ("EffectiveCost", "first_in", "last_in", "avoided_purchases", "recurring_per_year", "servers", "power_kw")
    rows = []
    for i, lever in enumerate(table.columns["lever"]):
        signs = ["+" if name == "EffectiveCost" and 0 < i < len(table) - 1 else "" for name in names]
        forms = [",.1f" if name in ("servers", "power_kw") else ",.0f" for name in names]
        numbers = [_number(float(table.columns[n][i]), s + f) for n, s, f in zip(names, signs, forms, strict=True)]
        used, days = float(table.columns["utilization"][i]), float(table.columns["absorbed_in_days"][i])
        told = "never" if math.isinf(days) else f"{days:,.0f}"
        rows.append([str(lever).replace("_", " "), *numbers, f"{used:.1%}", told, str(table.columns["what"][i])])
    for line in plain_table(headers, rows, range(1, 10)):
        output.result(line)


def _tell_curve(table: Table, output: Output) -> None:
    rows = [
        [
            str(table.columns["levers"][i]),
            f"{table.columns['availability'][i]:.4%}",
            f"{table.columns['utilization'][i]:.1%}",
            _number(float(table.columns["EffectiveCost"][i]), ",.0f"),
            _number(float(table.columns["free_cash_flow"][i]), ",.0f"),
            "today" if table.columns["today"][i] else "",
        ]
        for i in range(len(table))
    ]
    headers = ("levers", "availability", "utilization", "cost", "free cash flow", "")
    for line in plain_table(headers, rows, (1, 2, 3, 4)):
        output.result(line)


def _number(value: float, form: str) -> str:
    return "-" if math.isnan(value) else format(round(value, 1) + 0.0, form)
