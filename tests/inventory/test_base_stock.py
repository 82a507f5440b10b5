import numpy as np
import pytest

import capacity_opt as co
from capacity_opt.errors import ArgumentError

DEMANDS = {
    "poisson": co.Poisson([0.05, 3.0, 40.0]),
    "negative_binomial": co.NegativeBinomial([0.5, 3.0, 40.0], variance=[1.5, 9.0, 90.0]),
    "normal": co.Normal([10.0, 50.0, 100.0], [2.0, 15.0, 30.0]),
    "gamma": co.Gamma([10.0, 50.0, 100.0], [12.0, 15.0, 30.0]),
    "pmf": co.Pmf([[0.6, 0.1, 0.1, 0.2], [0.0, 0.5, 0.0, 0.5], [0.1, 0.2, 0.3, 0.4]]),
    "quantiles": co.QuantileDemand([0.1, 0.5, 0.9], [[0, 2, 9], [80, 100, 140], [3, 5, 9]]),
    "integer_quantiles": co.QuantileDemand([0.1, 0.5, 0.9], [[0, 2, 9], [80, 100, 140], [3, 5, 9]], integer=True),
}
TARGETS = ["fill_rate", "cycle_service_level", "ready_rate", "no_stockout", "gamma"]


@pytest.fixture(params=DEMANDS)
def demand(request):
    return DEMANDS[request.param]


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("target", [0.8, 0.99])
@pytest.mark.parametrize("review", [1, 3])
def test_the_level_for_a_target_reaches_it_and_none_lower_does(demand, name, target, review):
    best = co.optimize_base_stock(demand, holding_cost=1, lead_time=2, review_period=review, **{name: target})
    assert np.all(getattr(best, name) >= target - 1e-9)
    step = 1.0 if demand.discrete else 1e-4 * (best.base_stock_level + 1)
    lower = co.evaluate_base_stock(
        best.base_stock_level - step, demand, holding_cost=1, lead_time=2, review_period=review
    )
    assert np.all((getattr(lower, name) < target) | (best.base_stock_level == 0))
    if demand.discrete:
        assert np.all(best.base_stock_level == np.rint(best.base_stock_level))


@pytest.mark.parametrize("review", [1, 2, 4])
def test_no_other_level_costs_less(demand, review):
    costs = {"holding_cost": 1, "stockout_cost": [9, 19, 4], "lead_time": 1, "review_period": review}
    best = co.optimize_base_stock(demand, **costs)
    for step in [1.0, -1.0, 2.0, -2.0, 5.0]:
        other = co.evaluate_base_stock(best.base_stock_level + step, demand, **costs)
        assert np.all(other.expected_cost >= best.expected_cost * (1 - 1e-12))


def test_cost_is_the_average_over_the_period_ends_of_a_review_interval():
    demand, level = co.Poisson(4.0), 17.0
    told = co.evaluate_base_stock(level, demand, holding_cost=1, stockout_cost=9, lead_time=1, review_period=3)
    ends = [co.evaluate_newsvendor(level, co.Poisson(4.0 * t), holding_cost=1, stockout_cost=9) for t in (2, 3, 4)]
    assert told.expected_cost == pytest.approx(np.mean([end.expected_cost for end in ends]), rel=1e-12)
    at_end = co.evaluate_base_stock(
        level, demand, holding_cost=1, stockout_cost=9, lead_time=1, review_period=3, count_at_review_end=True
    )
    assert at_end.expected_cost == pytest.approx(ends[-1].expected_cost, rel=1e-12)


