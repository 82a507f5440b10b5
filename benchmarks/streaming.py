"""Streaming forecasts: updates per second beside the memory floor, memory, coverage on long streams.

    python benchmarks/streaming.py [--series 20000000] [--out benchmarks/results/streaming.md]

The floor is a compiled triad ``a = b + s c`` in this process over as many bytes as the update moves (a record read and
written, an observation read). Every rate is the best of several runs of one thread, in its CPU time: on a
busy machine wall time would measure the others (who still share the memory bus). Real streams of 1,000 steps and
more are read from CAPACITY_OPT_DATA (default ../shared/data) where it is there.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numba import njit

import capacity_opt as co

DATA = Path(os.environ.get("CAPACITY_OPT_DATA", Path(__file__).parent / "../../shared/data")) / "forecast"
COVERAGE_LEVELS = (0.025, 0.05, 0.1, 0.5, 0.9, 0.95, 0.975)
REAL = {"m4_hourly": 24, "cloud_nab_aws": 1, "cloud_datacenter_agg": 1}


@njit
def triad(a: np.ndarray, b: np.ndarray, c: np.ndarray, s: np.float32) -> None:
    for i in range(len(a)):
        a[i] = b[i] + s * c[i]


def best(work: Callable[[], object], runs: int) -> float:
    times = []
    for _ in range(runs):
        begin = time.thread_time()
        work()
        times.append(time.thread_time() - begin)
    return min(times)


def triad_rate(bytes_each: int, count: int) -> float:
    """Series per second if an update were a triad over the same bytes."""
    length = min(count, 4_000_000) * bytes_each // 12
    a, b, c = np.zeros(length, np.float32), np.ones(length, np.float32), np.ones(length, np.float32)
    triad(a, b, c, np.float32(3))
    return 12 * length / bytes_each / best(lambda: triad(a, b, c, np.float32(3)), 7)


def dense(count: int, season: int, engine: str, runs: int) -> tuple[float, co.StreamState, np.ndarray]:
    settings = co.StreamSettings(season_length=season)
    state = co.StreamState.start(np.zeros(count, dtype="U1"), settings, engine=engine)
    values = np.random.default_rng(0).gamma(2, 3, count).astype(np.float32)
    for period in range(3):
        state.update(values, period=period)
    seconds = best(lambda: state.update(values, period=state.period + 1), runs)
    return count / seconds, state, values


def sparse(state: co.StreamState, values: np.ndarray, share: float) -> float:
    rows = np.sort(np.random.default_rng(1).choice(state.count, int(state.count * share), replace=False))
    seconds = best(lambda: state.update_some(rows, values[rows], period=state.period + 1), 4)
    return len(rows) / seconds


def speed(count: int) -> list[str]:
    lines = ["| state | bytes a series | update, M series/s | triad over the same bytes | share | goal |",
             "|---|---|---|---|---|---|"]  # fmt: skip
    for season, size in ((1, count), (7, count // 4), (24, count // 4)):
        rate, state, values = dense(size, season, "compiled", 9)
        width = state.settings.width * 4
        floor = triad_rate(2 * width + 4, size)
        lines.append(f"| compiled, season {season}, {size:,} series | {width} | {rate / 1e6:.1f} | {floor / 1e6:.1f} | "
                     f"{rate / floor:.0%} | {'40 M/s, 70 %' if season == 1 else ''} |")  # fmt: skip
        if season == 1:
            for share in (0.5, 0.1, 0.01):
                lines.append(f"| compiled, sorted micro-batch of {share:.0%} | {width} | "
                             f"{sparse(state, values, share) / 1e6:.1f} | | | 8 M/s |")  # fmt: skip
        del state, values
    rate, state, _ = dense(min(count, 1_000_000), 1, "numpy", 9)
    lines.append(f"| NumPy, season 1, {state.count:,} series | 64 | {rate / 1e6:.1f} | | | 14 M/s |")
    return lines


def stored(count: int, folder: Path) -> list[str]:
    """A store on disk: created, updated, asked."""
    state = co.StreamState.start(np.char.add("s", np.arange(count).astype(str)))
    values = np.random.default_rng(0).gamma(2, 3, count).astype(np.float32)
    begin = time.perf_counter()
    store = co.StreamStore.create(folder / "state", state)
    made = time.perf_counter() - begin
    rows = np.arange(count)
    begin = time.perf_counter()
    store.update(rows, values, period=0)
    whole = time.perf_counter() - begin
    few = np.sort(np.random.default_rng(2).choice(count, 10_000, replace=False))
    begin = time.perf_counter()
    store.update(few, values[few], period=1)
    some = time.perf_counter() - begin
    begin = time.perf_counter()
    for _ in store.forecasts(1):
        pass
    asked = time.perf_counter() - begin
    return [
        f"On disk, {count:,} series, flushed and checksummed: created in {made:.1f} s; a whole period taken up and "
        f"committed in {whole:.2f} s ({count / whole / 1e6:.1f} M series/s); 10,000 observations in {some:.2f} s; "
        f"eight quantiles of all of them in {asked:.1f} s ({count / asked / 1e6:.2f} M series/s)."
    ]


def covered(demand: np.ndarray, season: int, warm: int) -> tuple[np.ndarray, int]:
    """Share of actuals at or below each quantile after the warm-up; ``demand`` (series, time), NaN before the start."""
    settings = co.StreamSettings(levels=COVERAGE_LEVELS, season_length=season, non_negative=False)
    state = co.StreamState.start(np.arange(len(demand)).astype(str), settings)
    below, number = np.zeros(len(COVERAGE_LEVELS)), 0
    started = np.zeros(len(demand), dtype=int)
    for period in range(demand.shape[1]):
        now = demand[:, period]
        counts = ~np.isnan(now) & (started >= warm)
        if counts.any():
            told = state.forecast(1, series=counts).values[:, 0]
            below += (now[counts, None] <= told).sum(axis=0)
            number += int(counts.sum())
        started += ~np.isnan(now)
        state.update(now, period=period)
    return below / number, number


def streams() -> list[tuple[str, np.ndarray, int]]:
    rng = np.random.default_rng(4)
    t = np.arange(2000)
    jumps = 60 * (rng.random((200, 2000)) < 0.002)
    found = [
        ("gamma noise", rng.gamma(2, 5, (200, 2000)), 1),
        ("heavy tails (t, 3 degrees)", 100 + 5 * rng.standard_t(3, (200, 2000)), 1),
        ("changing spread", 100 + rng.normal(0, 1, (200, 2000)) * (5 + 4 * np.sin(t / 90)), 1),
        ("random walk with jumps", np.cumsum(rng.normal(0, 1, (200, 2000)) + jumps, 1), 1),
        ("daily season", 50 + 30 * np.sin(2 * np.pi * t / 24) + rng.gamma(2, 5, (200, 2000)), 24),
    ]  # fmt: skip
    import pandas as pd

    for name, season in REAL.items():
        path = DATA / f"{name}.parquet"
        if path.exists():
            table = pd.read_parquet(path, columns=["unique_id", "y"])
            parts = [part["y"].to_numpy(float) for _, part in table.groupby("unique_id", observed=True, sort=False)]
            parts = [part for part in parts if len(part) >= 1000]
            width = max(map(len, parts))
            panel = np.full((len(parts), width), np.nan)
            for row, part in zip(panel, parts):
                row[width - len(part) :] = part
            found.append((name, panel, season))
    return found


def coverage() -> list[str]:
    lines = ["| streams of 1,000 steps and more | forecasts | 80 % | 90 % | 95 % | largest error of one level |",
             "|---|---|---|---|---|---|"]  # fmt: skip
    for name, demand, season in streams():
        below, number = covered(demand, season, 200)
        inside = [below[-k - 1] - below[k] for k in (2, 1, 0)]
        worst = np.abs(below - np.array(COVERAGE_LEVELS)).max()
        lines.append(f"| {name}, {len(demand)} series | {number:,} | {inside[0]:.2%} | {inside[1]:.2%} | "
                     f"{inside[2]:.2%} | {100 * worst:.2f} points |")  # fmt: skip
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=20_000_000)
    parser.add_argument("--stored", type=int, default=2_000_000)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--only", choices=["speed", "stored", "coverage"])
    chosen = parser.parse_args()
    import tempfile

    lines = [f"{platform.machine()}, load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; "
             f"Python {platform.python_version()}, numpy {np.__version__}; one thread, CPU time.", ""]  # fmt: skip
    if chosen.only in (None, "speed"):
        lines += ["## Speed", "", *speed(chosen.series), ""]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        lines += [f"Peak memory with {chosen.series:,} series and their observations: {peak:.2f} GiB. 100,000,000 "
                  "series are 6.4 GB of state (64 bytes each) and 0.4 GB of observations; with a season of 24, 16.0 GB "
                  "and 0.4 GB: both fit in 24 GB.", ""]  # fmt: skip
    if chosen.only in (None, "stored"):
        with tempfile.TemporaryDirectory() as folder:
            lines += ["## On disk", "", *stored(chosen.stored, Path(folder)), ""]
    if chosen.only in (None, "coverage"):
        lines += ["## Coverage, goal within 0.5 points", "", *coverage(), ""]
    text = "# Streaming forecasts\n\n" + "\n".join(lines)
    print(text)
    if chosen.out:
        chosen.out.write_text(text)


if __name__ == "__main__":
    main()
