"""Two-stage plans against mean demand with a safety factor, at equal judged availability.

    python benchmarks/equal_availability.py [SCENARIO ...] [--samples N] [--judge N] [--out FILE]

The two-stage plan is made as the scenario says, with divisible racks, and judged. Then the least factor on mean demand
is sought whose plan gives every class with a promise at least the judged fill rate of the two-stage plan, and from
there on the cheapest judged one, because buying little and renting the rest also serves everybody (likewise the
quantile of the newsvendor by group). The costs are compared on samples that none of this has seen, in pairs. One
rule of operations serves all plans: what is worth buying to avoid a shortage does not depend on the plan.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

import capacity_opt as co
from capacity_opt.fleet.planners import FleetPlanner
from capacity_opt.simulation.arena import default_worth

ROOT = Path(__file__).parents[1] / "scenarios"
USUAL = ("quickstart", "azure_regions")
SEARCH, FRESH = 101, 202
STEPS, ON = 7, 6
HABITS = (1.0, 1.1, 1.2)


def judged(plan, problem, samples, seed):
    return co.simulate_fleet(plan, problem, samples=samples, seed=seed, shortage_worth=default_worth(problem))


def promised(problem):
    return ~np.isnan(problem.service.fill_rate)


def least(make, problem, wanted, low, high, samples):
    """The cheapest judged plan among those that give every promised class what is ``wanted``: the least such setting in
    [low, high] by bisection, then on in equal steps."""
    found, top = [], high

    def enough(setting):
        plan = make(setting)(problem)
        told = judged(plan, problem, samples, SEARCH)
        kept = bool(np.all((told.fill.value >= wanted - 1e-6)[promised(problem)]))
        if kept:
            found.append((told.total_cost.value, setting, plan))
        return kept

    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    for setting in np.linspace(high, top, ON + 2)[1:-1]:
        enough(float(setting))
    return min(found, key=lambda each: each[0])[1:] if found else None


def compared(name, samples, count):
    scenario = co.read_scenario(ROOT / name)
    problem = replace(scenario.fleet, integer=False)
    number = samples or problem.samples
    started = time.perf_counter()
    ours = FleetPlanner(policy="two_stage", samples=number, time_limit=200)(problem)
    wanted = judged(ours, problem, count, SEARCH).fill.value
    rivals = {
        "mean x factor": least(
            lambda f: FleetPlanner(policy="safety_factor", safety_factor=f), problem, wanted, 0.7, 1.7, count
        ),
        "quantile by group": least(
            lambda q: FleetPlanner(policy="newsvendor", level=q), problem, wanted, 0.4, 0.9999, count
        ),
    }
    first = judged(ours, problem, count, FRESH)
    lines = [row(name, f"two-stage, {number} samples", first, None, problem)]
    for label, found in rivals.items():
        if found is None:
            lines.append(f"| {name} | {label}: none in range gives as much |" + " |" * 3)
            continue
        setting, plan = found
        lines.append(row(name, f"{label} {setting:.3f}", judged(plan, problem, count, FRESH), first, problem))
    for factor in HABITS:
        plan = FleetPlanner(policy="safety_factor", safety_factor=factor)(problem)
        lines.append(row(name, f"mean x {factor:g}, untuned", judged(plan, problem, count, FRESH), first, problem))
    print(f"{name}: {time.perf_counter() - started:.0f} s", flush=True)
    return lines


def row(name, label, found, ours, problem):
    names = [c for c, p in zip(found.classes, promised(problem)) if p]
    fill = ", ".join(f"{c} {100 * f:.2f} %" for c, f in zip(names, found.fill.value[promised(problem)]))
    dearer = ""
    if ours is not None:
        cost = co.compare_plans(ours, found).cost
        scale = 100 / ours.total_cost.value
        dearer = f"{scale * cost.value:+.1f} % ({scale * cost.low:+.1f} to {scale * cost.high:+.1f})"
    return f"| {name} | {label} | {fill} | {found.total_cost.value:,.0f} | {dearer} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scenarios", nargs="*", default=USUAL)
    parser.add_argument("--samples", type=int, help="samples of the two-stage plan (default: as the scenario says)")
    parser.add_argument("--judge", type=int, default=1000, help="samples of each judgement")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    lines = [
        "# Two-stage plans against a safety factor, at equal judged availability",
        "",
        "| scenario | plan | judged fill rate | judged cost | dearer than two-stage |",
        "|---|---|---|---|---|",
    ]
    for name in given.scenarios:
        lines += compared(name, given.samples, given.judge)
    lines += [
        "",
        f"Divisible racks; {given.judge:,} fresh samples, the same for all plans of a scenario; 95 % intervals of "
        "paired differences. Factor and quantile: the cheapest of those that give every promised class the fill rate "
        "of the two-stage plan (sought on other samples, with the judge's help: nobody knows them beforehand). "
        "`python benchmarks/equal_availability.py` makes this.",
    ]
    text = "\n".join(lines) + "\n"
    print(text)
    if given.out:
        given.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
