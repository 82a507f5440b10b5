"""Base-stock service measures and one-for-one stock against published formulas; citations are in the case file."""

import json
from pathlib import Path

import pytest

import capacity_opt as co

CASES = json.loads((Path(__file__).parents[1] / "data" / "inventory_cases.json").read_text(encoding="utf-8"))["cases"]
NAMES = {
    "alpha_no_stockout_in_period": "no_stockout",
    "beta_fill_rate": "fill_rate",
    "gamma": "gamma",
    "ready_rate_positive_end_stock": "ready_rate",
}


def cases(family):
    return [pytest.param(case, id=case["id"]) for case in CASES if case["family"] == family]


@pytest.mark.parametrize("case", cases("base_stock_service"))
def test_service_of_a_given_level(case):
    p = case["parameters"]
    demand = co.Poisson(p["mean"]) if p["demand"] == "poisson" else co.Normal(p["mean"], p["sd"])
    told = co.evaluate_base_stock(
        co.BaseStock(base_stock_level=p["S"]),
        demand,
        holding_cost=1,
        lead_time=p["lead_time"],
        review_period=p["review_period"],
    )
    for given, value in case["expected"].items():
        assert getattr(told, NAMES[given]) == pytest.approx(value, rel=case["tolerance"]["rel"]), given


@pytest.mark.parametrize("case", cases("single_site_S_1"))
def test_palm_one_for_one_under_continuous_review(case):
    p = case["parameters"]
    told = co.evaluate_base_stock(p["S"], co.Poisson(p["lam_times_T"]), holding_cost=1, lead_time=1, review_period=0)
    assert told.expected_backorders == pytest.approx(case["expected"]["EBO"], rel=case["tolerance"]["rel"])
    assert told.fill_rate == pytest.approx(case["expected"]["fill_rate"], rel=case["tolerance"]["rel"])


@pytest.mark.parametrize("name", ["nv_normal_leadtime_ss_ex4_4", "nv_poisson_leadtime_scmo4_19"])
def test_base_stock_with_lead_time_is_a_newsvendor_over_the_protection_interval(name):
    case = next(case for case in CASES if case["id"] == name)
    p = case["parameters"]
    mean = p["mean_per_period"]
    demand = co.Normal(mean, p["sd_per_period"]) if p["dist"] == "normal" else co.Poisson(mean)
    best = co.optimize_base_stock(
        demand, holding_cost=p["h"], stockout_cost=p["p"], lead_time=p["lead_time"], review_period=p["review_period"]
    )
    assert best.base_stock_level == pytest.approx(case["expected"]["S"], rel=1e-6)
    assert best.expected_cost == pytest.approx(case["expected"]["cost"], rel=1e-6)
