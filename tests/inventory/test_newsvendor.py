import numpy as np
import pytest

import capacity_opt as co
from capacity_opt.errors import ArgumentError

LEVELS = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99]
DEMANDS = {
    "normal": co.Normal([50.0, 8.0, 100.0], [8.0, 1.0, 30.0]),
    "gamma_with_large_variation": co.Gamma([50.0, 8.0, 100.0], [80.0, 14.0, 30.0]),
    "poisson": co.Poisson([0.05, 6.0, 300.0]),
    "pmf": co.Pmf([[0.6, 0.1, 0.1, 0.2], [0.0, 0.5, 0.0, 0.5], [0.1, 0.2, 0.3, 0.4]]),
    "empirical": co.Empirical([[1, 4, 2, 8], [0, 0, 3, 0], [10, 12, 11, 9]]),
    "quantiles": co.QuantileDemand([0.1, 0.5, 0.9], [[0, 2, 9], [80, 100, 140], [0, 0, 0]]),
    "integer_quantiles": co.QuantileDemand([0.1, 0.5, 0.9], [[0, 2, 9], [80, 100, 140], [3, 5, 9]], integer=True),
}


@pytest.fixture(params=DEMANDS)
def demand(request):
    return DEMANDS[request.param]


@pytest.mark.parametrize("short", [0.5, 9.0, 300.0])
def test_no_other_order_costs_less(demand, short):
    best = co.optimize_newsvendor(demand, stockout_cost=short, holding_cost=1)
    for step in [0.5, 1.0, -1.0, 2.0, -3.0, 10.0]:
        order = np.maximum(best.order_quantity + (np.sign(step) * np.ceil(abs(step)) if demand.discrete else step), 0)
        told = co.evaluate_newsvendor(order, demand, stockout_cost=short, holding_cost=1)
        assert np.all(told.expected_cost >= best.expected_cost * (1 - 1e-9) - 1e-12)


def test_measures_belong_together(demand):
    best = co.optimize_newsvendor(demand, stockout_cost=9, holding_cost=2)
    np.testing.assert_allclose(
        best.expected_cost, 2 * best.expected_overage + 9 * best.expected_shortage, rtol=1e-9, atol=1e-12
    )
    left = best.order_quantity - demand.mean + best.expected_shortage
    np.testing.assert_allclose(best.expected_overage, left, rtol=1e-9, atol=1e-9)
    assert np.all((best.fill_rate >= 0) & (best.fill_rate <= 1))
    np.testing.assert_allclose(best.cycle_service_level, demand.cdf(best.order_quantity))
    assert np.all(best.cycle_service_level >= best.critical_ratio - 1e-9)
    assert np.all(np.isnan(best.expected_profit))


def test_a_batch_gives_the_same_bits_as_one_item(demand):
    short = np.array([0.7, 9.0, 300.0])
    batch = co.optimize_newsvendor(demand, stockout_cost=short, holding_cost=1)
    for item in range(3):
        alone = co.optimize_newsvendor(demand.take(np.array([item])), stockout_cost=short[item], holding_cost=1)
        assert alone.order_quantity[0] == batch.order_quantity[item]
        assert alone.expected_cost[0] == batch.expected_cost[item]
        assert alone.fill_rate[0] == batch.fill_rate[item]


@pytest.mark.parametrize("tail", ["exponential", "clamp"])
def test_compiled_and_plain_table_walks_give_the_same_bits(monkeypatch, tail):
    rng = np.random.default_rng(0)
    values = np.sort(rng.gamma(2.0, 50.0, (30_000, 9)), axis=1) * (rng.random((30_000, 1)) > 0.1)
    demand = co.QuantileDemand(LEVELS, values, tail=tail)
    costs = {"stockout_cost": rng.uniform(0.001, 300, 30_000), "holding_cost": 1}
    fast = co.optimize_newsvendor(demand, **costs)
    monkeypatch.setenv("CAPACITY_OPT_COMPILE", "0")
    plain = co.optimize_newsvendor(demand, **costs)
    for name in ("order_quantity", "expected_cost", "expected_shortage"):
        np.testing.assert_array_equal(getattr(fast, name), getattr(plain, name))


