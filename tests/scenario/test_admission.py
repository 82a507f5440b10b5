"""``[admission]``: the plan's capacity becomes levels per pool and period, and the judge plays them."""

import json

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import capacity_opt as co
from capacity_opt.cli import cli
from capacity_opt.report.contents import read_run
from capacity_opt.report.sections import build
from capacity_opt.scenario.admission_value import concave
from tests.scenario.small import FILES, write

REQUESTS = """request,class,region,demand_units,share,holding_time_hours,price_usd,max_blocking
crit,critical,,4,1,30,90,0.01
std-small,standard,,2,0.6,6,20,
std-large,standard,,16,0.4,20,20,
"""


def scenario(folder, requests=REQUESTS, section="[admission]\nreplications = 12\n"):
    write(folder)
    text = FILES["scenario.toml"].partition("[inventory]")[0]
    (folder / "scenario.toml").write_text(text + section + "\n[simulation]\nsamples = 100\n")
    (folder / "requests.csv").write_text(requests)
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("admission")
    quick = ["report.html=false", "report.workbook=false"]
    result = co.run_scenario(scenario(folder / "s"), out=folder / "runs", set=quick)
    return result, {name: pd.read_parquet(result.folder / f"results/{name}.parquet") for name in result.tables}


def test_levels_come_from_the_plans_capacity_and_never_earn_less_than_first_come(run):
    result, tables = run
    pools, levels = tables["admission_pools"], tables["admission_levels"]
    stock = tables["stock"][tables["stock"]["server_type"] == "gen9"].groupby(["region", "period"])["servers"].sum()
    for row in pools.to_dict("records"):
        assert row["capacity"] == pytest.approx(96 * stock[row["pool"], row["period"]])
    assert (pools["revenue"] >= pools["first_come_revenue"] - 1e-9).all()
    assert (pools["revenue"] <= pools["upper_bound"] + 1e-6).all()
    needed = set(map(tuple, pools[pools["control_needed"]][["pool", "period"]].to_numpy().tolist()))
    assert needed
    kept = levels.groupby(["pool", "period"])["keep_free"].max()
    assert {place for place, free in kept.items() if free > 0} == needed
    assert (levels[levels["request"] == "crit"]["keep_free"] == 0).all()
    assert "admission levels earn" in result.manifest["answer"]
    section = next(part for part in build(read_run(result.folder)) if part.key == "admission")
    assert "more than first come" in section.lead
    assert [len(table) for table in section.tables] == [12, 6]
    assert len(section.charts) == 1


def test_the_judge_plays_the_fullest_moment_for_two_laws_and_finds_the_promise_kept(run):
    _, tables = run
    judged, pools = tables["admission_judged"], tables["admission_pools"]
    fullest = pools.loc[pools.groupby("pool")["asked_share"].idxmax()]
    assert set(zip(judged["pool"], judged["period"])) == set(zip(fullest["pool"], fullest["period"]))
    assert judged["holding_times"].nunique() == 2
    crit = judged[(judged["request"] == "crit") & (judged["pool"] == "eu-west-1")]
    assert (crit["verdict"] == "kept").all()
    assert (crit["blocking_high"] <= 0.01).all()
    assert (crit["first_come_blocking"] > crit["blocking_high"]).all()
    assert (judged["revenue"] >= judged["first_come_revenue"] * (1 - 1e-9)).all()


def test_capacity_valued_on_the_day_buys_room_above_the_mean(tmp_path):
    folder = scenario(tmp_path / "s", section='[admission]\njudge = "none"\nvalue_in_plan = true\n')
    quick = ["report.html=false", "report.workbook=false"]
    valued = co.run_scenario(folder, out=tmp_path / "runs", set=quick)
    plain = co.run_scenario(folder, out=tmp_path / "runs", set=[*quick, "admission.value_in_plan=false"])
    assert valued.outcome.plan.committed.sum() + valued.outcome.plan.racks.sum() > (
        plain.outcome.plan.committed.sum() + plain.outcome.plan.racks.sum()
    )
    assert valued.manifest["facts"]["valued_objective"] > 0
    assert valued.outcome.plan.objective >= plain.outcome.plan.bound - 1e-6
    gain = [sum(result.tables["admission_pools"].columns["revenue"]) for result in (plain, valued)]
    assert gain[1] > gain[0]


def test_the_command_prints_levels_and_json(tmp_path):
    folder = str(scenario(tmp_path / "s"))
    told = CliRunner().invoke(cli, ["admission", folder, "-q"], standalone_mode=False)
    assert told.return_value == 0, told.output
    assert "keep free" in told.stdout
    assert "Admission levels earn" in told.stdout
    found = CliRunner().invoke(
        cli, ["admission", folder, "-q", "--json", "--set", 'admission.judge="none"'], standalone_mode=False
    )
    value = json.loads(found.stdout)
    assert value["kept"] is None
    assert len(value["tables"]["admission_levels"]["request"]) == 12


def test_faults_of_the_requests_are_told_with_their_place(tmp_path):
    spoilt = REQUESTS.replace("standard,,16,0.4", "standard,,16,0.5").replace(",30,90,0.01", ",0,90,1.5")
    with pytest.raises(co.ScenarioError) as first:
        co.read_scenario(scenario(tmp_path / "a", spoilt, '[admission]\nresource = "gpu"\n'))
    assert "resource is unknown" in str(first.value)
    assert "requests.csv:2:holding_time_hours" in str(first.value)
    assert "requests.csv:2:max_blocking" in str(first.value)
    shares = REQUESTS.replace("standard,,16,0.4", "standard,,16,0.5")
    with pytest.raises(co.ScenarioError, match=r"requests.csv:4:share = 1.1: .*must sum to 1"):
        co.read_scenario(scenario(tmp_path / "b", shares))


def test_concave_envelope_touches_the_points_from_above():
    x = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    y = np.array([0.0, 0.5, 3.0, 3.2, 4.0])
    hull = concave(x, y)
    assert (hull >= y - 1e-12).all()
    assert (np.diff(hull, 2) <= 1e-12).all()
    assert hull.tolist() == [0.0, 1.5, 3.0, 3.5, 4.0]
