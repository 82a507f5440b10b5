"""Placement scores: the long run, simulation of a stay, limits."""

import numpy as np
import pytest

import capacity_opt as co


def test_without_hours_it_is_the_chance_to_be_admitted():
    pool = co.multirate_loss(50, load=[30, 4], size=[1, 4])
    for units in (1, 4, 10):
        told = co.placement_score(pool, units=units)
        assert told.probability == pytest.approx(pool.occupancy[: 51 - units].sum())
    assert co.placement_score(pool, units=1).probability == pytest.approx(1 - pool.blocking[0])
    assert co.placement_score(pool, units=1, reservation=3).probability == pytest.approx(1 - pool.blocking[1])


def test_known_use_decides():
    pool = co.multirate_loss(50, load=[30.0], size=[1])
    assert co.placement_score(pool, units=10, used=40).score == 10
    assert co.placement_score(pool, units=11, used=40).score == 1


def test_a_stay_agrees_with_simulation():
    capacity, load, units, hours = 30, 18.0, 6, 2.0
    pool = co.multirate_loss(capacity, load=[load], size=[1])
    told = co.placement_score(pool, units=units, hours=hours)
    rng = np.random.default_rng(0)
    kept, count = 0, 6_000
    state = rng.choice(capacity + 1, size=count, p=pool.occupancy / pool.occupancy.sum())
    for used in state:
        time = 0.0
        while used <= capacity - units:
            rate = load + used
            time += rng.exponential(1 / rate)
            if time > hours:
                kept += 1
                break
            used += 1 if rng.random() * rate < load else -1
    share = kept / count
    assert told.probability == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / count))


def test_longer_stays_and_larger_requests_score_lower():
    pool = co.multirate_loss(60, load=[20, 5, 1], size=[1, 2, 8])
    hold = [1.0, 2.0, 0.5]
    stays = [co.placement_score(pool, units=10, hours=h, holding_time=hold).probability for h in (0, 0.5, 2, 10)]
    sizes = [co.placement_score(pool, units=n, hours=1, holding_time=hold).probability for n in (1, 10, 30, 60, 61)]
    assert np.all(np.diff(stays) < 0)
    assert np.all(np.diff(sizes) < 0)
    assert co.placement_score(pool, units=61).score == 1


def test_errors_name_the_argument():
    pool = co.multirate_loss(60, load=[20.0], size=[1])
    with pytest.raises(co.ArgumentError, match="hours = 1e\\+09 needs"):
        co.placement_score(pool, units=1, hours=1e9)
    with pytest.raises(co.ArgumentError, match="single pool"):
        co.placement_score(co.multirate_loss(6, load=[[2.0], [3.0]], size=[1]), units=1)
