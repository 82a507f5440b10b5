"""Overcommit, overbooking, packing and commitments against published numbers; citations are in the case file."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import special

import capacity_opt as co

CASES = json.loads((Path(__file__).parents[1] / "data" / "admission_cases.json").read_text(encoding="utf-8"))["cases"]


def cases(family):
    found = [pytest.param(case, id=case["id"]) for case in CASES if case["family"] == family]
    assert found, family
    return found


@pytest.mark.parametrize("case", cases("overcommit_chance"))
def test_capacity_for_independent_usage(case):
    p, tolerance = case["inputs"], case["tolerance"]["abs"]
    names = {"gaussian": "gaussian", "hoeffding": "hoeffding", "mean_variance_robust": "robust"}
    for name, value in case["expected"].items():
        told = co.capacity_for_usage(
            p["means"], p["sds"], confidence=p["confidence"], method=names[name], span=p["ranges"]
        )
        assert told == pytest.approx(value, abs=tolerance), name


@pytest.mark.parametrize("case", cases("overcommit_predictor"))
def test_peak_predictor(case):
    p = case["inputs"]
    told = co.predict_peak(p["usage"], limits=p["limits"], deviations=p["n"])
    assert told == pytest.approx(case["expected"]["peak"], abs=case["tolerance"]["abs"])


@pytest.mark.parametrize("case", cases("overbooking"))
def test_overbooking(case):
    p = case["inputs"]
    told = co.overbooking_limit(
        p["capacity"], show_probability=p["show_prob"], max_denied_probability=p["max_prob_denied"]
    )
    assert told == case["expected"]["limit"]


@pytest.mark.parametrize("case", cases("bin_packing"))
def test_bins(case):
    p, expected = case["inputs"], case["expected"]
    told = co.bound_bins(p["items"], capacity=p["capacity"])
    assert told.lower == expected["lower_bound_l2"]
    assert told.upper == expected["best_known"]
    assert told.first_fit_decreasing == told.best_fit_decreasing == int(case["note"].split("give ")[1].split("/")[0])


@pytest.mark.parametrize("case", cases("commitment_newsvendor"))
def test_commitment(case):
    p, expected, tolerance = case["inputs"], case["expected"], case["tolerance"]["abs"]
    told = co.optimize_commitment(p["hourly_use"], discount=p["discount"])
    assert float(told.units) == pytest.approx(expected["commit"], abs=tolerance)
    assert float(told.cost) == pytest.approx(expected["cost"], abs=tolerance)


@pytest.mark.parametrize("case", cases("flexibility"))
def test_flexible_plants(case):
    p, tolerance = case["inputs"], case["tolerance"]["abs"]
    n, far = p["n"], p["truncation_sd"]
    inside = special.ndtr(far) - special.ndtr(-far)
    points = special.ndtri(special.ndtr(-far) + inside * (np.arange(4000) + 0.5) / 4000)
    demand = co.Empirical(np.tile(p["mean"] + p["sd"] * points, (n, 1)))
    links = {"no_flex": np.eye(n), "chain": co.chain_links(n), "full": np.ones((n, n))}
    for name, value in case["expected"].items():
        told = co.flexible_sales(links[name], capacity=np.full(n, p["capacity"]), demand=demand, samples=20_000, seed=1)
        assert told.mean == pytest.approx(value, abs=tolerance), name
        assert told.mean == pytest.approx(case["own_value"][name], abs=4 * told.error + 0.5), name
