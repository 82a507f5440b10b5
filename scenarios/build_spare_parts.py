"""Rebuilds scenarios/spare_parts from the RAF spare-parts history: monthly quantiles of 5,000 intermittent items.

The raw file is looked for in the folder named by CAPACITY_OPT_DATA (default ../shared/data beside the checkout):

    python scenarios/build_spare_parts.py [FOLDER]
"""

import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from capacity_opt import QuantileDemand, optimize_base_stock

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("CAPACITY_OPT_DATA", HERE.parents[1] / "shared" / "data")) / "forecast" / "raf.parquet"
LEVELS = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.975, 0.99)
SEED = 20261123


def history() -> tuple[list[str], np.ndarray]:
    """Item names and demand (items, 84 months)."""
    if not DATA.exists():
        sys.exit(f"{DATA.name} is absent: set CAPACITY_OPT_DATA to the folder that holds forecast/{DATA.name}")
    table = pd.read_parquet(DATA).pivot_table(index="unique_id", columns="ds", values="y", observed=True)
    table = table.loc[sorted(table.index, key=lambda name: int(str(name).removeprefix("RAF")))]
    return [f"part-{int(str(name).removeprefix('RAF')):05d}" for name in table.index], table.to_numpy(dtype=float)


def quantiles(demand: np.ndarray) -> np.ndarray:
    """Empirical quantiles with the (n + 1) correction: the k-th smallest of n is the k / (n + 1) quantile."""
    return np.quantile(demand, LEVELS, axis=1, method="weibull").T


def stock_now(
    values: np.ndarray, demand: np.ndarray, lead: np.ndarray, target: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """On hand: the level for the target, less what a month drawn from the item's own history took; a tenth of the items
    were overbought by half."""
    law = QuantileDemand(LEVELS, np.maximum(np.round(values, 2), 0.0), integer=True)
    best = optimize_base_stock(law, holding_cost=1.0, fill_rate=target, lead_time=lead, review_period=1.0)
    taken = demand[np.arange(len(demand)), rng.integers(0, demand.shape[1], len(demand))]
    level = np.floor(np.where(rng.random(len(demand)) < 0.1, 1.5, 1.0) * best.base_stock_level)
    return np.maximum(level - taken, 0.0)


def tables() -> dict[str, pd.DataFrame]:
    """The scenario's tables by file name."""
    names, demand = history()
    seen = demand.sum(axis=1) > 0
    kept, values = [name for name, moved in zip(names, seen, strict=True) if moved], quantiles(demand[seen])
    rng = np.random.default_rng(SEED)
    cost = np.round(np.exp(rng.normal(4.5, 1.2, len(kept))), 2)
    lead = rng.choice([1, 2, 3], len(kept), p=[0.5, 0.3, 0.2])
    target = np.where(cost > np.quantile(cost, 0.8), 0.92, np.where(cost > np.quantile(cost, 0.5), 0.95, 0.98))
    stock = stock_now(values, demand[seen], lead, target, rng)
    items = pd.DataFrame(
        {"item": kept, "unit_cost_usd": cost, "lead_time_months": lead, "fill_rate": target, "on_hand": stock}
    )
    columns = {f"p{100 * level:g}": np.round(values[:, i], 2) for i, level in enumerate(LEVELS)}
    return {"items.csv": items, "demand_quantiles.csv": pd.DataFrame({"item": kept, **columns})}


def main(folder: Path) -> None:
    """Write every table into ``folder``."""
    for name, table in tables().items():
        table.to_csv(folder / name, index=False, lineterminator="\n")
        print(f"{folder.name}/{name}: {len(table):,} rows")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "spare_parts")
