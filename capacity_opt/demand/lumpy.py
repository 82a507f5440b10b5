"""Base demand and large customers together: the exact marginal by FFT, the joint sample paths by drawing both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from capacity_opt import _checks
from capacity_opt.demand.lattice import Histogram
from capacity_opt.demand.lumps import Lumps
from capacity_opt.demand.protocol import Demand
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]

FIRST_PASS = 512
BEYOND = 1e-10
LUMP_SEED = 5_000_011


@dataclass(frozen=True)
class Spectrum:
    """Transforms of base and lumps on one grid: ``base`` (f,), ``lumps`` (L, f), ``width`` of a grid step, ``points``
    of the grid, ``zero`` P(base = 0)."""

    base: Complex
    lumps: Complex
    width: float
    points: int
    zero: float

    def demand(self, transform: Complex, zero_mass: float = 0.0) -> Histogram:
        """The distribution that a product of transforms stands for."""
        from scipy import fft

        mass = np.maximum(fft.irfft(transform, 2 * self.points)[: self.points], 0.0)
        mass = mass / mass.sum()
        return Histogram.trusted(mass, np.array(self.width), np.array(min(zero_mass, mass[0])))

    def total(self) -> Complex:
        """The transform of base and all lumps."""
        return np.asarray(self.base * self.lumps.prod(axis=0))

    def transform(self, mass: Array) -> Complex:
        """The transform of chances (points,) on this grid."""
        from scipy import fft

        return np.asarray(fft.rfft(mass, 2 * self.points))

    def others(self) -> Complex:
        """(L, f) the transform of base and every lump but one, by products from both ends (a quotient could divide by
        zero)."""
        ones = np.ones((1, self.lumps.shape[1]), dtype=np.complex128)
        before = np.cumprod(np.concatenate([ones, self.lumps[:-1]]), axis=0)
        after = np.cumprod(np.concatenate([ones, self.lumps[:0:-1]]), axis=0)[::-1]
        return np.asarray(self.base * before * after)


def lumpy_demand(base: Demand, lumps: Lumps, *, group: int = 0, period: int = 0, points: int = 8192) -> Histogram:
    """The demand of everybody: ``base`` (one item) plus independent ``lumps``, for one group and period.

    Each lump's outcomes are put on a grid of ``points`` and convolved by FFT; the grid reaches to where less than 1e-10
    of the probability is beyond, found on a coarser one first. Base demand below 0 counts as 0. Quantiles are within
    half a grid step. Raises :class:`~capacity_opt.ArgumentError` where ``base`` is not one item.

    >>> from capacity_opt.demand.parametric import Normal
    >>> deals = Lumps.deals([3000, 1200, 5000], [0.3, 0.6, 0.15], spread=0.2)
    >>> bool(abs(lumpy_demand(Normal(10000, 600), deals).mean - (10000 + 900 + 720 + 750)) < 1)
    True
    """
    made = spectrum(base, lumps, group=group, period=period, points=points, together=True)
    absent = float(np.prod([_absent(lumps, lump, group, period) for lump in range(len(lumps.names))]))
    return made.demand(made.total(), made.zero * absent)


def spectrum(base: Demand, lumps: Lumps, *, group: int, period: int, points: int, together: bool = False) -> Spectrum:
    """The transforms of base and lumps on the grid of :func:`lumpy_demand`; ``together``: of sets of lumps, for where
    only their total matters."""
    if base.shape not in ((), (1,)):
        raise ArgumentError(f"base must be the demand of one item, got shape {base.shape}; use take()")
    number = int(_checks.whole("points", points, at_least=16))
    if not 0 <= group < lumps.groups or not 0 <= period < lumps.periods:
        raise ArgumentError(
            f"group and period must be below {lumps.groups} and {lumps.periods}, got {group} and {period}"
        )
    reach = float(np.ravel(base.quantile(1.0 - BEYOND))[0]) + _largest(lumps, group, period)
    reach = max(reach, 1e-12)
    if len(lumps.names):
        coarse = _transforms(base, lumps, group, period, reach / (FIRST_PASS - 1), FIRST_PASS)
        law = coarse.demand(coarse.total())
        reach = min(reach, 1.02 * float(law.quantile(1.0 - BEYOND)) + 2.0 * coarse.width)
    return _transforms(base, lumps, group, period, reach / (number - 1), number, together=together)


def _largest(lumps: Lumps, group: int, period: int) -> float:
    """What all lumps together ask for at the very most (each at its 1 - 1e-10 quantile)."""
    sigma = np.sqrt(np.log1p(lumps.spread**2))
    most = np.exp(6.4 * sigma - 0.5 * sigma**2)
    peak = (lumps.profile[:, :, period] * (lumps.chance > 0)).max(axis=1, initial=0.0)
    return float((lumps.size[:, group] * peak * most).sum())


def _absent(lumps: Lumps, lump: int, group: int, period: int) -> float:
    if lumps.size[lump, group] == 0:
        return 1.0
    return float(lumps.chance[lump][lumps.profile[lump, :, period] == 0].sum())


def _transforms(
    base: Demand, lumps: Lumps, group: int, period: int, width: float, points: int, *, together: bool = False
) -> Spectrum:
    from scipy import fft

    edges = (np.arange(points) + 0.5) * width
    item = base.take(np.zeros(1, dtype=np.intp)) if base.shape == (1,) else base
    below = np.ravel(item.cdf(edges[:, None] if base.shape else edges))
    mass = np.diff(below, prepend=0.0)
    mass[-1] += 1.0 - below[-1]
    masses = [_mass(lumps, lump, group, period, width, points) for lump in range(len(lumps.names))]
    sets = _sets(masses, points) if together else [[mass] for mass in masses]
    rows = np.zeros((len(sets), points))
    for row, members in zip(rows, sets):
        _sum_into(row, members)
    return Spectrum(
        fft.rfft(mass, 2 * points), fft.rfft(rows, 2 * points, axis=1), width, points, float(np.ravel(item.cdf(0.0))[0])
    )


def _mass(lumps: Lumps, lump: int, group: int, period: int, width: float, points: int) -> Array:
    """The chances of one lump's demand on the grid, as far as it reaches."""
    found = list(_outcomes(lumps, lump, group, period, width, points))
    row = np.zeros(max(first + len(part) for _, first, part in found))
    for chance, first, part in found:
        row[first : first + len(part)] += chance * part
    return row


