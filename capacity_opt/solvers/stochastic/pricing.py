"""What rows that tie samples together look like in the master, and what leaving them is worth at first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from capacity_opt.solvers.stochastic.master import reach_of
from capacity_opt.solvers.stochastic.program import Coupling, TwoStageProgram
from capacity_opt.solvers.stochastic.risk import RiskRows

Array = NDArray[np.float64]

LEAST_DEAR = 1e-6


def first_dear(program: TwoStageProgram) -> Array:
    """A first guess of the dearest that a unit of each coupling row can be worth."""
    size = np.full(len(program.rows_of_expectations.lower), LEAST_DEAR)
    for family, group in program.groups:
        if group.counted is not None:
            counted = np.abs(group.counted)
            least = np.where(counted > 0, counted, np.inf).min(axis=1)
            size = np.maximum(size, group.weight * float(np.abs(family.cost).max(initial=0.0)) / least)
    return 2.0 * size


def dear_risks(program: TwoStageProgram) -> Array:
    """The same for a unit of each risk, (risks,): at least what the risk costs in the objective."""
    size = np.full(len(program.risks), LEAST_DEAR)
    for family, group in program.groups:
        if group.at_risk is not None:
            amount = np.abs(group.at_risk)
            least = np.where(amount > 0, amount, np.inf).min(axis=1)
            size = np.maximum(size, group.weight * float(np.abs(family.cost).max(initial=0.0)) / least)
    paid = np.array([program.first.cost[risk.column] for risk in program.risks])
    return np.maximum(2.0 * size, 4.0 * paid)


def risk_coupling(program: TwoStageProgram, risks: RiskRows, newest: int) -> tuple[Coupling, Array, Array]:
    """The newest rows of risks as coupling rows, with the least and the most (G, rows) that groups may add to them."""
    of = risks.of[len(risks) - newest :]
    place = (np.arange(newest), risks.columns[of])
    matrix = sparse.csr_array((-np.ones(newest), place), shape=(newest, program.first.columns))
    least = np.zeros((len(program.groups), newest))
    most = np.zeros_like(least)
    for g, (family, group) in enumerate(program.groups):
        if group.at_risk is not None:
            low, high = reach_of(family, group.at_risk)
            mass = risks.mass(group)[len(risks) - newest :]
            there = mass > 0
            least[g, there], most[g, there] = mass[there] * low[of[there]], mass[there] * high[of[there]]
    return Coupling(matrix=matrix, lower=np.full(newest, -np.inf), upper=np.zeros(newest)), least, most
