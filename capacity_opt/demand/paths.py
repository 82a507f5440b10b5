"""Joint sample paths of demand over groups, periods and blocks, for fleet problems and simulation.

Every class here is a :class:`capacity_opt.problem.fleet.DemandPaths`: ``draw(count, seed=...)`` gives values
(samples, J, T, B) and probabilities (samples,). Equal seeds give equal bits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.demand.protocol import Demand
from capacity_opt.demand.quantiles import QuantileDemand, Tail
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]
Sampling = Literal["random", "antithetic", "sobol"]
_SAMPLINGS = ("random", "antithetic", "sobol")


@dataclass(frozen=True, eq=False, init=False)
class CopulaPaths:
    """Sample paths with given marginals, tied by a Gaussian copula.

    ``demand`` of shape (J * T * B,), row-major over ``shape`` = (J, T) or (J, T, B). The latent normals follow an
    AR(1) over periods (``period_correlation``, scalar or (J,)) and are correlated across groups
    (``group_correlation``: one number for every pair, or a (J, J) correlation matrix). The blocks of one period rise
    and fall together. ``sampling``: ``"random"``, ``"antithetic"`` (pairs z, -z) or ``"sobol"`` (scrambled).

    >>> paths = CopulaPaths.from_quantiles([0.1, 0.5, 0.9], [[[8, 10, 14], [9, 12, 18]]], period_correlation=0.7)
    >>> values, probability = paths.draw(1000, seed=7)
    >>> values.shape, float(probability[0])
    ((1000, 1, 2, 1), 0.001)
    """

    demand: Demand
    shape: tuple[int, int, int]
    period_correlation: Array
    group_correlation: Array
    sampling: Sampling

    def __init__(
        self,
        demand: Demand,
        shape: tuple[int, ...],
        *,
        period_correlation: ArrayLike = 0.0,
        group_correlation: ArrayLike = 0.0,
        sampling: Sampling = "random",
    ) -> None:
        full = (*shape, 1) if len(shape) == 2 else tuple(shape)
        if len(full) != 3 or demand.shape != (int(np.prod(full)),):
            raise ArgumentError(f"demand must have one item per cell of shape {shape}, got {demand.shape}")
        if sampling not in _SAMPLINGS:
            raise ArgumentError(f"sampling must be one of {', '.join(_SAMPLINGS)}, got {sampling!r}")
        groups = full[0]
        over_time = _checks.between("period_correlation", period_correlation, -1.0, 1.0)
        object.__setattr__(self, "demand", demand)
        object.__setattr__(self, "shape", full)
        object.__setattr__(self, "period_correlation", _checks.shape("period_correlation", over_time, (groups,), "J"))
        object.__setattr__(self, "group_correlation", _correlation_matrix(group_correlation, groups))
        object.__setattr__(self, "sampling", sampling)
        self._innovations()

    @classmethod
    def from_quantiles(
        cls,
        levels: ArrayLike,
        values: ArrayLike,
        *,
        period_correlation: ArrayLike = 0.0,
        group_correlation: ArrayLike = 0.0,
        sampling: Sampling = "random",
        integer: bool = False,
        tail: Tail = "exponential",
    ) -> CopulaPaths:
        """From quantile tables: ``values`` (J, T, levels) or (J, T, B, levels)."""
        table = _checks.finite("values", values)
        if table.ndim not in (3, 4):
            raise ArgumentError(f"values must have shape (J, T, levels) or (J, T, B, levels), got {table.shape}")
        demand = QuantileDemand(levels, table.reshape(-1, table.shape[-1]), integer=integer, tail=tail)
        return cls(
            demand,
            table.shape[:-1],
            period_correlation=period_correlation,
            group_correlation=group_correlation,
            sampling=sampling,
        )

    def with_sampling(self, sampling: Sampling) -> CopulaPaths:
        """The same paths, drawn another way."""
        return replace(self, sampling=sampling)

    def draw(self, count: int, *, seed: int) -> tuple[Array, Array]:
        """``count`` fresh paths (count, J, T, B), equally likely."""
        from scipy import special  # imported here: reading and checking a scenario never draws

        number = int(_checks.whole("count", count, at_least=1))
        level = special.ndtr(self._latent(number, seed))
        spread = np.repeat(np.clip(level, 2.0**-54, 1 - 2.0**-53)[..., None], self.shape[2], axis=3)
        values = self.demand.quantile(spread.reshape(number, -1))
        return values.reshape(number, *self.shape), np.full(number, 1.0 / number)

    def _innovations(self) -> tuple[Array, Array]:
        """Square roots of the covariances of the first period and of the later innovations."""
        rho = self.period_correlation
        return _root(self.group_correlation), _root(self.group_correlation * (1.0 - np.outer(rho, rho)))

    def _latent(self, count: int, seed: int) -> Array:
        groups, periods, _ = self.shape
        noise = _standard_normals(count, groups * periods, seed, self.sampling).reshape(count, periods, groups)
        first, later = self._innovations()
        latent = np.empty((count, groups, periods))
        latent[:, :, 0] = noise[:, 0] @ first.T
        for t in range(1, periods):
            latent[:, :, t] = self.period_correlation * latent[:, :, t - 1] + noise[:, t] @ later.T
        return latent


@dataclass(frozen=True, eq=False, init=False)
class GivenSamples:
    """Sample paths given one by one: ``values`` (S, J, T) or (S, J, T, B), ``probability`` (S,), equal unless given.

    >>> values, probability = GivenSamples([[[5.0]], [[9.0]]], [0.25, 0.75]).draw(1, seed=0)
    >>> values.shape, probability
    ((2, 1, 1, 1), array([0.25, 0.75]))
    """

    values: Array
    probability: Array

    def __init__(self, values: ArrayLike, probability: ArrayLike | None = None) -> None:
        table = _checks.non_negative("values", values)
        if table.ndim not in (3, 4) or len(table) == 0:
            raise ArgumentError(f"values must have shape (samples, J, T) or (samples, J, T, B), got {table.shape}")
        chances = np.full(len(table), 1.0 / len(table)) if probability is None else probability
        checked = _checks.probabilities("probability", chances)
        _checks.same_length(values=table, probability=checked)
        object.__setattr__(self, "values", table[..., None] if table.ndim == 3 else table)
        object.__setattr__(self, "probability", checked)

    def draw(self, count: int, *, seed: int) -> tuple[Array, Array]:  # noqa: ARG002 - the protocol's signature
        """All given samples, whatever ``count`` and ``seed``."""
        return self.values, self.probability


@dataclass(frozen=True, eq=False, init=False)
class FixedDemand:
    """Demand known for certain, ``values`` (J, T) or (J, T, B): one sample with probability 1.

    >>> FixedDemand([[5.0, 6.0]]).draw(100, seed=0)[0].shape
    (1, 1, 2, 1)
    """

    values: Array

    def __init__(self, values: ArrayLike) -> None:
        table = _checks.non_negative("values", values)
        if table.ndim not in (2, 3):
            raise ArgumentError(f"values must have shape (J, T) or (J, T, B), got {table.shape}")
        object.__setattr__(self, "values", table[..., None] if table.ndim == 2 else table)

    def draw(self, count: int, *, seed: int) -> tuple[Array, Array]:  # noqa: ARG002 - the protocol's signature
        """The one sample, whatever ``count`` and ``seed``."""
        return self.values[None], np.ones(1)


def _standard_normals(count: int, dimensions: int, seed: int, sampling: Sampling) -> Array:
    rng = np.random.default_rng(seed)
    if sampling == "antithetic":
        half = rng.standard_normal(((count + 1) // 2, dimensions))
        return np.concatenate([half, -half])[:count]
    if sampling == "sobol":
        from scipy import special
        from scipy.stats import qmc  # imported here: it takes most of a second

        points = qmc.Sobol(dimensions, scramble=True, seed=rng).random_base2(int(count - 1).bit_length())[:count]
        normals: Array = special.ndtri(np.clip(points, 2.0**-54, 1 - 2.0**-53))
        return normals
    return rng.standard_normal((count, dimensions))


def _correlation_matrix(value: ArrayLike, groups: int) -> Array:
    given = _checks.between("group_correlation", value, -1.0, 1.0)
    if given.ndim == 0:
        return np.where(np.eye(groups, dtype=bool), 1.0, given)
    if given.shape != (groups, groups) or not np.allclose(given, given.T) or not np.allclose(np.diag(given), 1.0):
        raise ArgumentError(
            f"group_correlation must be a number or a symmetric ({groups}, {groups}) matrix with ones on its diagonal"
        )
    return given


def _root(covariance: Array) -> Array:
    """A square root of a covariance matrix that may be singular."""
    values, vectors = np.linalg.eigh(covariance)
    if values.min() < -1e-9:
        raise ArgumentError(
            "group_correlation and period_correlation contradict each other: no such paths exist "
            f"(smallest eigenvalue {values.min():.3g}). Use a smaller correlation, or one period_correlation for all"
        )
    root: Array = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    return root