def test_the_table_walk_agrees_with_the_distribution_it_stands_for():
    rng = np.random.default_rng(1)
    demand = co.QuantileDemand(LEVELS, np.sort(rng.gamma(2.0, 50.0, (200, 9)), axis=1))
    best = co.optimize_newsvendor(demand, stockout_cost=rng.uniform(0.01, 300, 200), holding_cost=1)
    np.testing.assert_allclose(best.order_quantity, demand.quantile(best.critical_ratio), rtol=1e-12)
    np.testing.assert_allclose(best.expected_shortage, demand.loss(best.order_quantity), rtol=1e-9)


def test_many_items_are_solved_in_chunks_with_the_same_bits():
    rng = np.random.default_rng(2)
    demand = co.Gamma(rng.uniform(1, 50, 150_000), 10.0)
    short = rng.uniform(1, 50, 150_000)
    best = co.optimize_newsvendor(demand, stockout_cost=short, holding_cost=1)
    items = np.array([0, 70_000, 149_999])
    few = co.optimize_newsvendor(demand.take(items), stockout_cost=short[items], holding_cost=1)
    np.testing.assert_array_equal(best.expected_cost[items], few.expected_cost)


def test_one_demand_for_many_costs():
    best = co.optimize_newsvendor(co.Poisson(6.0), stockout_cost=[1, 4, 99], holding_cost=1)
    np.testing.assert_array_equal(best.order_quantity, [6, 8, 12])


def test_limits():
    nothing = co.optimize_newsvendor(co.Poisson(6.0), stockout_cost=0, holding_cost=1)
    assert nothing.order_quantity == 0
    assert nothing.expected_cost == 0
    without = co.optimize_newsvendor(co.Poisson(0.0), stockout_cost=9, holding_cost=1)
    assert (without.order_quantity, without.expected_cost, without.fill_rate) == (0, 0, 1)
    huge = co.optimize_newsvendor(co.Poisson(6.0), stockout_cost=1e30, holding_cost=1)
    assert 30 < huge.order_quantity < 60
    cheap = co.optimize_newsvendor(co.Normal(6.0, 4.0), stockout_cost=0.01, holding_cost=1)
    assert cheap.order_quantity == 0  # the quantile is negative


def test_a_ratio_beyond_the_levels_is_flagged():
    demand = co.QuantileDemand([0.1, 0.5, 0.9], [[80, 100, 140]] * 3)
    best = co.optimize_newsvendor(demand, stockout_cost=[4, 99, 0.01], holding_cost=1)
    np.testing.assert_array_equal(best.ratio_outside_levels, [False, True, True])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "give stockout_cost and holding_cost, or price and unit_cost"),
        ({"stockout_cost": 9}, "give stockout_cost and holding_cost"),
        ({"stockout_cost": 9, "holding_cost": 0}, "the cost of a unit left over .* must be > 0, got 0"),
        ({"stockout_cost": [9, -1, 3], "holding_cost": 1}, "stockout_cost must be >= 0, got -1 at position 1"),
        ({"stockout_cost": float("inf"), "holding_cost": 1}, "stockout_cost must be finite, got inf"),
        ({"price": 7}, "needs both price and unit_cost"),
        ({"price": 7, "unit_cost": 9}, "price - unit_cost .* must be >= 0, got -2"),
        ({"price": 7, "unit_cost": 2, "salvage": 3}, "the cost of a unit left over .* must be > 0, got -1"),
        ({"stockout_cost": 9, "holding_cost": 1, "salvage": 1}, "salvage belongs to the profit form"),
        ({"stockout_cost": [9, 9], "holding_cost": 1}, "broadcast"),
        ({"stockout_cost": "dear", "holding_cost": 1}, "must be a number"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        co.optimize_newsvendor(co.Poisson([1.0, 2.0, 3.0]), **arguments)
