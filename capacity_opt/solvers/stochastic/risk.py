"""Risks as rows: the mean of the worst samples is the largest mean under any density that it allows.

CVaR at level a of totals T is the maximum of q @ T over q with sum 1 and 0 <= q <= p / (1 - a). Each q that was the
worst somewhere becomes a row of expectations under q instead of p: a lower bound everywhere, exact where it was found.
Two-stage programs need few of them, since the worst samples hardly change near the optimum.

Source: Rockafellar & Uryasev (2000); the rows are those of Fabian (2008) for CVaR in decomposition.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from capacity_opt.solvers.stochastic.graph import RecourseGraph
from capacity_opt.solvers.stochastic.program import RecourseFamily, SampleGroup, TwoStageProgram

Array = NDArray[np.float64]

PLAIN = 1e-12
FULL_SHARE = 0.75
MISSING = 1e-12
MOST_KINDS, FEW_SAMPLES = 6, 100
"""Above this many differently priced samples, of more than so many, prices are made coarser."""


def worst_density(totals: Array, probability: Array, level: float) -> Array:
    """The density q (S,) of the worst ``1 - level`` share of outcomes with ``totals`` (S,).

    >>> worst_density(np.array([1.0, 4.0, 3.0, 2.0]), np.full(4, 0.25), 0.5)
    array([0. , 0.5, 0.5, 0. ])
    """
    order = np.argsort(-totals, kind="stable")
    most = probability[order] / (1.0 - level)
    before = np.concatenate([[0.0], np.cumsum(most)[:-1]])
    density = np.zeros(len(totals))
    density[order] = np.clip(1.0 - before, 0.0, most)
    density /= density.sum()
    return density


def coarser(density: Array, probability: Array, level: float) -> Array:
    """A density near ``density`` (S,) that the risk allows too, at its most, half of it, or none in all samples but
    one: samples are then priced at a few levels only."""
    most = probability / (1.0 - level)
    share = np.divide(density, most, out=np.zeros_like(density), where=most > 0)
    order = np.argsort(-share, kind="stable")
    allowed = np.where(share[order] >= FULL_SHARE, 1.0, 0.5) * most[order]
    before = np.concatenate([[0.0], np.cumsum(allowed)[:-1]])
    found = np.zeros_like(density)
    found[order] = np.clip(1.0 - before, 0.0, allowed)
    return worst_density(density, probability, level) if found.sum() < 1.0 - MISSING else found / found.sum()


class RiskRows:
    """The densities met so far, as rows."""

    def __init__(self, program: TwoStageProgram) -> None:
        """Begin with the mean, which is at most any CVaR."""
        self.risks = program.risks
        self.columns = np.array([risk.column for risk in self.risks], dtype=np.int64)
        self.probability = program.sample_probability if self.risks else np.zeros(0)
        mean = self.probability / (self.probability.sum() or 1.0)
        self.density = np.tile(mean, (len(self.risks), 1))
        self.of = np.arange(len(self.risks))

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.of)

    def add(self, risk: int, density: Array) -> None:
        """Keep a density (S,) of a risk."""
        self.density = np.vstack([self.density, density])
        self.of = np.append(self.of, risk)

    def steepness(self, prices: Array) -> Array:
        """What a unit of every risk is worth in every sample (risks, S), over the sample's own probability, at
        ``prices`` (rows,)."""
        worth = np.zeros((len(self.risks), len(self.probability)))
        used = np.flatnonzero(prices)
        np.add.at(worth, self.of[used], prices[used, None] * self.density[used])
        return np.divide(worth, self.probability, out=np.zeros_like(worth), where=self.probability > 0)

    def coarse(self, prices: Array, plain: bool) -> tuple[Array, list[int], Array]:
        """Prices (rows,) that price samples apart in a few ways only, of rows to be added: their risks and densities.
        Nothing is changed where they do so already, or where they do not matter (``plain``)."""
        few = np.zeros((0, len(self.probability)))
        if plain or len(self.probability) <= FEW_SAMPLES:
            return prices, [], few
        kept, added, rows, worth = prices.copy(), [], [], []
        for i, risk in enumerate(self.risks):
            own = np.flatnonzero((self.of == i) & (prices != 0))
            total = float(prices[own].sum())
            mixed = prices[own] @ self.density[own] / total if len(own) > 1 and total > 0 else None
            if mixed is not None and len(np.unique(np.round(mixed / self.probability.max(), 9))) > MOST_KINDS:
                kept[own] = 0.0
                added.append(i)
                rows.append(coarser(mixed, self.probability, risk.level))
                worth.append(total)
        return np.concatenate([kept, worth]), added, np.array(rows).reshape(-1, len(self.probability))

    def activity(self, totals: Array) -> Array:
        """What the rows come to for ``totals`` (risks, S), (rows,)."""
        found: Array = np.einsum("ks,ks->k", self.density, totals[self.of])
        return found

    def activity_of(self, group: SampleGroup, at_risk: Array) -> Array:
        """The same for what one group adds in its own samples (risks, S of the group)."""
        density = self.density if group.samples is None else self.density[:, group.samples]
        found: Array = np.einsum("ks,ks->k", density, at_risk[self.of])
        return found

    def density_in(self, group: SampleGroup, row: int) -> Array:
        """A row's density in the group's samples, (S of the group,)."""
        density: Array = self.density[row] if group.samples is None else self.density[row, group.samples]
        return density

    def mass(self, group: SampleGroup) -> Array:
        """How much of every row's density is in the group's samples, (rows,)."""
        density = self.density if group.samples is None else self.density[:, group.samples]
        total: Array = density.sum(axis=1)
        return total

    def worst(self, totals: Array) -> tuple[Array, Array]:
        """The CVaR of every risk (risks,) and the densities (risks, S) under which it is the mean of ``totals``."""
        density = np.array([worst_density(each, self.probability, r.level) for each, r in zip(totals, self.risks)])
        density = density.reshape(totals.shape)
        return np.einsum("is,is->i", density, totals), density


def plain_factor(family: RecourseFamily, group: SampleGroup, graph: object) -> Array | None:
    """How many times its own cost a group adds to each risk (risks,), where it does so and nothing else is counted: its
    recourse is then the same at any price, and samples share bases. ``None``: prices matter."""
    if group.at_risk is None or group.counted is not None or not isinstance(graph, RecourseGraph):
        return None
    size = float(family.cost @ family.cost)
    if size == 0.0:
        return None
    factor: Array = group.at_risk @ family.cost / size
    off = np.abs(group.at_risk - factor[:, None] * family.cost).max()
    return factor if off <= PLAIN * np.abs(group.at_risk).max() and np.all(factor >= 0) else None


def sample_totals(program: TwoStageProgram, at_risk: list[Array | None]) -> Array:
    """What all groups add to every risk in every sample (risks, S), from what each adds (risks, S of the group)."""
    total = np.zeros((len(program.risks), len(program.sample_probability) if program.risks else 0))
    for (_, group), own in zip(program.groups, at_risk, strict=True):
        if own is not None:
            total[:, slice(None) if group.samples is None else group.samples] += own
    return total
