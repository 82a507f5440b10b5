"""Rebuilds scenarios/big_deals from raw public files (see its SOURCES.md): `python scenarios/build_big_deals.py`."""

from __future__ import annotations

import numpy as np
import pandas as pd
from traces import HERE, by_hour, raw

FOLDER = HERE / "big_deals"
MONTHS = 60
LEVEL = {
    ("critical", "east"): 3000.0,
    ("standard", "east"): 6000.0,
    ("critical", "west"): 1200.0,
    ("standard", "west"): 2400.0,
}
POOL_UNITS = {"m7a us-east-1": 900.0, "r7a us-east-1": 300.0}
TRACED = {
    "checkout": ("ec2_cpu_utilization_24ae8d", "m7a.8xlarge"),
    "search": ("ec2_cpu_utilization_53ea38", "m7a.8xlarge"),
    "render": ("ec2_cpu_utilization_5f5533", "m7a.4xlarge"),
    "ledger": ("ec2_cpu_utilization_825cc2", "m7a.4xlarge"),
}
OFFERED = ("m7a.large", "m7a.xlarge", "m7a.2xlarge", "m7a.4xlarge", "m7a.8xlarge")


def history() -> pd.DataFrame:
    """Monthly demand: page views of an encyclopedia article as the shape, stated levels in the last year."""
    daily = raw("wikipedia_R_daily_logviews.csv")
    views = pd.Series(np.exp(daily["y"].to_numpy()), index=pd.to_datetime(daily["ds"])).sort_index()
    monthly = views.resample("MS").mean().dropna().iloc[-MONTHS - 1 : -1]
    shape = monthly.to_numpy() / monthly.iloc[-12:].mean()
    months = pd.date_range(end="2026-12-01", periods=MONTHS, freq="MS").strftime("%Y-%m-%d")
    rows = [
        {"class": c, "region": region, "period": month, "value": round(level * value, 1)}
        for (c, region), level in LEVEL.items()
        for month, value in zip(months, shape, strict=True)
    ]
    return pd.DataFrame(rows)


def hourly_usage() -> pd.DataFrame:
    """Four weeks of hours of a regional total, scaled to each pool; memory pools follow assigned memory."""
    trace = raw("azure_v2_2019_region_total_5min.csv")
    shapes = {"m7a us-east-1": "cpu_usage", "r7a us-east-1": "assigned_mem"}
    rows = []
    for pool, column in shapes.items():
        table = by_hour(trace["timestamp"], trace[column])[:28].ravel()
        rows += [{"pool": pool, "hour": h, "usage": round(POOL_UNITS[pool] * v, 1)} for h, v in enumerate(table)]
    return pd.DataFrame(rows)


def traces() -> pd.DataFrame:
    """Two weeks of CPU use of single machines, in vCPU of what they are said to run on."""
    table, catalogue = raw("nab_aws_cloudwatch_hourly.csv"), raw("aws_ec2_us_east_1_2026.csv").set_index("instance")
    rows = []
    for name, (series, instance) in TRACED.items():
        used = table.loc[table["series"] == series, "max"].to_numpy() / 100.0 * catalogue.loc[instance, "vcpu"]
        rows += [
            {"workload": name, "hour": hour, "instance": instance, "vcpu": round(float(value), 3)}
            for hour, value in enumerate(used)
        ]
    return pd.DataFrame(rows)


def instances() -> pd.DataFrame:
    """The family's sizes at list price."""
    catalogue = raw("aws_ec2_us_east_1_2026.csv").set_index("instance").loc[list(OFFERED)]
    return pd.DataFrame(
        {
            "instance": OFFERED,
            "vcpu": catalogue["vcpu"].to_numpy(),
            "price_usd": catalogue["on_demand_usd_per_hour"].to_numpy(),
        }
    )


def commitment_rates() -> pd.DataFrame:
    """Three-year discounts from the catalogue; one-year discounts assumed at 60 % of them."""
    catalogue = raw("aws_ec2_us_east_1_2026.csv").set_index("instance")
    rows = []
    for pool, instance in (("m7a us-east-1", "m7a.large"), ("r7a us-east-1", "r7a.large")):
        three = float(catalogue.loc[instance, "commit_discount_vs_od"])
        rows.append({
            "pool": pool, "on_demand_price_usd": catalogue.loc[instance, "on_demand_usd_per_hour"],
            "one_year_discount": round(0.6 * three, 4), "three_year_discount": three, "growth": 0.15, "growth_sd": 0.25,
            "note": "growth and one-year discount: assumptions",
        })  # fmt: skip
    return pd.DataFrame(rows)


def main() -> None:
    """Write the derived tables."""
    FOLDER.mkdir(exist_ok=True)
    made = {
        "history": history(), "hourly_usage": hourly_usage(), "traces": traces(), "instances": instances(),
        "commitment_rates": commitment_rates(),
    }  # fmt: skip
    for name, table in made.items():
        table.to_csv(FOLDER / f"{name}.csv", index=False)


if __name__ == "__main__":
    main()
