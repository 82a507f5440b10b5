"""Overcommit is judged on usage that the rule has not seen, made by laws that it does not know."""

import numpy as np
import pytest
from scipy import stats

import capacity_opt as co

MACHINES = 40
LIMITS = np.linspace(1.0, 8.0, MACHINES)


def normal_factor(rng, times):
    return np.exp(0.25 * rng.standard_normal(times))


def heavy_factor(rng, times):
    return np.exp(0.12 * rng.standard_t(6, times))


def day_and_launches(rng, times):
    day = 1.0 + 0.3 * np.sin(2 * np.pi * np.arange(times) / 24)
    return day * np.where(rng.random(times) < 0.02, 1.5, 1.0) * np.exp(0.05 * rng.standard_normal(times))


def usage(factor, times, seed):
    rng = np.random.default_rng(seed)
    own = rng.gamma(4.0, 0.25, (times, MACHINES))
    return np.minimum(LIMITS, 0.3 * LIMITS * factor(rng, times)[:, None] * own)


@pytest.mark.parametrize("factor", [normal_factor, heavy_factor, day_and_launches])
@pytest.mark.parametrize("violation", [0.01, 0.0013])
def test_realised_violation_is_at_most_twice_the_promise(factor, violation):
    told = co.tune_overcommit(usage(factor, 8_000, 1), allocated=LIMITS, violation=violation)
    fresh = usage(factor, 200_000, 2).sum(axis=1) / LIMITS.sum()
    assert np.mean(fresh * told.multiplier > 1.0) <= 2 * violation
    assert told.multiplier > 1.2


@pytest.mark.parametrize("factor", [normal_factor, heavy_factor, day_and_launches])
def test_a_short_history_still_keeps_the_promise(factor):
    told = co.tune_overcommit(usage(factor, 600, 3), allocated=LIMITS, violation=0.0013)
    assert told.method == "tail"
    fresh = usage(factor, 200_000, 4).sum(axis=1) / LIMITS.sum()
    assert np.mean(fresh * told.multiplier > 1.0) <= 2 * 0.0013


def test_independence_breaks_the_promise_many_times_over():
    told = co.tune_overcommit(usage(normal_factor, 20_000, 5), allocated=LIMITS, violation=0.0013)
    assert told.independent_multiplier > told.multiplier
    assert told.independent_violation > 20 * 0.0013
    assert told.observed_violation <= 0.0013


def test_the_order_statistic_covers_the_quantile_as_often_as_promised():
    rng = np.random.default_rng(6)
    truth = stats.gamma(3.0).ppf(0.99)
    held = [
        co.tune_overcommit(rng.gamma(3.0, 1.0, 1500), allocated=100.0, violation=0.01).usage_quantile * 100 >= truth
        for _ in range(400)
    ]
    assert 0.92 < np.mean(held) < 0.985


def test_repeats_make_the_rule_more_careful():
    history = usage(normal_factor, 9_000, 7)
    once = co.tune_overcommit(history, allocated=LIMITS, violation=0.01)
    often = co.tune_overcommit(history, allocated=LIMITS, violation=0.01, repeats=12)
    assert often.multiplier < once.multiplier


def test_total_and_per_machine_histories_agree():
    history = usage(normal_factor, 3_000, 8)
    whole = co.tune_overcommit(history.sum(axis=1), allocated=LIMITS.sum(), violation=0.01)
    each = co.tune_overcommit(history, allocated=LIMITS, violation=0.01)
    assert whole.multiplier == pytest.approx(each.multiplier)
    assert np.isnan(whole.independent_multiplier)


def test_overbooking_limit_is_the_largest():
    limit = co.overbooking_limit([0, 10, 120], show_probability=[0.5, 0.9, 0.95], max_denied_probability=0.05)
    for n, c, p in zip(limit, [0, 10, 120], [0.5, 0.9, 0.95], strict=True):
        assert stats.binom.sf(c, n, p) <= 0.05 < stats.binom.sf(c, n + 1, p)


def test_spot_beside_firm_use():
    told = co.fill_with_spot([100, 50], firm=co.Poisson([60.0, 60.0]), max_eviction_probability=0.05)
    assert told.units[1] == 0
    assert told.eviction_probability[0] <= 0.05 < stats.poisson.sf(100 - told.units[0] - 1, 60)
    drawn = np.random.default_rng(1).poisson(60, 400_000)
    evicted = np.clip(drawn - (100 - told.units[0]), 0, told.units[0])
    assert told.expected_evicted[0] == pytest.approx(evicted.mean(), rel=0.05)


def test_errors_name_the_argument():
    with pytest.raises(co.ArgumentError, match="span must be given"):
        co.capacity_for_usage([1.0], [1.0], confidence=0.9, method="hoeffding")
    with pytest.raises(co.ArgumentError, match=r"violation must be in \(0, 1\)"):
        co.tune_overcommit([1.0, 2.0], allocated=3.0, violation=5)
    with pytest.raises(co.ArgumentError, match="usage must be"):
        co.tune_overcommit([1.0], allocated=3.0, violation=0.1)
