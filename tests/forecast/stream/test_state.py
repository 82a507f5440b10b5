"""What a stream of forecasts promises: each observation once, calibrated quantiles, drift seen."""

from dataclasses import replace

import numpy as np
import pytest

from capacity_opt.errors import ArgumentError
from capacity_opt.forecast.history import History
from capacity_opt.forecast.stream.layout import StreamSettings
from capacity_opt.forecast.stream.state import StreamState

STEADY = np.tile([8.0, 12.0, 9.0, 11.0], 20)


def steady(count=1, **settings):
    return StreamState.from_history(History(np.tile(STEADY, (count, 1))), StreamSettings(**settings), profile=3)


def test_a_repeated_observation_changes_nothing():
    state = steady()
    state.update([30.0], period=80)
    before = state.records.copy()
    assert state.update([30.0], period=80).repeated == 1
    np.testing.assert_array_equal(state.records.view(np.int32), before.view(np.int32))


@pytest.mark.parametrize("engine", ["compiled", "numpy"])
def test_a_first_observation_without_stock_counts_once_too(engine):
    state = StreamState.start(["a"], engine=engine)
    first = state.update([4.0], period=5, in_stock=[False])
    before = state.records.copy()
    again = state.update([4.0], period=5, in_stock=[False])
    assert (first.censored, again.censored, again.repeated) == (1, 0, 1)
    np.testing.assert_array_equal(state.records, before)


def test_a_late_observation_counts_once_with_the_weight_that_is_left():
    state = steady()
    state.update_some([0], [10.0], period=82)  # 80 and 81 are not in yet
    level = state.records[0, 0]
    assert state.update_some([0], [20.0], period=81).late == 1
    assert state.records[0, 0] == pytest.approx(level + 0.2 * 0.8 * (20 - level), rel=1e-5)
    assert state.update_some([0], [20.0], period=81).repeated == 1
    assert state.update_some([0], [20.0], period=30).too_late == 1


def test_a_missing_observation_is_no_zero():
    state = steady()
    before = state.records.copy()
    assert state.update([np.nan], period=80).missing == 1
    np.testing.assert_array_equal(state.records, before)
    assert state.period == 79


def test_sales_without_stock_can_only_raise_the_level():
    state, twin = steady(), steady()
    assert state.update([0.0], period=80, in_stock=[False]).censored == 1
    assert state.records[0, 0] == twin.records[0, 0]
    state.update([40.0], period=81, in_stock=[False])
    assert state.records[0, 0] > twin.records[0, 0] + 5
    np.testing.assert_array_equal(state.records[0, 8:16], twin.records[0, 8:16])


def test_several_periods_of_one_series_in_one_batch_are_taken_in_order_of_time():
    state, twin = steady(), steady()
    state.update_some([0, 0, 0], [14.0, 10.0, 12.0], period=[82, 80, 81])
    for period, value in ((80, 10.0), (81, 12.0), (82, 14.0)):
        twin.update([value], period=period)
    np.testing.assert_array_equal(state.records, twin.records)


def test_a_lasting_shift_is_flagged_and_steady_demand_is_not():
    rng = np.random.default_rng(0)
    state = StreamState.start(np.arange(400).astype(str), profile=1)
    for period in range(300):
        state.update(rng.normal(100, 10, 400), period=period)
    assert np.count_nonzero(state.drift()) <= 4
    for period in range(300, 312):
        state.update(rng.normal(100, 10, 400) + np.where(np.arange(400) < 200, 30, -30), period=period)
    assert (state.drift()[:200] == 1).mean() > 0.95
    assert (state.drift()[200:] == -1).mean() > 0.95


@pytest.mark.parametrize("kind", ["gamma", "heavy", "changing"])
def test_coverage_is_within_half_a_point_over_a_thousand_steps(kind):
    rng = np.random.default_rng(4)
    count, steps = 120, 1300
    noise = {
        "gamma": rng.gamma(2.0, 5.0, (steps, count)),
        "heavy": rng.standard_t(3, (steps, count)) * 5 + 100,
        "changing": rng.normal(0, 1, (steps, count)) * (5 + 4 * np.sin(np.arange(steps) / 90))[:, None] + 100,
    }
    demand = noise[kind]
    levels = (0.025, 0.05, 0.1, 0.9, 0.95, 0.975)
    state = StreamState.start(np.arange(count).astype(str), StreamSettings(levels=levels))
    below = np.zeros(len(levels))
    for period in range(steps):
        if period >= 300:
            below += (demand[period][:, None] <= state.forecast(1).values[:, 0]).mean(axis=0)
        state.update(demand[period], period=period)
    np.testing.assert_allclose(below / (steps - 300), levels, atol=0.005)


def test_quantiles_further_ahead_cover_too_and_so_do_totals():
    rng = np.random.default_rng(5)
    paths = 50 + np.cumsum(rng.normal(0, 1, (300, 260)), axis=1) + rng.normal(0, 3, (300, 260))
    state = StreamState.from_history(History(paths[:, :240]), horizon=20)
    each, total = state.forecast(20, levels=[0.1, 0.9]), state.forecast(20, levels=[0.1, 0.9], cumulative=True)
    ahead = paths[:, 240:260]
    inside = [
        (values[..., 0] <= seen) & (seen <= values[..., 1])
        for values, seen in ((each.values, ahead), (total.values, np.cumsum(ahead, axis=1)))
    ]
    assert abs(inside[0].mean() - 0.8) < 0.05
    assert abs(inside[1].mean() - 0.8) < 0.05
    assert (np.diff(each.values[..., 1] - each.values[..., 0], axis=1).mean()) > 0


def test_a_season_is_followed():
    season = np.array([0.0, 10.0, 50.0, 20.0, 5.0, 80.0, 30.0])
    state = StreamState.from_history(History(np.tile(season, 20)[None] + 10), StreamSettings(season_length=7))
    np.testing.assert_allclose(state.forecast(7).at(0.5)[0], season + 10, atol=0.5)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda s: s.update([1.0, 2.0], period=80), "one value per series"),
        (lambda s: s.update([np.inf], period=80), "finite"),
        (lambda s: s.update([1.0], period=-1), "period must be"),
        (lambda s: s.update_some([5], [1.0], period=80), "below 1"),
        (lambda s: s.update([1.0], period=80, in_stock=[True, False]), "in_stock must have the shape"),
        (lambda s: s.forecast(1, levels=[0.99999]), "near the tracked ones"),
    ],
)
def test_wrong_calls_say_what_to_do(call, told):
    with pytest.raises(ArgumentError, match=told):
        call(steady())


@pytest.mark.parametrize("engine", ["compiled", "numpy"])
@pytest.mark.parametrize("spoil", [lambda f: f[::2], lambda f: f[:, :8], lambda f: f.astype(float)])
def test_records_that_do_not_lie_one_after_another_are_refused(engine, spoil):
    whole = StreamState.start(np.arange(8).astype(str), engine=engine)
    before = whole.records.copy()
    records = spoil(whole.records)
    part = replace(whole, ids=whole.ids[: len(records)], records=records)
    for update in (
        lambda: part.update(np.ones(len(records)), period=0),
        lambda: part.update_some([0], [1.0], period=0),
    ):
        with pytest.raises(ArgumentError, match="C-contiguous"):
            update()
    np.testing.assert_array_equal(whole.records.view(np.int32), before.view(np.int32))
