"""Accounts and deals that ask for stocked items: their lumps on top of everybody else's demand.

A deal that is won stays: over a lead time it is there throughout, or not at all. So the demand over each number of
periods is the base's total plus each lump's own total, not a sum of periods in which the deal is decided afresh.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capacity_opt.demand.forecast_demand import ForecastDemand
from capacity_opt.demand.horizon import CumulativeQuantiles
from capacity_opt.demand.lead_time import lead_time_demand
from capacity_opt.demand.lumps import Lumps
from capacity_opt.demand.lumpy import lumpy_demand
from capacity_opt.demand.protocol import Demand
from capacity_opt.demand.quantiles import QuantileDemand
from capacity_opt.scenario.customer_tables import ACCOUNTS, DEALS, lumps_of, rows_of, tables_of
from capacity_opt.scenario.families import Marginals
from capacity_opt.scenario.load import Source
from capacity_opt.scenario.problems import shown
from capacity_opt.scenario.schema import Column, TableSchema
from capacity_opt.scenario.typed import Context, TypedTable

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
POINTS = 2048
# dense in the middle and far into the upper tail, where stock is decided
LEVELS = np.concatenate([np.linspace(0.0025, 0.9975, 399), 1.0 - np.geomspace(0.002, 1e-6, 40)])
# where an item has no stockout cost: shortage weighs as at a service level of 90 %
WITHOUT_COST = 9.0


@dataclass(frozen=True)
class ItemCustomers:
    """``lumps`` over the stocked items that large customers want, at positions ``items`` (J,); ``is_deal`` (L,);
    ``taken_out`` (J, T): of accounts that the items' demand still contains. ``base`` per such item (J,): everybody
    else's demand over the ``span`` (J,) periods until the next order can arrive."""

    lumps: Lumps
    items: IntArray
    is_deal: NDArray[np.bool_]
    taken_out: Array
    base: tuple[Demand, ...] = ()
    span: IntArray | None = None

    def over(self, place: int, periods: int) -> Lumps:
        """The lumps of one item, totals over the first ``periods`` (beyond the horizon: as in its last)."""
        profile = self.lumps.profile
        last = profile[:, :, -1:] * max(0, periods - profile.shape[2])
        total = profile[:, :, :periods].sum(axis=2, keepdims=True) + last
        return replace(self.lumps, size=self.lumps.size[:, place : place + 1], profile=total)

    def left_in_base(self, place: int, periods: int) -> float:
        """Demand over ``periods`` that leaves the base."""
        out = self.taken_out[place]
        return float(out[:periods].sum() + out[-1] * max(0, periods - len(out)))


def read_item_customers(source: Source, context: Context, items: TypedTable) -> ItemCustomers | None:
    """The accounts and deals that name an item; ``None`` where there are none, or with faults (noted)."""
    if source.spec.customers is None:
        return None
    keys = list(zip(items.texts["item"], items.texts["location"]))
    schemas = (_without_ids(ACCOUNTS), _without_ids(DEALS))
    found, problems = list(tables_of(source, context, schemas)), context.problems
    chosen = [(schema, rows_of(table, np.array([bool(name) for name in table.texts["item"]], dtype=bool)))
              for schema, table in found]  # fmt: skip
    places = [np.array([_position(table, row, keys, context) for row in range(len(table))], dtype=np.int64)
              for _, table in chosen]  # fmt: skip
    wanted = np.unique(np.concatenate([*places, np.zeros(0, dtype=np.int64)]))
    if problems.failed or not len(wanted):
        return None
    out = np.zeros((len(wanted), len(context.timeline.labels)))
    parts, deal = [], list[bool]()
    for (schema, table), place in zip(chosen, places):
        lumps = lumps_of(schema, table, np.searchsorted(wanted, place), out, problems) if len(table) else None
        if lumps is not None:
            parts.append(lumps)
            deal += [schema is DEALS] * len(lumps.names)
    return None if problems.failed or not parts else ItemCustomers(Lumps.joined(parts), wanted, np.array(deal), out)


def _without_ids(schema: TableSchema) -> TableSchema:
    """Class and region as plain text: they are the fleet's to check."""
    plain = {name: Column(name, "text", "of the fleet", default="") for name in ("class", "region")}
    return replace(schema, columns=tuple(plain.get(column.name, column) for column in schema.columns))


def _position(table: TypedTable, row: int, keys: list[tuple[str, str]], context: Context) -> int:
    name, location = table.texts["item"][row], table.texts["location"][row]
    fits = [at for at, key in enumerate(keys) if key[0] == name and location in ("", key[1])]
    if len(fits) == 1:
        return fits[0]
    stocked = ", ".join(key[1] for key in keys if key[0] == name)
    context.problems.error(
        "E208",
        table.file,
        "is stocked in several places" if fits else "is not an item in stock there",
        value=shown(" ".join(filter(None, (name, location)))),
        row=table.rows[row],
        column="location" if stocked else "item",
        fix=f"Have {stocked or ', '.join(dict.fromkeys(key[0] for key in keys[:10]))}",
    )
    return 0


