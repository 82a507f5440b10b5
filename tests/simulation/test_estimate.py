"""Intervals cover the truth as often as they say."""

import numpy as np
import pytest
from scipy import stats

from capacity_opt import ArgumentError, BaseStock, Item, Poisson, evaluate_base_stock, simulate
from capacity_opt.simulation.estimate import batch_means, estimate_mean, estimate_ratio, estimate_share

TRIALS = 1000


def share_in_bounds(covered, level=0.95):
    """Coverage as often as said, give or take what chance allows once in a thousand tests."""
    low, high = stats.binom.interval(0.999, len(covered), level)
    return low <= np.sum(covered) <= high


def test_replication_intervals_of_means_and_ratios_have_their_coverage():
    rng = np.random.default_rng(1)
    values = rng.gamma(4.0, 1.0, (200, TRIALS))
    assert share_in_bounds(estimate_mean(values).covers(np.full(TRIALS, 4.0)))
    assert share_in_bounds(estimate_mean(values, level=0.8).covers(np.full(TRIALS, 4.0)), 0.8)
    asked = rng.poisson(50.0, (200, TRIALS)).astype(float)
    met = rng.binomial(asked.astype(int), 0.9).astype(float)
    assert share_in_bounds(estimate_ratio(met, asked).covers(np.full(TRIALS, 0.9)))


def test_batch_means_of_a_dependent_run_have_their_coverage_and_plain_means_have_not():
    rng = np.random.default_rng(2)
    noise = rng.standard_normal((4000, TRIALS))
    run = np.empty_like(noise)
    run[0] = noise[0] / np.sqrt(1 - 0.8**2)
    for t in range(1, len(run)):
        run[t] = 0.8 * run[t - 1] + noise[t]
    truth = np.zeros(TRIALS)
    assert share_in_bounds(batch_means(run).covers(truth))
    assert np.mean(estimate_mean(run).covers(truth)) < 0.6
    with pytest.raises(ArgumentError, match="at least 2 batches"):
        batch_means(run[:5], batches=20)


def test_a_simulated_fill_rate_covers_the_exact_one_as_often_as_said():
    """1,000 items alike, each with draws of its own: their intervals are 1,000 trials."""
    item = Item(holding_cost=1, stockout_cost=9, lead_time=2)
    policy = BaseStock(base_stock_level=np.full(TRIALS, 19.0))
    exact = evaluate_base_stock(BaseStock(base_stock_level=19.0), Poisson(5.0), holding_cost=1, lead_time=2)
    judged = simulate(policy, Poisson(np.full(TRIALS, 5.0)), item, periods=60, replications=40, warm_up=20, seed=3)
    assert share_in_bounds(judged.fill_rate.covers(np.full(TRIALS, float(exact.fill_rate))))
    assert share_in_bounds(judged.on_hand.covers(np.full(TRIALS, float(exact.on_hand))))


def test_a_share_never_leaves_its_range_and_certainty_is_not_claimed():
    found = estimate_share(np.array([1.0, 1.0, 0.7]), np.ones(3))
    assert 0 <= found.low < found.high == 1.0
    assert estimate_share(np.zeros(50), np.ones(50)).high == pytest.approx(1 - 0.025 ** (1 / 50))
