"""Forecasts weighed in money from a scenario's folder."""

import numpy as np
import pandas as pd
import pytest

from capacity_opt import ScenarioError, read_scenario, run_scenario
from capacity_opt.forecast.history import History
from capacity_opt.forecast.rivals import WAYS, lead_time_quantiles
from capacity_opt.scenario.backtest_engine import OURS
from capacity_opt.scenario.backtest_forecasts import summed_quantiles
from capacity_opt.scenario.baselines import Baseline, baseline_quantiles

TOML = """schema_version = 1
name = "past"
[time]
period = "week"
periods = 4
[backtest]
holding_cost = 1
stockout_cost = 4
lead_time = 1
forecasts = ["forecasts.csv"]
models = ["naive", "empirical"]
[report]
html = false
workbook = false
"""
LEVELS = (10, 50, 90)


def write(folder, *, toml=TOML, items=12, periods=30, seed=0):
    """Poisson items whose means are known to model ``good`` and misjudged by ``bad``; Nixtla's column names."""
    rng = np.random.default_rng(seed)
    mean = rng.uniform(5, 30, items)
    history = rng.poisson(mean[:, None], (items, periods))
    dates = pd.date_range("2026-01-05", periods=periods, freq="7D").strftime("%Y-%m-%d")
    rows = [(f"i{i}", dates[t], int(history[i, t])) for i in range(items) for t in range(periods)]
    pd.DataFrame(rows, columns=["unique_id", "ds", "y"]).to_csv(folder / "history.csv", index=False)
    issued = []
    for t in range(10, periods - 1):
        for step in (0, 1):
            for i in range(items):
                good = rng.poisson(mean[i], 400)
                values = [np.quantile(good, level / 100) for level in LEVELS]
                issued.append((f"i{i}", dates[t + step], dates[t - 1], *values, *(v * 0.5 for v in values)))
    columns = ["unique_id", "ds", "cutoff", *(f"good-q-{v}" for v in LEVELS), *(f"bad-q-{v}" for v in LEVELS)]
    frame = pd.DataFrame(issued, columns=columns).rename(columns={"ds": "period", "unique_id": "item"})
    frame.to_csv(folder / "forecasts.csv", index=False)
    (folder / "scenario.toml").write_text(toml)
    return history


def test_models_of_one_cross_validation_table_are_ranked_beside_plain_ones(tmp_path):
    write(tmp_path)
    result = run_scenario(tmp_path, out=tmp_path / "runs", only="backtest")
    table = result.tables["backtest"].columns
    assert set(table["model"]) == {"good", "bad", "naive", "empirical"}
    assert list(table["model"]).index("good") < list(table["model"]).index("naive")
    assert table["model"][-1] == "bad"
    assert table["dearer_low"][-1] > 0
    assert result.manifest["backtest"]["periods"] == 19
    assert (result.folder / "results" / "coverage.csv").is_file()


def test_a_single_series_is_paired_over_time(tmp_path):
    write(tmp_path, items=1, periods=60)
    table = run_scenario(tmp_path, out=tmp_path / "runs", only="backtest").tables["backtest"].columns
    assert np.isfinite(table["dearer_low"]).all()


def test_the_step_runs_beside_others_and_alone(tmp_path):
    write(tmp_path, toml=TOML.replace('forecasts = ["forecasts.csv"]\n', "tune = 5\n"))
    result = run_scenario(tmp_path, out=tmp_path / "runs")
    assert {"given", "tuned"} == set(result.tables["backtest"].columns["rule"])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda f: _edit(f / "history.csv", "i3,2026-01-05,", "i3,2026-01-12,"), "a period twice.*i3"),
        (lambda f: _edit(f / "forecasts.csv", "i0,", "nobody,"), "is no item of the history"),
        (lambda f: _edit(f / "scenario.toml", "holding_cost = 1\n", ""), "has no holding_cost"),
        (lambda f: _edit(f / "scenario.toml", "lead_time = 1", "lead_time = 4"), "no forecast for any period"),
        (lambda f: _edit(f / "scenario.toml", "lead_time", "tune = 40\nlead_time"), "leave none to score"),
    ],
)
def test_faults_are_told_with_their_place(tmp_path, change, told):
    write(tmp_path)
    change(tmp_path)
    with pytest.raises(ScenarioError, match=told):
        run_scenario(tmp_path, out=tmp_path / "runs", only="backtest")


