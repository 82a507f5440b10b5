"""Sampling and curves: the statistical certificate, frontiers of 1,000 samples, samplings and reduction compared.

    python benchmarks/stochastic_sampling.py                       # about two minutes
    python benchmarks/stochastic_sampling.py --parts certificate frontier --seed 3

Parts: ``certificate`` (30 x 200 samples, 20,000 fresh ones), ``frontier`` (40 fill rates on 1,000 samples; then as many
points as 0.5 % needs), ``samplings`` (how far the sampled optimum and the plan are from the truth with the same number
of samples drawn three ways, and reduced from ten times as many).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from fleet_instances import fleet, generate

import capacity_opt as co
from capacity_opt.demand.paths import CopulaPaths
from capacity_opt.demand.quantiles import QuantileDemand
from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.solvers.stochastic.kernels import compile_kernels

RESULTS = Path(__file__).parent / "results" / "stochastic_sampling.md"
LEVELS = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
DRAWN, SEEDS, TRUTH = 50, 12, 20_000
Line = dict[str, Any]


def of_certificate(chosen: argparse.Namespace) -> Iterator[Line]:
    """How good are 200 samples?"""
    problem = fleet(generate(5000, chosen.seed))
    started, before = time.perf_counter(), time.process_time()
    found = co.certify_fleet(problem, samples=200, replications=30, fresh=20_000)
    yield {
        "part": "certificate", "what": "30 x 200, 20,000 fresh", "seconds": f"{time.perf_counter() - started:.1f}",
        "cpu": f"{time.process_time() - before:.1f}",
        "found": f"cost {found.cost.value:.7g}, within {found.relative_gap_limit:.3%} at 95 %",
    }  # fmt: skip


def of_frontier(chosen: argparse.Namespace) -> Iterator[Line]:
    """A curve of 40 points, and one as fine as a tolerance needs, up to the highest fill that limits leave."""
    problem = fleet(generate(1000, chosen.seed))
    started = time.perf_counter()
    co.size_fleet(problem, gap=1e-4)
    one = time.perf_counter() - started
    most = highest(problem)
    least = 0.7 * most
    values = list(np.linspace(least, most, 40))
    for what, asked in (
        ("40 points", {"values": values}),
        ("to 0.5 %", {"values": [least, most], "tolerance": 5e-3}),
    ):
        started = time.perf_counter()
        curve = co.frontier(problem, judge_samples=0, time_limit=60.0, **asked)
        seconds = time.perf_counter() - started
        solved = [point for point in curve.points if point.plan is not None]
        yield {
            "part": "frontier", "what": f"{what}, fill {least:.3f} to {most:.3f}", "seconds": f"{seconds:.1f}",
            "found": f"{len(solved)} of {len(curve.points)} solved; {solved[0].cost:.6g} to {solved[-1].cost:.6g}; "
            f"known to {curve.uncertainty:.2%}; one solve {one:.1f} s",
        }  # fmt: skip


def highest(problem: FleetProblem) -> float:
    """About the highest fill rate that can be kept: budget and power leave no more."""
    low, high = 0.0, 1.0
    for _ in range(6):
        middle = 0.5 * (low + high)
        solved = co.frontier(problem, values=[middle], judge_samples=0, time_limit=60.0).points[0].plan is not None
        low, high = (middle, high) if solved else (low, middle)
    return low


def of_samplings(chosen: argparse.Namespace) -> Iterator[Line]:
    """Root mean square error of the sampled optimum, and what the plan costs more than the best in truth."""
    g = generate(400, chosen.seed)
    table = np.quantile(g.demand.transpose(0, 2, 1, 3).reshape(g.S, -1), LEVELS, axis=0).T
    paths = CopulaPaths(QuantileDemand(LEVELS, table), (g.Z * g.D, g.T), period_correlation=0.7, group_correlation=0.3)
    problem = replace(fleet(g), demand=paths, samples=DRAWN)
    truth = replace(problem, samples=TRUTH // 10)
    best = co.size_fleet(truth, seed=chosen.seed + 999, gap=1e-5).objective
    for what, changed in (
        ("random", {}),
        ("antithetic", {"sampling": "antithetic"}),
        ("sobol", {"sampling": "sobol"}),
        (f"random, {10 * DRAWN} reduced", {"samples": 10 * DRAWN, "reduce_to": DRAWN}),
    ):
        started = time.perf_counter()
        own = replace(problem, **changed)
        off = [co.size_fleet(own, seed=seed, gap=1e-5).objective / best - 1.0 for seed in range(SEEDS)]
        yield {
            "part": "samplings", "what": f"{what}: {DRAWN} samples, {SEEDS} seeds",
            "seconds": f"{time.perf_counter() - started:.1f}",
            "found": f"sampled optimum off by {np.sqrt(np.mean(np.square(off))):.3%} (root mean square), "
            f"{np.mean(off):+.3%} in the mean",
        }  # fmt: skip


PARTS = {"certificate": of_certificate, "frontier": of_frontier, "samplings": of_samplings}
COLUMNS = ("part", "what", "seconds", "cpu", "found", "machine")


def main() -> None:
    """Run, print and keep the table; lines of parts not run stay as they are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    compile_kernels()
    store = RESULTS.with_suffix(".json")
    known = json.loads(store.read_text(encoding="utf-8")) if store.is_file() else {}
    for part in chosen.parts:
        known[part] = []
        for line in PARTS[part](chosen):
            machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}"
            known[part].append(line | {"machine": machine})
            print(json.dumps(known[part][-1]), flush=True)
    store.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    lines = [each for part in PARTS for each in known.get(part, [])]
    rows = [COLUMNS, ["---"] * len(COLUMNS), *([str(each.get(name, "")) for name in COLUMNS] for each in lines)]
    head = ["# Sampling and curves", "", "Made by `python benchmarks/stochastic_sampling.py`, part by part.", ""]
    RESULTS.write_text("\n".join([*head, *(f"| {' | '.join(row)} |" for row in rows)]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
