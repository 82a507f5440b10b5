"""Cells of a forecast made elsewhere: numbers, levels, moments and ids, every fault with its row and column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from capacity_opt.scenario.problems import Problems, shown
from capacity_opt.scenario.quantile_columns import level_of

ROW = "_row"
MOST_SHOWN = 10
# names of periods as older pandas and GluonTS write them
OLD_NAMES = {"H": "h", "T": "min", "S": "s", "A": "Y", "MS": "M", "ME": "M", "QS": "Q", "QE": "Q", "YS": "Y",
             "YE": "Y", "AS": "Y"}  # fmt: skip


def numbers_of(frame: Any, columns: Sequence[str], file: str, problems: Problems) -> Any:
    """``frame`` with its ``columns`` as numbers, blank cells as NaN; ``None`` and faults noted where there is text."""
    import pandas as pd

    frame, whole = frame.copy(), True
    for name in columns:
        read = pd.to_numeric(frame[name], errors="coerce").astype(float)
        text = read.isna() & frame[name].notna() & (frame[name].astype(str).str.strip().str.casefold() != "nan")
        for place in np.flatnonzero(text)[:MOST_SHOWN]:
            problems.error("E205", file, f"is not a number ({int(text.sum())} such cells)", column=str(name),
                           value=shown(str(frame[name].iloc[place])), row=int(frame[ROW].iloc[place]),
                           fix="Write it with a decimal point and no thousands separator")  # fmt: skip
        frame[name] = read
        whole = whole and not text.any()
    return frame if whole else None


def levels_of(frame: Any, column: str, file: str, problems: Problems) -> Any:
    """``frame`` with a long table's ``column`` of levels as numbers in (0, 1): ``0.9``, ``p90``, ``median``.

    Rows of a ``mean``, which some tools put between the quantiles, are left out.
    """
    frame = frame[frame[column].astype(str).str.casefold() != "mean"].copy()
    known = {text: _level(text) for text in frame[column].astype(str).unique()}
    read = frame[column].astype(str).map(known).astype(float)
    for place in np.flatnonzero(read.isna())[:MOST_SHOWN]:
        problems.error("E201", file, "a quantile's level must be between 0 and 1", column=column,
                       value=shown(str(frame[column].iloc[place])), row=int(frame[ROW].iloc[place]),
                       fix="Write the 90 % quantile as 0.9 or p90")  # fmt: skip
    frame[column] = read
    return frame


def _level(text: str) -> float | None:
    try:
        value: float | None = float(text)
    except ValueError:
        value = level_of(text)
    return value if value is not None and 0 < value < 1 else None


def ids_of(frame: Any, file: str, problems: Problems) -> Any:
    """``frame`` with its ids as text; blank ones are faults."""
    blank = frame["unique_id"].isna() | (frame["unique_id"].astype(str).str.strip() == "")
    for place in np.flatnonzero(blank)[:MOST_SHOWN]:
        problems.error("E215", file, f"is blank ({int(blank.sum())} such rows)", row=int(frame[ROW].iloc[place]),
                       column="unique_id", fix="Write the id of the series")  # fmt: skip
    return frame.assign(unique_id=frame["unique_id"].astype(str))


def moments_of(frame: Any, name: str, time_zone: str, file: str, problems: Problems) -> Any:
    """(k,) a column of dates or times as moments on the calendar of ``time_zone``; ``None`` with faults noted."""
    import pandas as pd

    column = frame[name]
    if isinstance(column.dtype, pd.DatetimeTZDtype) or column.dtype.kind == "M":
        parsed = column
    else:
        texts = column.astype(str)
        aware = bool(texts.str.contains(r"(?:Z|[+-]\d\d:?\d\d)$", regex=True).any())
        parsed = pd.to_datetime(texts, format="ISO8601", errors="coerce", utc=aware)
    for place in np.flatnonzero(parsed.isna())[:MOST_SHOWN]:
        problems.error("E228", file, f"is not a date or time ({int(parsed.isna().sum())} such rows)", column=name,
                       value=shown("" if column.isna().iloc[place] else str(column.iloc[place])),
                       row=int(frame[ROW].iloc[place]),
                       fix="Write ISO dates: 2027-01-31 or 2027-01-31T13:00")  # fmt: skip
    if parsed.isna().any():
        return None
    if getattr(parsed.dt, "tz", None) is not None:
        parsed = parsed.dt.tz_convert(time_zone).dt.tz_localize(None)
    return parsed.to_numpy().astype("datetime64[us]")


def period_starts_of(start: str, length: int, freq: str) -> Any:
    """When the periods of one series begin, from its first and their length in pandas' or GluonTS's words."""
    import pandas as pd

    count = freq.rstrip("-ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
    unit, dash, anchor = freq[len(count) :].partition("-")
    told = f"{count}{OLD_NAMES.get(unit, unit)}{dash}{anchor}"
    moment = pd.Timestamp(start)
    made = pd.period_range(moment.tz_localize(None), periods=length, freq=told).start_time
    return made if moment.tz is None else made.tz_localize(moment.tz)
