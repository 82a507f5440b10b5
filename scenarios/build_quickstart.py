"""Rebuild scenarios/quickstart/ from the raw public data, and say how each number was obtained.

    python scenarios/build_quickstart.py [FOLDER]        # FOLDER: where to write; default scenarios/quickstart

The raw files are looked for in the folder named by CAPACITY_OPT_DATA (default ../shared/data beside the checkout).
They are not part of the project; only figures derived from them are. SOURCES.md in the scenario folder gives source and
licence of each. Numbers that no public file gives are the constants below; each is listed in SOURCES.md, and in the
``note`` column of its table, as an assumption. Nothing is random: the same files give the same bytes.
"""

from __future__ import annotations

import math
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("CAPACITY_OPT_DATA", HERE.parents[1] / "shared" / "data")) / "fleet"
LEVELS = (0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 0.99)
PERIODS = 12
START = "2027-01-01"
HOURS_PER_MONTH = 730.0
ZONES = ("z1", "z2", "z3")
REGION = "east"

ASSUMED: dict[str, tuple[float, str]] = {
    "fleet_share": (0.236, "this fleet is a bit less than a quarter of the traced region"),
    "sellable_share": (0.96, "share of a server's vCPU and memory left after host software"),
    "threads_per_core": (2.0, "one vCPU is one hardware thread; every server type runs two threads per core"),
    "capital_share": (0.25, "share of the three-year commitment price that pays for the server itself"),
    "broker_premium": (1.15, "price of the outgoing Xeon server, bought from stock at short notice, against its share"),
    "operations_share": (0.10, "share of the commitment price that pays for space, network and hands, each month"),
    "energy_usd_per_kwh_z1": (0.06, "energy price, zone z1"),
    "energy_usd_per_kwh_z2": (0.08, "energy price, zone z2"),
    "energy_usd_per_kwh_z3": (0.09, "energy price, zone z3"),
    "on_demand_quota_servers": (24.0, "on-demand quota of the overflow account, in servers"),
    "rack_power_kw_old": (12.0, "rack power limit of the old hall that holds the Xeon servers"),
    "carrying_rate": (0.30, "capital, space and obsolescence of a spare part, share of its price per year"),
    "failure_clumping": (0.30, "coefficient of variation of the monthly failure rate (bad batches)"),
}

# class: share of vCPU, GiB per vCPU, growth per month, forecast error of one month, fill target,
# penalty USD per vCPU-month, share still served when a zone is lost
CLASSES = {
    "critical": (0.25, 6.0, 0.020, 0.012, 0.9990, 400.0, 1.0),
    "standard": (0.50, 4.0, 0.025, 0.018, 0.9900, 120.0, 0.35),
    "preemptible": (0.25, 3.0, 0.030, 0.030, 0.9700, 4.0, 0.0),
}
# on-demand families that sell a class's ratio of memory to vCPU
FAMILY = {2.0: "c7a", 4.0: "m7a", 8.0: "r7a"}

# part: (price USD, share of a server's worth lost while it is missing, lead time in months)
PARTS = {
    "dimm-32": (110.0, 0.02, 1),
    "dimm-64": (240.0, 0.03, 1),
    "dimm-96": (390.0, 0.04, 2),
    "dimm-32-cxl": (90.0, 0.02, 1),
    "cxl-card": (650.0, 0.10, 3),
    "ssd-2tb": (210.0, 0.04, 1),
    "ssd-4tb": (400.0, 0.05, 2),
    "cpu-xeon": (2900.0, 0.60, 2),
    "cpu-genoa": (4600.0, 0.60, 2),
    "cpu-bergamo": (7200.0, 0.60, 3),
    "board-xeon": (800.0, 0.60, 2),
    "board-genoa": (1300.0, 0.60, 2),
    "board-bergamo": (1500.0, 0.60, 3),
    "psu": (190.0, 0.05, 1),
    "fan": (35.0, 0.01, 1),
    "nic-25g": (260.0, 0.15, 1),
    "nic-100g": (620.0, 0.15, 2),
}
# share of the 2.4 % "rest" failures of a server and year; they sum to 1
REST = {"board": 0.35, "psu": 0.25, "fan": 0.20, "nic": 0.12, "cpu": 0.08}
# share of the servers in the 36 clusters that are of each type
INSTALLED = {"xeon-128": 0.40, "genoa-160": 0.30, "bergamo-256": 0.18, "bergamo-cxl-256": 0.12}


