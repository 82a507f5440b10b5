"""Growth of customers by the age of their cohort: what those who came together use, month by month."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class CohortGrowth:
    """``factor`` (ages - 1,): usage at age a + 1 over usage at age a, pooled over the cohorts seen at both (net
    retention, 1 where none is); ``spread`` (ages - 1,): its standard deviation over cohorts, weighted by usage (0 with
    one cohort); ``completed`` (cohorts, ages): the table with what is not yet seen filled by the factors."""

    factor: Array
    spread: Array
    completed: Array

    def ahead(self, periods: int, *, beyond: float | None = None) -> Array:
        """(periods,) usage of the present cohorts together in the coming periods. Ages older than any seen grow by
        ``beyond`` per period (default: the last factor)."""
        count, ages = self.completed.shape
        last = self._seen
        tail = float(self.factor[-1] if beyond is None else beyond) if len(self.factor) else 1.0
        steps = np.arange(1, periods + 1)
        total = np.zeros(periods)
        for cohort in range(count):
            age = last[cohort] + steps
            inside = np.minimum(age, ages - 1)
            total += self.completed[cohort, inside] * tail ** np.maximum(age - (ages - 1), 0)
        return total

    @property
    def _seen(self) -> NDArray[np.int64]:
        """The last age seen of each cohort."""
        return np.asarray(self._last, dtype=np.int64)

    _last: tuple[int, ...] = ()


def cohort_growth(usage: ArrayLike) -> CohortGrowth:
    """From ``usage`` (cohorts, ages), NaN where an age is not reached yet (the lower right corner).

    >>> nan = float("nan")
    >>> told = cohort_growth([[100, 90, 81], [200, 180, nan], [300, nan, nan]])
    >>> told.factor.round(6).tolist(), told.ahead(1).round(6).tolist()
    ([0.9, 0.9], [504.9])
    """
    table = _checks.numbers("usage", np.nan_to_num(np.asarray(usage, dtype=np.float64), nan=-1.0))
    if table.ndim != 2 or table.size == 0:
        raise ArgumentError(f"usage must have shape (cohorts, ages), got {table.shape}")
    seen = table >= 0
    if not seen[:, 0].all() or np.any(seen[:, 1:] & ~seen[:, :-1]):
        raise ArgumentError("usage must be known from age 0 on without gaps and not negative: NaN only at later ages")
    factor, spread = np.ones(table.shape[1] - 1), np.zeros(table.shape[1] - 1)
    completed = np.where(seen, table, np.nan)
    for age in range(table.shape[1] - 1):
        both = seen[:, age + 1] & (table[:, age] > 0)
        if both.any():
            before, after = table[both, age], table[both, age + 1]
            factor[age] = after.sum() / before.sum()
            spread[age] = np.sqrt(np.average((after / before - factor[age]) ** 2, weights=before))
        missing = ~seen[:, age + 1]
        completed[missing, age + 1] = completed[missing, age] * factor[age]
    return CohortGrowth(factor=factor, spread=spread, completed=completed, _last=tuple((seen.sum(axis=1) - 1).tolist()))
