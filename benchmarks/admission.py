"""How fast admission control is, and how close its levels come to the exact optimum.

    python benchmarks/admission.py [--out benchmarks/results/admission.md]

Times are the best of several runs after one that compiles; the NumPy column is the same work without numba. The memory
floor of Erlang B is the time of ``load + servers`` over the same arrays, in this process.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import capacity_opt as co


def best_of(work: Callable[[], object], runs: int = 5) -> float:
    work()
    times = []
    for _ in range(runs):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return min(times)


def both(work: Callable[[], object], runs: int = 5) -> tuple[float, float]:
    """Seconds compiled and without numba."""
    fast = best_of(work, runs)
    os.environ["CAPACITY_OPT_COMPILE"] = "0"
    try:
        return fast, best_of(work, 1)
    finally:
        del os.environ["CAPACITY_OPT_COMPILE"]


def erlang_rows() -> list[str]:
    rng = np.random.default_rng(0)
    rows = []
    for most in (1e3, 1e5):
        load = rng.uniform(1, most, 1_000_000)
        servers = np.rint(load * rng.uniform(0.7, 1.3, load.size))
        floor = best_of(lambda a=load, b=servers: a + b)
        fast, plain = both(lambda a=load, b=servers: co.erlang_b(a, b), 3)
        rows.append(
            f"| Erlang B, 1e6 pairs, loads to {most:g} | {fast:.3f} | {plain:.3f} | {fast / floor:.0f}x floor |"
        )
    return rows


def multirate_rows() -> list[str]:
    rng = np.random.default_rng(1)
    rows = []
    for capacity in (10_000, 50_000):
        size = rng.integers(1, 65, 20)
        load = capacity / 20 / size
        fast, plain = both(lambda c=capacity, a=load, s=size: co.multirate_loss(c, load=a, size=s))
        rows.append(f"| multi-rate pool, {capacity} units x 20 classes | {fast:.4f} | {plain:.3f} | |")
    return rows


def tuning_rows() -> list[str]:
    size = np.array([1, 4, 16, 64, 256])

    def tune() -> co.CriticalLevels:
        return co.tune_critical_levels(
            10_000, arrival_rate=1.2 * 10_000 / 5 / size, holding_time=1, size=size, price=[1, 1.5, 2, 1.2, 0.8]
        )

    told = tune()
    gain = told.revenue / told.first_come_revenue - 1
    return [f"| critical levels, 10,000 units x 5 classes | {best_of(tune, 3):.2f} | | {gain:+.2%} revenue |"]


def simulation_rows() -> list[str]:
    def play() -> co.SimulatedLoss:
        return co.simulate_admission(60, arrival_rate=[20, 5, 2], holding_time=1.0, size=[1, 4, 8], seed=1)

    seconds = best_of(play, 3)
    return [f"| event simulation, 2e6 requests | {seconds:.2f} | | {2e6 / seconds / 1e6:.1f} M requests/s |"]


def booking_rows() -> list[str]:
    demand = co.Normal([17.3, 45.1, 39.6, 34.0], [5.8, 15.0, 13.2, 11.3])
    fare = [1050, 567, 534, 520]
    exact = best_of(lambda: co.optimize_booking_limits(demand, fare=fare, capacity=140))
    usage = [[1, 1, 0, 2, 0], [0, 1, 1, 1, 1]]
    prices = best_of(
        lambda: co.randomized_bid_prices(
            usage, capacity=[14, 10], demand=co.Poisson([6.0, 9, 7, 3, 4]), fare=[10, 15, 8, 26, 7], samples=500, seed=1
        ),
        2,
    )
    return [
        f"| exact booking limits, 4 classes | {exact:.4f} | | |",
        f"| randomised bid prices, 2 pools, 500 samples | {prices:.2f} | | |",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    out = parser.parse_args().out
    rows = [*erlang_rows(), *multirate_rows(), *tuning_rows(), *simulation_rows(), *booking_rows()]
    text = "\n".join(
        [
            "# Admission control: measured",
            "",
            f"Python {platform.python_version()}, numpy {np.__version__}, {os.cpu_count()} cores; under load.",
            "Seconds, best of several.",
            "",
            "| work | compiled | NumPy only | |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )
    print(text)
    if out:
        out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
