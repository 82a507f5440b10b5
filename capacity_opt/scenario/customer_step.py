"""What the large customers of a scenario mean for its plan: who weighs how much, whom to call first, what a loss
costs."""

from __future__ import annotations

from dataclasses import replace
from math import nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capacity_opt.customers.concentration import accounts_to_name
from capacity_opt.customers.deal_value import account_shock, value_of_knowing
from capacity_opt.customers.win_probability import measure_reliability
from capacity_opt.demand.empirical import Empirical
from capacity_opt.demand.lumpy import LumpyPaths
from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.problem.plan import FleetPlan
from capacity_opt.scenario.customer_shocks import WITHOUT_PENALTY, play_shocks, unit_idle_cost
from capacity_opt.scenario.customer_tables import ClosedDeals, CustomerDemand
from capacity_opt.scenario.inventory_step import InventoryOutcome
from capacity_opt.scenario.item_customers import item_customer_rows
from capacity_opt.scenario.read import Scenario
from capacity_opt.scenario.run_folder import Table, table_of

Array = NDArray[np.float64]
BASE_SAMPLES = 4000
COLUMNS = (
    "customer", "kind", "pool", "period", "chance", "size", "expected", "share_of_pool", "value_of_knowing",
    "call_rank", "cost_if_absent", "cost_if_doubled", "worth_naming",
)  # fmt: skip


def large_customers(scenario: Scenario, plan: FleetPlan | None, stock: InventoryOutcome | None) -> dict[str, Table]:
    """The table ``customers`` of a scenario, over its fleet's pools and its items; nothing where it has none."""
    rows: list[dict[str, Any]] = []
    problem, customers, section = scenario.fleet, scenario.customers, scenario.spec.customers
    if problem is not None and customers is not None:
        idle_cost = None if section is None else section.idle_cost
        rows += pool_rows(problem, customers, plan=plan, idle_cost=idle_cost, seed=scenario.seed)
    items = scenario.inventory
    if items is not None and items.customers is not None:
        names = {at: " ".join(filter(None, (items.names[at], items.locations[at]))) for at in range(len(items.names))}
        costs = np.asarray(items.item.holding_cost), np.asarray(items.item.stockout_cost)
        level = np.full(len(items.names), np.nan) if stock is None else _planned(stock)
        rows += item_customer_rows(items.customers, names, costs, level, scenario.spec.time.period)
    best = sorted(rows, key=lambda row: -row["value_of_knowing"])
    for rank, row in enumerate((row for row in best if row["value_of_knowing"] > 0), start=1):
        row["call_rank"] = rank
    found = {"customers": table_of(best, COLUMNS)} if best else {}
    if scenario.closed_deals is not None:
        found["win_probabilities"] = _reliability(scenario.closed_deals)
    return found


def _reliability(past: ClosedDeals) -> Table:
    """Stated chances of past deals beside the share won, in bins and over all (``bin`` 0), with the Brier scores."""
    told = measure_reliability(past.stated, past.won)
    rows = [
        {"bin": i + 1, "deals": int(told.count[i]), "stated": float(told.predicted[i]), "won": float(told.observed[i]),
         "won_low": float(told.low[i]), "won_high": float(told.high[i]), "brier": nan, "base_brier": nan}
        for i in range(len(told.count))
    ]  # fmt: skip
    every = measure_reliability(np.full(len(past.won), past.stated.mean()), past.won)
    rows.insert(0, {
        "bin": 0, "deals": len(past.won), "stated": float(past.stated.mean()), "won": float(past.won.mean()),
        "won_low": float(every.low[0]), "won_high": float(every.high[0]), "brier": told.brier,
        "base_brier": told.base_brier,
    })  # fmt: skip
    return table_of(rows, ("bin", "deals", "stated", "won", "won_low", "won_high", "brier", "base_brier"))


def _planned(stock: InventoryOutcome) -> Array:
    """(n,) units that the plan has, at most, until the next order can arrive."""
    values = stock.values
    levels = (
        values["base_stock_level"],
        values["order_up_to_level"],
        values["reorder_point"] + values["order_quantity"],
        values["order_quantity"],
    )
    level = np.full(len(levels[0]), np.nan)
    for each in levels:
        level = np.where(np.isnan(level), each, level)
    return level


def pool_rows(
    problem: FleetProblem,
    customers: CustomerDemand,
    *,
    plan: FleetPlan | None = None,
    idle_cost: float | None,
    seed: int,
) -> list[dict[str, Any]]:
    """A row per customer at the pool and period where it weighs most. Money per period at that moment: idle capacity at
    ``idle_cost``, shortage at the class's penalty. What knowing is worth comes from the newsvendor of the pool; what
    absence and doubling cost from playing ``plan`` (without one: at the newsvendor's best capacity)."""
    base = _base(problem, customers, seed)
    rows = [row for j in range(len(problem.groups.names)) for row in _pool(problem, customers, base, j, idle_cost)]
    if plan is not None:
        play_shocks(problem, customers, plan, rows, idle_cost=idle_cost, seed=seed)
    return rows


def _base(problem: FleetProblem, customers: CustomerDemand, seed: int) -> Array:
    """(S, J, T) everybody else's demand: the fleet's without its lumps, mean over blocks."""
    paths = problem.demand
    assert isinstance(paths, LumpyPaths)
    nobody = replace(customers.lumps, size=np.zeros_like(customers.lumps.size))
    values, chance = replace(paths, lumps=nobody).draw(BASE_SAMPLES, seed=seed)
    chosen = np.random.default_rng(seed).choice(len(chance), BASE_SAMPLES, p=chance)
    return np.asarray(values[chosen] @ problem.block_share)


def _pool(
    problem: FleetProblem, customers: CustomerDemand, base: Array, j: int, idle_cost: float | None
) -> list[dict[str, Any]]:
    lumps = customers.lumps
    here = np.flatnonzero(lumps.size[:, j] > 0)
    if not len(here):
        return []
    mean = lumps.means[:, j]
    t = int(np.argmax(mean.sum(axis=0)))
    shortage, idle = float(problem.service.penalty[j]), idle_cost or unit_idle_cost(problem, j)
    short = shortage if shortage > 0 else WITHOUT_PENALTY * idle
    law, chosen = Empirical(base[:, j, t], discrete=False), lumps.take(here)
    value = value_of_knowing(law, chosen, stockout_cost=short, holding_cost=idle, group=j, period=t)
    shock = account_shock(law, chosen, stockout_cost=short, holding_cost=idle, group=j, period=t)
    total = float(base[:, j, t].mean() + mean[:, t].sum())
    leave = 1.0 - np.array([lumps.chance[i][lumps.profile[i, :, t] > 0].sum() for i in here])
    named = set(accounts_to_name(mean[here, t] + 1e-12, leave_probability=np.clip(leave, 0.01, 0.99)).tolist())
    return [
        {
            "customer": lumps.names[i],
            "kind": "deal" if customers.is_deal[i] else "account",
            "pool": problem.groups.names[j],
            "period": problem.periods[t],
            "chance": float(1.0 - leave[k]),
            "size": float(lumps.size[i, j]),
            "expected": float(mean[i, t]),
            "share_of_pool": float(mean[i, t] / total) if total > 0 else 0.0,
            "value_of_knowing": float(value.value_of_knowing[k]),
            "call_rank": 0,
            "cost_if_absent": float(shock.leaves[k] - shock.cost),
            "cost_if_doubled": float(shock.doubles[k] - shock.cost),
            "worth_naming": k in named,
        }
        for k, i in enumerate(here.tolist())
    ]
