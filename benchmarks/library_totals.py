"""Lead-time totals of library models: the model's own paths against what is done otherwise, on series held out.

    python benchmarks/library_totals.py [--series 60] [--models AutoETS,AutoTheta] [--out FILE]

Needs the extra [forecast]. Data from CAPACITY_OPT_DATA (default ../shared/data), folder forecast: M3 monthly and
quarterly, car parts; every k-th series, the last periods of each held out. Loss: pinball of the total over the whole
horizon at .9, .95 and .99, by the mean of the totals that came. Ways: ``engine`` (the built-in totals), ``moved`` (the
engine's moved to the model's medians and scaled by its widths), ``summed`` (the model's quantiles of periods added up),
``simulated`` (the model's own paths, or periods tied), ``checked`` (those shifted by what they missed before: what
``library_forecast(cumulative=True)`` gives).
"""

import argparse
import os
import warnings
from pathlib import Path

os.environ.setdefault("NUMBA_NUM_THREADS", "1")
import numpy as np
import pandas as pd

import capacity_opt as co
from capacity_opt.scenario import library_totals as totals_of
from capacity_opt.scenario.forecast_library import checked, fit

warnings.simplefilter("ignore")
DATA = Path(os.environ.get("CAPACITY_OPT_DATA", "../shared/data")) / "forecast"
SETS = {
    "m3_monthly": ("m3", "MONTHLY", 12, 6),
    "m3_quarterly": ("m3", "QUARTERLY", 4, 4),
    "carparts": ("carparts", "", 12, 4),
}
LEVELS = np.array([0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99])
SCORED = (0.9, 0.95, 0.99)
WAYS = ("engine", "moved", "summed", "simulated", "checked")


def series_of(name: str, count: int, horizon: int) -> tuple[co.History, np.ndarray]:
    """``count`` histories spread over the set, and the totals over ``horizon`` that came."""
    file, part, _, _ = SETS[name]
    frame = pd.read_parquet(DATA / f"{file}.parquet")
    if part:
        frame = frame[frame["freq"] == part]
    rows = [group["y"].to_numpy(dtype=np.float64) for _, group in frame.groupby("unique_id", sort=True, observed=True)]
    rows = [row[~np.isnan(row)] for row in rows]
    rows = [row for row in rows if len(row) >= 30 and row[:-horizon].any()]
    chosen = [rows[i] for i in np.unique(np.linspace(0, len(rows) - 1, count).astype(int))]
    kept = [row[:-horizon] for row in chosen]
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in kept])])
    return co.History(np.concatenate(kept), offsets), np.array([row[-horizon:].sum() for row in chosen])


def moved(old: np.ndarray, new: np.ndarray, totals: np.ndarray) -> np.ndarray:
    """The engine's totals (n, m) moved by the periods' medians and scaled by their widths, as was done before."""
    middle = int(np.flatnonzero(LEVELS == 0.5)[0])
    wide = [(each[..., -1] - each[..., 0]).sum(axis=1) for each in (old, new)]
    ratio = np.where(wide[0] > 0, wide[1] / np.where(wide[0] > 0, wide[0], 1.0), 1.0)[:, None]
    shift = (new[..., middle] - old[..., middle]).sum(axis=1)[:, None]
    centre = totals[:, middle, None]
    return np.maximum(centre + shift + (totals - centre) * ratio, 0.0)


def ways(history: co.History, horizon: int, model: str, season: int) -> dict[str, np.ndarray]:
    """(n, m) quantiles of the total by every way."""
    levels, seasons = checked(history, horizon, model, LEVELS, season, "model")
    now = fit(history, horizon, model, levels, seasons, totals=True)
    before = totals_of._earlier(history, horizon, model, levels, seasons)
    tied = totals_of._tied(before, levels)
    period = co.forecast_quantiles(history, horizon, levels=LEVELS, season=season).values
    engine = co.forecast_totals(history, horizon, levels=LEVELS, season=season).values[:, -1]
    made = co.library_forecast(history, horizon, model=model, levels=LEVELS, season=season, cumulative=True)
    return {
        "engine": engine,
        "moved": moved(period, now.period, engine),
        "summed": now.period.sum(axis=1),
        "simulated": totals_of._totals(now, levels, tied)[:, -1],
        "checked": made.values[:, -1],
    }


def losses(values: np.ndarray, came: np.ndarray) -> list[float]:
    """Mean pinball loss at each scored level by the mean total, then the share of totals at or below .95."""
    found = []
    for level in SCORED:
        gap = came - values[:, np.flatnonzero(level == LEVELS)[0]]
        found.append(float(np.mean(np.maximum(level * gap, (level - 1) * gap)) / came.mean()))
    return [*found, float(np.mean(came <= values[:, np.flatnonzero(LEVELS == 0.95)[0]]))]


def table(name: str, models: list[str], count: int) -> list[str]:
    """Rows of the set's table."""
    _, _, season, horizon = SETS[name]
    history, came = series_of(name, count, horizon)
    lines = []
    for model in models:
        for way, values in ways(history, horizon, model, season).items():
            told = losses(values, came)
            lines.append(
                f"| {name} | {history.count} | {model} | {way} | "
                + " | ".join(f"{x:.4f}" for x in told[:3])
                + f" | {100 * told[3]:.0f} % |"
            )
            print(lines[-1], flush=True)
    return lines


def main() -> None:
    """Run the sets and write the table."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--series", type=int, default=60)
    asked.add_argument("--sets", default=",".join(SETS))
    asked.add_argument("--models", default="AutoETS,AutoTheta,LightGBM")
    asked.add_argument("--out")
    given = asked.parse_args()
    head = [
        "| set | series | model | way | pinball .9 | .95 | .99 | at or below .95 |",
        "|---|---|---|---|---|---|---|---|",
    ]
    print("\n".join(head))
    rows = [line for name in given.sets.split(",") for line in table(name, given.models.split(","), given.series)]
    if given.out:
        Path(given.out).write_text(
            f"# Lead-time totals of library models\n\n{__doc__.split(chr(10) * 2, 1)[1]}\n"
            + "\n".join([*head, *rows])
            + "\n"
        )


if __name__ == "__main__":
    main()
