"""Trust nothing: recompute what a solver claims from the program itself, on every run.

Every check is a value held against a tolerance. Sizes are relative to max(1, size of what they are compared with), so a
program in cents and the same program in millions are judged alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import VerificationError
from capacity_opt.solvers.backend import relative_gap
from capacity_opt.solvers.duality import dual_infeasibility, dual_slack, lagrangian_bound, reduced_costs
from capacity_opt.solvers.linear_program import LinearProgram
from capacity_opt.solvers.rounding import column_violation, fix_integers, row_violation
from capacity_opt.solvers.solution import Solution

Array = NDArray[np.float64]
Verdict = Literal["verified", "failed", "no_point"]

FEASIBILITY = 1e-6
INTEGRALITY = 1e-9
EXACT = 1e-9
DUALITY = 1e-6


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One thing recomputed: ``value`` must not exceed ``tolerance``; ``place`` names the worst row or column."""

    name: str
    value: float
    tolerance: float
    place: str = ""

    @property
    def passed(self) -> bool:
        """Whether the value keeps its tolerance (NaN never does)."""
        return bool(self.value <= self.tolerance)

    def __str__(self) -> str:
        where = f" at {self.place}" if self.place and not self.passed else ""
        sign = "<=" if self.passed else ">"
        return f"{self.name}: {self.value:.3g} {sign} {self.tolerance:g}{where}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Verification:
    """What was checked. ``no_point``: the solver claims no point, and indeed gives no numbers to use."""

    verdict: Verdict
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing failed."""
        return self.verdict != "failed"

    @property
    def failures(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if not check.passed)

    def require(self) -> None:
        """Raise ``VerificationError`` naming every failed check."""
        if not self.passed:
            told = "; ".join(str(check) for check in self.failures)
            raise VerificationError(f"the solver's answer failed {len(self.failures)} of {len(self.checks)}: {told}")


def verify(lp: LinearProgram, solution: Solution, *, gap: float = 1e-4) -> Verification:
    """Recompute feasibility, integrality, cost, prices and both bounds of ``solution`` from ``lp``.

    ``gap`` is the relative gap an integer program was asked to be solved to. A linear program called optimal must be
    proven by its own prices to 1e-6. An integer program's bound cannot be recomputed without a search: it must lie
    below the objective, and the point with its integers fixed must be proven optimal by the local prices, if given.

    >>> from scipy import sparse
    >>> from capacity_opt.solvers.solve import solve
    >>> lp = LinearProgram(cost=np.array([2.0]), matrix=sparse.csr_array([[1.0]]), row_lower=np.array([3.0]),
    ...     row_upper=np.array([np.inf]), column_lower=np.zeros(1), column_upper=np.array([9.0]),
    ...     integer=np.zeros(1, dtype=bool))
    >>> verify(lp, solve(lp)).verdict
    'verified'
    >>> from dataclasses import replace
    >>> str(verify(lp, replace(solve(lp), x=np.array([2.0]))).failures[0])
    'rows kept: 0.333 > 1e-06 at row 0'
    """
    if solution.x is None:
        checks = _without_point(solution)
        verdict: Verdict = "no_point"
    else:
        checks = _with_point(lp, solution, solution.x, gap)
        verdict = "verified"
    if not all(check.passed for check in checks):
        verdict = "failed"
    return Verification(verdict=verdict, checks=tuple(checks))


def _without_point(solution: Solution) -> list[Check]:
    contradicts = solution.reason in ("optimal", "feasible") or not np.isnan(solution.objective)
    return [Check(name="no point claimed where none is given", value=float(contradicts), tolerance=0.0)]


def _with_point(lp: LinearProgram, solution: Solution, x: Array, gap: float) -> list[Check]:
    shaped = x.shape == (lp.columns,) and bool(np.isfinite(x).all())
    first = Check(name="point finite and of the right length", value=float(not shaped), tolerance=0.0)
    if not shaped:
        return [first]
    claims = Check(
        name="status allows a point", value=float(solution.reason not in ("optimal", "feasible")), tolerance=0.0
    )
    return [first, claims, *_primal(lp, x), *_values(lp, solution, x, gap), *_prices(lp, solution, x)]


def _primal(lp: LinearProgram, x: Array) -> list[Check]:
    distance = np.where(lp.integer, np.abs(x - np.rint(x)), 0.0)
    return [
        _worst("rows kept", row_violation(lp, x), FEASIBILITY, "row"),
        _worst("column bounds kept", column_violation(lp, x), FEASIBILITY, "column"),
        _worst("integers whole", distance, INTEGRALITY, "column"),
    ]


def _values(lp: LinearProgram, solution: Solution, x: Array, gap: float) -> list[Check]:
    objective = float(lp.cost @ x) + lp.offset
    size = max(1.0, abs(objective), float(np.abs(lp.cost) @ np.abs(x)) * 1e-3)
    implied = relative_gap(solution.objective, solution.bound)
    off = abs(solution.gap - implied) if np.isfinite(implied) else float(solution.gap != implied)
    checks = [
        Check(name="objective as recomputed", value=abs(solution.objective - objective) / size, tolerance=EXACT),
        Check(name="bound not above objective", value=max(solution.bound - objective, 0.0) / size, tolerance=EXACT),
        Check(name="gap as recomputed", value=off, tolerance=EXACT * max(1.0, implied)),
    ]
    if solution.reason == "optimal":
        # the floor keeps an objective near 0 from turning rounding into a large relative gap
        allowed = max(gap if lp.integer.any() else DUALITY, DUALITY * size / max(abs(objective), 1e-9))
        checks.append(Check(name="gap within the one asked for", value=implied, tolerance=allowed))
    return checks


def _prices(lp: LinearProgram, solution: Solution, x: Array) -> list[Check]:
    duals = solution.row_duals
    if duals is None:
        return []
    if duals.shape != (lp.rows,) or not np.isfinite(duals).all():
        return [Check(name="row duals finite and of the right length", value=1.0, tolerance=0.0)]
    size = max(1.0, float(np.abs(lp.cost).max(initial=0.0)))
    checks = [_reduced(lp, solution, duals, size)]
    priced = lp if not lp.integer.any() else fix_integers(lp, np.where(lp.integer, np.rint(x), x))
    if priced is None or (solution.reason != "optimal" and not lp.integer.any()):
        return checks
    return [*checks, *_proof(lp, priced, solution, x, size)]


def _proof(lp: LinearProgram, priced: LinearProgram, solution: Solution, x: Array, size: float) -> list[Check]:
    """What the prices prove of the point (of the point with its integers fixed, for an integer program)."""
    duals = solution.row_duals
    assert duals is not None
    wrong, _ = dual_infeasibility(priced, duals)
    proven = lagrangian_bound(priced, duals, allowance=np.inf)
    objective = float(lp.cost @ x) + lp.offset
    money = max(1.0, abs(objective))
    unproven = abs(objective - proven) + dual_slack(priced, duals, x)
    checks = [
        Check(name="prices point at bounds that exist", value=wrong / size, tolerance=DUALITY),
        Check(name="point proven by its prices", value=unproven / money, tolerance=DUALITY),
    ]
    if not lp.integer.any():
        excess = max(solution.bound - proven, 0.0) / money
        checks.append(Check(name="bound proven by the prices", value=excess, tolerance=EXACT))
    return checks


def _reduced(lp: LinearProgram, solution: Solution, duals: Array, size: float) -> Check:
    name = "reduced costs follow from the row duals"
    given = solution.reduced_costs
    if given is None or given.shape != (lp.columns,):
        return Check(name=name, value=float("inf"), tolerance=EXACT)
    return _worst(name, np.abs(given - reduced_costs(lp, duals)) / size, EXACT, "column")


def _worst(name: str, values: Array, tolerance: float, kind: str) -> Check:
    if not values.size:
        return Check(name=name, value=0.0, tolerance=tolerance)
    worst = int(np.argmax(values))
    return Check(name=name, value=float(values[worst]), tolerance=tolerance, place=f"{kind} {worst}")
