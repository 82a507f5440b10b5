"""Ways to the running totals of the coming periods: the engine's own, and plain ones that do not jump.

``direct``: the batch engine's totals. ``moments``: a negative binomial on the mean of a period, newer ones weighing
more where the memory is short, and on the variance of whole blocks of the past, for intermittent series half with the
panel's dispersion; normal where demand may be negative. ``blocks``: what every run of as many periods came to, weighted
likewise. ``normal`` and ``bootstrap``: successive periods taken for independent, from their mean and deviation, or
drawn with replacement. All series go at once; a series in other units has the same quantiles in other units.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from capacity_opt.forecast.batch import forecast_quantiles, rarely
from capacity_opt.forecast.history import History
from capacity_opt.forecast.intermittent import (
    block_quantiles,
    empirical_quantiles,
    negative_binomial_quantiles,
    quantum,
)
from capacity_opt.forecast.prepare import Prepared, prepare

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Kind = Literal["direct", "moments", "blocks", "normal", "bootstrap"]
METHODS: tuple[Kind, ...] = ("direct", "moments", "blocks", "normal", "bootstrap")
_DRAWS = 256
_FEW = 4
_CHUNK = 4000  # series whose draws are held at once
_PANEL = 0.5  # of the panel's dispersion, in that of an intermittent series


@dataclass(frozen=True)
class Way:
    """A ``kind`` with its ``memory``: a period weighs so much of the next one. ``own``: without the panel's part."""

    kind: Kind
    memory: float = 1.0
    own: bool = False

    @property
    def name(self) -> str:
        """Its name among the others."""
        return self.kind + (f"_{self.memory:g}" if self.memory < 1.0 else "") + ("_own" if self.own else "")


WAYS: tuple[Way, ...] = (
    Way("direct"),
    *(Way("moments", memory) for memory in (1.0, 0.98, 0.95, 0.9, 0.8)),
    Way("moments", own=True),
    *(Way("blocks", memory) for memory in (1.0, 0.98, 0.95)),
    Way("normal"),
    Way("bootstrap"),
)


@dataclass(frozen=True, eq=False)
class Past:
    """What the plain ways need of each series: ``values`` flat, gaps filled, in units of ``unit`` (n,), with the
    ``age`` of each value (0 the newest), ``mean`` and ``deviation`` of a period, and which series are ``rare``."""

    values: Array
    begins: IntArray
    lengths: IntArray
    age: IntArray
    unit: Array
    mean: Array
    deviation: Array
    rare: BoolArray
    non_negative: BoolArray

    @classmethod
    def of(cls, prepared: Prepared) -> Past:
        """From prepared series, all of them."""
        begins, lengths, unit = prepared.begins, prepared.lengths, quantum(prepared)
        own = prepared.scale / unit
        values = prepared.values * np.repeat(own, lengths)
        whole = np.rint(values)
        values = np.where(np.abs(values - whole) <= 1e-12 * np.abs(whole), whole, values)  # counted, not measured
        mean = np.add.reduceat(values, begins) / lengths
        squares = np.add.reduceat((values - np.repeat(mean, lengths)) ** 2, begins)
        return cls(
            values=values,
            begins=begins,
            lengths=lengths,
            age=np.repeat(begins + lengths, lengths) - 1 - np.arange(len(values)),
            unit=unit,
            mean=mean,
            deviation=np.sqrt(squares / np.maximum(lengths - 1, 1)),
            rare=rarely(prepared),
            non_negative=prepared.non_negative,
        )

    def recent_mean(self, memory: float) -> Array:
        """(n,) the mean of a period, weights falling by ``memory``."""
        if memory == 1.0:
            return self.mean
        weight = memory**self.age
        return np.asarray(np.add.reduceat(weight * self.values, self.begins) / np.add.reduceat(weight, self.begins))