def _sets(masses: list[Array], points: int) -> list[list[Array]]:
    """Lumps in sets that together reach no farther than half the grid: their sums need only short transforms."""
    sets: list[list[Array]] = []
    reach = points
    for mass in sorted(masses, key=len):
        if reach + len(mass) > points // 2:
            sets.append([])
            reach = 0
        sets[-1].append(mass)
        reach += len(mass)
    return sets


def _sum_into(row: Array, members: list[Array]) -> None:
    """Write the distribution of a sum of independent lumps into a row of zeros."""
    from scipy import fft

    if len(members) == 1:
        row[: len(members[0])] = members[0]
        return
    length = fft.next_fast_len(sum(map(len, members)), real=True)
    short = np.zeros((len(members), length))
    for place, mass in zip(short, members):
        place[: len(mass)] = mass
    total = fft.irfft(fft.rfft(short, axis=1).prod(axis=0), length)
    row[:length] = np.maximum(total, 0.0)[: len(row)]


def lump_outcomes(
    lumps: Lumps, lump: int, group: int, period: int, width: float, points: int
) -> Iterator[tuple[float, Array]]:
    """The distinct outcomes of one lump: the chance of each, and chances (points,) of its demand on the grid. Courses
    with equal demand in the period are one outcome."""
    for chance, first, part in _outcomes(lumps, lump, group, period, width, points):
        row = np.zeros(points)
        row[first : first + len(part)] = part
        yield chance, row


def _outcomes(
    lumps: Lumps, lump: int, group: int, period: int, width: float, points: int
) -> Iterator[tuple[float, int, Array]]:
    """Chance, first grid point and the chances from there on, of each distinct outcome."""
    sigma = float(np.sqrt(np.log1p(lumps.spread[lump] ** 2)))
    value = lumps.size[lump, group] * lumps.profile[lump, :, period]
    for level, chance in _merged(value, lumps.chance[lump]):
        if sigma * level < width:
            yield chance, *_point(level / width, points)
        else:
            yield chance, *_spread_out(np.log(level) - 0.5 * sigma**2, sigma, width, points)


