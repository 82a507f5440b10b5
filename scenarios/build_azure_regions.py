"""Rebuild scenarios/azure_regions/ from the raw public data, and say how each number was obtained.

    python scenarios/build_azure_regions.py [FOLDER]       # FOLDER: where to write; default scenarios/azure_regions

A year of servers for three European regions of three zones each: workloads that may run elsewhere at a cost, server
types that stand in for each other, overflow at each region's own on-demand price. Numbers that no public file gives
are the constants below; each is listed in SOURCES.md as an assumption. Nothing is random: same files, same bytes.
"""

from __future__ import annotations

import math
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from traces import HERE, HOURS_PER_MONTH, LEVELS, by_hour, month, quantile_cells, quantile_of_mixture, raw, write

START, MONTHS = "2027-01-01", 12
BLOCKS = ("peak", "shoulder", "off-peak")

# region: share of demand, energy USD per kWh, power limit kW of a zone, zones
REGIONS = {
    "northeurope": (0.35, 0.15, 110.0),
    "westeurope": (0.45, 0.12, 100.0),
    "swedencentral": (0.20, 0.06, 120.0),
}
ZONES = (1, 2, 3)

# class: share of vCPU, GiB per vCPU, growth per month, forecast error a month ahead, fill target, penalty USD per
# vCPU-month, share served when a zone is lost, may leave home, spill cost USD per vCPU-month
CLASSES = {
    "critical": (0.30, 6.0, 0.020, 0.012, 0.999, 400.0, 1.0, False, 0.0),
    "standard": (0.50, 4.0, 0.025, 0.018, 0.990, 120.0, 0.98, True, 6.0),
    "batch": (0.20, 3.0, 0.030, 0.030, np.nan, 60.0, 0.0, True, 1.0),
}
TYPES = {
    "genoa-160": ("Baseline (AMD Genoa)", 2),
    "bergamo-256": ("GreenSKU-Efficient (AMD Bergamo)", 3),
    "bergamo-cxl-256": ("GreenSKU-CXL (AMD Bergamo)", 4),
}
# class, server type: compatible, work of a vCPU relative to nominal, USD per vCPU-month for serving there
COMPATIBILITY = (
    ("critical", "bergamo-256", "yes", 0.90, 0.0, "assumption: dense cores do less work each"),
    ("critical", "bergamo-cxl-256", "no", 1.00, 0.0, "assumption: not on memory behind CXL"),
    ("standard", "genoa-160", "yes", 1.00, 1.5, "assumption: upgrade to faster cores than sold"),
    ("standard", "bergamo-cxl-256", "yes", 0.95, 0.0, "assumption: a little slower"),
    ("batch", "genoa-160", "yes", 1.00, 1.5, "assumption: upgrade to faster cores than sold"),
)
FLEET_SHARE = 0.236
SELLABLE = 0.96
THREADS = 2
CAPITAL_SHARE = 0.25
OPERATIONS_SHARE = 0.10
QUOTA_SERVERS = 48
# racks in service in each zone at the start, months in service
INITIAL = {
    "northeurope": {"genoa-160": (4, 20)},
    "westeurope": {"genoa-160": (5, 20), "bergamo-256": (1, 6)},
    "swedencentral": {"genoa-160": (2, 20)},
}


# ------------------------------------------------------------------------------------------------ servers and prices


def shape_price(region: str, vcpu: float, memory: float) -> float:
    """On-demand USD per hour of a shape: vCPU and GiB valued by the D16as_v6 and E16as_v6 rows (4, 8 GiB a vCPU)."""
    table = raw("azure_vm_15regions_2026.csv").set_index(["vm_size", "region"])
    general = table.loc[("Standard_D16as_v6", region), "on_demand_usd_per_hour"] / 16
    large = table.loc[("Standard_E16as_v6", region), "on_demand_usd_per_hour"] / 16
    per_gib = (large - general) / 4
    return float(vcpu * (general - 4 * per_gib) + memory * per_gib)


def commitment(vcpu: float, memory: float) -> float:
    """Three-year commitment of a shape, USD: the stand-in for a server's total cost."""
    table = raw("aws_ec2_us_east_1_2026.csv").set_index("instance").commit_3yr_all_upfront_usd_per_year
    general, large = table["m7a.12xlarge"] / 48, table["r7a.12xlarge"] / 48
    per_gib = (large - general) / 4
    return float(3 * (vcpu * (general - 4 * per_gib) + memory * per_gib))


