"""Quantile orders against naive and textbook ones on the last year of the VN2 inventory planning challenge.

    python benchmarks/vn2.py [--data ../shared/data/forecast] [--out benchmarks/results/vn2.md]

Rules of the contest: 599 products, weekly; a unit left at the end of a week costs 0.2, a lost sale 1; what is ordered
at the end of week X can be sold from the start of week X + 3. So an order lasts for three weeks of demand, the lead
time counted in reviews is 2. The starting stock and pipeline are the contest's own. Every order uses only what was
known when it was placed.

Out of stock weeks: what was sold is only a lower bound of what was asked. A forecast takes for such a week the larger
of what was sold and the product's mean over its in-stock weeks so far. The replay itself asks for what was sold (1.4 %
of its weeks were out of stock), which understates the cost of every policy alike.

The rule of tuning, the same wherever a replay begins: the order quantile, how fast to forget (half-life) and how far to
follow last year's season are chosen together, as the combination of the grid below that cost least per week, summed
over two folds of what lies before the replay: weeks 28 to 53, where no year lies behind and season plays no part, and
week 69 on, where one does. Nothing of a replay is seen. The rule is played on the last 52 weeks and, to see whether it
holds elsewhere, on windows of the earlier history (pseudo-replays), each tuned on the weeks before it alone.
"""

import argparse
import itertools
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import capacity_opt as co
from capacity_opt.simulation.paired import estimate_difference

ITEM = co.Item(holding_cost=0.2, stockout_cost=1.0, lead_time=2, review_period=1)
SPAN, YEAR, WEEKS = 3, 52, 158
REPLAY = (WEEKS - YEAR, WEEKS)
FOLDS = ((27, 53), (68, None))
WINDOWS = ((53, 80), (80, 106), (93, 106))
WARM_UP = 8
HALF_LIVES = (8.0, 13.0, 20.0, 26.0, 52.0)
QUANTILES = (0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 5 / 6)
SEASONS = (0.0, 0.25, 0.5, 0.75, 1.0)
TEXTBOOK = 5 / 6


@dataclass(frozen=True)
class Data:
    """``sold`` and ``in_stock`` (599, 158); ``stock`` (599,) and ``pipeline`` (599, 2) at the start; ``issued``
    keeps what was forecast from them, since every rule asks for the same weeks."""

    sold: np.ndarray
    in_stock: np.ndarray
    stock: np.ndarray
    pipeline: np.ndarray
    issued: dict = field(default_factory=dict)


def read(folder):
    import pandas as pd

    rows = pd.read_parquet(folder / "vn2.parquet")
    rows["unique_id"] = rows["unique_id"].astype(str)
    sold = rows.pivot(index="unique_id", columns="ds", values="y")
    in_stock = rows.pivot(index="unique_id", columns="ds", values="in_stock")
    state = pd.read_parquet(folder / "vn2_initial_state.parquet")
    state.index = state["Store"].astype(str) + "_" + state["Product"].astype(str)
    state = state.loc[sold.index]
    return Data(
        sold.to_numpy(float),
        in_stock.to_numpy(bool),
        state["End Inventory"].to_numpy(float),
        state[["In Transit W+1", "In Transit W+2"]].to_numpy(float),
    )


def known_demand(data, now):
    """Demand of the weeks before ``now`` as it was known then (out of stock weeks filled by the stated rule)."""
    sold, seen = data.sold[:, :now], data.in_stock[:, :now]
    mean = np.cumsum(sold * seen, axis=1) / np.maximum(np.cumsum(seen, axis=1), 1)
    return np.where(seen, sold, np.maximum(sold, mean))


def mean_levels(weeks):
    """Three weeks' demand at the mean of the last ``weeks``."""
    return lambda data, now: SPAN * known_demand(data, now)[:, -weeks:].mean(axis=1)


def quantile_levels(quantile, half_life=np.inf, season=0.0):
    """Quantile of every three weeks' demand so far; weights halve every ``half_life`` weeks; times last year's season
    to the power ``season``."""

    def levels(data, now):
        found, factor = issued(data, now, half_life)
        return found[:, QUANTILES.index(quantile)] * factor**season

    return levels


