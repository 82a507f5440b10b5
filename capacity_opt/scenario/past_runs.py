"""Finished runs on the disk: listed, found by name, read back."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from capacity_opt.errors import RunFolderError
from capacity_opt.scenario.problems import did_you_mean
from capacity_opt.scenario.run_folder import PARTIAL, REQUEST, TIMING

_RECENT = re.compile(r"(?:latest|last)(?:~(\d+))?|(previous)")


@dataclass(frozen=True)
class PastRun:
    """One finished run."""

    folder: Path

    @cached_property
    def manifest(self) -> Mapping[str, Any]:
        """The manifest."""
        return _read_json(self.folder / "manifest.json")

    @cached_property
    def timing(self) -> Mapping[str, Any]:
        """When it was made and how long each step took; empty where the file is gone."""
        path = self.folder / TIMING
        return _read_json(path) if path.exists() else {}

    def table(self, name: str) -> dict[str, list[Any]]:
        """A result table as columns; empty where the step did not run."""
        import pyarrow.parquet as pq

        path = self.folder / "results" / f"{name}.parquet"
        if not path.exists():
            return {}
        try:
            columns: dict[str, list[Any]] = pq.read_table(path).to_pydict()
        except (OSError, ValueError) as error:
            raise RunFolderError(f"{path} cannot be read: {error}. Run the scenario again") from error
        return columns

    def rows(self, name: str) -> list[dict[str, Any]]:
        """A result table as rows."""
        columns = self.table(name)
        return [dict(zip(columns, row)) for row in zip(*columns.values())]


def _read_json(path: Path) -> Mapping[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunFolderError(f"{path} cannot be read: {error}. Run the scenario again") from error
    if not isinstance(value, dict):
        raise RunFolderError(f"{path} is not the manifest of a run. Run the scenario again")
    return value


def past_runs(out: Path) -> list[PastRun]:
    """Finished runs under ``out``, the oldest first."""
    if not out.is_dir():
        return []
    found = [entry for entry in out.iterdir() if not entry.name.startswith(".") and (entry / "manifest.json").is_file()]
    return [PastRun(folder) for folder in sorted(found, key=lambda folder: folder.name)]


def find_run(name: str, out: Path) -> PastRun:
    """A run by its folder, its name under ``out``, the beginning or the end (the hash) of its name, ``latest``,
    ``previous`` (the one before) or ``latest~2`` (two before)."""
    if (Path(name) / "manifest.json").is_file():
        return PastRun(Path(name))
    runs = past_runs(out)
    recent = _RECENT.fullmatch(name)
    if recent and runs:
        back = 1 if recent[2] else int(recent[1] or 0)
        if back < len(runs):
            return runs[-1 - back]
        raise RunFolderError(f"no run {name!r} in {out}: there {_are(len(runs))}. See capacity-opt list")
    for match in (str.__eq__, str.startswith, str.endswith):
        found = [run for run in runs if match(run.folder.name, name)]
        if len(found) == 1:
            return found[0]
        if len(found) > 1:
            raise RunFolderError(
                f"{len(found)} runs in {out} match {name!r}. Write more of the name; see capacity-opt list"
            )
    known = [run.folder.name for run in runs]
    raise RunFolderError(f"no run {name!r} in {out}. {did_you_mean(name, known) or 'Make one with capacity-opt run'}")


def _are(count: int) -> str:
    return "is one run only" if count == 1 else f"are {count} runs only"


@dataclass(frozen=True)
class UnfinishedRun:
    """A run that was killed: what was asked for, and the folder it left."""

    folder: Path
    request: Mapping[str, Any]


def unfinished_runs(out: Path) -> Iterator[UnfinishedRun]:
    """Runs under ``out`` whose process is gone, the oldest first."""
    if not out.is_dir():
        return
    for folder in sorted(out.glob(f"{PARTIAL}*")):
        path = folder / REQUEST
        if not path.is_file():
            continue
        try:
            request = _read_json(path)
        except RunFolderError:
            continue
        if not _alive(request.get("process")):
            yield UnfinishedRun(folder, request)


def _alive(process: object) -> bool:
    if not isinstance(process, int) or process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
