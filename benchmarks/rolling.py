"""What a warm start saves between the plans of a rolling horizon, and that it changes no plan's cost.

    python benchmarks/rolling.py [--scenario quickstart] [--paths 2] [--out benchmarks/results/rolling.md]

Every plan of every path is made twice, from cold and from the plan before (:class:`~capacity_opt.WarmStart`), on the
same problem; the warm one's orders are carried out. The first plan of a path has nothing to start from and is left out.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

import capacity_opt as co
from capacity_opt.scenario.rolling_step import _refreshed

ROOT = Path(__file__).parents[1] / "scenarios"
CASES = (  # policy, whole racks, samples, periods between plans
    ("two_stage", False, 50, 3),
    ("two_stage", False, 500, 2),
    ("cvar", False, 20, 3),
    ("two_stage", True, 10, 3),
)


def measured(problem, policy, samples, freeze, count):
    cold, warm = (co.FleetPlanner(policy=policy, samples=samples, warm=memory, gap=1e-3) for memory in (False, True))
    seconds, steps, off, plans = np.zeros(2), np.zeros(2), 0.0, 0

    def both(standing):
        nonlocal off, plans
        found = []
        for which, planner in enumerate((cold, warm)):
            started = time.process_time()
            found.append(planner(standing))
            if standing.supply.first_order > 0:
                seconds[which] += time.process_time() - started
                steps[which] += found[-1].facts.get("iterations", 0)
        if standing.supply.first_order > 0:
            plans += 1
            off = max(off, abs(found[1].objective / found[0].objective - 1))
        return found[1]

    paths, _ = problem.demand.draw(count, seed=5)
    co.roll_fleet(problem, both, paths, freeze=freeze, refresh=_refreshed(problem))
    return plans, seconds, steps, off


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenario", default="quickstart")
    parser.add_argument("--paths", type=int, default=2)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    case = co.read_scenario(ROOT / given.scenario).fleet
    lines = [
        "# Warm starts between the plans of a rolling horizon",
        "",
        "| planning | racks | samples | every | plans | cold | warm | saved | steps | costs differ by |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    co.FleetPlanner(policy="two_stage", samples=50)(replace(case, integer=False))  # compiles
    for policy, whole, samples, freeze in CASES:
        plans, seconds, steps, off = measured(replace(case, integer=whole), policy, samples, freeze, given.paths)
        lines.append(
            f"| {policy} | {'whole' if whole else 'divisible'} | {samples:,} | {freeze} | {plans} | {seconds[0]:.1f} s "
            f"| {seconds[1]:.1f} s | {1 - seconds[1] / seconds[0]:.0%} | {steps[0]:,.0f}, {steps[1]:,.0f} | {off:.1e} |"
        )
        print(lines[-1], flush=True)
    lines += [
        "",
        f"Scenario {given.scenario}, {given.paths} paths. Seconds of CPU. Steps, cold and warm: cuts' rounds of the "
        "decomposition, else simplex iterations. Gap of whole racks 1e-3, of divisible ones 1e-6 by decomposition. "
        "`python benchmarks/rolling.py` makes this.",
    ]
    if given.out:
        given.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
