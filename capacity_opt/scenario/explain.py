"""Why a number of a run is what it is: an item, or a pool (region, zone, server type, class, resource), in words.

Everything is said from the run folder's tables, so an old run explains itself without being done again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from capacity_opt.errors import ArgumentError
from capacity_opt.scenario.answer import counted
from capacity_opt.scenario.past_runs import PastRun
from capacity_opt.scenario.problems import did_you_mean, shown

Row = dict[str, Any]
MOST_PRICES = 3
PRICES = {"local": "with the racks as they are", "relaxed": "were racks divisible", "difference": "solved again"}
SOME = 1e-6


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """What ``name`` is in the run (``kind``: item, region, zone, ...) and the sentences that explain it."""

    kind: str
    name: str
    sentences: tuple[str, ...]


def explain(run: PastRun, what: str) -> tuple[Explanation, ...]:
    """Every thing in the run that is called ``what`` (items also as ``item@location``), explained.

    Raises :class:`~capacity_opt.ArgumentError` where the run has no such thing, with the nearest name.
    """
    found = tuple(
        Explanation(kind=kind, name=name, sentences=tuple(tell(run, name)))
        for kind, (names, tell) in _KINDS.items()
        for name in names(run)
        if what == name or (kind == "item" and what == name.rpartition("@")[0])
    )
    if found:
        return found
    known = dict.fromkeys(name.partition("@")[0] for names, _ in _KINDS.values() for name in names(run))
    raise ArgumentError(f"{run.folder.name} has nothing called {shown(what)}. {did_you_mean(what, known)}")


def _distinct(table: str, column: str) -> Callable[[PastRun], list[str]]:
    return lambda run: [name for name in dict.fromkeys(run.table(table).get(column, ())) if name]


def _items(run: PastRun) -> list[str]:
    return [_item_name(row) for row in run.rows("inventory")]


def _item_name(row: Row) -> str:
    return f"{row['item']}@{row['location']}" if row["location"] else str(row["item"])


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.4g}"


def _share(value: float) -> str:
    digits = f"{value:.4%}".removesuffix("%").rstrip("0").rstrip(".")
    return f"{digits}%" if value > 0.99 else f"{value:.2%}"


def _given(value: Any) -> bool:
    return value is not None and value == value


def _item(run: PastRun, name: str) -> Iterator[str]:
    for row in run.rows("inventory"):
        if _item_name(row) != name:
            continue
        levels = [
            f"{key.replace('_', ' ')} {_number(row[key])}"
            for key in ("reorder_point", "order_quantity", "order_up_to_level", "base_stock_level")
            if _given(row.get(key))
        ]
        policy = str(row.get("policy", "")).replace("_", " ")
        yield f"Policy {policy}: {', '.join(levels)}."
        yield str(row["explanation"])
        yield from _served(row, _currency(run))


def _served(row: Row, currency: str) -> Iterator[str]:
    if _given(row.get("expected_cost")):
        judged = f"; judged {_number(row['judged_cost'])}" if _given(row.get("judged_cost")) else ""
        yield f"It costs {_number(row['expected_cost'])} {currency} a period in expectation{judged}."
    if _given(row.get("fill_rate")):
        said = f"A fill rate of {_share(row['fill_rate'])} is promised"
        if _given(row.get("judged_fill_rate")):
            said += f"; on fresh demand {_share(row['judged_fill_rate'])} was judged"
            said += f" ({_share(row['judged_low'])} to {_share(row['judged_high'])})"
        yield f"{said}{_verdict(row)}."


def _verdict(row: Row) -> str:
    words = {"kept": ": kept", "above": ": kept, above the target", "not_kept": ": NOT kept"}
    return words.get(str(row.get("verdict")), "")


def _region(run: PastRun, name: str) -> Iterator[str]:
    for resource in dict.fromkeys(row["resource"] for row in run.rows("supply") if row["region"] == name):
        yield from _pool(run, name, resource)
    yield from _orders(run, "region", name)
    yield from _commitments(run, "region", name)
    yield from _prices(run, name)


def _pool(run: PastRun, region: str, resource: str) -> Iterator[str]:
    """One resource of one region over time, against the demand of all its classes."""
    supply = [row for row in run.rows("supply") if (row["region"], row["resource"]) == (region, resource)]
    fan = {
        row["period"]: row
        for row in run.rows("demand_fan")
        if (row["class"], row["region"], row["resource"]) == ("all", region, resource)
    }
    first, last = supply[0], supply[-1]
    yield (
        f"{resource} in {region}: {_number(first['in_service'])} in service in {first['period']}, "
        f"{_number(last['in_service'])} in {last['period']}."
    )
    asked = [row for row in supply if row["period"] in fan and fan[row["period"]]["p95"] > 0]
    if not asked:
        return
    tight = min(asked, key=lambda row: row["in_service"] / fan[row["period"]]["p95"])
    demand = fan[tight["period"]]
    left = tight["in_service"] / demand["p95"] - 1
    yield (
        f"It is tightest in {tight['period']}: demand is {_number(demand['mean'])} in the mean and "
        f"{_number(demand['p95'])} at P95, so {_number(tight['in_service'])} leave "
        f"{abs(left):.1%} {'over' if left >= 0 else 'short'} at P95; without its largest zone "
        f"{_number(tight['worst_zone_loss'])} would be left."
    )


def _orders(run: PastRun, column: str, name: str) -> Iterator[str]:
    lines = [row for row in run.rows("orders") if row[column] == name]
    if not lines:
        yield "Nothing is ordered here."
        return
    total = sum(row["EffectiveCost"] for row in lines)
    racks, servers = (sum(row[key] for row in lines) for key in ("racks", "servers"))
    yield (
        f"{counted(racks, 'rack')} ({counted(servers, 'server')}) ordered for "
        f"{_number(total)} {_currency(run)}, line by line:"
    )
    for row in lines:
        yield (
            f"- {row['order_period']}: {counted(row['racks'], 'rack')} of {row['server_type']} in {row['zone']}, "
            f"serving from {row['arrival_period'] or 'after the horizon'}, because of {row['reason']}."
        )


def _commitments(run: PastRun, column: str, name: str) -> Iterator[str]:
    for row in run.rows("commitments"):
        if row.get(column) == name:
            told = f"{counted(row['servers'], 'server')} of {row['server_type']}"
            yield f"{told} committed through {row['option']} from {row['period']} on."


def _prices(run: PastRun, name: str) -> Iterator[str]:
    """What one more unit of what binds here is worth, dearest first."""
    named = [row for row in run.rows("prices") if _speaks_of(row["name"], name) and abs(row["value"] or 0) > SOME]
    best: dict[str, Row] = {}
    for row in sorted(named, key=lambda row: -abs(row["value"])):
        best.setdefault(row["name"], row)
    for row in list(best.values())[:MOST_PRICES]:
        what, _, who = row["name"].partition("[")
        yield (
            f"What is scarce: {what.replace('_', ' ')} ({who.removesuffix(']').replace(',', ', ')}) is worth "
            f"{_number(row['value'])} {_currency(run)} per {row['unit']} ({PRICES.get(row['kind'], row['kind'])})."
        )


def _speaks_of(price: str, name: str) -> bool:
    inside = price.partition("[")[2].removesuffix("]")
    return name in [part for chunk in inside.split(",") for part in chunk.strip().split("/")]


def _zone(run: PastRun, name: str) -> Iterator[str]:
    yield from _stock(run, "zone", name, "server_type")
    yield from _orders(run, "zone", name)
    yield from _placed(run, name)
    yield from _prices(run, name)


def _server_type(run: PastRun, name: str) -> Iterator[str]:
    yield from _stock(run, "server_type", name, "zone")
    yield from _orders(run, "server_type", name)
    yield from _commitments(run, "server_type", name)
    yield from _prices(run, name)


def _stock(run: PastRun, column: str, name: str, by: str) -> Iterator[str]:
    rows = [row for row in run.rows("stock") if row[column] == name]
    for each in dict.fromkeys(row[by] for row in rows):
        own = [row for row in rows if row[by] == each]
        begin, end = own[0], own[-1]
        came, went = sum(row["arriving"] for row in own), sum(row["retired"] for row in own)
        left = f", {_number(went)} are retired early" if went > SOME else ""
        yield (
            f"{each}: {counted(begin['servers'], 'server')} in service in {begin['period']}, "
            f"{_number(end['servers'])} in {end['period']}; {_number(came)} arrive{left}."
        )


def _placed(run: PastRun, zone: str) -> Iterator[str]:
    for row in run.rows("placement_rows"):
        if row["zone"] == zone:
            yield (
                f"Row {row['row']} takes {counted(row['racks'], 'rack')} ({_number(row['used_kw'])} kW); "
                f"{_number(row['free_kw'])} kW are left, {_number(row['stranded_kw'])} kW of them stranded."
            )


def _class(run: PastRun, name: str) -> Iterator[str]:
    for row in run.rows("availability"):
        if row["class"] != name:
            continue
        target = f" against a target of {_share(row['target'])}" if _given(row["target"]) else ""
        yield (
            f"{row['measure'].replace('_', ' ').capitalize()}: {_share(row['promised'])} promised{target}; judged "
            f"{_share(row['judged'])} ({_share(row['judged_low'])} to {_share(row['judged_high'])}, "
            f"{counted(row['replications'], 'sample')}){_verdict(row)}."
        )
    worst = [row for row in run.rows("availability_by_period") if row["class"] == name and _given(row["judged_fill"])]
    if worst:
        low = min(worst, key=lambda row: row["judged_fill"])
        yield f"The worst period is {low['period']}: {_share(low['judged_fill'])} of its demand is met."
    yield from _prices(run, name)


def _resource(run: PastRun, name: str) -> Iterator[str]:
    for row in run.rows("utilization"):
        if row["resource"] == name and _given(row["value"]):
            yield f"{row['measure'].replace('_', ' ').capitalize()}: {row['value']:.1%}."
    for region in dict.fromkeys(row["region"] for row in run.rows("supply") if row["resource"] == name):
        yield from _pool(run, region, name)
    yield from _prices(run, name)


def _option(run: PastRun, name: str) -> Iterator[str]:
    yield from _commitments(run, "option", name)
    yield from _prices(run, name)


def _column(run: PastRun, name: str) -> Iterator[str]:
    for row in run.rows("first_stage"):
        if row["column"] == name:
            at = [word for word in ("lower", "upper") if abs(row["value"] - row[word]) <= SOME]
            where = f"at its {at[0]} bound" if at else "between its bounds"
            yield (
                f"{name} = {_number(row['value'])}, {where} ({_number(row['lower'])} to {_number(row['upper'])}); at "
                f"{_number(row['cost'])} each it adds {_number(row['cost'] * row['value'])} to the objective."
            )


def _currency(run: PastRun) -> str:
    return str(run.manifest.get("currency") or "")


Names = Callable[[PastRun], Sequence[str]]
Teller = Callable[[PastRun, str], Iterator[str]]

_KINDS: dict[str, tuple[Names, Teller]] = {
    "item": (_items, _item),
    "region": (_distinct("supply", "region"), _region),
    "zone": (_distinct("stock", "zone"), _zone),
    "server type": (_distinct("stock", "server_type"), _server_type),
    "class": (_distinct("availability", "class"), _class),
    "resource": (_distinct("supply", "resource"), _resource),
    "option": (_distinct("commitments", "option"), _option),
    "first-stage column": (_distinct("first_stage", "column"), _column),
}
