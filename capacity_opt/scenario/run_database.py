"""All past runs as one database in memory, to be asked in SQL. Nothing it is asked can change a run."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from capacity_opt.errors import RunFolderError
from capacity_opt.scenario.past_runs import PastRun, past_runs

FACTS = ("name", "variant", "status", "objective", "bound", "gap", "currency", "promises_kept", "seed", "answer")


@contextmanager
def open_runs(out: Path) -> Iterator[sqlite3.Connection]:
    """A database with a table per result table (column ``run`` first) and the table ``runs``."""
    found = past_runs(out)
    if not found:
        raise RunFolderError(f"no runs in {out}. Make one with capacity-opt run SCENARIO")
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute(f"CREATE TABLE runs (run, started, seconds, {', '.join(FACTS)})")
        for run in found:
            facts = [run.folder.name, run.timing.get("started"), run.timing.get("seconds")]
            facts += [run.manifest.get(name) for name in FACTS]
            database.execute(f"INSERT INTO runs VALUES ({', '.join('?' * len(facts))})", facts)
            for path in sorted((run.folder / "results").glob("*.parquet")):
                _add(database, run, path.stem)
        database.commit()
        database.execute("PRAGMA query_only = ON")
        yield database


def _add(database: sqlite3.Connection, run: PastRun, name: str) -> None:
    columns: dict[str, list[Any]] = {"run": [], **run.table(name)}
    columns["run"] = [run.folder.name] * max((len(values) for values in columns.values()), default=0)
    there = [row[1] for row in database.execute(f"PRAGMA table_info({_quoted(name)})")]
    if not there:
        database.execute(f"CREATE TABLE {_quoted(name)} ({', '.join(map(_quoted, columns))})")
        there = list(columns)
    for column in columns:
        if column not in there:
            database.execute(f"ALTER TABLE {_quoted(name)} ADD COLUMN {_quoted(column)}")
    marks = ", ".join("?" * len(columns))
    database.executemany(
        f"INSERT INTO {_quoted(name)} ({', '.join(map(_quoted, columns))}) VALUES ({marks})", zip(*columns.values())
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
