"""Small amounts as people write them: gaps as percentages, times with a unit."""

from __future__ import annotations

import re

_SECONDS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def gap_of(value: object) -> object:
    """``"0.1%"`` as 0.001; other values unchanged (whole numbers as floats).

    >>> gap_of("0.1%"), gap_of(0.01)
    (0.001, 0.01)
    """
    if isinstance(value, str):
        found = re.fullmatch(r"\s*(\d*\.?\d+(?:[eE][+-]?\d+)?)\s*(%?)\s*", value)
        if not found:
            raise ValueError('must be a share like 0.001 or a percentage like "0.1%"')
        return float(found[1]) / (100 if found[2] else 1)
    return _float(value)


def seconds_of(value: object) -> object:
    """``"5m"`` as 300; other values unchanged (whole numbers as floats).

    >>> seconds_of("5m"), seconds_of("1.5h"), seconds_of(20)
    (300.0, 5400.0, 20.0)
    """
    if isinstance(value, str):
        found = re.fullmatch(r"\s*(\d*\.?\d+)\s*(s|m|min|h)?\s*", value)
        if not found:
            raise ValueError('must be seconds or text like "90s", "5m", "1h"')
        return float(found[1]) * _SECONDS[found[2] or "s"]
    return _float(value)


def _float(value: object) -> object:
    if not isinstance(value, int) or isinstance(value, bool):
        return value
    try:
        return float(value)
    except OverflowError:
        raise ValueError("is too large for a number") from None
