"""What may become of an observation; the update counts each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

USED, MISSING, LATE, REPEATED, TOO_LATE, CENSORED = range(6)
NAMES = ("used", "missing", "late", "repeated", "too_late", "censored")
REMEMBERED = 32
"""Periods for which the record remembers which of them it has seen."""


def counters() -> NDArray[np.int64]:
    """Zero of every outcome."""
    return np.zeros(len(NAMES), dtype=np.int64)