@cache
def server_types() -> pd.DataFrame:
    """Three GreenSKU designs."""
    green = raw("greensku_servers_rack_dc_params.csv").set_index("sku")
    rows = []
    for name, (sku, lead) in TYPES.items():
        row = green.loc[sku]
        kw = power_kw(row)
        vcpu, memory = row.cores * THREADS, row.mem_gb
        room = row.rack_power_limit_kw - row.rack_overhead_power_w / 1000
        total = commitment(vcpu, memory)
        rows.append(
            {
                "server_type": name,
                "vcpu": round(vcpu * SELLABLE, 1),
                "memory_gib": round(memory * SELLABLE, 1),
                "lot": min(int(room / kw), int(row.rack_units - row.rack_overhead_u) // int(row.form_u)),
                "power_kw": round(kw, 4),
                "rack_units": int(row.form_u),
                "lead_time_months": lead,
                "life_months": int(row.server_lifetime_months),
                "price_usd": round(total * CAPITAL_SHARE, -1),
                "opex_usd": round(total / 36 * OPERATIONS_SHARE, 2),
                "note": f"{sku}; price, lead time: assumptions",
            }
        )
    return pd.DataFrame(rows)


def power_kw(row: pd.Series) -> float:
    """Name-plate power of a server: the sum of its components."""
    memory = row.dimm_count * row.dimm_gb + row.cxl_dimm_count * row.cxl_dimm_gb
    disks = row.ssd_count * row.ssd_tb * row.ssd_power_w_per_tb
    watts = row.cpu_tdp_w + memory / 32 * row.dimm_power_w_per_32gb + disks
    return float(watts + row.nic_power_w + row.misc_power_w + row.fan_power_w) / 1000


def supply() -> pd.DataFrame:
    """Running cost by type and zone: operations plus energy at the region's price and the data centre's PUE."""
    pue = float(raw("greensku_servers_rack_dc_params.csv").pue.iloc[0])
    rows = []
    for row in server_types().to_dict("records"):
        for region, (_, energy, _) in REGIONS.items():
            cost = row["opex_usd"] + row["power_kw"] * pue * HOURS_PER_MONTH * energy
            rows += [
                {"server_type": row["server_type"], "zone": f"{region}-{z}", "opex_usd": round(cost, 2)} for z in ZONES
            ]
    return pd.DataFrame(rows)


def options() -> pd.DataFrame:
    """On-demand overflow in each region, counted in Genoa servers."""
    row = raw("greensku_servers_rack_dc_params.csv").set_index("sku").loc[TYPES["genoa-160"][0]]
    vcpu, memory = row.cores * THREADS, row.mem_gb
    return pd.DataFrame(
        {
            "option": f"overflow {region}",
            "kind": "on_demand",
            "server_type": "genoa-160",
            "region": region,
            "price_usd": round(shape_price(region, vcpu, memory) * HOURS_PER_MONTH, 2),
            "limit": QUOTA_SERVERS,
            "note": "price: Das_v6 and Eas_v6 per vCPU and GiB; limit: assumption",
        }
        for region in REGIONS
    )


# ------------------------------------------------------------------------------------------------------------ demand


@cache
def block_of_hour() -> np.ndarray:
    """Block of each hour of the day, (24,): the eight busiest of the traced region's CPU use are the peak."""
    azure = raw("azure_v2_2019_region_total_5min.csv")
    busiest = np.argsort(-by_hour(azure.timestamp, azure.cpu_usage).mean(axis=0), kind="stable")
    block = np.empty(24, dtype=int)
    block[busiest] = np.repeat(np.arange(len(BLOCKS)), 8)
    return block


@cache
def peaks(name: str) -> np.ndarray:
    """A class's highest hour inside each block of each traced day over the overall mean, (blocks, days)."""
    azure, google = raw("azure_v2_2019_region_total_5min.csv"), raw("google_2019_cell_avg_5min.csv")
    days = {
        "critical": by_hour(azure.timestamp, azure.assigned_mem),
        "standard": by_hour(azure.timestamp, azure.cpu_usage),
        "batch": by_hour(google.t_s, google.avg_cpu),
    }[name]
    return np.stack([days[:, block_of_hour() == b].max(axis=1) for b in range(len(BLOCKS))])


def base_vcpu() -> float:
    """Allocated vCPU of the fleet before growth: assigned GiB of the trace over the mix's GiB per vCPU."""
    azure = raw("azure_v2_2019_region_total_5min.csv")
    return float(azure.assigned_mem.mean()) / sum(row[0] * row[1] for row in CLASSES.values()) * FLEET_SHARE


def demand() -> pd.DataFrame:
    """Quantiles of vCPU by class, region, month and block."""
    rows = []
    for name, (share, _, growth, error, *_) in CLASSES.items():
        for number in range(MONTHS):
            spread = error * math.sqrt(number + 1)
            shapes = [[quantile_of_mixture(peaks(name)[b], spread, q) for q in LEVELS] for b in range(len(BLOCKS))]
            for region, (weight, *_) in REGIONS.items():
                level = base_vcpu() * share * weight * (1 + growth) ** number
                key = {"class": name, "region": region, "period": month(START, number)}
                rows += [
                    key | {"block": block} | quantile_cells([level * value for value in shapes[b]])
                    for b, block in enumerate(BLOCKS)
                ]
    return pd.DataFrame(rows)


# ------------------------------------------------------------------------------------------------------- the folder


def classes() -> pd.DataFrame:
    """The classes, most critical first."""
    return pd.DataFrame(
        {
            "class": name,
            "vcpu": 1,
            "memory_gib": memory,
            "fill_rate": target,
            "penalty_usd": penalty,
            "protected_share": protected,
            "allowed_regions": "|".join(REGIONS) if leaves else "",
            "spill_cost_usd": spill,
            "note": "assumption",
        }
        for name, (_, memory, _, _, target, penalty, protected, leaves, spill) in CLASSES.items()
    )


def compatibility() -> pd.DataFrame:
    """What a class does on a server type; pairs not listed are nominal."""
    columns = ("class", "server_type", "compatible", "performance", "serve_cost_usd", "note")
    return pd.DataFrame(COMPATIBILITY, columns=columns)


def zones() -> pd.DataFrame:
    """Zones with their power."""
    return pd.DataFrame(
        {"zone": f"{region}-{z}", "region": region, "power_limit_kw": limit, "note": "power: assumption"}
        for region, (_, _, limit) in REGIONS.items()
        for z in ZONES
    )


def initial_stock() -> pd.DataFrame:
    """Vintages in service, whole racks."""
    lot = server_types().set_index("server_type").lot
    rows = [
        {"server_type": name, "zone": f"{region}-{z}", "servers": racks * int(lot[name]), "age_months": age}
        for region, held in INITIAL.items()
        for name, (racks, age) in held.items()
        for z in ZONES
    ]
    return pd.DataFrame(rows).assign(note="assumption")


def tables() -> dict[str, pd.DataFrame]:
    """Every table of the folder by file name."""
    return {
        "server_types.csv": server_types(),
        "zones.csv": zones(),
        "classes.csv": classes(),
        "compatibility.csv": compatibility(),
        "supply.csv": supply(),
        "initial_stock.csv": initial_stock(),
        "options.csv": options(),
        "demand_quantiles.csv": demand(),
    }


def assumptions() -> list[str]:
    """The list of assumptions, for SOURCES.md."""
    hours = {name: ", ".join(str(h) for h in np.flatnonzero(block_of_hour() == b)) for b, name in enumerate(BLOCKS)}
    return [
        f"this fleet is {FLEET_SHARE:g} of the traced region, dealt to regions by the shares below",
        *(
            f"region `{name}`: {share:.0%} of demand, energy at {energy:g} USD per kWh, {limit:g} kW in each zone"
            for name, (share, energy, limit) in REGIONS.items()
        ),
        f"{SELLABLE:.0%} of a server's vCPU and memory is left after host software; {THREADS} vCPU per core",
        f"{CAPITAL_SHARE:.0%} of the three-year commitment price pays for the server, {OPERATIONS_SHARE:.0%} for "
        "space, network and hands",
        f"overflow of at most {QUOTA_SERVERS} servers in each region",
        "blocks of eight hours by the traced region's CPU use: "
        + "; ".join(f"{name} is hours {told} of the trace's day" for name, told in hours.items()),
        *(
            f"class `{name}`: {share:.0%} of vCPU, {memory:g} GiB per vCPU, growth {growth:.1%} a month, forecast "
            f"error one month ahead {error:.1%} (grows with the square root of months ahead), "
            + ("no fill target" if math.isnan(target) else f"fill target {target:g}")
            + f", {penalty:g} USD per vCPU-month unmet, {protected:.0%} served when a zone is lost, "
            + (f"may leave home at {spill:g} USD per vCPU-month" if leaves else "stays at home")
            for name, (share, memory, growth, error, target, penalty, protected, leaves, spill) in CLASSES.items()
        ),
    ]


def build(folder: Path) -> None:
    """Write the folder."""
    write(folder, "azure_regions", tables(), assumptions())


if __name__ == "__main__":
    build(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "azure_regions")
