"""``forecast backtest``: the scores of held-out periods, of each series from its own end."""

import json

import numpy as np
import pandas as pd
from click.testing import CliRunner

from capacity_opt.cli.forecast_backtest import command
from capacity_opt.scenario.forecast_backtest import backtest_history


def test_held_out_periods_are_scored(tmp_path, monkeypatch):
    monkeypatch.setenv("CAPACITY_OPT_COMPILE", "0")
    rng = np.random.default_rng(2)
    rows = ["unique_id,ds,y"]
    for name in "abcdefgh":
        rows += [f"{name},{t + 1},{v:.3f}" for t, v in enumerate(50 + 5 * rng.standard_normal(48))]
    rows.append("short,1,3.0")
    file = tmp_path / "history.csv"
    file.write_text("\n".join(rows) + "\n")
    done = CliRunner().invoke(command, [str(file), "--horizon", "6", "--season", "0", "--json"], standalone_mode=False)
    assert done.exception is None, done.output
    told = json.loads(done.stdout[done.stdout.index("{") :])
    assert told["series"] == 8
    assert 0.02 < told["wql"] < 0.09
    assert abs(told["coverage_80"] - 0.8) < 0.2


def test_streams_are_scored_each_from_its_own_end(tmp_path):
    rng = np.random.default_rng(2)
    rows = [pd.DataFrame({"unique_id": name, "ds": np.arange(first, last), "y": rng.poisson(20, last - first)})
            for name, first, last in (("a", 0, 60), ("b", 5, 40))]  # fmt: skip
    made = {}
    for name, table in {"both": pd.concat(rows), "a": rows[0], "b": rows[1]}.items():
        table.to_csv(tmp_path / f"{name}.csv", index=False)
        made[name] = backtest_history(tmp_path / f"{name}.csv", 6, model="stream")
    apart = [made["a"].forecast.values[0], made["b"].forecast.values[0]]
    np.testing.assert_allclose(made["both"].forecast.values, apart)
    assert made["both"].numbers()["model"] == "stream"
