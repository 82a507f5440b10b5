"""Scenarios from raw history: joint paths for the fleet, sums that match, reorder points from lead-time totals."""

import numpy as np
import pandas as pd
import pytest

import capacity_opt as co

FLEET = """
schema_version = 1
name = "customers"
seed = 3
[time]
period = "month"
start = "2026-01-01"
periods = 4
[demand]
kind = "history"
file = "history.csv"
{demand}
[forecast]
season = 0
{forecast}
[fleet]
resources = ["vcpu"]
samples = 50
"""
TABLES = {
    "server_types.csv": "server_type,vcpu,lot,lead_time_months,life_months,price_usd,opex_usd\nbox,64,2,1,60,9000,90\n",
    "zones.csv": "zone,region\ne1,east\nw1,west\n",
    "classes.csv": "class,vcpu,fill_rate\ngold,1,0.97\n",
}
CUSTOMERS = [("east", "big"), ("east", "s1"), ("east", "s2"), ("west", "mid"), ("west", "s3")]


def months(count):
    return [f"{2020 + m // 12}-{m % 12 + 1:02d}-01" for m in range(count)]


def fleet_folder(tmp_path, *, forecast="", demand=""):
    rng = np.random.default_rng(1)
    common = np.cumsum(rng.normal(0, 0.03, 72))
    rows = ["class,region,customer,period,value"]
    for (region, customer), size in zip(CUSTOMERS, (900, 40, 25, 400, 30)):
        path = size * np.exp(common + np.cumsum(rng.normal(0, 0.02, 72)))
        rows += [f"gold,{region},{customer},{when},{value:.2f}" for when, value in zip(months(72), path)]
    (tmp_path / "history.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "scenario.toml").write_text(FLEET.format(forecast=forecast, demand=demand))
    for name, text in TABLES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize("reconcile", ["mint", "mixed"])
def test_customers_add_up_to_the_groups_of_the_fleet(tmp_path, reconcile):
    keys = f'hierarchy = ["region", "customer"]\nreconcile = "{reconcile}"'
    scenario = co.read_scenario(fleet_folder(tmp_path, forecast=keys))
    problem, told = scenario.fleet, scenario.forecasts["history.csv"]
    assert (told["reconciled"], told["series"], told["nodes"]) == (reconcile, 5, 8)
    assert told["cross_correlation"] > 0.3
    values, probability = problem.demand.draw(600, seed=5)
    assert values.shape == (600, 2, 4, 1)
    assert probability.sum() == pytest.approx(1.0)
    again = problem.demand.draw(600, seed=5)[0]
    assert np.array_equal(values, again)
    rows = np.loadtxt(tmp_path / "history.csv", delimiter=",", skiprows=1, usecols=4).reshape(5, 72)
    last = np.array([rows[:3, -1].sum(), rows[3:, -1].sum()])
    np.testing.assert_allclose(np.median(values[:, :, 0, 0], axis=0), last, rtol=0.1)
    regions = values.sum(axis=(2, 3))
    assert np.corrcoef(regions.T)[0, 1] > 0.3  # one cause moves both regions, and nobody had to say so


def test_correlations_that_are_written_stand_in_for_what_was_learned(tmp_path):
    demand = "autocorrelation = 0.0\ncross_correlation = 0.0"
    keys = 'hierarchy = ["region", "customer"]\nreconcile = "bottom_up"'
    problem = co.read_scenario(fleet_folder(tmp_path, forecast=keys, demand=demand)).fleet
    totals = problem.demand.draw(2000, seed=5)[0].sum(axis=(2, 3))
    assert abs(np.corrcoef(totals.T)[0, 1]) < 0.08


def test_a_key_that_the_history_lacks_is_told_with_its_place(tmp_path):
    with pytest.raises(co.ScenarioError, match=r"history\.csv.*service"):
        co.read_scenario(fleet_folder(tmp_path, forecast='hierarchy = ["region", "service"]'))


ITEMS = """
schema_version = 1
name = "parts"
[time]
period = "month"
start = "2026-01-01"
periods = 2
[demand]
kind = "history"
file = "history.csv"
[forecast]
season = 0
[inventory]
items = "items.csv"
policy = "base_stock"
cycle_service_level = 0.9
[simulation]
replications = 40
periods = 200
"""


def test_reorder_levels_come_from_totals_forecast_over_the_lead_time(tmp_path):
    rng = np.random.default_rng(2)
    walks = np.maximum(300 + np.cumsum(rng.normal(0, 8, (12, 72)), axis=1), 0.0)
    rows = [f"i{i},{when},{v:.2f}" for i, walk in enumerate(walks) for when, v in zip(months(72), walk)]
    (tmp_path / "history.csv").write_text("item,period,value\n" + "\n".join(rows) + "\n")
    items = "".join(f"i{i},1,{4 if i < 11 else 1}\n" for i in range(12))
    (tmp_path / "items.csv").write_text("item,holding_cost,lead_time\n" + items)
    (tmp_path / "scenario.toml").write_text(ITEMS)
    demand = co.read_scenario(tmp_path).demand
    over = co.lead_time_demand(demand.take(np.arange(11)), 4)
    totals = co.forecast_totals(co.History(walks), 5, levels=np.asarray(demand.totals.levels), season=0)
    np.testing.assert_allclose(over.quantile(0.9), totals.at(0.9)[:11, 4], rtol=1e-3)
    independent = co.lead_time_demand(demand.period, 4).quantile(0.9)[:11]
    assert np.all(over.quantile(0.9) > independent)  # surprises of a random walk last
    run = co.run_scenario(tmp_path, out=tmp_path / "runs")
    told = pd.read_parquet(run.folder / "results" / "inventory.parquet")
    # the judge plays tied periods: where demand fell for long, their totals have thinner tails than those forecast
    apart = np.abs(told["judged_fill_rate"] - told["fill_rate"])
    assert np.median(apart) < 0.01
    assert apart.max() < 0.05