# servers in service at the start (racks per zone) and racks already on order, by type: racks, months in service
INITIAL_RACKS = (
    ("xeon-128", {"z1": 9, "z2": 9, "z3": 9}, 40),
    ("xeon-128", {"z1": 2, "z2": 1, "z3": 1}, 66),
    ("genoa-160", {"z1": 7, "z2": 7, "z3": 6}, 18),
    ("bergamo-256", {"z1": 1, "z2": 1, "z3": 1}, 6),
)
POWER_LIMIT_KW = {"z1": 285.0, "z2": 340.0, "z3": 340.0}
RACK_UNIT_LIMIT = {"z1": 700.0, "z2": 700.0, "z3": 700.0}

# type, zone, racks, month of arrival (0 = first)
PLACED = (("bergamo-256", "z2", 1, 1),)
NOTES = {
    "xeon-128": "SPECpower_ssj2008 Inspur NF5180M6 (Xeon Platinum 8352Y, 2021); price, lead time: assumptions",
    "genoa-160": "GreenSKU Baseline (AMD Genoa); price, lead time: assumptions",
    "bergamo-256": "GreenSKU-Efficient (AMD Bergamo); price, lead time: assumptions",
    "bergamo-cxl-256": "GreenSKU-CXL (AMD Bergamo); price, lead time: assumptions",
}


def assumed(name: str) -> float:
    """The value of an assumption."""
    return ASSUMED[name][0]


@cache
def raw(name: str) -> pd.DataFrame:
    """One raw file, or a clear end where it is absent."""
    path = DATA / name
    if not path.exists():
        sys.exit(f"{path} is absent: set CAPACITY_OPT_DATA to the folder that holds fleet/{name}")
    return pd.read_csv(path)


# ------------------------------------------------------------------------------------------------ servers and prices


@cache
def prices() -> dict[str, tuple[float, float]]:
    """Family -> (on-demand USD per vCPU-hour, three-year commitment USD per vCPU-month), from the 12xlarge row."""
    table = raw("aws_ec2_us_east_1_2026.csv").set_index("instance")
    found = {}
    for family in FAMILY.values():
        row = table.loc[f"{family}.12xlarge"]
        found[family] = (
            row.on_demand_usd_per_hour / row.vcpu,
            row.commit_3yr_all_upfront_usd_per_year / 12 / row.vcpu,
        )
    return found


def shape_price(vcpu: float, memory: float, which: int) -> float:
    """Price of a shape: vCPU and GiB valued by the m7a and r7a rows (4 and 8 GiB per vCPU)."""
    table = prices()
    per_gib = (table["r7a"][which] - table["m7a"][which]) / 4.0
    per_vcpu = table["m7a"][which] - 4.0 * per_gib
    return vcpu * per_vcpu + memory * per_gib


@cache
def server_types() -> pd.DataFrame:
    """Four server types: three GreenSKU designs and one measured SPECpower result of the generation before."""
    green = raw("greensku_servers_rack_dc_params.csv").set_index("sku")
    spec = raw("specpower_servers_2012_on.csv")
    old = spec[(spec.system == "Inspur NF5180M6") & spec.cpu.str.contains("8352Y")]
    if old.empty:
        old = spec[spec.cpu.str.contains("8352Y") & (spec.mem_gb == 512)]
    old = old.iloc[0]
    limit, overhead = assumed("rack_power_kw_old"), green.rack_overhead_power_w.iloc[0] / 1000
    rows = [
        _server("xeon-128", float(old.threads), float(old.mem_gb), old.watts_100 / 1000, 1, limit - overhead, 2),
    ]
    for name, sku, lead in (
        ("genoa-160", "Baseline (AMD Genoa)", 3),
        ("bergamo-256", "GreenSKU-Efficient (AMD Bergamo)", 3),
        ("bergamo-cxl-256", "GreenSKU-CXL (AMD Bergamo)", 4),
    ):
        row = green.loc[sku]
        room = row.rack_power_limit_kw - overhead
        vcpu = row.cores * assumed("threads_per_core")
        rows.append(_server(name, vcpu, float(row.mem_gb), _watts(row) / 1000, int(row.form_u), room, lead))
    return pd.DataFrame(rows)


