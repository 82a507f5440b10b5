"""Which columns of a table are quantiles, and of which level, in the styles that forecasting tools write."""

from __future__ import annotations

import re
from collections.abc import Iterable

_NUMBER = r"(\d+(?:\.\d+)?)"
_PERCENT = re.compile(rf"[pP]{_NUMBER}|.+-q-{_NUMBER}")
_PLAIN = re.compile(r"0?\.\d+|0|1|1\.0+")
_Q = re.compile(rf"[qQ]_?{_NUMBER}")
_INTERVAL = re.compile(rf"(?:(?P<model>.+)-)?(?P<side>lo|hi)-{_NUMBER}")


def level_of(name: str) -> float | None:
    """The level a column's name stands for, ``None`` where it is no quantile column; 0 and 1 come back as they are.

    >>> [level_of(name) for name in ("p90", "0.5", "q0.99", "q5", "AutoETS-hi-90", "Theta-q-10", "median", "price")]
    [0.9, 0.5, 0.99, 0.05, 0.95, 0.1, 0.5, None]
    """
    if name.casefold() == "median":
        return 0.5
    if percent := _PERCENT.fullmatch(name):
        return _rounded(float(percent[1] or percent[2]) / 100)
    if _PLAIN.fullmatch(name):
        return float(name)
    if q := _Q.fullmatch(name):
        value = float(q[1])
        return _rounded(value if value < 1 and "." in q[1] else value / 100)
    if interval := _INTERVAL.fullmatch(name):
        half = float(interval[3]) / 200
        return _rounded(0.5 - half if interval["side"] == "lo" else 0.5 + half)
    return None


def model_of(name: str) -> str | None:
    """The model that a quantile column names, ``None`` where it names none.

    >>> [model_of(name) for name in ("AutoETS-hi-90", "Theta-q-10", "lo-90", "p10")]
    ['AutoETS', 'Theta', None, None]
    """
    if interval := _INTERVAL.fullmatch(name):
        return interval["model"]
    return name.rpartition("-q-")[0] or None


def point_forecasts(names: Iterable[str]) -> set[str]:
    """Columns that hold a point forecast beside quantiles (``mean``, or the model's own name): not read."""
    known = list(names)
    models = {found["model"] for name in known if (found := _INTERVAL.fullmatch(name)) and found["model"]}
    models |= {name.partition("-q-")[0] for name in known if "-q-" in name}
    return {name for name in known if name == "mean" or name in models}


def _rounded(level: float) -> float:
    return round(level, 12)
