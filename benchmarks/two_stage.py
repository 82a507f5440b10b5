"""Two-stage fleet sizing: our build and solve against the time Pyomo takes only to build the same model.

    python benchmarks/two_stage.py                          # 10, 30 and 100 samples; table to benchmarks/results/
    python benchmarks/two_stage.py --samples 10 --pyomo 10

The problem is the one of ``benchmarks/fleet_build.py`` (6 server types, 3 zones, 12 periods, 8 classes, 2 resources,
fill-rate promises) with a small old fleet, so that there is much to order; continuous and with whole racks. Build times
are the best of ``--repeat``; a solve is timed once, verified, and its gap stated. Both models' optima are compared on a
small instance first.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from fleet_build import benchmark_problem

from capacity_opt.fleet.formulation import build_model
from capacity_opt.fleet.outcomes import Outcomes, draw_outcomes
from capacity_opt.fleet.reference import build_reference, solve_reference
from capacity_opt.fleet.size import answer_model
from capacity_opt.problem.fleet import FleetProblem

RESULTS = Path(__file__).parent / "results" / "two_stage.md"


def short_of_servers(problem: FleetProblem) -> FleetProblem:
    """The problem with three old servers per type and zone instead of twenty, and dearer shortage."""
    supply = replace(problem.supply, initial=np.full_like(problem.supply.initial, 3.0))
    service = replace(problem.service, penalty=20.0 * problem.service.penalty)
    return replace(problem, supply=supply, service=service)


def best_of(repeat: int, work: Callable[[], Any]) -> tuple[float, Any]:
    """The least time of ``repeat`` runs, and the last result."""
    best, result = float("inf"), None
    for _ in range(repeat):
        started = time.perf_counter()
        result = work()
        best = min(best, time.perf_counter() - started)
    return best, result


def measured(problem: FleetProblem, outcomes: Outcomes, repeat: int, pyomo: bool, whole_limit: float) -> dict[str, Any]:
    """One line of the table."""
    build, model = best_of(repeat, lambda: build_model(problem, outcomes))
    continuous, answer = best_of(1, lambda: answer_model(model, time_limit=600))
    whole = build_model(replace(problem, integer=True), outcomes)
    racks, rounded = best_of(1, lambda: answer_model(whole, gap=1e-2, time_limit=whole_limit))
    line = {
        "samples": outcomes.count,
        "rows": model.lp.rows,
        "columns": model.lp.columns,
        "nonzeros": int(model.lp.matrix.nnz),
        "build_s": round(build, 4),
        "solve_s": round(continuous, 3),
        "objective": round(answer.solution.objective, 4),
        "verified": answer.checked.passed and rounded.checked.passed,
        "whole_racks_s": round(racks, 3),
        "whole_racks_gap": float(f"{rounded.solution.gap:.3g}"),
    }
    if pyomo:
        slow, _ = best_of(1, lambda: build_reference(problem, outcomes.values, outcomes.probability))
        line |= {"pyomo_build_s": round(slow, 3), "pyomo_build_over_ours": round(slow / build, 1)}
    return line


def same_model(problem: FleetProblem) -> float:
    """Relative difference of the two models' optima on a few samples; the benchmark stops if it is not rounding."""
    ours = answer_model(build_model(problem, draw_outcomes(problem, samples=3))).solution.objective
    theirs = solve_reference(build_reference(problem, samples=3)).objective
    difference = abs(ours - theirs) / abs(ours)
    if difference > 1e-6:
        raise SystemExit(f"the models differ: {ours} against {theirs}")
    return difference


def table(lines: list[dict[str, Any]], machine: str) -> str:
    """The lines as a Markdown page."""
    names = list(lines[0])
    head = ["# Two-stage fleet sizing: build and solve", "", f"`python benchmarks/two_stage.py`; {machine}.", ""]
    rows = [names, ["---"] * len(names), *([str(line.get(name, "")) for name in names] for line in lines)]
    return "\n".join([*head, *(f"| {' | '.join(row)} |" for row in rows)]) + "\n"


def main() -> None:
    """Run, print and keep the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, nargs="+", default=[10, 30, 100])
    parser.add_argument("--pyomo", type=int, default=100, help="most samples for which Pyomo builds too")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--whole-limit", type=float, default=60.0, help="seconds for whole racks")
    chosen = parser.parse_args()
    problem = short_of_servers(benchmark_problem())
    print(f"same optimum in Pyomo to {same_model(problem):.1e}")
    lines = []
    for count in chosen.samples:
        outcomes = draw_outcomes(problem, samples=count)
        lines.append(measured(problem, outcomes, chosen.repeat, count <= chosen.pyomo, chosen.whole_limit))
        print(json.dumps(lines[-1]))
    RESULTS.parent.mkdir(exist_ok=True)
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}"
    RESULTS.write_text(table(lines, machine), encoding="utf-8")


if __name__ == "__main__":
    main()
