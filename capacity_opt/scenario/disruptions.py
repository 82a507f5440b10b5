"""What may happen to supply: zones partly gone, orders late. Drawn independently of demand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capacity_opt.scenario.fleet_tables import FleetTables, picked
from capacity_opt.scenario.load import Source
from capacity_opt.scenario.timeline import whole_periods

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Disruptions:
    """``outage`` (Z, T) chance that only ``share`` (Z, T) of a zone's servers work in a period, independent between
    zones and periods; ``delays`` (D,) whole periods with chances ``delay_chance`` (D, K, Z), the rest in time."""

    outage: Array
    share: Array
    delays: IntArray
    delay_chance: Array

    def draw(self, count: int, *, seed: int) -> tuple[Array, IntArray]:
        """``available`` (count, Z, T) and ``delay`` (count, K, Z)."""
        rng = np.random.default_rng([seed, 1])
        gone = rng.random((count, *self.outage.shape)) < self.outage
        available = np.where(gone, self.share, 1.0)
        level = rng.random((count, *self.delay_chance.shape[1:]))
        below = np.cumsum(self.delay_chance, axis=0)
        delay = np.zeros(level.shape, dtype=np.int64)
        for index in range(len(self.delays) - 1, -1, -1):
            delay[level < below[index]] = self.delays[index]
        return available, delay


def disruptions(tables: FleetTables, source: Source) -> Disruptions | None:
    """From outages.csv and delays.csv; ``None`` where neither is given."""
    outages, late = tables.optional.get("outages"), tables.optional.get("delays")
    if outages is None and late is None:
        return None
    kinds, zones, periods = tables.sizes
    outage, share = np.zeros((zones, periods)), np.ones((zones, periods))
    for row in range(len(outages) if outages is not None else 0):
        assert outages is not None
        place = picked(outages, "zone", row), picked(outages, "period", row)
        outage[place] = outages.numbers["probability"][row]
        share[place] = outages.numbers["available_share"][row]
    rows = len(late) if late is not None else 0
    chance = np.zeros((rows, kinds, zones))
    delays = np.zeros(rows, dtype=np.int64)
    for row in range(rows):
        assert late is not None
        delays[row] = whole_periods(float(np.nan_to_num(late.numbers["delay"][row])))
        chance[row, picked(late, "server_type", row), picked(late, "zone", row)] = late.numbers["probability"][row]
    if late is not None and (chance.sum(axis=0) > 1 + 1e-9).any():
        source.problems.error(
            "E237",
            late.file,
            f"probabilities sum to {float(chance.sum(axis=0).max()):g} (at most 1)",
            column="probability",
            fix="What is left to 1 comes in time",
        )
    return Disruptions(outage=outage, share=share, delays=delays, delay_chance=chance)
