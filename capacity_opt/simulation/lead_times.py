"""Random lead times as they happen: a later order never overtakes an earlier one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from capacity_opt import _checks

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class LeadTimeProcess:
    """Lead times with probabilities ``pmf`` (whole periods to probability), without crossing.

    ``process="sequential"``: every order draws its own, and arrives no earlier than the order before it; what a
    customer then meets is longer than what was drawn (:meth:`effective`). ``"persistent"``: one lead time for the
    whole of a replication, as when a supplier's delay changes slowly; then what is met is ``pmf`` itself.

    >>> LeadTimeProcess(pmf={1: 0.5, 3: 0.5}).effective().round(3)  # lead times 0, 1, 2, 3
    array([0.  , 0.25, 0.25, 0.5 ])
    """

    pmf: Mapping[int, float]
    process: Literal["sequential", "persistent"] = "sequential"

    def __post_init__(self) -> None:
        """Check that the lead times are whole and the probabilities sum to 1."""
        _checks.whole("lead_time", list(self.pmf))
        _checks.probabilities("lead_time probability", list(self.pmf.values()))

    @property
    def probabilities(self) -> Array:
        """Probability of the lead times 0, 1, 2, ..."""
        dense = np.zeros(max(self.pmf) + 1)
        for periods, probability in self.pmf.items():
            dense[periods] = probability
        return np.asarray(dense / dense.sum())

    def effective(self) -> Array:
        """Distribution of the time since the youngest order that has arrived was placed: the lead time that a formula
        for one item must be fed with. Sequential: P(<= l) = product over j >= l of F(j)."""
        if self.process == "persistent":
            return self.probabilities
        below = np.cumsum(self.probabilities)
        met = np.cumprod(below[::-1])[::-1]
        effective: Array = np.diff(met, prepend=0.0)
        return effective

    def draw(self, replications: int, periods: int, *, rng: np.random.Generator) -> IntArray:
        """Lead times (replications, 1, periods), or (replications, 1, 1) where they persist."""
        count = 1 if self.process == "persistent" else periods
        drawn = rng.choice(len(self.probabilities), size=(replications, 1, count), p=self.probabilities)
        return drawn.astype(np.int64)
