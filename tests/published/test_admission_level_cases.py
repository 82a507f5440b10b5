"""Critical levels against the optimum of independently solved decision processes; sources are in the case file."""

import json
from pathlib import Path

import numpy as np
import pytest

import capacity_opt as co

CASES = json.loads((Path(__file__).parents[1] / "data" / "admission_cases.json").read_text(encoding="utf-8"))["cases"]
LEVELS = [case for case in CASES if case["family"] == "critical_levels_mdp"]


def tuned(case):
    p = case["inputs"]
    return co.tune_critical_levels(
        p["capacity"],
        arrival_rate=p["arrival"],
        holding_time=1 / np.array(p["departure"]),
        size=p["sizes"],
        price=p["price_per_unit_time"],
    )


@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in LEVELS])
def test_tuned_levels_against_the_optimum(case):
    told, expected, tolerance = tuned(case), case["expected"], case["tolerance"]["abs"]
    assert told.judged == "chain"
    assert told.first_come_revenue == pytest.approx(expected["first_come_revenue_rate"], abs=tolerance)
    assert told.upper_bound == pytest.approx(expected["lp_upper_bound"], abs=tolerance)
    assert told.revenue >= expected["critical_level_revenue_rate"] - tolerance
    assert told.revenue <= expected["optimal_revenue_rate"] + tolerance
    assert told.revenue >= 0.979 * expected["optimal_revenue_rate"]
    assert told.revenue > told.first_come_revenue


def test_tuned_levels_reach_the_optimum_on_average():
    shares = [tuned(case).revenue / case["expected"]["optimal_revenue_rate"] for case in LEVELS]
    assert np.mean(shares) >= 0.995