def issued(data, now, half_life):
    """All quantiles of ``QUANTILES`` (products, Q) as known in week ``now``, and last year's season there."""
    kept = data.issued
    if (now, half_life) not in kept:
        asked = known_demand(data, now)
        sums = np.lib.stride_tricks.sliding_window_view(asked, SPAN, axis=1).sum(axis=2)
        weight = 0.5 ** (np.arange(sums.shape[1])[::-1] / half_life)
        kept[now, half_life] = weighted_quantiles(sums, weight, QUANTILES), season_factor(asked.sum(axis=0), half_life)
    return kept[now, half_life]


def weighted_quantiles(rows, weight, quantiles):
    order = np.argsort(rows, axis=1, kind="stable")
    values, heavy = np.take_along_axis(rows, order, axis=1), (weight / weight.sum())[order]
    middle = np.cumsum(heavy, axis=1) - heavy / 2
    row, found = np.arange(len(rows)), []
    for quantile in quantiles:
        above = np.clip((middle < quantile).sum(axis=1), 1, rows.shape[1] - 1)
        low, high = middle[row, above - 1], middle[row, above]
        share = np.clip((quantile - low) / (high - low), 0, 1)
        found.append(values[row, above - 1] + share * (values[row, above] - values[row, above - 1]))
    return np.stack(found, axis=1)


def season_factor(total, half_life):
    """Sales of all products in last year's same three weeks over those of the weighted weeks before them."""
    now = len(total)
    if now < YEAR + WARM_UP:
        return 1.0
    before = total[: now - YEAR]
    weight = 0.5 ** (np.arange(len(before))[::-1] / half_life)
    return total[now - YEAR : now - YEAR + SPAN].mean() / (before @ weight / weight.sum())


def play(method, data, weeks, *, contest=False):
    """Replay of ``weeks`` (first, last) from the contest's stock and pipeline, or from empty shelves with a warm-up."""
    first, last = weeks
    warm = 0 if contest else WARM_UP
    levels = np.floor(np.stack([method(data, now) for now in range(first - warm, last)]) + 0.5)
    return co.replay(
        co.TimeVaryingOrderUpTo(reorder_point=levels, order_up_to_level=levels),
        data.sold[:, first - warm : last],
        ITEM,
        lost_sales=True,
        initial_stock=data.stock if contest else 0.0,
        on_order=data.pipeline if contest else None,
        warm_up=warm,
    )


def cost(played):
    return float(played.cost.sum() / played.periods)


def tune(data, before):
    """The rule of the module for a replay that begins at week ``before``: the choice, and the grid's cost by fold."""
    folds = [(first, min(last or before, before)) for first, last in FOLDS if first + 4 <= before]
    grid = {}
    for half, quantile, season in itertools.product(HALF_LIVES, QUANTILES, SEASONS):
        method = quantile_levels(quantile, half, season)
        grid[half, quantile, season] = [cost(play(method, data, fold)) for fold in folds]
    return min(grid, key=lambda chosen: sum(grid[chosen])), grid


def methods(half, quantile, season):
    return {
        "naive: mean of the last 3 weeks": mean_levels(3),
        "naive: mean of the last 13 weeks": mean_levels(13),
        "naive: mean of the last 52 weeks": mean_levels(52),
        "textbook: 0.833 of all weeks so far": quantile_levels(TEXTBOOK),
        f"textbook: 0.833, half-life {half:g}": quantile_levels(TEXTBOOK, half),
        f"textbook: 0.833, half-life {half:g}, season {season:g}": quantile_levels(TEXTBOOK, half, season),
        f"tuned: {quantile:g}, half-life {half:g}": quantile_levels(quantile, half),
        f"tuned: {quantile:g}, half-life {half:g}, season {season:g}": quantile_levels(quantile, half, season),
    }


def less(ours, theirs):
    """Cost saved as a share of theirs, with the interval of the paired difference over products."""
    found = estimate_difference(theirs.cost, ours.cost)
    scale = 100 / theirs.cost.mean()
    return f"{scale * found.value:.1f} % ({scale * found.low:.1f} to {scale * found.high:.1f})"