def test_measures_add_up(demand):
    told = co.evaluate_base_stock(60.0, demand, holding_cost=2, stockout_cost=7, lead_time=1)
    np.testing.assert_allclose(told.expected_cost, 2 * told.on_hand + 7 * told.expected_backorders, rtol=1e-12)
    mean = 2 * demand.mean
    np.testing.assert_allclose(told.on_hand - told.expected_backorders, 60.0 - mean, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(told.safety_stock, 60.0 - mean, rtol=1e-5, atol=1e-5)


def test_fill_rate_of_a_deterministic_demand_steps():
    told = co.evaluate_base_stock([6.0, 8.0, 9.0], co.Deterministic(4.0), holding_cost=1, lead_time=1)
    np.testing.assert_allclose(told.fill_rate, [0.5, 1.0, 1.0])


def test_more_correlation_needs_more_stock():
    levels = co.optimize_base_stock(
        co.Normal(100, 30), holding_cost=1, stockout_cost=9, lead_time=3, correlation=[0.0, 0.5, 1.0]
    ).base_stock_level
    np.testing.assert_allclose(levels, [476.893094, 510.429299, 553.786188], rtol=1e-6)


def test_a_batch_gives_the_same_bits_as_one_item(demand):
    for name, target in [("fill_rate", 0.97), ("stockout_cost", 9.0)]:
        batch = co.optimize_base_stock(demand, holding_cost=1, lead_time=2, **{name: target})
        for item in range(3):
            alone = co.optimize_base_stock(demand.take(np.array([item])), holding_cost=1, lead_time=2, **{name: target})
            assert alone.base_stock_level[0] == batch.base_stock_level[item]
            assert alone.expected_cost[0] == batch.expected_cost[item]
            assert alone.fill_rate[0] == batch.fill_rate[item]


def test_items_may_be_many_with_their_own_targets():
    rng = np.random.default_rng(2)
    demand = co.Poisson(rng.uniform(0.1, 30, 5000))
    targets = rng.uniform(0.8, 0.999, 5000)
    lead = rng.integers(0, 8, 5000)
    best = co.optimize_base_stock(demand, holding_cost=1, fill_rate=targets, lead_time=lead)
    assert np.all(best.fill_rate >= targets)
    lower = co.evaluate_base_stock(best.base_stock_level - 1, demand, holding_cost=1, lead_time=lead)
    assert np.all((lower.fill_rate < targets) | (best.base_stock_level == 0))


def test_quantiles_asked_beyond_their_levels_are_flagged():
    demand = co.QuantileDemand([0.1, 0.5, 0.9], [[80, 100, 140], [80, 100, 140]])
    best = co.optimize_base_stock(demand, holding_cost=1, stockout_cost=[4, 99], lead_time=0, review_period=1)
    np.testing.assert_array_equal(best.ratio_outside_levels, [False, True])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "give stockout_cost or one service target"),
        ({"stockout_cost": 9, "fill_rate": 0.9}, "got stockout_cost, fill_rate"),
        ({"fill_rate": 99}, r"fill_rate must be in \(0, 1\), got 99. For a percentage write 0.99"),
        ({"stockout_cost": 9, "holding_cost": 0}, "holding_cost .* must be > 0"),
        ({"stockout_cost": 9, "lead_time": -1}, "lead_time must be >= 0, got -1"),
        ({"stockout_cost": [9, -1, float("nan")]}, "stockout_cost must be finite, got nan at position 2"),
        ({"stockout_cost": [9, 9], "holding_cost": [1, 1, 1]}, "broadcast"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        co.optimize_base_stock(co.Poisson([1.0, 2.0, 3.0]), **{"holding_cost": 1, **arguments})


def test_compiled_and_plain_searches_find_the_same_levels(monkeypatch):
    rng = np.random.default_rng(3)
    demand = co.Poisson(np.exp(rng.uniform(np.log(0.01), np.log(200), 25_000)))
    lead = rng.integers(0, 8, 25_000)
    arguments = {"holding_cost": 1, "fill_rate": rng.uniform(0.5, 0.9999, 25_000), "lead_time": lead}
    fast = co.optimize_base_stock(demand, **arguments)
    monkeypatch.setenv("CAPACITY_OPT_COMPILE", "0")
    plain = co.optimize_base_stock(demand, **arguments)
    np.testing.assert_array_equal(fast.base_stock_level, plain.base_stock_level)
