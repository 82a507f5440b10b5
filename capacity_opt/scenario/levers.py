"""What would raise utilization, and its worth, at equal availability per class.

The scenario is solved as it is (any fraction of a rack); the fill of every class found there becomes a promise of every
solve after it, penalties are dropped, so no lever gains by serving a class less. Then the levers are pulled one after
the other in a fixed order (the waterfall, whose parts sum to the total), each alone (first in) and each last of all
(last in): what a lever is worth depends on what else is done, and lies between. Money is the plan's present value; cash
is split into what is avoided once (purchases) and what recurs (running cost, power, services, spot sold).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import InfeasibleError, LimitError, SolverError
from capacity_opt.fleet.size import size_fleet
from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.problem.plan import FleetPlan
from capacity_opt.scenario.lever_kinds import Lever, levers_of, pulled
from capacity_opt.scenario.spec_admission import Levers
from capacity_opt.scenario.waterfall import divisible

Array = NDArray[np.float64]

TOLERANCE = 1e-6
"""By how much the fill of a class may differ downwards before availability is not called equal."""
SLACK = 1e-9
"""Left to the solver, so that a fill it found before is not infeasible by rounding."""
ONCE = ("capital", "salvage", "retirement")
LEAST_UNMET = 1e-4


@dataclass(frozen=True, kw_only=True)
class State:
    """The plan with some levers pulled.

    ``cost`` present value less spot sold; ``cash`` in all, of it ``once``, the rest ``recurring`` a year; ``servers``
    mean in service, ``power_kw`` theirs; ``used`` (as sold) and ``held`` (installed) mean of the resource, natural
    units; ``fill`` per class; ``spot`` demand units sold.
    """

    cost: float
    once: float
    recurring: float
    cash: float
    servers: float
    power_kw: float
    used: float
    held: float
    fill: Array
    spot: float

    @property
    def utilization(self) -> float:
        """Used / held: N = D / u."""
        return self.used / self.held if self.held > 0 else float("nan")


@dataclass(frozen=True, kw_only=True)
class LeverWorth:
    """One lever in the waterfall: ``before`` and ``after`` it; ``first_in``, ``last_in`` its saving alone and last."""

    lever: Lever
    before: State
    after: State
    first_in: float
    last_in: float

    @property
    def saving(self) -> float:
        """Present value saved at its place in the waterfall."""
        return self.before.cost - self.after.cost


@dataclass(frozen=True, kw_only=True)
class LeverStudy:
    """All levers of a scenario: ``today`` with none, ``parts`` in order, ``curve`` of (all pulled?, multiple of today's
    unmet demand, state); ``resource`` in which utilization is counted; ``growth`` of demand per year."""

    today: State
    parts: tuple[LeverWorth, ...]
    curve: tuple[tuple[bool, float, State], ...]
    resource: str
    growth: float

    @property
    def total(self) -> float:
        """Present value that all levers save together; the parts sum to it."""
        return self.today.cost - (self.parts[-1].after.cost if self.parts else self.today.cost)

    @property
    def worst_fill_change(self) -> float:
        """The least change of any class's fill from today over all parts: at least -1e-6."""
        return min((float(np.min(part.after.fill - self.today.fill)) for part in self.parts), default=0.0)


@dataclass(frozen=True, kw_only=True)
class Bench:
    """How states are solved; ``per_year`` periods; ``installed`` (K,) the resource that a server really has."""

    section: Levers
    formulation: str
    seed: int
    time_limit: float
    per_year: float
    resource: int
    installed: Array
    tell: Callable[[str], None]

    def solve(self, problem: FleetProblem, *, spot: bool) -> State:
        """The cheapest plan as a state."""
        plan = size_fleet(problem, formulation=self.formulation, seed=self.seed, time_limit=self.time_limit)
        return _state(problem, plan.uninterrupted(), self, spot=spot)


