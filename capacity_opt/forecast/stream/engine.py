"""Which arithmetic updates records: compiled where numba is, whole arrays elsewhere. Both give the same bits."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import ArgumentError
from capacity_opt.forecast.history import History
from capacity_opt.forecast.stream import twin
from capacity_opt.forecast.stream.layout import Floats, Rules, StreamSettings, gains, rules

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
_ALL_IN_STOCK = np.zeros(0, dtype=np.bool_)
_FOLDED = 8192
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


def _whole(f: Floats, settings: StreamSettings) -> None:
    """The kernel writes through a pointer, so records must lie in memory one after another and be ours to change."""
    if f.dtype != np.float32 or f.shape[1:] != (settings.width,) or not (f.flags.c_contiguous and f.flags.writeable):
        raise ArgumentError(
            f"records must be a writeable C-contiguous float32 array (n, {settings.width}), got {f.dtype} {f.shape}. "
            "Copy them: numpy.array(records, dtype=numpy.float32, order='C')"
        )


def take_all(
    f: Floats, y: Floats, in_stock: BoolArray, period: int, settings: StreamSettings, told: IntArray, engine: str
) -> None:
    """One period of all series into records ``f``; ``in_stock`` (0,) where all are."""
    g, r = tables(settings)
    _whole(f, settings)
    if compiled(engine):
        from capacity_opt.forecast.stream import kernel

        when = np.array([period], dtype=np.int64)
        stock = in_stock if len(in_stock) else None
        kernel.take(f, f.view(np.int32), None, y, stock, when, settings.season_length, g, r, told)
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
    """Single observations, sorted by row and then period; ``periods`` (1,) where they share one."""
    if not len(rows):
        return
    g, r = tables(settings)
    _whole(f, settings)
    if compiled(engine):
        from capacity_opt.forecast.stream import kernel

        stock = in_stock if len(in_stock) else np.ones(len(rows), dtype=np.bool_)
        kernel.take(f, f.view(np.int32), rows, y, stock, periods, settings.season_length, g, r, told)
    else:
        twin.take_some(f, rows, y, in_stock, periods, settings.season_length, g, r, told)


def fold(f: Floats, history: History, settings: StreamSettings, told: IntArray, engine: str) -> None:
    """Whole histories into the records of their series, a few thousand series at a time."""
    _whole(f, settings)
    values, stock = history.values.astype(np.float32), history.in_stock
    if compiled(engine):
        from capacity_opt.forecast.stream import kernel

        g, r = tables(settings)
        kernel.fold(
            f, f.view(np.int32), values, stock, history.offsets, history.first, settings.season_length, g, r, told
        )
        return
    for begin in range(0, history.count, _FOLDED):
        end = min(begin + _FOLDED, history.count)
        cells = slice(int(history.offsets[begin]), int(history.offsets[end]))
        lengths = history.lengths[begin:end]
        rows = np.repeat(np.arange(end - begin), lengths)
        periods = np.arange(cells.start, cells.stop) - np.repeat(
            history.offsets[begin:end] - history.first[begin:end], lengths
        )
        here = _ALL_IN_STOCK if stock is None else stock[cells]
        take_some(f[begin:end], rows, values[cells], here, periods, settings, told, engine)
