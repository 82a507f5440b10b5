"""The demand that the judge asks: fresh draws from streams of its own, in chunks that fit in memory.

Common random numbers: what is drawn depends on the seed, the demand, the number of replications and periods, never on
the policy, so two policies judged with one seed meet the same demand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capacity_opt import _checks
from capacity_opt.demand.forecast_demand import ForecastDemand
from capacity_opt.demand.protocol import Demand
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]

CHUNK_VALUES = 8_000_000
JUDGE_STREAM = 0x6A7564
"""Mixed into every seed, so that an optimiser drawing with the same seed draws other samples."""


def judge_seed(seed: int, *path: int) -> np.random.SeedSequence:
    """A stream of the judge's own for ``seed``, further split by ``path``."""
    if seed < 0:
        raise ArgumentError(f"seed must be a whole number >= 0, got {seed}")
    return np.random.SeedSequence(seed, spawn_key=(JUDGE_STREAM, *path))


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A demand, or a cycle of demands: period t meets number t modulo their count. A demand given by scalars is shared:
    every item meets the same draws."""

    demands: tuple[Demand, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape over items."""
        return np.broadcast_shapes(*(demand.shape for demand in self.demands))

    @property
    def mean(self) -> Array:
        """Mean demand per period over the cycle."""
        mean: Array = np.mean(np.stack([np.broadcast_to(d.mean, self.shape) for d in self.demands]), axis=0)
        return mean

    @property
    def discrete(self) -> bool:
        """Whether every demand lives on the whole numbers."""
        return all(demand.discrete for demand in self.demands)

    def chunks(self, *, items: int, periods: int, replications: int, seed: int) -> Iterator[tuple[slice, slice, Array]]:
        """Replications, items, and their demand (replications, items, periods), a chunk at a time."""
        per_chunk = max(1, CHUNK_VALUES // (periods * replications)) if self.shape else items
        reps = max(1, min(replications, CHUNK_VALUES // periods))
        for start in range(0, items, per_chunk):
            chosen = slice(start, min(items, start + per_chunk))
            for first in range(0, replications, reps):
                rows = slice(first, min(replications, first + reps))
                rng = np.random.default_rng(judge_seed(seed, start, first))
                drawn = self._draw(chosen, rows.stop - rows.start, periods, rng)
                yield rows, chosen, np.broadcast_to(drawn, (len(drawn), chosen.stop - start, periods))

    def _draw(self, items: slice, replications: int, periods: int, rng: np.random.Generator) -> Array:
        counts = [len(range(i, periods, len(self.demands))) for i in range(len(self.demands))]
        parts = [_sample(one, items, replications, count, rng) for one, count in zip(self.demands, counts)]
        if len(parts) == 1:
            return parts[0]
        drawn = np.empty((replications, max(part.shape[1] for part in parts), periods))
        for i, part in enumerate(parts):
            drawn[:, :, i :: len(parts)] = part
        return drawn


def _sample(demand: Demand, items: slice, replications: int, periods: int, rng: np.random.Generator) -> Array:
    if demand.shape:
        demand = demand.take(np.arange(items.start, items.stop))
    if isinstance(demand, ForecastDemand):  # successive periods of a forecast are tied
        return demand.sample_paths(replications, periods, rng=rng)
    drawn = demand.sample(replications * periods, rng=rng).reshape(replications, periods, -1)
    return np.moveaxis(drawn, 1, 2)


@dataclass(frozen=True, kw_only=True)
class Given:
    """Demand paths given as numbers, ``paths`` (replications, periods) or (replications, periods, n)."""

    paths: Array

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape over items."""
        return self.paths.shape[2:]

    @property
    def mean(self) -> Array:
        """Mean demand per period."""
        return np.asarray(self.paths.mean(axis=(0, 1)))

    @property
    def discrete(self) -> bool:
        """Whether every number is whole."""
        return bool(np.all(self.paths == np.rint(self.paths)))

    def chunks(self, *, items: int, periods: int, replications: int, seed: int) -> Iterator[tuple[slice, slice, Array]]:
        """All of it at once; ``seed`` is not used."""
        del seed
        if self.paths.shape[:2] != (replications, periods):
            told = f"({replications}, {periods})"
            raise ArgumentError(f"demand paths must have shape {told} (replications, warm-up + periods), then items")
        values = np.moveaxis(self.paths.reshape(replications, periods, -1), 1, 2)
        yield slice(0, replications), slice(0, items), np.broadcast_to(values, (replications, items, periods))


def asked(demand: Demand | Sequence[Demand] | Array) -> Asked | Given:
    """Gather a demand, one demand per period of a cycle, or given paths."""
    if isinstance(demand, np.ndarray):
        if demand.ndim not in (2, 3):
            raise ArgumentError(f"demand paths must have shape (replications, periods[, items]), got {demand.shape}")
        return Given(paths=_checks.non_negative("demand", demand))
    demands = tuple(demand) if isinstance(demand, Sequence) else (demand,)
    if not demands or not all(isinstance(one, Demand) for one in demands):
        raise ArgumentError("demand must be a demand such as Poisson(mean=5), or a sequence of them, one per period")
    return Asked(demands=demands)