def _watts(row: pd.Series) -> float:
    """Sum of the component watts of a GreenSKU design (name-plate, no utilisation derating)."""
    dimms = (row.dimm_count * row.dimm_gb + row.cxl_dimm_count * row.cxl_dimm_gb) / 32 * row.dimm_power_w_per_32gb
    disks = row.ssd_count * row.ssd_tb * row.ssd_power_w_per_tb
    return float(row.cpu_tdp_w + dimms + disks + row.nic_power_w + row.misc_power_w + row.fan_power_w)


def _server(name: str, vcpu: float, memory: float, kw: float, units: int, room_kw: float, lead: int) -> dict[str, Any]:
    """One type: lot = servers that the rack's power and 32 usable units hold; prices from the commitment price."""
    commitment = shape_price(vcpu, memory, 1) * 36
    premium = assumed("broker_premium") if name == "xeon-128" else 1.0
    return {
        "server_type": name,
        "vcpu": round(vcpu * assumed("sellable_share"), 1),
        "memory_gib": round(memory * assumed("sellable_share"), 1),
        "lot": min(int(room_kw / kw), 32 // units),
        "power_kw": round(kw, 4),
        "rack_units": units,
        "lead_time_months": lead,
        "life_months": 72,
        "price_usd": round(commitment * assumed("capital_share") * premium, -1),
        "opex_usd": round(commitment / 36 * assumed("operations_share"), 2),
        "on_demand_usd": round(shape_price(vcpu, memory, 0) * HOURS_PER_MONTH, 2),
        "commitment_usd": round(commitment / 36, 2),
    }


# ------------------------------------------------------------------------------------------------------------ demand


def daily_peaks() -> dict[str, np.ndarray]:
    """Class -> daily peak over daily mean, one number per traced day.

    critical: assigned memory of the Azure region (reservations hardly move); standard: CPU use of the same region
    (it scales with its users); preemptible: CPU use of the Google cells (batch).
    """
    azure, google = raw("azure_v2_2019_region_total_5min.csv"), raw("google_2019_cell_avg_5min.csv")
    return {
        "critical": _peaks(azure.timestamp, azure.assigned_mem),
        "standard": _peaks(azure.timestamp, azure.cpu_usage),
        "preemptible": _peaks(google.t_s, google.avg_cpu),
    }


def _peaks(seconds: pd.Series, values: pd.Series) -> np.ndarray:
    days = values.groupby(seconds // 86400)
    return (days.max() / values.mean()).to_numpy()


def base_vcpu() -> float:
    """Allocated vCPU of the fleet before growth: assigned GiB of the trace over the mix's GiB per vCPU."""
    azure = raw("azure_v2_2019_region_total_5min.csv")
    memory_per_vcpu = sum(share * memory for share, memory, *_ in CLASSES.values())
    return float(azure.assigned_mem.mean()) / memory_per_vcpu * assumed("fleet_share")


def quantile_of_peak(peaks: np.ndarray, error: float, level: float) -> float:
    """Quantile of (a traced day's peak) x (lognormal forecast error with median 1), by bisection on its CDF."""
    logs = np.log(peaks)
    low, high = logs.min() - 6 * error, logs.max() + 6 * error
    for _ in range(80):
        middle = (low + high) / 2
        if special.ndtr((middle - logs) / error).mean() < level:
            low = middle
        else:
            high = middle
    return math.exp((low + high) / 2)


def demand() -> pd.DataFrame:
    """Quantiles of each month's peak load per class, vCPU."""
    base, peaks, rows = base_vcpu(), daily_peaks(), []
    for name, (share, _, growth, error, *_) in CLASSES.items():
        for month in range(PERIODS):
            level = base * share * (1 + growth) ** month
            spread = error * math.sqrt(month + 1)
            values = [level * quantile_of_peak(peaks[name], spread, q) for q in LEVELS]
            rows.append({"class": name, "region": REGION, "period": period(month), **quantile_cells(values)})
    return pd.DataFrame(rows)


def quantile_cells(values: list[float]) -> dict[str, float]:
    """Column name -> value for the levels of this scenario."""
    return {f"p{round(level * 100)}": round(value, 1) for level, value in zip(LEVELS, values, strict=True)}


def period(month: int) -> str:
    """First day of a month of the horizon."""
    year, number = divmod(int(START[5:7]) - 1 + month, 12)
    return f"{int(START[:4]) + year}-{number + 1:02d}-01"


# ------------------------------------------------------------------------------------------------------- spare parts


def installed() -> dict[str, float]:
    """Zone -> servers its spare-part depot looks after: the 36 real cluster sizes, dealt to the zones in turn."""
    sizes = raw("azure_cluster_sizes_greensku.csv").OriginalClusterSize.to_numpy()
    return {zone: float(sizes[index :: len(ZONES)].sum()) for index, zone in enumerate(ZONES)}


def yearly_failures() -> dict[str, float]:
    """Part -> failures per 1,000 servers (of the installed mix) and year, from the GreenSKU failure rates."""
    row = raw("greensku_servers_rack_dc_params.csv").iloc[0]
    dimm, ssd, rest = (10 * rate for rate in (row.dimm_afr_pct, row.ssd_afr_pct, row.rest_afr_pct))
    xeon, genoa, bergamo, cxl = INSTALLED.values()
    return {
        "dimm-32": xeon * 16 * dimm,
        "dimm-64": (genoa + cxl) * 12 * dimm,
        "dimm-96": bergamo * 12 * dimm,
        "dimm-32-cxl": cxl * 8 * dimm,
        "cxl-card": cxl * 2 * dimm,
        "ssd-2tb": (xeon * 4 + genoa * 6) * ssd,
        "ssd-4tb": (bergamo + cxl) * 5 * ssd,
        "cpu-xeon": xeon * rest * REST["cpu"],
        "cpu-genoa": genoa * rest * REST["cpu"],
        "cpu-bergamo": (bergamo + cxl) * rest * REST["cpu"],
        "board-xeon": xeon * rest * REST["board"],
        "board-genoa": genoa * rest * REST["board"],
        "board-bergamo": (bergamo + cxl) * rest * REST["board"],
        "psu": rest * REST["psu"],
        "fan": rest * REST["fan"],
        "nic-25g": xeon * rest * REST["nic"],
        "nic-100g": (1 - xeon) * rest * REST["nic"],
    }


def count_quantiles(mean: float) -> list[float]:
    """Quantiles of a Poisson count whose rate is gamma with the assumed coefficient of variation."""
    shape = 1 / assumed("failure_clumping") ** 2
    chance = shape / (shape + mean)
    return [float(next(k for k in range(10_000) if special.betainc(shape, k + 1, chance) >= q)) for q in LEVELS]


def worth_per_month(part: str) -> float:
    """Three-year commitment price per month of the server a part belongs to (Genoa where shared)."""
    table = server_types().set_index("server_type").commitment_usd
    return float(table["xeon-128" if "xeon" in part or part in {"dimm-32", "nic-25g"} else "genoa-160"])


def items() -> tuple[pd.DataFrame, pd.DataFrame]:
    """The spare parts of three depots and the quantiles of their monthly demand."""
    rows, demands = [], []
    for zone, servers in installed().items():
        for part, per_thousand in yearly_failures().items():
            price, lost, lead = PARTS[part]
            values = count_quantiles(per_thousand * servers / 1000 / 12)
            rows.append(
                {
                    "item": part,
                    "location": zone,
                    "unit_cost_usd": price,
                    "holding_cost_usd": round(price * assumed("carrying_rate") / 12, 4),
                    "stockout_cost_usd": round(worth_per_month(part) * lost, 2),
                    "fixed_cost_usd": 150.0 if price > 1000 else 75.0,
                    "lead_time_months": lead,
                    "review_period_months": 1,
                    "on_hand": values[-1] if lead == 1 else values[-1] + values[-2],
                }
            )
            demands.append({"item": part, "location": zone, **quantile_cells(values)})
    return pd.DataFrame(rows), pd.DataFrame(demands)


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
            "note": "assumption: critical mixes AWS families m and r (4, 8 GiB per vCPU), preemptible c and m (2, 4)",
        }
        for name, (_, memory, _, _, target, penalty, protected) in CLASSES.items()
    )


