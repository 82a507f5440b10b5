"""Booking limits, bid prices against published numbers; citations are in the case file."""

import json
from pathlib import Path

import numpy as np
import pytest

import capacity_opt as co

CASES = json.loads((Path(__file__).parents[1] / "data" / "admission_cases.json").read_text(encoding="utf-8"))["cases"]


def cases(family):
    found = [pytest.param(case, id=case["id"]) for case in CASES if case["family"] == family]
    assert found, family
    return found


@pytest.mark.parametrize("case", cases("littlewood"))
def test_littlewood(case):
    p = case["inputs"]
    demand = co.Normal(p["mean_high"], p["sd_high"])
    protected = co.littlewood(demand, fare=p["fare_high"], low_fare=p["fare_low"])
    assert p["capacity"] - np.floor(protected + 1e-9) == case["expected"]["booking_limit_low"]


@pytest.mark.parametrize("case", cases("emsr"))
def test_expected_marginal_seat_revenue(case):
    p, expected = case["inputs"], case["expected"]
    told = co.approximate_booking_limits(
        co.Normal(p["means"], p["sds"]),
        fare=p["fares"],
        capacity=p.get("capacity", 200),
        method=f"emsr_{p['method']}",
    )
    if "protection" in expected:
        np.testing.assert_allclose(told.protection, expected["protection"], rtol=0, atol=case["tolerance"]["abs"])
        np.testing.assert_allclose(told.protection, case["own_value"]["protection"], rtol=1e-9)
    else:
        assert np.floor(told.protection).tolist() == expected["protection_floor"]


@pytest.mark.parametrize("case", cases("static_optimal_protection"))
def test_exact_protections(case):
    p = case["inputs"]
    told = co.optimize_booking_limits(co.Normal(p["means"], p["sds"]), fare=p["fares"], capacity=150)
    np.testing.assert_allclose(told.protection, case["expected"]["protection"], rtol=0, atol=case["tolerance"]["abs"])
    np.testing.assert_allclose(told.protection, case["own_value"]["protection"], rtol=0, atol=0.01)


@pytest.mark.parametrize("case", cases("network_lp"))
def test_network_program(case):
    p, expected, tolerance = case["inputs"], case["expected"], case["tolerance"]["abs"]
    told = co.network_bid_prices(p["usage"], capacity=p["capacity"], demand=p["demand"], fare=p["fares"])
    np.testing.assert_allclose(told.bid_price, expected["bid_prices"], rtol=0, atol=tolerance)
    np.testing.assert_allclose(told.allocation, expected["allocation"], rtol=0, atol=tolerance)
    assert told.revenue == pytest.approx(expected["revenue"], abs=tolerance)


@pytest.mark.parametrize("case", cases("randomised_lp"))
def test_randomised_program(case):
    p = case["inputs"]
    told = co.randomized_bid_prices(
        [[1, 1, 1]],
        capacity=[p["capacity"]],
        demand=co.Poisson(p["poisson_means"]),
        fare=p["fares"],
        samples=50_000,
        seed=1,
    )
    assert abs(told.bid_price[0] - case["expected"]["bid_price"]) < 4 * told.bid_price_error[0]
