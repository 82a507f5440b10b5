"""Demand over a lead time against closed forms and textbook tables; citations are in the case file."""

import json
from pathlib import Path

import numpy as np
import pytest

import capacity_opt as co

CASES = json.loads((Path(__file__).parents[1] / "data" / "inventory_cases.json").read_text(encoding="utf-8"))["cases"]
BY_ID = {case["id"]: case for case in CASES}


@pytest.mark.parametrize("name", ["agg_iid_4_q90", "agg_ar1_05_4_q90", "agg_perfect_4_q90"])
def test_normal_periods_with_and_without_dependence(name):
    p, expected = BY_ID[name]["parameters"], BY_ID[name]["expected"]
    daily = co.Normal(100, 30)
    over = co.lead_time_demand(daily, p["periods"] - 1, correlation=p["autocorrelation_ar1"])
    assert over.quantile(p["level"]) == pytest.approx(expected["quantile_of_sum"], rel=1e-6)
    assert p["periods"] * daily.quantile(p["level"]) == pytest.approx(expected["sum_of_quantiles"], rel=1e-6)


@pytest.mark.parametrize("rho", [0.0, 0.5, 1.0])
def test_the_grid_agrees_with_the_closed_form_of_normal_periods(rho):
    # A fine quantile table hides from the engine that demand is normal, so it has to convolve.
    levels = np.arange(1, 1000) / 1000
    table = co.QuantileDemand(levels, co.Normal(100, 30).quantile(levels))
    over = co.lead_time_demand(table, 3, correlation=rho)
    exact = co.lead_time_demand(co.Normal(100, 30), 3, correlation=rho)
    np.testing.assert_allclose(over.quantile([0.1, 0.5, 0.9, 0.99]), exact.quantile([0.1, 0.5, 0.9, 0.99]), rtol=2e-3)


def test_lognormal_periods():
    case = BY_ID["agg_lognormal_4"]
    over = co.lead_time_demand(co.LogNormal(100, 100), 3)
    told = over.quantile(case["parameters"]["levels"])
    np.testing.assert_allclose(told, case["expected"]["quantile_of_sum"], rtol=case["tolerance"]["rel"])
    sums = 4 * co.LogNormal(100, 100).quantile([0.5, 0.9])
    named = [case["expected"]["sum_of_quantiles_q50"], case["expected"]["sum_of_quantiles_q90"]]
    np.testing.assert_allclose(sums, named, rtol=1e-6)


@pytest.mark.parametrize("convolve", [False, True])
def test_poisson_periods(convolve):
    case = BY_ID["agg_poisson_exact"]
    daily = co.Poisson(2.5)
    if convolve:
        daily = co.Pmf(daily.mass(np.arange(60.0)))
    told = co.lead_time_demand(daily, 3).quantile(case["parameters"]["levels"])
    np.testing.assert_array_equal(told, case["expected"]["quantile_of_sum"])


def test_the_sum_of_quantiles_is_not_the_quantile_of_the_sum():
    case = BY_ID["trap_sum_of_p10p50p90"]
    p, expected = case["parameters"], case["expected"]
    daily = co.QuantileDemand(p["levels"], p["quantiles_per_period"])
    assert p["periods"] * daily.quantile(p["service_level"]) == pytest.approx(
        expected["sum_of_interpolated_quantiles"], rel=1e-6
    )
    fitted = co.Normal.from_quantiles(p["levels"], p["quantiles_per_period"])
    exact = co.lead_time_demand(fitted, p["periods"] - 1)
    assert exact.quantile(p["service_level"]) == pytest.approx(expected["true_quantile_of_sum"], rel=1e-6)
    reached = exact.cdf(expected["sum_of_interpolated_quantiles"])
    assert reached == pytest.approx(expected["service_achieved_by_sum"], rel=1e-6)
    # Three quantiles alone leave the shape open: within 2 %, where the sum of quantiles is off by 13 %.
    told = co.lead_time_demand(daily, p["periods"] - 1).quantile(p["service_level"])
    assert told == pytest.approx(expected["true_quantile_of_sum"], rel=0.02)


@pytest.mark.parametrize(
    "case", [c for c in CASES if c["family"] == "random_lead_time_safety_stock"], ids=lambda c: c["id"]
)
def test_safety_stock_under_a_random_lead_time(case):
    p, expected = case["parameters"], case["expected"]
    daily = co.Normal(p["mean_demand"], p["sd_demand"])
    over = co.lead_time_demand(daily, co.Normal(p["mean_lead_time"], p["sd_lead_time"]), review_period=0)
    assert np.sqrt(over.variance) == pytest.approx(expected["sigma_ltd"], rel=1e-6)
    safety = over.quantile(p["cycle_service_level"]) - over.mean
    assert safety == pytest.approx(expected["safety_stock"], rel=1e-6)
