"""A small good scenario folder, and how to spoil it: the ground for tests of reading, running and the command line."""

from pathlib import Path

FILES = {
    "scenario.toml": """schema_version = 1
name = "small"
seed = 3

[time]
period = "month"
start = "2027-01-01"
periods = 3

[money]
currency = "USD"
discount_rate = 0.05

[demand]
kind = "quantiles"
file = "demand.csv"
autocorrelation = 0.5

[fleet]
resources = ["vcpu", "memory_gib"]
samples = 20
gap = "1%"
initial_stock = "initial_stock.csv"
options = "options.csv"

[inventory]
items = "items.csv"
demand = { kind = "quantiles", file = "item_demand.csv", integer = true }

[frontier]
values = [0.9, 0.99]

[simulation]
samples = 100
replications = 20
periods = 60
""",
    "server_types.csv": """server_type,vcpu,memory_gib,price_usd,opex_usd,lot,lead_time_months,life_months,power_kw
gen9,96,384,9000,60,4,1,60,0.5
gen10,128,512,11000,70,4,1,60,0.6
""",
    "zones.csv": """zone,region,power_limit_kw
z1,eu-west-1,400
z2,eu-west-1,400
z3,us-east-1,400
""",
    "classes.csv": """class,vcpu,memory_gib,fill_rate,penalty_usd
critical,1,4,0.99,90
standard,1,2,0.9,20
""",
    "demand.csv": """class,region,period,p10,p50,p90
critical,eu-west-1,2027-01-01,300,350,420
critical,eu-west-1,2027-02-01,320,370,450
critical,eu-west-1,2027-03-01,340,390,480
critical,us-east-1,2027-01-01,100,120,150
critical,us-east-1,2027-02-01,110,130,160
critical,us-east-1,2027-03-01,120,140,170
standard,eu-west-1,2027-01-01,500,600,800
standard,eu-west-1,2027-02-01,550,650,850
standard,eu-west-1,2027-03-01,600,700,900
""",
    "initial_stock.csv": """server_type,zone,servers
gen9,z1,8
gen9,z2,4
gen9,z3,2
""",
    "options.csv": """option,kind,server_type,region,price_usd,limit,term_months
on-demand,on_demand,gen10,,900,20,
one year,commitment,gen10,eu-west-1,400,20,12
""",
    "items.csv": """item,location,holding_cost_usd,stockout_cost_usd,lead_time_days,on_hand
00123,z1,2.5,40,60,5
fan,z1,0.5,9,30,3
dimm,z2,4.1,80,30,4
""",
    "item_demand.csv": """item,location,p10,p50,p90
00123,z1,1,3,6
fan,z1,4,8,13
dimm,z2,0,2,5
""",
}


def write(folder: Path, **changed: str) -> Path:
    """Write the good scenario; ``changed`` replaces files (``scenario_toml`` names ``scenario.toml``)."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    for name, text in changed.items():
        stem, _, suffix = name.rpartition("_")
        (folder / f"{stem}.{suffix}").write_text(text, encoding="utf-8")
    return folder


def spoil(folder: Path, file: str, old: str, new: str) -> Path:
    """Write the good scenario with one text of one file replaced."""
    write(folder)
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in {file}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return folder