def study_levers(
    problem: FleetProblem,
    section: Levers,
    *,
    formulation: str,
    seed: int,
    per_year: float,
    admission_factor: float = 1.0,
    time_limit: float = 120.0,
    tell: Callable[[str], None] = lambda _: None,
) -> LeverStudy:
    """Pull every lever that ``section`` allows; raises as ``size_fleet`` does where today's plan has no solution.

    ``per_year`` periods in a year; ``admission_factor`` see :func:`levers_of` (today's capacity then counts less).
    """
    plain = divisible(replace(problem, samples=section.samples), seed)
    levers = levers_of(plain, section, admission_factor=admission_factor)
    if admission_factor > 1.0:
        types = plain.server_types
        plain = replace(plain, server_types=replace(types, capacity=types.capacity / admission_factor))
    tell("levers: today")
    first = size_fleet(plain, formulation=formulation, seed=seed, time_limit=time_limit).uninterrupted()
    fill, resource = first.availability.fill, int(np.argmax(first.utilization.allocation))
    bench = Bench(
        section=section, formulation=formulation, seed=seed, time_limit=time_limit, per_year=per_year,
        resource=resource, installed=problem.server_types.capacity[:, resource], tell=tell,
    )  # fmt: skip
    equal = at_fill(plain, fill)
    today = bench.solve(equal, spot=False)
    parts = _waterfall(equal, levers, today, bench)
    growth = section.demand_growth if section.demand_growth is not None else _growth(problem, seed, per_year)
    return LeverStudy(
        today=today,
        parts=parts,
        curve=tuple(_curve(plain, fill, levers, bench)),
        resource=problem.resources[resource],
        growth=growth,
    )


def at_fill(problem: FleetProblem, fill: Array) -> FleetProblem:
    """The problem with exactly this fill of every class as a promise and no penalty."""
    service = replace(
        problem.service,
        penalty=np.zeros_like(problem.service.penalty),
        fill_rate=np.clip(fill - SLACK, SLACK, 1.0),
        fill_rule="per_class",
    )
    return replace(problem, service=service)


def _waterfall(equal: FleetProblem, levers: Sequence[Lever], today: State, bench: Bench) -> tuple[LeverWorth, ...]:
    """Cumulative states with each lever's first-in and last-in saving."""
    cumulative = [today]
    for i, lever in enumerate(levers):
        bench.tell(f"levers: {lever.name}")
        state = _tried(equal, levers[: i + 1], bench)
        cumulative.append(cumulative[-1] if state is None else state)
    parts = []
    for i, lever in enumerate(levers):
        bench.tell(f"levers: {lever.name} alone and last")
        alone = cumulative[1] if i == 0 else _tried(equal, [lever], bench)
        last = len(levers) - 1
        rest = cumulative[last] if i == last else _tried(equal, [*levers[:i], *levers[i + 1 :]], bench)
        parts.append(
            LeverWorth(
                lever=lever,
                before=cumulative[i],
                after=cumulative[i + 1],
                first_in=math.nan if alone is None else today.cost - alone.cost,
                last_in=math.nan if rest is None else rest.cost - cumulative[-1].cost,
            )
        )
    total = today.cost - cumulative[-1].cost
    summed = math.fsum(part.saving for part in parts)
    assert math.isclose(summed, total, rel_tol=1e-9, abs_tol=1e-9 * max(1.0, abs(today.cost))), (summed, total)
    return tuple(parts)


def _tried(equal: FleetProblem, levers: Sequence[Lever], bench: Bench) -> State | None:
    """The state with these levers; ``None`` where it has no solution of its own in time."""
    try:
        return bench.solve(pulled(equal, levers), spot=any(lever.name == "spot_fill" for lever in levers))
    except (InfeasibleError, LimitError, SolverError):
        return None


