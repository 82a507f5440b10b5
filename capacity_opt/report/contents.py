"""What a run folder holds, read once for every report: the manifest and the tidy tables of ``results/``.

Reports are made from a run folder alone, never from values in memory, so an old run can be reported again.
``timing.json`` is not read: whatever may differ between two equal runs must not reach a report.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from capacity_opt.errors import RunFolderError

# Millions of lines, which the report does not list: table "inventory" has those that matter most.
UNREAD = "inventory_all"


@dataclass(frozen=True, kw_only=True)
class RunContents:
    """One run folder in memory. ``tables`` has the tables whose step ran, by name; ``resolved`` is the text of
    ``resolved.toml`` (empty where absent)."""

    folder: Path
    manifest: Mapping[str, Any]
    tables: Mapping[str, pd.DataFrame]
    resolved: str = ""

    def table(self, name: str) -> pd.DataFrame:
        """A table, empty where its step did not run."""
        return self.tables.get(name, pd.DataFrame())

    def has(self, name: str) -> bool:
        """Whether the table is there and has rows."""
        return not self.table(name).empty

    @property
    def currency(self) -> str:
        """ISO code of the run's money; empty where the run has no cost table and the manifest does not say."""
        cost = self.table("cost")
        if "BillingCurrency" in cost and len(cost):
            return str(cost["BillingCurrency"].iloc[0])
        return str(self.manifest.get("currency", ""))


def read_run(folder: str | Path) -> RunContents:
    """Read a run folder; raises :class:`~capacity_opt.errors.RunFolderError` where it is not one.

    >>> read_run("no-such-run")
    Traceback (most recent call last):
    ...
    capacity_opt.errors.RunFolderError: no-such-run has no manifest.json: it is not a finished run. ...
    """
    folder = Path(folder)
    path = folder / "manifest.json"
    if not path.is_file():
        raise RunFolderError(
            f"{folder} has no manifest.json: it is not a finished run. See the finished ones with: capacity-opt list"
        )
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        files = [file for file in sorted((folder / "results").glob("*.parquet")) if file.stem != UNREAD]
        tables = {file.stem: pd.read_parquet(file) for file in files}
    except (OSError, ValueError) as error:
        raise RunFolderError(f"{folder} cannot be read: {error}. Run the scenario again.") from error
    resolved = folder / "resolved.toml"
    text = resolved.read_text(encoding="utf-8") if resolved.is_file() else ""
    return RunContents(folder=folder, manifest=manifest, tables=tables, resolved=text)
