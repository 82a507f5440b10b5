"""All past runs as one database, asked in SQL (DuckDB's): views over the runs' own Parquet files, nothing copied."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from capacity_opt.errors import ArgumentError, RunFolderError
from capacity_opt.scenario.past_runs import PastRun, past_runs

if TYPE_CHECKING:
    import duckdb

FACTS = {
    "name": "VARCHAR", "variant": "VARCHAR", "status": "VARCHAR", "objective": "DOUBLE", "bound": "DOUBLE",
    "gap": "DOUBLE", "currency": "VARCHAR", "promises_kept": "BOOLEAN", "seed": "BIGINT", "answer": "VARCHAR",
}  # fmt: skip
CATALOGUE = (
    "SELECT table_name AS \"table\", string_agg(column_name, ', ' ORDER BY ordinal_position) AS columns "
    "FROM information_schema.columns GROUP BY table_name ORDER BY table_name"
)


@dataclass(frozen=True)
class RunDatabase:
    """The runs under a folder, to be asked."""

    connection: duckdb.DuckDBPyConnection

    def ask(self, sql: str = CATALOGUE) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Column names and rows of one SELECT; raises :class:`~capacity_opt.ArgumentError` on anything else."""
        import duckdb

        hint = "See the tables with: capacity-opt query"
        try:
            statements = duckdb.extract_statements(sql)
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                raise ArgumentError(f"the query cannot be answered: it must be one SELECT. {hint}")
            answer = self.connection.execute(statements[0])
            return [column[0] for column in answer.description or ()], answer.fetchall()
        except duckdb.Error as error:
            told = str(error).strip().splitlines()[0]
            raise ArgumentError(f"the query cannot be answered: {told}. {hint}") from None


@contextmanager
def open_runs(out: Path) -> Iterator[RunDatabase]:
    """A view per result table (column ``run`` first, all runs' rows) and the table ``runs``.

    Only SELECT is answered and no other file can be reached, so nothing that is asked can change a run.
    """
    import duckdb

    found = past_runs(out)
    if not found:
        raise RunFolderError(f"no runs in {out}. Make one with capacity-opt run SCENARIO")
    with closing(duckdb.connect(":memory:")) as connection:
        _runs(connection, found)
        for name, files in _results(found).items():
            listed = ", ".join(_text(str(file)) for file in files)
            connection.execute(
                f"CREATE VIEW {_quoted(name)} AS SELECT parse_path(filename)[-3] AS run, * EXCLUDE (filename) "
                f"FROM read_parquet([{listed}], union_by_name = true, filename = true)"
            )
        connection.execute(f"SET allowed_directories = [{', '.join(_text(str(run.folder)) for run in found)}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield RunDatabase(connection)


def _runs(connection: duckdb.DuckDBPyConnection, found: Sequence[PastRun]) -> None:
    columns = {"run": "VARCHAR", "started": "TIMESTAMPTZ", "seconds": "DOUBLE", **FACTS}
    connection.execute(f"CREATE TABLE runs ({', '.join(f'{name} {kind}' for name, kind in columns.items())})")
    rows = [
        [run.folder.name, run.timing.get("started"), run.timing.get("seconds"), *(run.manifest.get(n) for n in FACTS)]
        for run in found
    ]
    connection.executemany(f"INSERT INTO runs VALUES ({', '.join('?' * len(columns))})", rows)


def _results(found: Sequence[PastRun]) -> dict[str, list[Path]]:
    """Result files of all runs by the name of their table."""
    files: dict[str, list[Path]] = {}
    for run in found:
        for path in sorted((run.folder / "results").glob("*.parquet")):
            files.setdefault(path.stem, []).append(path)
    return dict(sorted(files.items()))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
