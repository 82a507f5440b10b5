"""Exact (r, Q) and (s, S) for a million items, against stockpyl per item in the same run.

    python benchmarks/inventory.py [--items 1000000] [--peer 20] [--no-peer] [--out benchmarks/results/inventory.md]

Prints for every line: wall time (best of three), CPU seconds over both cores (what an idle machine of as many cores
would take), items per second, stockpyl's time per item, the ratio, and the time of summing as many bytes as the inputs
and outputs hold. stockpyl needs numpy < 2, so it lives in an environment of its own that this script makes and deletes.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

import numpy as np

import capacity_opt as co

PEER = """
import json, sys, time
from stockpyl.rq import r_q_poisson_exact
from stockpyl.ss import s_s_discrete_exact
rates, leads = json.loads(sys.stdin.read())
out = {}
start = time.perf_counter()
costs = []
for rate, lead in zip(rates, leads):
    costs.append(r_q_poisson_exact(holding_cost=1, stockout_cost=9, fixed_cost=64, demand_mean=rate, lead_time=lead)[2])
out["rq"] = (time.perf_counter() - start) / len(rates)
out["rq_costs"] = costs
start = time.perf_counter()
costs = []
for rate, lead in zip(rates, leads):
    given = dict(holding_cost=1, stockout_cost=9, fixed_cost=64, use_poisson=True, demand_mean=rate)
    costs.append(s_s_discrete_exact(**given)[2])
out["ss"] = (time.perf_counter() - start) / len(rates)
out["ss_costs"] = costs
print(json.dumps(out))
"""


def items_of(count, kind, rng):
    if kind == "log-uniform 0.1-30":
        rate = np.exp(rng.uniform(np.log(0.1), np.log(30.0), count))
    else:
        rate = rng.uniform(1.0, 5.0, count)
    return rate, rng.integers(1, 9, count).astype(float)


def timed(work, repeats=3):
    wall, cpu = np.inf, np.inf
    for _ in range(repeats):
        start, used = time.perf_counter(), time.process_time()
        result = work()
        wall = min(wall, time.perf_counter() - start)
        cpu = min(cpu, time.process_time() - used)
    return result, wall, cpu / (os.cpu_count() or 1)


def floor(result, inputs):
    fields = [np.asarray(value) for value in vars(result).values() if getattr(value, "dtype", None) == np.float64]
    flat = np.ones(sum(field.size for field in fields) + inputs)
    return timed(flat.sum)[1]


def peer(rates, leads):
    """stockpyl's seconds per item and its costs, from a throwaway environment."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder) / "bin" / "python")
        install = [python, "-m", "pip", "install", "-q", "stockpyl", "numpy<2"]
        subprocess.run(install, check=True, stdout=subprocess.DEVNULL)
        given = json.dumps([list(map(float, rates)), list(map(float, leads))])
        done = subprocess.run([python, "-c", PEER], input=given, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--peer", type=int, default=20)
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    rng = np.random.default_rng(7)
    costs = {"holding_cost": 1.0, "stockout_cost": 9.0, "fixed_cost": 64.0}
    few_rate, few_lead = items_of(asked.peer, "mean 3", rng)
    theirs = {} if asked.no_peer else peer(few_rate, few_lead)
    if theirs:
        ours = co.optimize_rq(co.Poisson(few_rate), **costs, lead_time=few_lead)
        apart = np.max(np.abs(ours.expected_cost - theirs["rq_costs"]) / ours.expected_cost)
        ours = co.optimize_ss(co.Poisson(few_rate), **costs)
        apart = max(apart, np.max(np.abs(ours.expected_cost - theirs["ss_costs"]) / ours.expected_cost))
        print(f"largest relative difference from stockpyl's cost on {asked.peer} items: {apart:.1e}")
    lines = ["| work | items | wall s | CPU s / cores | goal s | items/s | stockpyl ms/item | ratio | sum of bytes s |",
             "|---|---|---|---|---|---|---|---|---|"]  # fmt: skip
    goals = {
        ("rq", "log-uniform 0.1-30"): 2,
        ("rq", "mean 3"): 1,
        ("ss", "log-uniform 0.1-30"): 10,
        ("ss", "mean 3"): 5,
    }
    for (name, kind), goal in goals.items():
        rate, lead = items_of(asked.items, kind, rng)
        demand = co.Poisson(rate)
        optimize = co.optimize_rq if name == "rq" else co.optimize_ss
        optimize(co.Poisson(rate[:100]), **costs, lead_time=lead[:100])
        found, wall, cpu = timed(lambda run=optimize, d=demand, lt=lead: run(d, **costs, lead_time=lt))
        assert np.all(np.isfinite(found.expected_cost))
        assert np.all(np.asarray(found.method) == "exact")
        each = theirs.get(name, np.nan)
        lines.append(
            f"| exact {name}, Poisson, rates {kind}, lead times 1-8 | {asked.items} "
            f"| {wall:.2f} | {cpu:.2f} | {goal} | "
            f"{asked.items / wall:,.0f} | {1e3 * each:.2f} | {each / (wall / asked.items):,.0f} | "
            f"{floor(found, 2 * asked.items):.4f} |"
        )
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    lines.append("")
    lines.append(
        f"Load average during the run {load:.1f} on {os.cpu_count()} cores; stockpyl's lead time is 0 for (s, S)."
    )
    text = "\n".join(lines)
    print(text)
    if asked.out:
        asked.out.write_text("# Exact inventory policies\n\n" + text + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