def with_customers(
    demand: Marginals, customers: ItemCustomers, span: Array, *, correlation: float, integer: bool
) -> tuple[Marginals, ItemCustomers]:
    """The items' demand with their large customers; ``span`` (n,) periods until the next order can arrive."""
    whole = np.maximum(np.ceil(span[customers.items] - 1e-9), 1).astype(np.int64)
    base: list[Demand] = []
    added: list[tuple[NDArray[np.intp], Demand]] = []
    for place, (item, periods) in enumerate(zip(customers.items.tolist(), whole.tolist())):
        own = demand.take(np.array([item])).parts[0][1]
        alone = [_base(own, customers, place, h, correlation) for h in range(1, periods + 1)]
        base.append(alone[-1])
        if customers.over(place, periods).mean.any() or customers.left_in_base(place, periods) > 0:
            added.append((np.array([item]), _together(alone, customers, place, integer)))
    changed = np.array([int(at[0]) for at, _ in added], dtype=np.int64)
    others = np.setdiff1d(np.arange(demand.count), changed)
    kept = [(others[at], each) for at, each in demand.take(others).parts] if len(others) else []
    made = Marginals(demand.count, (*kept, *added), demand.floor)
    return made, replace(customers, base=tuple(base), span=whole)


def _together(alone: list[Demand], customers: ItemCustomers, place: int, integer: bool) -> ForecastDemand:
    """Everybody's demand for an item: ``alone[h - 1]`` is the base's over h periods. A period: the mean one."""
    periods = len(alone)
    whole = customers.over(place, periods)
    totals = [_quantiles(law, customers.over(place, h), integer) for h, law in enumerate(alone, start=1)]
    period = _quantiles(alone[0], replace(whole, profile=whole.profile / periods), integer)
    return ForecastDemand(
        QuantileDemand(LEVELS, period[None], integer=integer),
        CumulativeQuantiles(LEVELS, np.stack(totals)[None], integer=integer),
    )


def _quantiles(base: Demand, lumps: Lumps, integer: bool) -> Array:
    values = np.maximum(lumpy_demand(base, lumps, points=POINTS).quantile(LEVELS), 0.0)
    return np.asarray(np.round(values) if integer else values, dtype=np.float64)


def _base(own: Demand, customers: ItemCustomers, place: int, periods: int, correlation: float) -> Demand:
    """Everybody else's demand over some periods."""
    total = lead_time_demand(own, float(periods - 1), 1.0, 0.0 if isinstance(own, ForecastDemand) else correlation)
    less = customers.left_in_base(place, periods)
    if less == 0:
        return total
    return QuantileDemand(LEVELS, np.maximum(total.quantile(LEVELS[:, None])[:, 0] - less, 0.0)[None])


def item_customer_rows(
    customers: ItemCustomers, names: Mapping[int, str], costs: tuple[Array, Array], level: Array, periods: str
) -> list[dict[str, Any]]:
    """Rows of the table ``customers``: the newsvendor of an item's demand until the next order can arrive, money per
    such interval; absent and doubled: at the stock planned (``level`` (n,), NaN: at the best). ``costs``: of holding
    and of a stockout, (n,) each."""
    from capacity_opt.customers.deal_value import account_shock, value_of_knowing

    rows = []
    assert customers.span is not None
    for place, item in enumerate(customers.items.tolist()):
        here = np.flatnonzero(customers.lumps.size[:, place] > 0)
        span = int(customers.span[place])
        lumps = customers.over(place, span).take(here)
        holding = max(float(costs[0][item]) * span, 1e-9)
        short = float(costs[1][item]) or WITHOUT_COST * holding
        planned = float(level[item])
        value = value_of_knowing(customers.base[place], lumps, stockout_cost=short, holding_cost=holding, points=POINTS)
        shock = account_shock(
            customers.base[place],
            lumps,
            points=POINTS,
            order_quantity=planned if np.isfinite(planned) else None,
            stockout_cost=short,
            holding_cost=holding,
        )
        mean = lumps.means[:, 0, 0]
        total = float(np.ravel(customers.base[place].mean)[0]) + float(mean.sum())
        rows += [
            {
                "customer": lumps.names[k], "kind": "deal" if customers.is_deal[i] else "account", "pool": names[item],
                "period": f"{span} {periods}{'s' if span > 1 else ''} from now",
                "chance": float(lumps.chance[k][lumps.profile[k, :, 0] > 0].sum()), "size": float(lumps.size[k, 0]),
                "expected": float(mean[k]), "share_of_pool": float(mean[k]) / total if total > 0 else 0.0,
                "value_of_knowing": float(value.value_of_knowing[k]), "call_rank": 0,
                "cost_if_absent": float(shock.leaves[k] - shock.cost),
                "cost_if_doubled": float(shock.doubles[k] - shock.cost), "worth_naming": True,
            }
            for k, i in enumerate(here.tolist())
        ]  # fmt: skip
    return rows
