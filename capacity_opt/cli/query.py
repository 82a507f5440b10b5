"""``capacity-opt query``."""

from __future__ import annotations

from pathlib import Path

import click

from capacity_opt.cli.options import OUT
from capacity_opt.cli.output import Output, common, plain_table


@click.command("query", short_help="Ask past runs in SQL.")
@click.argument("sql", required=False)
@OUT
@common
def command(sql: str | None, out: Path, as_json: bool, quiet: bool, verbose: int) -> int:
    """Ask the runs under --out in SQL (DuckDB's). Every result table has the rows of all runs and a column "run"; the
    table "runs" has a row per run. Without SQL the tables and their columns are listed.

    \b
    Examples:
      capacity-opt query
      capacity-opt query "SELECT run, sum(EffectiveCost) AS cost FROM cost GROUP BY run ORDER BY cost"
    """
    from capacity_opt.scenario.run_database import CATALOGUE, open_runs

    output = Output(as_json, quiet, verbose)
    with open_runs(out) as database:
        columns, rows = database.ask(sql or CATALOGUE)
    if as_json:
        output.json({"columns": columns, "rows": [[_json(value) for value in row] for row in rows]})
    else:
        numeric = [i for i in range(len(columns)) if all(isinstance(row[i], int | float | None) for row in rows)]
        for line in plain_table(columns, [["" if v is None else str(v) for v in row] for row in rows], numeric):
            output.result(line)
    return 0


def _json(value: object) -> object:
    """A value as JSON has it; dates and decimals as text."""
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