def zones() -> pd.DataFrame:
    """Zones with power and space; z1 has room for few more racks."""
    return pd.DataFrame(
        {
            "zone": zone,
            "region": REGION,
            "power_limit_kw": POWER_LIMIT_KW[zone],
            "rack_unit_limit": RACK_UNIT_LIMIT[zone],
            "note": "assumption",
        }
        for zone in ZONES
    )


def supply() -> pd.DataFrame:
    """Running cost by type and zone: operations plus energy at the zone's price and the data centre's PUE."""
    pue = float(raw("greensku_servers_rack_dc_params.csv").pue.iloc[0])
    rows = []
    for row in server_types().to_dict("records"):
        for zone in ZONES:
            energy = row["power_kw"] * pue * HOURS_PER_MONTH * assumed(f"energy_usd_per_kwh_{zone}")
            rows.append(
                {"server_type": row["server_type"], "zone": zone, "opex_usd": round(row["opex_usd"] + energy, 2)}
            )
    return pd.DataFrame(rows)


def initial_stock() -> pd.DataFrame:
    """Vintages in service, whole racks."""
    lots = server_types().set_index("server_type").lot
    rows = [
        {"server_type": name, "zone": zone, "servers": racks[zone] * int(lots[name]), "age_months": age}
        for name, racks, age in INITIAL_RACKS
        for zone in ZONES
    ]
    return pd.DataFrame(rows).assign(note="assumption")


