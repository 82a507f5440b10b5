"""Size a fleet: find the best plan, or cost a given one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import ArgumentError, InfeasibleError, LimitError, SolverError, UnboundedError
from capacity_opt.executor import Executor, processors
from capacity_opt.fleet.assemble import plan_from
from capacity_opt.fleet.decode import Decision
from capacity_opt.fleet.decomposition.fit import worth_it
from capacity_opt.fleet.decomposition.sizing import Sizing, recourse_columns, sized_by_decomposition, why_extensive
from capacity_opt.fleet.formulation import FleetModel, build_model
from capacity_opt.fleet.infeasibility import explain
from capacity_opt.fleet.lint import lint_problem
from capacity_opt.fleet.outcomes import Outcomes, draw_outcomes, told_reduction
from capacity_opt.fleet.prices import settled_duals
from capacity_opt.fleet.projection import solve_projected
from capacity_opt.fleet.regions import RegionTask, plan_by_regions
from capacity_opt.fleet.splitting import Split, split_regions
from capacity_opt.fleet.warm import WarmStart
from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.problem.plan import FleetPlan
from capacity_opt.solvers.highs_session import HighsSession
from capacity_opt.solvers.linear_program import LinearProgram
from capacity_opt.solvers.solution import Solution
from capacity_opt.solvers.solve import solve
from capacity_opt.solvers.verify import Verification, verify

Array = NDArray[np.float64]
Progress = Callable[[float, float, float, float], None]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A solved model: the solution with its check, and the continuous relaxation with its duals where it was solved."""

    solution: Solution
    checked: Verification
    relaxed: Solution | None = None
    relaxed_duals: Array | None = None


def size_fleet(
    problem: FleetProblem,
    *,
    formulation: str = "two_stage",
    samples: int | None = None,
    gap: float = 1e-4,
    seed: int = 7,
    time_limit: float = 300.0,
    solver: str = "highs",
    progress: Progress | None = None,
    path: str = "auto",
    executor: str | Executor = "serial",
    workers: int = 0,
    warm: WarmStart | None = None,
) -> FleetPlan:
    """The cheapest fleet that keeps every promise of ``problem`` in ``samples`` drawn outcomes.

    ``formulation``: ``deterministic`` (the mean outcome), ``two_stage``, ``chance`` or ``cvar``, see
    :mod:`capacity_opt.fleet.formulation`. ``gap``: relative optimality gap for whole racks; ``time_limit`` in seconds:
    when it is reached the plan found so far is returned with status ``"feasible"`` and its true bound. ``progress`` is
    called with (seconds, incumbent, bound, gap). ``path``: ``extensive`` (one program), ``decomposition`` (by sample)
    or ``auto``, see :mod:`capacity_opt.fleet.decomposition`; ``remarks`` of the plan say which was taken and why.
    ``warm`` begins where the last solve with the same memory ended (:class:`~capacity_opt.WarmStart`; HiGHS only).
    Every answer is verified from the inputs.

    Regions that nothing ties together are planned apart where the problem is large or ``executor`` is not ``serial``
    (``processes``, ``dask``, ``ray``, see :func:`~capacity_opt.executor_named`; ``workers`` 0: one per processor); the
    plan is the same wherever its parts are solved. What ties regions is in ``remarks`` where they are not; then
    ``processes`` share the samples of recourse problems of more than 40 rows (smaller ones share their bases, here).

    The promise holds in the samples seen; play the plan against unseen ones with ``simulate_fleet`` before relying on
    it. Do not use this where demand must be served from one machine (no packing) or where orders can follow demand
    within a period: then there is nothing to plan.

    Raises ``InfeasibleError`` (with what fails and the cheapest fix), ``UnboundedError``, ``LimitError`` (nothing found
    in time), ``SolverError``, ``VerificationError``.

    >>> from capacity_opt.fleet.example import example_problem
    >>> plan = size_fleet(example_problem())
    >>> plan.objective, plan.orders[0].racks, plan.orders[0].arrival_period
    (1680.0, 2.0, '2027-03')
    """
    started = time.monotonic()
    outcomes = draw_outcomes(problem, samples=samples, seed=seed)
    remarks = (*told_reduction(outcomes), *lint_problem(problem))
    how = Sizing(path=path, gap=gap, time_limit=time_limit, seed=seed, progress=progress, warm=warm)
    split = split_regions(problem, formulation)
    apart = executor != "serial" or worth_it(outcomes.count, recourse_columns(problem), whole=problem.integer)
    if apart and split.count > 1:
        plan = plan_by_regions(
            problem, outcomes, split, _part, formulation=formulation, how=how, solver=solver, executor=executor,
            workers=workers,
        )  # fmt: skip
    else:
        how = replace(how, workers=(workers or processors()) if executor == "processes" else 0)
        plan = _sized(problem, outcomes, formulation, how, solver)
        if apart and problem.sizes["G"] > 1:
            plan = replace(plan, remarks=(*plan.remarks, _why_whole(split)))
    return replace(plan, remarks=(*plan.remarks, *remarks), seconds=time.monotonic() - started)


