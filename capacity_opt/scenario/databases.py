"""Tables and queries of databases as rows of text: SQLite and DuckDB files, and PostgreSQL.

``file = "plan.sqlite#demand"``, ``file = "plan.duckdb#SELECT item, qty AS value FROM sales"``, ``file =
"postgres#SELECT ..."``. Everything is opened for reading only. Where PostgreSQL is and who asks comes from its own
environment variables (PGHOST, PGDATABASE, PGUSER, PGPASSFILE, ...), never from a scenario.
"""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from capacity_opt.scenario.foreign_tables import Rows, as_text
from capacity_opt.scenario.problems import Problems, did_you_mean, shown

SQLITE = (".sqlite", ".sqlite3", ".db")
DUCKDB = (".duckdb",)
DATABASES = (*SQLITE, *DUCKDB)
POSTGRES = "postgres"
CHUNK = 10_000

Ask = Callable[[str], tuple[Sequence[str], Iterable[Sequence[Any]]]]


class Unanswered(Exception):
    """A database refused a question; the message is its own."""


def database_rows(path: Path, name: str, problems: Problems) -> Rows | None:
    """The answer to the query after ``#`` (a table's name asks for all of it), the column names as row 1."""
    try:
        with closing(_sqlite(path) if path.suffix.lower() in SQLITE else _duckdb(path)) as database:
            return _answer(database.tables, database.ask, name, problems)
    except Unanswered as error:
        problems.error("E235", name, f"cannot be asked: {error}", fix="Check the query and the file")
        return None


def _answer(tables: Sequence[str], ask: Ask, name: str, problems: Problems) -> Rows | None:
    asked = name.partition("#")[2].strip()
    if not asked or (asked not in tables and not _is_query(asked)):
        rule = f"has no table {shown(asked)}" if asked else "needs a table or a query after #"
        problems.error("E236", name, rule, fix=did_you_mean(asked, tables))
        return None
    quoted = '"' + asked.replace('"', '""') + '"'
    header, answer = ask(f"SELECT * FROM {quoted}" if asked in tables else asked)
    rows = ([as_text(value) for value in row] for row in answer)
    return [
        (1, list(header)),
        *((number, row) for number, row in enumerate(rows, start=2) if any(map(str.strip, row))),
    ]


def _is_query(text: str) -> bool:
    return text.casefold().startswith(("select", "with", "from"))


class _sqlite:
    """An SQLite file, opened for reading."""

    def __init__(self, path: Path) -> None:
        self.database = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        found = self._rows("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")[1]
        self.tables = [str(row[0]) for row in found]

    def _rows(self, sql: str) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        try:
            answer = self.database.execute(sql)
            return [column[0] for column in answer.description or ()], answer.fetchall()
        except sqlite3.Error as error:
            self.database.close()
            raise Unanswered(str(error)) from None

    def ask(self, sql: str) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        """Column names and rows."""
        return self._rows(sql)

    def close(self) -> None:
        """Close the file."""
        self.database.close()


class _duckdb:
    """A DuckDB file, opened for reading; its queries can reach no other file."""

    def __init__(self, path: Path) -> None:
        import duckdb

        self.error = duckdb.Error
        try:
            self.database = duckdb.connect(str(path), read_only=True)
            self.database.execute("SET enable_external_access = false")
            found = self.database.execute("SELECT table_name FROM information_schema.tables ORDER BY 1").fetchall()
        except duckdb.Error as error:
            raise Unanswered(str(error).splitlines()[0]) from None
        self.tables = [str(row[0]) for row in found]

    def ask(self, sql: str) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        """Column names and rows."""
        try:
            answer = self.database.execute(sql)
            return [column[0] for column in answer.description or ()], answer.fetchall()
        except self.error as error:
            raise Unanswered(str(error).splitlines()[0]) from None

    def close(self) -> None:
        """Close the file."""
        self.database.close()


def fetch_postgres(name: str, target: Path, problems: Problems) -> bool:
    """Write the answer of ``postgres#QUERY`` to ``target`` as CSV, a chunk at a time; whether it could be had."""
    query = name.partition("#")[2].strip()
    if not query:
        problems.error("E236", name, "needs a query after #", fix='For example "postgres#SELECT * FROM demand"')
        return False
    try:
        import psycopg
    except ImportError:
        problems.error("E235", name, "needs psycopg to be read", fix="pip install 'capacity-opt[sql]'")
        return False
    asked = query if _is_query(query) else f"SELECT * FROM {query}"
    try:
        with psycopg.connect() as connection:
            connection.read_only = True
            with connection.cursor("capacity_opt") as cursor:
                cursor.itersize = CHUNK
                cursor.execute(asked.encode())
                _write_csv(target, cursor)
    except psycopg.Error as error:
        told = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        fix = "Check the query, and PGHOST, PGDATABASE and PGUSER in the environment"
        problems.error("E235", name, f"cannot be asked: {told}", fix=fix)
        return False
    return True


def _write_csv(target: Path, cursor: Any) -> None:
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([column.name for column in cursor.description])
        for row in cursor:
            writer.writerow([as_text(value) for value in row])
