"""The event simulation against exact blocking, for several holding times, and its own twin."""

import numpy as np
import pytest

import capacity_opt as co

POOL = {"arrival_rate": [20, 5, 2], "size": [1, 4, 8]}


@pytest.mark.parametrize(
    "holding_time",
    [[1.0, 1.0, 1.0], co.Deterministic([1.0, 1.0, 1.0]), co.LogNormal([1.0, 1.0, 1.0], [2.0, 2.0, 2.0])],
    ids=["exponential", "deterministic", "lognormal"],
)
def test_blocking_depends_on_the_mean_holding_time_only(holding_time):
    told = co.simulate_admission(60, **POOL, holding_time=holding_time, seed=11, requests=40_000)
    exact = co.multirate_loss(60, load=POOL["arrival_rate"], size=POOL["size"])
    assert np.all(told.covers(exact.blocking))
    assert told.mean_used_low <= exact.mean_used <= told.mean_used_high


def test_reservation_with_equal_sizes_and_holding_times():
    told = co.simulate_admission(
        20, arrival_rate=[14, 10], holding_time=1.0, size=[1, 1], reservation=[0, 3], seed=5, requests=40_000
    )
    assert np.all(told.covers(co.multirate_loss(20, load=[14, 10], size=[1, 1], reservation=[0, 3]).blocking))


def test_network_against_enumeration():
    usage, capacity, load = [[1, 2, 0], [1, 2, 0], [1, 0, 1], [1, 0, 1]], [2, 3, 4, 5], [1.0, 1.0, 1.0]
    told = co.simulate_admission(capacity, arrival_rate=load, holding_time=1.0, size=usage, seed=3, requests=40_000)
    exact = co.network_loss(usage, capacity=capacity, load=load)
    assert np.all(told.covers(exact.blocking))
    assert np.all((told.mean_used_low <= exact.mean_used) & (exact.mean_used <= told.mean_used_high))


def test_numpy_and_compiled_play_the_same_game(monkeypatch):
    given = {**POOL, "holding_time": [1.0, 2.0, 0.5], "reservation": [4, 2, 0], "seed": 1}
    fast = co.simulate_admission(40, **given, requests=1500, replications=3)
    monkeypatch.setenv("CAPACITY_OPT_COMPILE", "0")
    slow = co.simulate_admission(40, **given, requests=1500, replications=3)
    assert fast.blocking.tolist() == slow.blocking.tolist()
    assert fast.mean_used == pytest.approx(float(slow.mean_used), rel=1e-12)


def test_a_request_larger_than_the_pool_is_always_lost():
    told = co.simulate_admission(5, arrival_rate=[1, 1], holding_time=1.0, size=[1, 6], seed=2, requests=1000)
    assert told.blocking[1] == 1


def test_same_seed_same_answer_and_errors():
    given = {"arrival_rate": [3.0], "holding_time": [1.0], "size": [1], "requests": 500, "replications": 2}
    assert co.simulate_admission(4, **given, seed=9).blocking == co.simulate_admission(4, **given, seed=9).blocking
    with pytest.raises(co.ArgumentError, match="size must be"):
        co.simulate_admission([4, 4], **given, seed=9)
    with pytest.raises(co.ArgumentError, match="arrival_rate must be above 0"):
        co.simulate_admission(4, arrival_rate=[0.0], holding_time=1.0, size=[1], seed=1)


def test_a_loaded_start_shows_the_long_run_where_an_empty_one_would_still_be_filling():
    # A request stays far longer than the play lasts: from empty nothing would ever be lost.
    asked = {"arrival_rate": [80.0, 1.0], "holding_time": [0.1, 40.0], "size": [1, 1], "seed": 5}
    exact = float(co.erlang_b(48.0, 50))
    how = {"requests": 1000, "replications": 400}
    empty = co.simulate_admission(50, **asked, **how)
    loaded = co.simulate_admission(50, **asked, **how, loaded=True)
    assert empty.blocking[0] < 0.2 * exact
    assert loaded.covers([exact, exact]).all()
    heavy = asked | {"holding_time": co.LogNormal([0.1, 40.0], [0.2, 80.0])}
    assert co.simulate_admission(50, **heavy, **how, loaded=True).blocking[0] == pytest.approx(exact, rel=0.2)
