"""Intermittent demand: quantiles by two paths, totals that are not sums of quantiles, the truth covered."""

import numpy as np
import pytest

import capacity_opt as co
from capacity_opt.forecast.intermittent import empirical_quantiles, negative_binomial_quantiles

LEVELS = np.array([0.05, 0.3, 0.5, 0.75, 0.9, 0.99])


def test_empirical_quantiles_agree_over_paths_and_with_numpy(monkeypatch):
    rng = np.random.default_rng(5)
    values = np.concatenate([rng.poisson(2.0, 300).astype(float), rng.gamma(2.0, 400.0, 300)])
    begins = np.arange(0, 600, 50)
    fast = [empirical_quantiles(values, begins, begins + 50, LEVELS, decay) for decay in (1.0, 0.9)]
    monkeypatch.setenv("CAPACITY_OPT_COMPILE", "0")
    slow = [empirical_quantiles(values, begins, begins + 50, LEVELS, decay) for decay in (1.0, 0.9)]
    np.testing.assert_array_equal(fast, slow)
    direct = np.quantile(values.reshape(12, 50), LEVELS, axis=1, method="inverted_cdf").T
    np.testing.assert_array_equal(fast[0], direct)


def test_negative_binomial_quantiles_are_those_of_the_demand_layer():
    mean, variance = np.array([0.2, 4.0, 40.0, 300.0]), np.array([0.5, 9.0, 300.0, 3000.0])
    law = co.NegativeBinomial(mean=mean, variance=variance)
    expected = np.stack([law.quantile(level) for level in LEVELS], axis=1)
    np.testing.assert_array_equal(negative_binomial_quantiles(mean, variance, LEVELS), expected)


@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e6])
def test_rare_demand_is_covered_at_any_scale_and_totals_stay_below_the_sum_of_quantiles(monkeypatch, scale):
    monkeypatch.setenv("CAPACITY_OPT_COMPILE", "0")
    rng = np.random.default_rng(9)
    rate = rng.gamma(1.0, 0.6, (150, 1))
    kept, held = co.History(scale * rng.poisson(rate, (150, 60))).hold_out(6)
    periods = co.forecast_quantiles(kept, 6, levels=LEVELS)
    totals = co.forecast_quantiles(kept, 6, levels=LEVELS, cumulative=True)
    assert periods.provenance["intermittent"] != "0"
    asked = totals.at(0.9)[:, -1]
    total = held.sum(axis=1)
    assert np.mean(total < asked - 1e-9 * scale) - 0.05 <= 0.9 <= np.mean(total <= asked * (1 + 1e-9)) + 0.05
    assert asked.sum() < 0.85 * periods.at(0.9).sum()
