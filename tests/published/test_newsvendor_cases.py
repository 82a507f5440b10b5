"""Newsvendor and demand figures from books and independent computation; citations are in the case file."""

import json
from pathlib import Path

import numpy as np
import pytest

import capacity_opt as co
from capacity_opt.demand.special import normal_loss

CASES = json.loads((Path(__file__).parents[1] / "data" / "inventory_cases.json").read_text(encoding="utf-8"))["cases"]


def cases(*families):
    chosen = [case for case in CASES if case["family"] in families]
    assert chosen
    return [pytest.param(case["parameters"], case["expected"], case["tolerance"], id=case["id"]) for case in chosen]


def pmf_of(support, chances):
    table = np.zeros(max(support) + 1)
    table[support] = chances
    return co.Pmf(table)


def demand_of(p):
    """The demand over the protection interval of a case."""
    if p["dist"] == "normal" and "mean_per_period" in p:
        daily = co.Normal(p["mean_per_period"], p["sd_per_period"])
        return co.lead_time_demand(daily, p["lead_time"], p["review_period"])
    if p["dist"] == "poisson" and "mean_per_period" in p:
        return co.lead_time_demand(co.Poisson(p["mean_per_period"]), p["lead_time"], p["review_period"])
    return {
        "normal": lambda: co.Normal(p["mean"], p["sd"]),
        "gamma": lambda: co.Gamma.from_shape_scale(p["shape"], p["scale"]),
        "uniform": lambda: co.Uniform(p["lo"], p["hi"]),
        "poisson": lambda: co.Poisson(p["mean"]),
        "pmf": lambda: pmf_of(p["support"], p["pmf"]),
    }[p["dist"]]()


@pytest.mark.parametrize(("p", "expected", "tolerance"), cases("newsvendor_continuous", "newsvendor_discrete"))
def test_best_order_and_its_cost(p, expected, tolerance):
    best = co.optimize_newsvendor(demand_of(p), stockout_cost=p["p"], holding_cost=p["h"])
    rel = tolerance.get("rel", tolerance.get("cost_rel"))
    assert best.order_quantity == pytest.approx(expected["S"], rel=0 if "S" in tolerance else rel)
    assert best.expected_cost == pytest.approx(expected["cost"], rel=rel)


@pytest.mark.parametrize(("p", "expected", "tolerance"), cases("newsvendor_cost"))
def test_cost_of_a_given_order(p, expected, tolerance):
    told = co.evaluate_newsvendor(p["S"], demand_of(p), stockout_cost=p["p"], holding_cost=p["h"])
    assert told.expected_cost == pytest.approx(expected["cost"], rel=tolerance["rel"])


@pytest.mark.parametrize(("p", "expected", "tolerance"), cases("newsvendor_profit"))
def test_profit_form(p, expected, tolerance):
    best = co.optimize_newsvendor(
        demand_of(p),
        price=p["price"],
        unit_cost=p["unit_cost"],
        salvage=p["salvage"],
        holding_cost=p["extra_holding"],
        stockout_cost=p["extra_stockout"],
    )
    assert best.order_quantity == pytest.approx(expected["S"], rel=tolerance["rel"])
    assert best.expected_profit == pytest.approx(expected["expected_profit"], rel=tolerance["rel"])


@pytest.mark.parametrize(("p", "expected", "tolerance"), cases("newsvendor_quantile_fed"))
def test_fed_by_quantiles(p, expected, tolerance):
    demand = co.QuantileDemand(p["levels"], p["quantiles"])
    best = co.optimize_newsvendor(demand, stockout_cost=p["p"], holding_cost=p["h"])
    if "S_piecewise_linear" in expected:
        inside = tolerance["S_piecewise_linear_rel"]
        assert best.order_quantity == pytest.approx(expected["S_piecewise_linear"], rel=inside)
    true = co.Normal(100, 30) if p["true_distribution"].startswith("normal") else co.Gamma.from_shape_scale(4, 25)
    cost = co.evaluate_newsvendor(best.order_quantity, true, stockout_cost=p["p"], holding_cost=p["h"]).expected_cost
    assert cost <= expected["cost_true"] * (1 + tolerance["max_cost_regret_rel"])
    assert bool(best.ratio_outside_levels) == (p["p"] / (p["p"] + p["h"]) > p["levels"][-1])


@pytest.mark.parametrize(("p", "expected", "tolerance"), cases("quantile_repair"))
def test_crossing_quantiles_are_sorted_and_counted(p, expected, tolerance):
    demand = co.QuantileDemand(p["levels"], p["quantiles"])
    np.testing.assert_allclose(demand.values, expected["repaired"], atol=tolerance["abs"])
    assert demand.crossings == expected["crossings"]


@pytest.mark.parametrize(("p", "expected", "tolerance"), cases("loss_function"))
def test_losses_far_in_the_tail(p, expected, tolerance):
    told = normal_loss(np.float64(p["z"])) if p["kind"] == "standard_normal" else co.Poisson(p["mean"]).loss(p["x"])
    assert told == pytest.approx(expected["loss"], rel=tolerance["rel"])


@pytest.mark.parametrize(("p", "expected", "tolerance"), cases("random_lead_time_newsvendor"))
def test_random_lead_time_as_an_exact_mixture(p, expected, tolerance):
    chances = {int(periods): chance for periods, chance in p["lead_time_pmf"].items()}
    over = co.lead_time_demand(co.Poisson(p["mean"]), chances, p["review_period"])
    best = co.optimize_newsvendor(over, stockout_cost=p["p"], holding_cost=p["h"])
    assert best.order_quantity == expected["S"]
    assert best.expected_cost == pytest.approx(expected["cost"], rel=tolerance["rel"])
    assert over.mean == pytest.approx(expected["mean"], rel=tolerance["rel"])
    assert over.variance == pytest.approx(expected["variance"], rel=tolerance["rel"])


def logarithmic(theta):
    size = np.arange(1, 200)
    return np.concatenate([[0.0], -(theta**size) / (size * np.log(1 - theta))])


@pytest.mark.parametrize(("p", "expected", "tolerance"), cases("compound_poisson"))
def test_compound_poisson(p, expected, tolerance):
    size = {int(k): chance for k, chance in p["size_pmf"].items()} if "size_pmf" in p else logarithmic(0.7)
    over = co.lead_time_demand(co.CompoundPoisson(p["customer_rate"], size), p["lead_time"], review_period=0)
    best = co.optimize_newsvendor(over, stockout_cost=p["p"], holding_cost=p["h"])
    assert best.order_quantity == expected["S"]
    assert best.expected_cost == pytest.approx(expected["cost"], rel=tolerance["rel"])
    if "prob_zero" in expected:
        assert over.cdf(0) == pytest.approx(expected["prob_zero"], rel=tolerance["rel"])
        assert over.mean == pytest.approx(expected["mean"], rel=tolerance["rel"])
        assert over.variance == pytest.approx(expected["variance"], rel=tolerance["rel"])
    if "nb_r" in expected:
        same = co.NegativeBinomial.from_r_p(expected["nb_r"], expected["nb_p"])
        np.testing.assert_allclose(over.survival(np.arange(60.0)), same.survival(np.arange(60.0)), rtol=1e-9)
