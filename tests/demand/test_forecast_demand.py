"""Totals told by a forecaster are what policies plan for, and what the judge meets."""

import numpy as np
import pytest

import capacity_opt as co

LEVELS = [0.05, 0.25, 0.5, 0.75, 0.95]
Z = np.array([-1.645, -0.674, 0.0, 0.674, 1.645])


def tied(spread, count=3):
    """Periods of mean 100 and deviation 10 whose totals over h periods have deviation 10 h ** spread."""
    h = np.arange(1, 7)[:, None]
    totals = np.tile(100 * h + 10 * h**spread * Z, (count, 1, 1))
    return co.ForecastDemand(co.QuantileDemand(LEVELS, totals[:, 0]), co.CumulativeQuantiles(LEVELS, totals))


def test_the_protection_interval_is_the_total_as_told_not_a_sum():
    demand = tied(0.8)
    best = co.optimize_base_stock(demand, holding_cost=1, cycle_service_level=0.95, lead_time=3)
    np.testing.assert_allclose(best.base_stock_level, 400 + 10 * 4**0.8 * 1.645, rtol=1e-9)
    independent = co.optimize_base_stock(demand.period, holding_cost=1, cycle_service_level=0.95, lead_time=3)
    assert independent.base_stock_level[0] < best.base_stock_level[0] < 4 * demand.period.quantile(0.95)[0]
    rq = co.optimize_rq(demand, holding_cost=1, stockout_cost=19, fixed_cost=1e-3, lead_time=3, review_period=1)
    assert rq.reorder_point[0] + rq.order_quantity[0] / 2 == pytest.approx(best.base_stock_level[0], rel=0.02)


def test_a_random_lead_time_mixes_the_totals():
    mixed = co.lead_time_demand(tied(0.7), {1: 0.25, 4: 0.75})
    parts = [co.lead_time_demand(tied(0.7), time) for time in (1, 4)]
    for x in (180.0, 210.0, 480.0, 530.0):
        np.testing.assert_allclose(mixed.cdf(x), 0.25 * parts[0].cdf(x) + 0.75 * parts[1].cdf(x), atol=1e-12)


def test_beyond_the_forecast_the_mean_grows_with_time_and_the_spread_with_its_root():
    far, last = tied(0.8).over(24), tied(0.8).over(6)
    np.testing.assert_allclose(far.mean, 4 * last.mean, rtol=1e-3)
    np.testing.assert_allclose(far.quantile(0.95) - far.quantile(0.05), 2 * (last.quantile(0.95) - last.quantile(0.05)))


@pytest.mark.parametrize("spread", [0.5, 0.9])
def test_the_judge_meets_totals_of_the_spread_that_was_promised(spread):
    demand = tied(spread, count=1)
    matched = co.ForecastDemand(demand.period, demand.totals, matched=4)
    best = co.optimize_base_stock(matched, holding_cost=1, cycle_service_level=0.9, lead_time=3)
    judged = co.simulate(
        best, matched, co.Item(holding_cost=1, lead_time=3, review_period=1), periods=400, replications=60, seed=3
    )
    assert float(judged.cycle_service_level.value[0]) == pytest.approx(0.9, abs=0.02)


@pytest.mark.parametrize("integer", [False, True])
def test_periods_come_to_the_mean_of_their_total(integer):
    rng = np.random.default_rng(2)
    draws = rng.poisson(rng.uniform(0.2, 6, 30)[:, None, None], (30, 4, 4000))
    levels = np.linspace(0.01, 0.99, 33)
    period, totals = (
        np.moveaxis(np.quantile(each, levels, axis=2), 0, 2) for each in (draws, np.cumsum(draws, axis=1))
    )
    span = np.arange(30) % 4 + 1
    demand = co.ForecastDemand.of_horizon(levels, period, totals, span=span, integer=integer)
    np.testing.assert_allclose(demand.mean * span, demand.over(span).mean, rtol=0.04 if integer else 1e-9)
