"""Steering in a scenario: other hours, server types and services; guarded by the played plan, told where it fails."""

import numpy as np
import pytest

import capacity_opt as co
from capacity_opt.scenario.steer_moves import Move
from capacity_opt.scenario.steer_words import steering_told
from capacity_opt.scenario.steps import plan_of, recommend_of

FILES = {
    "scenario.toml": """schema_version = 1
name = "hours"
seed = 5

[time]
period = "month"
start = "2027-01-01"
periods = 2
blocks = [{ name = "day", hours = 8 }, { name = "night", hours = 16 }]

[money]
currency = "USD"

[demand]
kind = "quantiles"
file = "demand.csv"

[fleet]
resources = ["vcpu"]
samples = 20
integer = false
initial_stock = "initial_stock.csv"

[recommend]
steerable = "steerable.csv"
affinity = "affinity.csv"
""",
    "server_types.csv": """server_type,vcpu,lot,lead_time_months,life_months,price_usd,opex_usd
x86,100,1,6,60,9000,60
arm,100,1,6,60,8000,50
""",
    "zones.csv": "zone\nz1\n",
    "classes.csv": """class,vcpu,penalty_usd,server_types
live,1,400,x86
batch,1,100,x86
""",
    "demand.csv": """class,period,block,p10,p50,p90
live,2027-01-01,day,600,700,800
live,2027-01-01,night,200,250,300
live,2027-02-01,day,600,700,800
live,2027-02-01,night,200,250,300
batch,2027-01-01,day,280,300,320
batch,2027-01-01,night,80,100,120
batch,2027-02-01,day,280,300,320
batch,2027-02-01,night,80,100,120
""",
    "initial_stock.csv": "server_type,zone,servers\nx86,z1,9\narm,z1,3\n",
    "steerable.csv": """customer,class,block,units
render,batch,day,200
search,batch,,100
index,batch,day,90
""",
    "affinity.csv": """customer,server_type,block,affinity,ratio,concession_usd
render,,night,0.5,1,
search,arm,,0.5,1.2,
index,,night,0.5,1,90
""",
}


@pytest.fixture
def folder(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def outcome(folder, *changes):
    scenario = co.read_scenario(folder, set=list(changes))
    told = recommend_of(scenario, plan_of(scenario, lambda _: None))
    rows = told.tables["recommended_steering"].columns
    return told, {name: {key: values[i] for key, values in rows.items()} for i, name in enumerate(rows["customer"])}


def test_customers_are_steered_to_idle_hours_and_server_types(folder):
    told, offers = outcome(folder)
    assert offers["render"]["offer"] == "hours night"
    assert offers["search"]["offer"] == "server type arm"
    assert [offers[name]["outcome"] for name in ("render", "search", "index")] == [
        "offered",
        "offered",
        "saves_nothing",
    ]
    # 200 units of 8 hours are 100 of 16; the night leaves at least 900 - 300 - 120 = 480 of them in nearly all outcomes
    assert 2 * 400 < offers["render"]["idle"] < 2 * 600
    # three servers of 100 that nobody uses, 1.2 units for each
    assert offers["search"]["idle"] == pytest.approx(300 / 1.2)
    assert all(each.low <= each.saving <= each.high for each in told.recommendations)
    by_name = {each.subject: each for each in told.recommendations}
    # a unit short by day costs 100 a month x 8 / 24
    assert by_name["render"].saving == pytest.approx(0.5 * offers["render"]["saving_if_taken"])
    assert 0 < offers["render"]["saving_if_taken"] <= 200 * 100 / 3


def test_room_is_shared_and_kept(folder):
    text = "customer,class,block,units\n" + "".join(f"c{i},batch,,100\n" for i in range(4))
    (folder / "steerable.csv").write_text(text, encoding="utf-8")
    (folder / "affinity.csv").write_text("customer,server_type,affinity\n,arm,1\n", encoding="utf-8")
    _, offers = outcome(folder)
    assert [offers[f"c{i}"]["outcome"] for i in range(4)] == ["offered", "offered", "offered", "no_room"]
    assert "went to those asked before" in offers["c3"]["reason"]


def test_where_nobody_is_steered_it_says_why(folder):
    (folder / "initial_stock.csv").write_text("server_type,zone,servers\nx86,z1,3\n", encoding="utf-8")
    told, offers = outcome(folder)
    assert {offer["outcome"] for offer in offers.values()} == {"no_room"}
    assert "for render, hours night: only 0 units are idle there in 90% of outcomes" in told.answer("USD")
    assert steering_told({"outcome": ["offered"]}) == ""


def test_another_service_is_an_offer_too(folder):
    (folder / "affinity.csv").write_text("customer,class,affinity\nrender,live,0.2\n", encoding="utf-8")
    _, offers = outcome(folder, "recommend.idle_quantile=0.9")
    assert offers["render"]["offer"] == "class live"


def test_faults_of_offers_are_told(folder):
    (folder / "affinity.csv").write_text("customer,block,affinity\nrender,noon,0.5\nsearch,,0.5\n", encoding="utf-8")
    with pytest.raises(co.ScenarioError) as caught:
        co.read_scenario(folder)
    assert "affinity.csv:2:block" in str(caught.value)
    (folder / "affinity.csv").write_text("customer,block,affinity\nsearch,,0.5\n", encoding="utf-8")
    with pytest.raises(co.ScenarioError, match="offers nothing"):
        co.read_scenario(folder)


def test_a_move_keeps_what_is_asked_and_never_moves_more_than_there_is():
    share = np.array([1 / 3, 2 / 3])
    demand = np.array([[[[100.0, 40.0]], [[5.0, 5.0]]]])
    move = Move(origin=0, target=0, hours=(0,), hours_there=(1,), first=0, last=0, units=150.0, there=75.0)
    after = move.applied(demand, share)
    assert after @ share == pytest.approx(demand @ share)
    assert after[0, 0, 0, 0] == 0
    across = Move(origin=0, target=1, hours=(0, 1), hours_there=(0, 1), first=0, last=0, units=50.0, there=50.0)
    assert across.applied(demand, share)[0, :, 0].tolist() == [[50.0, 0.0], [55.0, 45.0]]
