"""What ordering by each way to the total over a lead time would have cost: ours, sum of quantiles, normal, bootstrap.

    python benchmarks/lead_time_cost.py [--sets carparts,...] [--ratios 0.9,0.95] [--most 6000] [--out FILE]

Data from CAPACITY_OPT_DATA (default ../shared/data), folder forecast. At each of the last periods every way forecasts
the total over lead time + 1 review period from what was known, orders up to its quantile at the critical ratio, and the
judge replays what came: backorders on all sets but VN2, where sales that met an empty shelf were lost: there every way
orders up to the quantile that is right for lost sales (simulation.backtest.lost_sales_level) and, in rows of their
own, to the plain ratio. In the first half of those periods each way's cheapest quantile is tuned too; the second half
counts. Costs are per period and unit; differences are paired over series (95 %). A second table tells how often each
way's quantile held, by kind and size of series, in all periods.
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
COVERED = [
    f"| set | series | number | quantile | {' | '.join(title.replace('*', '') for title in TITLES.values())} |",
    "|---|---|---|---|" + "---|" * len(TITLES),
]


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


def classes(history, reviews):
    """Masks of series by what was known before the first review: how often nothing was asked, and how much."""
    known = history.hold_out(reviews)[0].panel()
    zero = (known == 0).sum(axis=1) / np.maximum((~np.isnan(known)).sum(axis=1), 1)
    size = np.nanmean(known, axis=1)
    low, high = np.quantile(size, [1 / 3, 2 / 3])
    return {
        "all": np.ones(len(size), dtype=bool),
        "zero in under 3 of 10": zero < 0.3,
        "zero in 3 to 7 of 10": (zero >= 0.3) & (zero < 0.7),
        "zero in 7 of 10 or more": zero >= 0.7,
        "small third": size <= low,
        "large third": size > high,
    }


def coverage(name, history, reviews, span, issued, came, ratios):
    """Rows: how often the total was at most each way's quantile, by class of series."""
    sums = np.cumsum(np.pad(came, ((0, 0), (1, 0))), axis=1)
    total = sums[:, span:] - sums[:, :-span]
    rows = []
    for title, chosen in classes(history, reviews).items():
        if chosen.sum() < 20:
            continue
        for ratio in ratios:
            at = LEVELS.index(ratio)
            held = [
                (total[chosen] <= issued[way][chosen, : total.shape[1], at] + 1e-9).mean() for way in TITLES
            ]  # fmt: skip
            shares = " | ".join(f"{100 * share:.1f} %" for share in held)
            rows.append(f"| {name} | {title} | {chosen.sum():,} | {100 * ratio:g} % | {shares} |")
    return rows


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
    sources, held = [], []
    for name in asked.sets.split(","):
        lead, reviews, season, lost, source = SETS[name]
        history = load(name, asked.most)
        sources.append(f"* {name}: {source}.")
        begun = time.time()
        issued = {}
        for way in TITLES:
            started = time.time()
            issued |= issued_totals(history, reviews, lead + 1, ways=[way], season=season)
            print(f"{way}: {history.count * reviews / (time.time() - started):,.0f} series/s", flush=True)
        came = np.nan_to_num(history.hold_out(reviews)[1])
        ratios = [float(ratio) for ratio in asked.ratios.split(",")]
        held += coverage(name, history, reviews, lead + 1, issued, came, ratios)
        for ratio, level in [(r, given) for r in ratios for given in ([None, r] if lost else [None])]:
            item = co.Item(holding_cost=1.0, stockout_cost=ratio / (1.0 - ratio), lead_time=lead, review_period=1)
            found = co.backtest_quantiles(
                issued, LEVELS, came, item, lost_sales=lost, initial_stock=None, tune=reviews // 2,
                order_level=level,
            )  # fmt: skip
            title = name + (", at the plain ratio" if level else "")
            rows = [told(title, history.count, (lead + 1, reviews), ratio, row) for row in cost_rows(found)]
            print(*rows, f"{time.time() - begun:.0f} s", sep="\n", flush=True)
            lines += rows
    heading = ["# Lead-time quantiles in money", "", *__doc__.strip().split("\n\n", 1)[0].splitlines(), ""]
    command = f"`python benchmarks/lead_time_cost.py --sets {asked.sets} --ratios {asked.ratios} --most {asked.most}`"
    text = "\n".join(
        [
            *heading,
            command + ", costs of a unit held 1, short ratio / (1 - ratio).",
            "",
            *lines,
            "",
            *COVERED,
            *held,
            "",
            *sources,
        ]
    )
    if asked.out:
        Path(asked.out).write_text(text + "\n")


if __name__ == "__main__":
    main()
