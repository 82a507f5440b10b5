"""QuantileForecast: crossings counted, totals never confused with periods."""

import numpy as np
import pytest

import capacity_opt as co


def test_crossing_quantiles_are_sorted_and_counted():
    forecast = co.QuantileForecast([0.1, 0.5, 0.9], [[[3, 2, 9], [1, 2, 3]]])
    assert forecast.crossings == 1
    np.testing.assert_array_equal(forecast.values[0, 0], [2, 3, 9])


def test_quantiles_of_periods_are_not_taken_for_totals():
    values = [[[1, 2], [3, 4]]]
    with pytest.raises(co.ArgumentError, match="not the quantile of the sum"):
        co.QuantileForecast([0.1, 0.9], values).over_lead_time()
    totals = co.QuantileForecast([0.1, 0.9], values, cumulative=True).over_lead_time()
    assert float(totals.over(2).quantile(0.9)[0]) == 4.0


def test_levels_between_the_given_ones_are_interpolated():
    forecast = co.QuantileForecast([0.1, 0.9], [[[10.0, 20.0]]])
    assert forecast.at(0.3)[0, 0] == pytest.approx(12.5)
