"""How fast the newsvendor, base stock and lead-time demand are: ours, stockpyl per item, and the memory floor.

    python benchmarks/newsvendor.py [--items 1000000] [--out benchmarks/results/newsvendor.md] [--no-peer]

The peer, stockpyl, works one item at a time and drags old packages, so it is measured in an environment of its own that
this script makes (and removes), on a few hundred of the same items, and scaled. The memory floor is the time of
``values.sum()`` in this process, scaled from the bytes summed to the bytes moved (inputs read + outputs written).
Every number is the best of several runs.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import capacity_opt as co

LEVELS = np.array([0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99])
PEER_ITEMS = 300

PEER = """
import json, sys, time
import numpy as np
from stockpyl.newsvendor import newsvendor_normal, newsvendor_poisson
data = json.load(sys.stdin)
def clock(work):
    best = float("inf")
    for _ in range(3):
        begin = time.perf_counter()
        for item in range(len(data["mean"])):
            work(item)
        best = min(best, time.perf_counter() - begin)
    return best / len(data["mean"])
normal = clock(lambda i: newsvendor_normal(1.0, data["short"][i], data["mean"][i], data["sd"][i]))
poisson = clock(lambda i: newsvendor_poisson(1.0, data["short"][i], data["mean"][i]))
import stockpyl
print(json.dumps({"normal": normal, "poisson": poisson, "version": getattr(stockpyl, "__version__", "1")}))
"""


def best_of(work: Callable[[], object], runs: int = 7) -> tuple[float, float]:
    """Seconds and CPU seconds of the fastest run; the first one, which compiles, does not count."""
    work()
    times, burnt = [], []
    for _ in range(runs):
        begin, cpu = time.perf_counter(), time.process_time()
        work()
        times.append(time.perf_counter() - begin)
        burnt.append(time.process_time() - cpu)
    return min(times), min(burnt)


def peer_seconds(mean: np.ndarray, sd: np.ndarray, short: np.ndarray) -> dict[str, object] | None:
    """Seconds per item of stockpyl, in a throwaway environment; ``None`` where it cannot be installed."""
    with tempfile.TemporaryDirectory() as folder:
        python = Path(folder) / "env" / "bin" / "python"
        try:
            subprocess.run([sys.executable, "-m", "venv", str(Path(folder) / "env")], check=True)
            subprocess.run([str(python), "-m", "pip", "install", "-qq", "stockpyl"], check=True)
            data = {"mean": mean.tolist(), "sd": sd.tolist(), "short": short.tolist()}
            done = subprocess.run(
                [str(python), "-c", PEER], input=json.dumps(data), capture_output=True, text=True, check=True
            )
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"stockpyl was not measured: {error}", file=sys.stderr)
            return None
        answer: dict[str, object] = json.loads(done.stdout.strip().splitlines()[-1])
        return answer


def measure(items: int) -> tuple[list[tuple[str, float, float, str, str]], dict[str, np.ndarray], float]:
    """Rows of (work, seconds, goal, peer), the items' figures, and the memory floor in seconds per byte."""
    rng = np.random.default_rng(7)
    mean, lead = np.exp(rng.uniform(np.log(0.1), np.log(30), items)), rng.integers(1, 9, items)
    values = np.sort(rng.gamma(2.0, 50.0, (items, len(LEVELS))), axis=1)
    short = rng.uniform(1, 300, items)
    demand = co.QuantileDemand(LEVELS, values)
    rows = [
        ("quantile newsvendor with cost, one ratio", "30 ms", "normal",
         lambda: co.optimize_newsvendor(demand, stockout_cost=9.0, holding_cost=1.0)),
        ("quantile newsvendor with cost, a ratio per item", "30 ms", "normal",
         lambda: co.optimize_newsvendor(demand, stockout_cost=short, holding_cost=1.0)),
        ("read and check the quantile table", "", "", lambda: co.QuantileDemand(LEVELS, values)),
        ("normal newsvendor", "", "normal",
         lambda: co.optimize_newsvendor(co.Normal(mean, 0.3 * mean), stockout_cost=short, holding_cost=1.0)),
        ("Poisson newsvendor", "", "poisson",
         lambda: co.optimize_newsvendor(co.Poisson(mean), stockout_cost=short, holding_cost=1.0)),
        ("base stock, cycle service 95 %, Poisson", "1 s", "",
         lambda: co.optimize_base_stock(co.Poisson(mean), holding_cost=1, cycle_service_level=0.95, lead_time=lead)),
        ("base stock, fill rate 98 %, Poisson", "1 s", "",
         lambda: co.optimize_base_stock(co.Poisson(mean), holding_cost=1, fill_rate=0.98, lead_time=lead)),
        ("base stock, fill rate 98 %, normal", "1 s", "",
         lambda: co.optimize_base_stock(
             co.Normal(mean, 0.3 * mean), holding_cost=1, fill_rate=0.98, lead_time=lead)),
    ]  # fmt: skip
    told = [(name, *best_of(work, 5), goal, peer) for name, goal, peer, work in rows]
    tenth = co.Pmf(rng.dirichlet(np.ones(64), size=max(items // 10, 1)))
    told.append(
        (
            f"demand over 5 periods by FFT, {items // 10:,} items x 64 points",
            *best_of(lambda: co.lead_time_demand(tenth, 4), 3),
            "3 s",
            "",
        )
    )
    floor = best_of(values.sum, 15)[0] / values.nbytes
    figures = {"mean": mean[:PEER_ITEMS], "sd": 0.3 * mean[:PEER_ITEMS], "short": short[:PEER_ITEMS]}
    return told, figures, floor


def report(items: int, with_peer: bool) -> str:
    """The results as a markdown table."""
    rows, figures, floor = measure(items)
    peer = peer_seconds(figures["mean"], figures["sd"], figures["short"]) if with_peer else None
    moved = items * 8 * (len(LEVELS) + 3)
    lines = [
        f"# Newsvendor, base stock and lead-time demand: {items:,} items",
        "",
        f"{platform.machine()}, {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} (above the number of "
        "cores the wall time waits for others; CPU time does not); "
        f"Python {platform.python_version()}, numpy {np.__version__}; best of several runs.",
        "",
        "| work | ours | CPU, all cores | goal | stockpyl, scaled | ratio |",
        "|---|---|---|---|---|---|",
    ]
    for name, seconds, burnt, goal, kind in rows:
        theirs = float(str(peer[kind])) * items if peer and kind else float("nan")
        told = (f"{theirs:,.0f} s", f"{theirs / seconds:,.0f}x") if theirs == theirs else ("", "")
        lines.append(f"| {name} | {1000 * seconds:,.1f} ms | {1000 * burnt:,.1f} ms | {goal} | {told[0]} | {told[1]} |")
    lines += [
        "",
        f"Memory floor: `values.sum()` reads {1e-9 / floor:.1f} GB/s; the quantile newsvendor moves "
        f"{moved / 1e6:.0f} MB (9 levels in, order, cost and shortage out), so its floor is "
        f"{1000 * floor * moved:.1f} ms and it takes {rows[0][1] / (floor * moved):.1f} times that "
        "with one ratio for all items.",
    ]
    if peer:
        lines.append(f"stockpyl {peer['version']}, measured on {PEER_ITEMS} of the same items, one call each.")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--no-peer", action="store_true")
    chosen = parser.parse_args()
    told = report(chosen.items, not chosen.no_peer)
    print(told)
    if chosen.out:
        chosen.out.parent.mkdir(parents=True, exist_ok=True)
        chosen.out.write_text(told, encoding="utf-8")


if __name__ == "__main__":
    main()
