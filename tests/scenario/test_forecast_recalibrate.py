"""``[demand] recalibrate``: quantiles of another tool, mended by what its past forecasts missed."""

import numpy as np
import pandas as pd
import pytest

import capacity_opt as co

TOML = """
schema_version = 1
name = "mended"
[time]
period = "day"
start = "2027-04-01"
periods = 2
[demand]
kind = "{kind}"
file = "now.csv"
{recalibrate}
[inventory]
items = "items.csv"
cycle_service_level = 0.9
"""
KEY = '[demand.recalibrate]\nforecasts = "past.csv"\nactuals = "actual.csv"'


def folder(tmp_path, *, recalibrate=KEY, kind="quantiles", windows=60):
    rng = np.random.default_rng(0)
    days = pd.date_range("2027-01-01", periods=windows, freq="D")
    past = pd.DataFrame([("a", day + pd.Timedelta(days=1), day, 9.0, 10.0, 11.0) for day in days],
                        columns=["unique_id", "ds", "cutoff", "p10", "p50", "p90"])  # fmt: skip
    past.to_csv(tmp_path / "past.csv", index=False)
    past[["unique_id", "ds"]].assign(y=rng.normal(12, 5, windows)).to_csv(tmp_path / "actual.csv", index=False)
    (tmp_path / "now.csv").write_text("item,p10,p50,p90\na,9,10,11\nb,90,100,110\n")
    (tmp_path / "items.csv").write_text("item,holding_cost,lead_time\na,1,0\nb,1,0\n")
    (tmp_path / "scenario.toml").write_text(TOML.format(kind=kind, recalibrate=recalibrate))
    return tmp_path


def test_every_series_is_shifted_in_units_of_its_own_width(tmp_path):
    scenario = co.read_scenario(folder(tmp_path))
    high = scenario.demand.quantile(0.9)
    assert high[0] == pytest.approx(12 + 1.28 * 5, abs=1.8)
    assert (high[1] - 110) / (high[0] - 11) == pytest.approx(10.0)
    told = [problem for problem in scenario.warnings if problem.code == "W249"]
    assert "recalibrated on 60 actuals: the 0.9 quantile had held" in told[0].rule


def test_a_forecast_that_is_sure_teaches_nothing_and_stays():
    rng = np.random.default_rng(3)
    values = np.tile([9.0, 10.0, 11.0], (200, 1, 1))
    values[:20] = 0.0  # never seen to be asked for: no width to measure a miss by
    came = np.where(np.arange(200) < 20, 3.0, rng.normal(10, 4, 200))[:, None]
    past = co.QuantileForecast([0.1, 0.5, 0.9], values)
    learned = co.learn_recalibration(past, came)
    assert learned.scores == 180
    mended = learned.apply(past).values
    assert not mended[:20].any()
    assert mended[20:, 0, 2] == pytest.approx(10 + 1.28 * 4, abs=1)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"windows": 20}, "at least 30 known values"),
        ({"recalibrate": KEY.replace("past.csv", "gone.csv")}, r"gone\.csv.*no such file"),
        ({"kind": "parametric"}, "recalibrate is for quantiles of another tool"),
    ],
)
def test_faults_have_their_place(tmp_path, change, told):
    with pytest.raises(co.ScenarioError, match=told):
        co.read_scenario(folder(tmp_path, **change))


def test_past_forecasts_at_other_levels_are_refused(tmp_path):
    path = folder(tmp_path)
    text = (path / "past.csv").read_text().replace("p90", "p95")
    (path / "past.csv").write_text(text)
    with pytest.raises(co.ScenarioError, match=r"past\.csv.*levels 0\.1, 0\.5, 0\.95, now\.csv has 0\.1, 0\.5, 0\.9"):
        co.read_scenario(path)
