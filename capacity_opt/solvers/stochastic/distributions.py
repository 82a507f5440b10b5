"""What a stoch file says of its random numbers: blocks of discrete outcomes, or one number of a continuous law."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

RHS, COST, MATRIX, LOWER, UPPER = "rhs", "cost", "matrix", "lower", "upper"
CONTINUOUS = ("UNIFORM", "NORMAL", "LOGNORM")


@dataclass(frozen=True, order=True)
class Element:
    """One random number of the core: ``kind`` rhs (row), cost, lower or upper (column), or matrix (row, column); -1
    where unused."""

    kind: str
    row: int
    column: int


@dataclass(frozen=True, kw_only=True)
class Law:
    """A continuous law: ``UNIFORM`` between ``first`` and ``second``, ``NORMAL`` with mean and variance, ``LOGNORM``
    with mean and variance of the logarithm; ``scale`` and ``shift`` apply to what is drawn."""

    kind: str
    first: float
    second: float
    scale: float = 1.0
    shift: float = 0.0

    def quantile(self, level: Array) -> Array:
        """The value at ``level`` in (0, 1)."""
        from scipy import special

        if self.kind == "UNIFORM":
            drawn = self.first + (self.second - self.first) * level
        else:
            drawn = self.first + np.sqrt(self.second) * special.ndtri(level)
            drawn = np.exp(drawn) if self.kind == "LOGNORM" else drawn
        value: Array = self.scale * drawn + self.shift
        return value


@dataclass(frozen=True, kw_only=True)
class Block:
    """Elements that move together, independently of other blocks: ``outcomes`` (n, elements), ``probability`` (n,); or
    one element of a continuous ``law``, without outcomes."""

    stage: int
    elements: tuple[Element, ...]
    outcomes: Array
    probability: Array
    law: Law | None = None

    @property
    def count(self) -> float:
        """How many outcomes there are."""
        return np.inf if self.law is not None else float(len(self.probability))

    def at(self, level: Array) -> Array:
        """The outcomes (n, elements) at levels (n,) in (0, 1) of the block's own distribution function."""
        if self.law is not None:
            return self.law.quantile(level)[:, None]
        reached = np.cumsum(self.probability)
        chosen = np.searchsorted(reached[:-1] / reached[-1], level, side="right")
        found: Array = self.outcomes[chosen]
        return found


@dataclass(frozen=True, kw_only=True)
class TreeScenario:
    """A path of a scenario tree: it differs from ``parent`` (-1: the core) from stage ``branch`` on by ``changes``."""

    name: str
    parent: int
    branch: int
    probability: float
    changes: dict[Element, float]
