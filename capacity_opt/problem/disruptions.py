"""What happens to supply in each of a list of given samples: the certain counterpart of drawn disruptions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class GivenDisruptions:
    """Supply, sample by sample, for a demand that is a list of as many given samples.

    ``available`` (S, Z, T): share of a zone's servers that work; ``delay`` (S, K, Z): whole periods by which every
    order of this plan comes late; ``options`` (S, M, T): share of an option's limit there (``None``: all of it).
    Nothing else is drawn: optimiser and judge both take them as they are. Raises ``ArgumentError`` where
    the numbers of samples differ.

    >>> late = GivenDisruptions(available=np.ones((2, 1, 3)), delay=np.array([[[0]], [[1]]]))
    >>> late.draw(100, seed=1)[1].ravel()
    array([0, 1])
    """

    available: Array
    delay: IntArray
    options: Array | None = None

    def __post_init__(self) -> None:
        """Check ranges and that every array has a row per sample."""
        _checks.share("available", self.available)
        _checks.whole("delay", self.delay)
        counts = {len(self.available), len(self.delay)}
        if self.options is not None:
            _checks.share("options", self.options)
            counts.add(len(self.options))
        if len(counts) > 1:
            raise ArgumentError(f"every array must have a row per sample, got {', '.join(map(str, sorted(counts)))}")

    @property
    def count(self) -> int:
        """S."""
        return len(self.available)

    def draw(self, count: int, *, seed: int) -> tuple[Array, IntArray]:  # noqa: ARG002 - the protocol's signature
        """All samples, whatever ``count`` and ``seed``."""
        return self.available, self.delay

    def option_share(self, options: int, periods: int) -> Array:
        """Share of each option's limit that is there, (S, M, T)."""
        return np.ones((self.count, options, periods)) if self.options is None else self.options

    def for_samples(self, count: int) -> GivenDisruptions:
        """Itself, where there is one outcome for each of ``count`` demand samples."""
        if count != self.count:
            raise ArgumentError(
                f"given disruptions must have a row for each of the {count} demand samples, got {self.count}. "
                "Give demand as a list of samples (GivenSamples) in the same order"
            )
        return self
