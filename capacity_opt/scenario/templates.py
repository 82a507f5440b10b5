"""Small scenarios to start from: they run as they are."""

from __future__ import annotations

from pathlib import Path

MONTHS = 12

_HEAD = """schema_version = 1
name = "{name}"
description = "what it is about, one sentence"
seed = 7

[time]
period = "month"
start = "2027-01-01"
periods = {periods}

[money]
currency = "USD"
discount_rate = 0.08            # per year
"""

_FLEET = """
[demand]
kind = "quantiles"
file = "demand.csv"
unit = "vCPU"
autocorrelation = 0.8           # a high month is followed by a high month
cross_correlation = 0.5         # classes rise together

[fleet]
resources = ["vcpu", "memory_gib"]
formulation = "two_stage"
samples = 50
gap = "1%"
initial_stock = "initial_stock.csv"

[frontier]
over = "fill_rate"
values = [0.95, 0.98, 0.99]

[report]                        # solve again to explain the plan; leave out for a quick look
waterfall = true
tornado = true
alternatives = 2

[variants.quick]
description = "a first look: nothing is solved again, one point of the curve, no page"
[variants.quick.set]
"report.waterfall" = false
"report.tornado" = false
"report.alternatives" = 0
"report.html" = false
"frontier.values" = [0.95]
"""

_INVENTORY = """
[inventory]
items = "items.csv"
policy = "base_stock"

[inventory.demand]
kind = "parametric"
file = "item_demand.csv"
unit = "parts"
"""

_JUDGE = """
[simulation]
samples = 1000
"""

_FLEET_TABLES = {
    "server_types.csv": """server_type,vcpu,memory_gib,price_usd,opex_usd,lot,lead_time_months,life_months,power_kw
gen9,120,480,12000,90,8,2,60,0.6
gen10,240,960,21000,150,8,3,60,0.9
""",
    "zones.csv": """zone,region,power_limit_kw
z1,east,600
z2,east,600
""",
    "classes.csv": """class,vcpu,memory_gib,fill_rate,penalty_usd
critical,1,4,0.99,30
standard,1,3,0.95,8
""",
    "initial_stock.csv": """server_type,zone,servers,age_months
gen9,z1,240,24
gen9,z2,240,24
""",
}

_INVENTORY_TABLES = {
    "items.csv": """item,description,holding_cost_usd,stockout_cost_usd,lead_time_days,review_period_days,on_hand
dimm-64,memory module,6,90,30,30,9
ssd-4tb,solid-state disk,10,140,60,30,4
psu,power supply,5,300,30,30,2
""",
    "item_demand.csv": """item,distribution,mean,standard_deviation
dimm-64,negative_binomial,6,3
ssd-4tb,poisson,2,
psu,poisson,0.8,
""",
}


def write_template(folder: Path, template: str) -> list[Path]:
    """Write the template ``both``, ``fleet`` or ``inventory`` into ``folder``; returns the files."""
    fleet, inventory = template in ("both", "fleet"), template in ("both", "inventory")
    head = _HEAD.format(name=_plain(folder.resolve().name), periods=MONTHS)
    files = {"scenario.toml": head + (_FLEET if fleet else "") + (_INVENTORY if inventory else "") + _JUDGE}
    if fleet:
        files |= {**_FLEET_TABLES, "demand.csv": _demand()}
    if inventory:
        files |= _INVENTORY_TABLES
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    return [folder / name for name in files]


def _plain(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-_ ." else "-" for c in name) or "plan"


def _demand() -> str:
    """Two classes that grow 3 % a month, less certain the further away."""
    lines = ["class,region,period,p5,p25,p50,p75,p95"]
    for name, base in (("critical", 18_000.0), ("standard", 32_000.0)):
        for month in range(MONTHS):
            middle, spread = base * 1.03**month, 0.03 * (month + 1) ** 0.5
            values = [middle * (1 + spread * z) for z in (-1.645, -0.674, 0.0, 0.674, 1.645)]
            lines.append(f"{name},east,2027-{month + 1:02d}-01," + ",".join(f"{value:.1f}" for value in values))
    return "\n".join(lines) + "\n"
