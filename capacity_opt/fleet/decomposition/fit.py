"""Whether a fleet problem can be decomposed, and whether it is worth it."""

from __future__ import annotations

import numpy as np

from capacity_opt.fleet.outcomes import Outcomes
from capacity_opt.problem.fleet import FleetProblem

DECOMPOSED = ("two_stage", "cvar")
"""Formulations whose samples can share their recourse."""
MOST_COLUMNS = 20_000
"""Up to about this many columns one program is as fast, and its answer is a vertex."""
MOST_LIMITED_COLUMNS = 200_000
"""The same where the CVaR of shortage is limited: samples are then priced one by one, and share fewer bases."""
MOST_WHOLE_COLUMNS = 8_000
"""The same where racks are whole: branching on one program loses to searching the first stage sooner."""


def why_not(problem: FleetProblem, outcomes: Outcomes, formulation: str = "two_stage") -> str | None:
    """In a few words, why samples cannot share their recourse; ``None`` where they differ in demand only."""
    service, supply = problem.service, problem.supply
    late = supply.recourse_from is not None and supply.recourse_from < problem.sizes["T"]
    reasons = (
        (formulation not in DECOMPOSED, f"formulation is {formulation}"),
        (late, "orders may follow the sample (recourse_from)"),
        (outcomes.random_supply, "deliveries differ between samples"),
        (outcomes.random_zones, "zones are not all there in every sample"),
        (bool(np.any(outcomes.bought != 1.0)), "spot is not there in every sample"),
        (bool(np.any(~np.isnan(service.no_shortage_probability))), "a no-shortage probability is promised"),
        (service.protected_quantile < 1.0, "protection may fail in some samples (protected_quantile)"),
    )
    return next((reason for holds, reason in reasons if holds), None)


def why_not_expected(problem: FleetProblem, outcomes: Outcomes, formulation: str = "two_stage") -> str | None:
    """The same for what takes expectations only, no risks."""
    limited = bool(np.any(~np.isnan(problem.service.shortage_cvar_limit)))
    weighed = formulation == "cvar" and problem.finance.risk_weight > 0
    reason = why_not(problem, outcomes, formulation)
    if reason is None and (limited or weighed):
        return "a shortage CVaR limit is promised" if limited else "the objective weighs the CVaR of cost"
    return reason


def worth_it(samples: int, columns: int, *, whole: bool = False, limited: bool = False) -> bool:
    """Whether an extensive form of ``samples`` with ``columns`` recourse columns each is large enough to decompose;
    ``whole``: racks are whole; ``limited``: a shortage CVaR is limited."""
    most = MOST_LIMITED_COLUMNS if limited else MOST_WHOLE_COLUMNS if whole else MOST_COLUMNS
    return samples * columns > most
