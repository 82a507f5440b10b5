"""Random panels of awkward histories through the batch engine and the stream: finite, ordered, covered, replayed.

    python benchmarks/fuzz_forecast.py [--tries 200] [--seed 0]

A batch panel mixes series of 1 to 400 points: constant, zero, intermittent, trending, exponential, shifted in level,
negative, seasonal (4 to 168), spiked, with gaps, at scales from 1e-9 to 1e8, with horizons up to three times the
history. Every quantile must be finite, rise with the level, lie in a plausible range, be at least 0 where nothing
below 0 was seen, and not depend on the unit. A stream takes the same history cut into random micro-batches, shuffled
within each, with repeats, late and missing observations; what it then is must equal the replay in order of time bit
for bit where no observation was late, and compiled must equal NumPy bit for bit always. Prints ``N tried, N ok``.
"""

from __future__ import annotations

import argparse
import sys
import warnings

import numpy as np

import capacity_opt as co

LEVELS = (0.005, 0.025, 0.1, 0.5, 0.9, 0.975, 0.995)
KINDS = ("constant", "zero", "rare", "trend", "growth", "shift", "negative", "season", "spike", "noise", "ended")


def series(rng: np.random.Generator, kind: str, length: int) -> np.ndarray:
    t = np.arange(length)
    noise = rng.normal(0, 1, length)
    made = {
        "constant": np.full(length, 7.0),
        "zero": np.zeros(length),
        "rare": rng.poisson(2, length) * (rng.random(length) < 0.15),
        "trend": 20 + rng.normal(0, 1) * t + noise,
        "growth": 5 * np.exp(np.clip(rng.normal(0, 0.1), -0.2, 0.2) * t * min(1.0, 60 / length) + 0.1 * noise),
        "shift": 10 + 40 * (t > length * rng.random()) + noise,
        "negative": -30 + 5 * noise,
        "season": 50 + 30 * np.sin(2 * np.pi * t / rng.choice([4, 7, 12, 24, 52, 168])) + noise,
        "spike": 10 + noise + 1e4 * (rng.random(length) < 0.02),
        "noise": rng.lognormal(0, 1, length),
        "ended": np.where(t < 0.6 * length, 30 + noise, 0.0),
    }[kind]  # fmt: skip
    made = np.asarray(made, dtype=float)
    if rng.random() < 0.3:
        made[rng.random(length) < rng.choice([0.05, 0.5])] = np.nan
    if np.isnan(made).all():
        made[-1] = 1.0
    return made * 10.0 ** rng.choice([0, 0, 0, -9, 6, 8])


def panel(rng: np.random.Generator) -> tuple[list[np.ndarray], list[str]]:
    kinds = [str(k) for k in rng.choice(KINDS, rng.choice([1, 2, 9, 40]))]
    longest = rng.choice([5, 30, 120, 400])
    return [series(rng, kind, int(rng.integers(1, longest + 1))) for kind in kinds], kinds


def as_history(rows: list[np.ndarray]) -> co.History:
    width = max(map(len, rows))
    table = np.full((len(rows), width), np.nan)
    for row, values in zip(table, rows):
        row[width - len(values) :] = values
    return co.History(table)


def batch_faults(rng: np.random.Generator) -> list[str]:
    rows, kinds = panel(rng)
    history = as_history(rows)
    longest = int(history.lengths.max())
    horizon = int(rng.choice([1, 3, 12, min(3 * longest, 60)]))
    season = [None, 0, 4, 12, 24, [24, 168], 52][rng.integers(7)]
    cumulative = bool(rng.random() < 0.3)
    told = co.forecast_quantiles(history, horizon, levels=LEVELS, season=season, cumulative=cumulative).values
    faults = []
    if not np.isfinite(told).all():
        faults.append("not finite")
    if (np.diff(told, axis=2) < 0).any():
        faults.append("crossing")
    for i, kind in enumerate(kinds):
        seen = history.series(i)
        low, high = np.nanmin(seen), np.nanmax(seen)
        size = max(abs(low), abs(high), high - low)
        most = 60 * size * (horizon if cumulative else 1) + 1e-300
        if np.abs(told[i]).max() > most:
            faults.append(f"{kind} of {len(seen)} points: {np.abs(told[i]).max() / size:.0f} times the largest seen")
        if low >= 0 and told[i].min() < 0:
            faults.append(f"{kind}: below 0")
        still = low == high and len(seen) >= 12 and not cumulative
        if still and np.abs(told[i][:, 3] - low).max() > 1e-6 * abs(low):
            faults.append(f"{kind}: a constant is not carried on")
    again = co.forecast_quantiles(co.History(1024.0 * history.values, history.offsets), horizon, levels=LEVELS,
                                  season=season, cumulative=cumulative).values  # fmt: skip
    near = np.isclose(again, 1024.0 * told, rtol=1e-4, atol=1e-6 * 1024 * np.abs(told).max(initial=0))
    if near.mean() < 0.99:  # a count on the edge of a level may fall on either side
        faults.append("depends on the unit")
    return [f"{fault} (n={len(rows)}, horizon {horizon}, season {season}, cumulative {cumulative})" for fault in faults]


