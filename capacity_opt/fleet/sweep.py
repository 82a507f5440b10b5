"""One fleet model solved for many values of one target, warm from point to point."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import ArgumentError, InfeasibleError, LimitError
from capacity_opt.fleet.assemble import plan_from
from capacity_opt.fleet.decomposition.sizing import Sizing, sized_by_decomposition
from capacity_opt.fleet.decomposition.sweeping import can_sweep, sweep_fill_rates
from capacity_opt.fleet.formulation import FleetModel, build_model
from capacity_opt.fleet.lint import lint_problem
from capacity_opt.fleet.outcomes import Outcomes, draw_outcomes
from capacity_opt.fleet.service import allowed_unmet
from capacity_opt.fleet.size import answer_model
from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.problem.plan import FleetPlan
from capacity_opt.solvers.highs_session import HighsSession
from capacity_opt.solvers.solution import Solution
from capacity_opt.solvers.verify import verify

Array = NDArray[np.float64]

Target = Literal["fill_rate", "no_shortage_probability", "shortage_cvar", "budget", "power", "utilization"]
TARGETS: tuple[str, ...] = get_args(Target)

DISPATCH_COLUMNS = 20_000
"""Up to this size every point is also dispatched by priority."""


@dataclass(frozen=True, kw_only=True)
class SweptPlan:
    """One value of the target: its outcome, and the plan where there is one."""

    value: float
    status: str
    plan: FleetPlan | None
    problem: FleetProblem


def swept_classes(problem: FleetProblem, over: str, classes: Sequence[str] | None) -> Array:
    """Which classes a service target is swept for, (C,) booleans: those named, else those that have such a target,
    else all."""
    names = problem.groups.classes
    if classes is not None:
        unknown = [name for name in classes if name not in names]
        if unknown:
            raise ArgumentError(f"classes must be among {', '.join(names)}, got {', '.join(unknown)}")
        return np.array([name in classes for name in names])
    given = {
        "fill_rate": problem.service.fill_rate,
        "no_shortage_probability": problem.service.no_shortage_probability,
        "shortage_cvar": problem.service.shortage_cvar_limit,
    }.get(over, np.full(len(names), np.nan))
    has = ~np.isnan(given)
    return has if has.any() else np.ones(len(names), dtype=bool)


def with_target(problem: FleetProblem, over: str, value: float, swept: Array) -> FleetProblem:
    """The problem with one target set: a service level for the swept classes; ``budget``: capital spent over the whole
    horizon; ``power``: every zone's limit times ``value``; ``utilization``: the floor of every resource that has one
    (of the first resource where none has)."""
    service, finance, sites = problem.service, problem.finance, problem.sites
    if over == "fill_rate":
        return replace(problem, service=replace(service, fill_rate=np.where(swept, value, service.fill_rate)))
    if over == "no_shortage_probability":
        chance = np.where(swept, value, service.no_shortage_probability)
        return replace(problem, service=replace(service, no_shortage_probability=chance))
    if over == "shortage_cvar":
        limit = np.where(swept, value, service.shortage_cvar_limit)
        level = np.where(np.isnan(service.shortage_cvar_level), 0.95, service.shortage_cvar_level)
        return replace(problem, service=replace(service, shortage_cvar_limit=limit, shortage_cvar_level=level))
    if over == "budget":
        budget = finance.cumulative_budget.copy()
        budget[-1] = value
        return replace(problem, finance=replace(finance, cumulative_budget=budget))
    if over == "power":
        return replace(problem, sites=replace(sites, power_limit=sites.power_limit * value))
    return replace(problem, utilization_floor=_floor(problem, value))


def _floor(problem: FleetProblem, value: float) -> Array:
    floor = problem.utilization_floor
    if floor is None or np.isnan(floor).all():
        return np.where(np.arange(problem.sizes["R"]) == 0, value, np.nan)
    return np.where(np.isnan(floor), np.nan, value)


def strictest_first(over: str, values: Sequence[float]) -> list[int]:
    """Positions of the values, the most demanding first: each plan then still holds at the next value."""
    demanding = over in ("fill_rate", "no_shortage_probability", "utilization")
    return sorted(range(len(values)), key=lambda i: -values[i] if demanding else values[i])


def sweep(
    problem: FleetProblem,
    over: str,
    values: Sequence[float],
    *,
    formulation: str,
    samples: int | None,
    seed: int,
    gap: float,
    time_limit: float,
    classes: Sequence[str] | None = None,
    more: Callable[[], float | None] = lambda: None,
) -> Iterator[SweptPlan]:
    """The best plan at every value, strictest first, then at those that ``more`` gives until it gives none. One solver
    session lives through all values where only bounds change (fill rate, shortage CVaR, budget, power); otherwise the
    model is rebuilt on the same outcomes."""
    swept = swept_classes(problem, over, classes)
    outcomes = draw_outcomes(problem, samples=samples, seed=seed)
    session: HighsSession | None = None
    start: Array | None = None
    if over == "fill_rate" and can_sweep(with_target(problem, over, 0.5, swept), outcomes, formulation):
        yield from _by_decomposition(problem, _asked(over, values, more), swept, outcomes, gap, time_limit, seed)
        return
    for value in _asked(over, values, more):
        own = with_target(problem, over, value, swept)
        lint_problem(own)
        split = _decomposed(own, outcomes, _formulation(formulation, over), gap, time_limit, seed)
        if split is not None:
            yield replace(split, value=value)
            continue
        if over in ("no_shortage_probability", "utilization"):
            model = build_model(own, outcomes, _formulation(formulation, over))
            found = answer_model(model, gap=gap, time_limit=time_limit, seed=seed).solution
            yield SweptPlan(value=value, status=found.reason, plan=_plan(model, found, gap, time_limit), problem=own)
            continue
        if session is None:
            model = build_model(own, outcomes, _formulation(formulation, over))
            session = HighsSession(model.lp, seed=seed)
        else:
            model = _moved(model, own, over, session)
        found = session.solve(gap=gap, time_limit=time_limit, start=start)
        start = found.x if found.x is not None and model.lp.integer.any() else None
        yield SweptPlan(value=value, status=found.reason, plan=_plan(model, found, gap, time_limit), problem=own)


def _asked(over: str, values: Sequence[float], more: Callable[[], float | None]) -> Iterator[float]:
    yield from (float(values[i]) for i in strictest_first(over, values))
    while (value := more()) is not None:
        yield value


def _decomposed(
    problem: FleetProblem, outcomes: Outcomes, formulation: str, gap: float, time_limit: float, seed: int
) -> SweptPlan | None:
    """The plan by decomposition, where that is the better way."""
    how = Sizing(gap=gap, time_limit=time_limit, seed=seed)
    try:
        plan = sized_by_decomposition(problem, outcomes, formulation, how)
    except InfeasibleError:
        return SweptPlan(value=np.nan, status="infeasible", plan=None, problem=problem)
    except LimitError:
        return SweptPlan(value=np.nan, status="no_solution", plan=None, problem=problem)
    if plan is None:
        return None
    return SweptPlan(value=np.nan, status=plan.status, plan=plan.uninterrupted(), problem=problem)


def _by_decomposition(
    problem: FleetProblem,
    values: Iterable[float],
    swept: Array,
    outcomes: Outcomes,
    gap: float,
    time_limit: float,
    seed: int,
) -> Iterator[SweptPlan]:
    asked: list[tuple[float, FleetProblem]] = []

    def problems() -> Iterator[FleetProblem]:
        for value in values:
            asked.append((value, with_target(problem, "fill_rate", value, swept)))
            lint_problem(asked[-1][1])
            yield asked[-1][1]

    for status, plan in sweep_fill_rates(problems(), outcomes, gap=gap, time_limit=time_limit, seed=seed):
        value, own = asked[-1]
        yield SweptPlan(value=value, status=status, plan=plan, problem=own)


def _formulation(formulation: str, over: str) -> str:
    return "two_stage" if formulation in ("chance",) and over != "no_shortage_probability" else formulation


def _moved(model: FleetModel, problem: FleetProblem, over: str, session: HighsSession) -> FleetModel:
    """The model with the bounds that the target moves, in the session too."""
    name = {"fill_rate": "fill_rate", "shortage_cvar": "shortage_cvar", "budget": "cumulative_budget"}.get(
        over, "power"
    )
    frame = replace(model.frame, problem=problem)
    block = model.row_blocks.get(name)
    if block is not None:
        upper = _upper(frame.problem, over, allowed_unmet(frame))
        rows = block.index[block.index >= 0]
        limit = np.broadcast_to(upper.reshape(upper.shape + (1,) * (block.index.ndim - upper.ndim)), block.index.shape)
        session.set_row_bounds(rows, -np.inf, limit[block.index >= 0])
    return replace(model, frame=frame, lp=session.lp)


def _upper(problem: FleetProblem, over: str, unmet: Array) -> Array:
    if over == "fill_rate":
        return unmet
    if over == "shortage_cvar":
        return problem.service.shortage_cvar_limit
    if over == "power":
        return problem.sites.power_limit
    cash = problem.supply.price * problem.server_types.lot[:, None, None] * problem.supply.placed
    left: Array = problem.finance.cumulative_budget - np.cumsum(cash.sum(axis=(0, 1)))
    return left


def _plan(model: FleetModel, found: Solution, gap: float, time_limit: float) -> FleetPlan | None:
    if found.limit == "interrupted":
        raise KeyboardInterrupt  # the solver took it for itself; further points are not wanted
    if found.x is None or found.reason not in ("optimal", "feasible"):
        return None
    checked = verify(model.lp, found, gap=gap)
    checked.require()
    small = model.lp.columns <= DISPATCH_COLUMNS
    duals = None if model.lp.integer.any() else found.row_duals
    return plan_from(model, found, checked, None, duals, time_limit, dispatch=small)
