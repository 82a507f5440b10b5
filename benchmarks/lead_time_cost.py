"""What ordering by each way to the total over a lead time would have cost: ours, sum of quantiles, normal, bootstrap.

    python benchmarks/lead_time_cost.py [--sets carparts,...] [--ratios 0.9,0.95] [--most 6000] [--out FILE]

Data from CAPACITY_OPT_DATA (default ../shared/data), folder forecast. At each of the last periods every way forecasts
the total over lead time + 1 review period from what was known, orders up to its quantile at the critical ratio, and the
judge replays what came: backorders on all sets but VN2, where sales that met an empty shelf were lost. Costs are per
period and unit; differences are paired over series (95 %).
"""

import argparse
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd

import capacity_opt as co
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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--ratios", default="0.9,0.95")
    parser.add_argument("--most", type=int, default=6000)
    parser.add_argument("--out")
    asked = parser.parse_args()
    lines = [
        "| set | series | L + R, decided in | ratio | order by | cost a period | dearer (95 %) | covered | fill rate |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    sources = []
    for name in asked.sets.split(","):
        lead, reviews, season, lost, source = SETS[name]
        history = load(name, asked.most)
        sources.append(f"* {name}: {source}.")
        for ratio in map(float, asked.ratios.split(",")):
            begun = time.time()
            found = co.decision_cost(
                history, reviews=reviews, lead_time=lead, season=season, lost_sales=lost,
                stockout_cost=ratio / (1.0 - ratio),
            )  # fmt: skip
            best = found.scores[0].cost
            for row in cost_rows(found):
                told = [100 * row[key] / best for key in ("dearer", "dearer_low", "dearer_high")]
                paired = "" if not row["dearer"] else f"{told[0]:+.1f} % ({told[1]:+.1f} to {told[2]:+.1f})"
                lines.append(
                    f"| {name} | {history.count:,} | {lead + 1}, {reviews} | {ratio:g} | {TITLES[row['way']]} | "
                    f"{row['cost']:,.0f} | {paired} | {100 * row['covered']:.1f} % | {100 * row['fill_rate']:.1f} % |"
                )
            print(*lines[-4:], f"{time.time() - begun:.0f} s", sep="\n", flush=True)
    text = "\n".join([*lines, "", *sources]) + "\n"
    if asked.out:
        Path(asked.out).write_text(text)


if __name__ == "__main__":
    main()