def stream_faults(rng: np.random.Generator) -> list[str]:
    count, steps = int(rng.integers(1, 60)), int(rng.integers(2, 80))
    season = int(rng.choice([1, 7, 24]))
    settings = co.StreamSettings(season_length=season, non_negative=bool(rng.random() < 0.5))
    panel = rng.gamma(2, 3, (count, steps)) * 10.0 ** rng.choice([0, -6, 9])
    panel[rng.random(panel.shape) < 0.1] = np.nan
    ids = np.arange(count).astype(str)
    states = {engine: co.StreamState.start(ids, settings, engine=engine) for engine in ("compiled", "numpy", "auto")}
    told = dict.fromkeys(states, 0)
    given = 0
    for step in range(steps):
        rows = np.flatnonzero(~np.isnan(panel[:, step]))
        given += len(rows)
        repeats = rows[rng.random(len(rows)) < 0.2]
        mixed = rng.permutation(np.concatenate([rows, repeats]))
        for engine in ("compiled", "numpy"):
            update = states[engine].update_some(mixed, panel[mixed, step], period=step)
            told[engine] += update.used
        told["auto"] += states["auto"].update(panel[:, step], period=step).used
    whole = states["auto"].records.view(np.int32)
    faults = [f"{engine}: {number} used of {given}" for engine, number in told.items() if number != given]
    faults += [f"{engine} differs" for engine in ("compiled", "numpy")
               if not np.array_equal(states[engine].records.view(np.int32), whole)]  # fmt: skip
    batch = co.StreamState.start(ids, settings)
    order = rng.permutation(count * steps)
    row, step = order // steps, order % steps
    batch.update_some(row, panel[row, step].astype(np.float32), period=step)
    if not np.array_equal(batch.records.view(np.int32), whole):
        faults.append("one shuffled batch of everything differs from the replay")
    late = rng.permutation(count)[: count // 2 + 1]
    for engine in ("compiled", "numpy"):
        states[engine].update_some(late, panel[late, 0], period=0)
        states[engine].update_some(late, np.full(len(late), 3.0), period=steps + 3)
        states[engine].update_some(late, np.full(len(late), 4.0), period=steps + 1)
        repeated = states[engine].update_some(late, np.full(len(late), 5.0), period=steps + 1).repeated
        if repeated != len(late):
            faults.append(f"{engine}: late observations are taken twice")
    if not np.array_equal(states["compiled"].records.view(np.int32), states["numpy"].records.view(np.int32)):
        faults.append("late observations: compiled and NumPy differ")
    values = states["compiled"].forecast(9).values
    if not np.isfinite(values).all() or (np.diff(values, axis=2) < 0).any():
        faults.append("stream quantiles not finite or crossing")
    return faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tries", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=("batch", "stream"))
    asked = parser.parse_args()
    warnings.simplefilter("error")
    tests = {"batch": batch_faults, "stream": stream_faults}
    tried, good = 0, 0
    for number in range(asked.tries):
        for name, test in tests.items():
            if asked.only in (None, name):
                rng = np.random.default_rng([asked.seed, number, len(name)])
                try:
                    faults = test(rng)
                except (ArithmeticError, ValueError, IndexError, Warning) as error:
                    faults = [f"{type(error).__name__}: {error}"]
                tried, good = tried + 1, good + (not faults)
                for fault in faults:
                    print(f"{name} {number}: {fault}", flush=True)
    print(f"{tried} tried, {good} ok")
    return 0 if tried == good else 1


if __name__ == "__main__":
    sys.exit(main())