def placed_orders() -> pd.DataFrame:
    """What is on its way."""
    rows = [{"server_type": k, "zone": z, "racks": n, "arrival_period": period(m)} for k, z, n, m in PLACED]
    return pd.DataFrame(rows).assign(note="assumption")


def options() -> pd.DataFrame:
    """On-demand overflow, counted in Genoa servers."""
    price = server_types().set_index("server_type").on_demand_usd["genoa-160"]
    row = {"option": "on-demand", "kind": "on_demand", "server_type": "genoa-160", "region": REGION}
    note = "price: AWS m7a and r7a us-east-1 per vCPU and GiB; limit: assumption"
    return pd.DataFrame([row | {"price_usd": price, "limit": assumed("on_demand_quota_servers"), "note": note}])


def tables() -> dict[str, pd.DataFrame]:
    """Every table of the folder by file name."""
    parts, part_demand = items()
    types = server_types().drop(columns=["on_demand_usd", "commitment_usd"])
    return {
        "server_types.csv": types.assign(note=[NOTES[name] for name in types.server_type]),
        "zones.csv": zones(),
        "classes.csv": classes(),
        "supply.csv": supply(),
        "initial_stock.csv": initial_stock(),
        "placed_orders.csv": placed_orders(),
        "options.csv": options(),
        "demand_quantiles.csv": demand(),
        "items.csv": parts,
        "item_demand_quantiles.csv": part_demand,
    }


def assumptions() -> str:
    """The list of assumptions, for SOURCES.md."""
    lines = ["## Assumptions", "", "No public figure was found for these; change them to your own.", ""]
    lines += [f"* `{name}` = {value:g}: {why}" for name, (value, why) in ASSUMED.items()]
    lines += [
        f"* class `{name}`: {share:g} of vCPU, {memory:g} GiB per vCPU, growth {growth:.1%} a month, forecast error of "
        f"one month {error:.1%} (grows with the square root of months ahead), fill target {target:g}, penalty "
        f"{penalty:g} USD per vCPU and month unmet, {protected:.0%} still served when a zone is lost"
        for name, (share, memory, growth, error, target, penalty, protected) in CLASSES.items()
    ]
    lines += [
        f"* spare part `{name}`: {price:g} USD, {lost:.0%} of its server's worth lost while missing, "
        f"{lead} months lead time"
        for name, (price, lost, lead) in PARTS.items()
    ]
    lines += [
        f"* {share:.0%} of the servers that the depots look after are {name}" for name, share in INSTALLED.items()
    ]
    lines += [
        f"* {share:.0%} of failures other than memory and disks are {name} failures" for name, share in REST.items()
    ]
    return "\n".join(lines) + "\n"


def build(folder: Path) -> None:
    """Write every table and the assumptions of SOURCES.md; its first part and scenario.toml are written by hand."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables().items():
        table.to_csv(folder / name, index=False, lineterminator="\n")
    written = (HERE / "quickstart" / "SOURCES.md").read_text(encoding="utf-8").split("## Assumptions")[0]
    (folder / "SOURCES.md").write_text(written + assumptions(), encoding="utf-8")


if __name__ == "__main__":
    build(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "quickstart")