def _why_whole(split: Split) -> str:
    more = f" and {len(split.ties) - 1} more" if len(split.ties) > 1 else ""
    return f"regions: planned whole, for they are tied: {split.ties[0]}{more}"


def _part(task: RegionTask) -> tuple[FleetPlan, Decision]:
    keep: list[Decision] = []
    plan = _sized(task.problem, task.outcomes, task.formulation, task.how, task.solver, keep)
    return plan, keep[-1]


def _sized(
    problem: FleetProblem,
    outcomes: Outcomes,
    formulation: str,
    how: Sizing,
    solver: str,
    keep: list[Decision] | None = None,
) -> FleetPlan:
    """The plan in given outcomes, as a whole."""
    plan = sized_by_decomposition(problem, outcomes, formulation, how, keep) if solver == "highs" else None
    if plan is not None:
        return plan
    why = why_extensive(problem, outcomes, formulation, how) if solver == "highs" else f"solver is {solver}"
    model = build_model(problem, outcomes, formulation)
    answer = answer_model(
        model,
        gap=how.gap,
        time_limit=how.time_limit,
        solver=solver,
        seed=how.seed,
        progress=how.progress,
        warm=how.warm,
    )
    require_point(model, answer.solution)
    answer.checked.require()
    plan = plan_from(
        model, answer.solution, answer.checked, answer.relaxed, answer.relaxed_duals, how.time_limit, keep=keep
    )
    return replace(plan, remarks=(f"path: extensive ({why})",))


def evaluate_fleet(
    plan: FleetPlan,
    problem: FleetProblem,
    *,
    formulation: str = "two_stage",
    samples: int | None = None,
    seed: int = 7,
    time_limit: float = 300.0,
) -> FleetPlan:
    """What ``plan``'s orders, retirements and commitments cost in the problem's samples, everything else at its best.

    The result is a plan with the same decisions and its own cost, availability and utilization. Raises
    ``InfeasibleError`` where these decisions cannot keep the problem's promises in those samples.

    >>> from capacity_opt.fleet.example import example_problem
    >>> problem = example_problem()
    >>> evaluate_fleet(size_fleet(problem), problem).objective
    1680.0
    """
    started = time.monotonic()
    model = build_model(problem, draw_outcomes(problem, samples=samples, seed=seed), formulation)
    fixed = replace(model, lp=with_decisions(model, plan))
    answer = answer_model(fixed, time_limit=time_limit, seed=seed)
    require_point(fixed, answer.solution)
    answer.checked.require()
    result = plan_from(fixed, answer.solution, answer.checked, answer.relaxed, answer.relaxed_duals, time_limit)
    return replace(result, seconds=time.monotonic() - started)


def with_decisions(model: FleetModel, plan: FleetPlan) -> LinearProgram:
    """The model's program with racks, retirements and commitments fixed at the plan's."""
    lower, upper = model.lp.column_lower.copy(), model.lp.column_upper.copy()
    supply = model.supply
    for name, given, index in (
        ("racks", plan.racks, supply.racks),
        ("retired", plan.retired, supply.retired),
        ("committed", plan.committed, supply.committed),
    ):
        expected = index.shape[-given.ndim :]
        if given.shape != expected:
            raise ArgumentError(f"plan.{name} must have shape {expected} to fit the problem, got {given.shape}")
        value = np.broadcast_to(given, index.shape)
        if np.any((index < 0) & (np.abs(value) > 1e-9)):
            raise ArgumentError(
                f"plan.{name} decides what this problem does not allow. Does an order come too late, or too early?"
            )
        lower[index[index >= 0]] = upper[index[index >= 0]] = value[index >= 0]
    return replace(model.lp, column_lower=lower, column_upper=upper)


