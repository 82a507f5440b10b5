"""A large Parquet file of items, worked on in chunks, gives line by line what a small table gives at once."""

import signal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import capacity_opt as co
from capacity_opt.scenario.run import execute

HEAD = """
schema_version = 1
name = "many"
seed = 3
[time]
period = "week"
start = "2027-01-04"
periods = 4
[simulation]
replications = 20
periods = 60
[inventory]
items = "items.{kind}"
policy = "base_stock"
fill_rate = 0.95
review_period = 1
{extra}
[inventory.demand]
kind = "parametric"
file = "{demand}.{kind}"
"""
COUNT = 23


def _tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(1)
    names = [f"{number:04d}" for number in range(COUNT)]
    items = pd.DataFrame({"item": names, "holding_cost": rng.uniform(1, 3, COUNT), "unit_cost": 5.0, "lot": 4.0})
    items["lead_time_days"] = 7 * rng.integers(0, 4, COUNT)
    items["on_hand"] = rng.integers(0, 12, COUNT)
    items.loc[3, "unit_cost"] = np.nan
    demand = pd.DataFrame({"item": names, "distribution": ["poisson", "gamma"] * 11 + ["poisson"]})
    demand["mean"] = rng.uniform(1, 9, COUNT)
    demand["standard_deviation"] = np.where(demand["distribution"] == "gamma", 2.0, np.nan)
    return items, demand


def _scenario(folder: Path, items: pd.DataFrame, demand: pd.DataFrame, kind: str, extra: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    text = HEAD.format(kind=kind, demand="demand", extra=extra)
    (folder / "scenario.toml").write_text(text)
    for name, table in (("items", items), ("demand", demand)):
        if kind == "csv":
            table.to_csv(folder / f"{name}.csv", index=False)
        else:
            table.to_parquet(folder / f"{name}.parquet")
    return folder


def _faults(folder: Path) -> str:
    with pytest.raises(co.ScenarioError) as caught:
        co.read_scenario(folder)
    return str(caught.value)


def test_chunks_give_the_lines_of_the_whole(tmp_path: Path) -> None:
    whole = execute(_scenario(tmp_path / "a", *_tables(), "csv"), out=tmp_path / "runs")
    said: list[str] = []
    parts = execute(
        _scenario(tmp_path / "b", *_tables(), "parquet", "chunk_items = 10"),
        out=tmp_path / "runs",
        progress=said.append,
    )
    lines = pd.read_parquet(parts.folder / "results" / "inventory_all.parquet")
    expected = pd.read_parquet(whole.folder / "results" / "inventory.parquet")
    assert list(lines["item"]) == list(expected["item"])
    for name in ("base_stock_level", "order_now", "expected_cost", "fill_rate", "quantile", "cost_after_rounding"):
        np.testing.assert_array_equal(lines[name], expected[name], err_msg=name)
    assert list(lines["rounding"].replace("", None)) == list(expected["rounding"].replace("", None))
    totals = dict(zip(*(parts.tables["inventory_totals"].columns[name] for name in ("measure", "value")), strict=True))
    assert totals["due"] == (expected["order_now"] > 0).sum()
    assert totals["expected_cost"] == pytest.approx(expected["expected_cost"].sum())
    assert "inventory" in parts.tables
    assert any("23 of 23" in line for line in said)
    worth = expected["order_now"] * _tables()[0]["unit_cost"].fillna(1.0)
    assert parts.tables["inventory"].columns["item"][0] == expected["item"][int(worth.argmax())]


def test_one_file_may_hold_items_and_demand(tmp_path: Path) -> None:
    items, demand = _tables()
    folder = _scenario(tmp_path / "a", items.merge(demand, on="item"), demand, "parquet", "chunk_items = 10")
    text = (folder / "scenario.toml").read_text()
    (folder / "scenario.toml").write_text(text.replace('file = "demand.parquet"', 'file = "items.parquet"'))
    (folder / "demand.parquet").unlink()
    assert co.read_scenario(folder).item_count == COUNT


def test_faults_have_their_row_and_all_are_told(tmp_path: Path) -> None:
    items, demand = _tables()
    items.loc[14, "holding_cost"] = -1.0
    items.loc[21, "lead_time_days"] = -7
    demand.loc[3, "standard_deviation"] = np.nan
    told = _faults(_scenario(tmp_path / "a", items, demand, "parquet", "chunk_items = 10"))
    assert "items.parquet:16:holding_cost" in told
    assert "items.parquet:23:lead_time_days" in told
    assert "demand.parquet:5:standard_deviation" in told


def test_order_and_names_are_checked_over_all_chunks(tmp_path: Path) -> None:
    items, demand = _tables()
    told = _faults(_scenario(tmp_path / "a", items, demand.iloc[::-1], "parquet", "chunk_items = 10"))
    assert "demand.parquet:2:item: has item '0022' where items.parquet has '0000'" in told
    items.loc[22, "item"] = demand.loc[22, "item"] = "0001"
    assert "rows 3 and 24 name the same item" in _faults(
        _scenario(tmp_path / "b", items, demand, "parquet", "chunk_items = 10")
    )


def test_what_needs_all_items_at_once_is_refused(tmp_path: Path) -> None:
    folder = _scenario(tmp_path / "a", *_tables(), "parquet", "chunk_items = 10\norder_budget = 100")
    assert "order_budget needs all items at once" in _faults(folder)


def test_ctrl_c_keeps_the_chunks_that_are_done(tmp_path: Path) -> None:
    asked: list[int] = []

    def press(said: str) -> None:
        if said.startswith("replenishment [") and "20 of 23" in said:
            asked.append(1)
            signal.raise_signal(signal.SIGINT)

    folder = _scenario(tmp_path / "b", *_tables(), "parquet", "chunk_items = 10")
    run = execute(folder, out=tmp_path / "runs", progress=press, stopped=lambda: bool(asked))
    lines = pd.read_parquet(run.folder / "results" / "inventory_all.parquet")
    assert list(lines["item"]) == list(_tables()[0]["item"][:20])
    assert run.manifest["stopped_early"]
    assert run.status == "feasible"
    assert "of 20 items are due for an order; interrupted before the other 3 items" in run.manifest["answer"]
    with pytest.raises(KeyboardInterrupt):
        execute(folder, out=tmp_path / "runs", progress=lambda _: signal.raise_signal(signal.SIGINT))
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [run.folder.name]
