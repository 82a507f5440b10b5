"""Tornado: how far the plan's cost moves when one assumption at a time is lower or higher, each solved again.

Everything is solved with divisible racks and the same samples, so that the differences are those of the assumption and
not of rounding. Demand growth moves by 5 points a year, server prices by 10 %, lead times by a month (a period where
periods are longer), promised shortfalls (1 - fill rate, 1 - no-shortage probability) by half and double, the discount
rate by 2 points a year.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from capacity_opt.demand.paths import GivenSamples
from capacity_opt.errors import CapacityError
from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.scenario.run_folder import Table, table_of
from capacity_opt.scenario.waterfall import Resolve, divisible

COLUMNS = ("factor", "low", "high", "base", "cost_low", "cost_high", "status_low", "status_high", "BillingCurrency")
GROWTH, PRICE, RATE = 0.05, 0.10, 0.02

Side = tuple[str, FleetProblem]


def tornado(problem: FleetProblem, resolve: Resolve, *, per_year: float) -> Table:
    """Cost at a lower and a higher value of each assumption; ``per_year`` periods are a year.

    A side that cannot be solved has cost NaN and its status says why.
    """
    start = divisible(problem, resolve.seed)
    resolve.tell("tornado: base")
    base = resolve.plan(start).objective
    rows = []
    for factor, low, high in _factors(start, per_year):
        resolve.tell(f"tornado: {factor}")
        sides = [_cost(trial, resolve) for _, trial in (low, high)]
        (cost_low, status_low), (cost_high, status_high) = sides
        values = (factor, low[0], high[0], base, cost_low, cost_high, status_low, status_high)
        rows.append(dict(zip(COLUMNS, (*values, problem.finance.currency), strict=True)))
    return table_of(rows, COLUMNS)


def _cost(trial: FleetProblem, resolve: Resolve) -> tuple[float, str]:
    try:
        found = resolve.plan(trial)
    except CapacityError as error:
        return float("nan"), type(error).__name__.removesuffix("Error").lower()
    return found.objective, found.status


def _factors(problem: FleetProblem, per_year: float) -> Iterator[tuple[str, Side, Side]]:
    """Each assumption with its lower and its higher side."""
    points = f"{100 * GROWTH:g} points a year"
    low, high = (grown(problem, sign * GROWTH, per_year) for sign in (-1, 1))
    yield "demand_growth", (f"{points} less", low), (f"{points} more", high)
    low, high = (priced(problem, 1 + sign * PRICE) for sign in (-1, 1))
    yield "server_price", (f"{100 * PRICE:g} % less", low), (f"{100 * PRICE:g} % more", high)
    step = max(1, round(per_year / 12))
    told = f"{step} period{'s' if step > 1 else ''}"
    if problem.supply.lead_time.any():
        low, high = (led(problem, sign * step) for sign in (-1, 1))
        yield "lead_time", (f"{told} shorter", low), (f"{told} longer", high)
    if _promises(problem):
        yield "target", ("shortfall doubled", aimed(problem, 2.0)), ("shortfall halved", aimed(problem, 0.5))
    yearly = (1 + problem.finance.discount_rate) ** per_year - 1
    points = f"{100 * RATE:g} points a year"
    low, high = (discounted(problem, yearly + sign * RATE, per_year) for sign in (-1, 1))
    yield "discount_rate", (f"{points} less", low), (f"{points} more", high)


def grown(problem: FleetProblem, yearly: float, per_year: float) -> FleetProblem:
    """Demand that grows by ``yearly`` (a share) faster, from the first period on."""
    values, chance = problem.demand.draw(problem.samples, seed=0)
    factor = (1.0 + yearly) ** (np.arange(values.shape[2]) / per_year)
    return replace(problem, demand=GivenSamples(values * factor[None, None, :, None], chance))


def priced(problem: FleetProblem, factor: float) -> FleetProblem:
    """Servers at another price; what is bought as a service keeps its own."""
    return replace(problem, supply=replace(problem.supply, price=problem.supply.price * factor))


def led(problem: FleetProblem, periods: int) -> FleetProblem:
    """Orders, also those placed already, that take ``periods`` longer (or shorter, never below none)."""
    later = np.maximum(problem.supply.lead_time + periods, 0)
    return replace(problem, supply=replace(problem.supply, lead_time=later))


def aimed(problem: FleetProblem, factor: float) -> FleetProblem:
    """Promises whose shortfall is ``factor`` times as large."""
    service = problem.service
    fill, none = (
        1.0 - np.minimum(factor * (1.0 - x), 1.0) for x in (service.fill_rate, service.no_shortage_probability)
    )
    return replace(problem, service=replace(service, fill_rate=fill, no_shortage_probability=none))


def discounted(problem: FleetProblem, yearly: float, per_year: float) -> FleetProblem:
    """Another discount rate."""
    rate = (1.0 + yearly) ** (1.0 / per_year) - 1.0
    return replace(problem, finance=replace(problem.finance, discount_rate=rate))


def _promises(problem: FleetProblem) -> bool:
    service = problem.service
    return bool(np.isfinite(service.fill_rate).any() or np.isfinite(service.no_shortage_probability).any())
