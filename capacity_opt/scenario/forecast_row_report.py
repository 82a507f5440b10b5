"""Every row of an external forecast that has a fault, in a table: the door itself tells ten of each kind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from capacity_opt.errors import RunFolderError
from capacity_opt.scenario.calendar_periods import calendar_of
from capacity_opt.scenario.external_forecast import numbered_rows
from capacity_opt.scenario.forecast_cells import ROW
from capacity_opt.scenario.forecast_rows import read_rows
from capacity_opt.scenario.problems import Problems

FAULTS = (
    "not finite",
    "crossing, sorted",
    "same at every level",
    "below 0",
    "origin not before its period",
    "unknown id",
)


def write_row_report(
    path: str | Path,
    out: str | Path,
    *,
    period: str = "step",
    time_zone: str = "UTC",
    model: str | None = None,
    ids: Sequence[str] | None = None,
) -> dict[str, int]:
    """Write ``row, unique_id, ds, fault`` of every faulty row of the forecast ``path`` as CSV; how many of each fault.

    Raises :class:`~capacity_opt.ScenarioError` where the file cannot be read as a forecast at all.
    """
    import pandas as pd

    problems, source = Problems(), Path(path)
    frame = read_rows(source, problems, model=model)
    problems.raise_if_any()
    levels = sorted(name for name in frame.columns if isinstance(name, float))
    frame, _ = numbered_rows(frame, calendar_of(period, time_zone), source.name, problems)
    problems.raise_if_any()
    values = frame[levels].to_numpy(dtype=float, na_value=np.nan)
    finite = np.isfinite(values).all(axis=1)
    with np.errstate(invalid="ignore"):
        masks = (
            ~finite,
            (np.diff(values, axis=1) < 0).any(axis=1),
            finite & (values[:, 0] == values[:, -1]) & (values[:, 0] > 0),
            (values < 0).any(axis=1),
            (frame["told"] & (frame["origin"] >= frame["period"])).to_numpy(),
            np.zeros(len(frame), dtype=bool)
            if ids is None
            else ~frame["unique_id"].isin([str(name) for name in ids]).to_numpy(),
        )
    told = [frame.loc[mask, [ROW, "unique_id", "ds"]].assign(fault=name) for name, mask in zip(FAULTS, masks)]
    table = pd.concat(told).rename(columns={ROW: "row"}).sort_values(["row", "fault"], kind="stable")
    try:
        Path(out).parent.mkdir(parents=True, exist_ok=True)
        table.to_csv(out, index=False)
    except OSError as error:
        raise RunFolderError(f"{out}: {error.strerror or error}. Nothing was changed") from error
    return {name: int(mask.sum()) for name, mask in zip(FAULTS, masks) if mask.any()}
