"""Rows of a demand table as distributions: rows of one family together, as one array object each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt.demand.protocol import Demand
from capacity_opt.errors import ArgumentError
from capacity_opt.scenario.demand_rows import DemandRows, sizes_of
from capacity_opt.scenario.problems import Problems

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Marginals:
    """Distributions of ``count`` quantities of several families, itself a :class:`~capacity_opt.Demand`; ``parts`` are
    (positions, distribution of those positions). ``floor``: quantiles and samples below 0 become 0."""

    count: int
    parts: tuple[tuple[NDArray[np.intp], Demand], ...]
    floor: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """``(count,)``."""
        return (self.count,)

    @property
    def discrete(self) -> bool:
        """Whether every part lives on the whole numbers."""
        return all(demand.discrete for _, demand in self.parts)

    @property
    def mean(self) -> Array:
        """E[D]."""
        return self._scattered([demand.mean for _, demand in self.parts])

    @property
    def variance(self) -> Array:
        """Var[D]."""
        return self._scattered([demand.variance for _, demand in self.parts])

    def cdf(self, x: ArrayLike) -> Array:
        """P(D <= x)."""
        return self._asked("cdf", x)

    def survival(self, x: ArrayLike) -> Array:
        """P(D > x)."""
        return self._asked("survival", x)

    def quantile(self, level: ArrayLike) -> Array:
        """The smallest x with P(D <= x) >= level."""
        values = self._asked("quantile", level)
        return np.maximum(values, 0.0) if self.floor else values

    def loss(self, x: ArrayLike) -> Array:
        """E[max(D - x, 0)]."""
        return self._asked("loss", x)

    def sample(self, count: int, *, rng: np.random.Generator) -> Array:
        """``count`` independent draws, shape ``(count, self.count)``."""
        values = self._scattered([demand.sample(count, rng=rng) for _, demand in self.parts])
        return np.maximum(values, 0.0) if self.floor else values

    def take(self, items: NDArray[np.intp]) -> Marginals:
        """The chosen quantities only, by position."""
        parts = []
        for positions, demand in self.parts:
            where = np.full(self.count, -1)
            where[positions] = np.arange(len(positions))
            kept = np.flatnonzero(where[items] >= 0)
            if len(kept):
                parts.append((kept, demand.take(where[items][kept])))
        return Marginals(len(items), tuple(parts), self.floor)

    def _asked(self, function: str, x: ArrayLike) -> Array:
        given = np.asarray(x, dtype=np.float64)
        spread = np.broadcast_to(given, np.broadcast_shapes(given.shape, self.shape))
        return self._scattered([getattr(demand, function)(spread[..., at]) for at, demand in self.parts])

    def _scattered(self, values: list[Array]) -> Array:
        result = np.empty((*np.shape(values[0])[:-1], self.count))
        for (positions, _), part in zip(self.parts, values):
            result[..., positions] = part
        return result


def marginals_of(rows: DemandRows, chosen: IntArray, problems: Problems) -> Marginals | None:
    """The distributions of the chosen rows, in that order; ``None`` where one cannot be (noted)."""
    at = chosen
    try:
        if rows.section.kind == "quantiles":
            return Marginals(len(chosen), ((np.arange(len(chosen)), _quantile_demand(rows, chosen)),))
        families = np.array(rows.table.texts["distribution"])[chosen]
        parts = []
        for family in dict.fromkeys(families.tolist()):
            positions = np.flatnonzero(families == family)
            at = chosen[positions]
            mean, sd = (rows.table.numbers[name][at] for name in ("mean", "standard_deviation"))
            plain = _compound(rows, at) if family == "compound_poisson" else _family(family, mean, sd)
            parts.append((positions, _with_zero_mass(plain, rows.table.numbers["zero_mass"][at])))
        return Marginals(len(chosen), tuple(parts))
    except ArgumentError as error:
        named = list(error.positions) if error.length == len(at) else []
        for row in [rows.table.rows[at[place]] for place in named] or [None]:
            fix = "Check the distribution's mean and standard deviation"
            problems.error("E205", rows.table.file, str(error), fix=fix, row=row)
        return None


def _quantile_demand(rows: DemandRows, chosen: IntArray) -> Demand:
    from capacity_opt.demand.quantiles import QuantileDemand

    return QuantileDemand(rows.levels, rows.quantiles[chosen], integer=rows.section.integer)


def _compound(rows: DemandRows, at: IntArray) -> Demand:
    from capacity_opt.demand.compound import CompoundPoisson

    sizes = [sizes_of(rows.table.texts["sizes"][row]) for row in at.tolist()]
    table = np.zeros((len(at), 1 + max(max(each) for each in sizes)))
    for line, each in enumerate(sizes):
        table[line, list(each)] = list(each.values())
    return CompoundPoisson(rows.table.numbers["rate"][at], table)


def _with_zero_mass(demand: Demand, zero: Array) -> Demand:
    """Intermittent demand: none with chance ``zero``, else the given one."""
    if not np.any(zero > 0):
        return demand
    from capacity_opt.demand.lattice import Pmf
    from capacity_opt.demand.mixture import Mixture
    from capacity_opt.demand.parametric import Deterministic

    none = Pmf(np.ones((len(zero), 1))) if demand.discrete else Deterministic(np.zeros(len(zero)))
    return Mixture([none, demand], np.stack([zero, 1.0 - zero], axis=1))


def _family(name: str, mean: Array, sd: Array) -> Demand:
    from capacity_opt.demand import counts, parametric

    if name == "deterministic":
        return parametric.Deterministic(mean)
    if name == "poisson":
        return counts.Poisson(mean)
    if name == "negative_binomial":
        return counts.NegativeBinomial(mean, sd=sd)
    classes = {"normal": parametric.Normal, "gamma": parametric.Gamma, "lognormal": parametric.LogNormal}
    return classes[name](mean, sd)