def _state(problem: FleetProblem, plan: FleetPlan, bench: Bench, *, spot: bool) -> State:
    r, types = bench.resource, problem.server_types
    years = len(problem.periods) / bench.per_year
    usable = np.einsum("kzt,k->t", plan.stock, types.capacity[:, r])
    taken = float(plan.utilization.allocation[r]) * float(usable.mean())
    sold = _spot_units(problem, usable, taken, bench) if spot else np.zeros(len(usable))
    per_unit, physical = _per_unit(problem, r)
    discount = (1.0 + problem.finance.discount_rate) ** -np.arange(len(usable))
    cash = {name: float(np.sum(values)) for name, values in plan.cash_by_period.items() if name != "penalty"}
    once = sum(value for name, value in cash.items() if name in ONCE)
    money = bench.section.spot_price * sold
    return State(
        cost=plan.objective - float(discount @ money),
        once=once,
        recurring=(sum(cash.values()) - once - float(money.sum())) / years,
        cash=sum(cash.values()) - float(money.sum()),
        servers=float(plan.stock.sum(axis=(0, 1)).mean()),
        power_kw=float(np.einsum("kzt,k->t", plan.stock, types.power_kw).mean()),
        used=taken * per_unit / max(physical, 1e-12) + float(sold.mean()) * per_unit,
        held=float(np.einsum("kzt,k->t", plan.stock, bench.installed).mean()),
        fill=np.minimum(plan.availability.fill + SLACK, 1.0),
        spot=float(sold.mean()),
    )


def _per_unit(problem: FleetProblem, r: int) -> tuple[float, float]:
    """Resource that one demand unit is sold and what of it is physical, means over groups."""
    groups = problem.groups
    return float(groups.usage[:, r].mean()), float((groups.usage / groups.overcommit)[:, r].mean())


def _spot_units(problem: FleetProblem, held: Array, used: float, bench: Bench) -> Array:
    """(T,) demand units of spot that all stay with the chance wanted: what is idle at the high point of demand."""
    values, chance = problem.demand.draw(problem.samples, seed=bench.seed)
    need = np.einsum("sjtb,j->stb", values, (problem.groups.usage / problem.groups.overcommit)[:, bench.resource])
    peak = need.max(axis=2)
    order = np.argsort(peak, axis=0)
    reached = np.cumsum(chance[order], axis=0)
    place = np.argmax(reached >= 1.0 - bench.section.spot_eviction - 1e-12, axis=0)
    high = np.take_along_axis(np.take_along_axis(peak, order, axis=0), place[None], axis=0)[0]
    share = min(1.0, used / max(float(np.tensordot(chance, need, 1).mean()), 1e-12))
    free: Array = np.maximum(held - share * high, 0.0) / max(_per_unit(problem, bench.resource)[1], 1e-12)
    return free


def _growth(problem: FleetProblem, seed: int, per_year: float) -> float:
    """Growth of mean demand per year over the horizon."""
    values, chance = problem.demand.draw(problem.samples, seed=seed)
    level = np.einsum("sjtb,s->t", values, chance)
    if len(level) < 2 or level[0] <= 0:
        return 0.0
    return float((level[-1] / level[0]) ** (per_year / (len(level) - 1)) - 1.0)


def absorbed_in(freed_share: float, growth: float) -> float:
    """Years until growth has taken up a freed share of the servers, growth being counted linearly in the first year.

    ``freed_share`` of the servers there before; cash arrives as purchases that growth would have needed are not made.
    Never (infinite) where demand does not grow. With 20 % growth one point of utilization (65 to 66 %) takes 28 days:

    >>> round(365 * absorbed_in(1 - 65 / 66, 0.2))
    28
    >>> absorbed_in(0.01, -0.05)
    inf
    """
    if freed_share <= 0:
        return 0.0
    return freed_share / (1.0 - freed_share) / growth if growth > 0 else math.inf


def _curve(plain: FleetProblem, fill: Array, levers: Sequence[Lever], bench: Bench) -> list[tuple[bool, float, State]]:
    """Availability against utilization against cash: unmet demand at multiples of today's, without and with levers."""
    points = []
    some = bool(np.any(fill < 1.0 - TOLERANCE))
    wanted = sorted({1.0, *(multiple for multiple in bench.section.curve if some or multiple > 1.0)}, reverse=True)
    for every in (False, True) if levers else (False,):
        for multiple in wanted:
            bench.tell(f"levers: curve at {multiple:g} x today's unmet demand{' with all levers' if every else ''}")
            unmet = multiple * (np.maximum(1.0 - fill, LEAST_UNMET) if multiple > 1.0 else 1.0 - fill)
            problem = at_fill(plain, np.maximum(1.0 - unmet, 0.0))
            state = _tried(problem, levers if every else [], bench)
            if state is not None:
                points.append((every, float(multiple), state))
    return points
