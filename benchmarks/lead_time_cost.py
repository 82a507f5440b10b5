"""What ordering by each way to the total over a lead time would have cost: ours, sum of quantiles, normal, bootstrap.

    python benchmarks/lead_time_cost.py [--sets carparts,...] [--ratios 0.9,0.95] [--most 6000] [--out FILE]

Data from CAPACITY_OPT_DATA (default ../shared/data), folder forecast. At each of the last periods every way forecasts
the total over lead time + 1 review period from what was known, orders up to its quantile at the critical ratio, and the
judge replays what came: backorders on all sets but VN2, where sales that met an empty shelf were lost. In the first
half of those periods each way's cheapest quantile is tuned too; the second half counts. Costs are per period and unit;
differences are paired over series (95 %).
"""

import argparse
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd

import capacity_opt as co
from capacity_opt.scenario.decision_cost import LEVELS, issued_totals
from capacity_opt.scenario.forecast_backtest import cost_rows

DATA = Path(os.environ.get("CAPACITY_OPT_DATA", "../shared/data")) / "forecast"
# name: lead time, periods decided in, season, lost sales, source and licence of the data
SETS = {
    "carparts": (2, 12, (12,), False, "car parts 1998-2002, robjhyndman/expsmooth, GPL-3 (package)"),
    "raf": (2, 24, (12,), False, "RAF spare parts, StefanoDamato/fable.intermittent, LGPL-3 (package)"),
    "vn2": (
        2,
        26,
        (52,),
        True,
        "VN2 weekly sales, StefanoDamato/VN2challenge, no licence stated: derived figures only",
    ),
    "m5_sample6000": (3, 28, (7,), False, "M5 sample (Walmart, competition terms), functime-org/functime, Apache-2.0"),
}
TITLES = {
    "lead_time_totals": "**ours: lead-time totals**",
    "sum_of_quantiles": "sum of quantiles",
    "normal": "normal",
    "bootstrap": "bootstrap",
}


def load(name, most):
    table = pd.read_parquet(DATA / f"{name}.parquet")
    table["unique_id"] = table["unique_id"].astype(str)
    value = "y" if "y" in table else "sales"
    wide = table.pivot_table(index="unique_id", columns="ds", values=value, sort=True, observed=True)
    if name in ("carparts", "raf"):
        wide = wide.fillna(0.0)  # a month without a row is a month without demand
    values = wide.to_numpy(float)
    if len(values) > most:
        values = values[np.linspace(0, len(values) - 1, most).astype(int)]
    return co.History(np.where(values < 0, 0.0, values))


def told(name, count, times, ratio, row):
    best = row["cost"] - row["dearer"]
    share = [100 * row[key] / best for key in ("dearer", "dearer_low", "dearer_high")]
    paired = f"{share[0]:+.1f} % ({share[1]:+.1f} to {share[2]:+.1f})" if row["dearer"] else ""
    cells = [
        name, f"{count:,}", f"{times[0]}, {times[1]}", f"{ratio:g}",
        TITLES[row["way"]] + (", tuned" if row["rule"] == "tuned" else ""), f"{100 * row['level']:.1f} %",
        f"{row['cost']:,.0f}", paired, f"{100 * row['covered']:.1f} %", f"{100 * row['fill_rate']:.1f} %",
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--ratios", default="0.9,0.95")
    parser.add_argument("--most", type=int, default=6000)
    parser.add_argument("--out")
    asked = parser.parse_args()
    lines = [
        "| set | series | L + R, periods | ratio | order by | quantile | cost | dearer (95 %) | covered | fill rate |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    sources = []
    for name in asked.sets.split(","):
        lead, reviews, season, lost, source = SETS[name]
        history = load(name, asked.most)
        sources.append(f"* {name}: {source}.")
        begun = time.time()
        issued = issued_totals(history, reviews, lead + 1, season=season)
        came = np.nan_to_num(history.hold_out(reviews)[1])
        for ratio in map(float, asked.ratios.split(",")):
            item = co.Item(holding_cost=1.0, stockout_cost=ratio / (1.0 - ratio), lead_time=lead, review_period=1)
            found = co.backtest_quantiles(
                issued, LEVELS, came, item, lost_sales=lost, initial_stock=None, tune=reviews // 2
            )  # fmt: skip
            rows = [told(name, history.count, (lead + 1, reviews), ratio, row) for row in cost_rows(found)]
            print(*rows, f"{time.time() - begun:.0f} s", sep="\n", flush=True)
            lines += rows
    title = ["# Lead-time quantiles in money", "", *__doc__.strip().split("\n\n", 1)[0].splitlines(), ""]
    command = f"`python benchmarks/lead_time_cost.py --sets {asked.sets} --ratios {asked.ratios} --most {asked.most}`"
    text = "\n".join(
        [*title, command + ", costs of a unit held 1, short ratio / (1 - ratio).", "", *lines, "", *sources]
    )
    if asked.out:
        Path(asked.out).write_text(text + "\n")


if __name__ == "__main__":
    main()
