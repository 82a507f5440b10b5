"""The batch forecaster's accuracy, calibration and speed, beside statsforecast on the same series in the same run.

    python benchmarks/forecast.py [--sets m4_yearly,...] [--peer-series 100] [--no-peer] [--out FILE]

Data from CAPACITY_OPT_DATA (default ../shared/data), folder forecast: M4, M3, car parts, RAF, M5 sample with their
official or stated splits. OWA and MSIS as in M4, WQL at 0.1 ... 0.9. Series per second are CPU seconds of one core for
backtest, combination and quantiles together. The peer lives in an environment of its own that this script makes.
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

os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import numpy as np
import pandas as pd

import capacity_opt as co
from capacity_opt.forecast.intermittent import empirical_quantiles

DATA = Path(os.environ.get("CAPACITY_OPT_DATA", "../shared/data")) / "forecast"
# name: season lengths, horizon, season of the scores
SETS = {
    "m4_hourly": ((24, 168), 48, 24),
    "m4_weekly": ((52,), 13, 1),
    "m4_yearly": ((0,), 6, 1),
    "m3_monthly": ((12,), 18, 12),
    "m3_quarterly": ((4,), 8, 4),
    "m3_yearly": ((0,), 6, 1),
    "m3_other": ((0,), 8, 1),
    "carparts": ((12,), 12, 12),
    "raf": ((12,), 12, 12),
    "m5_sample6000": ((7,), 28, 7),
}
NAIVE2 = {"m4_hourly": (18.383, 2.395), "m4_weekly": (9.161, 2.777), "m4_yearly": (16.342, 3.974)}
GOALS = {
    "m4_hourly": "OWA .47, MSIS 7.9",
    "m4_weekly": "OWA .82, MSIS 18",
    "m4_yearly": "OWA .82, MSIS 27.8",
    "m3_monthly": "WQL .096",
    "m3_quarterly": "WQL .069",
    "carparts": "WQL .90",
}
LEVELS = [0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975]
SCORED = [round(k / 10, 1) for k in range(1, 10)]
PEER = """
import json, sys, time, warnings
warnings.filterwarnings("ignore")
import numpy as np, pandas as pd
from statsforecast import StatsForecast
from statsforecast.models import AutoETS, AutoTheta, CrostonSBA, SeasonalNaive, TSB
given = json.loads(sys.stdin.read())
season, horizon = given["season"], given["horizon"]
models = [SeasonalNaive(season_length=season), AutoTheta(season_length=season), AutoETS(season_length=season)]
if given["rare"]:
    models = [SeasonalNaive(season_length=season), CrostonSBA(), TSB(0.1, 0.1)]
frame = pd.DataFrame([(i, t, v) for i, row in enumerate(given["rows"]) for t, v in enumerate(row)],
                     columns=["unique_id", "ds", "y"])
out = {}
for model in models:
    engine = StatsForecast(models=[model], freq=1, n_jobs=1)
    warm = frame[frame.unique_id == 0]
    level = [] if given["rare"] and model is not models[0] else [20, 40, 60, 80, 90, 95]
    engine.forecast(df=warm, h=horizon, **({"level": level} if level else {}))
    start = time.process_time()
    told = engine.forecast(df=frame, h=horizon, **({"level": level} if level else {}))
    used = time.process_time() - start
    name = [c for c in told.columns if c not in ("unique_id", "ds")][0]
    columns = []
    for q in given["levels"]:
        width = round(abs(2 * q - 1) * 100)
        if q == 0.5 or not level:
            columns.append(told[name])
        else:
            columns.append(told[f"{name}-{'lo' if q < 0.5 else 'hi'}-{width}"])
    values = np.stack([c.to_numpy().reshape(-1, horizon) for c in columns], axis=2)
    out[type(model).__name__] = {"seconds": used, "values": values.tolist()}
