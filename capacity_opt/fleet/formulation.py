"""From a fleet problem and its samples to a linear program, with the decoder of its answers.

Formulations: ``deterministic`` plans for the mean sample; ``two_stage`` minimises expected cost over all samples;
``chance`` is the same for problems that promise a probability of no shortage; ``cvar`` weighs the conditional value at
risk of cost in (``finance.risk_weight``) or limits that of shortage. Every service target that the problem gives holds
in every formulation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import ArgumentError
from capacity_opt.fleet.arrays import Block, ModelBuilder
from capacity_opt.fleet.capital import placed_capital
from capacity_opt.fleet.decode import Decision, decision_from
from capacity_opt.fleet.frame import Frame
from capacity_opt.fleet.limits import add_limits
from capacity_opt.fleet.objective import add_cost_at_risk
from capacity_opt.fleet.outcomes import Outcomes, outcomes_from
from capacity_opt.fleet.recourse import RecourseColumns, add_normal_recourse
from capacity_opt.fleet.service import add_chance, add_failures, add_fill_rate, add_pooled_failures, add_shortage_cvar
from capacity_opt.fleet.supply import SupplyColumns, add_supply
from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.solvers.linear_program import LinearProgram

Array = NDArray[np.float64]

Formulation = Literal["deterministic", "two_stage", "chance", "cvar"]
FORMULATIONS: tuple[str, ...] = get_args(Formulation)

Failures = Literal["exact", "pooled"]
"""``pooled`` keeps only the aggregate rows for a lost zone: a bound, for comparison; never a plan to trust."""


@dataclass(frozen=True, kw_only=True)
class FleetModel:
    """A linear program with everything needed to read its answers: the frame, and every block by name."""

    lp: LinearProgram
    frame: Frame
    formulation: str
    supply: SupplyColumns
    normal: RecourseColumns
    failures: tuple[RecourseColumns, ...]
    column_blocks: dict[str, Block]
    row_blocks: dict[str, Block]
    column_sample: NDArray[np.int64]

    def decode(self, x: Array) -> Decision:
        """The decision that a point (columns,) stands for."""
        return decision_from(x, self.supply, self.normal)


def build(
    problem: FleetProblem,
    values: Array,
    probability: Array,
    *,
    formulation: str = "two_stage",
    seed: int = 7,
    failures: Failures = "exact",
) -> tuple[LinearProgram, Callable[[Array], Decision]]:
    """The linear program for given demand samples ``values`` (S, J, T, B) with ``probability`` (S,), and its decoder.

    ``deterministic`` takes their mean first. ``seed`` draws spot capacity and disruptions where the problem has them.
    """
    model = build_model(problem, outcomes_from(problem, values, probability, seed=seed), formulation, failures)
    return model.lp, model.decode


def build_model(
    problem: FleetProblem, outcomes: Outcomes, formulation: str = "two_stage", failures: Failures = "exact"
) -> FleetModel:
    """The same from joint outcomes, with the blocks kept."""
    check_formulation(problem, formulation)
    frame = Frame(problem, outcomes.mean() if formulation == "deterministic" else outcomes)
    builder = ModelBuilder(offset=placed_capital(frame))
    supply = add_supply(builder, frame)
    normal = add_normal_recourse(builder, frame, supply)
    add_limits(builder, frame, supply, normal)
    add_fill_rate(builder, frame, normal)
    add_chance(builder, frame, normal, supply)
    add_shortage_cvar(builder, frame, normal)
    states = add_failures(builder, frame, supply) if failures == "exact" else []
    if failures == "pooled":
        add_pooled_failures(builder, frame, supply)
    cost = add_cost_at_risk(builder, frame) if formulation == "cvar" and problem.finance.risk_weight > 0 else None
    return FleetModel(
        lp=builder.finish(cost),
        frame=frame,
        formulation=formulation,
        supply=supply,
        normal=normal,
        failures=tuple(states),
        column_blocks=builder.column_blocks,
        row_blocks=builder.row_blocks,
        column_sample=builder.column_samples(),
    )


def check_formulation(problem: FleetProblem, formulation: str) -> None:
    """Refuse unknown names, and formulations without the data that make them differ from ``two_stage``."""
    if formulation not in FORMULATIONS:
        raise ArgumentError(f"formulation must be one of {', '.join(FORMULATIONS)}, got {formulation!r}")
    service, finance = problem.service, problem.finance
    if formulation == "chance" and np.isnan(service.no_shortage_probability).all():
        raise ArgumentError(
            "formulation 'chance' needs no_shortage_probability for at least one class. Give one, or use 'two_stage'"
        )
    if formulation == "cvar" and finance.risk_weight == 0 and np.isnan(service.shortage_cvar_limit).all():
        raise ArgumentError(
            "formulation 'cvar' needs risk_weight above 0, or shortage_cvar_limit for at least one class. "
            "Give one, or use 'two_stage'"
        )
