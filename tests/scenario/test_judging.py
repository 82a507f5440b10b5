"""The judge as a scenario sets it, through the command line."""

import csv
import json

import numpy as np
import pytest

from capacity_opt import run_scenario
from capacity_opt.cli import main
from capacity_opt.inventory import base_stock
from capacity_opt.scenario.past_runs import find_run
from capacity_opt.scenario.read import read_scenario
from capacity_opt.scenario.replay import judge_again
from capacity_opt.scenario.steps import Watch, run_steps

FLEET = """schema_version = 1
name = "small"
seed = 3
[time]
periods = 3
[demand]
kind = "quantiles"
file = "demand.csv"
[fleet]
resources = ["vcpu"]
samples = 20
capital = "cash"
integer = false
[simulation]
samples = 500
booking_limits = { batch = 0.4 }
failures = { zone_failure = 0.1, outage = 2, server_down = 0.05, late = { 1 = 0.2 } }
calibrate = true
[report]
html = false
workbook = false
"""
ITEMS = """schema_version = 1
name = "parts"
[time]
periods = 12
[demand]
kind = "parametric"
file = "demand.csv"
[inventory]
[report]
html = false
workbook = false
"""


def write(folder, **files):
    for name, text in files.items():
        (folder / (name if "." in name else f"{name}.csv")).write_text(text)


@pytest.fixture
def fleet(tmp_path):
    write(
        tmp_path,
        demand="class,p10,p50,p90\ngold,80,100,130\nbatch,40,50,70\n",
        server_types="server_type,vcpu,price\ns,10,100\n",
        zones="zone\nz1\nz2\n",
        classes="class,vcpu,penalty,fill_rate\ngold,1,0,0.98\nbatch,1,0,\n",
    )
    (tmp_path / "scenario.toml").write_text(FLEET)
    return tmp_path


def test_calibration_failures_and_bad_paths_are_told(fleet):
    outcome = run_steps(read_scenario(fleet), Watch(tell=lambda _: None, ended=lambda _: None, stopped=lambda: False))
    rounds = outcome.tables["calibration"].columns
    assert len(rounds["round"]) > 1
    assert rounds["judged_low"][0] < 0.98 <= rounds["judged_low"][-1]
    assert rounds["price_of_honesty"][-1] > 0
    broken = outcome.tables["failures"].columns
    fill = {(c, m): v for c, m, v in zip(broken["class"], broken["measure"], broken["value"], strict=True)}
    assert fill["gold", "fill_while_zone_lost"] < fill["gold", "fill"] < outcome.judged.fill.value[0]
    assert outcome.judged.turned_away.value[1] > 0
    bad = outcome.tables["bad_paths"].columns
    assert set(bad["path"]) == set(range(6))
    worst = np.array(bad["asked"])[np.array(bad["path"]) == 1]
    assert worst.sum() > np.array(bad["asked"])[np.array(bad["path"]) == 0].sum()


def test_a_wrong_formula_ends_in_exit_code_10(tmp_path, monkeypatch, capsys):
    """The classic slip: protecting for the lead time only. The formula believes itself; the judge does not."""
    write(
        tmp_path,
        demand="item,distribution,mean\na,poisson,5\nb,poisson,20\n",
        items="item,holding_cost,fill_rate,lead_time_periods\na,1,0.95,2\nb,1,0.9,3\n",
    )
    (tmp_path / "scenario.toml").write_text(ITEMS)
    monkeypatch.chdir(tmp_path)
    right = base_stock.exposure

    def forgets_the_review_period(demand, *, lead_time, **rest):
        return right(demand, lead_time=np.asarray(lead_time) - 1, **rest)

    codes = []
    for exposure in (right, forgets_the_review_period):
        monkeypatch.setattr(base_stock, "exposure", exposure)
        with pytest.raises(SystemExit) as stopped:
            main(["run", str(tmp_path), "--json"])
        codes.append(stopped.value.code)
        told = json.loads(capsys.readouterr().out)
    assert codes == [0, 10]
    assert told["manifest"]["promises_kept"] is False
    with (tmp_path / told["folder"] / "results" / "inventory.csv").open() as file:
        assert {row["verdict"] for row in csv.DictReader(file)} == {"not_kept"}


def test_a_run_judged_again_buys_by_the_plans_own_rule(fleet):
    """Gold keeps what it was promised without on-demand; a judge that bought at any price would find another cost."""
    write(fleet, options="option,kind,server_type,region,price,limit\nod,on_demand,s,,500,9\n")
    toml = FLEET[: FLEET.index("booking_limits")] + "[report]\nhtml = false\nworkbook = false\n"
    (fleet / "scenario.toml").write_text(toml.replace("[simulation]", 'options = "options.csv"\n[simulation]'))
    result = run_scenario(fleet, out=fleet / "runs")
    run = find_run(result.folder.name, fleet / "runs")
    batch, gold = run.manifest["shortage_worth"].values()
    assert batch == 0 < gold < 60
    again = judge_again(run, samples=500, seed=3).found
    judged = {row["class"]: row["judged"] for row in run.rows("availability") if row["measure"] == "fill"}
    assert again.fill.value[0] == pytest.approx(judged["gold"], abs=0.02)
    assert again.cost["on_demand"].value < 1.0
