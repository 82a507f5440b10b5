"""Published finite-horizon policies; each case carries its citation (tests/data/inventory_cases.json)."""

import json
from pathlib import Path

import numpy as np
import pytest

from capacity_opt.demand.counts import Poisson
from capacity_opt.demand.parametric import Normal
from capacity_opt.inventory.finite_horizon import optimize_finite_horizon

CASES = json.loads((Path(__file__).parents[1] / "data" / "inventory_cases.json").read_text(encoding="utf-8"))["cases"]


def family(name):
    chosen = [pytest.param(case, id=case["id"]) for case in CASES if case["family"] == name]
    assert chosen, name
    return pytest.mark.parametrize("case", chosen)


@family("nonstationary_sS")
def test_changing_poisson_demand(case):
    p, expected = case["parameters"], case["expected"]
    best = optimize_finite_horizon(
        [Poisson(mean=float(mean)) for mean in p["means"]],
        holding_cost=p["h"],
        stockout_cost=p["p"],
        fixed_cost=p["K"],
        unit_cost=p["unit_cost"],
        discount=p["discount"],
        initial_stock=p["initial_inventory"],
    )
    assert best.reorder_point.tolist() == expected["s"]
    assert best.order_up_to_level.tolist() == expected["S"]
    assert best.expected_cost == pytest.approx(expected["cost"], rel=1e-9)


@family("finite_horizon_dp")
def test_discounted_normal_demand_with_terminal_cost(case):
    p, expected = case["parameters"], case["expected"]
    best = optimize_finite_horizon(
        [Normal(mean=18.0, sd=3.0)] * p["T"],
        holding_cost=p["h"],
        stockout_cost=p["p"],
        fixed_cost=p["K"],
        unit_cost=p["unit_cost"],
        discount=p["discount"],
        terminal_holding_cost=p["terminal_h"],
        terminal_stockout_cost=p["terminal_p"],
        initial_stock=p["initial_inventory"],
    )
    assert best.expected_cost == pytest.approx(expected["cost"], rel=0.002)
    assert np.all(np.abs(best.order_up_to_level - expected["S"]) <= 1)
