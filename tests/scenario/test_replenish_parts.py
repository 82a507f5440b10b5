"""Buckets of history to levels to order by: right, the same on every executor, resumed, faults with their row."""

import numpy as np
import pandas as pd
import pytest

import capacity_opt as co
from capacity_opt.cli import main
from capacity_opt.scenario.partitions import write_buckets
from capacity_opt.scenario.replenish_parts import _best


def call(*arguments):
    with pytest.raises(SystemExit) as stop:
        main([str(each) for each in arguments])
    return stop.value.code


@pytest.fixture(scope="module", autouse=True)
def plain():
    """Sixty series are not worth compiling for, in every process anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CAPACITY_OPT_COMPILE", "0")
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory, plain):
    """Sixty regular series in three buckets, and a table of items that lacks one and prices orders of half."""
    path = tmp_path_factory.mktemp("parts")
    rng = np.random.default_rng(1)
    values = rng.poisson(rng.uniform(6, 40, (60, 1)), (60, 48)).astype(float)
    frame = pd.DataFrame({"unique_id": np.repeat([f"p{i}" for i in range(60)], 48), "ds": np.tile(np.arange(48), 60),
                          "y": values.ravel()})  # fmt: skip
    frame.to_parquet(path / "history.parquet", index=False)
    items = pd.DataFrame({"unique_id": [f"p{i}" for i in range(59)], "lead_time": np.arange(59) % 3 + 1,
                          "fixed_cost": np.where(np.arange(59) % 2, 40.0, 0.0), "position": 30.0})  # fmt: skip
    items.to_csv(path / "items.csv", index=False)
    write_buckets(path / "history.parquet", path / "buckets", 3)
    co.replenish_partitions(path / "buckets", path / "levels", items=path / "items.csv", season=0)
    return path


def test_levels_are_those_of_the_totals_of_each_bucket(folder):
    levels = pd.read_parquet(folder / "levels")
    assert sorted(levels["unique_id"]) == sorted(f"p{i}" for i in range(59))
    part = pd.read_parquet(folder / "levels" / "bucket-00001.parquet").set_index("unique_id")
    history = pd.read_parquet(folder / "buckets" / "bucket-00001.parquet").pivot(
        index="unique_id", columns="ds", values="y"
    )
    series = co.History(history.to_numpy(), ids=list(history.index))
    totals = co.forecast_totals(series, 4, season=0)
    chosen = [name for name in part.index if part["policy"][name] == "base_stock" and int(name[1:]) % 3 == 2]
    told = totals.take([list(history.index).index(name) for name in chosen]).at(0.9)[:, 3]
    np.testing.assert_array_equal(part.loc[chosen, "base_stock_level"], np.ceil(told - 1e-9))  # lead time 3 + 1
    due = part[part["policy"] == "rq"]
    below = due["position"] <= due["reorder_point"]
    after = due["position"] + due["order_now"]
    assert (due["order_now"] > 0).eq(below).all()
    assert (after[below] > due["reorder_point"][below]).all()


def test_parts_are_resumed_and_the_same_on_processes(folder, capsys):
    out = folder / "again"
    arguments = (
        "forecast",
        "replenish",
        folder / "buckets",
        "--out",
        out,
        "--items",
        folder / "items.csv",
        "--season",
        0,
    )
    assert call(*arguments, "--executor", "processes", "--workers", 1, "-q") == 0
    for name in ("bucket-00000.parquet", "bucket-00002.parquet"):
        assert (out / name).read_bytes() == (folder / "levels" / name).read_bytes()
    (out / "bucket-00001.parquet").unlink()
    capsys.readouterr()
    assert call(*arguments) == 0
    assert "3 parts (2 were there)" in capsys.readouterr().out
    assert (out / "bucket-00001.parquet").read_bytes() == (folder / "levels" / "bucket-00001.parquet").read_bytes()
    assert call(*arguments, "--stockout-cost", 30) == 74  # other work in the same folder


def test_faults_of_items_have_their_row_and_leave_no_part(folder, tmp_path, capsys):
    items = pd.read_csv(folder / "items.csv").astype(object)
    items.loc[3, "lead_time"] = -2
    items.loc[7, "position"] = "many"
    items.to_csv(tmp_path / "items.csv", index=False)
    out = tmp_path / "levels"
    assert call("forecast", "replenish", folder / "buckets", "--out", out, "--items", tmp_path / "items.csv") == 3
    told = capsys.readouterr().err
    assert "items.csv:5:lead_time" in told
    assert "items.csv:9:position" in told
    assert not list(out.glob("*.parquet"))
    with pytest.raises(co.ArgumentError, match="For 95 % write 0.95"):
        co.replenish_partitions(folder / "buckets", out, defaults=co.Replenishment(service_level=95))


def test_demand_that_is_not_whole_is_ordered_in_small_steps():
    demand = co.ForecastDemand(
        co.QuantileDemand([0.1, 0.5, 0.9], [[70.0, 100.0, 130.0]]),
        co.CumulativeQuantiles([0.1, 0.5, 0.9], [[[70.0, 100.0, 130.0], [157.0, 200.0, 243.0]]]),
    )
    settings = {"lead_time": 1.0, "review_period": 1.0, "holding_cost": 1.0, "fixed_cost": 400.0}
    given = {name: np.array([value]) for name, value in settings.items()}
    found = _best("rq", demand, given, "stockout_cost", np.array([9.0]))
    # what optimize_rq says of the continuous demand itself, which takes it eight seconds
    assert found["expected_cost"][0] == pytest.approx(290.47, rel=0.01)
    assert found["reorder_point"][0] == pytest.approx(174.0, abs=4)
