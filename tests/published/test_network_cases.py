"""Published multi-echelon, one-for-one and disruption models; each case carries its citation."""

import json
from pathlib import Path

import numpy as np
import pytest

from capacity_opt.demand.counts import Poisson
from capacity_opt.demand.parametric import Normal
from capacity_opt.inventory.disruption import optimize_disrupted_base_stock, optimize_disrupted_order_quantity
from capacity_opt.inventory.guaranteed_service import evaluate_guaranteed_service, optimize_guaranteed_service
from capacity_opt.inventory.one_for_one import evaluate_one_for_one
from capacity_opt.inventory.serial import optimize_serial
from capacity_opt.inventory.two_echelon import approximate_two_echelon, evaluate_two_echelon
from capacity_opt.problem.network import DepotAndBases, GuaranteedServiceTree, GuaranteedStage, SerialSystem

CASES = json.loads((Path(__file__).parents[1] / "data" / "inventory_cases.json").read_text(encoding="utf-8"))["cases"]


def family(*names, having=""):
    chosen = [
        pytest.param(case, id=case["id"])
        for case in CASES
        if case["family"] in names and having in {"", *case["parameters"], *case["expected"]}
    ]
    assert chosen, names
    return pytest.mark.parametrize("case", chosen)


def tree_of(nodes):
    return GuaranteedServiceTree(
        stages=[
            GuaranteedStage(
                name=str(node["id"]),
                holding_cost=node["h"],
                processing_time=node["T"],
                predecessors=tuple(map(str, node["preds"])),
                external_inbound_time=node.get("ext_in", 0),
                maximum_service_time=node.get("max_out"),
                demand_deviation=node["sd"],
                safety_factor=node["k"],
            )
            for node in nodes
        ]
    )


@family("single_site_S_1")
def test_backorders_follow_palm(case):
    """Sherbrooke, Optimal Inventory Modeling of Systems, chapter 2."""
    given, expected = case["parameters"], case["expected"]
    found = evaluate_one_for_one(given["S"], demand_rate=given["lam_times_T"], lead_time=1)
    assert found.expected_backorders == pytest.approx(expected["EBO"], rel=1e-9)
    assert found.ready_rate == pytest.approx(expected["fill_rate"], rel=1e-9)


@family("two_echelon_one_for_one", having="S_base")
def test_backorders_of_reference_networks(case):
    """Sherbrooke (1968) METRIC; Graves (1985) VARI-METRIC; exact by Simon (1971) and Graves (1985)."""
    given, expected = case["parameters"], case["expected"]
    network = DepotAndBases(
        base_rate=given["base_rates"],
        order_and_ship_time=given["order_and_ship_time"],
        depot_replenishment_time=given["depot_replenishment_time"],
    )
    stock = {"depot_stock": given["S_depot"], "base_stock": given["S_base"]}
    metric = approximate_two_echelon(network, **stock, two_moments=False)
    vari = approximate_two_echelon(network, **stock)
    assert evaluate_two_echelon(network, **stock).total_backorders == pytest.approx(expected["EBO_exact"], rel=1e-6)
    assert metric.total_backorders == pytest.approx(expected["EBO_metric"], rel=1e-6)
    assert vari.total_backorders == pytest.approx(expected["EBO_vari_metric"], rel=1e-6)
    assert (metric.method, vari.method) == ("METRIC", "VARI-METRIC")


@family("two_echelon_one_for_one", having="depot_pipeline")
def test_depot_pipeline_of_sherbrooke(case):
    """Sherbrooke, Optimal Inventory Modeling of Systems, chapter 3: 2.346."""
    given = case["parameters"]
    network = DepotAndBases(
        base_rate=[given["demand_per_year"]] * given["bases"],
        order_and_ship_time=0.01,
        depot_replenishment_time=given["depot_repair_time_years"],
        base_repair_share=given["fraction_base_repair"],
        base_repair_time=0.01,
    )
    assert network.depot_pipeline == pytest.approx(case["expected"]["depot_pipeline"], abs=0.0005)


@family("gsm_tree")
def test_textbook_trees(case):
    """Snyder and Shen, Fundamentals of Supply Chain Theory, 2nd ed. (2019), examples and problems of chapter 6."""
    tree, expected = tree_of(case["parameters"]["nodes"]), case["expected"]
    assert optimize_guaranteed_service(tree).expected_cost == pytest.approx(expected["cost"], rel=1e-9)
    given = evaluate_guaranteed_service(tree, expected["one_optimal_S"])
    assert given.expected_cost == pytest.approx(expected["cost"], rel=1e-9)


@family("serial_clark_scarf")
def test_published_serial_systems(case):
    """Shang and Song (2003), table 1; Snyder and Shen (2nd ed. 2019), example 6.1 and problem 6.2."""
    given, expected, tolerance = case["parameters"], case["expected"], case["tolerance"]
    system = SerialSystem(
        echelon_holding_cost=given["echelon_holding_downstream_first"],
        lead_time=given["lead_times_downstream_first"],
        stockout_cost=given["p"],
    )
    demand = Poisson(given["mean"]) if given["demand"] == "poisson" else Normal(given["mean"], given["sd"])
    best = optimize_serial(system, demand)
    apart = np.abs(best.echelon_base_stock_level - expected["S_echelon_downstream_first"])
    assert np.max(apart) <= tolerance.get("S_abs", 0)
    assert best.expected_cost == pytest.approx(expected["cost"], rel=tolerance["cost_rel"])


@family("supply_disruption_eoq")
def test_order_quantity_of_the_textbook(case):
    """Snyder and Shen, Fundamentals of Supply Chain Theory, 2nd ed. (2019), example 9.1."""
    given = case["parameters"]
    best = optimize_disrupted_order_quantity(
        demand_rate=given["demand_rate"],
        holding_cost=given["h"],
        fixed_cost=given["K"],
        stockout_cost=given["p"],
        disruption_rate=given["disruption_rate"],
        recovery_rate=given["recovery_rate"],
    )
    assert best.order_quantity == pytest.approx(case["expected"]["Q"], rel=1e-5)
    assert best.expected_cost == pytest.approx(case["expected"]["cost"], rel=1e-5)


@family("supply_disruption_base_stock")
def test_base_stock_of_the_textbook(case):
    """Snyder and Shen, Fundamentals of Supply Chain Theory, 2nd ed. (2019), example 9.3."""
    given = case["parameters"]
    best = optimize_disrupted_base_stock(
        demand=given["demand"],
        holding_cost=given["h"],
        stockout_cost=given["p"],
        disruption_probability=given["disruption_prob"],
        recovery_probability=given["recovery_prob"],
    )
    assert best.base_stock_level == pytest.approx(case["expected"]["S"], rel=1e-8)
    assert best.expected_cost == pytest.approx(case["expected"]["cost"], rel=1e-8)
