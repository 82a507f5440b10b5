"""``forecast backtest``: the scores of held-out periods, and faults told in one go."""

import json

import numpy as np
from click.testing import CliRunner

from capacity_opt.cli.forecast_backtest import command


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
