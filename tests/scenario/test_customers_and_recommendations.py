"""Deals, accounts and recommendations from a scenario folder: read, planned, told; faults with their place."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import capacity_opt as co
from capacity_opt.demand.lumpy import LumpyPaths
from capacity_opt.scenario.customer_shocks import unit_idle_cost
from capacity_opt.scenario.customer_step import large_customers
from capacity_opt.scenario.steps import plan_of, recommend_of

SOURCE = Path(__file__).parents[2] / "scenarios" / "big_deals"


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(SOURCE, tmp_path / "big_deals")
    return tmp_path / "big_deals"


@pytest.fixture(scope="module")
def scenario():
    return co.read_scenario(SOURCE, set=["fleet.samples=20", "fleet.time_limit=30"])


def edit(folder, name, before, after):
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")


def problems_of(folder):
    with pytest.raises(co.ScenarioError) as caught:
        co.read_scenario(folder)
    return str(caught.value)


def test_deals_and_accounts_join_the_fleets_demand(scenario):
    paths = scenario.fleet.demand
    assert isinstance(paths, LumpyPaths)
    assert paths.lumps.names == (
        "northwind", "contoso", "fabrikam", "globex-migration", "initech-launch", "umbrella-archive", "hooli-inference",
    )  # fmt: skip
    globex = paths.lumps.names.index("globex-migration")
    assert np.count_nonzero(paths.lumps.size[globex]) == 2
    # 35 %, from March on or up to two months late, ramping over one month
    assert paths.lumps.means[globex].max() == pytest.approx(0.35 * 1800)
    assert np.all(paths.lumps.means[globex][:, :2] == 0)
    values, chance = paths.draw(3_000, seed=1)
    alone, weight = paths.base.draw(3_000, seed=1)
    expected = weight @ alone[..., 0].reshape(len(alone), -1) + (paths.lumps.mean - paths.taken_out).ravel()
    assert chance @ values[..., 0].reshape(len(values), -1) == pytest.approx(expected, rel=0.08)


def test_the_call_worth_most_comes_first(scenario):
    table = large_customers(scenario, None, None)["customers"].columns
    assert table["value_of_knowing"] == sorted(table["value_of_knowing"], reverse=True)
    assert table["call_rank"][0] == 1
    assert {"deal", "account"} == set(table["kind"])
    assert 1 < unit_idle_cost(scenario.fleet, 0) < 10


def test_recommendations_are_ranked_and_hold_their_guard(scenario):
    plan = plan_of(scenario, lambda _: None)
    told = recommend_of(scenario, plan)
    savings = [each.saving for each in told.recommendations]
    assert savings == sorted(savings, reverse=True)
    assert {each.kind for each in told.recommendations} == {"commit", "right_size", "steer"}
    offers = told.tables["recommended_steering"].columns
    assert set(offers["outcome"]) == {"offered"}
    assert sum(offers["units"]) <= min(offers["idle"])
    assert all(home > there for home, there in zip(offers["price_home"], offers["price_there"]))
    tried = told.tables["recommended_commitments"].columns
    assert np.all(np.array(tried["hindsight_cost"]) <= np.array(tried["tried_cost"]) + 1e-9)
    sizes = told.tables["recommended_sizes"].columns
    chosen = [throttle for throttle, taken in zip(sizes["throttle"], sizes["chosen"]) if taken]
    assert max(chosen) <= 0.01
    assert "would save" in told.answer("USD")


def test_faults_are_told_together_with_their_place(folder):
    edit(folder, "deals.csv", "initech-launch,standard,west,1500,0.3,0.6", "initech-launch,standard,west,1500,0.3,60")
    edit(folder, "deals.csv", "0.5|0.3|0.2,1,assumption\nglobex", "0.5|0.3|0.3,1,assumption\nglobex")
    edit(folder, "accounts.csv", "fabrikam,standard,west", "fabrikam,standard,north")
    told = problems_of(folder)
    assert "deals.csv:4" in told
    assert "win_probability" in told
    assert "accounts.csv:4:region" in told


def test_rows_of_one_deal_must_agree(folder):
    edit(folder, "deals.csv", "1200,0.25,0.35", "1200,0.25,0.45")
    told = problems_of(folder)
    assert "deals.csv:3:win_probability" in told
    assert "globex-migration" in told


def test_slips_must_be_chances(folder):
    edit(folder, "deals.csv", "2027-05-01,0.6|0.4", "2027-05-01,0.6|0.6")
    assert "deals.csv:6:slip" in problems_of(folder)


def test_unknown_names_of_recommendations_are_told(folder):
    edit(folder, "commitment_rates.csv", "r7a us-east-1", "r7b us-east-1")
    edit(folder, "traces.csv", "checkout,0,m7a.8xlarge", "checkout,0,m7a.9xlarge")
    edit(folder, "affinity.csv", "tailspin,west", "tailspinn,west")
    told = problems_of(folder)
    for place in ("commitment_rates.csv:3:pool", "traces.csv:2:instance", "affinity.csv:3:customer"):
        assert place in told


def test_recommendations_need_no_fleet(folder):
    edit(folder, "scenario.toml", 'steerable = "steerable.csv"\naffinity = "affinity.csv"\n', "")
    text = (folder / "scenario.toml").read_text(encoding="utf-8")
    gone = ("[fleet", "[demand", "[customers", "[admission")
    kept = "\n\n".join(part for part in text.split("\n\n") if not part.startswith(gone))
    (folder / "scenario.toml").write_text(kept, encoding="utf-8")
    told = recommend_of(co.read_scenario(folder), None)
    assert len(told.recommendations) >= 3


def test_past_deals_score_and_calibrate_the_chances(folder):
    stated, won = [0.8] * 40 + [0.2] * 40, [1] * 20 + [0] * 20 + [1] * 4 + [0] * 36
    lines = [f"{p},{'yes' if w else 'no'}" for p, w in zip(stated, won)]
    (folder / "closed_deals.csv").write_text("win_probability,won\n" + "\n".join(lines) + "\n", encoding="utf-8")
    table = large_customers(co.read_scenario(folder), None, None)["win_probabilities"].columns
    assert list(table["deals"]) == [80, 40, 40]
    assert list(table["won"])[1:] == [0.1, 0.5]
    assert table["brier"][0] == pytest.approx(np.mean((np.array(stated) - won) ** 2))
    lumps = co.read_scenario(folder, set=["customers.calibrate=true"]).customers.lumps
    # hooli was said to come with 0.5: half way between 0.1 (said 0.2) and 0.5 (said 0.8)
    assert 1.0 - lumps.chance[lumps.names.index("hooli-inference"), 0] == pytest.approx(0.3)
    edit(folder, "scenario.toml", 'closed_deals = "closed_deals.csv"\n', "calibrate = true\n")
    assert "calibrate needs closed_deals" in problems_of(folder)
