"""Models of libraries for chosen series: refused by name where the package is absent, checked where it is there."""

from importlib.util import find_spec

import numpy as np
import pytest

import capacity_opt as co
from capacity_opt.cli import main
from capacity_opt.forecast.library_names import LIBRARY_MODELS
from capacity_opt.forecast.library_reconcile import library_map

there = pytest.mark.skipif(find_spec("statsforecast") is None, reason="statsforecast absent: extra [forecast]")
trees = pytest.mark.skipif(find_spec("mlforecast") is None, reason="mlforecast absent: extra [forecast]")
LEVELS = [0.05, 0.25, 0.5, 0.75, 0.95]


def seasonal(count=6, periods=60):
    rng = np.random.default_rng(3)
    month = np.arange(periods)
    base = 100 * (1 + 0.3 * np.sin(2 * np.pi * month / 12))
    return base * rng.lognormal(0, 0.08, (count, periods))


def call(*arguments):
    with pytest.raises(SystemExit) as stop:
        main([str(each) for each in arguments])
    return stop.value.code


def test_an_absent_package_is_a_fault_that_names_the_extra(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("capacity_opt.scenario.forecast_library.find_spec", lambda name: None)
    rows = [f"a,{t},{v}" for t, v in enumerate(seasonal(1)[0])]
    (tmp_path / "h.csv").write_text("unique_id,ds,y\n" + "\n".join(rows) + "\n")
    assert call("forecast", "backtest", tmp_path / "h.csv", "--horizon", 3, "--model", "LightGBM") == 3
    told = capsys.readouterr().err
    assert "LightGBM needs the package mlforecast" in told
    assert "capacity-opt[forecast]" in told
    for model in LIBRARY_MODELS:
        with pytest.raises(co.ScenarioError):
            co.library_forecast(co.History(seasonal()), 2, model=model)


@there
def test_intervals_of_statsforecast_are_its_own():
    from statsforecast.models import AutoETS

    values = seasonal()
    made = co.library_forecast(co.History(values), 6, model="AutoETS", levels=LEVELS, season=12)
    told = AutoETS(season_length=12).forecast(y=values[2], h=6, level=[50, 90])
    np.testing.assert_allclose(made.at(0.95)[2], told["hi-90"])
    np.testing.assert_allclose(made.at(0.25)[2], told["lo-50"])
    assert made.provenance["model"] == "AutoETS"
    assert made.provenance["library"].startswith("statsforecast ")


@trees
def test_trees_follow_the_season_and_are_the_same_twice():
    values = seasonal(30)
    first, again = (
        co.library_forecast(co.History(values), 6, model="LightGBM", levels=LEVELS, season=12) for _ in range(2)
    )
    assert np.array_equal(first.values, again.values)
    expected = 100 * (1 + 0.3 * np.sin(2 * np.pi * np.arange(60, 66) / 12))
    np.testing.assert_allclose(first.at(0.5).mean(axis=0), expected, rtol=0.08)


TOML = """
schema_version = 1
name = "chosen"
[time]
periods = 4
[demand]
kind = "history"
file = "history.csv"
[forecast]
season = 0
[[forecast.models]]
series = ["{series}"]
model = "AutoTheta"
[inventory]
items = "items.csv"
cycle_service_level = 0.9
"""


def folder(tmp_path, series):
    (tmp_path / "scenario.toml").write_text(TOML.format(series=series))
    rows = [f"i{i},{t + 1},{v:.3f}" for i, row in enumerate(seasonal(4)) for t, v in enumerate(row)]
    (tmp_path / "history.csv").write_text("item,period,value\n" + "\n".join(rows) + "\n")
    (tmp_path / "items.csv").write_text("item,holding_cost,lead_time\n" + "".join(f"i{i},1,2\n" for i in range(4)))
    return tmp_path


@there
def test_chosen_series_of_a_scenario_and_no_others(tmp_path):
    demand = co.read_scenario(folder(tmp_path, "i2")).demand
    text = (tmp_path / "scenario.toml").read_text()
    (tmp_path / "scenario.toml").write_text(text[: text.index("[[")] + text[text.index("[inventory]") :])
    plain = co.read_scenario(tmp_path).demand
    same = np.isclose(demand.over(3).quantile(0.9), plain.over(3).quantile(0.9))
    assert same.tolist() == [True, True, False, True]
    theirs = co.library_forecast(
        co.History(seasonal(4)[2:3].round(3)), 4, model="AutoTheta", season=0, cumulative=True, levels=[0.5, 0.9]
    )
    assert demand.over(3).quantile([[0.5], [0.9]])[:, 2] == pytest.approx(theirs.values[0, 2], rel=0.01)


@there
def test_a_series_that_is_not_there_is_named(tmp_path):
    with pytest.raises(co.ScenarioError, match="no such series: i9"):
        co.read_scenario(folder(tmp_path, "i9"))


@there
def test_totals_are_those_of_simulated_paths_and_rise():
    from statsforecast.models import AutoTheta

    history = co.History(seasonal(3, 16))  # too short for an earlier origin: nothing shifts them
    made = co.library_forecast(history, 6, model="AutoTheta", levels=LEVELS, season=0, cumulative=True)
    paths = AutoTheta(season_length=1).fit(seasonal(3, 16)[1]).simulate(6, 1000, seed=0)
    np.testing.assert_allclose(made.values[1], np.quantile(np.cumsum(paths, axis=1), LEVELS, axis=0).T, rtol=1e-6)
    long = co.library_forecast(co.History(seasonal(8)), 6, model="AutoTheta", levels=LEVELS, season=12, cumulative=True)
    assert long.provenance["totals_shifted_by"] in ("144 totals", "0 totals")  # 8 series, 3 origins, 6 horizons
    assert np.all(np.diff(long.values, axis=1) > 0)
    assert made.cumulative


@trees
def test_trees_have_totals_as_wide_as_their_misses_hang_together():
    rng = np.random.default_rng(8)
    noise = rng.normal(0, 1, (30, 50))
    for t in range(1, 50):
        noise[:, t] = 0.9 * noise[:, t - 1] + np.sqrt(1 - 0.81) * noise[:, t]
    tied, loose = (co.library_forecast(co.History(50 + 5 * each), 6, model="LightGBM", levels=[0.05, 0.5, 0.95],
                                       season=0, cumulative=True)
                   for each in (noise, rng.normal(0, 1, (30, 50))))  # fmt: skip
    wide, narrow = (np.mean(each.at(0.95)[:, -1] - each.at(0.05)[:, -1]) for each in (tied, loose))
    assert wide > 1.5 * narrow


library = pytest.mark.skipif(
    find_spec("hierarchicalforecast") is None, reason="hierarchicalforecast absent: extra [forecast]"
)


def test_reconciliation_by_an_absent_library_is_a_fault_that_names_the_extra(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("capacity_opt.forecast.library_reconcile.find_spec", lambda name: None)
    rows = [f"{'ab'[i % 2]}{i},{'ab'[i % 2]},{t},{v}" for i, row in enumerate(seasonal(4)) for t, v in enumerate(row)]
    (tmp_path / "h.csv").write_text("unique_id,region,ds,y\n" + "\n".join(rows) + "\n")
    asked = ["forecast", "hierarchy", tmp_path / "h.csv", "--by", "region", "--horizon", 2, "--out", tmp_path / "q.csv"]
    assert call(*asked, "--method", "MinTrace") == 3
    told = capsys.readouterr().err
    assert "MinTrace needs the package hierarchicalforecast" in told
    assert "capacity-opt[forecast]" in told
    assert not (tmp_path / "q.csv").exists()


@library
@there
def test_a_hierarchy_by_the_library_with_library_models_adds_up(tmp_path, capsys):
    rows = [f"i{i},{'ab'[i % 2]},{t},{v:.3f}" for i, row in enumerate(seasonal(4)) for t, v in enumerate(row)]
    (tmp_path / "h.csv").write_text("unique_id,region,ds,y\n" + "\n".join(rows) + "\n")
    code = call(
        "forecast", "hierarchy", tmp_path / "h.csv", "--by", "region", "--horizon", 3, "--out", tmp_path / "q.csv",
        "--paths", tmp_path / "p.parquet", "--method", "MinTrace", "--model", "total=AutoTheta", "--model",
        "i1=AutoETS", "--count", 100, "--season", 12, "--json",
    )  # fmt: skip
    told = capsys.readouterr().out
    assert code == 0
    assert '"library": "hierarchicalforecast ' in told
    assert '"series_by_AutoTheta": "1"' in told
    history = co.History(seasonal(4).round(3), ids=[f"i{i}" for i in range(4)])
    tree = co.Hierarchy.of(history.ids, {"region": list("abab")})
    chosen = [co.LibraryModel(series=["total"], model="AutoTheta"), co.LibraryModel(series=["i1"], model="AutoETS")]
    made = {
        method: co.forecast_hierarchy(history, 3, tree, method=method, season=12,
                                      forecaster=co.library_forecaster(chosen, 3, season=12))
        for method in ("MinTrace", "mint")
    }  # fmt: skip
    base = made["MinTrace"].base
    theirs = co.library_forecast(co.History(seasonal(4).round(3).sum(axis=0)), 3, model="AutoTheta", season=12)
    np.testing.assert_allclose(base.period.values[0], theirs.values[0], rtol=1e-6)
    sums = tree.sums(made["MinTrace"].sample(200, seed=1))
    np.testing.assert_allclose(sums[:, 0], sums[:, 1] + sums[:, 2])
    paths = made["mint"].sample(200, seed=1).sum(axis=1).mean()
    assert sums[:, 0].mean() == pytest.approx(paths, rel=0.05)


@library
def test_our_minimum_trace_is_the_librarys():
    from hierarchicalforecast.methods import MinTrace

    from capacity_opt.forecast.minimum_trace import ErrorCovariance, minimum_trace

    tree = co.Hierarchy.of(["a", "b", "c"], {"region": ["east", "east", "west"]})
    base = np.array([[110.0], [70.0], [35.0], [40.0], [35.0], [30.0]])
    theirs = MinTrace(method="wls_struct").fit_predict(S=tree.summing.toarray(), y_hat=base)["mean"]
    sizes = ErrorCovariance(tree.summing.sum(axis=1), np.zeros((6, 1)))
    ours = tree.summing @ minimum_trace(sizes, tree.summing)(base)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    errors = np.random.default_rng(1).normal(size=(6, 40))
    mapped, _ = library_map("MinTrace", tree.summing, errors, np.zeros((6, 40)))
    again = MinTrace(method="mint_shrink").fit_predict(
        S=tree.summing.toarray(), y_hat=base, y_insample=errors, y_hat_insample=np.zeros((6, 40))
    )["mean"]
    np.testing.assert_allclose(tree.summing @ mapped(base), again, rtol=1e-6)