print(json.dumps(out))
"""


def load(name):
    """The training rows and the (n, H) that came after."""
    file = "m3" if name.startswith("m3_") else name
    table = pd.read_parquet(DATA / f"{file}.parquet")
    if name.startswith("m3_"):
        table = table[table.freq == name[3:].upper()]
    if "split" in table:
        grouped = [table[table.split == part].groupby("unique_id", observed=True, sort=False).y for part in
                   ("train", "test")]  # fmt: skip
        rows, later = ([each.to_numpy(float) for _, each in part] for part in grouped)
        return rows, np.array(later)
    wide = table.pivot(index="unique_id", columns="ds", values="y")
    wide = wide.reindex(columns=range(1, int(wide.columns.max()) + 1)).fillna(0.0).to_numpy(float)
    return list(wide[:, :-12]), wide[:, -12:]


def history_of(rows):
    return co.History(np.concatenate(rows), np.concatenate([[0], np.cumsum([len(row) for row in rows])]))


def scored(name, history, values, later, season):
    forecast = co.QuantileForecast(LEVELS, values)
    score = co.score_forecast(forecast, later, history=history, season=season)
    inner = co.QuantileForecast(SCORED, values[:, :, [LEVELS.index(level) for level in SCORED]])
    owa = np.nan
    if name in NAIVE2:
        owa = (score.smape / NAIVE2[name][0] + score.mase / NAIVE2[name][1]) / 2
    cover = " ".join(f"{100 * share:.1f}" for share in score.coverage.values())
    return [f"{owa:.4f}", f"{score.msis:.2f}", f"{co.score_forecast(inner, later).wql:.4f}", f"{score.mase:.3f}", cover]


def ours(name, rows, later, repeats=4):
    seasons, horizon, season = SETS[name]
    history, used = history_of(rows), np.inf
    for _ in range(repeats):
        start = time.process_time()
        forecast = co.forecast_quantiles(history, horizon, levels=LEVELS, season=list(seasons))
        used = min(used, time.process_time() - start)
    return used, scored(name, history, forecast.values, later, season)


def peers(name, rows, later, python):
    seasons, horizon, season = SETS[name]
    given = {"season": max(seasons[0], 1), "horizon": horizon, "levels": LEVELS, "rows": [row.tolist() for row in rows]}
    given["rare"] = name in ("carparts", "raf", "m5_sample6000")
    made = subprocess.run([python, "-c", PEER], input=json.dumps(given), capture_output=True, text=True, check=True)
    for model, found in json.loads(made.stdout).items():
        values = np.sort(np.nan_to_num(np.array(found["values"])), axis=2)
        yield model, found["seconds"], scored(name, history_of(rows), values, later, season)


def line(cells):
    return "| " + " | ".join(cells) + " |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--peer-series", type=int, default=100)
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--python", help="an interpreter that has statsforecast; default: one is made")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    head = ["set", "model", "series", "series/s", "OWA", "MSIS", "WQL", "MASE", "coverage 80 90 95", "goal"]
    told = [line(head), line(["---"] * len(head))]
    with tempfile.TemporaryDirectory() as folder:
        python = asked.python
        if not asked.no_peer and python is None:
            venv.create(folder, with_pip=True)
            python = str(Path(folder) / "bin" / "python")
            subprocess.run([python, "-m", "pip", "install", "-q", "statsforecast"], check=True)
        for name in asked.sets.split(","):
            rows, later = load(name)
            used, cells = ours(name, rows, later)
            told.append(
                line([name, "**ours**", f"{len(rows):,}", f"{len(rows) / used:,.0f}", *cells, GOALS.get(name, "")])
            )
            print(told[-1], flush=True)
            if asked.no_peer:
                continue
            few = np.unique(np.linspace(0, len(rows) - 1, asked.peer_series).astype(int))
            some, came = [rows[i] for i in few], later[few]
            used, cells = ours(name, some, came)
            told.append(line([name, "ours, the peers' series", str(len(few)), f"{len(few) / used:,.0f}", *cells, ""]))
            for model, seconds, cells in peers(name, some, came, python):
                told.append(line([name, model, str(len(few)), f"{len(few) / max(seconds, 1e-9):,.1f}", *cells, ""]))
            print("\n".join(told[-4:]), flush=True)
    values = np.random.default_rng(0).poisson(1.0, 50 * 200_000).astype(float)
    begins = np.arange(0, len(values), 50)
    empirical_quantiles(values, begins, begins + 50, np.array(SCORED))
    start = time.process_time()
    empirical_quantiles(values, begins, begins + 50, np.array(SCORED))
    rate = len(begins) / (time.process_time() - start)
    told.append(f"\nEmpirical quantiles, 9 levels at length 50: {rate:,.0f} series per second and core.")
    print(told[-1])
    if asked.out:
        asked.out.write_text(
            f"# Forecasts\n\n`python benchmarks/forecast.py {' '.join(sys.argv[1:])}`\n\n" + "\n".join(told) + "\n"
        )


if __name__ == "__main__":
    main()
