"""Rebuild scenarios/aws_commitments/ from the raw public data, and say how each number was obtained.

    python scenarios/build_aws_commitments.py [FOLDER]     # FOLDER: where to write; default scenarios/aws_commitments

Three years of compute bought as a service in one region: commitments of one and three years, on-demand and spot, for
three workloads whose day has the shape of a public trace. Numbers that no public file gives are the constants below;
each is listed in SOURCES.md as an assumption. Nothing is random: the same files give the same bytes.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from traces import HERE, HOURS_PER_MONTH, LEVELS, by_hour, month, quantile_cells, quantile_of_mixture, raw, write

START, QUARTERS = "2027-01-01", 12
REGION = "us-east-1"
SIZE = "4xlarge"
FAMILIES = ("m7a", "c7a")
SPOT = "m7a-spot"

# class: mean vCPU in the first month, growth per month, forecast error a month ahead, instances it may run on
CLASSES = {
    "platform": (9600.0, 0.008, 0.020, "m7a"),
    "web": (4800.0, 0.012, 0.025, "c7a"),
    "batch": (3200.0, 0.010, 0.030, f"m7a|c7a|{SPOT}"),
}
SPOT_AVAILABILITY = 0.90
SPOT_REDONE = 0.10
BATCH_PENALTY = 180.0
LATER = "signed now or never: a 3-year commitment begun later would end after the plan"


def instance(family: str) -> pd.Series:
    """The catalogue row of a family's size."""
    return raw("aws_ec2_us_east_1_2026.csv").set_index("instance").loc[f"{family}.{SIZE}"]


def quarterly(per_hour: float) -> float:
    """USD per quarter of three months of 730 hours."""
    return round(per_hour * 3 * HOURS_PER_MONTH, 2)


def one_year_over_three(family: str) -> float:
    """Price of a one-year over a three-year all-upfront reservation of the same kind of instance, 2017."""
    old = raw("aws_ec2_regions_od_reserved_2017.csv")
    rows = old[(old.region == REGION) & (old.family == f"{family[0]}4")]
    return float((rows.ri1y_all / rows.ri3y_all).mean())


def shapes() -> dict[str, np.ndarray]:
    """Class -> traced days (days, 24), mean 1."""
    azure, google = raw("azure_v2_2019_region_total_5min.csv"), raw("google_2019_cell_avg_5min.csv")
    nab = raw("nab_aws_cloudwatch_hourly.csv")
    requests = nab[nab.series == "elb_request_count_8c0756"]
    seconds = (pd.to_datetime(requests.timestamp) - pd.Timestamp("2014-04-10")).dt.total_seconds().astype(int)
    return {
        "platform": by_hour(azure.timestamp, azure.cpu_usage),
        "web": by_hour(seconds, requests["mean"]),
        "batch": by_hour(google.t_s, google.avg_cpu),
    }


def demand() -> pd.DataFrame:
    """Quantiles of the vCPU in use by class, quarter and hour of the day."""
    rows = []
    for name, (level, growth, error, _) in CLASSES.items():
        days = shapes()[name]
        for number in range(QUARTERS):
            middle = 3 * number + 1
            mean, spread = level * (1 + growth) ** middle, error * math.sqrt(middle + 1)
            for hour in range(24):
                values = [mean * quantile_of_mixture(days[:, hour], spread, q) for q in LEVELS]
                key = {"class": name, "period": month(START, 3 * number), "block": f"h{hour:02d}"}
                rows.append(key | quantile_cells(values))
    return pd.DataFrame(rows)


def options() -> pd.DataFrame:
    """On-demand and commitments of both families, spot for batch."""
    rows = []
    for family in FAMILIES:
        row = instance(family)
        ratio = one_year_over_three(family)
        three = row.commit_3yr_all_upfront_usd_per_year / 4
        rows += [
            _option(
                f"{family} on-demand", "on_demand", family, quarterly(row.on_demand_usd_per_hour), "list price 2026"
            ),
            _option(
                f"{family} 1 year",
                "commitment",
                family,
                round(three * ratio, 2),
                f"3-year price 2026 x {ratio:.3f}, the ratio of {family[0]}4 reservations in 2017",
                12,
            ),
            _option(f"{family} 3 years", "commitment", family, round(three, 2), "all upfront 2026, per quarter", 36),
        ]
    row = instance("m7a")
    price = quarterly(row.on_demand_usd_per_hour * (1 - row.spot_saving_pct / 100))
    rows.append(_option("m7a spot", "spot", SPOT, price, f"{row.spot_saving_pct:g} % below on-demand (2025)"))
    return pd.DataFrame(rows)