def _spread_out(middle: float, sigma: float, width: float, points: int) -> tuple[int, Array]:
    """A lognormal in the bins that hold all but 1e-15 of it; what is beyond the grid in its last bin."""
    from scipy import special

    low = min(int(np.exp(middle - 8 * sigma) / width), points - 1)
    high = int(min(np.exp(middle + 8 * sigma) / width + 2, points - 1))
    cut = special.ndtr((np.log((np.arange(low, high) + 0.5) * width) - middle) / sigma)
    return low, np.diff(cut, prepend=0.0, append=1.0)


def _merged(value: Array, chance: Array) -> list[tuple[float, float]]:
    total: dict[float, float] = {}
    for level, share in zip(value.tolist(), chance.tolist()):
        total[level] = total.get(level, 0.0) + share
    return [(level, share) for level, share in sorted(total.items()) if share > 0]


def _point(position: float, points: int) -> tuple[int, Array]:
    """A point of mass shared by its two neighbours on the grid so that its mean is kept."""
    low = min(int(position), points - 1)
    share = position - low if low + 1 < points else 0.0
    return low, np.array([1.0 - share, share]) if share > 0 else np.ones(1)


class Paths(Protocol):
    """Joint sample paths, as :class:`capacity_opt.problem.fleet.DemandPaths` has them."""

    def draw(self, count: int, *, seed: int) -> tuple[Array, Array]:
        """``values`` (samples, J, T, B) and ``probability`` (samples,)."""
        ...


@dataclass(frozen=True)
class LumpyPaths:
    """Joint sample paths: those of ``base`` (everybody else) plus ``lumps``, whose groups and periods are the base's.

    Every lump has one course and one factor per sample, the same in all groups, periods and blocks. Where ``base`` is a
    finite list of samples, each stands in as many of the draws as its probability asks for.
    ``taken_out`` (J, T): demand that leaves the base first, down to 0: of accounts that it still contains.

    >>> from capacity_opt.demand.paths import FixedDemand
    >>> paths = LumpyPaths(FixedDemand([[100.0, 100.0]]), Lumps.deals([50], [0.5], periods=2))
    >>> values, chance = paths.draw(1000, seed=3)
    >>> values.shape, sorted(set(values[:, 0, 0, 0].tolist()))
    ((1000, 1, 2, 1), [100.0, 150.0])
    """

    base: Paths
    lumps: Lumps
    taken_out: Array | None = None

    def with_sampling(self, sampling: str) -> LumpyPaths:
        """The same paths, those of the base drawn another way. Raises ``ArgumentError`` where the base has none."""
        method = getattr(self.base, "with_sampling", None)
        if method is None:
            name = type(self.base).__name__
            raise ArgumentError(f"sampling can be chosen where demand is drawn through a copula, not for {name}")
        return replace(self, base=method(sampling))

    def draw(self, count: int, *, seed: int) -> tuple[Array, Array]:
        """``count`` paths (samples, J, T, B) and their probabilities."""
        values, chance, rng = self._base(count, seed)
        return values + self.lumps.draw(len(values), rng=rng)[..., None], chance

    def contributions(self, count: int, *, seed: int) -> Array:
        """(L, count, T) by what its size is multiplied, for every lump in every path of ``draw(count, seed=seed)``."""
        values, _, rng = self._base(count, seed)
        course, factor = self.lumps.course(len(values), rng=rng)
        return np.stack([each[:, None] * shape[at] for each, shape, at in zip(factor, self.lumps.profile, course)])

    def _base(self, count: int, seed: int) -> tuple[Array, Array, np.random.Generator]:
        """Everybody else's paths, and the stream that the lumps are drawn from."""
        number = int(_checks.whole("count", count, at_least=1))
        values, chance = self.base.draw(number, seed=seed)
        if values.shape[1:3] != (self.lumps.groups, self.lumps.periods):
            raise ArgumentError(
                f"lumps must have the groups and periods of the base {values.shape[1:3]}, "
                f"got {(self.lumps.groups, self.lumps.periods)}"
            )
        if self.taken_out is not None:
            values = np.maximum(values - self.taken_out[..., None], 0.0)
        rng = np.random.default_rng([seed, LUMP_SEED])
        if len(chance) != number:
            values, chance = _spread_over(values, chance, number, rng)
        return values, chance, rng


def _spread_over(values: Array, chance: Array, count: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """``count`` equally likely draws from listed samples: each as often as its probability says, up to one."""
    level = (np.arange(count) + rng.random()) / count
    chosen = np.minimum(np.searchsorted(np.cumsum(chance), level), len(chance) - 1)
    return values[rng.permutation(chosen)], np.full(count, 1.0 / count)
