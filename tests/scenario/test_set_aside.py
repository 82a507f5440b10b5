"""Items with a fault in their rows are left out, told with their place, and the others planned as if alone."""

from pathlib import Path

import numpy as np
import pytest

import capacity_opt as co
from capacity_opt.cli import main
from capacity_opt.scenario.inventory_step import replenish
from capacity_opt.scenario.read import read_scenario

TOML = """schema_version = 1
name = "parts"
seed = 3
[time]
period = "week"
periods = 4
[simulation]
replications = 10
periods = 60
[inventory]
{fault}
[inventory.demand]
kind = "quantiles"
file = "demand.csv"
crossing = "error"
"""
BAD = {"late": ("-1", "1"), "free": ("1", "inf5"), "owed": ("1", "-4")}
NAMES = ["a", "late", "b", "free", "owed", "crossed", "unknown", "twice", "twice", "c"]


def _folder(path: Path, names: list[str] = NAMES, fault: str = 'on_fault = "set_aside"') -> Path:
    items = [f"{name},{','.join(BAD.get(name, ('1', '1')))},9,3\n" for name in names]
    rows = [f"{name},{9 if name == 'crossed' else 3},8,20\n" for name in dict.fromkeys(names) if name != "unknown"]
    (path / "scenario.toml").write_text(TOML.format(fault=fault))
    (path / "items.csv").write_text("item,lead_time_weeks,holding_cost,stockout_cost,on_hand\n" + "".join(items))
    (path / "demand.csv").write_text("item,p50,p90,p99\n" + "".join(rows))
    return path


def test_what_is_left_is_planned_as_if_alone(tmp_path: Path) -> None:
    read = read_scenario(_folder(tmp_path))
    places = {row.item: row.fault.place for row in read.inventory.aside}
    assert read.inventory.names == ("a", "b", "c")
    assert places == {
        "late": "items.csv:3:lead_time_weeks",
        "free": "items.csv:5:holding_cost",
        "owed": "items.csv:6:holding_cost",
        "crossed": "demand.csv:7",
        "unknown": "items.csv:8:item",
        "twice": "items.csv:10",
    }
    (tmp_path / "alone").mkdir()
    alone = read_scenario(_folder(tmp_path / "alone", ["a", "b", "c"]))
    assert alone.inventory.aside == ()
    levels = [replenish(s.inventory, s.simulation, s.timeline, seed=1).values for s in (read, alone)]
    np.testing.assert_array_equal(levels[0]["base_stock_level"], levels[1]["base_stock_level"])


def test_the_run_succeeds_and_tells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["run", str(_folder(tmp_path)), "--out", str(tmp_path / "runs")])
    told = "".join(capsys.readouterr())
    assert not ended.value.code
    assert "6 items were set aside for faults in their rows, the first at items.csv:" in " ".join(told.split())
    assert "items.csv:5:holding_cost" in told
    (table,) = (tmp_path / "runs").glob("*/results/inventory_set_aside.csv")
    assert len(table.read_text().splitlines()) == 7


def test_more_than_ten_are_counted(tmp_path: Path) -> None:
    folder = _folder(tmp_path, ["a"])
    items = (folder / "items.csv").read_text()
    (folder / "items.csv").write_text(items + "".join(f"x{i},-1,1,9,3\n" for i in range(25)))
    read = read_scenario(folder)
    assert [warning.code for warning in read.warnings] == ["W246"] * 10 + ["W247"]
    assert "25 items set aside for 25 faults" in read.warnings[-1].rule


@pytest.mark.parametrize(
    ("names", "fault", "told"),
    [
        (NAMES, "", "E204 items.csv:3:lead_time_weeks"),
        (["late", "owed"], 'on_fault = "set_aside"', "E203 items.csv:3:holding_cost"),
        (NAMES, 'on_fault = "set_aside"\nlead_times = "none.csv"', "E236 none.csv"),
    ],
    ids=["not asked for", "nothing left", "a fault of no row"],
)
def test_faults_that_stop_the_reading(tmp_path: Path, names: list[str], fault: str, told: str) -> None:
    with pytest.raises(co.ScenarioError, match=told):
        read_scenario(_folder(tmp_path, names, fault))