@dataclass(frozen=True, eq=False)
class Blocks:
    """``sums`` of ``size`` periods by the flat place of their first; a series' own are ``begins`` to ``ends``."""

    past: Past
    size: int
    sums: Array
    ends: IntArray
    variance: Array

    @classmethod
    def of(cls, past: Past, size: int, sums: Array) -> Blocks:
        """Their variance between (n,); where the past is too short for two, that of as many independent periods."""
        count = past.lengths - size + 1
        inside = past.age >= size - 1
        known = np.maximum(count, 1)
        mean = np.add.reduceat(np.where(inside, sums, 0.0), past.begins) / known
        off = np.where(inside, sums - np.repeat(mean, past.lengths), 0.0)
        between = np.add.reduceat(off**2, past.begins) / np.maximum(count - size, 1)
        variance = np.where(count > 2 * size, between, size * past.deviation**2)
        return cls(past, size, sums, past.begins + known, variance)

    def quantiles(self, way: Way, levels: Array) -> Array:
        """(n, m) of the total over ``size`` periods, in the series' own units."""
        past = self.past
        if way.kind == "normal":
            told = self._normal(past.mean, np.sqrt(self.size) * past.deviation, levels)
        elif way.kind == "moments":
            told = self._moments(past.recent_mean(way.memory), way.own, levels)
        else:
            told = empirical_quantiles(self.sums, past.begins, self.ends, levels, way.memory)
            short = past.lengths < self.size
            if short.any():
                told = np.where(short[:, None], self._moments(past.mean, False, levels), told)
        return np.asarray(told * past.unit[:, None])

    def _normal(self, mean: Array, deviation: Array, levels: Array) -> Array:
        return self.size * mean[:, None] + deviation[:, None] * special.ndtri(levels)

    def _moments(self, mean: Array, own: bool, levels: Array) -> Array:
        past = self.past
        some = past.mean > 0
        dispersion = np.where(some, self.variance / np.where(some, self.size * past.mean, 1.0), 0.0)
        rare = some & past.rare
        pool = float(np.median(dispersion[rare])) if rare.any() else 1.0
        share = 0.0 if own else _PANEL
        mixed = np.where(past.rare, (1.0 - share) * dispersion + share * pool, dispersion)
        told = negative_binomial_quantiles(self.size * mean, self.size * mean * mixed, levels)
        signed = ~past.non_negative
        if signed.any():
            told[signed] = self._normal(mean, np.sqrt(self.variance), levels)[signed]
        return told


def totals_by(
    history: History,
    horizon: int,
    levels: Array,
    season: int | Sequence[int] | None,
    ways: Sequence[Way],
    *,
    light: bool = False,
) -> dict[str, Array]:
    """By way (n, H, m): quantiles of the running totals over 1 ... H periods. ``light``: the engine tunes itself on few
    origins, enough for weighing it."""
    made: dict[str, Array] = {}
    if any(way.kind == "direct" for way in ways):
        direct = _light if light else _direct
        made["direct"] = direct(history, horizon, levels, season)
    plain = [way for way in ways if way.kind != "direct"]
    if not plain:
        return made
    past = Past.of(prepare(history, horizon, 0))
    stepped = [way for way in plain if way.kind != "bootstrap"]
    made |= {way.name: np.empty((history.count, horizon, len(levels))) for way in stepped}
    sums = past.values
    for size in range(1, horizon + 1):
        if size > 1:
            sums = sums + np.concatenate([past.values[size - 1 :], np.zeros(size - 1)])
        blocks = Blocks.of(past, size, sums)
        for way in stepped:
            made[way.name][:, size - 1] = blocks.quantiles(way, levels)
    if len(stepped) < len(plain):
        made["bootstrap"] = _bootstrap(past, horizon, levels)
    return made


def _direct(history: History, horizon: int, levels: Array, season: int | Sequence[int] | None) -> Array:
    return forecast_quantiles(history, horizon, levels=levels, season=season, cumulative=True).values


def _light(history: History, horizon: int, levels: Array, season: int | Sequence[int] | None) -> Array:
    """The engine's totals, those of intermittent series tuned on ``_FEW`` origins instead of a dozen."""
    prepared = prepare(history, horizon, season)
    rare = rarely(prepared)
    values = np.empty((history.count, horizon, len(levels)))
    if rare.any():
        few = replace(prepared, counts=prepared.counts[:, : 1 + _FEW])
        values[rare] = block_quantiles(few.take(np.flatnonzero(rare)), levels, cumulative=True)
    if not rare.all():
        values[~rare] = _direct(history.take(~rare), horizon, levels, season)
    return values


def _bootstrap(past: Past, horizon: int, levels: Array) -> Array:
    """Sums of periods drawn with replacement, the same draws for every series: what is told of it is its own."""
    places = np.random.default_rng(0).random((horizon, _DRAWS, 1))
    out = np.empty((len(past.begins), horizon, len(levels)))
    for start in range(0, len(past.begins), _CHUNK):
        rows = slice(start, start + _CHUNK)
        begins, lengths = past.begins[rows], past.lengths[rows]
        total = np.zeros((_DRAWS, len(begins)))
        for step in range(horizon):
            total += past.values[begins + (places[step] * lengths).astype(np.int64)]
            out[rows, step] = np.quantile(total, levels, axis=0).T
    return np.asarray(out * past.unit[:, None, None])
