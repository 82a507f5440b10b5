"""The sentence that answers: numbers agree with their words, and a plan that only commits says so."""

import pytest

import capacity_opt as co
from tests.scenario.small import write

ONE_TYPE = "server_type,vcpu,price_usd,lot,life_months\ngen,10,{price},{lot},12\n"
CLASS = "class,vcpu\nall,1\n"
OPTIONS = "option,kind,server_type,price_usd,term_months\nri,commitment,gen,{price},12\n"
DEMAND = "sample,probability,class,period,value\na,1,all,1,{first}\na,1,all,2,{second}\n"
TOML = """schema_version = 1
name = "tiny"
[time]
periods = 2
[demand]
kind = "samples"
file = "demand.csv"
[fleet]
resources = ["vcpu"]
shortage_allowed = false
options = "options.csv"
[simulation]
samples = 2
"""


def answer(folder, *, price=100, lot=4, option=1000, first=40, second=40):
    write(
        folder,
        scenario_toml=TOML,
        server_types_csv=ONE_TYPE.format(price=price, lot=lot),
        zones_csv="zone\nz\n",
        classes_csv=CLASS,
        options_csv=OPTIONS.format(price=option),
        demand_csv=DEMAND.format(first=first, second=second),
    )
    return co.run_scenario(folder, out=folder.parent / "runs").manifest["answer"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "Order 1 rack (4 servers) in 1; the plan costs"),
        ({"lot": 1, "first": 10, "second": 10}, "Order 1 rack (1 server) in 1; the plan costs"),
        ({"second": 80}, "Order 1 rack (4 servers) in 1 and 1 rack later; the plan costs"),
        ({"first": 80, "second": 80}, "Order 2 racks (8 servers) in 1; the plan costs"),
        (
            {"price": 90000, "option": 1, "first": 400, "second": 400},
            "Order nothing; commit 40 servers through ri; the plan costs 80 USD",
        ),
        ({"price": 90000, "option": 1, "first": 10, "second": 10}, "Order nothing; commit 1 server through ri; the"),
    ],
)
def test_answer_counts_in_words(tmp_path, options, says):
    assert answer(tmp_path / "s", **options).startswith(says)