def _edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_missing_periods_are_refused_or_counted_as_none(tmp_path):
    write(tmp_path)
    rows = (tmp_path / "history.csv").read_text().splitlines()
    (tmp_path / "history.csv").write_text("\n".join([*rows[:5], *rows[6:]]) + "\n")
    with pytest.raises(ScenarioError, match="1 of 360 periods have no value, first 'i0' 2026-02-02"):
        read_scenario(tmp_path)
    assert read_scenario(tmp_path, set=["backtest.missing=zero"]).backtest is not None


def test_baselines_use_only_what_was_known():
    rng = np.random.default_rng(1)
    history = rng.poisson(8.0, (3, 40)).astype(float)
    levels, how = np.array([0.2, 0.5, 0.8]), Baseline(window=4, half_life=10.0, season=12)
    for name in ("naive", "empirical", "recent", "seasonal"):
        before = baseline_quantiles(name, history, [20, 30], 3, levels, how)
        changed = history.copy()
        changed[:, 30:] = 99.0
        np.testing.assert_array_equal(before, baseline_quantiles(name, changed, [20, 30], 3, levels, how))
        assert np.all(np.diff(before, axis=2) >= 0)


def test_the_sum_of_independent_periods_is_narrower_than_the_sum_of_quantiles():
    levels = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
    normal = 100 + 20 * np.array([-1.6449, -0.6745, 0, 0.6745, 1.6449])
    found = summed_quantiles(np.tile(normal, (4, 1, 1)), levels, 0.0)[0]
    np.testing.assert_allclose(found, 400 + 40 * np.array([-1.6449, -0.6745, 0, 0.6745, 1.6449]), atol=4.0)
    np.testing.assert_allclose(summed_quantiles(np.tile(normal, (4, 1, 1)), levels, 1.0)[0], 4 * normal, rtol=1e-2)


def test_the_engines_models_are_those_that_exist():
    assert OURS == WAYS


ENGINE = TOML.replace('["naive", "empirical"]', '["naive", "lead_time_totals", "bootstrap"]').replace(
    'forecasts = ["forecasts.csv"]', 'start = "2026-06-01"\nreview_period = 2'
)


def test_engine_models_decide_beside_plain_ones_from_what_was_known(tmp_path):
    history = write(tmp_path, toml=ENGINE, periods=30)
    problem = read_scenario(tmp_path).backtest
    assert set(problem.forecasts) == {"naive"}  # reading forecasts nothing
    issued = problem.engine.issued(lambda _: None)
    first = problem.engine.first
    assert first == 21
    known = History(history[:, : first + 2].astype(float))
    expected = lead_time_quantiles(known, 3, way="bootstrap", levels=problem.levels, season=None)
    np.testing.assert_allclose(issued["bootstrap"][:, 2], expected)  # the second review
    np.testing.assert_array_equal(issued["bootstrap"][:, 3], issued["bootstrap"][:, 2])
    result = run_scenario(tmp_path, out=tmp_path / "runs", only="backtest")
    assert set(result.tables["backtest"].columns["model"]) == {"naive", "lead_time_totals", "bootstrap"}


@pytest.mark.parametrize(
    ("changes", "told"),
    [({'start = "2026-06-01"': 'start = "2026-02-02"'}, "needs 8 periods before"),
     ({'"bootstrap"': '"Prophet"'}, "Prophet")],
)  # fmt: skip
def test_engine_models_that_cannot_forecast_are_refused(tmp_path, changes, told):
    toml = ENGINE
    for old, new in changes.items():
        toml = toml.replace(old, new)
    write(tmp_path, toml=toml)
    with pytest.raises(ScenarioError, match=told):
        read_scenario(tmp_path)


def test_leased_capacity_is_decided_by_the_engine_for_the_period_ahead(tmp_path):
    write(tmp_path, toml=ENGINE.replace("review_period = 2", 'decision = "lease"'))
    problem = read_scenario(tmp_path).backtest
    issued = problem.engine.issued(lambda _: None)["lead_time_totals"]
    naive = problem.forecasts["naive"]
    np.testing.assert_allclose(np.median(issued[:, :, 5]), np.median(naive[:, :, 5]), rtol=0.2)
