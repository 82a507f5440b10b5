"""Two-stage plans against mean demand with a safety factor, at equal judged availability.

    python benchmarks/equal_availability.py [SCENARIO ...] [--samples N] [--judge N] [--out FILE]

Each way of planning has one dial: the two-stage plan how much tighter its fill rates are than what is promised, mean
demand its factor, the newsvendor by group its quantile. Each dial is turned the same number of times and the plan kept
that costs least in the judge's eyes among those that give every promised class at least its promise; so nobody has an
advantage of tuning, and all plans promise the same. The winners are compared on samples that none of this has seen, in
pairs. One rule of operations serves all plans of a comparison, and there are two comparisons: shortages avoided up to
what the two-stage plan says they are worth (the product's own rule), and bought off at any price.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

import capacity_opt as co
from capacity_opt.fleet.planners import FleetPlanner
from capacity_opt.simulation.arena import default_worth

MORE = 4
ROOT = Path(__file__).parents[1] / "scenarios"
USUAL = ("quickstart", "azure_regions")
SEARCH, FRESH = 101, 202
STEPS, ON = 7, 6
HABITS = (1.0, 1.1, 1.2)
SLACK = 1e-6


def judged(plan, problem, samples, seed, worth):
    return co.simulate_fleet(plan, problem, samples=samples, seed=seed, shortage_worth=worth)


def promised(problem):
    return ~np.isnan(problem.service.fill_rate)


def tightened(problem, caution):
    """The problem with the shortage that each promise allows divided by ``caution``."""
    service = problem.service
    return replace(problem, service=replace(service, fill_rate=1.0 - (1.0 - service.fill_rate) / caution))


def cheapest(make, problem, low, high, samples, worth):
    """The cheapest judged plan among those that give every promised class its promise, with its setting: the least such
    setting in [low, high] by bisection, then on in equal steps."""
    found, top, wanted = [], high, problem.service.fill_rate

    def enough(setting):
        plan = make(setting)
        told = judged(plan, problem, samples, SEARCH, worth)
        kept = bool(np.all((told.fill.value >= wanted - SLACK)[promised(problem)]))
        if kept:
            found.append((told.total_cost.value, setting, plan))
        return kept

    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    for setting in np.linspace(high, min(top, high + 0.4 * (top - high)), ON + 1)[1:]:
        enough(float(setting))
    return min(found, key=lambda each: each[0])[1:] if found else None


def ways(problem, number):
    """Name, planner by setting, and the range of settings of each way of planning."""
    stage = FleetPlanner(policy="two_stage", samples=number, time_limit=60, warm=False)

    def factor(setting):
        return FleetPlanner(policy="safety_factor", safety_factor=setting, warm=False)(problem)

    def level(setting):
        return FleetPlanner(policy="newsvendor", level=setting, warm=False)(problem)

    return {
        f"two-stage, {number:,} samples, caution": (lambda c: stage(tightened(problem, c)), 0.5, 3.0),
        "mean x factor": (factor, 0.7, 1.7),
        "quantile by group": (level, 0.4, 0.9999),
    }


def compared(name, samples, count):
    problem = replace(co.read_scenario(ROOT / name).fleet, integer=False)
    number = samples or MORE * problem.samples
    own = FleetPlanner(policy="two_stage", samples=number, time_limit=200)(problem).shortage_worth
    lines = []
    for rule, worth in (("as planned", own), ("any price", default_worth(problem))):
        started, ours = time.perf_counter(), None
        for label, (make, low, high) in ways(problem, number).items():
            found = cheapest(make, problem, low, high, count, worth)
            if found is None:
                lines.append(f"| {name} | {rule} | {label}: none in range keeps the promises |" + " |" * 3)
                continue
            told = judged(found[1], problem, count, FRESH, worth)
            lines.append(row((name, rule), f"{label} {found[0]:.3f}", told, ours, problem))
            ours = told if ours is None else ours
        for factor in HABITS:
            plan = FleetPlanner(policy="safety_factor", safety_factor=factor)(problem)
            told = judged(plan, problem, count, FRESH, worth)
            lines.append(row((name, rule), f"mean x {factor:g}, untuned", told, ours, problem))
        print(*lines, f"{name}, {rule}: {time.perf_counter() - started:.0f} s", sep="\n", flush=True)
    return lines


def row(where, label, found, ours, problem):
    names = [c for c, p in zip(found.classes, promised(problem)) if p]
    fill = ", ".join(f"{c} {100 * f:.2f} %" for c, f in zip(names, found.fill.value[promised(problem)]))
    dearer = ""
    if ours is not None:
        cost = co.compare_plans(ours, found).cost
        scale = 100 / ours.total_cost.value
        dearer = f"{scale * cost.value:+.1f} % ({scale * cost.low:+.1f} to {scale * cost.high:+.1f})"
    return f"| {' | '.join(where)} | {label} | {fill} | {found.total_cost.value:,.0f} | {dearer} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scenarios", nargs="*", default=USUAL)
    parser.add_argument(
        "--samples", type=int, help=f"samples of the two-stage plan (default: {MORE} times the scenario's)"
    )
    parser.add_argument("--judge", type=int, default=1000, help="samples of each judgement")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    lines = [
        "# Two-stage plans against a safety factor, at equal judged availability",
        "",
        "| scenario | shortages avoided | plan | judged fill rate | judged cost | dearer than two-stage |",
        "|---|---|---|---|---|---|",
    ]
    for name in given.scenarios:
        lines += compared(name, given.samples, given.judge)
    lines += [
        "",
        f"Divisible racks; {given.judge:,} fresh samples, the same for all plans of a scenario; 95 % intervals of "
        "paired differences. Caution, factor and quantile: of 13 tried, the cheapest that gives every promised class "
        "at least its promise (sought on other samples, with the judge's help: nobody knows them beforehand). "
        "`python benchmarks/equal_availability.py` makes this.",
    ]
    text = "\n".join(lines) + "\n"
    print(text)
    if given.out:
        given.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
