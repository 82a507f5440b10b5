"""Deals and accounts for stocked items: what they add to lead-time demand, to the plan, and to whom to call first."""

import numpy as np
import pytest

import capacity_opt as co
from capacity_opt.scenario.steps import Watch, run_steps

FILES = {
    "scenario.toml": """schema_version = 1
name = "spares"
seed = 3

[time]
period = "month"
start = "2027-01-01"
periods = 12

[money]
currency = "USD"

[demand]
kind = "parametric"
file = "demand.csv"

[inventory]

[customers]
accounts = "accounts.csv"
deals = "deals.csv"

[simulation]
replications = 20
periods = 60
""",
    "items.csv": """item,location,holding_cost_usd,stockout_cost_usd,lead_time_months,on_hand,policy
disk,ams,1,19,2,10,base_stock
disk,fra,1,19,2,10,base_stock
nic,ams,2,38,1,5,newsvendor
fan,ams,2,38,1,5,base_stock
""",
    "demand.csv": """item,location,distribution,mean,standard_deviation
disk,ams,normal,30,5
disk,fra,normal,30,5
nic,ams,normal,30,5
fan,ams,normal,8,2
""",
    "accounts.csv": "account,item,location,size,in_base\nacme,disk,ams,10,yes\n",
    "deals.csv": """deal,item,location,size,win_probability,start
globex,disk,ams,40,0.4,2027-02-01
initech,nic,,20,0.4,
late,fan,,20,0.4,2027-08-01
""",
}


@pytest.fixture
def folder(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def planned(folder):
    quiet = Watch(tell=lambda _: None, ended=lambda _: None, stopped=lambda: False)
    return run_steps(co.read_scenario(folder), quiet)


def simulated(base_mean, base_sd, deal, chance):
    """The level of a base stock at a critical ratio of 0.95, from a million draws."""
    rng = np.random.default_rng(1)
    total = rng.normal(base_mean, base_sd, 1_000_000) + deal * (rng.random(1_000_000) < chance)
    return np.quantile(total, 0.95)


def test_a_deal_is_there_throughout_the_lead_time_or_not_at_all(folder):
    outcome = planned(folder)
    level = outcome.inventory.values["base_stock_level"]
    # two months of lead time and one of review; the deal counts from its second month on; acme is in the base already
    assert level[0] == pytest.approx(simulated(90, 5 * np.sqrt(3), 80, 0.4), rel=0.005)
    assert level[1] == pytest.approx(90 + 1.6449 * 5 * np.sqrt(3), rel=0.002)
    assert level[3] == pytest.approx(16 + 1.6449 * 2 * np.sqrt(2), rel=0.002)
    assert outcome.inventory.values["order_quantity"][2] == pytest.approx(simulated(30, 5, 20, 0.4), rel=0.005)


def test_whom_to_call_first_and_what_a_loss_costs_at_the_planned_stock(folder):
    table = planned(folder).tables["customers"].columns
    rows = {name: {key: values[i] for key, values in table.items()} for i, name in enumerate(table["customer"])}
    assert table["customer"][0] == "globex"
    assert rows["globex"]["pool"] == "disk ams"
    assert rows["globex"]["period"] == "3 months from now"
    assert rows["late"]["value_of_knowing"] == 0
    # without it the stock for it stands idle: three months of holding 80 x 0.4 units more than expected, about
    assert rows["globex"]["cost_if_absent"] > 0
    assert rows["globex"]["cost_if_doubled"] > rows["globex"]["cost_if_absent"]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("initech,nic,,", "initech,nik,,", "deals.csv:3:item"),
        ("initech,nic,,", "initech,disk,,", "stocked in several places"),
        ("initech,nic,,", "initech,nic,fra,", "deals.csv:3:location"),
    ],
)
def test_faults_are_told_with_their_place(folder, before, after, said):
    text = (folder / "deals.csv").read_text(encoding="utf-8")
    assert before in text
    (folder / "deals.csv").write_text(text.replace(before, after), encoding="utf-8")
    with pytest.raises(co.ScenarioError, match=said):
        co.read_scenario(folder)
