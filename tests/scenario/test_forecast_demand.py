"""A scenario that starts from raw history: quantiles of its periods, faults with their place."""

import sqlite3

import numpy as np
import pandas as pd
import pytest

import capacity_opt as co

TOML = """
schema_version = 1
name = "from-history"
[time]
period = "month"
start = "2026-01-01"
periods = 6
[demand]
kind = "history"
file = "history.csv"
[forecast]
season = 12
[inventory]
items = "items.csv"
policy = "{policy}"
"""
ITEMS = "item,unit_cost,holding_cost,stockout_cost,fixed_cost,lead_time,on_hand\na,5,1,20,10,0,0\nb,5,1,20,10,0,0\n"


def folder(tmp_path, rows, policy="base_stock"):
    (tmp_path / "scenario.toml").write_text(TOML.format(policy=policy))
    (tmp_path / "items.csv").write_text(ITEMS)
    (tmp_path / "history.csv").write_text("item,period,value\n" + "".join(f"{a},{b},{c}\n" for a, b, c in rows))
    return tmp_path


def history():
    for month in range(48):
        when = f"{2022 + month // 12}-{month % 12 + 1:02d}-01"
        season = 1 + 0.5 * np.sin(2 * np.pi * month / 12)
        yield "a", when, round(100 * season + 3 * (month % 5), 2)
        yield "b", when, round(10 * season + month % 3, 2)


def test_the_coming_periods_follow_the_season(tmp_path):
    scenario = co.read_scenario(folder(tmp_path, history(), "finite_horizon"))
    coming = scenario.inventory.demand_by_period
    assert len(coming) == 6
    medians = np.array([each.quantile(0.5)[0] for each in coming])
    expected = 106 + 100 * 0.5 * np.sin(2 * np.pi * np.arange(6) / 12)
    np.testing.assert_allclose(medians, expected, rtol=0.12)
    assert float(coming[0].quantile(0.95)[1]) > float(coming[0].quantile(0.5)[1])


def test_policies_alike_in_every_period_take_the_first_coming_one(tmp_path):
    scenario = co.read_scenario(folder(tmp_path, history()))
    assert float(scenario.inventory.demand.quantile(0.5)[0]) == pytest.approx(106, rel=0.1)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([("a", "2026-02-01", 5), ("b", "2025-12-01", 4)], "before \\[time\\] start"),
        ([("a", "2025-12-05x", 5), ("b", "2025-12-01", 4)], "history.csv:2:period"),
        ([("a", "2025-12-01", 5), ("a", "2025-12-01", 6), ("b", "2025-12-01", 4)], "rows 2 and 3"),
    ],
)
def test_faults_of_the_history_have_their_place(tmp_path, rows, told):
    with pytest.raises(co.ScenarioError, match=told):
        co.read_scenario(folder(tmp_path, rows))


NIXTLA = """
schema_version = 1
name = "theirs"
[time]
period = "day"
start = "2027-03-02"
periods = 3
[demand]
kind = "{kind}"
file = "{file}"
{forecast}
[inventory]
items = "items.csv"
cycle_service_level = 0.9
"""


def theirs(folder, table, *, file="d.csv", kind="history"):
    """A scenario on a table as a forecasting tool writes it."""
    folder.mkdir()
    if file.endswith("csv"):
        table.to_csv(folder / file, index=False)
    elif file.endswith("parquet"):
        table.to_parquet(folder / file)
    else:
        with sqlite3.connect(folder / file.partition("#")[0]) as database:
            table.to_sql("sold", database, index=False)
    (folder / "items.csv").write_text("item,holding_cost,lead_time\na,1,1\nb,1,1\n")
    forecast = "[forecast]\nseason = 0" if kind == "history" else ""
    (folder / "scenario.toml").write_text(NIXTLA.format(kind=kind, file=file, forecast=forecast))
    return co.read_scenario(folder)


def test_history_named_as_nixtla_and_autogluon_do_from_files_and_databases(tmp_path):
    days = pd.date_range("2027-01-01", periods=60, freq="D")
    sold = np.random.default_rng(0).poisson(20, (2, 60)).astype(float)
    table = pd.DataFrame({"unique_id": np.repeat(["a", "b"], 60), "ds": np.tile(days, 2), "y": sold.ravel()})
    gluon = table.rename(columns={"unique_id": "item_id", "ds": "timestamp", "y": "target"})
    read = [
        theirs(tmp_path / "one", table),
        theirs(tmp_path / "two", gluon.set_index(["item_id", "timestamp"]), file="d.parquet"),
        theirs(tmp_path / "three", table, file="d.db#SELECT unique_id, ds, y FROM sold"),
    ]
    levels = [scenario.demand.over(2).quantile(0.9) for scenario in read]
    np.testing.assert_allclose(levels[1:], [levels[0]] * 2)
    assert not read[0].warnings

    short = table.assign(in_stock=(table["unique_id"] == "b") | (np.arange(120) % 3 > 0))
    short.loc[~short["in_stock"], "y"] = 2.0
    censored, taken = theirs(tmp_path / "four", short), theirs(tmp_path / "five", short.drop(columns="in_stock"))
    assert censored.demand.over(2).mean[0] > 1.2 * taken.demand.over(2).mean[0]

    gaps = theirs(tmp_path / "six", table.drop(index=[5, 6, 7]))
    assert [each.code for each in gaps.warnings] == ["W227"]
    assert "3 periods within 1 series have no row" in gaps.warnings[0].rule


def test_a_forecast_of_items_as_its_tool_wrote_it_plans_for_the_next_period(tmp_path):
    days = pd.date_range("2027-03-02", periods=3, freq="D")
    rows = [(name, day, 20.0 + k, 10.0 + k, 30.0 + k) for name in "ab" for k, day in enumerate(days)]
    table = pd.DataFrame(rows, columns=["item_id", "timestamp", "mean", "0.05", "0.95"]).set_index(
        ["item_id", "timestamp"]
    )
    scenario = theirs(tmp_path / "one", table, file="d.parquet", kind="quantiles")
    assert scenario.demand.quantile(0.95) == pytest.approx([30, 30])
