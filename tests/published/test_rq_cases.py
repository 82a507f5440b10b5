"""Published (r, Q) policies; each case carries its citation (tests/data/inventory_cases.json)."""

import json
from pathlib import Path

import numpy as np
import pytest

from capacity_opt import ReorderPointOrderQuantity
from capacity_opt.demand.counts import Poisson
from capacity_opt.demand.parametric import Normal
from capacity_opt.inventory.rq import evaluate_rq, optimize_rq
from capacity_opt.inventory.rq_approximate import approximate_rq

CASES = json.loads((Path(__file__).parents[1] / "data" / "inventory_cases.json").read_text(encoding="utf-8"))["cases"]


def family(*names):
    chosen = [pytest.param(case, id=case["id"]) for case in CASES if case["family"] in names]
    assert chosen, names
    return pytest.mark.parametrize("case", chosen)


@family("rq_poisson_exact", "r_nQ_periodic")
def test_exact_policies_for_poisson_demand(case):
    p, expected = case["parameters"], case["expected"]
    best = optimize_rq(
        Poisson(mean=p.get("demand_rate", p.get("mean"))),
        holding_cost=p["h"],
        stockout_cost=p["p"],
        fixed_cost=p["K"],
        lead_time=p["lead_time"],
        review_period=p.get("review_period", 0),
    )
    assert (best.reorder_point, best.order_quantity) == (expected["r"], expected["Q"])
    assert best.expected_cost == pytest.approx(expected["cost"], rel=1e-10)


@family("rq_poisson_cost")
def test_two_penalties(case):
    p, expected = case["parameters"], case["expected"]
    costs = {
        "holding_cost": p["unit_cost"] * p["holding_rate"],
        "stockout_cost": p["backorder_cost_per_unit_time"],
        "stockout_cost_per_unit": p["stockout_cost_per_unit_short"],
        "fixed_cost": p["K"],
        "lead_time": p["lead_time"],
    }
    policy = ReorderPointOrderQuantity(reorder_point=p["r"], order_quantity=p["Q"])
    found = evaluate_rq(policy, Poisson(mean=p["demand_rate"]), **costs)
    assert found.expected_cost == pytest.approx(expected["cost"], rel=1e-8)
    assert found.holding_cost == pytest.approx(expected["holding"], rel=1e-6)
    assert found.stockout_cost == pytest.approx(expected["backorder"] + expected["stockout"], rel=1e-6)
    assert found.ordering_cost == pytest.approx(expected["ordering"], rel=1e-8)


@family("rq_normal_exact")
def test_exact_policy_for_normal_demand(case):
    p, expected = case["parameters"], case["expected"]
    best = optimize_rq(
        Normal(mean=p["demand_rate"], sd=p["sd_per_sqrt_time"]),
        holding_cost=p["h"],
        stockout_cost=p["p"],
        fixed_cost=p["K"],
        lead_time=p["lead_time"],
    )
    assert best.expected_cost == pytest.approx(expected["cost"], rel=1e-9)
    assert best.reorder_point == pytest.approx(expected["r"], rel=1e-3)
    assert best.order_quantity == pytest.approx(expected["Q"], rel=1e-3)


@family("rq_service")
def test_service_of_normal_demand(case):
    p, expected = case["parameters"], case["expected"]
    if "target_fill_rate" in p:
        demand = Normal(mean=p["mean"], sd=p["sd"])
        best = optimize_rq(
            demand, holding_cost=1, fixed_cost=1, lead_time=1, order_quantity=p["Q"], fill_rate=p["target_fill_rate"]
        )
        assert best.reorder_point == pytest.approx(expected["reorder_point"], abs=1e-4)
        assert best.fill_rate == pytest.approx(p["target_fill_rate"], abs=1e-9)
        return
    demand = Normal(mean=p["weekly_mean"], sd=p["weekly_sd"])
    policy = ReorderPointOrderQuantity(reorder_point=p["reorder_point"], order_quantity=p["Q"])
    found = evaluate_rq(policy, demand, holding_cost=1, lead_time=p["lead_time"])
    assert found.cycle_service_level == pytest.approx(expected["cycle_service_level"], rel=1e-8)
    assert found.shortage_per_cycle == pytest.approx(expected["expected_shortage_per_cycle"], rel=1e-5)
    assert found.fill_rate_per_cycle == pytest.approx(expected["fill_rate_per_cycle"], rel=1e-8)
    assert found.safety_stock == pytest.approx(expected["safety_stock"], rel=1e-12)
    assert np.ndim(found.fill_rate) == 0


@family("rq_approximations")
def test_classic_approximations(case):
    p, expected = case["parameters"], case["expected"]
    found = approximate_rq(
        Normal(mean=p["demand_rate"], sd=p["sd_per_sqrt_time"]),
        holding_cost=p["h"],
        stockout_cost=p["p"],
        fixed_cost=p["K"],
        lead_time=p["lead_time"],
    )
    told = {
        "eil": found.expected_inventory_level,
        "eoqb": found.eoq_with_backorders,
        "eoqss": found.eoq_with_safety_stock,
        "loss": found.loss_function,
    }
    for name, values in expected.items():
        assert told[name].reorder_point == pytest.approx(values["r"], rel=1e-5), name
        assert told[name].order_quantity == pytest.approx(values["Q"], rel=1e-5), name
    assert found.expected_inventory_level_cost == pytest.approx(expected["eil"]["cost"], rel=1e-5)
