"""What may happen to supply: zones partly gone, orders late, options not there; drawn, listed, or given by sample.

Rows without a sample are chances, independent of demand and of each other. Where demand is a list of samples and all
combinations are few, they are listed exactly; otherwise they are drawn. Rows with a sample happen in it,
and only there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from capacity_opt.demand.paths import GivenSamples
from capacity_opt.problem.disruptions import GivenDisruptions
from capacity_opt.problem.fleet import DemandPaths, DisruptionPaths, PurchaseOptions
from capacity_opt.scenario.fleet_tables import FleetTables, picked
from capacity_opt.scenario.problems import Problems, did_you_mean, shown
from capacity_opt.scenario.timeline import whole_periods
from capacity_opt.scenario.typed import TypedTable

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
Paths = DemandPaths

MOST_LISTED = 2000
"""Joint outcomes up to which independent chances are listed one by one."""


@dataclass(frozen=True, kw_only=True)
class Disruptions:
    """``outage`` (Z, T) chance that only ``share`` (Z, T) of a zone's servers work in a period, independent between
    zones and periods; ``delays`` (D,) whole periods with chances ``delay_chance`` (D, K, Z), the rest in time,
    independent between types and zones."""

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


@dataclass(frozen=True)
class _Source:
    """The tables with what they speak of: names of the demand's samples (none where it is not a list of them)."""

    tables: FleetTables
    samples: Sequence[str]
    problems: Problems

    def rows(self, name: str) -> Iterator[tuple[TypedTable, int, int]]:
        """Rows of a table with the sample they happen in, -1 without one."""
        table = self.tables.optional.get(name)
        for row in range(len(table) if table is not None else 0):
            assert table is not None
            yield table, row, self._sample(table, row)

    def _sample(self, table: TypedTable, row: int) -> int:
        name = table.texts["sample"][row]
        if not name:
            return -1
        if name in self.samples:
            return self.samples.index(name)
        rule, fix = f"no sample {shown(name)} in the demand table", did_you_mean(name, self.samples)
        if not self.samples:
            rule, fix = "needs demand given by samples", 'Set [demand] kind = "samples", with a column sample'
        self.problems.error("E208", table.file, rule, value=shown(name), row=table.rows[row], column="sample", fix=fix)
        return -1


def with_disruptions(
    tables: FleetTables, options: PurchaseOptions, rows: Sequence[int], demand: Paths, names: Sequence[str]
) -> tuple[Paths, DisruptionPaths | None]:
    """The demand and what happens to supply beside it, listed jointly where it can be. ``rows`` (M,) of options.csv
    that each option stands in; ``names`` of the demand's samples where it has them."""
    problems = tables.context.problems
    source = _Source(tables, names, problems)
    chances = _chances(source)
    spot = [m for m, kind in enumerate(options.kind) if kind == "spot" and options.availability[m] < 1.0]
    by_sample = [
        place for name in ("outages", "delays", "option_availability") for place in source.rows(name) if place[2] >= 0
    ]
    tossed = bool(np.any(chances.outage > 0) or chances.delay_chance.any() or spot)
    if problems.failed or not (tossed or by_sample):
        return demand, None
    if isinstance(demand, GivenSamples):
        factors = [*_factors(chances), *_spot_factors(options, spot)]
        combinations = float(np.prod([float(len(factor)) for factor in factors]))
        if combinations * len(demand.probability) <= MOST_LISTED:
            return _listed(source, options, rows, demand, factors)
    if by_sample:
        table, row, _ = by_sample[0]
        rule = "rows by sample and chances that are too many to list cannot be combined"
        problems.error("E240", table.file, rule, row=table.rows[row], fix="Give all of them by sample, or none")
    drawn = bool(np.any(chances.outage > 0) or chances.delay_chance.any())
    return demand, chances if drawn else None


def _chances(source: _Source) -> Disruptions:
    """Of the rows without a sample."""
    kinds, zones, periods = source.tables.sizes
    outage, share = np.zeros((zones, periods)), np.ones((zones, periods))
    for table, row, sample in source.rows("outages"):
        if sample < 0 and (gone := _chance(source, table, row)) is not None:
            place = picked(table, "zone", row), picked(table, "period", row)
            outage[place], share[place] = gone, table.numbers["available_share"][row]
    late = [(table, row) for table, row, sample in source.rows("delays") if sample < 0]
    chance = np.zeros((len(late), kinds, zones))
    delays = np.zeros(len(late), dtype=np.int64)
    for at, (table, row) in enumerate(late):
        delays[at] = whole_periods(float(np.nan_to_num(table.numbers["delay"][row])))
        own = _chance(source, table, row)
        chance[at, picked(table, "server_type", row), picked(table, "zone", row)] = 0.0 if own is None else own
    if late and (chance.sum(axis=0) > 1 + 1e-9).any():
        rule = f"probabilities sum to {float(chance.sum(axis=0).max()):g} (at most 1)"
        source.problems.error(
            "E237", late[0][0].file, rule, column="probability", fix="What is left to 1 comes in time"
        )
    return Disruptions(outage=outage, share=share, delays=delays, delay_chance=chance)


