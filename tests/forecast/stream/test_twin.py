"""Compiled and array arithmetic, replay and batch: the same bits."""

import numpy as np
import pytest

from capacity_opt.forecast.history import History
from capacity_opt.forecast.stream.layout import StreamSettings
from capacity_opt.forecast.stream.state import StreamState

SEASONS = (1, 2, 7)


def bits(state):
    return state.records.view(np.int32)


def streams(rng, count, length):
    demand = rng.gamma(1.5, 4.0, (count, length)) * (1 + np.arange(length) / 40)
    demand[rng.random(demand.shape) < 0.1] = np.nan
    return demand.astype(np.float32)


@pytest.mark.parametrize("season", SEASONS)
def test_compiled_and_numpy_updates_agree_bit_for_bit_whatever_comes(season):
    rng = np.random.default_rng(season)
    settings = StreamSettings(season_length=season)
    states = [
        StreamState.start(np.arange(300).astype(str), settings, engine=engine) for engine in ("compiled", "numpy")
    ]
    for step in range(60):
        values = streams(rng, 300, 1)[:, 0]
        stock = rng.random(300) < 0.9 if step % 3 else None
        period = step if rng.random() < 0.9 else max(0, step - int(rng.integers(40)))
        rows = rng.integers(0, 300, 100)
        single, periods = streams(rng, 100, 1)[:, 0], rng.integers(max(0, step - 45), step + 3, 100)
        dense = [state.update(values, period=period, in_stock=stock) for state in states]
        sparse = [state.update_some(rows, single, period=periods) for state in states]
        assert dense[0] == dense[1]
        assert sparse[0] == sparse[1]
    np.testing.assert_array_equal(bits(states[0]), bits(states[1]))


@pytest.mark.parametrize("season", SEASONS)
def test_they_agree_on_whole_periods_without_gaps_too(season):
    rng = np.random.default_rng(season)
    start = np.full((100, 1), 5.0)
    states = [
        StreamState.from_history(History(start), StreamSettings(season_length=season), profile=7, engine=engine)
        for engine in ("compiled", "numpy")
    ]
    for step in range(1, 150):  # more than 64 seasons of two, where gains stop changing
        values = rng.gamma(1.5, 4.0, 100).astype(np.float32)
        for state in states:
            assert state.update(values, period=step).used == 100
    np.testing.assert_array_equal(bits(states[0]), bits(states[1]))


@pytest.mark.parametrize("engine", ["compiled", "numpy"])
@pytest.mark.parametrize("season", SEASONS)
def test_replay_equals_batch_bit_for_bit(engine, season):
    demand = streams(np.random.default_rng(season + 10), 50, 90)
    demand[:10, :30] = np.nan  # series that begin later
    history = History(demand, ids=np.arange(50).astype(str))
    settings = StreamSettings(season_length=season)
    batch = StreamState.from_history(history, settings, profile=7, engine=engine)
    replayed = StreamState.start(batch.ids, settings, profile=7, engine=engine)
    for period in range(90):
        replayed.update(demand[:, period], period=period)
    np.testing.assert_array_equal(bits(batch), bits(replayed))
    assert batch.period == replayed.period == 89


def test_history_split_at_any_point_gives_the_same_state():
    demand = streams(np.random.default_rng(3), 20, 80)
    whole = StreamState.from_history(History(demand), profile=2)
    begun = StreamState.from_history(History(demand[:, :33]), profile=2)
    for period in range(33, 80):
        begun.update(demand[:, period], period=period)
    np.testing.assert_array_equal(bits(whole), bits(begun))
