"""The batch engine: two paths agree; odd histories are survived; scale, order and company do not matter."""

import numpy as np
import pytest

import capacity_opt as co
from capacity_opt.forecast.backtest_panel import backtest_panel, model_forecasts
from capacity_opt.forecast.prepare import prepare
from capacity_opt.forecast.seasons import find_season

NAN = np.nan


@pytest.fixture
def plain(monkeypatch):
    monkeypatch.setenv("CAPACITY_OPT_COMPILE", "0")


def panel(count: int, length: int, seed: int = 3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    time = np.arange(length)
    season = 1 + 0.3 * np.sin(2 * np.pi * time / 12 + rng.random((count, 1)) * 6)
    return 50 * season * (1 + 0.01 * time) * rng.lognormal(0, 0.1, (count, length))


def test_compiled_and_numpy_give_the_same_models_and_combinations(monkeypatch):
    rows = panel(12, 70)
    rows[3, :40] = NAN
    rows[4] = np.round(rows[4] - 60)
    rows[5, :67] = NAN
    ready = prepare(co.History(rows), 6, (4, 12))
    monkeypatch.setattr("capacity_opt.forecast.backtest_panel._SMALL", 0)
    yearly = prepare(co.History(rows[:, -30:]), 6, 0)
    fast = *model_forecasts(ready), *model_forecasts(yearly), *backtest_panel(ready)
    monkeypatch.setenv("CAPACITY_OPT_COMPILE", "0")
    slow = *model_forecasts(ready), *model_forecasts(yearly), *backtest_panel(ready)
    for compiled, plain in zip(fast[:4], slow[:4]):
        np.testing.assert_allclose(compiled, plain, rtol=2e-6, atol=1e-6)
    np.testing.assert_allclose(fast[4], slow[4], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(fast[5].rule, slow[5].rule)


@pytest.mark.usefixtures("plain")
def test_a_season_and_a_trend_are_carried_on_and_the_truth_is_covered():
    kept, held = co.History(panel(60, 96)).hold_out(12)
    forecast = co.forecast_quantiles(kept, 12, season=12)
    assert np.median(np.abs(forecast.at(0.5) / held - 1)) < 0.1
    assert np.mean((held >= forecast.at(0.05)) & (held <= forecast.at(0.95))) == pytest.approx(0.9, abs=0.05)


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize(
    "row",
    [[5.0], [5.0, 7.0], [4.0] * 40, [0.0] * 30, [1e300, 2e300, 1.5e300] * 9, [-5.0, -9.0, 3.0, -8.0] * 6,
     [0.0] * 29 + [1e6], [3.0, NAN, NAN, NAN, 5.0, 4.0] * 5, list(range(-3, 500)), [1e-300, 3e-300] * 10],
)  # fmt: skip
@pytest.mark.parametrize("cumulative", [False, True])
def test_odd_histories_give_finite_rising_quantiles(row, cumulative):
    forecast = co.forecast_quantiles(co.History([row]), 5, cumulative=cumulative)
    assert np.isfinite(forecast.values).all()
    assert (np.diff(forecast.values, axis=2) >= 0).all()
    if min(np.nan_to_num(row)) >= 0:
        assert forecast.values.min() >= 0


@pytest.mark.usefixtures("plain")
def test_units_and_order_of_the_series_do_not_matter():
    rows = panel(9, 50)
    first = co.forecast_quantiles(co.History(rows), 4, season=12).values
    second = co.forecast_quantiles(co.History(1024 * rows[::-1]), 4, season=12).values
    np.testing.assert_allclose(second[::-1], 1024 * first, rtol=1e-5)


@pytest.mark.usefixtures("plain")
def test_a_great_offset_moves_the_forecasts_and_nothing_else():
    rows = panel(9, 50)
    points = []
    for offset in (1e3, 1e9):
        ready = prepare(co.History(rows - offset), 4, 12)
        points.append(backtest_panel(ready)[0] * ready.scale[:, None, None] + offset)
    np.testing.assert_allclose(points[1], points[0], rtol=1e-4)


@pytest.mark.usefixtures("plain")
def test_rare_demand_may_be_counted_in_any_unit():
    rows = np.random.default_rng(1).poisson(0.4, (30, 60)) * 2.0
    first = co.forecast_quantiles(co.History(rows), 4).values
    for unit in (1e-9, 0.25, 6.0):
        np.testing.assert_allclose(co.forecast_quantiles(co.History(unit * rows), 4).values, unit * first, rtol=1e-9)


@pytest.mark.usefixtures("plain")
def test_one_wild_series_does_not_send_the_others_out_of_sight():
    rows = 10 + np.random.default_rng(1).normal(0, 1, (8, 20))
    rows[0, 16] = 1e7
    told = co.forecast_quantiles(co.History(rows), 6, levels=[0.005, 0.5, 0.995]).values
    assert np.abs(told[1:]).max() < 200


@pytest.mark.usefixtures("plain")
def test_censored_sales_are_read_as_at_least_that_much_demand():
    sales = np.full((1, 40), 10.0)
    stock = np.ones((1, 40), dtype=bool)
    sales[0, 30:36], stock[0, 30:36] = 0.0, False
    told = co.forecast_quantiles(co.History(sales, in_stock=stock), 3).at(0.5)
    np.testing.assert_allclose(told, 10.0, rtol=1e-6)


def test_series_without_observations_are_named():
    with pytest.raises(co.ArgumentError, match="bare"):
        co.forecast_quantiles(co.History([[1.0, 2.0], [NAN, NAN]], ids=["full", "bare"]), 2)


def test_unknown_frequency_is_voted_on():
    rng = np.random.default_rng(0)
    wave = np.tile(rng.random(24), 8)
    rows = [wave + 0.05 * rng.random(192) for _ in range(5)]
    assert find_season(np.concatenate(rows), np.arange(0, 961, 192)) == (24,)
    assert find_season(rng.random(300), np.array([0, 100, 200, 300])) == ()
