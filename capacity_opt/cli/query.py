"""``capacity-opt query``."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import click

from capacity_opt.cli.options import OUT
from capacity_opt.cli.output import Output, common, plain_table
from capacity_opt.errors import ArgumentError


@click.command("query", short_help="Ask past runs in SQL.")
@click.argument("sql", required=False)
@OUT
@common
def command(sql: str | None, out: Path, as_json: bool, quiet: bool, verbose: int) -> int:
    """Ask the runs under --out in SQL (SQLite's). Every result table has the rows of all runs and a column "run"; the
    table "runs" has a row per run. Without SQL the tables and their columns are listed.

    \b
    Examples:
      capacity-opt query
      capacity-opt query "SELECT run, sum(EffectiveCost) AS cost FROM cost GROUP BY run ORDER BY cost"
    """
    from capacity_opt.scenario.run_database import open_runs

    output = Output(as_json, quiet, verbose)
    with open_runs(out) as database:
        asked = sql or "SELECT name AS 'table', sql AS columns FROM sqlite_master ORDER BY name"
        try:
            answer = database.execute(asked)
            rows = answer.fetchall()
        except sqlite3.Error as error:
            raise ArgumentError(
                f"the query cannot be answered: {error}. See the tables with: capacity-opt query"
            ) from None
    columns = [column[0] for column in answer.description or ()]
    if as_json:
        output.json({"columns": columns, "rows": [list(row) for row in rows]})
    else:
        numeric = [i for i in range(len(columns)) if all(isinstance(row[i], int | float | None) for row in rows)]
        for line in plain_table(columns, [["" if v is None else str(v) for v in row] for row in rows], numeric):
            output.result(line)
    return 0