def table(data, tuned):
    played = {name: play(method, data, REPLAY, contest=True) for name, method in methods(*tuned).items()}
    steady = {name: cost(play(method, data, REPLAY)) for name, method in methods(*tuned).items()}
    names = list(played)
    plain, ours = played[names[-2]], played[names[-1]]
    lines = [
        "| order up to | cost/week | holding | lost sales | fill | after a warm-up | tuned against it "
        "| tuned with season against it |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, found in played.items():
        parts = [found.holding.sum() / YEAR, found.stockout.sum() / YEAR]
        fill = found.filled.sum() / found.demand.sum()
        lines.append(
            f"| {name} | {cost(found):.0f} | {parts[0]:.0f} | {parts[1]:.0f} | {100 * fill:.1f} % | {steady[name]:.0f} "
            f"| {less(plain, found) if found is not plain else ''} | {less(ours, found) if found is not ours else ''} |"
        )
    return lines


def pseudo_replays(data):
    """The rule on windows of the earlier history: a row each."""
    lines = [
        "| weeks played | chosen: quantile, half-life, season | tuned | best naive | textbook | against the best naive "
        "| against the textbook |",
        "|---|---|---|---|---|---|---|",
    ]
    for window in WINDOWS:
        (half, quantile, season), _ = tune(data, window[0])
        ours = play(quantile_levels(quantile, half, season), data, window)
        naive = min((play(mean_levels(w), data, window) for w in (3, 13, 52)), key=cost)
        textbook = play(quantile_levels(TEXTBOOK), data, window)
        lines.append(
            f"| {window[0] + 1}-{window[1]} | {quantile:.3g}, {half:g}, {season:g} | {cost(ours):.0f} "
            f"| {cost(naive):.0f} | {cost(textbook):.0f} | {less(ours, naive)} | {less(ours, textbook)} |"
        )
    return lines


def report(data):
    started = time.perf_counter()
    (half, quantile, season), grid = tune(data, REPLAY[0])
    lines = ["# VN2: orders by tuned quantile, the last 52 weeks out of sample", ""]
    lines += table(data, (half, quantile, season))
    near = {
        "quantile": [(f"{q:.3g}", grid[half, q, season]) for q in QUANTILES],
        "half-life": [(f"{h:g}", grid[h, quantile, season]) for h in HALF_LIVES],
        "season": [(f"{s:g}", grid[half, quantile, s]) for s in SEASONS],
    }
    told = "; ".join(
        f"by {name} " + ", ".join(f"{label}: {sum(folds) / len(folds):.0f}" for label, folds in row)
        for name, row in near.items()
    )
    lines += [
        "",
        "Cost per week over 599 products; 95 % intervals of paired differences over products. Chosen by the least mean "
        f"cost of the two folds (weeks 28-53 and 69-106), all three together; around the choice: {told}.",
        "",
        "## The same rule on windows of the earlier history",
        "",
        *pseudo_replays(data),
        "",
        "Each is tuned on the weeks before it alone and starts from empty shelves with eight weeks of warm-up; "
        "the best of the three naive means is picked with hindsight, which an operator does not have. In weeks "
        "54-80 only the first fold lies before, in weeks 81-106 only 12 weeks of the second. So the rule's lead "
        "over the textbook holds in every window, its lead over the best naive mean only where more than a year "
        "lies behind and last year's season can be measured: it rests on one replay.",
        "",
        "## What was looked at",
        "",
        "An earlier rule (quantile and half-life from weeks 28-53, season from weeks 69-106) was played on the "
        "replay first and gave 4.7 % below the best naive; a second one (half-life moved to weeks 69-106) 6.1 %. "
        "The rule here was written down after that and before it was played; it chooses by all weeks there are "
        "and was not changed since. The grid is that of the first rule.",
        "",
        "Forecasts and orders use what was known each week; orders are whole units; start: the contest's stock and "
        "pipeline (column `after a warm-up`: eight earlier weeks from empty shelves instead). Out of stock weeks count "
        "in forecasts as the larger of what was sold and the product's in-stock mean so far. Only totals are kept "
        "here: the data has no stated licence.",
        "",
        f"Made by `python benchmarks/vn2.py` in {time.perf_counter() - started:.0f} s.",
    ]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = os.environ.get("CAPACITY_OPT_DATA", str(Path(__file__).parents[2] / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=Path(default) / "forecast")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    if not (given.data / "vn2.parquet").is_file():
        print(f"skipped: no vn2.parquet in {given.data}; set CAPACITY_OPT_DATA", file=sys.stderr)
        return
    text = report(read(given.data))
    print(text)
    if given.out:
        given.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