def _option(name: str, kind: str, server_type: str, price: float, note: str, term: int = 1) -> dict[str, object]:
    return {
        "option": name,
        "kind": kind,
        "server_type": server_type,
        "region": REGION,
        "price_usd": price,
        "term_months": term,
        "availability": SPOT_AVAILABILITY if kind == "spot" else 1.0,
        "note": note,
    }


def option_prices() -> pd.DataFrame:
    """Three-year commitments keep their price in the first quarter only; after that it is the on-demand price."""
    price = options().set_index("option").price_usd
    return pd.DataFrame(
        {
            "option": f"{family} 3 years",
            "period": month(START, 3 * number),
            "price_usd": price[f"{family} on-demand"],
            "note": LATER,
        }
        for family in FAMILIES
        for number in range(1, QUARTERS)
    )


def server_types() -> pd.DataFrame:
    """The instances, which cannot be bought: everything here is a service."""
    rows = [(family, family) for family in FAMILIES] + [(SPOT, "m7a")]
    return pd.DataFrame(
        {
            "server_type": name,
            "family": family,
            "vcpu": int(instance(family).vcpu),
            "order_limit": 0,
            "life_months": 3 * QUARTERS,
            "note": f"{family}.{SIZE}, not for sale",
        }
        for name, family in rows
    )


def classes() -> pd.DataFrame:
    """The workloads: platform and web are always served, batch may wait where spot is gone."""
    return pd.DataFrame(
        {
            "class": name,
            "vcpu": 1,
            "shortage_allowed": "yes" if name == "batch" else "no",
            "penalty_usd": BATCH_PENALTY if name == "batch" else 0.0,
            "server_types": types,
        }
        for name, (*_, types) in CLASSES.items()
    )


def compatibility() -> pd.DataFrame:
    """Interrupted batch work is done again."""
    row = {"class": "batch", "server_type": SPOT, "performance": 1 - SPOT_REDONE, "note": "assumption: work done again"}
    return pd.DataFrame([row])


def tables() -> dict[str, pd.DataFrame]:
    """Every table of the folder by file name."""
    return {
        "server_types.csv": server_types(),
        "zones.csv": pd.DataFrame([{"zone": "any", "region": REGION, "note": "commitments hold for the whole region"}]),
        "classes.csv": classes(),
        "compatibility.csv": compatibility(),
        "options.csv": options(),
        "option_prices.csv": option_prices(),
        "demand_quantiles.csv": demand(),
    }


def assumptions() -> list[str]:
    """The list of assumptions, for SOURCES.md."""
    lines = [
        f"class `{name}`: {level:g} vCPU on average in the first month, growth {growth:.1%} a month, forecast error "
        f"one month ahead {error:.1%} (grows with the square root of months ahead)"
        for name, (level, growth, error, _) in CLASSES.items()
    ]
    return [
        *lines,
        "one-year price: the 2026 catalogue has none, so the three-year price times the ratio of one-year to "
        "three-year all-upfront reservations of the general (m4) and compute (c4) family in 2017",
        "all-upfront prices are charged by the quarter; the money's time value beyond that is not counted",
        f"spot capacity is there in {SPOT_AVAILABILITY:.0%} of the quarters",
        f"{SPOT_REDONE:.0%} of batch work on spot is interrupted and done again",
        f"a vCPU-quarter of batch left undone costs {BATCH_PENALTY:g} USD",
        "three-year commitments are signed in the first quarter or not in this plan",
    ]


def build(folder: Path) -> None:
    """Write the folder."""
    write(folder, "aws_commitments", tables(), assumptions())


if __name__ == "__main__":
    build(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "aws_commitments")
