"""Large customers one by one: lumps of demand that are there or not, and when. Deals that may be won, accounts that may
leave, launches that may slip. Everybody else is the base demand; together they make a :class:`~capacity_opt.Demand`
(:func:`lumpy_demand`) or joint sample paths (:class:`LumpyPaths`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Lumps:
    """L large customers, each with finitely many courses that its demand may take.

    Lump l asks group j in period t for ``size[l, j] * factor * profile[l, k, t]``: course k has ``chance[l, k]``, and
    the lognormal ``factor`` has mean 1 and coefficient of variation ``spread[l]``. Course and factor are drawn once per
    lump: a deal that is won is won in every group (service, region) that it touches. Lumps are independent.

    ``names`` (L,); ``size`` (L, J) demand units; ``spread`` (L,); ``chance`` (L, K), rows sum to 1; ``profile``
    (L, K, T), shares of the size, at least 0. Use :meth:`deals`, :meth:`accounts` and :meth:`joined`.
    """

    names: tuple[str, ...]
    size: Array
    spread: Array
    chance: Array
    profile: Array

    def __post_init__(self) -> None:
        """Check every shape."""
        count = len(self.names)
        for name, array, dimensions in (
            ("size", self.size, 2),
            ("chance", self.chance, 2),
            ("profile", self.profile, 3),
        ):
            if array.ndim != dimensions or len(array) != count:
                raise ArgumentError(f"{name} must have one row per lump ({count}), got shape {array.shape}")
        if self.profile.shape[1] != self.chance.shape[1]:
            raise ArgumentError(f"profile must have {self.chance.shape[1]} courses, got shape {self.profile.shape}")
        _checks.non_negative("size", self.size)
        _checks.non_negative("spread", self.spread)
        _checks.non_negative("profile", self.profile)

    @classmethod
    def deals(
        cls,
        size: ArrayLike,
        win_probability: ArrayLike,
        *,
        spread: ArrayLike = 0.0,
        start: ArrayLike = 0,
        slip: ArrayLike = 1.0,
        ramp: ArrayLike = 0,
        periods: int = 1,
        names: Sequence[str] | None = None,
    ) -> Self:
        """Deals that may be won: nothing, or ``size`` from the start on.

        ``size`` (L,) or (L, J) mean units if won; ``win_probability`` (L,) in [0, 1]; ``start`` (L,) the whole period
        in which a won deal should begin (0 = the first; less: already running); ``slip`` (m,) or (L, m): chances of
        beginning 0, 1, ... m - 1 periods late; ``ramp`` (L,): whole periods of linear growth to full size (0: at once,
        2: a third, two thirds, all); ``periods`` T.

        >>> Lumps.deals([100, 40], [0.5, 0.25], periods=2).mean
        array([[60., 60.]])
        """
        table, labels = _sizes(size, names)
        count = len(table)
        won = _checks.share("win_probability", _checks.shape("win_probability", win_probability, (count,)))
        late = _checks.probabilities("slip", slip)
        late = np.broadcast_to(late, (count, late.shape[-1]) if late.ndim else (count, 1))
        begin = np.broadcast_to(np.asarray(_checks.numbers("start", start)), (count,))
        growth = np.broadcast_to(_checks.whole("ramp", ramp), (count,))
        age = np.arange(periods) - (begin[:, None, None] + np.arange(late.shape[1])[None, :, None])
        shape = np.clip((age + 1.0) / (growth[:, None, None] + 1.0), 0.0, 1.0)
        lost = np.zeros((count, 1, periods))
        return cls(
            names=labels,
            size=table,
            spread=_checks.shape("spread", spread, (count,)),
            chance=np.concatenate([1.0 - won[:, None], won[:, None] * late], axis=1),
            profile=np.concatenate([lost, shape], axis=1),
        )

    @classmethod
    def accounts(
        cls,
        size: ArrayLike,
        *,
        leave_probability: ArrayLike = 0.0,
        growth: ArrayLike = 0.0,
        spread: ArrayLike = 0.0,
        periods: int = 1,
        names: Sequence[str] | None = None,
    ) -> Self:
        """Named customers who are there now: ``size`` (L,) or (L, J) units now, growing by ``growth`` (L,) per period,
        gone for good with ``leave_probability`` (L,) in each period (the first included).

        >>> Lumps.accounts([100], leave_probability=0.1, periods=2).mean
        array([[90., 81.]])
        """
        table, labels = _sizes(size, names)
        count = len(table)
        leave = _checks.share("leave_probability", _checks.shape("leave_probability", leave_probability, (count,)))
        rate = _checks.between("growth", _checks.shape("growth", growth, (count,)), -1.0, np.inf)
        t = np.arange(periods)
        stay = 1.0 - leave[:, None]
        leaving = leave[:, None] * stay**t
        grown = (1.0 + rate[:, None]) ** t
        courses = np.where(t[None, :] < np.arange(periods + 1)[:, None], 1.0, 0.0)
        return cls(
            names=labels,
            size=table,
            spread=_checks.shape("spread", spread, (count,)),
            chance=np.concatenate([leaving, stay**periods], axis=1),
            profile=courses[None] * grown[:, None, :],
        )

    @classmethod
    def joined(cls, parts: Sequence[Lumps]) -> Self:
        """Several sets of lumps of the same groups and periods as one."""
        if not parts:
            raise ArgumentError("parts must hold at least one set of lumps")
        shapes = {(part.size.shape[1], part.profile.shape[2]) for part in parts}
        if len(shapes) > 1:
            raise ArgumentError(f"parts must have the same groups and periods, got {sorted(shapes)}")
        courses = max(part.chance.shape[1] for part in parts)
        wide = [courses - part.chance.shape[1] for part in parts]
        return cls(
            names=tuple(name for part in parts for name in part.names),
            size=np.concatenate([part.size for part in parts]),
            spread=np.concatenate([part.spread for part in parts]),
            chance=np.concatenate([np.pad(part.chance, ((0, 0), (0, more))) for part, more in zip(parts, wide)]),
            profile=np.concatenate(
                [np.pad(part.profile, ((0, 0), (0, more), (0, 0))) for part, more in zip(parts, wide)]
            ),
        )

    @property
    def groups(self) -> int:
        """J."""
        return int(self.size.shape[1])

    @property
    def periods(self) -> int:
        """T."""
        return int(self.profile.shape[2])

    @property
    def means(self) -> Array:
        """(L, J, T) expected demand of each lump."""
        share = np.asarray(np.einsum("lk,lkt->lt", self.chance, self.profile), dtype=np.float64)
        return self.size[:, :, None] * share[:, None, :]

    @property
    def mean(self) -> Array:
        """(J, T) expected demand of all lumps."""
        total: Array = self.means.sum(axis=0)
        return total

    @property
    def variance(self) -> Array:
        """(J, T) variance of all lumps' demand."""
        second = np.einsum("lk,lkt->lt", self.chance, self.profile**2) * (1.0 + self.spread[:, None] ** 2)
        squares = self.size[:, :, None] ** 2 * second[:, None, :]
        return np.asarray(np.maximum(squares - self.means**2, 0.0).sum(axis=0))

    def draw(self, count: int, *, rng: np.random.Generator) -> Array:
        """``count`` joint draws, (count, J, T)."""
        drawn = self.course(count, rng=rng)
        total = np.zeros((count, self.groups, self.periods))
        for lump, (course, factor) in enumerate(zip(*drawn)):
            total += (factor[:, None] * self.profile[lump, course])[:, None, :] * self.size[lump][:, None]
        return total

    def course(self, count: int, *, rng: np.random.Generator) -> tuple[NDArray[np.int64], Array]:
        """(L, count) which course each lump takes, and the factor on its size."""
        chosen = rng.random((len(self.names), count))
        bounds = np.cumsum(self.chance, axis=1)
        last = self.chance.shape[1] - 1
        course = np.minimum((chosen[:, None, :] >= bounds[:, :, None]).sum(axis=1), last)
        sigma = np.sqrt(np.log1p(self.spread**2))[:, None]
        factor = np.exp(sigma * rng.standard_normal((len(self.names), count)) - 0.5 * sigma**2)
        return course, factor

    def take(self, lumps: ArrayLike) -> Lumps:
        """The chosen lumps only, by position."""
        at = np.atleast_1d(np.asarray(lumps, dtype=np.int64))
        return Lumps(
            names=tuple(self.names[i] for i in at.tolist()),
            size=self.size[at],
            spread=self.spread[at],
            chance=self.chance[at],
            profile=self.profile[at],
        )


def _sizes(size: ArrayLike, names: Sequence[str] | None) -> tuple[Array, tuple[str, ...]]:
    table = _checks.non_negative("size", size)
    if table.ndim not in (1, 2):
        raise ArgumentError(f"size must have shape (lumps,) or (lumps, groups), got {table.shape}")
    labels = tuple(names) if names is not None else tuple(f"lump {i + 1}" for i in range(len(table)))
    _checks.same_length(size=table, names=labels)
    return (table[:, None] if table.ndim == 1 else table), labels
