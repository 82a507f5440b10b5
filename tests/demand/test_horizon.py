import numpy as np
import pytest

import capacity_opt as co
from capacity_opt.demand.horizon import total_demand
from capacity_opt.errors import ArgumentError

RNG = np.random.default_rng(0)


def test_cumulative_quantiles_are_taken_at_the_protection_interval():
    table = np.array([[[8, 10, 14], [17, 20, 25], [27, 30, 36]], [[1, 2, 3], [2, 4, 6], [3, 6, 9]]], float)
    forecast = co.CumulativeQuantiles([0.1, 0.5, 0.9], table)
    over = co.lead_time_demand(forecast, [1, 2])
    np.testing.assert_array_equal(over.quantile(0.5), [20, 6])
    half = co.lead_time_demand(forecast, 0.5)
    np.testing.assert_allclose(half.quantile(0.5), [15, 3])


def test_paths_keep_dependence_that_marginals_lose():
    level = RNG.gamma(4, 25, (5000, 1))
    forecast = co.PathForecast(np.repeat(level, 4, axis=1))
    over = co.lead_time_demand(forecast, 3)
    assert over.quantile(0.9) == pytest.approx(4 * np.quantile(level, 0.9), rel=0.01)


def test_paths_per_item_and_lead_time_per_item():
    paths = RNG.poisson(5, (3, 400, 6)).astype(float)
    over = co.lead_time_demand(co.PathForecast(paths), [0, 2, 5])
    for item, periods in enumerate([1, 3, 6]):
        np.testing.assert_array_equal(over.samples[item], np.sort(paths[item, :, :periods].sum(axis=1)))


def test_random_lead_times_mix_the_totals_of_a_forecast():
    forecast = co.CumulativeQuantiles([0.1, 0.9], [[8, 12], [16, 24]])
    over = co.lead_time_demand(forecast, {0: 0.5, 1: 0.5})
    assert over.mean == pytest.approx(0.5 * (forecast.over(1).mean + forecast.over(2).mean))


@pytest.mark.parametrize("batch", [False, True])
def test_changing_demand_of_counts_is_convolved_exactly(batch):
    rates = [4.0, 6.0, 2.0]
    shape = (lambda x: np.array([x, 2 * x])) if batch else (lambda x: x)
    # A negative binomial with variance = mean is Poisson, but the engine is not told so.
    parts = [co.NegativeBinomial(shape(rate), variance=shape(rate)) for rate in rates]
    over = co.lead_time_demand(co.DemandByPeriod(parts), 2)
    exact = co.Poisson(shape(12.0))
    x = np.arange(40.0)[:, None] if batch else np.arange(40.0)
    np.testing.assert_allclose(over.survival(x), exact.survival(x), rtol=1e-9, atol=1e-13)


def test_changing_continuous_demand_is_convolved_on_a_grid():
    parts = [co.Gamma([10.0, 80.0], [5.0, 40.0]), co.Gamma([20.0, 40.0], [np.sqrt(50.0), np.sqrt(800.0)])]
    over = total_demand(parts)  # equal scales: the sum is a gamma
    exact = co.Gamma([30.0, 120.0], [np.sqrt(75.0), np.sqrt(2400.0)])
    np.testing.assert_allclose(over.quantile(0.95), exact.quantile(0.95), rtol=1e-3)
    np.testing.assert_allclose(over.mean, exact.mean, rtol=1e-4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: co.lead_time_demand(co.PathForecast(np.ones((5, 3))), 3), r"must be in \[0, 3\], got 4"),
        (lambda: co.lead_time_demand(co.PathForecast(np.ones((5, 3))), 1.5), "must be a whole number"),
        (lambda: co.lead_time_demand(co.PathForecast(np.ones((5, 3))), 1, correlation=0.5), "own dependence"),
        (lambda: co.CumulativeQuantiles([0.1, 0.9], [1, 2]), "values must have shape"),
        (lambda: co.CumulativeQuantiles([0.1, 0.9], [[1, 2]], horizons=[1, 2]), "must name all 1 rows"),
        (lambda: co.DemandByPeriod([]), "at least one demand"),
        (lambda: co.lead_time_demand(co.DemandByPeriod([co.Poisson([1.0, 2.0])] * 3), [0, 1]), "split the call"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ArgumentError, match=message):
        call()
