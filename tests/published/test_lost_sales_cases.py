"""Published lost-sales systems; each case carries its citation (tests/data/inventory_cases.json)."""

import json
from pathlib import Path

import pytest

from capacity_opt.demand.counts import NegativeBinomial, Poisson
from capacity_opt.inventory.lost_sales import optimize_lost_sales_base_stock
from capacity_opt.inventory.lost_sales_optimal import optimize_lost_sales
from capacity_opt.inventory.one_for_one import evaluate_lost_sales_one_for_one

CASES = json.loads((Path(__file__).parents[1] / "data" / "inventory_cases.json").read_text(encoding="utf-8"))["cases"]


def family(*names, having=""):
    chosen = [
        pytest.param(case, id=case["id"])
        for case in CASES
        if case["family"] in names and having in {"", *case["parameters"], *case["expected"]}
    ]
    assert chosen, names
    return pytest.mark.parametrize("case", chosen)


def costs_of(given):
    return {"holding_cost": given["h"], "stockout_cost": given["p"], "lead_time": given["lead_time"]}


@family("lost_sales")
def test_zipkins_optimal_costs(case):
    """Zipkin (2008), Operations Research 56(5), the Poisson and geometric tables."""
    given = case["parameters"]
    geometric = NegativeBinomial.from_r_p(1, 1 / (1 + given["mean"]))
    demand = Poisson(float(given["mean"])) if given["demand"] == "poisson" else geometric
    best = optimize_lost_sales(demand, **costs_of(given))
    assert best.expected_cost == pytest.approx(case["expected"]["optimal_cost"], abs=case["tolerance"]["abs"])
    assert best.low <= best.expected_cost <= best.high <= best.low + 1e-6


@family("lost_sales", having="best_base_stock_level")
def test_zipkins_best_base_stock(case):
    """Zipkin (2008), Operations Research 56(5), the Poisson table."""
    best = optimize_lost_sales_base_stock(Poisson(float(case["parameters"]["mean"])), **costs_of(case["parameters"]))
    assert best.base_stock_level == case["expected"]["best_base_stock_level"]
    assert best.expected_cost == pytest.approx(case["expected"]["best_base_stock_cost"], abs=case["tolerance"]["abs"])


@family("lost_sales_continuous_S_1")
def test_lost_sales_follow_erlang(case):
    """Karush (1957); standard traffic tables."""
    given, expected = case["parameters"], case["expected"]
    found = evaluate_lost_sales_one_for_one(given["S"], demand_rate=2.0, lead_time=given["lam_times_L"] / 2)
    assert found.fraction_lost == pytest.approx(expected["fraction_lost"], rel=1e-10)
    assert found.fill_rate == pytest.approx(expected["fill_rate"], rel=1e-10)
