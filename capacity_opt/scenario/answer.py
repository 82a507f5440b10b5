"""The sentence that answers: what to order, commit and restock, what it costs, and which promise is broken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.problem.plan import FleetPlan
from capacity_opt.scenario.admission_step import admission_answer
from capacity_opt.scenario.backtest_step import backtest_answer
from capacity_opt.scenario.placement import placement_answer
from capacity_opt.scenario.read import Scenario
from capacity_opt.scenario.rolling_step import rolling_answer

if TYPE_CHECKING:
    from capacity_opt.scenario.steps import StepOutcome

MOST_OPTIONS = 3
ENOUGH = 1e-6


def counted(count: float, word: str) -> str:
    """A count with its word.

    >>> counted(1, "rack"), counted(2.5, "rack"), counted(12000, "server")
    ('1 rack', '2.5 racks', '12,000 servers')
    """
    shown = _number(count)
    return f"{shown} {word}{'' if shown == '1' else 's'}"


def _number(count: float) -> str:
    return f"{count:,.0f}" if abs(count - round(count)) < ENOUGH else f"{count:,.6g}"


def fleet_answer(scenario: Scenario, plan: FleetPlan) -> str:
    """What the fleet plan orders and commits, and its cost."""
    assert scenario.fleet is not None
    total = f"{plan.objective:,.0f}" if abs(plan.objective) >= 1000 else f"{plan.objective:,.6g}"
    parts = [_ordered(plan, scenario.timeline.labels), *_committed(plan, scenario.fleet)]
    return "; ".join([*parts, f"the plan costs {total} {scenario.currency}"])


def _ordered(plan: FleetPlan, labels: tuple[str, ...]) -> str:
    if not plan.orders:
        return "Order nothing"
    first = min(labels.index(line.order_period) for line in plan.orders)
    now = [line for line in plan.orders if line.order_period == labels[first]]
    racks, servers = sum(line.racks for line in now), sum(line.servers for line in now)
    later = sum(line.racks for line in plan.orders) - racks
    said = f"Order {counted(racks, 'rack')} ({counted(servers, 'server')}) in {labels[first]}"
    return f"{said} and {counted(later, 'rack')} later" if later > ENOUGH else said


def _committed(plan: FleetPlan, problem: FleetProblem) -> list[str]:
    """``commit 40 servers through ri``: the largest options first, the rest counted; empty without commitments."""
    total = plan.committed.sum(axis=1)
    chosen = [m for m in np.argsort(-total, kind="stable").tolist() if total[m] > ENOUGH]
    if not chosen:
        return []
    names = [f"{_number(float(total[m]))} through {problem.options.names[m]}" for m in chosen[:MOST_OPTIONS]]
    names[0] = f"{counted(float(total[chosen[0]]), 'server')} through {problem.options.names[chosen[0]]}"
    left = len(chosen) - MOST_OPTIONS
    names += [f"more through {counted(left, 'other option')}"] if left > 0 else []
    return [f"commit {' and '.join([', '.join(names[:-1]), names[-1]] if len(names) > 1 else names)}"]


def _aside(scenario: Scenario) -> str:
    """How many items were left out, and where the first fault is; nothing where all were planned."""
    told = scenario.inventory.aside if scenario.inventory is not None else ()
    if not told:
        return ""
    count = len({(row.item, row.location) for row in told})
    was = "item was" if count == 1 else "items were"
    return f"{count:,} {was} set aside for faults in their rows, the first at {told[0].fault.place}"


def _left_out(scenario: Scenario, done: int) -> str:
    """How many items of a stream were not reached; nothing where all were."""
    left = scenario.items_stream.count - done if scenario.items_stream is not None else 0
    return f"interrupted before the other {left:,} items" if left else ""


def run_answer(scenario: Scenario, outcome: StepOutcome) -> str:
    """The sentence that answers."""
    parts = []
    if outcome.stopped and scenario.fleet is not None and outcome.plan is None:
        parts.append("Interrupted before there was a fleet plan")
    if outcome.plan is not None:
        parts.append(fleet_answer(scenario, outcome.plan))
    if outcome.placement is not None and outcome.placement.unplaced.any():
        parts.append(placement_answer(outcome.placement))
    if outcome.admission is not None and scenario.fleet is not None:
        parts.append(admission_answer(outcome.admission, scenario.fleet))
    if outcome.recommended is not None:
        parts.append(outcome.recommended.answer(scenario.currency))
    if outcome.inventory is not None:
        due = outcome.inventory.order_now > 0
        parts.append(f"{int(due.sum()):,} of {len(due):,} items are due for an order")
        parts.append(_aside(scenario))
    if outcome.rolled and scenario.fleet is not None:
        parts.append(rolling_answer(outcome.rolled, scenario.fleet))
    if outcome.backtest is not None:
        parts.append(backtest_answer(outcome.backtest, scenario.currency))
    if outcome.stream is not None:
        parts.append(f"{outcome.stream.due:,} of {outcome.stream.count:,} items are due for an order")
        parts.append(_left_out(scenario, outcome.stream.count))
    if outcome.judged is not None:
        broken = [verdict for verdict in outcome.judged.verdicts if verdict.outcome == "not_kept"]
        if broken:
            parts.append("on fresh samples not every promise is kept: " + broken[0].sentence.rstrip("."))
    parts = [part for part in parts if part]
    return "; ".join(parts) + "." if parts else ""
