"""Bid prices: the solver against the closed form of one pool, differences, errors."""

import numpy as np
import pytest

import capacity_opt as co
from capacity_opt.admission import bid_prices

USAGE = [[1, 1, 0, 2], [0, 1, 1, 1]]
FARE = [100.0, 150.0, 80.0, 260.0]


@pytest.mark.parametrize("unit", ["last", "next"])
def test_one_pool_without_a_solver_equals_the_program(unit):
    rng = np.random.default_rng(5)
    take, fare = np.array([1.0, 2.0, 1.0]), np.array([9.0, 13.0, 4.0])
    demand = rng.poisson([5, 4, 6], (40, 3)).astype(float)
    nudge = bid_prices._nudge(unit)
    quick = bid_prices._solve_all(take[None], np.array([12.0]), fare, demand, nudge)
    idle = np.vstack([take, np.zeros(3)])
    full = bid_prices._solve_all(idle, np.array([12.0, 5.0]), fare, demand, nudge)
    np.testing.assert_allclose(quick[0], full[0], rtol=1e-9)
    np.testing.assert_allclose(quick[1][:, 0], full[1][:, 0], atol=1e-9)


def test_a_price_is_what_one_more_unit_earns_on_average():
    given = {"demand": co.Normal([6.0, 9.0, 7.0, 3.0], [2.0, 3.0, 2.0, 1.0]), "fare": FARE, "samples": 300, "seed": 4}
    now = co.randomized_bid_prices(USAGE, capacity=[14, 10], **given)
    more = co.randomized_bid_prices(USAGE, capacity=[14.05, 10], **given)
    assert (more.revenue - now.revenue) / 0.05 == pytest.approx(now.bid_price[0], rel=0.05)
    assert np.all(now.bid_price_error > 0)
    assert now.revenue_error > 0


def test_randomised_revenue_is_below_the_deterministic_bound():
    mean = [6.0, 9.0, 7.0, 3.0]
    sure = co.network_bid_prices(USAGE, capacity=[14, 10], demand=mean, fare=FARE)
    drawn = co.randomized_bid_prices(USAGE, capacity=[14, 10], demand=co.Poisson(mean), fare=FARE, samples=300, seed=2)
    assert drawn.revenue < sure.revenue
    assert np.all(np.asarray(USAGE) @ drawn.allocation <= [14 + 1e-6, 10 + 1e-6])


def test_accepts_what_pays():
    told = co.network_bid_prices([[1, 1, 0], [0, 1, 1]], capacity=[10, 8], demand=[6, 9, 7], fare=[100, 150, 80])
    assert told.accepts([71, 149, 80], [[1, 1, 0], [0, 1, 1]]).tolist() == [True, False, True]


def test_a_static_price_for_reusable_capacity_is_refused_with_the_reason():
    with pytest.raises(co.ArgumentError, match="first come, first served.*tune_critical_levels"):
        co.network_bid_prices([[1]], capacity=[5], demand=[9], fare=[1], reusable=True)
    with pytest.raises(co.ArgumentError, match="first come, first served.*tune_critical_levels"):
        co.randomized_bid_prices([[1]], capacity=[5], demand=co.Poisson([9.0]), fare=[1], seed=1, reusable=True)


def test_errors_name_the_argument():
    with pytest.raises(co.ArgumentError, match="unit must be"):
        co.network_bid_prices([[1]], capacity=[5], demand=[9], fare=[1], unit="first")
    with pytest.raises(co.ArgumentError, match="one item per class"):
        co.randomized_bid_prices([[1, 1]], capacity=[5], demand=co.Poisson([9.0]), fare=[1, 2], seed=1)
