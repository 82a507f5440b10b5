"""Which arithmetic updates records: compiled where numba is, whole arrays elsewhere. Both give the same bits."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import ArgumentError
from capacity_opt.forecast.stream import twin
from capacity_opt.forecast.stream.layout import Floats, Rules, StreamSettings, gains, rules

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
ENGINES = ("auto", "compiled", "numpy")


@cache
def tables(settings: StreamSettings) -> tuple[Floats, Rules]:
    """The gains and rules of ``settings``, made once."""
    return gains(settings), rules(settings)


def compiled(engine: str) -> bool:
    """Whether ``engine`` means the compiled kernel here."""
    if engine not in ENGINES:
        raise ArgumentError(f"engine must be one of {', '.join(ENGINES)}, got {engine!r}")
    there = find_spec("numba") is not None
    if engine == "compiled" and not there:
        raise ArgumentError("engine 'compiled' needs numba: pip install numba, or use engine='numpy'")
    return there and engine != "numpy"


def take_all(
    f: Floats, y: Floats, in_stock: BoolArray, period: int, settings: StreamSettings, told: IntArray, engine: str
) -> None:
    """One period of all series into records ``f``."""
    g, r = tables(settings)
    if compiled(engine):
        from capacity_opt.forecast.stream import kernel

        kernel.take_all(f, f.view(np.int32), y, in_stock, period, settings.season_length, g, r, told)
    else:
        twin.take_all(f, y, in_stock, period, settings.season_length, g, r, told)


def take_some(
    f: Floats,
    rows: IntArray,
    y: Floats,
    in_stock: BoolArray,
    periods: IntArray,
    settings: StreamSettings,
    told: IntArray,
    engine: str,
) -> None:
    """Single observations, sorted by row and then period."""
    g, r = tables(settings)
    if compiled(engine):
        from capacity_opt.forecast.stream import kernel

        kernel.take_some(f, f.view(np.int32), rows, y, in_stock, periods, settings.season_length, g, r, told)
    else:
        twin.take_some(f, rows, y, in_stock, periods, settings.season_length, g, r, told)


def fold(
    f: Floats,
    y: Floats,
    ends: IntArray,
    first: IntArray,
    in_stock: BoolArray,
    settings: StreamSettings,
    told: IntArray,
    engine: str,
) -> NDArray[np.float64]:
    """Whole histories into records; the mean absolute one-step error of each series, NaN where too short."""
    g, r = tables(settings)
    lost = np.full(len(f), np.nan)
    if compiled(engine):
        from capacity_opt.forecast.stream import kernel

        kernel.fold(f, f.view(np.int32), y, ends, first, in_stock, settings.season_length, g, r, told, lost)
    else:
        twin.fold(f, y, ends, first, in_stock, settings.season_length, g, r, told, lost)
    return lost