def answer_model(
    model: FleetModel,
    *,
    gap: float = 1e-4,
    time_limit: float = 300.0,
    solver: str = "highs",
    seed: int = 7,
    progress: Progress | None = None,
    warm: WarmStart | None = None,
) -> Answer:
    """Solve a model: the continuous relaxation first (for prices and a bound), then whole racks."""
    if solver != "highs":
        found = solve(model.lp, solver=solver, gap=gap, time_limit=time_limit, seed=seed, progress=progress)
        return Answer(solution=found, checked=verify(model.lp, found, gap=gap))
    session = HighsSession(model.lp, seed=seed)
    integer = bool(model.lp.integer.any())
    basis = None if warm is None else warm.basis(model)
    if integer:
        session.relax()
    if basis is not None:
        session.basis = basis
    if integer:
        return _answer_integer(model, session, gap, time_limit, progress, warm)
    found = session.solve(gap=gap, time_limit=time_limit, progress=progress)
    if warm is not None:
        warm.keep(model, found.x, session.basis)
    duals = settled_duals(model, session, found) if found.reason == "optimal" else found.row_duals
    return Answer(solution=found, checked=verify(model.lp, found, gap=gap), relaxed=found, relaxed_duals=duals)


def _answer_integer(
    model: FleetModel,
    session: HighsSession,
    gap: float,
    time_limit: float,
    progress: Progress | None,
    warm: WarmStart | None,
) -> Answer:
    started = time.monotonic()
    relaxed = session.solve(time_limit=time_limit)
    start = None
    if warm is not None:
        start = warm.start(model)
        warm.keep(model, None, session.basis)
    if relaxed.reason in ("infeasible", "unbounded", "error") or relaxed.limit == "interrupted":
        return Answer(solution=replace(relaxed, x=None), checked=verify(model.lp, replace(relaxed, x=None)))
    duals = settled_duals(model, session, relaxed) if relaxed.reason == "optimal" else relaxed.row_duals
    found = _search(model, gap, time_limit - (time.monotonic() - started), session_seed(session), progress, start)
    if warm is not None:
        warm.keep(model, found.x, None)
    if relaxed.bound > found.bound and found.x is not None:
        found = _with_bound(found, relaxed.bound)
    return Answer(solution=found, checked=verify(model.lp, found, gap=gap), relaxed=relaxed, relaxed_duals=duals)


def _search(
    model: FleetModel, gap: float, time_limit: float, seed: int, progress: Progress | None, start: Array | None
) -> Solution:
    """Whole racks: by the first stage alone where that proves it, otherwise from its plan (or ``start``) on."""
    started = time.monotonic()
    short = solve_projected(model, gap=gap, time_limit=max(0.1, time_limit), seed=seed)
    if short is not None and short.reason == "optimal":
        return short
    left = max(0.1, time_limit - (time.monotonic() - started))
    start = start if short is None else short.x
    found = solve(model.lp, gap=gap, time_limit=left, seed=seed, progress=progress, start=start)
    if short is None or found.limit == "interrupted":
        return found
    better = found if found.x is not None and not found.objective > short.objective else short
    return _with_bound(better, max(found.bound, short.bound))


def _with_bound(found: Solution, bound: float) -> Solution:
    bound = min(bound, found.objective)
    return replace(found, bound=bound, gap=(found.objective - bound) / max(abs(found.objective), 1e-9))


def session_seed(session: HighsSession) -> int:
    """The seed a session was made with."""
    return int(session.engine.getOptionValue("random_seed")[1])


def require_point(model: FleetModel, solution: Solution) -> None:
    """Turn an outcome without a usable point into the error that says so."""
    if solution.has_point and solution.reason in ("optimal", "feasible"):
        return
    if solution.reason == "infeasible":
        raise InfeasibleError("no plan keeps every promise and limit", explain(model))
    if solution.reason == "unbounded":
        raise UnboundedError("cost can fall without limit: a price, a salvage value or a penalty is negative")
    if solution.reason == "no_solution":
        raise LimitError(
            f"no plan was found within the limit ({solution.limit}, {solution.seconds:.1f} s). "
            "Raise time_limit, ask for fewer samples, or widen the gap"
        )
    raise SolverError(f"the solver failed: {solution.message}")
