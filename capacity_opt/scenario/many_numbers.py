"""A long column of plain numbers at once: the same answer as cell by cell, or none where any cell is not plain."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_PLAIN = r"^[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$"


def many_numbers(raw: list[str], rule: str, *, whole: bool) -> Array | None:
    """``raw`` as float64 where every cell is a plainly written number that keeps ``rule``, else ``None``.

    >>> many_numbers(["1", "2.5", "-3e2"], "any", whole=False)
    array([   1. ,    2.5, -300. ])
    >>> many_numbers(["1", "1,234"], "any", whole=False) is None
    True
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    cells = pa.array(raw, pa.string())
    if not pc.all(pc.match_substring_regex(cells, _PLAIN)).as_py():
        return None
    values: Array = pc.cast(cells, pa.float64()).to_numpy(zero_copy_only=False)
    fine = bool(np.all(np.isfinite(values))) and keeps(values, rule)
    return values if fine and not (whole and bool(np.any(values != np.floor(values)))) else None


def keeps(values: Array, rule: str) -> bool:
    """Whether all values keep a column's rule.

    >>> keeps(np.array([0.0, 0.5]), "share"), keeps(np.array([0.0, 0.5]), "fraction")
    (True, False)
    """
    return {
        "any": True,
        "non_negative": bool(np.all(values >= 0)),
        "positive": bool(np.all(values > 0)),
        "share": bool(np.all((values >= 0) & (values <= 1))),
        "fraction": bool(np.all((values > 0) & (values < 1))),
        "fraction_or_one": bool(np.all((values > 0) & (values <= 1))),
    }[rule]
