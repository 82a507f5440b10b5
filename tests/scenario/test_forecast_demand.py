"""A scenario that starts from raw history: quantiles of its periods, faults with their place."""

import numpy as np
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
