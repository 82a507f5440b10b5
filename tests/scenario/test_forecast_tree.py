"""``capacity-opt forecast hierarchy``: nodes, paths that add up, faults with their row."""

import numpy as np
import pandas as pd
import pytest

import capacity_opt as co
from capacity_opt.cli import main


def call(*arguments):
    with pytest.raises(SystemExit) as stop:
        main([str(each) for each in arguments])
    return stop.value.code


@pytest.fixture
def table(tmp_path):
    rng = np.random.default_rng(0)
    rows = [
        (f"{region}-{k}", region, t, round(float(20 * (k + 1) + 3 * rng.normal()), 2))
        for region in ("east", "west") for k in range(3) for t in range(40)
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["unique_id", "region", "ds", "y"])
    frame.to_csv(tmp_path / "history.csv", index=False)
    return tmp_path


def test_quantiles_of_every_node_and_paths_that_add_up(table, capsys):
    out, paths = table / "q.parquet", table / "paths.parquet"
    code = call(
        "forecast", "hierarchy", table / "history.csv", "--by", "region", "--horizon", 3, "--out", out,
        "--paths", paths, "--count", 400, "--levels", "0.1,0.5,0.9", "--season", 0,
    )  # fmt: skip
    assert code == 0, capsys.readouterr().err
    nodes = pd.read_parquet(out)
    assert list(nodes["unique_id"].unique())[:3] == ["total", "east", "west"]
    drawn = pd.read_parquet(paths)
    assert drawn.groupby(["unique_id", "ds"]).size().eq(400).all()
    sums = drawn[drawn["ds"] == 42].groupby("sample")["value"].sum()
    told = nodes[(nodes["unique_id"] == "total") & (nodes["ds"] == 42)]
    np.testing.assert_allclose(np.quantile(sums, [0.1, 0.9]), told[["p10", "p90"]].to_numpy()[0], rtol=1e-6)
    read = co.read_forecast(paths)  # the door for forecasts made elsewhere takes the samples back
    assert read.forecast.values.shape[:2] == (6, 3)


def test_a_series_in_two_nodes_is_told_with_its_row(table, capsys):
    frame = pd.read_csv(table / "history.csv")
    frame.loc[5, "region"] = "north"
    frame.to_csv(table / "history.csv", index=False)
    arguments = ("--horizon", 2, "--out", table / "q.csv")
    assert call("forecast", "hierarchy", table / "history.csv", "--by", "region", *arguments) == 3
    assert "history.csv:7:region" in capsys.readouterr().err
    assert call("forecast", "hierarchy", table / "history.csv", "--by", "country", *arguments) == 3
    assert "no column country" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("y", "1,5", "history.csv:7:y = '1,5': is not a number"),
        ("ds", "2027-13-01", "history.csv:7:ds = '2027-13-01': is not a date or time"),
        ("region", None, "history.csv:7:region: is blank (1 such rows)"),
    ],
)
def test_a_spoiled_cell_has_its_row_column_and_value(table, capsys, column, value, told):
    frame = pd.read_csv(table / "history.csv").astype(object)
    frame["ds"] = pd.date_range("2027-01-01", periods=40, freq="D").astype(str).tolist() * 6
    frame.loc[5, column] = value
    frame.to_csv(table / "history.csv", index=False)
    arguments = ("--by", "region", "--horizon", 2, "--period", "day", "--out", table / "q.csv")
    assert call("forecast", "hierarchy", table / "history.csv", *arguments) == 3
    assert told in capsys.readouterr().err
    assert call("forecast", "hierarchy", table / "history.csv", *arguments, "--time-zone", "Mars/Base") == 2
    assert "time_zone must be a zone such as UTC" in capsys.readouterr().err
