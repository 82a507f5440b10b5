"""Newsvendors under a shared budget against independent optimisation; citations are in the case file."""

import json
from pathlib import Path

import numpy as np
import pytest

import capacity_opt as co

CASES = json.loads((Path(__file__).parents[1] / "data" / "inventory_cases.json").read_text(encoding="utf-8"))["cases"]


@pytest.mark.parametrize("case", [c for c in CASES if c["family"] == "newsvendor_budget"], ids=lambda c: c["id"])
def test_budget(case):
    p, expected, tolerance = case["parameters"], case["expected"], case["tolerance"]
    best = co.optimize_newsvendor_budget(
        co.Normal(p["mean"], p["sd"]),
        stockout_cost=p["p"],
        holding_cost=p["h"],
        unit_budget=p["unit_budget"],
        budget=p["budget"],
    )
    np.testing.assert_allclose(best.order_quantity, expected["q"], atol=tolerance["q_abs"])
    assert best.expected_cost == pytest.approx(expected["cost"], rel=tolerance["cost_rel"])
    assert best.shadow_price == pytest.approx(expected["lagrange_multiplier"], rel=1e-6)
    assert best.gap <= 1e-9