def _chance(source: _Source, table: TypedTable, row: int) -> float | None:
    chance = float(table.numbers["probability"][row])
    if not np.isnan(chance):
        return chance
    if not table.texts["sample"][row]:
        source.problems.error(
            "E215",
            table.file,
            "is blank",
            row=table.rows[row],
            column="probability",
            fix="Write the chance, or the sample in which it happens",
        )
    return None


@dataclass
class _Happening:
    """One joint outcome while it is put together."""

    available: Array
    delay: IntArray
    there: Array


Step = Callable[[_Happening], None]
Factor = list[tuple[float, Step]]
"""What may happen at one place: chances that sum to 1, each with what it does."""


def _factors(chances: Disruptions) -> Iterator[Factor]:
    for z, t in np.argwhere(chances.outage > 0).tolist():
        p, share = float(chances.outage[z, t]), float(chances.share[z, t])
        yield [(p, _zone(z, t, share)), *([(1.0 - p, _nothing)] if p < 1 else [])]
    kinds, zones = chances.delay_chance.shape[1:]
    for k, z in product(range(kinds), range(zones)):
        own = chances.delay_chance[:, k, z]
        late = [(float(p), _late(k, z, int(by))) for p, by in zip(own, chances.delays, strict=True) if p > 0]
        left = 1.0 - float(own.sum())
        if late:
            yield [*late, *([(left, _nothing)] if left > 1e-12 else [])]


def _spot_factors(options: PurchaseOptions, spot: Sequence[int]) -> Iterator[Factor]:
    for m in spot:
        p = float(options.availability[m])
        for t in range(options.price.shape[1]):
            yield [(1.0 - p, _gone(m, t)), *([(p, _nothing)] if p > 0 else [])]


def _zone(z: int, t: int, share: float) -> Step:
    def happen(to: _Happening) -> None:
        to.available[z, t] = share

    return happen


def _late(k: int, z: int, by: int) -> Step:
    def happen(to: _Happening) -> None:
        to.delay[k, z] = by

    return happen


def _gone(m: int, t: int) -> Step:
    def happen(to: _Happening) -> None:
        to.there[m, t] = 0.0

    return happen


def _nothing(to: _Happening) -> None:
    """Everything as planned."""


def _listed(
    source: _Source, options: PurchaseOptions, rows: Sequence[int], demand: GivenSamples, factors: Sequence[Factor]
) -> tuple[GivenSamples, GivenDisruptions]:
    """Every demand sample with every combination of what else may happen."""
    found: list[_Happening] = []
    values, chance = [], []
    for s, probability in enumerate(demand.probability.tolist()):
        for combination in product(*factors):
            happening = _in_sample(source, options, rows, s)
            for _, step in combination:
                step(happening)
            found.append(happening)
            values.append(demand.values[s])
            chance.append(probability * float(np.prod([p for p, _ in combination])))
    return GivenSamples(np.stack(values), np.array(chance) / np.sum(chance)), GivenDisruptions(
        available=np.stack([each.available for each in found]),
        delay=np.stack([each.delay for each in found]),
        options=np.stack([each.there for each in found]),
    )


def _in_sample(source: _Source, options: PurchaseOptions, rows: Sequence[int], sample: int) -> _Happening:
    """What the rows that name a sample say of it."""
    kinds, zones, periods = source.tables.sizes
    here = _Happening(np.ones((zones, periods)), np.zeros((kinds, zones), dtype=np.int64), _all_there(options, periods))
    for table, row, own in source.rows("outages"):
        if own == sample:
            place = picked(table, "zone", row), picked(table, "period", row)
            here.available[place] = table.numbers["available_share"][row]
    for table, row, own in source.rows("delays"):
        if own == sample:
            by = whole_periods(float(np.nan_to_num(table.numbers["delay"][row])))
            here.delay[picked(table, "server_type", row), picked(table, "zone", row)] = by
    for table, row, own in source.rows("option_availability"):
        if own == sample:
            chosen = [m for m, of in enumerate(rows) if of == table.positions["option"][row]]
            here.there[chosen, picked(table, "period", row)] = table.numbers["available_share"][row]
    return here


def _all_there(options: PurchaseOptions, periods: int) -> Array:
    return np.ones((len(options.names), periods))
