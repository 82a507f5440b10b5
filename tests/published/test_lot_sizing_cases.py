"""Published order quantities and lot-sizing plans; each case carries its citation (tests/data/inventory_cases.json)."""

import json
from pathlib import Path

import numpy as np
import pytest

from capacity_opt.inventory.eoq import optimize_eoq
from capacity_opt.inventory.joint_replenishment import evaluate_joint_replenishment, optimize_joint_replenishment
from capacity_opt.inventory.lot_size import optimize_capacitated_lot_size
from capacity_opt.inventory.quantity_discount import optimize_all_units_discount, optimize_incremental_discount
from capacity_opt.inventory.wagner_whitin import evaluate_lot_size, optimize_wagner_whitin

CASES = json.loads((Path(__file__).parents[1] / "data" / "inventory_cases.json").read_text(encoding="utf-8"))["cases"]


def family(*names):
    chosen = [pytest.param(case, id=case["id"]) for case in CASES if case["family"] in names]
    assert chosen, names
    return pytest.mark.parametrize("case", chosen)


def given(case):
    return case["parameters"], case["expected"]


@family("eoq", "eoq_backorders", "epq")
def test_economic_order_quantities(case):
    p, expected = given(case)
    best = optimize_eoq(
        p["demand_rate"],
        holding_cost=p["h"],
        fixed_cost=p["K"],
        stockout_cost=p.get("p", np.inf),
        production_rate=p.get("production_rate", np.inf),
        unit_cost=p.get("unit_cost", 0.0),
        lead_time=1 / 12,
    )
    told = {
        "Q": best.order_quantity,
        "cost": best.expected_cost,
        "cost_including_purchase": best.expected_cost,
        "stockout_fraction": best.stockout_fraction,
        "reorder_point_L_1_12": best.reorder_point,
    }
    for name, value in expected.items():
        assert told[name] == pytest.approx(value, rel=1e-6), name


@family("eoq_discount_all_units", "eoq_discount_incremental")
def test_quantity_discounts(case):
    p, expected = given(case)
    optimize = optimize_all_units_discount if "all_units" in case["family"] else optimize_incremental_discount
    best = optimize(
        p["demand_rate"],
        fixed_cost=p["K"],
        holding_rate=p["holding_rate"],
        breakpoints=p["breakpoints"],
        unit_costs=p["unit_costs"],
    )
    assert best.order_quantity == pytest.approx(expected["Q"], rel=1e-5)
    assert best.expected_cost == pytest.approx(expected["cost"], rel=1e-6)


@family("joint_replenishment")
def test_joint_replenishment(case):
    p, expected = given(case)
    costs = {"major_cost": p["K"], "item_cost": p["k"], "holding_cost": p["h"]}
    best = optimize_joint_replenishment(p["demand"], **costs)
    assert best.multiples.tolist() == expected["multiples"]
    assert best.cycle_time == pytest.approx(expected["T"], rel=1e-6)
    assert best.expected_cost == pytest.approx(expected["cost"], rel=1e-9)
    again = evaluate_joint_replenishment(best.cycle_time, best.multiples, p["demand"], **costs)
    assert again == pytest.approx(expected["cost"], rel=1e-9)


@family("wagner_whitin")
def test_wagner_whitin(case):
    p, expected = given(case)
    costs = {"fixed_cost": p["K"], "holding_cost": p["h"], "unit_cost": p["unit_cost"]}
    best = optimize_wagner_whitin(p["demand"], **costs)
    assert best.cost == pytest.approx(expected["cost"], rel=1e-9)
    published = evaluate_lot_size(expected["one_optimal_plan"], p["demand"], **costs)
    assert published.cost == pytest.approx(expected["cost"], rel=1e-9)


@family("capacitated_lot_sizing")
def test_capacitated_lot_sizing(case):
    p, expected = given(case)
    best = optimize_capacitated_lot_size(
        p["demand"], capacity=p["capacity"], fixed_cost=p["K"], holding_cost=p["h"], unit_cost=p["unit_cost"]
    )
    assert best.cost == pytest.approx(expected["cost"], abs=1e-6)
    assert best.order_quantity == pytest.approx(expected["plan"])
