"""The sentence that answers: what to order, commit and restock, what it costs, and which promise is broken."""

from __future__ import annotations

import numpy as np

from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.problem.plan import FleetPlan
from capacity_opt.scenario.read import Scenario

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
