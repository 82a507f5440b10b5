"""A plan's cost as finance knows it: one row per period, zone or region, and server type or purchase option, in the
columns of FinOps FOCUS 1.2 (https://focus.finops.org/focus-specification/).

A plan is a budget, not an invoice: rows are what will be charged if it is carried out. ``BilledCost`` is the cash of
the period, ``EffectiveCost`` the same money where it is used (the price of a server over the periods it serves, a
commitment where it is in force), undiscounted; ``x_PresentValue`` is the discounted ``EffectiveCost``, which sums to
the cost table. A purchase whose cost is spread has ``EffectiveCost`` 0 and the rows that use it ``BilledCost`` 0, so
neither column counts anything twice; of a commitment, used and unused rows sum to its purchases. Costs that nobody
bills (penalties, changing the last plan) are left out. On-demand and spot use is known per kind; the option is named
where there is one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.problem.plan import FleetPlan
from capacity_opt.scenario.run_folder import Table, table_of
from capacity_opt.scenario.timeline import Timeline

Array = NDArray[np.float64]

COLUMNS = (
    "BilledCost", "EffectiveCost", "ListCost", "ContractedCost", "BillingCurrency", "BillingPeriodStart",
    "BillingPeriodEnd", "ChargePeriodStart", "ChargePeriodEnd", "ChargeCategory", "ChargeClass", "ChargeDescription",
    "ChargeFrequency", "PricingCategory", "RegionId", "AvailabilityZone", "ServiceCategory", "ServiceName", "SkuId",
    "CommitmentDiscountId", "CommitmentDiscountCategory", "CommitmentDiscountStatus", "x_Component", "x_PresentValue",
)  # fmt: skip
# component -> ChargeCategory, ChargeDescription, ChargeFrequency, PricingCategory, ServiceName
WORDS = {
    "capital": ("Purchase", "servers ordered", "One-Time", "Standard", "Servers"),
    "depreciation": ("Usage", "price of servers over their service", "Recurring", "Standard", "Servers"),
    "opex_existing": ("Usage", "running cost, servers already there", "Recurring", "Standard", "Servers"),
    "opex_new": ("Usage", "running cost, new servers", "Recurring", "Standard", "Servers"),
    "retirement": ("Adjustment", "retirement less salvage", "One-Time", "Standard", "Servers"),
    "commitment": ("Purchase", "commitment fee", "Recurring", "Committed", "Commitments"),
    "on_demand": ("Usage", "on-demand capacity", "Usage-Based", "Standard", "On-demand capacity"),
    "spot": ("Usage", "spot capacity", "Usage-Based", "Dynamic", "Spot capacity"),
}
LEAST = 1e-9


def charges(problem: FleetProblem, plan: FleetPlan, timeline: Timeline) -> Table:
    """The charges of a plan; periods without dates are told by their number."""
    rows = [*_owned(problem, plan), *_commitments(problem, plan), *_bought(problem, plan)]
    return table_of([_dated(row, problem, timeline) for row in rows], COLUMNS)


def _row(component: str, period: int, billed: float, effective: float, **more: Any) -> dict[str, Any]:
    category, described, frequency, pricing, service = WORDS[component]
    return {
        "BilledCost": billed, "EffectiveCost": effective, "ChargeCategory": category, "ChargeDescription": described,
        "ChargeFrequency": frequency, "PricingCategory": pricing, "ServiceName": service, "x_Component": component,
        "period": period, **more,
    }  # fmt: skip


def _dated(row: dict[str, Any], problem: FleetProblem, timeline: Timeline) -> dict[str, Any]:
    """A row with everything that all rows have."""
    period = row.pop("period")
    begin, end = timeline.begins(period), timeline.begins(period + 1)
    first, last = (
        (problem.periods[period], "")
        if begin is None or end is None
        else (f"{begin:%Y-%m-%dT%H:%M:%SZ}", f"{end:%Y-%m-%dT%H:%M:%SZ}")
    )
    common: dict[str, Any] = dict.fromkeys(COLUMNS, "")
    discount = float((1.0 + problem.finance.discount_rate) ** -period)
    return common | {
        "ListCost": row["BilledCost"], "ContractedCost": row["BilledCost"],
        "BillingCurrency": problem.finance.currency, "ServiceCategory": "Compute",
        "BillingPeriodStart": first, "BillingPeriodEnd": last, "ChargePeriodStart": first, "ChargePeriodEnd": last,
        "x_PresentValue": row["EffectiveCost"] * discount,
    } | row  # fmt: skip


def _shared(total: Array, weight: Array) -> Array:
    """``total`` (T,) over the places of ``weight`` (..., T) in its proportion."""
    flat = weight.reshape(-1, weight.shape[-1])
    whole = flat.sum(axis=0)
    share = np.divide(flat, whole, out=np.zeros_like(flat), where=np.abs(whole) > LEAST)
    spread: Array = (share * total).reshape(weight.shape)
    return spread


def _owned(problem: FleetProblem, plan: FleetPlan) -> Iterator[dict[str, Any]]:
    """Servers by type, zone and period: paid when ordered, spread where the plan amortises, and running."""
    zero = np.zeros(len(problem.periods))
    undiscount = (1.0 + problem.finance.discount_rate) ** np.arange(len(problem.periods))
    servers = problem.server_types.lot[:, None, None] * (plan.racks + problem.supply.placed)
    paid = _shared(plan.cash_by_period.get("capital", zero), servers * problem.supply.price)
    spread = problem.finance.capital == "amortised"
    cost = plan.cost_by_period.get("capital", zero) * undiscount
    yield from _by_place(problem, "capital", paid, np.zeros_like(paid) if spread else _shared(cost, paid))
    if spread:
        yield from _by_place(problem, "depreciation", np.zeros_like(paid), _shared(cost, _annuities(problem, servers)))
    old = np.minimum(problem.supply.initial, plan.stock)
    for component, weight in (
        ("opex_existing", old * problem.supply.opex),
        ("opex_new", (plan.stock - old) * problem.supply.opex),
        ("retirement", plan.retired * np.abs(problem.supply.retirement_cost - problem.supply.salvage)[:, None, None]),
    ):
        money = _shared(plan.cash_by_period.get(component, zero), weight)
        yield from _by_place(problem, component, money, money)


def _annuities(problem: FleetProblem, servers: Array) -> Array:
    """(K, Z, T) what serves in t, by the yearly price of a server of its type and order."""
    found = np.zeros_like(servers)
    periods = servers.shape[2]
    for k, z in np.ndindex(servers.shape[:2]):
        lead, life = int(problem.supply.lead_time[k, z]), float(problem.server_types.life[k])
        for u in np.flatnonzero(servers[k, z]):
            last = int(min(periods, u + lead + life))
            found[k, z, u + lead : last] += servers[k, z, u] * problem.supply.price[k, z, u] / life
    return found


def _by_place(problem: FleetProblem, component: str, billed: Array, effective: Array) -> Iterator[dict[str, Any]]:
    sites = problem.sites
    for k, z, t in zip(*np.nonzero((np.abs(billed) > LEAST) | (np.abs(effective) > LEAST))):
        place = {"RegionId": sites.regions[sites.zone_region[z]], "AvailabilityZone": sites.zones[z]}
        sku = problem.server_types.names[k]
        yield _row(component, int(t), float(billed[k, z, t]), float(effective[k, z, t]), SkuId=sku, **place)


def _commitments(problem: FleetProblem, plan: FleetPlan) -> Iterator[dict[str, Any]]:
    """Fees as purchases; what they cost where used and where not, by the share of all commitments that is used."""
    options, periods = problem.options, len(problem.periods)
    fee = np.zeros_like(plan.committed)
    for m, u in zip(*np.nonzero(plan.committed)):
        until = min(periods, int(u) + int(options.term[m]))
        fee[m, u:until] += plan.committed[m, u] * options.price[m, u]
    paid = _shared(plan.cash_by_period.get("commitment", np.zeros(periods)), fee)
    used = float(np.clip(np.nan_to_num(plan.utilization.commitment, nan=1.0), 0.0, 1.0))
    for m, t in zip(*np.nonzero(np.abs(paid) > LEAST)):
        cost = float(paid[m, t])
        name, region = options.names[m], problem.sites.regions[options.region[m]]
        same = {"CommitmentDiscountId": name, "CommitmentDiscountCategory": "Usage", "SkuId": name, "RegionId": region}
        yield _row("commitment", int(t), cost, 0.0, **same)
        for status, share in (("Used", used), ("Unused", 1.0 - used)):
            if share > 0:
                covered = {"ChargeCategory": "Usage", "ChargeDescription": f"commitment, {status.lower()}",
                           "ChargeFrequency": "Usage-Based", "CommitmentDiscountStatus": status}  # fmt: skip
                yield _row("commitment", int(t), 0.0, share * cost, **{**same, **covered})


def _bought(problem: FleetProblem, plan: FleetPlan) -> Iterator[dict[str, Any]]:
    """On-demand and spot use by kind and period."""
    for kind in ("on_demand", "spot"):
        offered = [m for m, each in enumerate(problem.options.kind) if each == kind]
        names = {problem.options.names[m] for m in offered}
        regions = {problem.sites.regions[problem.options.region[m]] for m in offered}
        place = {
            "SkuId": names.pop() if len(names) == 1 else kind,
            "RegionId": regions.pop() if len(regions) == 1 else "",
        }
        for t, money in enumerate(plan.cash_by_period.get(kind, ())):
            if abs(money) > LEAST:
                yield _row(kind, t, float(money), float(money), **place)
