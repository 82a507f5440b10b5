"""The risks of a fleet problem in its two-stage program: the CVaR of cost that is paid for, those of shortage that are
limited. Each is a column of the first stage that its samples' worst must not pass."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from capacity_opt.fleet.formulation import FleetModel
from capacity_opt.fleet.frame import Frame
from capacity_opt.fleet.service import counted_groups
from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.solvers.stochastic.program import Risk, SampleGroup, TwoStageProgram

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Risks:
    """Weight and level of the risk of cost (weight 0: none), and which classes' shortage is limited (C',)."""

    weight: float
    level: float
    classes: IntArray

    @property
    def count(self) -> int:
        """How many there are."""
        return int(self.weight > 0) + len(self.classes)


def risks_of(problem: FleetProblem, formulation: str) -> Risks:
    """The risks that a problem has in a formulation."""
    finance = problem.finance
    return Risks(
        weight=finance.risk_weight if formulation == "cvar" else 0.0,
        level=finance.risk_level,
        classes=np.flatnonzero(~np.isnan(problem.service.shortage_cvar_limit)),
    )


def without_limits(problem: FleetProblem) -> FleetProblem:
    """The problem without limits of shortage CVaR."""
    none = np.full_like(problem.service.shortage_cvar_limit, np.nan)
    return replace(problem, service=replace(problem.service, shortage_cvar_limit=none))


def with_risks(
    program: TwoStageProgram, risks: Risks, model: FleetModel, frame: Frame, columns: list[IntArray]
) -> TwoStageProgram:
    """``program`` with its risks; ``columns``: per group, the numbers of its recourse columns in the model of one
    sample."""
    if not risks.count:
        return program
    service, first = frame.problem.service, program.first
    rate, numbered, families = _shortage_rates(risks, model, frame), iter(columns), []
    for family in program.families:
        groups = []
        for group in family.groups:
            rows = rate[:, next(numbered)]
            if risks.weight > 0:
                rows = np.vstack([group.weight * family.cost, rows])
            groups.append(_at_risk(group, rows, risks))
        families.append(replace(family, groups=tuple(groups)))
    paid, limits = risks.weight > 0, service.shortage_cvar_limit[risks.classes]
    levels = [risks.level] * paid + service.shortage_cvar_level[risks.classes].tolist()
    wide = replace(
        first,
        cost=np.concatenate([first.cost, [risks.weight] * paid, np.zeros(len(limits))]),
        matrix=_widened(first.matrix, risks.count),
        column_lower=np.concatenate([first.column_lower, [-np.inf] * paid, np.zeros(len(limits))]),
        column_upper=np.concatenate([first.column_upper, [np.inf] * paid, limits]),
        integer=np.concatenate([first.integer, np.zeros(risks.count, dtype=bool)]),
    )
    coupling = program.coupling
    return TwoStageProgram(
        first=wide,
        families=tuple(families),
        coupling=None if coupling is None else replace(coupling, matrix=_widened(coupling.matrix, risks.count)),
        risks=tuple(Risk(column=first.columns + i, level=float(level)) for i, level in enumerate(levels)),
    )


def _shortage_rates(risks: Risks, model: FleetModel, frame: Frame) -> Array:
    """What a unit of each column adds to the shortage of each limited class, (C', columns)."""
    index = model.normal.unmet[..., 0]
    there = index >= 0
    counted = counted_groups(frame)[risks.classes].astype(float)[:, :, None, None]
    amount = np.broadcast_to(counted * frame.problem.block_share, (len(risks.classes), *index.shape))
    rate = np.zeros((len(risks.classes), model.lp.columns))
    rate[:, index[there]] = amount[:, there]
    return rate


def _at_risk(group: SampleGroup, rows: Array, risks: Risks) -> SampleGroup:
    wide = _widened(group.technology, risks.count)
    if not rows.any():
        return replace(group, technology=wide, weight=(1.0 - risks.weight) * group.weight)
    return replace(group, technology=wide, weight=(1.0 - risks.weight) * group.weight, at_risk=rows)


def _widened(matrix: sparse.csr_array, more: int) -> sparse.csr_array:
    return sparse.csr_array(sparse.hstack([matrix, sparse.csr_array((matrix.shape[0], more))], format="csr"))
