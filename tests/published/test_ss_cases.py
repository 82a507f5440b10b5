"""Published (s, S) policies; each case carries its citation (tests/data/inventory_cases.json)."""

import json
from pathlib import Path

import numpy as np
import pytest

from capacity_opt import ReorderPointOrderUpTo
from capacity_opt.demand.counts import NegativeBinomial, Poisson
from capacity_opt.demand.lattice import Pmf
from capacity_opt.demand.parametric import Normal
from capacity_opt.inventory.ss import evaluate_ss, optimize_ss
from capacity_opt.inventory.ss_approximate import optimize_ss_power_approximation

CASES = json.loads((Path(__file__).parents[1] / "data" / "inventory_cases.json").read_text(encoding="utf-8"))["cases"]


def family(*names):
    chosen = [pytest.param(case, id=case["id"]) for case in CASES if case["family"] in names]
    assert chosen, names
    return pytest.mark.parametrize("case", chosen)


def demand_of(p):
    if p["demand"] == "poisson":
        return Poisson(mean=p["mean"])
    if p["demand"] == "negative binomial":
        return NegativeBinomial.from_r_p(p["r"], p["prob"])
    assert p["demand"].startswith("pmf: P(0)=0.8, else geometric(0.3) on 1..20")
    sizes = 0.3 * 0.7 ** np.arange(20)
    return Pmf(np.append(0.8, 0.2 * sizes / sizes.sum()))


@family("sS_exact")
def test_exact_policies(case):
    p, expected = case["parameters"], case["expected"]
    costs = {
        "holding_cost": p["h"],
        "stockout_cost": p["p"],
        "fixed_cost": p["K"],
        "lead_time": p["lead_time"],
        "review_period": p.get("review_period", 1),
    }
    best = optimize_ss(demand_of(p), **costs)
    assert best.expected_cost == pytest.approx(expected["cost"], rel=1e-9)
    assert best.method == "exact"
    published = ReorderPointOrderUpTo(reorder_point=expected["s"], order_up_to_level=expected["S"])
    same = evaluate_ss(published, demand_of(p), **costs)
    assert same.expected_cost == pytest.approx(expected["cost"], rel=1e-9)
    if abs(same.expected_cost - best.expected_cost) > 1e-9 * expected["cost"]:
        assert (best.reorder_point, best.order_up_to_level) == (expected["s"], expected["S"])


@family("sS_power_approximation")
def test_revised_power_approximation(case):
    p, expected = case["parameters"], case["expected"]
    found = optimize_ss_power_approximation(
        Normal(mean=p["mean"], sd=p["sd"]),
        holding_cost=p["h"],
        stockout_cost=p["p"],
        fixed_cost=p["K"],
        lead_time=p["lead_time"],
    )
    assert found.raw_reorder_point == pytest.approx(expected["raw_s"], rel=1e-9)
    assert found.raw_order_up_to_level == pytest.approx(expected["raw_S"], rel=1e-9)
    assert found.reorder_point == pytest.approx(expected["s"], rel=1e-9)
    assert found.order_up_to_level == pytest.approx(expected["S"], rel=1e-9)
