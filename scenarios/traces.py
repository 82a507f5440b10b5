"""What the builders of scenarios share: raw files, traces by hour of the day, quantiles of a mixture of traced days.

The raw files are looked for in the folder named by CAPACITY_OPT_DATA (default ../shared/data beside the checkout). They
are not part of the project; only figures derived from them are.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import special

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("CAPACITY_OPT_DATA", HERE.parents[1] / "shared" / "data")) / "fleet"
LEVELS = (0.05, 0.25, 0.50, 0.75, 0.95, 0.99)
HOURS_PER_MONTH = 730.0


@cache
def raw(name: str) -> pd.DataFrame:
    """One raw file, or a clear end where it is absent."""
    path = DATA / name
    if not path.exists():
        sys.exit(f"{path} is absent: set CAPACITY_OPT_DATA to the folder that holds fleet/{name}")
    return pd.read_csv(path)


def by_hour(seconds: pd.Series, values: pd.Series) -> np.ndarray:
    """A trace as (days, 24) hourly means over its overall mean; incomplete days are left out."""
    hourly = values.groupby(seconds // 3600).mean()
    hourly = hourly.reindex(range(int(hourly.index.min()), int(hourly.index.max()) + 1)).interpolate()
    days = len(hourly) // 24
    table = hourly.to_numpy()[: days * 24].reshape(days, 24)
    return table / table.mean()


def quantile_of_mixture(points: np.ndarray, error: float, level: float) -> float:
    """Quantile of (a traced value, each as likely) x (lognormal error with median 1), by bisection on its CDF."""
    logs = np.log(points)
    low, high = logs.min() - 6 * error, logs.max() + 6 * error
    for _ in range(60):
        middle = (low + high) / 2
        if special.ndtr((middle - logs) / error).mean() < level:
            low = middle
        else:
            high = middle
    return math.exp((low + high) / 2)


def quantile_cells(values: Sequence[float], digits: int = 1) -> dict[str, float]:
    """Column name -> value for the levels."""
    return {f"p{round(level * 100)}": round(value, digits) for level, value in zip(LEVELS, values, strict=True)}


def month(start: str, number: int) -> str:
    """First day of a month, ``number`` months after ``start`` (YYYY-MM-01)."""
    year, of_year = divmod(int(start[5:7]) - 1 + number, 12)
    return f"{int(start[:4]) + year}-{of_year + 1:02d}-01"


def write(folder: Path, name: str, tables: dict[str, pd.DataFrame], assumptions: Sequence[str]) -> None:
    """Write every table and the assumptions of SOURCES.md; its first part and scenario.toml are written by hand."""
    folder.mkdir(parents=True, exist_ok=True)
    for file, table in tables.items():
        table.to_csv(folder / file, index=False, lineterminator="\n")
    written = (HERE / name / "SOURCES.md").read_text(encoding="utf-8").split("## Assumptions")[0]
    lines = ["## Assumptions", "", "No public figure was found for these; change them to your own.", ""]
    text = "\n".join([*lines, *(f"* {line}" for line in assumptions)]) + "\n"
    (folder / "SOURCES.md").write_text(written + text, encoding="utf-8")
