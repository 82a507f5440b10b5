"""Which promises must fail in an elastic solution, when and by how much, and what stands in their way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from capacity_opt.fleet.elastic import NOTICEABLE, Slack, members
from capacity_opt.fleet.formulation import FleetModel
from capacity_opt.solvers.solution import Solution

MOST_LINES = 10

LIMITS = {
    "power": "power limit of {}",
    "rack_units": "rack-unit limit of {}",
    "space": "space limit of {}",
    "capex_budget": "capital budget",
    "cumulative_budget": "cumulative budget",
    "opex_budget": "running budget",
    "commitment_limit": "commitment limit of {}",
    "option_limit": "limit of {}",
    "never_grow": "never_grow of {}",
    "never_shrink": "never_shrink of {}",
    "order_limit": "order limit of {}",
}
"""Rows that can hold a promise back, in words."""


def failures(model: FleetModel, found: Solution, slacks: list[Slack]) -> list[str]:
    """The worst failing promises, neighbouring periods together, each with what stands in its way."""
    assert found.x is not None
    worst: dict[tuple[str, str], dict[str, float]] = {}
    for slack, value in zip(slacks, found.x[model.lp.columns :].tolist(), strict=True):
        if value > NOTICEABLE * slack.size:
            subject, period = (*slack.parts, "", "")[:2]
            by_period = worst.setdefault((slack.block, subject), {})
            by_period[period] = max(by_period.get(period, 0.0), value)
    ordered = sorted(worst.items(), key=lambda row: -max(row[1].values()))
    lines = [line for (block, subject), by in ordered for line in _lines(model, found, block, subject, by)]
    if len(lines) > MOST_LINES:
        lines = [*lines[:MOST_LINES], f"and {len(lines) - MOST_LINES} more ({len(lines)} in all)"]
    return lines


def spans(periods: Sequence[str], told: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """(period, text) pairs with equal text in neighbouring periods joined: (``in A`` or ``from A to B``, text)."""
    place = {name: t for t, name in enumerate(periods)}
    runs: list[tuple[int, int, str]] = []
    for period, text in sorted(told, key=lambda row: place[row[0]]):
        t = place[period]
        if runs and runs[-1][1] == t - 1 and runs[-1][2] == text:
            runs[-1] = (runs[-1][0], t, text)
        else:
            runs.append((t, t, text))
    return [
        (f"in {periods[first]}" if first == last else f"from {periods[first]} to {periods[last]}", text)
        for first, last, text in runs
    ]


def _lines(model: FleetModel, found: Solution, block: str, subject: str, by_period: dict[str, float]) -> list[str]:
    """What is said of one promise."""
    problem = model.frame.problem
    if block == "demand" or block.startswith("protected"):
        zone = block.removeprefix("protected_without_") if block != "demand" else ""
        lost = problem.sites.zones.index(zone) if zone else -1
        of, if_lost = (" of its protected share", f" if {zone} is lost") if zone else ("", "")
        told = [
            (period, f"{_amount(model, subject, value)}{of}\0{if_lost}: {_cause(model, found, subject, period, lost)}")
            for period, value in by_period.items()
        ]
        return [f"{subject} short {text.replace(chr(0), ' ' + when)}" for when, text in spans(problem.periods, told)]
    value = max(by_period.values())
    if block == "fill_rate":
        return [f"fill rate of {subject} missed by {value:.6g} units of unmet demand: {_binding(model, found)}"]
    if block == "shortage_cvar":
        return [f"shortage CVaR of {subject} missed by {value:.6g} units: {_binding(model, found)}"]
    place = ",".join(filter(None, (subject, next(iter(by_period)))))
    return [f"{block}[{place}] missed by {value:.6g}: {_binding(model, found)}"]


def _amount(model: FleetModel, group: str, value: float) -> str:
    """Unmet demand in the resources it would use: ``40 vcpu``, or ``40 units (40 vcpu, 160 memory_gib)``."""
    problem = model.frame.problem
    usage = problem.groups.usage[problem.groups.names.index(group)]
    parts = [
        f"{value * each:.6g} {name}" for name, each in zip(problem.resources, usage.tolist(), strict=True) if each > 0
    ]
    return parts[0] if len(parts) == 1 else f"{value:.6g} units" + (f" ({', '.join(parts)})" if parts else "")


def _cause(model: FleetModel, found: Solution, group: str, period: str, lost: int = -1) -> str:
    """Lead time, where nothing ordered now can be there; otherwise the limits that bind."""
    problem = model.frame.problem
    fits = _places(model, problem.groups.names.index(group), lost)
    if not fits.any():
        return "no server type in an allowed place can serve it" + (" then" if lost >= 0 else "")
    lead = problem.supply.lead_time[fits & (problem.supply.order_limit.max(axis=2) > 0)]
    if lead.size == 0:
        return "no order of a compatible type is allowed (order limit 0)"
    first, last = problem.supply.first_order, len(problem.periods) - 1
    earliest = first + int(lead.min())
    if problem.periods.index(period) < earliest:
        when = problem.periods[earliest] if earliest <= last else "the end of the plan"
        return (
            f"lead time {int(lead.min())} > first order {problem.periods[min(first, last)]}: "
            f"nothing ordered arrives before {when}"
        )
    return _binding(model, found)


def _places(model: FleetModel, group: int, lost: int) -> NDArray[np.bool_]:
    """Which types in which zones can serve the group while zone ``lost`` is lost, (K, Z)."""
    frame = model.frame
    lanes = frame.lanes(lost if lost >= 0 else None)
    own = lanes.group == group
    by_pool = np.zeros((frame.problem.sizes["K"], len(frame.pools)), dtype=bool)
    by_pool[lanes.server_type[own], lanes.pool[own]] = True
    zones = np.arange(frame.problem.sizes["Z"])
    fits: NDArray[np.bool_] = by_pool[:, frame.zone_pool] & (zones != lost)
    return fits


def _binding(model: FleetModel, found: Solution) -> str:
    """The limits with the largest price in the elastic solution, in words."""
    if found.row_duals is None or found.reduced_costs is None:
        return "limits bind"
    worth: dict[str, float] = {}
    when: dict[str, list[str]] = {}
    for name, words in LIMITS.items():
        block = model.column_blocks["racks"] if name == "order_limit" else model.row_blocks.get(name)
        price = -found.reduced_costs if name == "order_limit" else np.abs(found.row_duals)
        for number, parts in members(block) if block is not None else ():
            if price[number] > 1e-9:
                period = next((part for part in reversed(parts) if part in model.frame.problem.periods), "")
                told = words.format(" in ".join(part for part in parts if part != period)).strip()
                worth[told] = worth.get(told, 0.0) + float(price[number])
                when.setdefault(told, []).append(period)
    binding = sorted(worth, key=lambda told: -worth[told])[:3]
    if not binding:
        return "promises and limits contradict each other"
    return f"held back by {', '.join(_dated(model, told, when[told]) for told in binding)}"


def _dated(model: FleetModel, told: str, periods: list[str]) -> str:
    runs = spans(model.frame.problem.periods, [(period, "") for period in dict.fromkeys(periods) if period])
    return " ".join([told, *(run for run, _ in runs[:1])]) + (" and later" if len(runs) > 1 else "")
