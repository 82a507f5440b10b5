"""Forecasting at scale, Parquet to Parquet: time and peak memory at several sizes, and what an executor costs.

    python benchmarks/forecast_scale.py [--sizes 100000 1000000] [--points 100] [--out FILE]
    python benchmarks/forecast_scale.py --executors [--series 100000]

Series are Poisson counts whose rate drifts. Each size is run in a process of its own: split into buckets of about
50,000 series, then forecast bucket by bucket with the streaming model (backtested profile, quantile trackers, four
periods, eight levels). ``--executors`` runs the same buckets serially, in two processes, on two Dask workers and on two
Ray workers, compares every part's rows, and reports the seconds of work per core beside those in-process.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import capacity_opt as co

PER_BUCKET = 50_000


def write_history(path: Path, series: int, points: int) -> None:
    """A long table, a row group per 10,000 series, never all in memory."""
    rng = np.random.default_rng(0)
    schema = pa.schema([("unique_id", pa.string()), ("ds", pa.int32()), ("y", pa.float32())])
    with pq.ParquetWriter(path, schema, compression="zstd", compression_level=1) as writer:
        for begin in range(0, series, 10_000):
            count = min(10_000, series - begin)
            rate = rng.gamma(2, 4, (count, 1)) * np.exp(np.cumsum(rng.normal(0, 0.03, (count, points)), axis=1))
            ids = pa.array(np.char.add("sku", np.arange(begin, begin + count).astype(str)))
            codes = pa.array(np.repeat(np.arange(count, dtype=np.int32), points))
            columns = [pa.DictionaryArray.from_arrays(codes, ids).cast(pa.string()),
                       pa.array(np.tile(np.arange(points, dtype=np.int32), count)),
                       pa.array(rng.poisson(rate).astype(np.float32).ravel())]  # fmt: skip
            writer.write_table(pa.table(columns, schema=schema))


def size_of(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*.parquet")) / 1e9


def one_size(series: int, points: int, scratch: Path) -> dict[str, float]:
    """Bucketing and forecasting; memory is this process's peak."""
    if not (scratch / "history.parquet").exists():
        write_history(scratch / "history.parquet", series, points)
    begin = time.perf_counter(), time.process_time()
    co.write_buckets(scratch / "history.parquet", scratch / "buckets", max(1, series // PER_BUCKET))
    split = time.perf_counter(), time.process_time()
    done = co.forecast_partitions(scratch / "buckets", scratch / "out", horizon=4, model="stream")
    end = time.perf_counter(), time.process_time()
    return {"series": series, "points": points, "split": split[0] - begin[0], "split_cpu": split[1] - begin[1],
            "forecast": end[0] - split[0], "forecast_cpu": end[1] - split[1], "rows": done.totals["rows"],
            "in_gb": size_of(scratch / "buckets"), "out_gb": size_of(scratch / "out"),
            "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20}  # fmt: skip


def sizes(chosen: list[int], points: int) -> list[str]:
    lines = ["| series x points | split, s (CPU) | forecast, s (CPU) | series/s of CPU, both | Parquet in / out, GB | "
             "peak memory, GiB |", "|---|---|---|---|---|---|"]  # fmt: skip
    for series in chosen:
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, __file__, "--one", str(series), "--points", str(points), "--scratch", folder]
            told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        rate = series / (told["split_cpu"] + told["forecast_cpu"])
        split = f"{told['split']:.1f} ({told['split_cpu']:.1f})"
        work = f"{told['forecast']:.1f} ({told['forecast_cpu']:.1f})"
        size = f"{told['in_gb']:.2f} / {told['out_gb']:.2f}"
        peak = f"{told['peak_gib']:.2f}"
        lines.append(f"| {series:,} x {points} | {split} | {work} | {rate:,.0f} | {size} | {peak} |")
        print(lines[-1], file=sys.stderr, flush=True)
    return lines


def timed_part(source: Path, target: Path, **options: object) -> dict[str, float]:
    """The task with its own clock; a worker's first task is done twice, so that importing and loading compiled code,
    paid once per worker, are told apart from the work."""
    from capacity_opt.scenario.forecast_parts import forecast_part

    begin = time.process_time()
    told = forecast_part(source, target, **options)  # type: ignore[arg-type]
    first = time.process_time() - begin
    if os.environ.get("FORECAST_SCALE_WARM") == str(os.getpid()):
        return {**told, "cpu": first, "start": 0.0}
    os.environ["FORECAST_SCALE_WARM"] = str(os.getpid())
    begin = time.process_time()
    told = forecast_part(source, target, **options)  # type: ignore[arg-type]
    again = time.process_time() - begin
    return {**told, "cpu": again, "start": first - again}


OPTIONS = {"horizon": 4, "levels": [0.1, 0.5, 0.9], "season": None, "cumulative": False, "model": "stream",
           "period": "step", "duplicates": "error"}  # fmt: skip


def executors(series: int, points: int) -> list[str]:
    """Each executor on the same buckets."""
    lines = ["| executor, two workers | wall, s | CPU in tasks, s | of in-process | start-up, CPU s | same parts |",
             "|---|---|---|---|---|---|"]  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_history(folder / "history.parquet", series, points)
        buckets = co.write_buckets(folder / "history.parquet", folder / "buckets", 16)
        base = None
        for executor in ("serial", "processes", "dask", "ray"):
            begin = time.perf_counter()
            done = co.map_partitions(timed_part, buckets, folder / executor, options=OPTIONS,
                                     executor=co.executor_named(executor, 2))  # fmt: skip
            wall = time.perf_counter() - begin
            same = all(
                pq.read_table(path).equals(pq.read_table(folder / "serial" / path.name))
                for path in (folder / executor).glob("*.parquet")
            )
            base = base or done.totals["cpu"]
            lines.append(f"| {executor} | {wall:.1f} | {done.totals['cpu']:.1f} | {done.totals['cpu'] / base:.2f} | "
                         f"{done.totals['start']:.1f} | {'yes' if same else 'NO'} |")  # fmt: skip
            print(lines[-1], file=sys.stderr, flush=True)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=[100_000, 1_000_000])
    parser.add_argument("--points", type=int, default=100)
    parser.add_argument("--series", type=int, default=100_000)
    parser.add_argument("--executors", action="store_true")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--one", type=int)
    parser.add_argument("--scratch", type=Path)
    chosen = parser.parse_args()
    if chosen.one:
        print(json.dumps(one_size(chosen.one, chosen.points, chosen.scratch)))
        return
    about = (f"{platform.machine()}, load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; Python "
             f"{platform.python_version()}, pyarrow {pa.__version__}.")  # fmt: skip
    lines = executors(chosen.series, chosen.points) if chosen.executors else sizes(chosen.sizes, chosen.points)
    text = "\n".join(["", about, "", *lines, ""])
    print(text)
    if chosen.out:
        with chosen.out.open("a") as file:
            file.write(text)


if __name__ == "__main__":
    main()
