"""A decomposition under way, and how it ends."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from capacity_opt.solvers.stochastic.checkpoint import Saving
from capacity_opt.solvers.stochastic.fixed import Settled
from capacity_opt.solvers.stochastic.inner import Mixture
from capacity_opt.solvers.stochastic.master import Master, MasterDuals, master_of
from capacity_opt.solvers.stochastic.oracle import Evaluation, Graphs, Oracle
from capacity_opt.solvers.stochastic.pricing import dear_risks, first_dear, risk_coupling
from capacity_opt.solvers.stochastic.program import TwoStageProgram

Array = NDArray[np.float64]

MOST_POINTS = 150


@dataclass(frozen=True, kw_only=True)
class TwoStageSolution:
    """The outcome of a decomposition: ``x`` first stage; bound <= optimum <= objective, both recomputed from evaluated
    recourse; ``group_values`` expected recourse per group at ``x``; ``bases`` how many recourse bases were met;
    ``settled`` the recourse at ``x``; ``relaxed`` the linear relaxation's own solution where there are whole numbers;
    ``duals`` of the program (with its whole numbers fixed); ``proven`` the relaxation's bound, from its duals;
    ``risk_prices`` (risks,) what a unit more set aside for each risk is worth. ``limit`` is ``"interrupted"`` where
    Ctrl-C ended the search: what was known by then is here."""

    reason: str
    limit: str = "none"
    objective: float = float("nan")
    bound: float = float("-inf")
    gap: float = float("nan")
    x: Array | None = None
    group_values: Array | None = None
    relaxed_objective: float = float("nan")
    iterations: int = 0
    bases: int = 0
    seconds: float = 0.0
    seconds_master: float = 0.0
    history: tuple[tuple[int, float, float], ...] = field(default=(), repr=False)
    settled: Settled | None = field(default=None, repr=False)
    relaxed: TwoStageSolution | None = field(default=None, repr=False)
    duals: MasterDuals | None = field(default=None, repr=False)
    proven: float = float("nan")
    risk_prices: Array | None = field(default=None, repr=False)


@dataclass
class Search:
    """A decomposition under way: everything that stays useful when only the coupling rows' bounds move. ``starts``:
    first stages (n,) to be tried first where whole numbers are asked for."""

    program: TwoStageProgram
    oracle: Oracle
    master: Master
    points: list[Evaluation] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)
    activities: list[Array] = field(default_factory=list)
    dear: Array = field(default_factory=lambda: np.zeros(0))
    iteration: int = 0
    seconds_master: float = 0.0
    history: list[tuple[int, float, float]] = field(default_factory=list)
    freed: bool = False
    boxed: bool = False
    starts: list[Array] = field(default_factory=list)
    totals: list[Array] = field(default_factory=list)
    dearer: float = 1.0
    saving: Saving | None = None

    def add(self, evaluation: Evaluation) -> float:
        """Keep a feasible evaluation as a point of mixtures; its cost without what is set aside for risks."""
        first = self.program.first
        cost = float(first.cost @ evaluation.point + first.offset + self.oracle.weights @ evaluation.cost)
        totals = evaluation.totals(self.program)
        self.points.append(replace(evaluation, values=[], places=[], at_risk=[]))
        self.costs.append(cost)
        self.activities.append(np.concatenate([evaluation.activity(self.program), self.oracle.risks.activity(totals)]))
        self.totals.append(totals)
        return cost

    def add_risk_rows(self, of: list[int], density: Array) -> None:
        """Know risks under further densities (rows, S), in the oracle, the master and for all points."""
        risks, before, dear = self.oracle.risks, self.oracle.coupled, dear_risks(self.program)
        for risk, each in zip(of, density, strict=True):
            risks.add(risk, each)
        self.master.add_coupling_rows(*risk_coupling(self.program, risks, len(of)))
        self.dear = np.concatenate([self.dear, dear[of] * self.dearer])
        here = self.oracle.coupled - before
        self.activities = [
            np.concatenate([known, risks.activity(totals)[-here:]])
            for known, totals in zip(self.activities, self.totals, strict=True)
        ]

    def risk_prices(self, duals: MasterDuals) -> Array:
        """The prices of all rows of each risk together, (risks,)."""
        risks, static = self.oracle.risks, len(self.program.rows_of_expectations.lower)
        own = -duals.coupling[static : static + len(risks)]
        total = np.zeros(len(self.program.risks))
        np.add.at(total, risks.of[: len(own)], own)
        return total

    def coarse(self, prices: Array) -> Array:
        """Prices of all coupling rows that price samples apart in a few ways only; rows are added for that."""
        static, oracle = len(self.program.rows_of_expectations.lower), self.oracle
        if not len(oracle.risks):
            return prices
        plain = all(
            own is not None for own, (_, group) in zip(oracle.plain, oracle.groups) if group.at_risk is not None
        )
        told, of, density = oracle.risks.coarse(oracle.padded(prices)[static:], plain)
        if of:
            self.add_risk_rows(of, density)
        return np.concatenate([prices[:static], told])

    def drop_points(self, mixture: Mixture) -> Mixture:
        """Keep the points in use and the newest; the mixture of those that stay."""
        if len(self.points) <= MOST_POINTS:
            return mixture
        keep = sorted({*np.flatnonzero(mixture.weights > 0).tolist(), *range(len(self.points))[-MOST_POINTS // 2 :]})
        self.points = [self.points[i] for i in keep]
        self.costs = [self.costs[i] for i in keep]
        self.activities = [self.activities[i] for i in keep]
        self.totals = [self.totals[i] for i in keep]
        return replace(mixture, weights=mixture.weights[keep])


def start_search(program: TwoStageProgram, *, seed: int = 0, graphs: Graphs | None = None, workers: int = 0) -> Search:
    """A search without cuts; ``graphs``: bases known from programs with other samples; ``workers``: processes for large
    recourse problems."""
    oracle, master = Oracle(program, graphs, workers=workers), master_of(program, seed=seed)
    if program.risks:
        master.add_coupling_rows(*risk_coupling(program, oracle.risks, len(oracle.risks)))
    dear = np.concatenate([first_dear(program), dear_risks(program)])
    return Search(program=program, oracle=oracle, master=master, dear=dear)
