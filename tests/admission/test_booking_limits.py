"""Booking limits: brute force, simulation of the given limits, any demand, and the order between methods."""

import numpy as np
import pytest

import capacity_opt as co

FARE = np.array([500.0, 300.0, 180.0])


def played(protection, demand, fare, capacity, *, count=100_000, seed=3):
    """Mean revenue and its standard error when the cheapest class asks first, sample by sample."""
    asked = np.maximum(demand.sample(count, rng=np.random.default_rng(seed)), 0.0)
    left, money = np.full(count, float(capacity)), np.zeros(count)
    for j in range(len(fare) - 1, -1, -1):
        kept = protection[j - 1] if j else 0.0
        sold = np.minimum(asked[:, j], np.maximum(left - kept, 0.0))
        left, money = left - sold, money + fare[j] * sold
    return money.mean(), money.std() / np.sqrt(count)


@pytest.mark.parametrize(
    "demand",
    [
        co.Poisson([8.0, 12.0, 25.0]),
        co.Normal([8.0, 12.0, 25.0], [4.0, 5.0, 9.0]),
        co.Gamma([8.0, 12, 25], [6.0, 5, 20]),
    ],
    ids=["poisson", "normal", "gamma"],
)
def test_expected_revenue_is_what_playing_the_limits_earns(demand):
    for told in (
        co.optimize_booking_limits(demand, fare=FARE, capacity=30),
        co.approximate_booking_limits(demand, fare=FARE, capacity=30),
        co.evaluate_booking_limits([3.0, 11.0], demand, fare=FARE, capacity=30),
    ):
        mean, error = played(told.protection, demand, FARE, 30)
        assert told.expected_revenue == pytest.approx(mean, abs=4.5 * error)


def test_exact_limits_are_the_best_of_all_for_counts():
    demand = co.Poisson([4.0, 5.0, 9.0])
    best = co.optimize_booking_limits(demand, fare=FARE, capacity=12)
    every = [
        co.evaluate_booking_limits([a, b], demand, fare=FARE, capacity=12).expected_revenue
        for a in range(13)
        for b in range(a, 13)
    ]
    assert best.expected_revenue == pytest.approx(max(every), rel=1e-12)
    assert np.all(best.protection == np.rint(best.protection))


def test_exact_beats_heuristics_beats_nothing():
    demand = co.Normal([20.0, 30.0, 50.0], [10.0, 10.0, 15.0])
    best = co.optimize_booking_limits(demand, fare=FARE, capacity=70)
    for method in ("emsr_a", "emsr_b"):
        told = co.approximate_booking_limits(demand, fare=FARE, capacity=70, method=method)
        assert 0.98 * best.expected_revenue <= told.expected_revenue <= best.expected_revenue * (1 + 1e-6)
    nothing = co.evaluate_booking_limits([0.0, 0.0], demand, fare=FARE, capacity=70)
    assert nothing.expected_revenue < best.expected_revenue


def test_two_classes_are_littlewood():
    for demand in (co.Normal([40.0, 60.0], [12.0, 20.0]), co.Poisson([40.0, 60.0])):
        best = co.optimize_booking_limits(demand, fare=[10, 4], capacity=80)
        rule = co.littlewood(demand.take(np.array([0])), fare=10, low_fare=4)
        np.testing.assert_allclose(best.protection, rule, atol=0.02)


def test_quantile_and_empirical_demand():
    quantiles = co.QuantileDemand(levels=[0.1, 0.5, 0.9], values=[[5, 8, 14], [10, 20, 35]])
    told = co.optimize_booking_limits(quantiles, fare=[9, 5], capacity=25)
    mean, error = played(told.protection, quantiles, np.array([9.0, 5.0]), 25)
    assert told.expected_revenue == pytest.approx(mean, abs=4.5 * error)


def test_bid_prices_fall_and_add_up_to_the_value():
    told = co.optimize_booking_limits(co.Poisson([8.0, 12.0, 25.0]), fare=FARE, capacity=30)
    assert np.all(np.diff(told.bid_price) <= 1e-9)
    assert told.bid_price.sum() == pytest.approx(told.expected_revenue)
    assert told.booking_limit.tolist()[0] == 30
    assert np.all(np.diff(told.booking_limit) <= 0)


def test_errors_name_the_argument():
    demand = co.Poisson([4.0, 5.0])
    with pytest.raises(co.ArgumentError, match="fare must fall strictly"):
        co.optimize_booking_limits(demand, fare=[1, 2], capacity=9)
    with pytest.raises(co.ArgumentError, match="one item per fare"):
        co.optimize_booking_limits(demand, fare=[3, 2, 1], capacity=9)
    with pytest.raises(co.ArgumentError, match="whole"):
        co.optimize_booking_limits(demand, fare=[2, 1], capacity=9.5)
    with pytest.raises(co.ArgumentError, match="protection must have 1"):
        co.evaluate_booking_limits([1, 2], demand, fare=[2, 1], capacity=9)
